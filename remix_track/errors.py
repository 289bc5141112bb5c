"""What was given cannot be used: the one exception for it, and the net around parsers of files from outside."""

import contextlib
import errno
from collections.abc import Iterator, Sequence
from pathlib import Path


class InputError(ValueError):
    """A file, option or argument from the user that cannot be used.

    The message is one line that names what is wrong, where, and what to do next. Command lines print it
    without a traceback and exit with code 2; library users catch it as a `ValueError`.
    """


class ListedInputError(InputError):
    """Several at once, of files that are read together.

    Attributes:
        lines: a message of one line for each.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


@contextlib.contextmanager
def parsing(file: str | Path, kind: str, advice: str = "") -> Iterator[None]:
    """Around whatever reads a file from outside: anything it raises is one `InputError` that names the file.

        with parsing(path, "TOML settings"):
            values = tomllib.loads(text)

    A list of what a library may raise is never complete: a parser of a hostile file runs out of stack
    (`RecursionError`) or memory, divides by zero, or raises what its own dependencies raise. So there is no list.

    Args:
        file: that is read, for the message.
        kind: what it is read as, for the message: "cannot be read as KIND".
        advice: what to do next, added to the message.

    Raises:
        InputError: for every `Exception` raised inside; an `InputError` passes as it is.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        ending = f"; {advice}" if advice else ""
        raise InputError(f"{file}: cannot be read as {kind} ({_why(error)}){ending}") from error


def _why(error: Exception) -> str:
    """The error in a few words: its first line, or what its class means where it says nothing."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


_MEMORY = (
    "not enough memory",  # torch
    "allocate",  # "unable to", "failed to", "cannot", "can't": the kernel, numpy, torch, OpenCV, ONNX Runtime
    "bad_alloc",  # C++, as OpenVINO and others hand it on
    "bad allocation",
    "out of memory",
    "insufficient memory",
    "failed to map segment",  # the loader, of a library for which there is no room
    "can't start new thread",  # its stack has no room
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this says that there is not enough memory: Python's own error, or a library's words for it."""
    cause = error.__cause__ or error.__context__
    says = " ".join(str(error).lower().split())
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or any(words in says for words in _MEMORY)
        or (cause is not None and is_out_of_memory(cause))
    )

"""What was given cannot be used: the one exception for it, and the net around parsers of files from outside."""

import contextlib
from collections.abc import Iterator
from pathlib import Path


class InputError(ValueError):
    """A file, option or argument from the user that cannot be used.

    The message is one line that names what is wrong, where, and what to do next. Command lines print it
    without a traceback and exit with code 2; library users catch it as a `ValueError`.
    """


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

"""How every command ends: its exit code, and one line for whatever went wrong."""

import atexit
import contextlib
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable

from remix_track import reservations, stop_signals
from remix_track.cli.terminal import say
from remix_track.errors import InputError, ListedInputError, is_out_of_memory
from remix_track.stop_signals import Stopped

TRACEBACK = "REMIX_TRACK_TRACEBACK"
"""Set to 1 in the environment: what a command did not expect is shown with its traceback."""
_LONGEST = 300


def exit_code(program: str, run: Callable[[], int], *, ends_process: bool = False) -> int:
    """How every command ends: what `run` returns, 2 and a line on stderr for what went wrong, 129 to 143 when stopped.

    Below it is nothing: an error that no code expected, too little memory and a full disk are one line as well.

    Args:
        program: for the line.
        run: the command.
        ends_process: nothing comes after it, so that signals are caught to the very end; see `stop_signals`.
    """
    code = 2
    with stop_signals.caught(to_the_end=ends_process):
        if ends_process:
            # First in, last out: when everything else that waits for the end has had its turn.
            atexit.register(lambda: _leave(code))
        try:
            code = _ended(program, run)
        except Stopped as stopped:
            code = 128 + stopped.signal
        except KeyboardInterrupt:
            code = 128 + signal.SIGINT
        finally:
            reservations.release_all()
        return code


def _ended(program: str, run: Callable[[], int]) -> int:
    try:
        code = _run(run)
        # Here, where a full disk or a reader that has gone is still one line and not Python's own last words.
        sys.stdout.flush()
        return code
    except InputError as error:
        for line in error.lines if isinstance(error, ListedInputError) else [str(error)]:
            _say(program, line, error)
    except BrokenPipeError as error:
        # `remix-track eval | head`: whatever read our output has seen enough, as every tool takes it.
        if _output_is_gone():
            return 128 + signal.SIGPIPE
        _say(program, last_words(error), error)
    except Exception as error:
        _say(program, last_words(error), error)
    return 2


def _run(run: Callable[[], int]) -> int:
    try:
        return run()
    except SystemExit as ended:
        # So argparse ends when it has shown its help.
        return int(ended.code or 0)


def _leave(code: int) -> None:
    """End the process here if a thread of ours hangs: Python's own end aborts where one is in a native library."""
    stop_signals.ignore()
    if any(thread.name.startswith("remix-track") for thread in threading.enumerate()):
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def last_words(error: Exception) -> str:
    """One line for an error that no code expected: what it was, and what to do next."""
    text = " ".join(str(error).split())
    what = text[:_LONGEST] + ("..." if len(text) > _LONGEST else "")
    if is_out_of_memory(error):
        return (
            f"there is not enough memory ({what or 'MemoryError'}); free some, raise the limit (ulimit -v, the "
            "container's), or ask for less: fewer --threads, a smaller --imgsz or batch"
        )
    if isinstance(error, OSError) and error.strerror:
        about = f"{error.filename}: " if error.filename else ""
        return f"{about}{error.strerror}; see to it and run again ({TRACEBACK}=1 shows where it happened)"
    return (
        f"a fault in the program, {type(error).__name__}{f': {what}' if what else ''}; please report it with what "
        f"{TRACEBACK}=1 in the environment shows"
    )


def _say(program: str, line: str, error: BaseException) -> None:
    # Without stderr, or with one that takes no more, the exit code has to say it.
    with contextlib.suppress(OSError, ValueError):
        if os.environ.get(TRACEBACK) == "1":
            for traced in "".join(traceback.format_exception(error)).rstrip("\n").split("\n"):
                say(traced)
        say(f"{program}: {line}")


def _output_is_gone() -> bool:
    """Whether nothing reads stdout any more; then what is left in its buffer goes nowhere, also at exit."""
    with contextlib.suppress(OSError, ValueError):
        stdout = sys.stdout.fileno()
        poll = select.poll()
        poll.register(stdout, 0)
        if any(event & select.POLLERR for _, event in poll.poll(0)):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stdout)
            os.close(nowhere)
            return True
    return False

"""Everything that the command lines write to a terminal: each line goes through `printable`."""

import contextlib
import io
import logging
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from remix_track.terminal_text import printable

if TYPE_CHECKING:
    from rich.table import Table


_ARGUMENT = re.compile(r"`([a-z][a-z0-9_]*)`")


def with_flags(message: object) -> str:
    """A message of the library as a command line says it: its arguments, `in_backticks`, are --in-backticks here."""
    return _ARGUMENT.sub(lambda found: "--" + found[1].replace("_", "-"), str(message))


def say(line: object) -> None:
    """A line on stderr; a terminal that has gone must not end what is being ended, or be taken for a full disk."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{printable(with_flags(line))}\n")


def show(line: object) -> None:
    """A line on stdout."""
    sys.stdout.write(f"{printable(with_flags(line))}\n")


def show_own_address(address: str) -> None:
    """The address of a server of ours on stdout, at once, with the token that lets people in: it is meant for them."""
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()  # to a pipe, too, from which whatever started this reads it


def how_many(count: int, one: str, many: str = "") -> str:
    """`1 job`, `2,000 jobs`; `many` where that is not `one` and an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def show_text(text: str) -> None:
    """Several lines on stdout: help, settings."""
    sys.stdout.writelines(f"{printable(line)}\n" for line in text.rstrip("\n").split("\n"))


def show_table(table: Any, width: int | None = None) -> None:
    """What rich lays out, on stdout; square brackets and colons in it are letters as any other."""
    from rich.console import Console

    Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False).print(table)


def add_rows(table: "Table", rows: Iterable[Iterable[object]]) -> None:
    """Rows of a table whose cells hold text from outside."""
    for row in rows:
        table.add_row(*map(printable, row))


def begin(program: str, level: int = logging.WARNING) -> None:
    """Make a process ready to write: its log in lines that begin with the program's name, and letters of any kind."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As stderr does it: a letter that the terminal's encoding lacks must not end a run.
        sys.stdout.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines(f"{program}: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level)


class _Lines(logging.Formatter):
    """A record is a line; only the traceback of an exception has more of them."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        return printable(with_flags(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(map(printable, super().formatException(ei).split("\n")))

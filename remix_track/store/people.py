"""Who the tracklets of a store are: `people/` with its table, its log and the last number given.

`people.parquet` and the parts that follow it have a row for each tracklet that was looked at (see `people_rows`).
`log.jsonl` says what was named, found to be one person, and forgotten. `numbers.json` has the last number given, so
that none is given twice.
"""

import contextlib
import json
import os
import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from remix_track import file_lock
from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing
from remix_track.json_text import json_text
from remix_track.store import layout
from remix_track.store.parquet import Columns
from remix_track.store.people_rows import RowFiles, Stamp
from remix_track.text_files import write_text

LOG = "log.jsonl"
NUMBERS = "numbers.json"
LONGEST_NAME = 100
_WAIT = 60.0
_LARGEST_LOG = 1 << 28
_LONGEST_LINE = 1 << 16
_NUMBER = re.compile("[0-9]{1,18}")
_ADVICE = "remove it, and identify again"


class BusyError(InputError):
    """Another process changes the people of a store now."""


@dataclass(slots=True)
class Log:
    """What `log.jsonl` says.

    Attributes:
        names: of people, by number.
        into: of a number that was found to be another person's, that one.
        forgotten: numbers.
    """

    names: dict[int, str] = field(default_factory=dict)
    into: dict[int, int] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)

    def current(self, number: int) -> int:
        """The person whom a number stands for."""
        while number in self.into:
            number = self.into[number]
        return number

    def forgets(self, number: int) -> bool:
        """Whether it is the number of somebody who was forgotten."""
        return not self.forgotten.isdisjoint((number, self.current(number)))

    def shown(self, number: int) -> str:
        """A person as tables show it: the name, else the number; nothing for 0."""
        return self.names.get(number, str(number)) if number else ""

    def person(self, text: str) -> int | None:
        """The person of a name or number; None: there is none of that name."""
        named = [number for number, name in self.names.items() if name == text]
        return named[0] if named else self.current(int(text)) if _NUMBER.fullmatch(text) else None

    def take(self, event: Mapping[str, Any]) -> None:
        """Read on by a line."""
        kind, number = event["event"], int(event["person"])
        if kind == "name":
            if not is_name(event["name"]):
                raise ValueError("a name that cannot be shown")
            self.names[number] = event["name"]
        elif kind == "merge":
            was = int(event["was"])
            if self.current(number) == was:
                raise ValueError(f"people {number} and {was} are each the other")
            self.into[was] = number
            if was in self.names:
                self.names.setdefault(number, self.names.pop(was))
        elif kind == "forget":
            self.forgotten.add(number)


def checked_name(name: str) -> str:
    """A name that tables, videos and files can show.

    Raises:
        InputError: it is none.
    """
    if not is_name(name):
        raise InputError(f"{name[:80]!r}: expected a printable name of at most {LONGEST_NAME} letters, and no number")
    return name


def is_name(name: Any) -> bool:
    """Whether it is a text that can be shown, and is not taken for a number."""
    return isinstance(name, str) and 0 < len(name.strip()) <= LONGEST_NAME and name.isprintable() and not name.isdigit()


class PeopleFiles:
    """The files in `people/` of one store. What changes them does so inside `locked`."""

    def __init__(self, store: Path) -> None:
        """`store` is the folder of the store; nothing is made yet."""
        self.folder = store / layout.PEOPLE
        self._rows = RowFiles(store)

    @contextlib.contextmanager
    def locked(self, wait: float = _WAIT) -> Iterator[None]:
        """Be the only one that changes people.

        Args:
            wait: seconds for which another process may do so.

        Raises:
            BusyError: it does so for longer.
            InputError: the folder cannot be made.
        """
        path = self.folder / ".lock"
        try:
            self.folder.mkdir(exist_ok=True)
            layout.inside(self.folder.parent, self.folder)
            with path.open("ab") as file:
                _wait_for(file.fileno(), self.folder, wait)
                yield
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be written ({error.strerror or error}); make room, or have the right to "
                "write there"
            ) from None

    def table(self) -> Columns:
        """The rows, as `COLUMNS` has them.

        Raises:
            InputError: it is damaged.
        """
        return self._rows.read()

    def write_table(self, rows: Mapping[str, Any]) -> None:
        """Replace all rows in one piece."""
        self._rows.replace(rows)

    def stamp(self) -> Stamp:
        """What changes when rows do."""
        return self._rows.stamp()

    def rows_of_jobs(self, jobs: Collection[str]) -> Columns:
        """The rows of the tracklets of these jobs, as they were written.

        Raises:
            InputError: a file is damaged.
        """
        return self._rows.read(jobs=jobs)

    def add_rows(self, rows: Columns) -> None:
        """Add rows to the table, in one piece; they count in place of those of the same tracklets."""
        self._rows.add(rows)

    def log(self) -> Log:
        """Read the log.

        Raises:
            InputError: it is damaged.
        """
        found = Log()
        for event in self.events():
            with parsing(self.folder / LOG, "the log of a store's people", _ADVICE):
                found.take(event)
        return found

    def events(self) -> list[dict[str, Any]]:
        """The lines of the log; one that was cut off when a process was killed is none."""
        path = self.folder / LOG
        if not path.exists():
            return []
        content = read_bounded(layout.inside(self.folder.parent, path), _LARGEST_LOG, _ADVICE)
        with parsing(path, "the log of a store's people", _ADVICE):
            return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]

    def note(self, event: str, person: int, **facts: Any) -> None:
        """Add a line to the log."""
        line = {"event": event, "person": person, **facts, "utc": datetime.now(UTC).isoformat(timespec="seconds")}
        with (self.folder / LOG).open("a+b") as file:
            _cut_to_lines(file)
            file.write(json_text(line, compact=True).encode())
            file.flush()
            os.fsync(file.fileno())

    def write_events(self, events: list[dict[str, Any]]) -> None:
        """Replace the log in one piece."""
        write_text(self.folder / LOG, "".join(json_text(event, compact=True) for event in events))

    def last_number(self) -> int:
        """The last number given."""
        path = self.folder / NUMBERS
        if not path.exists():
            return int(self.table()["person"].max(initial=0))
        content = read_bounded(layout.inside(self.folder.parent, path), 1000, _ADVICE)
        with parsing(path, "the last number of a store's people", _ADVICE):
            return int(json.loads(content)["last"])

    def give_numbers(self, last: int) -> None:
        """Say that numbers up to `last` are given."""
        write_text(self.folder / NUMBERS, json_text({"last": max(last, self.last_number())}))


def _cut_to_lines(file: BinaryIO) -> None:
    """Take away the part of a line that a killed process, or a full disk, left at the end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _LONGEST_LINE, 0))
    tail = file.read()
    if tail and not tail.endswith(b"\n"):
        file.truncate(size - len(tail) + tail.rfind(b"\n") + 1)


def _wait_for(file: int, folder: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            file_lock.lock(file)
        except BlockingIOError:
            if time.monotonic() > end:
                raise BusyError(f"{folder}: another process identifies people there; wait for it") from None
            time.sleep(0.05)
        else:
            return

"""Who the tracklets of a store are: `people/` with its table, its log and the last number given.

`people.parquet` and the parts that follow it have a row for each tracklet that was looked at (see `people_rows`).
`log.jsonl` says what was named, found to be one person, corrected and forgotten (see `people_log`), and decides: rows
that are behind it are brought up to it. `numbers.json` has the last number given, so that none is given twice.
"""

import contextlib
import getpass
import json
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from remix_track import file_lock
from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing
from remix_track.json_text import json_text
from remix_track.store import layout
from remix_track.store.parquet import Columns
from remix_track.store.people_log import ACTS, LONGEST_NAME, NOBODY, Log, is_name
from remix_track.store.people_rows import RowFiles, Stamp, joined_rows, nobody_rows
from remix_track.text_files import write_text

LOG = "log.jsonl"
NUMBERS = "numbers.json"
_WAIT = 60.0
_LARGEST_LOG = 1 << 28
_LONGEST_LINE = 1 << 24
_ADVICE = "remove it, and identify again"


class BusyError(InputError):
    """Another process changes the people of a store now."""


def checked_name(name: str) -> str:
    """A name that tables, videos and files can show.

    Raises:
        InputError: it is none.
    """
    if not is_name(name):
        raise InputError(f"{name[:80]!r}: expected a printable name of at most {LONGEST_NAME} letters, and no number")
    return name


def checked_user(name: str | None) -> str:
    """Who corrects, as the log says it; of None the user of this account.

    Raises:
        InputError: no text that can be shown.
    """
    if name is not None:
        return checked_name(name)
    try:
        found = getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name, as in containers
        found = ""
    return found if is_name(found) else "user"


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
            with layout.inside(self.folder.parent, path).open("ab") as file:
                _wait_for(file.fileno(), self.folder, wait)
                yield
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be written ({error.strerror or error}); make room, or have the right to "
                "write there"
            ) from None

    def table(self) -> Columns:
        """The rows, as `COLUMNS` has them and the log says.

        Raises:
            InputError: it, or the log, is damaged.
        """
        return self.by_log(self._rows.read())

    def by_log(self, rows: Columns) -> Columns:
        """The same rows with the people that the log says, without those that are to be looked at anew.

        What was rejected before anything looked at it has a row too.
        """
        log = self.log()
        rejected = [key for key, number in log.moved.items() if number == NOBODY]
        if rejected:
            rows = joined_rows(nobody_rows(rejected), rows)
        person = log.persons(rows["job"].tolist(), rows["track"], rows["given"])
        stay = person >= 0
        return {name: column[stay] for name, column in (rows | {"person": person}).items()}

    def settle(self) -> Columns:
        """The rows, which are brought up to the log where a process was killed between the two."""
        rows = self._rows.read()
        table = self.by_log(rows)
        if not np.array_equal(table["person"], rows["person"]):
            self.write_table(table)
        return table

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

    def log(self, undone: Iterable[int] = ()) -> Log:
        """Read the log, as if the acts `undone` were undone too.

        Raises:
            InputError: it is damaged.
        """
        events = self.events()
        with parsing(self.folder / LOG, "the log of a store's people", _ADVICE):
            return Log.of(events, undone)

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
        self.note_all([{"event": event, "person": person, **facts}])

    def note_all(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Add lines to the log; each act gets its number."""
        act = max((int(one.get("act", 0)) for one in self.events()), default=0)
        now, text = datetime.now(UTC).isoformat(timespec="seconds"), ""
        for event in events:
            act += event["event"] in ACTS
            line = {**event, "utc": now} | ({"act": act} if event["event"] in ACTS else {})
            text += json_text(line, compact=True)
        with layout.inside(self.folder.parent, self.folder / LOG).open("a+b") as file:
            _cut_to_lines(file)
            file.write(text.encode())
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

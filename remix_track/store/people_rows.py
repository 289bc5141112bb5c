"""`people/people.parquet` and the parts that follow it: a row for each tracklet that was looked at.

A camera that runs adds some rows each minute, and the table may have millions, so rows that are added are a file of
their own, `people-FIRST-LAST.parquet`, numbered in the order of time. As soon as the files before it have no more rows
than it, it takes them in: so there are few files, however long a camera runs, and a row is written a few times only.
A file counts from the moment when it has its name, and what it took in does not count from then on, whether it is
removed already or not: a part whose numbers lie within those of another one, or up to the number that the footer of the
table names.
"""

import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError, parsing
from remix_track.extras import extra
from remix_track.store import layout
from remix_track.store.identification import Identities
from remix_track.store.parquet import Column, Columns, count_rows, read_notes, read_table, write_table
from remix_track.store.tracklets import Tracklets

COLUMNS = (
    Column("job", "string"),
    Column("track", "int64"),
    Column("person", "int64"),
    Column("given", "int64"),  # the number that it had first, before anything was corrected; 0: none
    Column("distance", "float", optional=True),
    Column("runner_up", "int64"),  # 0: none
    Column("runner_up_distance", "float", optional=True),
    Column("sure", "bool"),
)

_THROUGH = "through"
"""Under this name the footer of the table has the number of the last part that it took in."""
_PART = re.compile(r"people-([0-9]{8,18})-([0-9]{8,18})\.parquet", re.ASCII)


class Stamp(NamedTuple):
    """What changes when rows change.

    Attributes:
        table: of `people.parquet`; empty where there is none.
        last: the greatest number of a part.
    """

    table: str
    last: int


class _Part(NamedTuple):
    first: int
    last: int
    path: Path


class RowFiles:
    """The rows of one store. What changes them does so inside `PeopleFiles.locked`; reading needs no lock."""

    def __init__(self, store: Path) -> None:
        """`store` is the folder of the store; nothing is made yet."""
        self._store, self._folder = store, store / layout.PEOPLE
        self._table = self._folder / layout.PERSONS

    def stamp(self) -> Stamp:
        """As the files are now.

        Raises:
            InputError: the folder cannot be read.
        """
        try:
            found = self._table.stat()
            table = f"{found.st_ino}:{found.st_mtime_ns}"
        except OSError:
            table = ""
        return Stamp(table, max((part.last for part in self._all_parts()), default=0))

    def read(
        self,
        columns: Sequence[Column] = COLUMNS,
        *,
        jobs: Collection[str] | None = None,
        after: int | None = None,
    ) -> Columns:
        """The rows; of one tracklet in several files the last one's.

        Args:
            columns: which the files must have, and which are read.
            jobs: only those of tracklets of these; None: of all.
            after: only those of parts with a greater number; None: all.

        Raises:
            InputError: a file is damaged.
        """
        only = None if jobs is None else ("job", jobs)

        def rows() -> Columns:
            paths = [part.path for part in self._parts() if after is None or part.last > after]
            if after is None and self._table.exists():
                paths.insert(0, self._table)
            tables = [read_table(layout.inside(self._store, path), columns, only=only) for path in paths]
            return joined_rows(no_rows(columns), *tables)

        return self._steady(rows)

    def add(self, rows: Columns) -> None:
        """Add rows, which count in place of those of the same tracklets.

        Raises:
            OSError: no room.
            InputError: a file is damaged.
        """
        count, taken, parts = len(rows["track"]), [rows], self._parts()
        if not count:
            return
        while parts and (more := count_rows(layout.inside(self._store, parts[-1].path), COLUMNS)) <= count:
            taken.insert(0, read_table(parts.pop().path, COLUMNS))
            count += more
        if not parts and (not self._table.exists() or self._count() <= count):
            self.replace(joined_rows(self.read(), rows))
            return
        last = max(self.stamp().last, self._through()) + 1
        first = parts[-1].last + 1 if parts else self._through() + 1
        self._write(self._folder / f"people-{first:08d}-{last:08d}.parquet", joined_rows(*taken), {})
        self._remove_taken()

    def replace(self, rows: Mapping[str, Any]) -> None:
        """Have these rows and no others.

        Raises:
            OSError: no room.
            InputError: the table that there is is damaged.
        """
        last = max(self.stamp().last, self._through())
        self._write(self._table, rows, {_THROUGH: str(last)})
        self._remove_taken()

    def _write(self, path: Path, rows: Mapping[str, Any], notes: Mapping[str, str]) -> None:
        temporary = self._folder / f".{path.name}-{secrets.token_hex(4)}"
        try:
            write_table(temporary, COLUMNS, rows, notes)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def _remove_taken(self) -> None:
        left = set(self._parts())
        for part in self._all_parts():
            if part not in left:
                part.path.unlink(missing_ok=True)

    def _count(self) -> int:
        return count_rows(layout.inside(self._store, self._table), COLUMNS)

    def _through(self) -> int:
        """The number of the last part that the table took in."""
        if not self._table.exists():
            return 0
        with parsing(self._table, "a table of a store", "remove it, and identify again"):
            return int(read_notes(layout.inside(self._store, self._table), ()).get(_THROUGH, "0"))

    def _parts(self) -> list[_Part]:
        """Those that count, in the order of their numbers."""
        reach, found = self._through(), list[_Part]()
        for part in sorted(self._all_parts(), key=lambda one: (one.first, -one.last)):
            if part.last > reach:
                found.append(part)
                reach = part.last
        return found

    def _all_parts(self) -> list[_Part]:
        try:
            there = layout.inside(self._store, self._folder).iterdir() if self._folder.exists() else ()
            matches = [found for path in there if (found := _PART.fullmatch(path.name))]
        except OSError as error:
            raise InputError(f"{self._folder}: cannot be read ({error.strerror})") from None
        return [_Part(int(one[1]), int(one[2]), self._folder / one[0]) for one in matches]

    def _steady(self, read: Callable[[], Columns]) -> Columns:
        """What is read of files that no other process replaces meanwhile."""
        while True:
            before = self.stamp()
            try:
                found = read()
            except InputError:
                if self.stamp() == before:
                    raise
            else:
                if self.stamp() == before:
                    return found


def no_rows(columns: Sequence[Column] = COLUMNS) -> Columns:
    """An empty table."""
    kinds = {"string": object, "int64": np.int64, "float": np.float32, "bool": np.bool_}
    return {one.name: np.empty(0, kinds[one.kind]) for one in columns}


def rows_of(tracklets: Tracklets, found: Identities) -> Columns:
    """The rows of tracklets (N,) that were looked at, as the table has them."""
    keys = np.array([tracklets.jobs[job] for job in tracklets.job.tolist()], object)
    return {
        "job": keys,
        "track": tracklets.track,
        "person": found.person,
        "given": found.person,
        "distance": found.distance,
        "runner_up": found.runner_up,
        "runner_up_distance": found.runner_up_distance,
        "sure": found.sure,
    }


def recognised_rows(job: str, tracks: Mapping[int, Any]) -> Columns:
    """The rows of tracks of one job, each with its `Recognition`, as the table has them."""
    columns = list(zip(*tracks.values(), strict=True)) or [()] * 5
    person, distance, runner_up, runner_up_distance, sure = columns
    return {
        "job": np.full(len(tracks), job, object),
        "track": np.array(list(tracks), np.int64),
        "person": np.array(person, np.int64),
        "given": np.array(person, np.int64),
        "distance": np.array(distance, np.float32),
        "runner_up": np.array(runner_up, np.int64),
        "runner_up_distance": np.array(runner_up_distance, np.float32),
        "sure": np.array(sure, bool),
    }


def nobody_rows(keys: Sequence[tuple[str, int]]) -> Columns:
    """The rows of tracklets, each a job and a track, that are no person."""
    unknown = Identities.unknown(len(keys))
    arrays = {name: getattr(unknown, name) for name in Identities.__slots__}
    job, track = np.array([job for job, _ in keys], object), np.array([track for _, track in keys], np.int64)
    return {"job": job, "track": track, "given": unknown.person, **arrays}


def joined_rows(*tables: Columns) -> Columns:
    """All rows of some tables; of one tracklet in several the last one's."""
    rows = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    count = len(rows["track"])
    codes = _codes(rows["job"])
    order = np.lexsort((codes, rows["track"]))
    job, track = codes[order], rows["track"][order]
    is_last = np.ones(count, bool)
    is_last[:-1] = (job[1:] != job[:-1]) | (track[1:] != track[:-1])
    kept = np.sort(order[is_last])
    return rows if len(kept) == count else {name: column[kept] for name, column in rows.items()}


def _codes(texts: NDArray[np.object_]) -> NDArray[np.int32]:
    """(N,) numbers that are equal where texts are."""
    arrow = extra("pyarrow", "store", "A store")
    return np.asarray(arrow.array(texts, arrow.string()).dictionary_encode().indices)

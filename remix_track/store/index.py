"""`index.sqlite`: what queries need of all jobs in one place, made from their folders and thrown away when in doubt.

The folders are the truth. A job is in the index as its folder was when it was looked at (inode and time of change); one
that is new, changed or gone is taken in, taken again or taken out. An index of another version, or one that SQLite
calls damaged, is made anew.
"""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError, parsing
from remix_track.store import layout
from remix_track.store.index_assignments import PERSONS, set_all_people, set_people
from remix_track.store.index_file import FILE, IndexPlace, connected, meta, rebuild_advice, set_meta
from remix_track.store.index_people import People
from remix_track.store.people_rows import RowFiles, Stamp
from remix_track.store.shadow_file import ShadowFile
from remix_track.store.stored_job import StoredJob
from remix_track.store.tracklets import COLUMNS, Tracklets

_AT_ONCE = 50_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What the index knows of a job.

    Attributes:
        key: of the job.
        camera: that recorded it.
        source: as it was given.
        problem: why it cannot be used; empty where it can.
        frames, seconds, boxes, tracklets: how much it is.
        first_utc, last_utc: milliseconds since 1970 of its first and last tracklet; None where not known.
    """

    key: str
    camera: str
    source: str
    problem: str
    frames: int
    seconds: float
    boxes: int
    tracklets: int
    first_utc: int | None
    last_utc: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tracklets; see `Store.tracklets`."""

    camera: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    jobs: Sequence[str] | None = None
    person: int | None = None


class Index:
    """The index of one store; a connection is opened for each use, so that threads may share it."""

    def __init__(self, place: IndexPlace) -> None:
        """Nothing is opened yet."""
        root = self._root = place.root
        self._place = place
        self._path = root / FILE
        self._rows = RowFiles(root)

    def refresh(self) -> None:
        """Take in what is new, changed or gone in the folders.

        Raises:
            InputError: it cannot be written.
        """
        try:
            with connected(self._place.folder) as connection:
                self._refresh(connection)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise InputError(
                    f"{self._path}: cannot be written ({error}), and queries need it; make room, have the right to "
                    "write there, or wait for others"
                ) from None
            _log.warning("%s: damaged (%s), so it is made anew", self._path, error)
            self.rebuild()

    def rebuild(self) -> None:
        """Throw the index away and make it from the folders.

        Raises:
            InputError: it cannot be written.
        """
        self.remove()
        with connected(self._place.folder) as connection:
            self._refresh(connection)

    def remove(self) -> None:
        """Throw the index away.

        Raises:
            InputError: it cannot be removed.
        """
        try:
            for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
                (self._place.folder / name).unlink(missing_ok=True)
            ShadowFile.remove_all(self._place.folder)
        except OSError as error:
            raise InputError(f"{self._path}: cannot be removed ({error.strerror})") from None

    def scrub(self) -> None:
        """Leave no byte in the files of what was taken out of the index; what searches need is made anew by the next.

        Raises:
            InputError: it cannot be written.
        """
        try:
            ShadowFile.remove_all(self._place.folder)  # directions rest on all vectors that there were
        except OSError as error:
            raise InputError(f"{self._path}: beside it, nothing can be removed ({error.strerror})") from None
        with self.reading() as connection:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:  # somebody reads for long, and the log that the reader needs has it still
            self.rebuild()

    def jobs(self) -> list[JobFacts]:
        """All jobs in the order of their keys."""
        chosen = (
            "SELECT key, coalesce(name, ''), source, problem, frames, seconds, boxes, tracklets, first_utc, last_utc "
            "FROM jobs LEFT JOIN cameras ON cameras.id = jobs.camera ORDER BY key"
        )
        with self.reading() as connection:
            return [JobFacts(*row) for row in connection.execute(chosen)]

    def people(self) -> dict[int, int]:
        """How many tracklets each person has."""
        with self.reading() as connection:
            found = connection.execute("SELECT person, count(*) FROM tracklets WHERE person > 0 GROUP BY person")
            return dict(found.fetchall())

    def tracklets(self, wanted: Wanted) -> Tracklets:
        """See `Store.tracklets`."""
        with self.reading() as connection:
            where, values = _where(connection, wanted)
            return _chosen(connection, where, values)

    def ids(self, wanted: Wanted) -> NDArray[np.int64]:
        """The numbers of these tracklets, ascending."""
        with self.reading() as connection:
            where, values = _where(connection, wanted)
            found = connection.execute(f"SELECT id FROM tracklets{where} ORDER BY id", values)
            return np.fromiter((number for (number,) in found), np.int64)

    def count(self, wanted: Wanted) -> int:
        """How many there are of them."""
        with self.reading() as connection:
            where, values = _where(connection, wanted)
            if not where:
                return int(connection.execute("SELECT coalesce(sum(tracklets), 0) FROM jobs").fetchone()[0])
            return int(connection.execute(f"SELECT count(*) FROM tracklets{where}", values).fetchone()[0])

    def numbered(self, ids: NDArray[np.int64]) -> Tracklets:
        """The tracklets of these numbers (N,), in their order."""
        with self.reading() as connection:
            found = _chosen(connection, f" WHERE id IN ({','.join(map(str, ids.tolist()))})", [])
        if len(found) != len(ids):
            raise InputError(f"{self._path}: does not fit the folders; {rebuild_advice(self._root)}")
        rank = np.argsort(np.argsort(ids, kind="stable"), kind="stable")
        return found[np.argsort(found.id, kind="stable")[rank]]

    def _refresh(self, connection: sqlite3.Connection) -> None:
        if not self._stale(connection, self._folders()):
            return
        connection.execute("BEGIN IMMEDIATE")  # others who want the same wait here, and find it done
        there = self._folders()  # as they are now: what another process took in meanwhile is no job that went
        people = People(connection)
        known = dict(connection.execute("SELECT key, stamp FROM jobs").fetchall())
        for key in sorted(known.keys() - {key for key, stamp in there.items() if known.get(key) == stamp}):
            self._remove_job(connection, key)
        changed = sorted(key for key, stamp in there.items() if known.get(key) != stamp)
        for key in changed:
            self._add_job(connection, key, there[key])
        self._take_people(connection, changed)
        people.count_changed()
        set_meta(connection, "changes", str(int(meta(connection, "changes") or 0) + 1))
        connection.execute("COMMIT")

    def _stale(self, connection: sqlite3.Connection, there: Mapping[str, str]) -> bool:
        known = dict(connection.execute("SELECT key, stamp FROM jobs").fetchall())
        return known != there or meta(connection, "people") != _text(self._rows.stamp())

    def _folders(self) -> dict[str, str]:
        """The key of each job, and what changes with its folder."""
        there = self._stamps(self._root / layout.JOBS)
        for camera in self._stamps(self._root / layout.LIVE):
            parts = self._stamps(self._root / layout.LIVE / camera)
            there |= {layout.part_key(camera, part): stamp for part, stamp in parts.items() if layout.is_part(part)}
        return there

    def _stamps(self, folder: Path) -> dict[str, str]:
        """What changes with each folder in `folder`, by its name."""
        if not folder.is_dir():
            return {}
        layout.inside(self._root, folder)
        try:
            with os.scandir(folder) as entries:
                found = [one for one in entries if layout.is_key(one.name) and one.is_dir()]
                return {one.name: _stamp(one.stat(follow_symlinks=False)) for one in found}
        except OSError as error:
            raise InputError(f"{folder}: cannot be read ({error.strerror})") from None

    def _add_job(self, connection: sqlite3.Connection, key: str, stamp: str) -> None:
        try:
            stored = StoredJob.read(layout.job_folder(self._root, key))
            rows = stored.tracklets()
            stored.vectors(len(rows["track"]))
        except InputError as error:
            _log.warning("%s", error)
            connection.execute(
                "INSERT INTO jobs (key, stamp, source, problem, frames, seconds, boxes, tracklets) "
                "VALUES (?, ?, '', ?, 0, 0, 0, 0)",
                (key, stamp, str(error)),
            )
            return
        _insert(connection, stored, stamp, rows)

    def _remove_job(self, connection: sqlite3.Connection, key: str) -> None:
        number, first, count = connection.execute(
            "SELECT id, first, tracklets FROM jobs WHERE key = ?", (key,)
        ).fetchone()
        shadows = ShadowFile.named(self._place.folder, meta(connection, "sketch"))
        if shadows is not None and count:
            shadows.wipe(first, count)
        for table, column in (("cells", "job"), ("tracklets", "job"), ("jobs", "id")):
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))

    def _take_people(self, connection: sqlite3.Connection, changed: Collection[str]) -> None:
        """Say of tracklets who they are, by the rows that came since this was done last and those of changed jobs."""
        stamp, known = self._rows.stamp(), meta(connection, "people")
        table, _, last = known.rpartition(" ")
        if not known or table != stamp.table or not last.isdecimal():
            set_all_people(connection, self._rows.read(PERSONS))
        else:
            if changed:
                set_people(connection, self._rows.read(PERSONS, jobs=changed))
            if stamp.last > int(last):
                set_people(connection, self._rows.read(PERSONS, after=int(last)))
        set_meta(connection, "people", _text(stamp))

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection, for queries that are not of this class.

        Raises:
            InputError: what is done with it fails.
        """
        with (
            parsing(self._path, "the index of a store", rebuild_advice(self._root)),
            connected(self._place.folder) as found,
        ):
            yield found


def _insert(connection: sqlite3.Connection, stored: StoredJob, stamp: str, rows: Mapping[str, NDArray[Any]]) -> None:
    name, result = stored.job.camera, stored.result
    connection.execute("INSERT OR IGNORE INTO cameras (name) VALUES (?)", (name,))
    (camera,) = connection.execute("SELECT id FROM cameras WHERE name = ?", (name,)).fetchone()
    first, last = _milliseconds(rows["first_utc"]), _milliseconds(rows["last_utc"])
    known = [one for one in (*first, *last) if one is not None]
    ends = (min(known), max(known)) if known else (None, None)
    count = len(rows["track"])
    made = connection.execute(
        "INSERT INTO jobs (key, stamp, camera, source, problem, frames, seconds, boxes, tracklets, first_utc, "
        "last_utc) VALUES (?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?)",
        (stored.key, stamp, camera, stored.job.source.path, result.frames, result.seconds, result.boxes, count, *ends),
    )
    longest = max((end - begin for begin, end in zip(first, last, strict=True) if begin and end), default=0)
    connection.execute("UPDATE cameras SET longest = max(longest, ?) WHERE id = ?", (longest, camera))
    numbers = [rows[one].tolist() for one in ("track", "first_frame", "last_frame", "first_time", "last_time", "boxes")]
    connection.executemany(
        f"INSERT INTO tracklets (job, camera, row, track, first_frame, last_frame, first_time, last_time, boxes, "
        f"first_utc, last_utc) VALUES ({made.lastrowid}, {camera}, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        zip(range(count), *numbers, first, last, strict=True),
    )
    connection.execute(
        "UPDATE jobs SET first = (SELECT min(id) FROM tracklets WHERE job = jobs.id) WHERE id = ?", (made.lastrowid,)
    )


def _where(connection: sqlite3.Connection, wanted: Wanted) -> tuple[str, list[int]]:
    """What tracklets have to fulfil; of one camera, the index by time is used from both ends."""
    conditions, values = list[str](), list[int]()
    longest = connection.execute("SELECT max(longest) FROM cameras").fetchone()[0] or 0
    if wanted.camera is not None:
        found = connection.execute("SELECT id, longest FROM cameras WHERE name = ?", (wanted.camera,)).fetchone()
        number, longest = found or (-1, 0)
        conditions.append("camera = ?")
        values.append(number)
    if wanted.since is not None:
        moment = round(wanted.since.timestamp() * 1000)
        conditions += ["last_utc >= ?", "first_utc >= ?"]
        values += [moment, moment - longest]
    if wanted.until is not None:
        conditions.append("first_utc < ?")
        values.append(round(wanted.until.timestamp() * 1000))
    if wanted.person is not None:
        # The words of the partial index have to be said, or it is not used.
        conditions.append("person = ? AND person > 0" if wanted.person else "person = ?")
        values.append(wanted.person)
    if wanted.jobs is not None:
        numbers = dict(connection.execute("SELECT key, id FROM jobs").fetchall())
        known = sorted({numbers[key] for key in wanted.jobs if key in numbers})
        conditions.append(f"job IN ({','.join(map(str, known))})")
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), values


def _chosen(connection: sqlite3.Connection, where: str, values: Sequence[int]) -> Tracklets:
    keys: dict[int, str] = dict(connection.execute("SELECT id, key FROM jobs").fetchall())
    cameras: dict[int, str] = dict(connection.execute("SELECT id, name FROM cameras").fetchall())
    found = connection.execute(f"SELECT {','.join(COLUMNS)} FROM tracklets{where}", values)
    return _tracklets(_fetched(found), keys, cameras)


def _fetched(found: sqlite3.Cursor) -> NDArray[np.float64]:
    """(N, columns) with nan for what is not known; whole numbers are exact up to 2**53."""
    parts = [np.empty((0, len(COLUMNS)))]
    while rows := found.fetchmany(_AT_ONCE):
        parts.append(np.array(rows, np.float64))
    return np.concatenate(parts)


def _tracklets(rows: NDArray[np.float64], keys: Mapping[int, str], cameras: Mapping[int, str]) -> Tracklets:
    """Sorted by job and row; jobs and cameras are numbered anew, in the order of their names."""
    columns = dict(zip(COLUMNS, rows.T, strict=True))
    columns["job"], named_jobs = _renumbered(columns["job"], keys)
    columns["camera"], named_cameras = _renumbered(columns["camera"], cameras)
    order = np.lexsort((columns["row"], columns["job"]))
    arrays = {name: _typed(columns[name][order], kind) for name, kind in COLUMNS.items()}
    return Tracklets(**arrays, jobs=named_jobs, cameras=named_cameras)


def _renumbered(numbers: NDArray[np.float64], names: Mapping[int, str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Places (N,) in the sorted names of those that there are, and these names."""
    found, place = np.unique(numbers.astype(np.int64), return_inverse=True)
    there = [names[number] for number in found.tolist()]
    order = sorted(range(len(there)), key=there.__getitem__)
    rank = np.empty(len(there), np.int64)
    rank[order] = np.arange(len(there))
    return rank[place], tuple(there[one] for one in order)


def _typed(values: NDArray[Any], kind: str) -> NDArray[Any]:
    if kind != "datetime64[ms]":
        return values.astype(kind)
    known = ~np.isnan(values)
    return np.where(known, np.nan_to_num(values).astype(np.int64), np.iinfo(np.int64).min).view(kind)


def _milliseconds(times: NDArray[np.datetime64]) -> list[int | None]:
    known = ~np.isnat(times)
    return [one if is_known else None for one, is_known in zip(times.view(np.int64).tolist(), known, strict=True)]


def _text(stamp: Stamp) -> str:
    return f"{stamp.table} {stamp.last}"


def _stamp(found: os.stat_result) -> str:
    return f"{found.st_ino}:{found.st_mtime_ns}"

"""A store as the server shows it."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from remix_track.errors import InputError
from remix_track.server.recording import Boxes, Medium, Recording, medium_of
from remix_track.server.web import NotFoundError
from remix_track.store import layout
from remix_track.store.index_people import TrackletFacts
from remix_track.store.job import JobSource
from remix_track.store.parquet import TRACKS, read_groups
from remix_track.store.people import PeopleFiles
from remix_track.store.store import Store, open_store
from remix_track.store.stored_job import StoredJob
from remix_track.text_files import utf8

_MOST_FILES = 100_000
_COLUMNS = ("frame", "time", "track", "left", "top", "width", "height", "score")


class StoreCollection:
    """See `Collection`; a job is a recording."""

    def __init__(self, number: int, store: Store) -> None:
        self.number, self.title, self.folder = number, utf8(store.path.resolve().name), store.path
        self.folders: tuple[Path, ...] = ()
        self.store: Store | None = store
        self._store = store
        self._names: tuple[object, dict[int, str]] = (None, {})

    @classmethod
    def at(cls, number: int, folder: Path) -> "StoreCollection":
        """The store in a folder.

        Raises:
            InputError: there is none.
        """
        return cls(number, open_store(folder))

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """See `Collection`."""
        with self._store.reading() as connection:
            yield connection

    def names(self) -> dict[int, str]:
        """See `Collection`; the log is read when it has changed."""
        files = PeopleFiles(self._store.path)
        try:
            found = (files.folder / "log.jsonl").stat()
            stamp: object = (found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:
            return {}
        if self._names[0] != stamp:
            self._names = (stamp, dict(files.log().names))
        return self._names[1]

    def crops(self, tracklet: TrackletFacts) -> list[Path]:
        """See `Collection`."""
        stored = self._job(tracklet.job)
        named = _crops_of(stored.folder, (stored.folder / layout.TRACKLETS).stat().st_mtime_ns)
        return stored.crops(named[tracklet.row]) if tracklet.row < len(named) else []

    def recording(self, key: str) -> Recording:
        """See `Collection`."""
        stored = self._job(key)
        result, source = stored.result, stored.job.source
        frames = result.last_frame - result.first_frame
        each = result.seconds / frames if frames > 0 else 0.0
        first_seconds, rows = (result.first_frame - 1) * each, stored.tracklets()
        # A camera's time goes on while it is away; the numbers of its frames do not.
        if not source.absolute and len(rows["track"]):
            first = int(rows["first_frame"].argmin())
            first_seconds = float(rows["first_time"][first] - (rows["first_frame"][first] - result.first_frame) * each)
        return Recording(
            key=key,
            title=source.path or source.name,
            camera=stored.job.camera,
            width=result.width,
            height=result.height,
            fps=result.fps or stored.job.fps or 25.0,
            first_frame=result.first_frame,
            last_frame=result.last_frame,
            first_seconds=first_seconds,
            last_seconds=first_seconds + result.seconds,
            start=stored.job.start,
            medium=medium_of_source(source),
            boxes=lambda begin, end: _boxes(stored, begin, end),
            number_of_boxes=result.boxes,
        )

    def _job(self, key: str) -> StoredJob:
        try:
            there = (layout.job_folder(self._store.path, key) / layout.JOB).is_file()
        except OSError:  # longer than names of files are
            there = False
        if not there:
            raise NotFoundError(f"the store has no recording {key[:80]!r}")
        return self._store.job(key)


def medium_of_source(source: JobSource) -> Medium:
    """The file that a job was tracked from, if it is still that file: a store may say any path, and is not believed."""
    if not source.absolute or not source.digest:
        return Medium(why="A camera's pictures are not kept.")
    path = Path(source.absolute)
    try:
        found = path.stat()
        size = source.size if path.is_dir() and _is_small(path) else found.st_size if path.is_file() else -1
        same = _is_source(source, size, found.st_mtime_ns)
    except (OSError, ValueError):
        return Medium(why=f"Its file is not at {source.absolute} any more.")
    return medium_of(path) if same else Medium(why=f"At {source.absolute} there is another file now.")


def _is_small(folder: Path) -> bool:
    """Whether a folder can be looked through: a store may say any, also that of the whole disk."""
    return sum(1 for _ in itertools.islice(folder.rglob("*"), _MOST_FILES + 1)) <= _MOST_FILES


@lru_cache(maxsize=4096)
def _is_source(source: JobSource, size: int, modified: int) -> bool:
    """Whether the file has the ends that were tracked; its size and time are those of the cache."""
    if size != source.size:
        return False
    try:
        return JobSource.of_path(source.absolute).digest == source.digest
    except InputError:
        return False


@lru_cache(maxsize=256)
def _crops_of(folder: Path, modified: int) -> list[str]:
    """The names of the crops of each tracklet of a job; the time is that of the cache."""
    return [str(names) for names in StoredJob.read(folder).tracklets()["crops"].tolist()]


def _boxes(stored: StoredJob, begin: float, end: float) -> Boxes:
    path = layout.inside(stored.folder.parent.parent, stored.folder / layout.TRACKS)
    groups = list(read_groups(path, TRACKS, _COLUMNS, between=("time", begin, end)))
    rows = {name: np.concatenate([one[name] for one in groups] or [np.zeros(0)]) for name in _COLUMNS}
    right, bottom = rows["left"] + rows["width"], rows["top"] + rows["height"]
    xyxy = np.stack([rows["left"], rows["top"], right, bottom], axis=1).astype(np.float32)
    frame, track = rows["frame"].astype(np.int64), rows["track"].astype(np.int64)
    return Boxes(frame, rows["time"], track, xyxy, np.isnan(rows["score"])).between(begin, end)

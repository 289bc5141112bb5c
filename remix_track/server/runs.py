"""Folders of runs as the server shows them: their rows in the tables of a store's index, in memory."""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.bounded_file import read_bounded
from remix_track.digests import quick_digest
from remix_track.errors import parsing
from remix_track.run_files import parts_in
from remix_track.server.recording import Boxes, Medium, Recording, medium_of
from remix_track.server.web import NotFoundError
from remix_track.store import layout
from remix_track.store.index_file import in_memory
from remix_track.store.index_people import People, TrackletFacts
from remix_track.store.store import Store
from remix_track.text_files import utf8
from remix_track.trackers.pipeline.recorded_run import RecordedRun, read_recorded_run
from remix_track.trackers.sinks.video import play_rate

TRACKS = "tracks.txt"
LINKED = "link.json"
SUMMARY = "summary.json"
_LARGEST = 50_000_000
_MOST_RUNS = 500
_USUAL_FPS = 25.0
_SAME_PERSON = "INSERT INTO tracklets (job, camera, row, track, first_frame, last_frame, first_time, last_time, boxes, "
_FIELDS = "first_utc, last_utc, person, sure) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"


def runs_at(path: Path) -> list[list[Path]]:
    """The runs that a path means: lists of folders whose numbers of people belong together.

    A file means the run that it lies in; a folder of several runs means all of them, and what was linked is one.
    """
    folder = path if path.is_dir() else path.parent
    if parts_in(folder, TRACKS):
        return [[folder]]
    inner = sorted(one for one in folder.iterdir() if one.is_dir() and parts_in(one, TRACKS))[:_MOST_RUNS]
    return [inner] if (folder / LINKED).is_file() and inner else [[one] for one in inner]


class RunCollection:
    """See `Collection`; each part of a run, or of several that were linked, is a recording."""

    def __init__(self, number: int, folders: Sequence[Path]) -> None:
        """Read the rows.

        Raises:
            InputError: they cannot be read.
        """
        self.number = number
        self.store: Store | None = None
        self.folders = tuple(folders)
        self.folder = folders[0] if len(folders) == 1 else folders[0].parent
        self.title = utf8(self.folder.resolve().name)
        self._parts = {
            f"{place}-{text.stem}": RunPart(f"{place}-{text.stem}", folder, text)
            for place, folder in enumerate(folders, 1)
            for text in parts_in(folder, TRACKS)
        }
        self._lock, self._connection = threading.Lock(), in_memory()
        people = People(self._connection)
        for part in self._parts.values():
            _insert(self._connection, part)
        people.count_changed()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """See `Collection`; one thread at a time."""
        with self._lock, parsing(self.folder, "a run", "track again"):
            yield self._connection

    def names(self) -> dict[int, str]:
        """See `Collection`; people of a run have numbers only."""
        return {}

    def crops(self, tracklet: TrackletFacts) -> list[Path]:
        """See `Collection`; those that `crops` kept of these frames, in the order of time."""
        part = self._part(tracklet.job)
        folder = part.folder / layout.CROPS / str(tracklet.track)
        if not folder.is_dir():
            return []
        found = sorted(one for one in folder.glob("*.jpg") if one.stem.isdecimal() and len(one.stem) < 19)
        kept = [one for one in found if tracklet.first_frame <= int(one.stem) <= tracklet.last_frame]
        middle = len(kept) // 2
        return [layout.inside(part.folder, one) for one in kept[middle:] + kept[:middle]]

    def recording(self, key: str) -> Recording:
        """See `Collection`."""
        return self._part(key).recording

    def _part(self, key: str) -> "RunPart":
        if key not in self._parts:
            raise NotFoundError(f"there is no recording {key[:80]!r} here")
        return self._parts[key]


@dataclass(frozen=True)
class RunPart:
    """One file of MOT text of a run."""

    key: str
    folder: Path
    text: Path

    @cached_property
    def run(self) -> RecordedRun:
        """Its rows."""
        return read_recorded_run(self.text)

    @cached_property
    def began(self) -> datetime | None:
        """When its first frame was, where the run knows the time of day."""
        summary = self.folder / SUMMARY
        if not summary.is_file():
            return None
        with parsing(summary, "the summary of a run", "track again"):
            told = json.loads(read_bounded(summary, _LARGEST))
            said = [part.get("first_utc") for part in told["parts"] if self.text.name in part["files"]]
            return datetime.fromisoformat(said[0]) if said and said[0] else None

    @cached_property
    def recording(self) -> Recording:
        """It as pages see it."""
        run = self.run
        medium = self._medium()
        last = int(run.frame[-1]) if len(run.frame) else run.first
        if run.frames and run.size:
            last = max(last, run.last or 0, 0 if self._uneven else run.first + (run.frames - 1) * run.stride)
        each = self._seconds_each
        first_seconds = 0.0 if medium.drawn else (run.first - 1) * each
        return Recording(
            key=self.key,
            title=utf8(run.source or self.folder.name),
            camera=utf8(self.folder.resolve().name),
            width=run.size[0] if run.size else 0,
            height=run.size[1] if run.size else 0,
            fps=self._fps,
            first_frame=run.first,
            last_frame=last,
            first_seconds=first_seconds,
            last_seconds=first_seconds + (last - run.first) * each,
            start=self.began and self.began - timedelta(seconds=first_seconds),
            medium=medium,
            boxes=self._boxes().between,
            number_of_boxes=len(run.frame),
            run=self.folder,
        )

    @cached_property
    def _uneven(self) -> bool:
        """Whether it passed frames over, as a tracker does that is slower than its camera."""
        run = self.run
        return bool(run.frames and run.last) and run.last != run.first + ((run.frames or 1) - 1) * run.stride

    @cached_property
    def _fps(self) -> float:
        """Of what plays. The video of an uneven run has the frames that were looked at, at the rate of its source."""
        fps = self.run.fps or _USUAL_FPS
        return fps * self.run.stride if self._uneven and self._medium().drawn else fps

    @cached_property
    def _seconds_each(self) -> float:
        """From the number of a frame to that of the next; in the video of an uneven run on average, so that both ends
        are right."""
        run, rate = self.run, float(play_rate(self.text, self._fps))
        if self._uneven and self._medium().drawn and run.frames and run.last:
            return (run.frames - 1) / max(run.last - run.first, 1) / rate
        return 1 / run.stride / rate

    def _medium(self) -> Medium:
        """The run's own video, whose frames are those that were looked at; else the source."""
        beside = self.text.with_name(self.text.name.replace("tracks", "video", 1)).with_suffix(".mp4")
        if beside.is_file():
            return medium_of(layout.inside(self.folder, beside), drawn=True)
        if self.run.source is None:
            return Medium(why="The run has no video, and does not say what it was tracked from.")
        return self._source(Path(self.run.source))

    def _source(self, path: Path) -> Medium:
        """What was tracked, if it is still there: a summary may say any file, and is not believed without a digest."""
        found = medium_of(path)
        if found.path is None:
            return found
        if self.run.digest is None:
            return Medium(why=f"The run kept no digest by which {path.name} could be known again; track it again.")
        return found if quick_digest(path) == self.run.digest else Medium(why=f"At {path} there is another file now.")

    def _boxes(self) -> Boxes:
        run = self.run
        first = run.first if self._medium().drawn else 1
        seconds = (run.frame - first).astype(np.float64) * self._seconds_each
        xyxy = run.xyxy.astype(np.float32)
        return Boxes(run.frame, seconds, run.id, xyxy, np.zeros(len(run.frame), np.bool_))


def _insert(connection: sqlite3.Connection, part: RunPart) -> None:
    recording, run = part.recording, part.run
    connection.execute("INSERT OR IGNORE INTO cameras (name) VALUES (?)", (recording.camera,))
    (camera,) = connection.execute("SELECT id FROM cameras WHERE name = ?", (recording.camera,)).fetchone()
    tracks = _spans(run.frame, run.id)
    made = connection.execute(
        "INSERT INTO jobs (key, stamp, camera, source, problem, frames, seconds, boxes, tracklets) "
        "VALUES (?, '', ?, ?, '', ?, ?, ?, ?)",
        (part.key, camera, recording.title, run.frames or 0, recording.last_seconds - recording.first_seconds,
         len(run.frame), len(tracks)),
    )  # fmt: skip
    rows = []
    for row, (track, first, last, boxes) in enumerate(tracks):
        times = [recording.seconds_of(frame) for frame in (first, last)]
        clock = [_milliseconds(recording.start, one) for one in times]
        rows.append((made.lastrowid, camera, row, track, first, last, *times, boxes, *clock, track))
    connection.executemany(_SAME_PERSON + _FIELDS, rows)
    connection.execute(
        "UPDATE jobs SET first_utc = (SELECT min(first_utc) FROM tracklets WHERE job = jobs.id), "
        "last_utc = (SELECT max(last_utc) FROM tracklets WHERE job = jobs.id) WHERE id = ?",
        (made.lastrowid,),
    )


def _spans(frame: NDArray[np.int64], id_: NDArray[np.int64]) -> list[tuple[int, int, int, int]]:
    """Of each id: itself, its first and last frame, and how many boxes it has."""
    ids, place, counts = np.unique(id_, return_inverse=True, return_counts=True)
    first, last = np.full(len(ids), np.iinfo(np.int64).max), np.zeros(len(ids), np.int64)
    np.minimum.at(first, place, frame)
    np.maximum.at(last, place, frame)
    return list(zip(ids.tolist(), first.tolist(), last.tolist(), counts.tolist(), strict=True))


def _milliseconds(start: datetime | None, seconds: float) -> int | None:
    return None if start is None else round((start + timedelta(seconds=seconds)).timestamp() * 1000)

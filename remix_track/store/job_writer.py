"""A job written to a store as its frames come: hidden beside its place, and moved there when it is whole."""

import contextlib
import dataclasses
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from remix_track import file_lock
from remix_track.boxes import tlwh_from_xyxy
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.store import layout
from remix_track.store.best_crops import BestCrops, BestCropSettings
from remix_track.store.job import Job
from remix_track.store.parquet import TRACKLETS, TRACKS, TableWriter, write_table
from remix_track.store.stored_job import COMPLETE, JobResult, job_text
from remix_track.store.vectors import write_vectors
from remix_track.track_means import NO_TIME, VectorSums, unit
from remix_track.trackers.frame import TrackedFrame

LOCK = ".lock"
"""How the name of the file beside a hidden folder ends that its writer has locked."""

GROUP = 100_000
"""Boxes that are gathered before they are written as a row group; five megabytes."""


@dataclass(slots=True)
class _Tracklet:
    first: tuple[int, float, int]  # frame, seconds, milliseconds since 1970
    last: tuple[int, float, int]
    boxes: int = 0
    scored: int = 0
    score: float = 0.0


class JobWriter:
    """Writes the frames of one job; memory holds a row group of boxes, and a few numbers of each track.

        with store.writer(job) as writer:
            for frame in run:
                writer.add(frame)

    The end of `with` makes the job whole; where it is left by an exception, nothing stays. What a killed process leaves
    is hidden, is no job, and is swept away when the next one begins (`Store.sweep`).

    Attributes:
        job: that is written.
        ended: `complete`, or why the source broke off; to be set before the end.
        problems: what was wrong with the source, a line each; likewise.
        folder: where the job lies once it is whole.
    """

    def __init__(self, folder: Path, job: Job, settings: BestCropSettings | None = None) -> None:
        """Begin the files.

        Args:
            folder: of the job; the one that it lies in is made.
            job: what is tracked.
            settings: of the crops.

        Raises:
            InputError: no room, or no right to write there.
            ExtraError: pyarrow is not installed.
        """
        self.folder, self.job = folder, job
        self.ended, self.problems = COMPLETE, tuple[str, ...]()
        self._hidden = folder.parent / f".{folder.name}.{secrets.token_hex(4)}"
        self._stack = contextlib.ExitStack()
        self._boxes: list[dict[str, NDArray[Any]]] = []
        self._waiting = 0
        self._found: dict[int, _Tracklet] = {}
        self._frames, self._count = 0, 0
        self._ends: list[tuple[int, float]] = []
        self._size = (0, 0)
        with self._writing():
            self._stack.enter_context(_locked(self._hidden))
            self._hidden.mkdir()
            self._stack.callback(shutil.rmtree, self._hidden, ignore_errors=True)
            self._sums = VectorSums(self._hidden)
            self._stack.callback(self._sums.close)
            self._crops = BestCrops(self._hidden, settings or BestCropSettings())
            self._table = self._stack.enter_context(TableWriter(self._hidden / layout.TRACKS, TRACKS))

    def add(self, frame: TrackedFrame) -> None:
        """Take a frame with its tracks; frames come in order.

        Raises:
            InputError: no room; the job is given up.
        """
        utc = self._utc(frame)
        with self._writing():
            self._note_frame(frame)
            self._add_boxes(frame, utc)
            self._add_vectors(frame)
            self._crops.add(frame)
            if self._waiting >= GROUP:
                self._write_group()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            with self._writing():
                self._finish()
            return
        self._give_up(kind, error, trace)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Whatever fails in here, nothing is left of the job."""
        try:
            yield
        except BaseException as error:
            self._give_up(type(error), error, error.__traceback__)
            if isinstance(error, OSError):
                where, why = self.folder, error.strerror or error
                raise InputError(f"{where}: cannot be written ({why}); make room and run again") from None
            raise

    def _give_up(self, kind: type[BaseException] | None, error: BaseException, trace: TracebackType | None) -> None:
        with contextlib.suppress(Exception):
            self._stack.__exit__(kind, error, trace)

    def _utc(self, frame: TrackedFrame) -> datetime | None:
        if frame.utc is not None:
            return frame.utc if frame.utc.tzinfo else frame.utc.replace(tzinfo=UTC)
        return None if self.job.start is None else self.job.start + timedelta(seconds=frame.time)

    def _note_frame(self, frame: TrackedFrame) -> None:
        if not self._frames:
            self._size = frame.image.shape[1], frame.image.shape[0]
        self._frames += 1
        self._ends[1:] = [(frame.index, frame.time)]
        if not self._ends:
            self._ends = [(frame.index, frame.time)]

    def _add_boxes(self, frame: TrackedFrame, utc: datetime | None) -> None:
        count = len(frame.tracks)
        if not count:
            return
        left, top, width, height = tlwh_from_xyxy(frame.xyxy).T
        milliseconds = NO_TIME if utc is None else round(utc.timestamp() * 1000)
        self._boxes.append({
            "frame": np.full(count, frame.index),
            "time": np.full(count, float(frame.time)),
            "utc": np.full(count, milliseconds).view("datetime64[ms]"),
            "track": frame.ids,
            "left": left,
            "top": top,
            "width": width,
            "height": height,
            "score": frame.scores,
            "class_id": frame.class_ids.astype(np.int32),
        })  # fmt: skip
        self._waiting += count
        self._count += count
        now = (frame.index, frame.time, milliseconds)
        for track, score in zip(frame.ids.tolist(), frame.scores.tolist(), strict=True):
            found = self._found.setdefault(track, _Tracklet(now, now))
            found.last, found.boxes = now, found.boxes + 1
            if score == score:
                found.scored, found.score = found.scored + 1, found.score + score

    def _add_vectors(self, frame: TrackedFrame) -> None:
        weights = self.job.weights
        if weights is None or frame.embeddings is None or not len(frame.tracks):
            return
        if frame.embeddings.shape[1] != weights.width:
            width = frame.embeddings.shape[1]
            raise InputError(f"vectors {width} long in a job of {weights.name}, whose are {weights.width} long")
        seen = frame.tracks.detection >= 0
        self._sums.add(frame.index, frame.ids[seen], frame.embeddings[seen])

    def _write_group(self) -> None:
        names = [one.name for one in TRACKS]
        if self._boxes:
            self._table.write({name: np.concatenate([part[name] for part in self._boxes]) for name in names})
        self._boxes, self._waiting = [], 0

    def _finish(self) -> None:
        self._write_group()
        self._table.close()
        tracks = np.array(sorted(self._found), np.int64)
        counts = self._write_vectors(tracks)
        write_table(self._hidden / layout.TRACKLETS, TRACKLETS, self._tracklets(tracks, counts, self._crops.finish()))
        result = dataclasses.asdict(self._result())
        _write_bytes(self._hidden / layout.JOB, json_text(job_text(self.job, result), indent=2).encode())
        sync_tree(self._hidden)
        self._move()
        self._stack.close()

    def _result(self) -> JobResult:
        first, last = (self._ends[0], self._ends[-1]) if self._ends else ((0, 0.0), (0, 0.0))
        return JobResult(
            ended=self.ended,
            frames=self._frames,
            first_frame=first[0],
            last_frame=last[0],
            seconds=last[1] - first[1],
            fps=self.job.fps or 0.0,
            width=self._size[0],
            height=self._size[1],
            boxes=self._count,
            tracklets=len(self._found),
            problems=self.problems,
        )

    def _write_vectors(self, tracks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Write the mean vector of each track; how many it is the mean of (T,)."""
        width = self.job.weights.width if self.job.weights else 0
        counts = np.zeros(len(tracks), np.int64)
        blocks = _in_rows(tracks, self._sums.parts(), counts, width)
        write_vectors(self._hidden / layout.VECTORS, blocks, (len(tracks), width))
        return counts

    def _tracklets(
        self, tracks: NDArray[np.int64], counts: NDArray[np.int64], crops: dict[int, list[str]]
    ) -> dict[str, Any]:
        found = [self._found[track] for track in tracks.tolist()]
        first, last = [one.first for one in found], [one.last for one in found]
        return {
            "track": tracks,
            "first_frame": np.array([one[0] for one in first], np.int64),
            "last_frame": np.array([one[0] for one in last], np.int64),
            "first_time": np.array([one[1] for one in first], np.float64),
            "last_time": np.array([one[1] for one in last], np.float64),
            "first_utc": np.array([one[2] for one in first], np.int64).view("datetime64[ms]"),
            "last_utc": np.array([one[2] for one in last], np.int64).view("datetime64[ms]"),
            "boxes": np.array([one.boxes for one in found], np.int64),
            "vectors": counts,
            "mean_score": np.array([one.score / one.scored if one.scored else np.nan for one in found], np.float32),
            "crops": np.array([" ".join(crops.get(track, [])) for track in tracks.tolist()], object),
        }

    def _move(self) -> None:
        try:
            self._hidden.rename(self.folder)
        except OSError:
            # Another process did the same job meanwhile: what it left is as good.
            if not (self.folder / layout.JOB).is_file():
                raise
        sync_folder(self.folder.parent)


def _in_rows(
    tracks: NDArray[np.int64], parts: Iterable[NDArray[np.void]], counts: NDArray[np.int64], width: int
) -> Iterator[NDArray[np.floating]]:
    """The unit vectors of the tracks in order, zeros for those that `parts` lacks; fills `counts` (T,)."""
    done = 0
    for part in parts:
        rows = np.searchsorted(tracks, part["id"])
        counts[rows] = part["count"]
        block = np.zeros((int(rows[-1]) + 1 - done, width), np.float16)
        block[rows - done] = unit(part["vector"])
        done += len(block)
        yield block
    yield np.zeros((len(tracks) - done, width), np.float16)


def _write_bytes(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_tree(folder: Path) -> None:
    """Have every file and folder below `folder` on the disk, so that what is renamed is whole after a power loss.

    Raises:
        OSError: the disk refuses.
    """
    for root, _, names in os.walk(folder):
        for name in names:
            _sync(os.open(Path(root) / name, os.O_RDONLY))
        sync_folder(Path(root))


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk.

    Raises:
        OSError: the disk refuses.
    """
    _sync(os.open(folder, os.O_RDONLY))


def _sync(file: int) -> None:
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextlib.contextmanager
def _locked(hidden: Path) -> Iterator[None]:
    """Hold the lock that says that the writer of a hidden folder is alive."""
    path = hidden.with_name(hidden.name + LOCK)
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("wb")
        except FileNotFoundError:
            continue  # a camera's folder, which was empty, was swept away between the two
        with contextlib.suppress(OSError):  # a network's file system may have no locks
            file_lock.lock(file.fileno())
        if os.fstat(file.fileno()).st_nlink:
            break
        file.close()  # swept away between the two
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def sweep(folder: Path) -> int:
    """Remove what killed writers left beside the jobs in `folder`; how many.

    Those at work hold a lock, which the kernel gives back when they end.
    """
    swept = 0
    for path in folder.glob(f".*{LOCK}"):
        with contextlib.suppress(OSError), path.open("rb") as opened:
            file_lock.lock(opened.fileno())
            shutil.rmtree(path.with_name(path.name.removesuffix(LOCK)), ignore_errors=True)
            path.unlink()
            swept += 1
    return swept

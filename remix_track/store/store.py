"""A store: open it, see what is in it, add jobs to it."""

import contextlib
import dataclasses
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing
from remix_track.json_text import json_text
from remix_track.setting_values import Limits, typed
from remix_track.settings import build
from remix_track.store import layout
from remix_track.store.best_crops import BestCropSettings
from remix_track.store.index import Index, JobFacts, Wanted
from remix_track.store.index_file import IndexPlace, rebuild_advice
from remix_track.store.job import Job, Weights
from remix_track.store.job_writer import JobWriter, sweep, sync_folder
from remix_track.store.live import PART_SECONDS, LiveWriter
from remix_track.store.search import Hits, search
from remix_track.store.sketch import Shadows, Sketch
from remix_track.store.stored_job import StoredJob
from remix_track.store.tracklets import Tracklets
from remix_track.store.vectors import usable


def open_store(path: str | os.PathLike[str], *, create: bool = False) -> "Store":
    """Open a store.

        store = remix_track.store.open_store("people", create=True)
        print(len(store.jobs()), "jobs")

    Args:
        path: its folder.
        create: make it where there is none; a folder that holds other things is refused.

    Raises:
        InputError: there is no store, or one of a later format; or it cannot be made.
    """
    folder = Path(path)
    mark = folder / layout.MARK
    if create and not mark.exists():
        _make(folder)
    if not mark.exists():
        what = "no store" if folder.exists() else "there is nothing"
        raise InputError(f"{folder}: {what}; `remix-track SOURCE ... --store {folder}` makes one")
    made = _read_json(mark)
    if made.get("format") != layout.FORMAT:
        found = str(made.get("format"))[:20]
        raise InputError(f"{mark}: format {found}, this release reads {layout.FORMAT}; update remix-track")
    return Store(folder)


class Store:
    """Jobs, their tracklets and people in one folder; see `open_store`.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        place = IndexPlace(path)
        self._index, self._sketch = Index(place), Sketch(place)

    @property
    def weights(self) -> Weights | None:
        """The network whose vectors it has; None before the first job with vectors.

        Raises:
            InputError: its file is damaged.
        """
        path = self.path / layout.WEIGHTS
        if not path.exists():
            return None
        return build(Weights, _read_json(path), str(path))

    def claim_weights(self, weights: Weights) -> None:
        """Say that the store has vectors of this network; the first one that says so decides, also among many machines.

        Raises:
            InputError: it has those of another one.
        """
        path = self.path / layout.WEIGHTS
        if not path.exists():
            _write_once(path, dataclasses.asdict(weights))
        self.refuse_other_weights(weights)

    def refuse_other_weights(self, weights: Weights) -> None:
        """Raise `InputError` where the store has vectors of another network."""
        has = self.weights
        if has is not None and not has.same_as(weights):
            told = [f"{one.name} ({one.input}, {one.width} long, sha256 {one.sha256[:12]})" for one in (has, weights)]
            raise InputError(
                f"{self.path}: a store of vectors of {told[0]}, not of {told[1]}; "
                "give the `weights` that made them, or another `store`"
            )

    def jobs(self) -> tuple[str, ...]:
        """The keys of all jobs that are done, in the order of their names.

        Raises:
            InputError: the folder cannot be read.
        """
        folder = self.path / layout.JOBS
        if not folder.exists():
            return ()
        layout.inside(self.path, folder)
        try:
            return tuple(sorted(one.name for one in os.scandir(folder) if layout.is_key(one.name) and one.is_dir()))
        except OSError as error:
            raise InputError(f"{folder}: cannot be read ({error.strerror})") from None

    def has(self, job: Job | str) -> bool:
        """Whether this job is done."""
        return (self._folder(job) / layout.JOB).is_file()

    def job(self, job: Job | str) -> StoredJob:
        """A job that is done, by itself or its key.

        Raises:
            InputError: it is not there, or damaged.
        """
        folder = self._folder(job)
        if not folder.is_dir():
            raise InputError(f"{self.path}: has no job {folder.name}; it has {len(self.jobs())} others")
        return StoredJob.read(folder)

    def writer(self, job: Job, settings: BestCropSettings | None = None) -> JobWriter:
        """Begin to write a job; see `JobWriter`.

        Raises:
            InputError: it is done already, has vectors of another network than the store, or cannot be written.
        """
        if self.has(job):
            raise InputError(f"{self.path}: has the job {job.key} already; remove its folder to track it again")
        if job.weights is not None:
            self.claim_weights(job.weights)
        return JobWriter(self._folder(job), job, settings)

    def live_writer(
        self, job: Job, *, seconds: float = PART_SECONDS, settings: BestCropSettings | None = None
    ) -> LiveWriter:
        """Begin to write what a camera sees while it runs; see `LiveWriter`.

        Raises:
            InputError: it has vectors of another network than the store, or `seconds` is no time.
        """
        if job.weights is not None:
            self.claim_weights(job.weights)
        folder = layout.inside(self.path, self.path / layout.LIVE / job.key)
        return LiveWriter(folder, job, seconds=seconds, settings=settings)

    def sweep(self) -> int:
        """Remove what killed writers left; how many of them. Those at work are left alone."""
        live = self.path / layout.LIVE
        cameras = [one for one in live.glob("*") if one.is_dir() and not one.is_symlink()]
        swept = sum(sweep(folder) for folder in (self.path / layout.JOBS, *cameras))
        for folder in cameras:
            with contextlib.suppress(OSError):
                folder.rmdir()  # where a process was killed before its first part was whole
        return swept

    def refresh(self) -> None:
        """Have the index take in what came, changed or went in the folders; every query does so first.

        Raises:
            InputError: the index cannot be written.
        """
        self._index.refresh()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to the index as the folders are now, for the queries of `index_people`.

        Raises:
            InputError: it cannot be read.
        """
        self.refresh()
        with self._index.reading() as connection:
            yield connection

    def rebuild(self) -> None:
        """Make the index anew from the folders.

        Raises:
            InputError: it cannot be written.
        """
        self._index.rebuild()

    def scrub(self) -> None:
        """Take what went from the folders out of the index, so that no byte of it is left there.

        Raises:
            InputError: the index cannot be written.
        """
        self._index.refresh()
        self._index.scrub()

    def facts(self) -> list[JobFacts]:
        """What the index knows of each job, in the order of their keys; also of those that cannot be used."""
        self.refresh()
        return self._index.jobs()

    def people(self) -> dict[int, int]:
        """The people whom tracklets are assigned to, and how many each has."""
        self.refresh()
        return self._index.people()

    def tracklets(
        self,
        camera: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        jobs: Sequence[str] | None = None,
        person: int | None = None,
    ) -> Tracklets:
        """Tracklets in the order of the jobs' keys and of their rows there.

        Args:
            camera: only of this camera.
            since: only those that end then or later; none whose time of day is not known.
            until: only those that begin before; likewise.
            jobs: only of these keys; None: of all.
            person: only this one's.

        Raises:
            InputError: the index cannot be read.
        """
        self.refresh()
        return self._index.tracklets(Wanted(camera, since, until, jobs, person))

    def search(
        self,
        vector: ArrayLike,
        top: int = 10,
        *,
        camera: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        jobs: Sequence[str] | None = None,
        person: int | None = None,
    ) -> Hits:
        """The tracklets whose appearance is nearest to a vector; all are compared, and none is missed.

            hits = store.search(vector, top=5, camera="gate")
            for (job, track), distance in zip(hits.tracklets.keys(), hits.distance):
                print(job, track, distance)

        What the vectors of one camera have in common is taken out of them first, as `--link` does it. Among more than
        some thousand tracklets, what is needed for that is kept in the store beside the index, and the first search
        after many jobs came takes longer.

        Args:
            vector: (D,) of the person, by the network of the store, such as `embedder.of_crops([crop])[0]`.
            top: at most so many.
            camera: only of this camera; for the others see `tracklets`.
            since: only those that end then or later.
            until: only those that begin before.
            jobs: only of these keys.
            person: only this one's.

        Raises:
            InputError: a vector of another length or without direction, or a store that cannot be read.
        """
        typed(top, int, "`top`", Limits(low=1))
        self.refresh()
        return search(self, self._index, self._sketch, vector, Wanted(camera, since, until, jobs, person), top)

    def vectors(self, tracklets: Tracklets) -> NDArray[np.float32]:
        """Their vectors (N, D) in float32, of unit length; zeros for a tracklet without one.

        Raises:
            InputError: a file of a job is missing or damaged, or of vectors of another length.
        """
        weights = self.weights
        width = weights.width if weights else 0
        vectors = np.zeros((len(tracklets), width), np.float32)
        for number in np.unique(tracklets.job).tolist():
            rows = np.flatnonzero(tracklets.job == number)
            stored = self.job(tracklets.jobs[number])
            mapped = stored.vectors(stored.result.tracklets, width)
            if tracklets.row[rows].max() >= len(mapped) or tracklets.row[rows].min() < 0:
                raise InputError(f"{stored.folder}: has other tracklets than asked for; {rebuild_advice(self.path)}")
            if mapped.shape[1]:
                vectors[rows] = usable(mapped[tracklets.row[rows]])
        return vectors

    def shadows(self) -> Shadows:
        """What a search among many needs of all vectors, as the folders are now.

        Raises:
            InputError: no room for it, or vectors of a job are missing or damaged.
        """
        self.refresh()
        weights = self.weights
        if weights is None:
            raise InputError(f"{self.path}: has no vectors; track with `weights` other than none")
        return self._sketch.shadows(weights.width)

    def numbered(self, ids: NDArray[np.int64]) -> Tracklets:
        """The tracklets of these numbers (N,) of the index, in their order; see `Tracklets.id`.

        Raises:
            InputError: the index cannot be read.
        """
        return self._index.numbered(ids)

    def _folder(self, job: Job | str) -> Path:
        key = job if isinstance(job, str) else job.key
        return layout.job_folder(self.path, key)


def _make(folder: Path) -> None:
    try:
        if folder.exists() and any(one.name[:1] != "." for one in folder.iterdir()):
            raise InputError(f"{folder}: holds other things than a store; give another `store`")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); give another `store`") from None
    _write_once(folder / layout.MARK, {"format": layout.FORMAT})


def _write_once(path: Path, values: Mapping[str, Any]) -> None:
    """Write a small file where there is none; where others do so at the same time, one of them does."""
    with _beside(path) as temporary:
        temporary.write_text(json_text(values, indent=2), encoding="utf-8")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
        sync_folder(path.parent)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        yield temporary
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); make room and run again") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _read_json(path: Path) -> dict[str, Any]:
    content = read_bounded(path)
    with parsing(path, "a file of a store", "give another `store`"):
        values = json.loads(content)
        if not isinstance(values, dict):
            raise ValueError("it is no table")
        return values

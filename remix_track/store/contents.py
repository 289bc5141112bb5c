"""What is in a store, counted: by camera and in all."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from remix_track.store.index import JobFacts
from remix_track.store.job import Weights
from remix_track.store.store import Store


@dataclass(frozen=True, slots=True)
class CameraContents:
    """Of one camera.

    Attributes:
        name: its name.
        jobs: how many of it are done.
        seconds: of film.
        boxes: in them.
        tracklets: in them.
        first_utc: milliseconds since 1970 of the first tracklet; None where the time of day is not known.
        last_utc: likewise of the last one.
    """

    name: str
    jobs: int
    seconds: float
    boxes: int
    tracklets: int
    first_utc: int | None
    last_utc: int | None


@dataclass(frozen=True, slots=True)
class Contents:
    """Of a whole store.

    Attributes:
        cameras: by name.
        people: whom tracklets are assigned to.
        bytes: of all files.
        weights: the network that made its vectors.
        problems: a line for each job that cannot be used.
    """

    cameras: tuple[CameraContents, ...]
    people: int
    bytes: int
    weights: Weights | None
    problems: tuple[str, ...]

    @property
    def jobs(self) -> int:
        """How many are done."""
        return sum(one.jobs for one in self.cameras)

    @property
    def seconds(self) -> float:
        """Of film."""
        return sum(one.seconds for one in self.cameras)

    @property
    def tracklets(self) -> int:
        """In all."""
        return sum(one.tracklets for one in self.cameras)


def contents_of(store: Store) -> Contents:
    """Count what is in a store.

    Raises:
        InputError: the index cannot be read or written.
    """
    facts = store.facts()
    usable = [one for one in facts if not one.problem]
    cameras = [
        _camera(name, [one for one in usable if one.camera == name]) for name in sorted({c.camera for c in usable})
    ]
    problems = tuple(one.problem for one in facts if one.problem)
    return Contents(tuple(cameras), len(store.people()), bytes_below(store.path), store.weights, problems)


def bytes_below(folder: Path) -> int:
    """Bytes of all files below a folder; links are not followed, and what goes meanwhile is not counted."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).lstat().st_size
            except OSError:
                continue
    return total


def _camera(name: str, jobs: Iterable[JobFacts]) -> CameraContents:
    jobs = list(jobs)
    return CameraContents(
        name=name,
        jobs=len(jobs),
        seconds=sum(one.seconds for one in jobs),
        boxes=sum(one.boxes for one in jobs),
        tracklets=sum(one.tracklets for one in jobs),
        first_utc=min((one.first_utc for one in jobs if one.first_utc is not None), default=None),
        last_utc=max((one.last_utc for one in jobs if one.last_utc is not None), default=None),
    )

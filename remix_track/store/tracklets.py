"""Tracklets of a store as arrays: what a query answers with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

UNKNOWN = 0
"""The person of a tracklet that none is assigned to."""


@dataclass(frozen=True, slots=True, eq=False)
class Tracklets:
    """Tracklets, each a track of one job; row i of every array is one of them.

        for key, track in tracklets.keys():
            print(key, track)

    Attributes:
        id: (N,) int64 number in the index, until that is made anew.
        job: (N,) int64 of each, a place in `jobs`.
        track: (N,) int64 number in its job, from 1.
        camera: (N,) int64, a place in `cameras`.
        first_frame, last_frame: (N,) int64 of its job, from 1.
        first_time, last_time: (N,) float64 seconds from the first frame of its source.
        first_utc, last_utc: (N,) datetime64[ms]; NaT where the time of day is not known.
        boxes: (N,) int64 how many boxes it has.
        person: (N,) int64, from 1; 0 where none is assigned.
        row: (N,) int64 its row in the tables and vectors of its job.
        jobs: keys of the jobs.
        cameras: names of the cameras.
    """

    id: NDArray[np.int64]
    job: NDArray[np.int64]
    track: NDArray[np.int64]
    camera: NDArray[np.int64]
    first_frame: NDArray[np.int64]
    last_frame: NDArray[np.int64]
    first_time: NDArray[np.float64]
    last_time: NDArray[np.float64]
    first_utc: NDArray[np.datetime64]
    last_utc: NDArray[np.datetime64]
    boxes: NDArray[np.int64]
    person: NDArray[np.int64]
    row: NDArray[np.int64]
    jobs: tuple[str, ...]
    cameras: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.track)

    def __getitem__(self, rows: Any) -> Self:
        """Some of them: a slice, rows or a mask."""
        arrays = {name: getattr(self, name)[rows] for name in COLUMNS}
        return type(self)(**arrays, jobs=self.jobs, cameras=self.cameras)

    def keys(self) -> Iterator[tuple[str, int]]:
        """Job and track number of each."""
        for job, track in zip(self.job.tolist(), self.track.tolist(), strict=True):
            yield self.jobs[job], track


COLUMNS: dict[str, str] = {
    "id": "int64",
    "job": "int64",
    "track": "int64",
    "camera": "int64",
    "first_frame": "int64",
    "last_frame": "int64",
    "first_time": "float64",
    "last_time": "float64",
    "first_utc": "datetime64[ms]",
    "last_utc": "datetime64[ms]",
    "boxes": "int64",
    "person": "int64",
    "row": "int64",
}
"""The arrays of `Tracklets` and their types."""

"""The cameras taken out of vectors that are too many for memory: they are read twice, some thousands at a time.

See `encoder.camera_centring` for what is taken out. Here a camera's mean fades within each block of its tracklets, so
that with fewer than a block of each camera the result is the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.camera_centring import MEMORY, local_means, shrunk
from remix_track.track_means import unit

BLOCK = 2048
"""Tracklets of a camera that are in memory at once: 21 MB of 1280 numbers each, several times."""

Rows = NDArray[np.int64]
Read = Callable[[Rows], NDArray[np.float32]]
"""Gives the vectors (N, D) of some rows; zeros for a tracklet without one."""


def camera_blocks(camera: NDArray[np.int64], clock: NDArray[np.int64], start: NDArray[np.float64]) -> list[Rows]:
    """The rows (T,) of each camera in the order of time, in blocks; for the arguments see `Presence`."""
    order = np.lexsort((start, clock, camera))
    cameras = np.split(order, np.flatnonzero(np.diff(camera[order])) + 1) if len(order) else []
    return [rows[start : start + BLOCK] for rows in cameras for start in range(0, len(rows), BLOCK)]


@dataclass(frozen=True, slots=True, eq=False)
class LatestMean:
    """The mean vector of a camera as it is now: it fades over `MEMORY` tracklets, as the light of the day does.

    Attributes:
        mean: (D,) of its vectors, the weight of each falling with the tracklets that came after it.
        tracklets: how many came.
    """

    mean: NDArray[np.float64]
    tracklets: int = 0

    def after(self, vectors: NDArray[np.float64]) -> "LatestMean":
        """It after some more vectors (N, D) of unit length, in the order of time."""
        number = len(vectors)
        fading = np.exp(-np.arange(number)[::-1] / MEMORY)
        before = np.exp(-number / MEMORY) * _weight(self.tracklets, 1) * self.mean
        total = self.tracklets + number
        return LatestMean((before + fading @ vectors) / max(_weight(total, 1), 1.0), total)

    @property
    def count(self) -> float:
        """How many tracklets it rests on (Kish's effective sample size)."""
        return _weight(self.tracklets, 1) ** 2 / max(_weight(self.tracklets, 2), 1.0)


def _weight(tracklets: int, power: int) -> float:
    """The sum of the weights of so many tracklets, each to this power."""
    return float(np.expm1(-power * tracklets / MEMORY) / np.expm1(-power / MEMORY))


@dataclass(frozen=True, slots=True, eq=False)
class Centring:
    """What all vectors have in common, and how much of a camera's own mean is its light and not its people.

    Attributes:
        mean: (D,) of all cameras alike; zeros where nothing is taken out.
        people: variance of the vectors around their camera's mean.
        cameras: variance of the cameras' means, apart from what few people make of it.
        latest: by camera, the mean of its last tracklets.
    """

    mean: NDArray[np.float64]
    people: float
    cameras: float
    latest: Mapping[int, LatestMean]

    @classmethod
    def none(cls, width: int) -> Self:
        """One that takes nothing out."""
        return cls(np.zeros(width), 1.0, 0.0, {})

    @classmethod
    def fit(cls, blocks: Sequence[Rows], camera: NDArray[np.int64], read: Read, width: int) -> Self:
        """Estimate it from all vectors, without identities.

        Args:
            blocks: see `camera_blocks`.
            camera: (T,) of each row.
            read: gives the vectors of rows.
            width: D.

        Returns:
            With fewer than two cameras, `none`.
        """
        latest = dict[int, LatestMean]()
        known, cells, squares, within, between = 0, 0.0, 0.0, 0.0, 0.0
        total = np.zeros(width)
        for rows in blocks:
            vectors, _ = _with_appearance(read(rows))
            if not len(vectors):
                continue
            local, count = local_means(vectors, np.zeros(len(vectors), np.int64), MEMORY)
            one = int(camera[rows[0]])
            latest[one] = latest.get(one, LatestMean(np.zeros(width))).after(vectors)
            known, cells, squares = known + len(vectors), cells + (1 / count).sum(), squares + (count**-2.0).sum()
            total += (1 / count) @ local
            within += float(((vectors - local) ** 2).sum())
            between += float((1 / count) @ (local**2).sum(axis=1))
        if len(latest) < 2:
            return cls.none(width)
        mean = total / cells
        if known - cells < 0.5 or cells <= 1:
            return cls(mean, 1.0, 0.0, latest)  # a tracklet or so in each camera: nothing tells people from cameras
        people = within / (known - cells)
        means = (between - cells * float(mean @ mean)) / (cells - 1)
        return cls(mean, people, max(means - people * squares / cells, 0.0), latest)

    def block(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vectors (N, D) of a block of one camera without it, of unit length; zeros stay zeros."""
        known, rows = _with_appearance(vectors)
        centred = np.zeros(vectors.shape, np.float32)
        if len(known):
            local, count = local_means(known, np.zeros(len(known), np.int64), MEMORY)
            centred[rows] = self._without(known, local, count)
        return centred

    def camera(self, vectors: NDArray[np.floating], camera: int | None) -> NDArray[np.float32]:
        """Vectors (N, D) that come now from a camera, whose latest mean is taken out; None: an unknown camera."""
        if camera is None or camera not in self.latest:
            local, count = self.mean, 1.0
        else:
            local, count = self.latest[camera].mean, self.latest[camera].count
        known, rows = _with_appearance(vectors)
        centred = np.zeros(vectors.shape, np.float32)
        centred[rows] = self._without(known, local, np.full(len(known), count))
        return centred

    def after(self, camera: int, vectors: NDArray[np.floating]) -> "Centring":
        """This after some more vectors (N, D) of a camera, in the order of time; its latest mean follows them.

        What all cameras have in common, and how much they differ, stays as it was measured.
        """
        known, _ = _with_appearance(vectors)
        before = self.latest.get(camera, LatestMean(np.zeros_like(self.mean)))
        return replace(self, latest={**self.latest, camera: before.after(known)}) if len(known) else self

    def _without(
        self, vectors: NDArray[np.float64], local: NDArray[np.float64], count: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        share = shrunk(self.cameras, self.people, count)[:, None]
        return unit(vectors - self.mean - share * (local - self.mean))


def _with_appearance(vectors: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The vectors that are not zero, and their rows."""
    rows = np.flatnonzero(vectors.any(axis=1))
    return vectors[rows].astype(np.float64), rows

"""The camera taken out of appearance: what all vectors of one camera have in common is its light, not its people.

A vector is read as the mean of all, plus an offset of the camera, plus what makes the person. The offset is the
camera's mean; but a mean over few tracks moves with the people in it, so it is shrunk towards zero by the share of it
that the people alone would explain (the one-way random effects model; Efron and Morris, Data Analysis Using Stein's
Estimator, 1975). Where "cameras" do not differ by more than their people do, nothing of an offset is left.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

MEMORY = 100
"""Tracks over which a camera's mean fades, so that it follows the light of the day."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraCentring:
    """What is taken out of the vectors of some tracks; see `of`.

    Attributes:
        mean: (D,) of all cameras alike.
        offset: (T, D) of each track's camera at its time, from `mean` on, already shrunk.
        kept: (T,) share of the offset that shrinking left, 0..1.
    """

    mean: NDArray[np.float64]
    offset: NDArray[np.float64]
    kept: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: NDArray[np.floating], camera: NDArray[np.integer], *, memory: float = MEMORY) -> Self:
        """Estimate it from the tracks themselves, without identities.

        Args:
            vectors: (T, D) one for each track, of any length; zeros for a track without appearance.
            camera: (T,) of each track. The tracks of one camera are in the order of time.
            memory: tracks, before and after, over which the mean of a camera fades; infinite for none.

        Returns:
            The centring; with fewer than two cameras one that changes nothing.
        """
        kept, offset = np.zeros(len(vectors)), np.zeros(vectors.shape)
        known = np.flatnonzero(vectors.any(axis=1))
        if len(np.unique(camera[known])) < 2:
            return cls(np.zeros(vectors.shape[1]), offset, kept)
        seen = vectors[known].astype(np.float64)
        local, count = local_means(seen, camera[known], memory)
        # Each camera counts alike, however many tracks it has; one whose light changed counts as several.
        cell = 1 / count
        mean = cell @ local / cell.sum()
        kept[known] = _kept(seen, local, mean, count)
        offset[known] = kept[known, None] * (local - mean)
        return cls(mean, offset, kept)

    def tracks(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """The tracks' vectors (T, D) without their cameras, of unit length; zeros stay zeros."""
        return _unit(np.where(vectors.any(axis=1, keepdims=True), vectors - self.mean - self.offset, 0.0))

    def stranger(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Vectors (N, D) of a camera of which nothing is known, to be compared with the tracks'; of unit length."""
        return _unit(np.where(vectors.any(axis=1, keepdims=True), vectors - self.mean, 0.0))


def local_means(
    vectors: NDArray[np.float64], camera: NDArray[np.integer], memory: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean (T, D) of each track's camera around its time, and (T,) how many tracks it rests on.

    Args:
        vectors: (T, D) of tracks with appearance.
        camera: (T,) of each; the tracks of one camera are in the order of time.
        memory: tracks over which a mean fades.
    """
    local, count = np.empty(vectors.shape), np.empty(len(vectors))
    for one in np.unique(camera):
        rows = np.flatnonzero(camera == one)
        weighted, weight, squared = (
            _faded(values, decay)
            for values, decay in (
                (vectors[rows], np.exp(-1 / memory)),
                (np.ones((len(rows), 1)), np.exp(-1 / memory)),
                (np.ones((len(rows), 1)), np.exp(-2 / memory)),
            )
        )
        local[rows] = weighted / weight
        count[rows] = (weight**2 / squared)[:, 0]  # Kish's effective sample size
    return local, count


def _faded(values: NDArray[np.float64], decay: float) -> NDArray[np.float64]:
    """(n, ...) the sum over all rows, each weighted by `decay` to the power of its distance."""
    before, after = values.copy(), values.copy()
    for row in range(1, len(values)):
        before[row] += decay * before[row - 1]
        after[-1 - row] += decay * after[-row]
    return before + after - values


def _kept(
    vectors: NDArray[np.float64], local: NDArray[np.float64], mean: NDArray[np.float64], count: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(T,) the share of its camera's offset that is the camera: variance of cameras over that of their means."""
    cell = 1 / count
    cells = cell.sum()
    if len(vectors) - cells < 0.5 or cells <= 1:
        return np.zeros(len(vectors))  # a track or so in each camera: nothing tells people from cameras
    people = ((vectors - local) ** 2).sum() / (len(vectors) - cells)
    means = cell @ ((local - mean) ** 2).sum(axis=1) / (cells - 1)
    cameras = max(means - people * (cell @ cell) / cells, 0.0)
    return shrunk(cameras, people, count)


def shrunk(cameras: float, people: float, count: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) the share that stays of an offset that rests on `count` (T,) tracks; the others are variances."""
    kept: NDArray[np.float64] = cameras / np.maximum(cameras + people * (1 / count), np.finfo(np.float64).tiny)
    return kept


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0).astype(
        np.float32
    )
    return unit

"""The cameras taken out of the vectors of a large store, from sums over runs of a few dozen tracklets: cells.

The estimate is that of `encoder.camera_centring`, which fades a camera's mean from tracklet to tracklet. Here all
tracklets of a cell have the same mean, so that what is taken out is one vector a cell, and fits into memory for
millions of tracklets.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.camera_centring import MEMORY

CELL = 64
"""Tracklets of a job, one after another, in a cell; less than those over which a camera's mean fades."""


@dataclass(frozen=True, slots=True, eq=False)
class CellCentring:
    """What is taken out of each cell's vectors.

    Attributes:
        mean: (D,) of all cameras alike; zeros where nothing is taken out.
        offset: (C, D) of each cell, `mean` in it.
    """

    mean: NDArray[np.float32]
    offset: NDArray[np.float32]

    @classmethod
    def fit(cls, sums: NDArray[np.float32], count: NDArray[np.int64], camera: NDArray[np.int64]) -> Self:
        """Estimate it without identities.

        Args:
            sums: (C, D) of the unit vectors of each cell; the cells of a camera are in the order of time.
            count: (C,) how many vectors each sum has.
            camera: (C,) of each cell.

        Returns:
            With fewer than two cameras that have vectors, one that changes nothing.
        """
        nothing = cls(np.zeros(sums.shape[1], np.float32), np.zeros(sums.shape, np.float32))
        known = np.flatnonzero(count)
        if len(np.unique(camera[known])) < 2:
            return nothing
        number, total = count[known].astype(np.float64), sums[known].astype(np.float64)
        local, rests_on = _local_means(total, number, camera[known])
        share = number / rests_on
        shares = share.sum()
        if number.sum() - shares < 0.5 or shares <= 1:
            return nothing
        mean = share @ local / shares
        within = (number - 2 * (total * local).sum(axis=1) + number * (local**2).sum(axis=1)).sum()
        people = max(within, 0.0) / (number.sum() - shares)
        means = share @ ((local - mean) ** 2).sum(axis=1) / (shares - 1)
        cameras = max(means - people * float((number / rests_on**2).sum()) / shares, 0.0)
        kept = cameras / np.maximum(cameras + people / rests_on, np.finfo(np.float64).tiny)
        offset = np.broadcast_to(mean, sums.shape).astype(np.float32)
        offset[known] = mean + kept[:, None] * (local - mean)
        return cls(mean.astype(np.float32), offset)


def _local_means(
    sums: NDArray[np.float64], count: NDArray[np.float64], camera: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(C, D) the mean of each cell's camera around its time, and (C,) how many tracklets it rests on (Kish)."""
    local, rests_on = np.empty(sums.shape), np.empty(len(sums))
    for one in np.unique(camera):
        rows = np.flatnonzero(camera == one)
        apart = (count[rows][1:] + count[rows][:-1]) / 2
        decay = np.exp(-apart / MEMORY)
        weight = _faded(count[rows], decay)
        local[rows] = _faded(sums[rows], decay) / weight[:, None]
        rests_on[rows] = weight**2 / _faded(count[rows], decay**2)
    return local, rests_on


def _faded(values: NDArray[np.float64], decay: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, ...) the sum over all rows, each weighted by the product of `decay` (n - 1,) between them."""
    before, after = values.copy(), values.copy()
    for row, by in enumerate(decay.tolist(), 1):
        before[row] += by * before[row - 1]
    for row in range(len(values) - 2, -1, -1):
        after[row] += decay[row] * after[row + 1]
    return before + after - values

"""Who is near whom, found a block at a time, so that there never is a table of all pairs."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BLOCK = 4096
"""Rows and columns of the products that are in memory at once: 64 MB."""


def pairs_within(
    rows: NDArray[np.float32], columns: NDArray[np.float32], limit: float, most: int
) -> Iterator[tuple[int, int]]:
    """Pairs of a row (N, D) and a column (M, D) whose cosine distance is at most `limit`.

    Args:
        rows: mean vectors.
        columns: likewise.
        limit: cosine distance.
        most: of each row and block of columns at most so many, the nearest ones.
    """
    for top in range(0, len(rows), BLOCK):
        for left in range(0, len(columns), BLOCK):
            likeness = rows[top : top + BLOCK] @ columns[left : left + BLOCK].T
            if likeness.shape[1] > most:
                least = np.partition(likeness, -most, axis=1)[:, -most, None]
                likeness[likeness < least] = -np.inf
            for row, column in zip(*np.nonzero(likeness >= 1 - limit), strict=True):
                yield top + int(row), left + int(column)


def nearest(
    rows: NDArray[np.float32], columns: NDArray[np.float32], most: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The nearest `most` columns (M, D) of each row (N, D), nearest first: their numbers (N, K) and distances (N, K).

    K is `most`, or M where that is less. Of columns that are equally far, the first one comes first.
    """
    number = np.empty((len(rows), 0), np.int64)
    distance = np.empty((len(rows), 0), np.float32)
    for left in range(0, len(columns), BLOCK):
        block = 1 - rows @ columns[left : left + BLOCK].T
        distance = np.concatenate([distance, block], axis=1)
        number = np.concatenate([number, np.broadcast_to(left + np.arange(block.shape[1]), block.shape)], axis=1)
        order = np.argsort(distance, axis=1, kind="stable")[:, :most]
        number, distance = np.take_along_axis(number, order, 1), np.take_along_axis(distance, order, 1)
    return number, distance

"""How unlike their tracks detections look, worked out only as far as the answer matters."""

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.gallery import Galleries

Index = NDArray[np.intp]


def appearance_distances(
    galleries: Galleries, rows: Index, feature: NDArray[np.float32], columns: Index, limit: float
) -> NDArray[np.float64]:
    """Cosine distance of detections to galleries, pair by pair.

    Reading galleries is what association takes its time for (100 vectors of 2,048 numbers are 0.8 MB a track), and a
    pair that stands in nobody's way is decided by `limit` alone. So such a pair is compared with the newest vector
    first: within the limit, it may keep that distance, which is at least the smallest one and leads to the same
    assignment. All other pairs get the smallest distance to the whole gallery.

    Args:
        galleries: of all tracks.
        rows: (P,) the tracks' rows in it, ascending or at least side by side; each track remembers something.
        feature: (N, D) float32 unit vectors.
        columns: (P,) rows of `feature`.
        limit: the largest distance of a match.

    Returns:
        (P,) distances in 0..2.
    """
    distance = np.empty(len(rows))
    alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
    newest = 1 - np.einsum("pd,pd->p", galleries.newest(rows[alone]), feature[columns[alone]])
    distance[alone] = newest
    undecided = ~alone
    undecided[alone] = newest > limit
    for pairs in _runs(rows, np.flatnonzero(undecided)):
        distance[pairs] = galleries.distances(int(rows[pairs[0]]), feature[columns[pairs]])
    return distance


def _runs(rows: Index, pairs: Index) -> list[Index]:
    """`pairs` in groups of the same row."""
    if not len(pairs):
        return []
    return np.split(pairs, np.flatnonzero(np.diff(rows[pairs])) + 1)

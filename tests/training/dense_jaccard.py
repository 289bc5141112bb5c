"""The k-reciprocal Jaccard distance and its labels written down plainly, N x N: what the sparse graph is held to.

Source: Zhong et al., CVPR 2017, equations 2 to 10; see `remix_track.training.jaccard` for the counts.
"""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN
from torch import Tensor

from remix_track.training import pseudo_labels
from remix_track.training.jaccard import distance, neighbour_weights
from remix_track.training.method_settings import ClusterSettings
from remix_track.training.neighbours import to_grid
from remix_track.training.pseudo_labels import PseudoLabels, cosine_distances


def dense_labels(*arguments: Any) -> PseudoLabels:
    """What `pseudo_labels` gives, from all distances of a scope in one table."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pseudo_labels, "_cluster", _cluster)
        return pseudo_labels.pseudo_labels(*arguments)


def _cluster(embeddings: Tensor, video: NDArray[np.int64], settings: ClusterSettings) -> NDArray[np.int64]:
    grid = to_grid(embeddings)
    by_jaccard = settings.distance == "jaccard"
    apart = dense_jaccard(grid, settings.k1, settings.k2) if by_jaccard else cosine_distances(grid, grid)
    apart[video[:, None] != video] = 3  # beyond any distance; DBSCAN refuses infinity
    dbscan = DBSCAN(eps=settings.eps, min_samples=settings.min_samples, metric="precomputed")
    found: NDArray[np.int64] = dbscan.fit_predict(apart)
    return found


def dense_jaccard(grid: Tensor, k1: int, k2: int) -> NDArray[np.float64]:
    """The distance of every two images.

    Args:
        grid: (N, D) from `neighbours.to_grid`.
        k1: see `jaccard.jaccard_graph`.
        k2: likewise.

    Returns:
        (N, N) float64 in 0..1, symmetric, zero on the diagonal.
    """
    similarity: NDArray[np.float64] = (grid @ grid.T).cpu().numpy()
    count = len(similarity)
    ranks = _ranks(similarity)
    weights = np.zeros((count, count), np.int64)
    for image in range(count):
        members = _neighbourhood(image, ranks, k1)
        weights[image, members] = neighbour_weights(similarity[image, members], np.array([len(members)]))
    averaged = np.stack([weights[ranks[image, :k2]].sum(axis=0) for image in range(count)]) if count else weights
    by_column = np.ascontiguousarray(averaged.T)
    totals = averaged.sum(axis=1).astype(np.float64)
    apart = np.empty((count, count))
    for image in range(count):
        members = np.flatnonzero(averaged[image])
        shared = np.minimum(by_column[members], averaged[image, members, None]).sum(axis=0).astype(np.float64)
        apart[image] = distance(shared, totals[image] + totals)
    return apart


def _ranks(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """All images of each row, the row's own first, then by similarity, equal ones by index."""
    ranked = -similarity
    np.fill_diagonal(ranked, -np.inf)
    return np.argsort(ranked, axis=1, kind="stable")


def _neighbourhood(image: int, ranks: NDArray[np.int64], k1: int) -> NDArray[np.int64]:
    members = _reciprocal(image, ranks, k1)
    grown = members
    for member in members:
        half = _reciprocal(member, ranks, k1 // 2 + 1)
        if 3 * len(np.intersect1d(half, members, assume_unique=True)) > 2 * len(half):
            grown = np.union1d(grown, half)
    return np.sort(grown)


def _reciprocal(image: int, ranks: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    listed = ranks[image, :k]
    mutual: NDArray[np.int64] = listed[(ranks[listed, :k] == image).any(axis=1)]
    return mutual

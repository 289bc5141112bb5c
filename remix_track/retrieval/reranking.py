"""k-reciprocal re-ranking in sparse form: two images that share no reciprocal neighbour are at Jaccard distance 1.

Source: Zhong et al., Re-ranking Person Re-identification with k-reciprocal Encoding, CVPR 2017.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.retrieval.ranking import Labelled, Similarity
from remix_track.settings import check, setting

BLOCK = 256


@dataclass(frozen=True, slots=True)
class RerankingSettings:
    """The paper's constants.

    Attributes:
        k1: neighbours that may be reciprocal (section 3.3).
        k2: neighbours whose encodings are averaged (local query expansion, section 3.5); 1 leaves it out.
        original_weight: lambda, the share of the original distance in the final one (equation 12).

    Raises:
        InputError: a value out of range.
    """

    k1: int = setting(20, "neighbours that may be reciprocal", low=1, high=1000)
    k2: int = setting(6, "neighbours whose encodings are averaged", low=1)
    original_weight: float = setting(0.3, "share of the original distance in the final one", low=0, high=1)

    def __post_init__(self) -> None:
        check(self)
        if self.k2 > self.k1 + 1:
            raise InputError(f"k2 = {self.k2}; expected at most k1 + 1")


def reranked(
    query: Labelled, gallery: Labelled, settings: RerankingSettings | None = None, *, one_set: bool = False
) -> Similarity:
    """The re-ranked similarity, to hand to `rank_gallery`.

    The original distance is the squared Euclidean one of unit vectors, divided by the greatest of its row, as the
    authors' code has it. Memory: the vectors, (N, k1 + 1) neighbours and blocks of 256 x N, N = Q + G; never N x N.

    Args:
        query: (Q) the queries; labels are not looked at.
        gallery: (G) the gallery.
        settings: constants.
        one_set: query and gallery are the same images, which must not count twice.

    Returns:
        rows of the queries -> (B, G) float32: minus the final distance.

    Raises:
        InputError: vectors of different lengths.
    """
    chosen = settings or RerankingSettings()
    if query.vectors.shape[1] != gallery.vectors.shape[1]:
        raise InputError("vectors of queries and gallery differ in length; embed both with the same encoder")
    apart = query.vectors[: 0 if one_set else len(query)]  # the queries that are not in the gallery
    neighbours, greatest = _nearest(apart, gallery.vectors, chosen.k1 + 1)
    encoding = _encode(neighbours, chosen.k1, apart, gallery.vectors, greatest)
    if chosen.k2 > 1:
        encoding = _expanded(encoding, neighbours[:, : chosen.k2])
    queries = encoding[: len(query)].tocsr()
    columns = encoding[len(apart) :].tocsc()
    weight = chosen.original_weight

    def similarity(rows: slice) -> NDArray[np.float32]:
        original = _squared_distances(query.vectors[rows] @ gallery.vectors.T)
        original /= greatest[: len(query)][rows][:, None]
        for row, distance in zip(range(*rows.indices(len(query))), original, strict=True):
            distance *= weight
            distance += (1 - weight) * _jaccard(queries, columns, row)
        return -original

    return similarity


def _squared_distances(dots: NDArray[np.float32]) -> NDArray[np.float32]:
    dots *= -2
    dots += 2
    return np.maximum(dots, 0, out=dots)


def _nearest(
    query: NDArray[np.float32], gallery: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(N, count) nearest of queries and gallery together, and (N,) the greatest distance of each row.

    Every image is its own nearest, also where another one is identical; ties go by number.
    """
    total, queries = len(query) + len(gallery), len(query)
    count = min(count, total)
    neighbours = np.empty((total, count), np.int32)
    greatest = np.empty(total, np.float32)
    for part, first in ((query, 0), (gallery, queries)):
        for start in range(0, len(part), BLOCK):
            vectors = part[start : start + BLOCK]
            block = np.empty((len(vectors), total), np.float32)
            np.matmul(vectors, query.T, out=block[:, :queries])
            np.matmul(vectors, gallery.T, out=block[:, queries:])
            _squared_distances(block)
            rows = slice(first + start, first + start + len(vectors))
            greatest[rows] = np.maximum(block.max(axis=1), np.finfo(np.float32).tiny)
            own = np.arange(rows.start, rows.stop)
            block[np.arange(len(vectors)), own] = -1
            neighbours[rows] = _smallest(block, count)
    return neighbours, greatest


def _smallest(block: NDArray[np.float32], count: int) -> NDArray[np.int32]:
    """Columns of each row's `count` smallest, ascending; ties by column."""
    bound = np.partition(block, count - 1, axis=1)[:, count - 1]
    columns = np.empty((len(block), count), np.int32)
    for out, row, most in zip(columns, block, bound, strict=True):
        near = np.flatnonzero(row <= most)
        out[:] = near[np.argsort(row[near], kind="stable")[:count]]
    return columns


def _reciprocal(neighbours: NDArray[np.int32], k: int) -> list[NDArray[np.int32]]:
    """R(p, k): the k nearest of each image that have it among their own k nearest (equation 2); itself among them."""
    near = neighbours[:, : k + 1]
    mutual = np.empty(near.shape, np.bool_)
    rows = np.arange(len(near))
    for place in range(near.shape[1]):
        mutual[:, place] = (near[near[:, place]] == rows[:, None]).any(axis=1)
    return [row[keep] for row, keep in zip(near, mutual, strict=True)]


def _encode(
    neighbours: NDArray[np.int32],
    k1: int,
    query: NDArray[np.float32],
    gallery: NDArray[np.float32],
    greatest: NDArray[np.float32],
) -> Any:
    """(N, N) sparse rows V_p: e^-d on the expanded reciprocal set R*(p, k1), made to sum to 1 (equations 5 and 7)."""
    from scipy.sparse import csr_matrix

    full = _reciprocal(neighbours, k1)
    # Half of k1, rounded to even as the authors' np.around does.
    half = _reciprocal(neighbours, round(k1 / 2))
    columns, weights = [], []
    for row, own in enumerate(full):
        members = own
        for candidate in own:
            other = half[candidate]
            if len(np.intersect1d(other, own, assume_unique=True)) > 2 / 3 * len(other):
                members = np.concatenate([members, other])
        members = np.unique(members)
        vector = query[row] if row < len(query) else gallery[row - len(query)]
        chosen = np.empty((len(members), len(vector)), np.float32)
        first = members < len(query)
        chosen[first], chosen[~first] = query[members[first]], gallery[members[~first] - len(query)]
        distance = _squared_distances(chosen @ vector) / greatest[row]
        distance[members == row] = 0
        weight = np.exp(-distance)
        columns.append(members)
        weights.append(weight / weight.sum())
    starts = np.concatenate([[0], np.cumsum([len(one) for one in columns])])
    return csr_matrix((np.concatenate(weights), np.concatenate(columns), starts), shape=(len(full), len(full)))


def _expanded(encoding: Any, nearest: NDArray[np.int32]) -> Any:
    """Each row the mean of the rows of its k2 nearest, itself the first (equation 11)."""
    from scipy.sparse import csr_matrix

    count, k2 = nearest.shape
    starts = np.arange(0, count * k2 + 1, k2)
    average = csr_matrix((np.full(count * k2, 1 / k2, np.float32), nearest.ravel(), starts), shape=(count, count))
    return average @ encoding


def _jaccard(queries: Any, columns: Any, row: int) -> NDArray[np.float32]:
    """(G,) Jaccard distances of one query (equation 10); rows sum to 1, so the union is 2 minus the intersection."""
    own = slice(queries.indptr[row], queries.indptr[row + 1])
    shared = np.zeros(columns.shape[0], np.float32)
    for column, weight in zip(queries.indices[own], queries.data[own], strict=True):
        inside = slice(columns.indptr[column], columns.indptr[column + 1])
        shared[columns.indices[inside]] += np.minimum(columns.data[inside], weight)
    result: NDArray[np.float32] = 1 - shared / (2 - shared)
    return result

"""Which images have mostly the same k-reciprocal neighbours: the Jaccard distance as a sparse graph.

Source: Zhong et al., Re-ranking Person Re-identification with k-reciprocal Encoding (CVPR 2017), equations 2 to 10,
with the counts of the clustering methods that use it (SpCL, ICE): k1 and k2 count the image itself, the half lists
have k1 / 2 + 1 images.

Two images without a common neighbour are at distance 1 and never become a pair. Weights are whole numbers, so that sums
do not depend on their order: the dense reference gives the same bits.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from remix_track.errors import InputError
from remix_track.training.neighbours import STEPS, nearest, similarities

WEIGHT_STEPS = 2**26
"""Steps in a neighbourhood's total weight of 1, before it is averaged over k2 images."""

LARGEST_GRAPH = 2**27
"""Pairs that a graph may have: with 12 bytes each that is 1.6 GB, and as much again while it is sorted."""

_WORK, _ACCUMULATORS = 2**22, 2**21


def jaccard_graph(grid: Tensor, k1: int, k2: int, eps: float, video: NDArray[np.int64]) -> sparse.csr_array:
    """The pairs of images of one video that are at most `eps` apart.

    Args:
        grid: (N, D) from `neighbours.to_grid`.
        k1: nearest images of which the reciprocal ones are a neighbourhood, the image itself included.
        k2: nearest images over which neighbourhoods are averaged, the image itself included.
        eps: largest distance, below 1.
        video: (N,) of each image; pairs of two videos are left out, as neighbours they count.

    Returns:
        (N, N) float64 distances in 0..eps, symmetric, the diagonal and other zeros stored.

    Raises:
        InputError: more pairs than `LARGEST_GRAPH`.
    """
    ranks = nearest(grid, k1)
    neighbourhoods = _expanded(_reciprocal(ranks), _reciprocal(ranks[:, : k1 // 2 + 1]))
    weights = _weights(grid, neighbourhoods)
    averaged = _lists(ranks[:, :k2], np.int64) @ weights
    return _pairs_within(averaged, eps, video)


def neighbour_weights(similarity: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share of each neighbour in its neighbourhood, e^-d / sum e^-d with d = 2 - 2 cos, in `WEIGHT_STEPS`.

    Args:
        similarity: (P,) from `neighbours.similarities`, neighbourhood after neighbourhood.
        sizes: (N,) at least 1, images in each neighbourhood.
    """
    nearness = np.rint(np.exp(2 * similarity / STEPS**2 - 2) * 2**30).astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    totals = np.add.reduceat(nearness, starts) if len(sizes) else nearness
    shares: NDArray[np.int64] = nearness * WEIGHT_STEPS // np.repeat(totals, sizes)
    return shares


def distance(shared: NDArray[np.float64], both: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - sum min / sum max of two neighbourhoods: `shared` is the sum of minima, `both` that of their totals."""
    return 1 - shared / (both - shared)


def _lists(ranks: NDArray[np.int64], dtype: type = np.int32) -> sparse.csr_array:
    """(N, k) row numbers -> (N, N) with 1 where a row lists another."""
    count, k = ranks.shape
    starts = np.arange(0, count * k + 1, k)
    return sparse.csr_array((np.ones(count * k, dtype), ranks.ravel(), starts), shape=(count, count))


def _reciprocal(ranks: NDArray[np.int64]) -> sparse.csr_array:
    """1 where two images list each other (equation 3)."""
    lists = _lists(ranks)
    return lists.multiply(lists.T.tocsr()).tocsr()


def _expanded(full: sparse.csr_array, half: sparse.csr_array) -> sparse.csr_array:
    """Neighbourhoods, and the half ones of their members that lie in them for more than two thirds (equation 5)."""
    sizes = np.diff(half.indptr)
    grown = []
    for start in range(0, full.shape[0], 8192):
        part = full[start : start + 8192]
        common = (part @ half).multiply(part).tocoo()  # images of a member's half neighbourhood that are in it
        joins = 3 * common.data > 2 * sizes[common.col]
        joining = sparse.csr_array(
            (common.data[joins], (common.row[joins], common.col[joins])), shape=part.shape, dtype=np.int32
        )
        grown.append(part + joining @ half)
    expanded = sparse.vstack(grown, format="csr") if grown else full
    expanded.sort_indices()
    return expanded


def _weights(grid: Tensor, neighbourhoods: sparse.csr_array) -> sparse.csr_array:
    sizes = np.diff(neighbourhoods.indptr).astype(np.int64)
    columns = neighbourhoods.indices.astype(np.int64)
    similarity = similarities(grid, np.repeat(np.arange(len(sizes)), sizes), columns)
    shares = neighbour_weights(similarity, sizes)
    return sparse.csr_array((shares, neighbourhoods.indices, neighbourhoods.indptr), shape=neighbourhoods.shape)


def _pairs_within(weights: sparse.csr_array, eps: float, video: NDArray[np.int64]) -> sparse.csr_array:
    """Sums of minima for all pairs that share a column, a block of rows at a time."""
    count = weights.shape[0]
    by_column = weights.tocsc()
    depth = np.diff(by_column.indptr)
    totals = weights.sum(axis=1)
    rows: list[NDArray[np.int32]] = []
    columns: list[NDArray[np.int32]] = []
    distances: list[NDArray[np.float64]] = []
    pairs = 0
    for start, stop in _row_blocks(weights, depth):
        shared = _shared_weight(weights, by_column, depth, start, stop)  # (stop - start) * N, flat
        place = np.flatnonzero(shared)
        row, column = start + place // count, place % count
        apart = distance(shared[place], totals[row] + totals[column])
        kept = (apart <= eps) & (video[row] == video[column])
        rows.append(row[kept].astype(np.int32))
        columns.append(column[kept].astype(np.int32))
        distances.append(apart[kept])
        pairs += len(distances[-1])
        check_size(pairs)
    if not rows:
        return sparse.csr_array((count, count))
    data = (np.concatenate(distances), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(data, shape=(count, count))


def check_size(pairs: int) -> None:
    """Raise `InputError` when a graph has more pairs than `LARGEST_GRAPH`."""
    if pairs > LARGEST_GRAPH:
        raise InputError(f"more than {LARGEST_GRAPH:,} pairs of crops are within eps; lower eps or take fewer crops")


def _row_blocks(weights: sparse.csr_array, depth: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Consecutive rows, as many as fit into the accumulators and a bounded number of additions."""
    count = weights.shape[0]
    work = np.concatenate([[0], np.cumsum(depth[weights.indices], dtype=np.int64)])[weights.indptr]
    most = max(1, _ACCUMULATORS // max(1, count))
    found, start = [], 0
    while start < count:
        fits = int(np.searchsorted(work, work[start] + _WORK, side="right")) - 1
        stop = max(start + 1, min(fits, start + most, count))
        found.append((start, stop))
        start = stop
    return found


def _shared_weight(
    weights: sparse.csr_array, by_column: sparse.csc_array, depth: NDArray[np.int64], start: int, stop: int
) -> NDArray[np.float64]:
    """Sum of minima of each of the rows start..stop with all rows, flat."""
    count = weights.shape[0]
    entries = slice(weights.indptr[start], weights.indptr[stop])
    columns, values = weights.indices[entries], weights.data[entries]
    local_row = np.repeat(np.arange(stop - start), np.diff(weights.indptr[start : stop + 1]))
    partners = depth[columns]
    # Each entry meets all entries of its column: positions first, first + 1, ... in the arrays of `by_column`.
    first = by_column.indptr[columns] - (np.cumsum(partners) - partners)
    position = np.arange(partners.sum()) + np.repeat(first, partners)
    place = np.repeat(local_row * count, partners) + by_column.indices[position]
    smaller = np.minimum(np.repeat(values, partners), by_column.data[position])
    return np.asarray(np.bincount(place, weights=smaller, minlength=(stop - start) * count), np.float64)

"""The nearest of millions of vectors without reading them all: exact, by a bound on each product.

A vector x is kept as its shadow: its coordinates s along K directions in which most vectors of the store differ, and
the length r of the rest. For a query with the shadow (t, u), the product of both is at most s t + r u (Cauchy and
Schwarz). So one product with a matrix that is a tenth as wide gives a bound for all; only those vectors are read whose
bound is above the best products found so far. The directions decide how many these are, never what is found.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

DIRECTIONS = 128
_FIRST = 64
_AT_ONCE = 2048
_MARGIN = 1e-4
"""By which a bound is raised: what single precision loses."""

Score = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Gives the products (N,) of the vectors in some rows with the query."""


def principal_directions(sample: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """(D, K) orthonormal columns: the directions along which `sample` (N, D) has most of its length."""
    _, directions = np.linalg.eigh(sample.T.astype(np.float64) @ sample)
    return np.ascontiguousarray(directions[:, ::-1][:, :most].astype(np.float32))


def shadows(vectors: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, K + 1) the coordinates of vectors (N, D) along directions (D, K), and the length of what is left."""
    along = vectors @ directions
    rest = np.einsum("nd,nd->n", vectors, vectors) - np.einsum("nk,nk->n", along, along)
    return np.concatenate([along, np.sqrt(np.maximum(rest, 0))[:, None]], axis=1)


def bounds(shadow: NDArray[np.float32], of: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) what the products of vectors with shadows (N, K + 1) and the one with shadow `of` (K + 1,) are at most."""
    return shadow @ of + np.float32(_MARGIN)


def highest(upper: NDArray[np.float32], score: Score, top: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The rows with the highest scores, best first, and these; of equal scores the first row comes first.

    Args:
        upper: (N,) a bound for the score of each row; -inf: it is not looked at.
        score: called for as few rows as the bounds allow.
        top: how many.

    Returns:
        (K,) rows and (K,) scores; K is `top`, or less where there are fewer rows.
    """
    first = _largest(upper, max(_FIRST, top))
    rows, scores = _best(first, score(first), top)
    least = scores[-1] if len(scores) == top else -np.inf
    rest = np.setdiff1d(np.flatnonzero((upper >= least) & (upper > -np.inf)), first, assume_unique=True)
    if len(rest) <= len(upper) // 16:
        rest = rest[np.argsort(-upper[rest], kind="stable")]
    for begin in range(0, len(rest), _AT_ONCE):
        some = rest[begin : begin + _AT_ONCE]
        some = some[upper[some] >= least]
        if len(some):
            rows, scores = _best(np.concatenate([rows, some]), np.concatenate([scores, score(some)]), top)
            least = scores[-1] if len(scores) == top else -np.inf
    return rows, scores


def _largest(upper: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    rows = np.arange(len(upper)) if len(upper) <= count else np.argpartition(-upper, count)[:count]
    return np.sort(rows[upper[rows] > -np.inf])


def _best(
    rows: NDArray[np.int64], scores: NDArray[np.float32], top: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    order = np.lexsort((rows, -scores))[:top]
    return rows[order], scores[order]

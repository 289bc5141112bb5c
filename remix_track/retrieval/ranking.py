"""Rank-k, mAP and mINP of queries against a gallery, under the rules of Market-1501."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.data.crop_set import JUNK
from remix_track.errors import InputError

logger = logging.getLogger(__name__)

BLOCK = 256
Similarity = Callable[[slice], NDArray[np.float32]]
"""Rows of the queries -> (B, G): greater is more alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Vectors with what is known of them; row i of each belongs together.

    Attributes:
        vectors: (N, D) float32 of unit length (or zeros).
        identity: (N,) labels; JUNK and DISTRACTOR as in a `CropSet`.
        camera: (N,) cameras.

    Raises:
        InputError: lengths that differ, or vectors that are not finite.
    """

    vectors: NDArray[np.float32]
    identity: NDArray[np.int32]
    camera: NDArray[np.int16]

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", np.ascontiguousarray(self.vectors, np.float32))
        object.__setattr__(self, "identity", np.asarray(self.identity))
        object.__setattr__(self, "camera", np.asarray(self.camera))
        count = len(self.vectors)
        if self.vectors.ndim != 2 or self.identity.shape != (count,) or self.camera.shape != (count,):
            shapes = f"{self.vectors.shape}, {self.identity.shape}, {self.camera.shape}"
            raise InputError(f"vectors, identities and cameras are {shapes}; expected (N, D), (N,), (N,)")
        # A row at a time: a mask of all of them would be a gigabyte of its own on MSMT17.
        if not all(np.isfinite(row).all() for row in self.vectors):
            raise InputError("vectors hold NaN or infinity; the encoder that made them is broken")

    def __len__(self) -> int:
        return len(self.identity)


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """What a search found; NaN stands for a query without a true match.

    Attributes:
        average_precision: (Q,) mean of the precision at each hit.
        inverse_penalty: (Q,) hits divided by the rank of the last one (INP; Ye et al., TPAMI 2021, eq. 1).
        first_hit: (Q,) rank of the first hit, from 1.
    """

    average_precision: NDArray[np.float64]
    inverse_penalty: NDArray[np.float64]
    first_hit: NDArray[np.float64]

    @property
    def evaluated(self) -> int:
        """Queries with at least one true match."""
        return int(np.isfinite(self.first_hit).sum())

    @property
    def skipped(self) -> int:
        """Queries without one."""
        return len(self.first_hit) - self.evaluated

    def rank(self, k: int) -> float:
        """Rank-k: share of the evaluated queries with a hit among the first k; NaN without any."""
        return float((self.first_hit <= k).sum() / self.evaluated) if self.evaluated else float("nan")

    @property
    def mean_average_precision(self) -> float:
        """MAP over the evaluated queries; NaN without any."""
        return _mean(self.average_precision)

    @property
    def mean_inverse_penalty(self) -> float:
        """MINP over the evaluated queries; NaN without any."""
        return _mean(self.inverse_penalty)

    def summary(self) -> dict[str, float]:
        """The usual numbers, in 0..1, and the counts behind them."""
        return {
            "rank1": self.rank(1),
            "rank5": self.rank(5),
            "rank10": self.rank(10),
            "map": self.mean_average_precision,
            "minp": self.mean_inverse_penalty,
            "queries": self.evaluated,
            "skipped": self.skipped,
        }


def rank_gallery(query: Labelled, gallery: Labelled, similarity: Similarity | None = None) -> Retrieval:
    """Search the gallery for every query.

    A query never matches gallery images of its own identity *and* camera; junk is as if it were not there; distractors
    stay and match no query. Ties are broken by gallery order. Queries that nothing can match (no image of the identity
    from another camera) are skipped and counted.

    Only the part of the gallery that is at least as alike as a query's worst true match is sorted: nothing beyond it
    changes a number.

    Args:
        query: (Q) the queries.
        gallery: (G) where they are searched for.
        similarity: rows of the queries -> (B, G), asked for in blocks of 256 queries; None: dot products.

    Raises:
        InputError: vectors of different lengths.
    """
    alike = similarity or dot_products(query, gallery)
    found = np.full((3, len(query)), np.nan)
    for start in range(0, len(query), BLOCK):
        block = alike(slice(start, start + BLOCK))
        for row, likeness in enumerate(block, start):
            hits = _hit_ranks(likeness, *_candidates(query, row, gallery))
            if len(hits):
                precision = np.arange(1, len(hits) + 1) / hits
                found[:, row] = precision.mean(), len(hits) / hits[-1], hits[0]
    result = Retrieval(found[0], found[1], found[2])
    if result.skipped:
        logger.warning("%d of %d queries have no true match in the gallery and are skipped", result.skipped, len(query))
    return result


def best_matches(
    query: Labelled,
    gallery: Labelled,
    rows: NDArray[np.integer],
    count: int = 10,
    similarity: Similarity | None = None,
) -> NDArray[np.int64]:
    """The first `count` gallery rows of some queries under the same rules.

    Args:
        query: the queries.
        gallery: where they are searched for.
        rows: (R,) the queries to show.
        count: matches of each.
        similarity: as in `rank_gallery`; what is -inf is no match.

    Returns:
        (R, count) int64 gallery rows, best first; -1 where the gallery is too small.
    """
    alike = similarity or dot_products(query, gallery)
    result = np.full((len(rows), count), -1, np.int64)
    for out, row in zip(result, rows.tolist(), strict=True):
        likeness = alike(slice(row, row + 1))[0]
        allowed = np.flatnonzero(_candidates(query, row, gallery)[1] & (likeness > -np.inf))
        best = allowed[np.argsort(-likeness[allowed], kind="stable")[:count]]
        out[: len(best)] = best
    return result


def dot_products(query: Labelled, gallery: Labelled) -> Similarity:
    """The similarity of unit vectors, computed as it is asked for.

    Raises:
        InputError: vectors of different lengths.
    """
    if query.vectors.shape[1] != gallery.vectors.shape[1]:
        widths = f"{query.vectors.shape[1]} and {gallery.vectors.shape[1]}"
        raise InputError(f"vectors of queries and gallery are {widths} long; embed both with the same encoder")
    return lambda rows: query.vectors[rows] @ gallery.vectors.T


def _candidates(query: Labelled, row: int, gallery: Labelled) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(G,) true matches of a query, and (G,) images that it may find at all."""
    identity = query.identity[row]
    same = gallery.identity == identity
    other_camera = gallery.camera != query.camera[row]
    allowed = (gallery.identity != JUNK) & (~same | other_camera)
    # A distractor as a query has no match.
    return (same & other_camera if identity >= 0 else np.zeros(len(gallery), np.bool_)), allowed


def _hit_ranks(
    likeness: NDArray[np.float32], matches: NDArray[np.bool_], allowed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(M,) ranks of the true matches among the allowed images, from 1, ascending."""
    if not matches.any():
        return np.empty(0, np.int64)
    near = np.flatnonzero(allowed & (likeness >= likeness[matches].min()))
    order = np.argsort(-likeness[near], kind="stable")
    return np.flatnonzero(matches[near[order]]) + 1


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")

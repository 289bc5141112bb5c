"""Similarities of images of the same person and of different people: two histograms over all pairs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.data.crop_set import JUNK
from remix_track.retrieval.ranking import BLOCK, Labelled, dot_products

BINS = 400


@dataclass(frozen=True, slots=True, eq=False)
class SimilarityHistogram:
    """Counts of pairs by cosine similarity.

    Attributes:
        edges: (BINS + 1,) borders of the bins, from -1 to 1.
        same: (BINS,) int64 pairs of one person from different cameras.
        different: (BINS,) int64 pairs of different people; distractors count as people, junk does not.
    """

    edges: NDArray[np.float64]
    same: NDArray[np.int64]
    different: NDArray[np.int64]

    @property
    def overlap(self) -> float:
        """Shared area of the two distributions, 0 (apart) to 1 (alike); NaN where one has no pair."""
        if not self.same.sum() or not self.different.sum():
            return float("nan")
        return float(np.minimum(self.same / self.same.sum(), self.different / self.different.sum()).sum())


def similarity_histogram(query: Labelled, gallery: Labelled) -> SimilarityHistogram:
    """Count every pair of a query and a gallery image, in blocks of 256 queries.

    Pairs of one person and one camera are left out, as in ranking.

    Raises:
        InputError: vectors of different lengths.
    """
    alike = dot_products(query, gallery)
    edges = np.linspace(-1, 1, BINS + 1)
    same = np.zeros(BINS, np.int64)
    different = np.zeros(BINS, np.int64)
    for start in range(0, len(query), BLOCK):
        rows = slice(start, start + BLOCK)
        bins = np.clip((alike(rows) + 1) * (BINS / 2), 0, BINS - 1).astype(np.int32)
        identity, camera = query.identity[rows, None], query.camera[rows, None]
        one_person = (identity == gallery.identity) & (identity >= 0)
        somebody = (identity != JUNK) & (gallery.identity != JUNK)
        same += np.bincount(bins[one_person & (camera != gallery.camera)], minlength=BINS)
        different += np.bincount(bins[~one_person & somebody], minlength=BINS)
    return SimilarityHistogram(edges, same, different)

"""Verification: how many pairs of one person a threshold accepts that lets in few pairs of different people."""

import numpy as np
from numpy.typing import NDArray

from remix_track.data.crop_set import JUNK
from remix_track.retrieval.ranking import BLOCK, Labelled, dot_products

_BINS = 2**16
"""A similarity is known to 0.00003."""


def accepted_share(same: NDArray[np.floating], different: NDArray[np.floating], false_share: float) -> float:
    """Share of true pairs above the lowest threshold that accepts at most `false_share` of the false ones.

    Args:
        same: similarities of pairs of one person.
        different: of pairs of different people.
        false_share: in 0..1.

    Returns:
        In 0..1; NaN without pairs of both kinds, or where a single false pair is more than that share.
    """
    allowed = int(false_share * len(different))
    if not len(same) or not allowed:
        return float("nan")
    # The best false pair that must stay out; what is as alike stays out too.
    limit = np.partition(different, len(different) - allowed - 1)[len(different) - allowed - 1]
    return float((same > limit).mean())


def accepted_pairs(query: Labelled, gallery: Labelled, false_shares: tuple[float, ...]) -> tuple[float, ...]:
    """`accepted_share` over all pairs of a query and a gallery picture of different cameras, counted in blocks.

    Pairs of one camera are left out, also of different people: between cameras both kinds have the same difficulty.

    Raises:
        InputError: vectors of different lengths.
    """
    alike = dot_products(query, gallery)
    same, different = np.zeros(_BINS, np.int64), np.zeros(_BINS, np.int64)
    for start in range(0, len(query), BLOCK):
        rows = slice(start, start + BLOCK)
        bins = np.clip((alike(rows) + 1) * (_BINS / 2), 0, _BINS - 1).astype(np.int32)
        identity = query.identity[rows, None]
        asked = (query.camera[rows, None] != gallery.camera) & (identity != JUNK) & (gallery.identity != JUNK)
        one_person = (identity == gallery.identity) & (identity >= 0)
        same += np.bincount(bins[asked & one_person], minlength=_BINS)
        different += np.bincount(bins[asked & ~one_person], minlength=_BINS)
    return tuple(_share(same, different, false_share) for false_share in false_shares)


def _share(same: NDArray[np.int64], different: NDArray[np.int64], false_share: float) -> float:
    """`accepted_share` of two histograms over the same bins."""
    allowed = int(false_share * different.sum())
    if not same.sum() or not allowed:
        return float("nan")
    above = np.cumsum(different[::-1])[::-1]  # false pairs in this bin and above
    first = int(np.searchsorted(-above, -allowed))  # the first bin from which on few enough are accepted
    return float(same[first:].sum() / same.sum())

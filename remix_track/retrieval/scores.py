"""Everything that is said of one encoder on one labelled set."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.data.crop_set import JUNK
from remix_track.encoder.camera_centring import CameraCentring
from remix_track.retrieval.ranking import BLOCK, Labelled, Retrieval, Similarity, dot_products, rank_gallery

FALSE_SHARES = (0.01, 0.001)
MOST_CAMERAS = 20
"""With more, the pairs of cameras would fill pages."""

ROUNDS = 2000
"""Of the bootstrap."""

_BINS = 2**16
"""A similarity is known to 0.00003."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """A search judged.

    Attributes:
        retrieval: ranks and precision of each query.
        interval: where mAP lies in 95 of 100 draws of other people.
        accepted: share of true pairs between cameras accepted at each of `FALSE_SHARES`.
        between: by camera of the query and of the gallery: mAP and queries.
    """

    retrieval: Retrieval
    interval: tuple[float, float]
    accepted: tuple[float, ...]
    between: dict[tuple[int, int], tuple[float, int]]

    def summary(self, cameras: tuple[str, ...]) -> dict[str, Any]:
        """The numbers, ready for JSON; `cameras` are the names of the set's cameras."""
        return {
            **self.retrieval.summary(),
            "map_interval": list(self.interval),
            "accepted": dict(zip(map(str, FALSE_SHARES), self.accepted, strict=True)),
            "camera_pairs": [
                {"query": cameras[query], "gallery": cameras[gallery], "map": precision, "queries": count}
                for (query, gallery), (precision, count) in self.between.items()
            ],
        }


def judge(
    query: Labelled, gallery: Labelled, similarity: Similarity | None = None, *, by_vectors: bool = True
) -> Scores:
    """Score a search by the rules of Market-1501.

    Args:
        query: what is searched for.
        gallery: where.
        similarity: as in `rank_gallery`.
        by_vectors: tell acceptance and pairs of cameras too, which go by the vectors themselves.

    Raises:
        InputError: vectors of different lengths.
    """
    found = rank_gallery(query, gallery, similarity)
    return Scores(
        found,
        mean_interval(found.average_precision, query.identity),
        accepted_pairs(query, gallery, FALSE_SHARES) if by_vectors else (math.nan,) * len(FALSE_SHARES),
        camera_pairs(query, gallery) if by_vectors else {},
    )


def between_cameras(alike: Similarity, query: Labelled, gallery: Labelled) -> Similarity:
    """The same similarity, but images of the query's own camera come last: they are no question."""
    return lambda rows: np.where(query.camera[rows, None] == gallery.camera, np.float32(-np.inf), alike(rows))


def camera_pairs(query: Labelled, gallery: Labelled) -> dict[tuple[int, int], tuple[float, int]]:
    """MAP of the queries of one camera among the images of one other, and how many could be answered.

    Pairs without such a query are left out; with more than 20 cameras there is no table at all.
    """
    cameras = np.unique(np.concatenate([query.camera, gallery.camera])).tolist()
    if len(cameras) > MOST_CAMERAS:
        return {}
    made: dict[tuple[int, int], tuple[float, int]] = {}
    for one in cameras:
        asked = _part(query, query.camera == one)
        for other in cameras:
            where = _part(gallery, gallery.camera == other)
            known = np.isin(asked.identity, where.identity) & (asked.identity >= 0)
            if one != other and known.any():
                found = rank_gallery(_part(asked, known), where)
                made[one, other] = found.mean_average_precision, found.evaluated
    return made


def centred(query: Labelled, gallery: Labelled, *, one_set: bool) -> tuple[Labelled, Labelled]:
    """Both parts without what the vectors of each camera have in common; see `CameraCentring`.

    Every image counts as a track of its own: who is in it is what is asked.

    Args:
        query: what is searched for.
        gallery: where.
        one_set: query and gallery are the same images, which must not count twice.
    """
    parts = (query,) if one_set else (query, gallery)
    vectors = np.concatenate([part.vectors for part in parts])
    camera = np.concatenate([part.camera for part in parts])
    moved = CameraCentring.of(vectors, camera, memory=math.inf).tracks(vectors)
    first = replace(query, vectors=moved[: len(query)])
    return first, first if one_set else replace(gallery, vectors=moved[len(query) :])


def _part(of: Labelled, rows: NDArray[np.bool_]) -> Labelled:
    return Labelled(of.vectors[rows], of.identity[rows], of.camera[rows])


def mean_interval(
    values: NDArray[np.float64], people: NDArray[np.integer], *, share: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Where the mean lies in `share` of the draws, if the people were drawn again with replacement.

    Queries of one person stand or fall together, so that whole people are drawn, not queries (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13). The gallery stays as it is, and so the interval says nothing of
    other strangers, cameras or light.

    Args:
        values: (Q,) of each query; those that are NaN are left out.
        people: (Q,) who each query shows.
        share: of the draws.
        seed: of the draws.

    Returns:
        The limits; NaN where no value is known, and twice the mean where there is one person alone.
    """
    known = np.isfinite(values)
    _, person = np.unique(people[known], return_inverse=True)
    if not len(person):
        return float("nan"), float("nan")
    sums, counts = np.bincount(person, values[known]), np.bincount(person)
    drawn = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), ROUNDS)  # (R, P)
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.quantile(means, ((1 - share) / 2, (1 + share) / 2))
    return float(low), float(high)


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
    """`accepted_share` over all pairs of a query and a gallery image of different cameras, counted in blocks.

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

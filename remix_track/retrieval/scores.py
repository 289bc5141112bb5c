"""Everything that is said of one encoder on one labelled set."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.camera_centring import CameraCentring
from remix_track.retrieval.acceptance import accepted_pairs
from remix_track.retrieval.intervals import mean_interval
from remix_track.retrieval.ranking import Labelled, Retrieval, Similarity, rank_gallery

FALSE_SHARES = (0.01, 0.001)
MOST_CAMERAS = 20
"""With more, the pairs of cameras would fill pages."""


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
    """The same similarity, but pictures of the query's own camera come last: they are no question."""
    return lambda rows: np.where(query.camera[rows, None] == gallery.camera, np.float32(-np.inf), alike(rows))


def camera_pairs(query: Labelled, gallery: Labelled) -> dict[tuple[int, int], tuple[float, int]]:
    """MAP of the queries of one camera among the pictures of one other, and how many could be answered.

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

    Every picture counts as a track of its own: who is in it is what is asked.

    Args:
        query: what is searched for.
        gallery: where.
        one_set: query and gallery are the same pictures, which must not count twice.
    """
    parts = (query,) if one_set else (query, gallery)
    vectors = np.concatenate([part.vectors for part in parts])
    camera = np.concatenate([part.camera for part in parts])
    moved = CameraCentring.of(vectors, camera, memory=math.inf).tracks(vectors)
    first = replace(query, vectors=moved[: len(query)])
    return first, first if one_set else replace(gallery, vectors=moved[len(query) :])


def _part(of: Labelled, rows: NDArray[np.bool_]) -> Labelled:
    return Labelled(of.vectors[rows], of.identity[rows], of.camera[rows])

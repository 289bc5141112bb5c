"""A trained network on labelled crops: ranks and mean average precision, and the tracker's threshold."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

from remix_track.data.crop_set import CropSet, Split
from remix_track.data.stores import ImageStore
from remix_track.retrieval.answerable import refuse_unanswerable
from remix_track.retrieval.ranking import Labelled, rank_gallery
from remix_track.training.embedding import EmbedPlan, embed_unit
from remix_track.training.randomness import draw
from remix_track.training.threshold_from_labels import Calibration, calibrate

logger = logging.getLogger(__name__)

LARGEST_CALIBRATION = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """The two parts of a labelled set as vectors; bad images are left out.

    Attributes:
        query: what is searched for.
        gallery: where.
        query_rows: (Q,) int64 rows of the set that `query` comes from.
        gallery_rows: (G,) int64 of `gallery`.
    """

    query: Labelled
    gallery: Labelled
    query_rows: NDArray[np.int64]
    gallery_rows: NDArray[np.int64]


Embed = Callable[[ImageStore, NDArray[np.int64]], tuple[NDArray[np.float32], NDArray[np.bool_]]]
"""Rows (R,) of a store -> (R, D) unit vectors, and (R,) which images could be read."""


def evaluate_encoder(plan: EmbedPlan, network: nn.Module, target: CropSet) -> dict[str, float]:
    """Scores of a network on a set's queries and gallery, in 0..1: rank1, rank5, rank10, map, minp; and counts.

    Raises:
        InputError: see `embed_search`.
    """
    search = embed_search(partial(embed_unit, plan, network), target)
    return plan.processes.on_rank_0(lambda: rank_gallery(search.query, search.gallery).summary())


def embed_search(embed: Embed, crops: CropSet) -> Search:
    """A set's queries and gallery as vectors, which can be scored: nothing that comes of it is nan.

    Raises:
        InputError: no query can be answered, by the labels or as its images cannot be read; the message says why.
    """
    check_scorable(crops)
    query, query_rows = _embed_rows(embed, crops, crops.rows(Split.QUERY))
    gallery, gallery_rows = _embed_rows(embed, crops, crops.rows(Split.GALLERY))
    return _answerable(crops, Search(query, gallery, query_rows, gallery_rows))


def embed_whole(embed: Embed, crops: CropSet) -> Search:
    """A set without query and gallery as vectors: each image is searched for among all.

    Raises:
        InputError: see `embed_search`.
    """
    refuse_unanswerable(crops.name, crops, crops)
    every, rows = _embed_rows(embed, crops, np.arange(len(crops)))
    return _answerable(crops, Search(every, every, rows, rows))


def _answerable(crops: CropSet, search: Search) -> Search:
    refuse_unanswerable(f"{crops.name}, of what could be read", search.query, search.gallery)
    return search


def check_scorable(crops: CropSet) -> None:
    """See by a set's labels that it can be scored; no image is read.

    Raises:
        InputError: it cannot; the message says why.
    """
    refuse_unanswerable(crops.name, crops.of_split(Split.QUERY), crops.of_split(Split.GALLERY))


def _embed_rows(embed: Embed, crops: CropSet, rows: NDArray[np.int64]) -> tuple[Labelled, NDArray[np.int64]]:
    unit, readable = embed(crops.store, rows)
    rows = rows[readable]
    return Labelled(unit[readable], crops.identity[rows], crops.camera[rows]), rows


def calibrate_encoder(plan: EmbedPlan, network: nn.Module, crops: CropSet, seed: int) -> Calibration | None:
    """The tracker's threshold on a labelled set, whatever the splits; see `calibrate`.

    Args:
        plan: how sets are embedded.
        network: an `Encoder`.
        crops: labelled; of more than 20,000 crops some people are drawn.
        seed: of the draw.
    """
    labelled = _embed_labelled(partial(embed_unit, plan, network), crops, seed)
    return plan.processes.on_rank_0(lambda: calibrate(*labelled))


def calibrate_any(embed: Embed, crops: CropSet, seed: int) -> Calibration | None:
    """Like `calibrate_encoder`, of any encoder and in one process."""
    return calibrate(*_embed_labelled(embed, crops, seed))


def _embed_labelled(
    embed: Embed, crops: CropSet, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Vectors, people and cameras of the labelled crops that can be read; of many crops some people's."""
    rows = np.flatnonzero(crops.identity >= 0)
    if len(rows) > LARGEST_CALIBRATION:
        # Whole people, as a thinned-out person would have no near crop left.
        people = draw(seed, "calibration").permutation(len(crops.identity_names))
        images = np.cumsum(np.bincount(crops.identity[rows], minlength=len(people))[people])
        chosen = people[: max(2, int(np.searchsorted(images, LARGEST_CALIBRATION)))]
        rows = rows[np.isin(crops.identity[rows], chosen)]
    unit, readable = embed(crops.store, rows)
    rows = rows[readable]
    return unit[readable], crops.identity[rows].astype(np.int64), crops.camera[rows].astype(np.int64)

"""A trained network on labelled crops: ranks and mean average precision, and the tracker's threshold."""

import logging

import numpy as np
from numpy.typing import NDArray
from torch import nn

from remix_track.data.crop_set import CropSet, Split
from remix_track.errors import InputError
from remix_track.retrieval.ranking import Labelled, rank_gallery
from remix_track.training.calibration import Calibration, calibrate
from remix_track.training.embedding import EmbedPlan, embed_unit
from remix_track.training.randomness import draw

logger = logging.getLogger(__name__)

LARGEST_CALIBRATION = 20_000


def evaluate_encoder(plan: EmbedPlan, network: nn.Module, target: CropSet) -> dict[str, float]:
    """Scores of a network on a set's queries and gallery, in 0..1: rank1, rank5, rank10, map, minp; and counts.

    Raises:
        InputError: the set has no query or no gallery.
    """
    query, _ = embed_split(plan, network, target, Split.QUERY)
    gallery, _ = embed_split(plan, network, target, Split.GALLERY)
    return plan.processes.first_alone(lambda: rank_gallery(query, gallery).summary())


def embed_split(
    plan: EmbedPlan, network: nn.Module, crops: CropSet, split: Split
) -> tuple[Labelled, NDArray[np.int64]]:
    """One split's vectors with its labels, and the rows of the set they come from; bad pictures are left out.

    Raises:
        InputError: the split is empty.
    """
    rows = crops.rows(split)
    if not len(rows):
        raise InputError(f"{crops.name}: no {split.name.lower()} pictures; name a set with query and gallery")
    unit, readable = embed_unit(plan, network, crops.store, rows)
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
    rows = np.flatnonzero(crops.identity >= 0)
    if len(rows) > LARGEST_CALIBRATION:
        # Whole people, as a thinned-out person would have no near crop left.
        people = draw(seed, "calibration").permutation(len(crops.identity_names))
        images = np.cumsum(np.bincount(crops.identity[rows], minlength=len(people))[people])
        chosen = people[: max(2, int(np.searchsorted(images, LARGEST_CALIBRATION)))]
        rows = rows[np.isin(crops.identity[rows], chosen)]
    unit, readable = embed_unit(plan, network, crops.store, rows)
    rows = rows[readable]
    identity, camera = crops.identity[rows].astype(np.int64), crops.camera[rows].astype(np.int64)
    return plan.processes.first_alone(lambda: calibrate(unit[readable], identity, camera))

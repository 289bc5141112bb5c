"""Which detection continues which track in one frame: the remix tracker's three stages, as functions of arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import iou_tlwh
from remix_track.trackers.assignment import IMPOSSIBLE, Assigned, Costs, assign
from remix_track.trackers.looks import Looks
from remix_track.trackers.measurements import Measurements
from remix_track.trackers.motion import GATE
from remix_track.trackers.size_motion import SizeFilter, tlwh_from_xywh, xywh_from_tlwh
from remix_track.trackers.track_table import Table

UNLIKE = 1.5
"""Cosine distance, as a multiple of `max_cosine_distance`, from which on overlap does not make up for it."""


@dataclass(frozen=True, slots=True)
class MixedLimits:
    """How far apart a track and its detection may be, and what counts how much.

    Attributes:
        sure: score from which on a detection may begin a track, and is compared by look.
        max_cosine_distance: of appearance, 0..2.
        max_iou_distance: 1 - IoU of sure detections, 0..1.
        max_low_iou_distance: 1 - IoU of the others, 0..1.
        max_motion_age: frames after which a track is not found again by overlap.
        look_weight: of appearance in the cost, 0..1.
        look_reach: how many times as far as Deep SORT's motion gate alike pairs may be apart.
        match_classes: a track continues only with detections of its own class.
    """

    sure: float
    max_cosine_distance: float
    max_iou_distance: float
    max_low_iou_distance: float
    max_motion_age: int
    look_weight: float
    look_reach: float
    match_classes: bool


def associate_mixed(
    tracks: Table, found: Measurements, kalman: SizeFilter, looks: Looks, limits: MixedLimits
) -> Assigned:
    """Sure detections to confirmed tracks, by look and overlap; then the others, and unconfirmed tracks, by overlap.

    The second stage is ByteTrack's (Zhang et al. 2022, algorithm 1): a person half hidden has a low score, and stands
    where it is expected. Only tracks seen in the frame before take part; what stood elsewhere since is a guess.

    Args:
        tracks: T predicted tracks.
        found: N detections.
        kalman: the filter that predicted them.
        looks: what the tracks remember.
        limits: how far apart a pair may be.

    Returns:
        rows (P,) of `tracks` and columns (P,) of `found` that belong together, and the columns that are new people.
    """
    sure, unsure = (np.flatnonzero(mask) for mask in (found.score >= limits.sure, found.score < limits.sure))
    if not len(tracks):
        return sure[:0], sure[:0], sure
    apart = _apart(tracks, found, limits)
    known, new = np.flatnonzero(tracks["confirmed"]), np.flatnonzero(~tracks["confirmed"])
    mixed = _mixed(tracks, found, apart, kalman, looks, limits)
    rows, columns, free = assign(mixed, 1.0, known, sure)
    here = np.setdiff1d(known[tracks["time_since_update"][known] == 1], rows)
    low_rows, low_columns, _ = assign(apart, limits.max_low_iou_distance, here, unsure)
    new_rows, new_columns, fresh = assign(apart, limits.max_iou_distance, new, free)
    return np.concatenate([rows, low_rows, new_rows]), np.concatenate([columns, low_columns, new_columns]), fresh


def _apart(tracks: Table, found: Measurements, limits: MixedLimits) -> Costs:
    """(T, N) 1 - IoU; `IMPOSSIBLE` for another class."""
    apart: Costs = 1.0 - iou_tlwh(tlwh_from_xywh(tracks["mean"][:, 0]), found.tlwh)
    if limits.match_classes:
        apart[tracks["class_id"][:, None] != found.class_id] = IMPOSSIBLE
    return apart


def _mixed(
    tracks: Table, found: Measurements, apart: Costs, kalman: SizeFilter, looks: Looks, limits: MixedLimits
) -> Costs:
    """(T, N) costs in 0..1, `IMPOSSIBLE` where look or place speak against a pair.

    Where both have a look, a pair may be close in place and not unlike, or alike and inside the motion gate; the cost
    is the weighted sum of both distances, each divided by the largest it can have. Elsewhere it is 1 - IoU.
    """
    recent = tracks["time_since_update"] <= limits.max_motion_age
    near = (apart <= limits.max_iou_distance) & recent[:, None]
    cost: Costs = np.where(near, apart, IMPOSSIBLE)
    comparable = looks.sizes(tracks["gallery"]) > 0
    if not (comparable.any() and found.has_feature.any()):
        return cost
    gated = np.zeros_like(near)
    gate = GATE * limits.look_reach**2
    row, column, _ = kalman.gating_distance(tracks["mean"], tracks["covariance"], xywh_from_tlwh(found.tlwh), gate)
    gated[row, column] = apart[row, column] <= 1
    seen = comparable[:, None] & found.has_feature & tracks["confirmed"][:, None]
    row, column = np.nonzero((near | gated) & seen)
    unlike = looks.pair_distances(tracks["gallery"][row], found.feature, column) / limits.max_cosine_distance
    allowed = (unlike <= UNLIKE) & near[row, column] | (unlike <= 1) & gated[row, column]
    cost[row, column] = np.where(allowed, _sum(apart[row, column], unlike / UNLIKE, limits.look_weight), IMPOSSIBLE)
    return cost


def _sum(apart: NDArray[np.float64], unlike: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    return (1 - weight) * apart + weight * unlike

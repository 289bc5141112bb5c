"""Which detection continues which track in one frame: Deep SORT's cascade and IoU stage, as functions of arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import iou_tlwh
from remix_track.trackers.appearance import appearance_distances
from remix_track.trackers.assignment import IMPOSSIBLE, Assigned, Costs, Index, assign, cascade
from remix_track.trackers.gallery import Galleries
from remix_track.trackers.measurements import Measurements
from remix_track.trackers.motion import GATE, BatchedKalmanFilter, tlwh_from_xyah
from remix_track.trackers.track_table import Table


@dataclass(frozen=True, slots=True)
class Limits:
    """How far apart a track and its detection may be.

    Attributes:
        max_cosine_distance: of appearance, 0..2.
        max_iou_distance: 1 - IoU of the last stage, 0..1.
        max_age: frames after which a track that was not seen ends.
        max_motion_age: frames after which it is not found again by motion alone.
        match_classes: a track continues only with detections of its own class.
    """

    max_cosine_distance: float
    max_iou_distance: float
    max_age: int
    max_motion_age: int
    match_classes: bool


@dataclass(frozen=True, slots=True)
class _Gated:
    """The pairs that motion and class allow, and how unlike they are: by look where both have one, else by motion.

    Attributes:
        rows: (R,) confirmed tracks, as rows of the table.
        look: (R, N) cosine distance; `IMPOSSIBLE` where it is not to be asked for. None: nothing can be compared.
        motion: (R, N) squared Mahalanobis distance, the same. None: everything can be compared by look.
    """

    rows: Index
    look: Costs | None
    motion: Costs | None


def associate(
    tracks: Table, found: Measurements, kalman: BatchedKalmanFilter, galleries: Galleries, limits: Limits
) -> Assigned:
    """Cascade by appearance, cascade by motion for pairs without, then IoU (Deep SORT, listing 1 and after).

    Args:
        tracks: T predicted tracks.
        found: N detections.
        kalman: the filter that predicted them.
        galleries: what the tracks remember.
        limits: how far apart a pair may be.

    Returns:
        rows (P,) of `tracks` and columns (P,) of `found` that belong together, and the columns that are new people,
        in the package's order.
    """
    if not len(tracks) or not len(found):
        nothing = np.empty(0, np.intp)
        return nothing, nothing, np.arange(len(found))
    rows, columns, free = _by_cascades(tracks, _gated(tracks, found, kalman, galleries, limits), len(found), limits)
    if not len(free):
        return rows, columns, free
    left = _for_overlap(tracks, rows)
    overlap = _overlap_cost(tracks[left], found, free, limits)
    near, chosen, fresh = assign(overlap, limits.max_iou_distance, np.arange(len(left)), np.arange(len(free)))
    return np.concatenate([rows, left[near]]), np.concatenate([columns, free[chosen]]), free[fresh]


def _gated(
    tracks: Table, found: Measurements, kalman: BatchedKalmanFilter, galleries: Galleries, limits: Limits
) -> _Gated:
    rows = np.flatnonzero(tracks["confirmed"] & (tracks["time_since_update"] <= limits.max_age))
    held = tracks[rows]
    row, column, distance = kalman.gating_distance(held["mean"], held["covariance"], found.xyah)
    if limits.match_classes:
        same = held["class_id"][row] == found.class_id[column]
        row, column, distance = row[same], column[same], distance[same]
    remembers = galleries.sizes(held["gallery"]) > 0
    by_look = remembers[row] & found.has_feature[column]
    look = motion = None
    if remembers.any() and found.has_feature.any():
        asked = row[by_look], column[by_look]
        limit = limits.max_cosine_distance
        unlike = appearance_distances(galleries, held["gallery"][asked[0]], found.feature, asked[1], limit)
        look = _matrix((len(rows), len(found)), *asked, unlike)
    if not (remembers.all() and found.has_feature.all()):
        motion = _matrix((len(rows), len(found)), row[~by_look], column[~by_look], distance[~by_look])
    return _Gated(rows, look, motion)


def _by_cascades(tracks: Table, gated: _Gated, count: int, limits: Limits) -> Assigned:
    free = np.arange(count)
    age = tracks["time_since_update"][gated.rows]
    rows = columns = free[:0]
    if gated.look is not None:
        rows, columns, free = cascade(gated.look, limits.max_cosine_distance, np.arange(len(age)), age, free)
    if gated.motion is not None:
        recent = np.setdiff1d(np.flatnonzero(age <= limits.max_motion_age), rows)
        more_rows, more_columns, free = cascade(gated.motion, GATE, recent, age[recent], free)
        rows, columns = np.concatenate([rows, more_rows]), np.concatenate([columns, more_columns])
    return gated.rows[rows], columns, free


def _for_overlap(tracks: Table, taken: Index) -> Index:
    """Tracks for the IoU stage: the unconfirmed, then those of the confirmed that were seen in the frame before."""
    confirmed = np.flatnonzero(tracks["confirmed"])
    # The package lists them as a set comes out. Ids depend on the order, where several tracks begin in one frame.
    left = np.array(list(set(confirmed.tolist()) - set(taken.tolist())), np.intp)
    left = left[tracks["time_since_update"][left] == 1]
    return np.concatenate([np.flatnonzero(~tracks["confirmed"]), left])


def _overlap_cost(tracks: Table, found: Measurements, columns: Index, limits: Limits) -> Costs:
    cost = 1.0 - iou_tlwh(tlwh_from_xyah(tracks["mean"][:, 0]), found.tlwh[columns])
    if limits.match_classes:
        cost[tracks["class_id"][:, None] != found.class_id[columns]] = IMPOSSIBLE
    return cost


def _matrix(shape: tuple[int, int], rows: Index, columns: Index, values: NDArray[np.float64]) -> Costs:
    cost = np.full(shape, IMPOSSIBLE)
    cost[rows, columns] = values
    return cost

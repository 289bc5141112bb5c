"""Deep SORT (Wojke, Bewley, Paulus 2017, arXiv:1703.07402): a life cycle of tracks with its parts, top to bottom.

The answers of deep-sort-realtime 1.3.2 without its faults, computed for all tracks at once: the same ids, states and
counts, and boxes that differ by rounding only (tests run both side by side).

Differs from the paper and the package: detections of another class are never matched; `n_init = 1` confirms at once; a
feature enters its track's gallery once; pairs with an appearance are matched first in a frame where some detections
have none. Those without one (no embeddings at all, or a row of zeros or NaN) are matched by motion, with the squared
Mahalanobis distance as the cost (equation 5 with lambda = 1; with appearance, inside the motion gate, lambda = 0), and
never enter a gallery.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import iou_tlwh
from remix_track.trackers.association.appearance_memory import Gallery
from remix_track.trackers.association.assignment import IMPOSSIBLE, Assigned, Costs, Index, assign, cascade
from remix_track.trackers.association.frame_detections import FrameDetections
from remix_track.trackers.association.kalman import GATE, KalmanFilter, MotionModel, Xyah
from remix_track.trackers.association.life_cycle import ByCount, LifeRules, TrackLifeCycle
from remix_track.trackers.association.settings import (
    MOTION_AGE,
    UNCALIBRATED_COSINE_DISTANCE,
    DeepSortSettings,
    frames_at,
)
from remix_track.trackers.association.track_table import Table


def deep_sort(settings: DeepSortSettings, *, fps: float) -> TrackLifeCycle:
    """Deep SORT for one video of `fps` frames per second, as `update` will be called."""
    motion, gallery = KalmanFilter(Xyah()), Gallery(settings.nn_budget)
    match = DeepSortMatching(
        motion,
        gallery,
        max_cosine_distance=settings.max_cosine_distance or UNCALIBRATED_COSINE_DISTANCE,
        max_iou_distance=settings.max_iou_distance,
        max_age=frames_at(fps, settings.max_age),
        max_motion_age=frames_at(fps, settings.max_motion_age or MOTION_AGE),
        match_classes=settings.match_classes,
    )
    rules = LifeRules(
        confirm=ByCount(settings.n_init),
        max_age=frames_at(fps, settings.max_age),
        max_embedding_age=frames_at(fps, settings.max_embedding_age),
        match_classes=settings.match_classes,
        keep_size=False,
    )
    return TrackLifeCycle(motion, gallery, match, rules)


@dataclass(frozen=True, slots=True)
class DeepSortMatching:
    """Cascade by appearance, cascade by motion for pairs without, then IoU (Deep SORT, listing 1 and after).

    Attributes:
        motion: the filter that predicts the tracks.
        gallery: what the tracks remember.
        max_cosine_distance: of appearance, 0..2.
        max_iou_distance: 1 - IoU of the last stage, 0..1.
        max_age: frames after which a track without a detection ends.
        max_motion_age: frames after which it is not found again by motion alone.
        match_classes: a track continues only with detections of its own class.
    """

    motion: MotionModel
    gallery: Gallery
    max_cosine_distance: float
    max_iou_distance: float
    max_age: int
    max_motion_age: int
    match_classes: bool

    def __call__(self, tracks: Table, found: FrameDetections) -> Assigned:
        """Match a frame.

        Args:
            tracks: T predicted tracks.
            found: N detections.

        Returns:
            rows (P,) of `tracks` and columns (P,) of `found` that belong together, and the columns that begin tracks,
            in the package's order.
        """
        if not len(tracks) or not len(found):
            nothing = np.empty(0, np.intp)
            return nothing, nothing, np.arange(len(found))
        rows, columns, free = self._by_cascades(tracks, found)
        if not len(free):
            return rows, columns, free
        left = _for_overlap(tracks, rows)
        overlap = self._overlap_cost(tracks[left], found, free)
        near, chosen, fresh = assign(overlap, self.max_iou_distance, np.arange(len(left)), np.arange(len(free)))
        return np.concatenate([rows, left[near]]), np.concatenate([columns, free[chosen]]), free[fresh]

    def _by_cascades(self, tracks: Table, found: FrameDetections) -> Assigned:
        held = np.flatnonzero(tracks["confirmed"] & (tracks["time_since_update"] <= self.max_age))
        by_appearance, by_motion = self._gated(tracks[held], found)
        age, free = tracks["time_since_update"][held], np.arange(len(found))
        rows = columns = free[:0]
        if by_appearance is not None:
            rows, columns, free = cascade(by_appearance, self.max_cosine_distance, np.arange(len(age)), age, free)
        if by_motion is not None:
            recent = np.setdiff1d(np.flatnonzero(age <= self.max_motion_age), rows)
            more_rows, more_columns, free = cascade(by_motion, GATE, recent, age[recent], free)
            rows, columns = np.concatenate([rows, more_rows]), np.concatenate([columns, more_columns])
        return held[rows], columns, free

    def _gated(self, held: Table, found: FrameDetections) -> tuple[Costs | None, Costs | None]:
        """The pairs that motion and class allow: by appearance where both have one, else by motion.

        Args:
            held: R confirmed tracks.
            found: N detections.

        Returns:
            (R, N) cosine distances, `IMPOSSIBLE` for other pairs; None: nothing can be compared. And (R, N) squared
            Mahalanobis distances, the same; None: everything can be compared by appearance.
        """
        row, column, distance = self.motion.inside_gate(held["mean"], held["covariance"], found.tlwh)
        if self.match_classes:
            same = held["class_id"][row] == found.class_id[column]
            row, column, distance = row[same], column[same], distance[same]
        shape = len(held), len(found)
        remembers = self.gallery.sizes(held["memory"]) > 0
        comparable = remembers[row] & found.has_feature[column]
        by_appearance = by_motion = None
        if remembers.any() and found.has_feature.any():
            near, there = row[comparable], column[comparable]
            apart = self.gallery.pair_distances_within(
                self.max_cosine_distance, held["memory"][near], found.feature, there
            )
            by_appearance = _matrix(shape, near, there, apart)
        if not (remembers.all() and found.has_feature.all()):
            by_motion = _matrix(shape, row[~comparable], column[~comparable], distance[~comparable])
        return by_appearance, by_motion

    def _overlap_cost(self, tracks: Table, found: FrameDetections, columns: Index) -> Costs:
        cost = 1.0 - iou_tlwh(self.motion.tlwh(tracks["mean"]), found.tlwh[columns])
        if self.match_classes:
            cost[tracks["class_id"][:, None] != found.class_id[columns]] = IMPOSSIBLE
        return cost


def _for_overlap(tracks: Table, taken: Index) -> Index:
    """Tracks for the IoU stage: the unconfirmed, then those of the confirmed detected in the frame before."""
    confirmed = np.flatnonzero(tracks["confirmed"])
    # The package lists them as a set comes out. Ids depend on the order, where several tracks begin in one frame.
    left = np.array(list(set(confirmed.tolist()) - set(taken.tolist())), np.intp)
    left = left[tracks["time_since_update"][left] == 1]
    return np.concatenate([np.flatnonzero(~tracks["confirmed"]), left])


def _matrix(shape: tuple[int, int], rows: Index, columns: Index, values: NDArray[np.float64]) -> Costs:
    cost = np.full(shape, IMPOSSIBLE)
    cost[rows, columns] = values
    return cost

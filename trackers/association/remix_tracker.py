"""The remix tracker: a life cycle of tracks with its parts, top to bottom.

Deep SORT's settings mean the same here, but for three: `min_confidence` is the score from which on a detection begins
tracks and is compared by appearance; lower ones, from `low_score` on, only continue them. Tracks are found again by
motion for `max_motion_age`. The setting `nn_budget` counts where `appearance_memory` keeps a gallery.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import hidden_share, iou_tlwh
from remix_track.trackers.association.appearance_memory import AverageAppearance, Gallery, MeanAppearance
from remix_track.trackers.association.assignment import IMPOSSIBLE, Assigned, Costs, assign
from remix_track.trackers.association.frame_detections import FrameDetections
from remix_track.trackers.association.kalman import GATE, KalmanFilter, MotionModel, Xywh
from remix_track.trackers.association.life_cycle import (
    ByCount,
    ByScore,
    LifeRules,
    TrackLifeCycle,
    frames_to_confirm,
)
from remix_track.trackers.association.returning import AWAY, ReturningTracks
from remix_track.trackers.association.settings import (
    REFERENCE_FPS,
    REMIX_MOTION_AGE,
    UNCALIBRATED_COSINE_DISTANCE,
    AssociationSettings,
    DeepSortSettings,
    frames_at,
)
from remix_track.trackers.association.track_table import Table

FORGIVEN = 1.5
"""Cosine distance, as a multiple of `max_cosine_distance`, from which on overlap does not make up for it."""

HIDDEN = 0.1
"""Share of a detection behind somebody else from which on its appearance, half of which is theirs, forbids nothing."""

Memory = Gallery | MeanAppearance | AverageAppearance


def remix(settings: DeepSortSettings, options: AssociationSettings, *, fps: float) -> TrackLifeCycle:
    """The remix tracker for one video of `fps` frames per second, as `update` will be called."""
    coordinates = Xywh(frames_apart=1 / (fps / REFERENCE_FPS) if options.rate_noise else 1.0)
    motion, memory = KalmanFilter(coordinates, score_noise=options.score_noise), _memory(settings, options)
    match = RemixMatching(
        motion,
        memory,
        max_cosine_distance=settings.max_cosine_distance or UNCALIBRATED_COSINE_DISTANCE,
        max_iou_distance=settings.max_iou_distance,
        max_low_iou_distance=options.max_low_iou_distance,
        max_motion_age=frames_at(fps, settings.max_motion_age or REMIX_MOTION_AGE),
        appearance_weight=options.appearance_weight,
        gate_scale=options.gate_scale,
        match_classes=settings.match_classes,
    )
    n_init = frames_to_confirm(settings.n_init, fps)
    rules = LifeRules(
        confirm=ByScore(n_init, settings.min_confidence) if options.confirm_by_score else ByCount(n_init),
        max_age=frames_at(fps, settings.max_age),
        max_embedding_age=frames_at(fps, settings.max_embedding_age),
        match_classes=settings.match_classes,
        keep_size=options.keep_size,
        adaptive_noise=options.adaptive_noise,
        lag_correction=options.lag_correction,
        camera_from_boxes=options.camera_motion,
    )
    away = frames_at(fps, AWAY)
    returning = None
    if options.reidentify:
        same = settings.match_classes
        returning = ReturningTracks(memory, match.max_cosine_distance, away, match_classes=same)
    return TrackLifeCycle(motion, memory, match, rules, returning)


def _memory(settings: DeepSortSettings, options: AssociationSettings) -> Memory:
    mean, gallery = MeanAppearance(options.mean_momentum), Gallery(settings.nn_budget)
    if options.appearance_memory == "both":
        return AverageAppearance([mean, gallery])
    return mean if options.appearance_memory == "mean" else gallery


@dataclass(frozen=True, slots=True)
class RemixMatching:
    """Sure detections to confirmed tracks by appearance and overlap; the others, and unconfirmed tracks, by overlap.

    The second stage is ByteTrack's (Zhang et al. 2022, algorithm 1): a person half hidden has a low score, and stands
    where it is expected. Only tracks detected in the frame before take part; what stood elsewhere since is a guess.

    Attributes:
        motion: the filter that predicts the tracks.
        memory: what the tracks remember.
        max_cosine_distance: of appearance, 0..2.
        max_iou_distance: 1 - IoU of sure detections, 0..1.
        max_low_iou_distance: 1 - IoU of the others, 0..1.
        max_motion_age: frames after which a track is not found again by overlap.
        appearance_weight: of appearance in the cost, against overlap, 0..1.
        gate_scale: how many times as far as Deep SORT's motion gate pairs of like appearance may be apart.
        match_classes: a track continues only with detections of its own class.
    """

    motion: MotionModel
    memory: Memory
    max_cosine_distance: float
    max_iou_distance: float
    max_low_iou_distance: float
    max_motion_age: int
    appearance_weight: float
    gate_scale: float
    match_classes: bool

    def __call__(self, tracks: Table, found: FrameDetections) -> Assigned:
        """Match a frame.

        Args:
            tracks: T predicted tracks.
            found: N detections.

        Returns:
            rows (P,) of `tracks` and columns (P,) of `found` that belong together, and the columns that begin tracks.
        """
        sure, unsure = np.flatnonzero(found.sure), np.flatnonzero(~found.sure)
        if not len(tracks):
            return sure[:0], sure[:0], sure
        apart = self._apart(tracks, found)
        known, new = np.flatnonzero(tracks["confirmed"]), np.flatnonzero(~tracks["confirmed"])
        rows, columns, free = assign(self._cost(tracks, found, apart), 1.0, known, sure)
        here = tracks["confirmed"] & (tracks["time_since_update"] == 1)
        here[rows] = False
        low_rows, low_columns, _ = assign(apart, self.max_low_iou_distance, np.flatnonzero(here), unsure)
        new_rows, new_columns, fresh = assign(apart, self.max_iou_distance, new, free)
        return np.concatenate([rows, low_rows, new_rows]), np.concatenate([columns, low_columns, new_columns]), fresh

    def _apart(self, tracks: Table, found: FrameDetections) -> Costs:
        """(T, N) 1 - IoU; `IMPOSSIBLE` for another class."""
        apart: Costs = 1.0 - iou_tlwh(self.motion.tlwh(tracks["mean"]), found.tlwh)
        if self.match_classes:
            apart[tracks["class_id"][:, None] != found.class_id] = IMPOSSIBLE
        return apart

    def _cost(self, tracks: Table, found: FrameDetections, apart: Costs) -> Costs:
        """(T, N) costs in 0..1, `IMPOSSIBLE` where appearance or place speak against a pair.

        Where both have an appearance, a pair may be close in place and of an appearance that overlap forgives, or of
        like appearance and inside the scaled motion gate; the cost is the weighted sum of both distances, each divided
        by the largest it can have. Elsewhere it is 1 - IoU. A detection that is partly hidden shows somebody else as
        well: close in place it may be of any appearance whose cost is not above 1.
        """
        recent = tracks["time_since_update"] <= self.max_motion_age
        near = (apart <= self.max_iou_distance) & recent[:, None]
        cost: Costs = np.where(near, apart, IMPOSSIBLE)
        remembers = self.memory.sizes(tracks["memory"]) > 0
        if not (remembers.any() and found.has_feature.any()):
            return cost
        gated = self._gated(tracks, found, apart)
        comparable = remembers[:, None] & found.has_feature & tracks["confirmed"][:, None]
        row, column = np.nonzero((near | gated) & comparable)
        distance = self.memory.pair_distances(tracks["memory"][row], found.feature, column) / self.max_cosine_distance
        close = near[row, column]
        unlike = close & (distance > FORGIVEN)
        allowed = close & ~unlike | (distance <= 1) & gated[row, column]
        if unlike.any():
            allowed[unlike] = hidden_share(found.tlwh[column[unlike]], found.tlwh[found.sure]) > HIDDEN
        weight = self.appearance_weight
        mixed = (1 - weight) * apart[row, column] + weight * (distance / FORGIVEN)
        cost[row, column] = np.where(allowed, mixed, IMPOSSIBLE)
        return cost

    def _gated(self, tracks: Table, found: FrameDetections, apart: Costs) -> NDArray[np.bool_]:
        """(T, N) whether a detection of the track's class is inside the scaled motion gate."""
        gate = GATE * self.gate_scale**2
        row, column, _ = self.motion.inside_gate(tracks["mean"], tracks["covariance"], found.tlwh, gate)
        gated = np.zeros(apart.shape, np.bool_)
        gated[row, column] = apart[row, column] <= 1
        return gated

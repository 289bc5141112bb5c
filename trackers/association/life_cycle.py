"""The life of tracks from frame to frame: predicted, associated, corrected, ended, begun and named.

One life cycle for every tracker. What differs between trackers is handed in: how tracks move (`MotionModel`), what
they remember of appearance (`AppearanceMemory`), and which detection continues or begins which track (`Match`).
`deep_sort_tracker.py` and `remix_tracker.py` put the parts together.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.association.appearance_memory import AppearanceMemory, FreeRows
from remix_track.trackers.association.assignment import Assigned, Index
from remix_track.trackers.association.camera_from_boxes import CameraFromBoxes
from remix_track.trackers.association.frame_detections import FrameDetections
from remix_track.trackers.association.kalman import MotionModel, lag_share, noise_factor, with_innovation
from remix_track.trackers.association.reid_skipping import ambiguous
from remix_track.trackers.association.returning import ReturningTracks
from remix_track.trackers.association.settings import REFERENCE_FPS
from remix_track.trackers.association.track_table import TRACK, Table, age_by_a_frame, note_detections

Match = Callable[[Table, FrameDetections], Assigned]
"""Of predicted tracks and a frame's detections: rows and columns that belong together, and the columns that begin
tracks, in that order."""


MARGIN = 0.2
"""One score has to be so far above the lowest score of a sure detection."""

MEAN_MARGIN = 0.1
"""Of `n_init` scores the mean has to be; higher scores need fewer frames, but two."""


LONG = 10
"""Times `n_init`: a second at 30 fps. A detector that never gives a high score still finds people."""


@dataclass(frozen=True, slots=True)
class ByCount:
    """Deep SORT's: `n_init` frames in a row."""

    n_init: int

    def __call__(
        self, hits: NDArray[np.int64], total: NDArray[np.float64], best: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """(T,) tracks to be confirmed, by their detections so far, the sum of their scores, and the best of them."""
        return hits >= self.n_init


@dataclass(frozen=True, slots=True)
class ByScore:
    """`n_init` frames in a row at scores of `min_confidence` + `MEAN_MARGIN`, fewer at higher ones, more at lower ones.

    ByteTrack (Zhang et al. 2022, section 3) begins tracks at a higher score than it continues them with. Here a track
    may begin with any sure detection, and waits for its first high score: people come into sight half hidden, and then
    it is confirmed at once. What never gets one is a reflection, a statue, or a double of somebody; or a person where a
    detector's scores are low throughout, so `LONG` times `n_init` frames in a row confirm at any score.

    Attributes:
        n_init: frames; 1 confirms at once.
        min_confidence: the lowest score of a sure detection.
    """

    n_init: int
    min_confidence: float

    def __call__(
        self, hits: NDArray[np.int64], total: NDArray[np.float64], best: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """See `ByCount`."""
        if self.n_init == 1:
            return hits >= 1
        # Scores are float32: 0.9 twice has to be 1.8.
        enough = total >= self.n_init * (self.min_confidence + MEAN_MARGIN) - 1e-6
        sure = (hits >= 2) & enough & (best >= self.min_confidence + MARGIN - 1e-6)
        return sure | (hits >= LONG * self.n_init)


def frames_to_confirm(n_init: int, fps: float) -> int:
    """`n_init` frames at 30 fps, or as many fewer, but two, as last as long at `fps`: 2 for 3 up to 15 fps."""
    return min(n_init, 1 + math.ceil((n_init - 1) * fps / REFERENCE_FPS - 1e-9))


@dataclass(frozen=True, slots=True)
class LifeRules:
    """How long tracks live, and what is asked of them before.

    Attributes:
        confirm: which tracks are confirmed and named, by the scores of their detections, in a row so far.
        max_age: frames that a confirmed track survives without a detection.
        max_embedding_age: frames after which a track has to be embedded again, where re-ID is skipped.
        match_classes: a track continues only with detections of its own class.
        keep_size: a track without a detection neither grows nor shrinks, from its second such frame on.
        adaptive_noise: velocities may change more where a track's detections were far from their predictions.
        lag_correction: the reported box is drawn to a sure detection by as much as the filter lags.
        camera_from_boxes: where nothing else says how the camera moved, boxes that are all off do.
    """

    confirm: ByCount | ByScore
    max_age: int
    max_embedding_age: int
    match_classes: bool
    keep_size: bool
    adaptive_noise: bool = False
    lag_correction: bool = False
    camera_from_boxes: bool = False

    @property
    def watches_innovations(self) -> bool:
        """Whether tracks keep how far off their predictions were."""
        return self.adaptive_noise or self.lag_correction


class TrackLifeCycle:
    """The tracks of one video; `update` takes one frame after another, also those without detections.

    Attributes:
        tracks: the live tracks, an array of `track_table.TRACK`.
        memory: what they remember.
    """

    def __init__(
        self,
        motion: MotionModel,
        memory: AppearanceMemory,
        match: Match,
        rules: LifeRules,
        returning: ReturningTracks | None = None,
    ) -> None:
        """Start without tracks, from these parts; `returning`: tracks are named after those who were away."""
        self.tracks: Table = np.empty(0, TRACK)
        self._motion = motion
        self.memory = memory
        self._match = match
        self._rules = rules
        self._free_rows = FreeRows()
        self._begun = self._named = 0
        self._camera_from_boxes = CameraFromBoxes()
        self._camera_is_known = False
        self._returning = returning

    def follow_camera(self, warp: NDArray[np.float64]) -> None:
        """Move all tracks as the camera's motion (2, 3) since the last frame moved the image; before `update`."""
        tracks = self.tracks
        tracks["mean"], tracks["covariance"] = self._motion.follow(tracks["mean"], tracks["covariance"], warp)
        self._camera_is_known = True

    def ambiguous(self, found: FrameDetections) -> Index:
        """Which of the next frame's detections have to be embedded, to be asked before `update`."""
        remembers = self.memory.sizes(self.tracks["memory"]) > 0
        age, same_class = self._rules.max_embedding_age, self._rules.match_classes
        return ambiguous(
            self.tracks, found, self._motion, remembers, self._noise(), max_age=age, match_classes=same_class
        )

    def update(self, found: FrameDetections, frame_width: int | None = None) -> None:
        """Take the detections of the next frame, of an image of this width in pixels, where it is known."""
        self._predict()
        if self._rules.camera_from_boxes and not self._camera_is_known:
            self._follow_boxes(found)
        self._camera_is_known = False
        rows, columns, fresh = self._match(self.tracks, found)
        self._correct(rows, found, columns)
        self._end()
        self._begin(found, fresh)
        self._name(frame_width)

    def expected_tlwh(self, ahead: float = 0.0) -> NDArray[np.floating]:
        """The boxes (T, 4) of `tracks` by the motion model, `ahead` frames after the last update.

        Those of this frame's detections are drawn to them by as much as the model lags.
        """
        expected = self._motion.tlwh(self.tracks["mean"], ahead)
        return np.asarray(expected + self.tracks["lag"]) if self._rules.lag_correction else expected

    def end_all(self) -> None:
        """End every track; numbers and ids go on, none is given twice."""
        self._free_rows.release(self.tracks["memory"])
        self.tracks = self.tracks[:0].copy()
        self._camera_from_boxes = CameraFromBoxes()
        if self._returning is not None:
            self._returning.forget()

    def _noise(self) -> NDArray[np.float64] | None:
        """(T,) factors of the velocity noise; None: 1."""
        return self.tracks["noise_factor"] if self._rules.adaptive_noise else None

    def _predict(self) -> None:
        tracks = self.tracks
        age_by_a_frame(tracks)
        keep_size = tracks["time_since_update"] > 1 if self._rules.keep_size else None
        tracks["mean"], tracks["covariance"] = self._motion.predict(
            tracks["mean"], tracks["covariance"], keep_size, self._noise()
        )

    def _follow_boxes(self, found: FrameDetections) -> None:
        tracks = self.tracks
        here = tracks["confirmed"] & (tracks["time_since_update"] == 1)
        shift = self._camera_from_boxes(self._motion.tlwh(tracks["mean"][here]), found.tlwh[found.sure])
        if shift is not None:
            tracks["mean"][:, 0, :2] += shift

    def _correct(self, rows: Index, found: FrameDetections, columns: Index) -> None:
        tracks = self.tracks
        mean, covariance, tlwh = tracks["mean"][rows], tracks["covariance"][rows], found.tlwh[columns]
        if self._rules.watches_innovations:
            kept = with_innovation(tracks["innovation"][rows], self._motion.innovation(mean, covariance, tlwh))
            share = lag_share(kept)
            tracks["innovation"][rows], tracks["noise_factor"][rows] = kept, noise_factor(kept, share)
        mean, covariance = self._motion.correct(mean, covariance, tlwh, found.score[columns])
        tracks["mean"][rows], tracks["covariance"][rows] = mean, covariance
        if self._rules.lag_correction:
            drawn = share * found.sure[columns]
            tracks["lag"][rows] = drawn[:, None] * (tlwh - self._motion.tlwh(mean))
        self._note(rows, found, columns)

    def _end(self) -> None:
        missed = self.tracks["time_since_update"]
        lives = (missed == 0) | (self.tracks["confirmed"] & (missed <= self._rules.max_age))
        if not lives.all():
            if self._returning is not None:
                self._returning.note_ended(self.tracks[~lives])
            self._free_rows.release(self.tracks["memory"][~lives])
            self.tracks = self.tracks[lives]

    def _begin(self, found: FrameDetections, columns: Index) -> None:
        if not len(columns):
            return
        fresh = np.zeros(len(columns), TRACK)
        fresh["number"] = self._begun + 1 + np.arange(len(columns))
        fresh["age"] = fresh["noise_factor"] = 1
        fresh["mean"], fresh["covariance"] = self._motion.begin(found.tlwh[columns])
        fresh["memory"] = self._free_rows.take(len(columns))
        self.memory.open(fresh["memory"])
        self._begun += len(columns)
        rows = len(self.tracks) + np.arange(len(columns))
        self.tracks = np.concatenate([self.tracks, fresh])
        self._note(rows, found, columns)

    def _note(self, rows: Index, found: FrameDetections, columns: Index) -> None:
        tracks = self.tracks
        note_detections(tracks, rows, found, columns)
        hits, total, best = (tracks[name][rows] for name in ("hits", "total_score", "best_score"))
        tracks["confirmed"][rows] |= self._rules.confirm(hits, total, best)
        embedded = found.has_feature[columns]
        self.memory.add(tracks["memory"][rows[embedded]], found.feature[columns[embedded]])

    def _name(self, frame_width: int | None) -> None:
        if not self._are_nameless().any():
            return
        if self._returning is not None:
            self._name_returning(self._returning, frame_width)
        nameless = np.flatnonzero(self._are_nameless())
        self.tracks["public_id"][nameless] = self._named + 1 + np.arange(len(nameless))
        self._named += len(nameless)

    def _are_nameless(self) -> NDArray[np.bool_]:
        return np.asarray(self.tracks["confirmed"] & (self.tracks["public_id"] == 0))

    def _name_returning(self, returning: ReturningTracks, frame_width: int | None) -> None:
        """Name new tracks after those who were away; of a live one that is back, the new track is what goes on."""
        tracks, fresh = self.tracks, np.flatnonzero(self._are_nameless())
        ids = returning.find(tracks, fresh, frame_width)
        replaced = np.isin(tracks["public_id"], ids[ids > 0])
        tracks["public_id"][fresh] = ids
        if replaced.any():
            self._free_rows.release(tracks["memory"][replaced])
            self.tracks = tracks[~replaced]

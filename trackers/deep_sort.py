"""Deep SORT (Wojke, Bewley, Paulus 2017, arXiv:1703.07402): detections of one frame after another in, people out.

The answers of deep-sort-realtime 1.3.2 without its faults, computed for all tracks at once.
"""

import math
import numbers
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy, xyxy_from_tlwh
from remix_track.detections import Detections, Tracks
from remix_track.errors import InputError
from remix_track.trackers.measurements import Measurements, unit_rows
from remix_track.trackers.track_table import Table, shown, sighted

if TYPE_CHECKING:
    from remix_track.trackers.association import Limits
    from remix_track.trackers.cascade_tracker import CascadeTracker

UNCALIBRATED_COSINE_DISTANCE = 0.2
"""The published threshold, for weights that carry no calibrated one."""

REFERENCE_FPS = 30.0
"""The frame rate in which `max_age` is stated."""

MOTION_AGE = 30
"""Deep SORT's `max_motion_age` where none is set."""

_MIN_SIDE, _MAX_COORDINATE = 1e-3, 1e6  # pixels; beyond them float32 aspect ratios and variances break down


@dataclass(frozen=True, slots=True)
class DeepSortSettings:
    """How Deep SORT associates; the names are the paper's and the package's.

    Attributes:
        max_cosine_distance: largest appearance distance of a match, above 0, at most 2. None: the value calibrated
            into the weights, which the caller fills in, else 0.2.
        nn_budget: appearance vectors kept per track. None keeps all: memory and time per frame then grow for ever.
        max_age: frames at 30 fps that a confirmed track survives without a detection; scaled to the source's rate.
        max_motion_age: the same, for being found again by motion alone, where track or detection has no appearance: a
            prediction of constant velocity is worth little after a second. None: 30 for Deep SORT, `max_age` for
            the remix tracker, which asks for overlap.
        n_init: consecutive frames with a detection before a track is confirmed and gets an id.
        max_iou_distance: largest 1 - IoU of a match in the last stage, 0..1.
        min_confidence: detections below it are not used; any finite number, as detectors have scales of their own.
        nms_max_overlap: detections that overlap a stronger one by more are dropped, above 0; 1 switches it off.
        max_coast: frames that a track is still reported without a detection; 1 is the paper's convention.
        box: report the Kalman filter's box, or the detector's where a detection is behind the track.
        gallery: "fixed" keeps each vector once; "released" repeats vectors as deep-sort-realtime 1.3.2 does.
        appearance: "always" looks at every detection; "auto" not at one that is alone with its track in the motion
            gate and where it is expected, if the track was seen in the frame before and looked at within
            `max_look_age`. It is matched by motion.
        max_look_age: frames at 30 fps; scaled to the source's rate.
        match_classes: a track continues only with detections of its own class.

    Raises:
        InputError: a value out of its range.
    """

    max_cosine_distance: float | None = field(
        default=None, metadata={"help": "largest cosine distance of a match; none: as calibrated for the weights"}
    )
    nn_budget: int | None = field(
        default=100, metadata={"help": "appearance vectors kept per track; none keeps all and grows slower for ever"}
    )
    max_age: int = field(
        default=90, metadata={"help": "frames at 30 fps that a track survives unseen; scaled to the source's rate"}
    )
    max_motion_age: int | None = field(
        default=None, metadata={"help": "like max_age, for being found again by motion; none: deep-sort 30, remix all"}
    )
    n_init: int = field(default=3, metadata={"help": "frames in a row before a track is confirmed"})
    max_iou_distance: float = field(default=0.7, metadata={"help": "largest 1 - IoU of a match in the last stage"})
    min_confidence: float = field(default=0.5, metadata={"help": "detections below this score are not used"})
    nms_max_overlap: float = field(
        default=1.0, metadata={"help": "drop detections that overlap a stronger one by more; 1 switches it off"}
    )
    max_coast: int = field(
        default=0, metadata={"help": "frames that a track is still reported without a detection; the paper: 1"}
    )
    box: Literal["kalman", "detector"] = field(
        default="kalman", metadata={"help": "report the Kalman filter's boxes or the detector's"}
    )
    gallery: Literal["fixed", "released"] = field(
        default="fixed", metadata={"help": "released: repeat appearance vectors as deep-sort-realtime 1.3.2 does"}
    )
    appearance: Literal["always", "auto"] = field(
        default="always", metadata={"help": "auto: do not look at people whom nobody else can be, see max_look_age"}
    )
    max_look_age: int = field(
        default=10, metadata={"help": "appearance auto: frames at 30 fps after which a track is looked at again"}
    )
    match_classes: bool = field(
        default=True, metadata={"help": "a track continues only with detections of its own class"}
    )

    def __post_init__(self) -> None:
        if self.max_cosine_distance is not None:
            _check("max_cosine_distance", self.max_cosine_distance, "above 0, at most 2", low=0, high=2, open_low=True)
        if self.nn_budget is not None:
            _check("nn_budget", self.nn_budget, "at least 1, or none", low=1)
        _check("max_age", self.max_age, "at least 1", low=1)
        if self.max_motion_age is not None:
            _check("max_motion_age", self.max_motion_age, "at least 1, or none", low=1)
        _check("max_look_age", self.max_look_age, "at least 1", low=1)
        _check("n_init", self.n_init, "at least 1", low=1)
        _check("max_iou_distance", self.max_iou_distance, "0 to 1", low=0, high=1)
        _check("min_confidence", self.min_confidence, "a finite number")
        _check("nms_max_overlap", self.nms_max_overlap, "above 0, at most 1", low=0, high=1, open_low=True)
        _check("max_coast", self.max_coast, "at least 0", low=0)
        for name in ("box", "gallery", "appearance"):
            choices = get_args(self.__annotations__[name])
            if getattr(self, name) not in choices:
                raise InputError(f"{name} = {getattr(self, name)!r}; expected {' or '.join(map(repr, choices))}")


class DeepSort:
    """Tracks people; call `update` on every frame of one video, in order, also on those without detections.

    Detections with an embedding are matched by appearance inside the motion gate (Deep SORT, equation 5 with
    lambda = 0). Detections without one (no embeddings at all, or a row of zeros or NaN) are matched by motion, with the
    squared Mahalanobis distance as the cost (lambda = 1), and never enter a gallery.

    Differs from the paper and the package: detections of another class are never matched; `n_init = 1` confirms at
    once; pairs with an appearance are settled first in a frame where some detections have none.
    """

    def __init__(self, settings: DeepSortSettings | None = None, *, fps: float = REFERENCE_FPS) -> None:
        """Start without tracks.

        Args:
            settings: how to associate; None is the defaults.
            fps: frames per second as `update` will see them (after a stride).

        Raises:
            InputError: `fps` is not a positive number.
        """
        _check("fps", fps, "above 0", low=0, open_low=True)
        self._settings = settings or DeepSortSettings()
        self._per_reference_frame = fps / REFERENCE_FPS
        self.reset()

    def reset(self) -> None:
        """Forget everything, for the next video: ids start at 1 again."""
        from remix_track.trackers.association import Limits

        chosen = self._settings
        limit = chosen.max_cosine_distance
        self._width: int | None = None
        limits = Limits(
            max_cosine_distance=UNCALIBRATED_COSINE_DISTANCE if limit is None else limit,
            max_iou_distance=chosen.max_iou_distance,
            max_age=self._scaled(chosen.max_age),
            max_motion_age=self._scaled(chosen.max_motion_age or self._default_motion_age()),
            match_classes=chosen.match_classes,
        )
        self._tracker = self._begin(limits)

    def end_tracks(self) -> None:
        """End every track, as pixels mean other places from here on; ids go on."""
        self._tracker.end_all()

    def _begin(self, limits: "Limits") -> "CascadeTracker":
        from remix_track.trackers.cascade_tracker import CascadeTracker

        chosen = self._settings
        return CascadeTracker(limits, n_init=chosen.n_init, budget=chosen.nn_budget, gallery=chosen.gallery)

    def _default_motion_age(self) -> int:
        return MOTION_AGE

    @property
    def least_score(self) -> float:
        """Detections below it are not used."""
        return self._settings.min_confidence

    def _scaled(self, age: int) -> int:
        return max(1, round(age * self._per_reference_frame))

    def unsettled(self, detections: Detections) -> NDArray[np.intp]:
        """Rows of the next frame's detections that need an embedding with `appearance="auto"`.

        Give `update` the same detections then, with rows of zeros for the others.
        """
        found = self._measured(detections, None)
        return found.row[self._tracker.unsettled(found, self._scaled(self._settings.max_look_age))]

    def update(self, detections: Detections) -> Tracks:
        """Take the detections of the next frame, give the people in it.

        Args:
            detections: N detections in pixels. Boxes without a positive width and height, and those below
                `min_confidence`, are not used.

        Returns:
            The confirmed tracks with a detection in this frame (or one at most `max_coast` frames ago), in ascending
            order of their ids. `detection` holds rows of `detections`. The arrays are the caller's to keep.

        Raises:
            InputError: embeddings that are not as wide as those before them.
        """
        embedding = self._unit_embedding(detections)
        self._tracker.update(self._measured(detections, embedding))
        return self._snapshot(shown(self._tracker.tracks, max_coast=self._settings.max_coast), embedding)

    def sightings(self) -> Table:
        """The tracks with a detection in the last frame, also those that are not confirmed, or not yet."""
        return sighted(self._tracker.tracks)

    def check_width(self, width: int) -> None:
        """Refuse embeddings (N, `width`) of another width than those before them.

        Raises:
            InputError: they are.
        """
        if width != (self._width or width):
            raise InputError(f"embeddings {width} wide after {self._width}; use one embedder per video")

    def _unit_embedding(self, detections: Detections) -> NDArray[np.float32] | None:
        if detections.embedding is None:
            return None
        width = detections.embedding.shape[1]
        if len(detections):
            self.check_width(width)
            self._width = width
        return unit_rows(detections.embedding)

    def _measured(self, detections: Detections, embedding: NDArray[np.float32] | None) -> Measurements:
        from remix_track.trackers.motion import xyah_from_tlwh

        tlwh = np.asarray(tlwh_from_xyxy(detections.xyxy.astype(np.float64)), np.float64)
        row = self._usable(detections, tlwh)
        boxes = tlwh[row].astype(np.float32)
        feature = np.empty((len(row), 0), np.float32) if embedding is None else embedding[row]
        return Measurements(
            row=row,
            tlwh=boxes,
            xyah=xyah_from_tlwh(boxes),
            score=detections.score[row],
            class_id=detections.class_id[row],
            feature=feature,
            has_feature=np.asarray(feature.any(axis=1)),
        )

    def _usable(self, detections: Detections, tlwh: NDArray[np.float64]) -> NDArray[np.intp]:
        """Rows with a real box, enough confidence, and no stronger box above them."""
        sized = (tlwh[:, 2:] >= _MIN_SIDE).all(axis=1) & (np.abs(detections.xyxy) <= _MAX_COORDINATE).all(axis=1)
        rows = np.flatnonzero(sized & (detections.score >= self.least_score))
        if self._settings.nms_max_overlap == 1:
            return rows
        classes = detections.class_id[rows] if self._settings.match_classes else np.zeros(len(rows), np.int64)
        groups = [rows[classes == class_id] for class_id in np.unique(classes)]
        kept = [self._suppress(tlwh, detections.score, group) for group in groups]
        return np.concatenate(kept) if kept else rows

    def _suppress(
        self, tlwh: NDArray[np.float64], score: NDArray[np.float32], rows: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        from deep_sort_realtime.utils.nms import non_max_suppression

        kept: list[int] = non_max_suppression(tlwh[rows], self._settings.nms_max_overlap, score[rows])
        return rows[kept]

    def _snapshot(self, people: Table, embedding: NDArray[np.float32] | None) -> Tracks:
        detection = people["detection"].copy()
        return Tracks(
            ids=people["public_id"].copy(),
            xyxy=xyxy_from_tlwh(self._tlwh(people)).astype(np.float32),
            score=people["score"].copy(),
            class_id=people["class_id"].copy(),
            detection=detection,
            embedding=None if embedding is None else _rows_or_zeros(embedding, detection),
        )

    def _tlwh(self, people: Table) -> NDArray[np.floating]:
        tlwh = self._predicted_tlwh(people)
        measured = people["detection"] >= 0
        if self._settings.box == "kalman":
            measured &= (tlwh[:, 2:] <= 0).any(axis=1)
        tlwh[measured] = people["tlwh"][measured]
        return tlwh

    def _predicted_tlwh(self, people: Table) -> NDArray[np.floating]:
        from remix_track.trackers.motion import tlwh_from_xyah

        return tlwh_from_xyah(people["mean"][:, 0])


def _rows_or_zeros(embedding: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The vectors at `rows`; zeros for a row of -1."""
    chosen = np.zeros((len(rows), embedding.shape[1]), np.float32)
    chosen[rows >= 0] = embedding[rows[rows >= 0]]
    return chosen


def _check(
    name: str, value: float, expected: str, *, low: float = -math.inf, high: float = math.inf, open_low: bool = False
) -> None:
    # Compared with words, a range is a TypeError of Python's.
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    fits = number and math.isfinite(value) and low <= value <= high and not (open_low and value == low)
    if not fits:
        raise InputError(f"{name} = {value if number else repr(value)}; expected {expected}")

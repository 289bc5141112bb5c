"""How tracks are associated: what Deep SORT and the remix tracker share, and the parts of the remix tracker."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from remix_track.errors import InputError
from remix_track.setting_values import Limits, typed
from remix_track.settings import check, setting

UNCALIBRATED_COSINE_DISTANCE = 0.2
"""The published threshold, for weights that carry no calibrated one."""

REFERENCE_FPS = 30.0
"""The frame rate in which `max_age` is stated."""

MOTION_AGE = 30
"""Deep SORT's `max_motion_age` where none is set."""

REMIX_MOTION_AGE = 60
"""The remix tracker's, which asks for overlap as well."""


@dataclass(frozen=True, slots=True)
class DeepSortSettings:
    """How tracks begin, go on and end, in both trackers; the names are those of Deep SORT.

    Attributes:
        max_cosine_distance: largest appearance distance of a match. None: the value calibrated into the weights, which
            the caller fills in, else 0.2.
        nn_budget: appearance vectors kept per track. None keeps all: memory and time per frame then grow for ever.
        max_age: frames at 30 fps that a confirmed track survives without a detection; scaled to the source's rate.
        max_motion_age: the same, for being found again by motion alone, where track or detection has no appearance: a
            prediction of constant velocity is worth little after a second. None: 30 for Deep SORT, 60 for the remix
            tracker, which asks for overlap.
        n_init: consecutive frames with a detection before a track is confirmed and gets an id.
        max_iou_distance: largest 1 - IoU of a match in the last stage.
        min_confidence: detections below it are not used; any finite number, as detectors have scales of their own.
        nms_max_overlap: detections that overlap a stronger one by more are dropped; 1 switches it off.
        max_coast: frames that a track is still reported without a detection; 1 is the paper's convention.
        box: report the Kalman filter's box, or the detector's where a detection is behind the track.
        reid: "always" embeds every detection; "when-ambiguous" not one that is alone with its track in the motion
            gate and where it is expected, if the track was seen in the frame before and embedded within
            `max_embedding_age`. It is matched by motion.
        max_embedding_age: frames at 30 fps; scaled to the source's rate.
        match_classes: a track continues only with detections of its own class.

    Raises:
        InputError: a value that does not fit its field.
    """

    max_cosine_distance: float | None = setting(
        None, "largest cosine distance of a match; none: as calibrated for the weights", above=0, high=2
    )
    nn_budget: int | None = setting(
        100, "appearance vectors kept per track; none: all, so that memory and time grow", low=1
    )
    max_age: int = setting(
        90, "frames at 30 fps that a track is kept without a detection; scaled to the source's rate", low=1, common=True
    )
    max_motion_age: int | None = setting(
        None, "max_age for matches by motion alone; none: 30 for deep-sort, 60 for remix", low=1
    )
    n_init: int = setting(3, "frames in a row before a track is confirmed", low=1)
    max_iou_distance: float = setting(0.7, "largest 1 - IoU of a match in the last stage", low=0, high=1)
    min_confidence: float = setting(0.5, "detections below this score are not used", common=True)
    nms_max_overlap: float = setting(
        1.0, "drop detections that overlap a stronger one by more; 1 switches it off", above=0, high=1
    )
    max_coast: int = setting(0, "frames that a track is still reported without a detection; the paper: 1", low=0)
    box: Literal["kalman", "detector"] = setting("kalman", "report the Kalman filter's boxes or the detector's")
    reid: Literal["always", "when-ambiguous"] = setting(
        "always", "when-ambiguous: do not embed detections that motion alone identifies, see max_embedding_age"
    )
    max_embedding_age: int = setting(
        10, "reid when-ambiguous: frames at 30 fps after which a track is embedded again", low=1
    )
    match_classes: bool = setting(True, "a track continues only with detections of its own class")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class AssociationSettings:
    """The choice of the tracker, and the parts of remix.

    Attributes:
        tracker: "remix", or "deep-sort" as published.
        low_score: detections from this score on, up to `min_confidence`, continue tracks and never begin one; any
            finite number. None: they are not used.
        max_low_iou_distance: largest 1 - IoU of such a match.
        camera_motion: follow the camera by sparse optical flow, and where there are no images by what the boxes of a
            frame are all off.
        appearance_memory: what a track remembers: the exponential mean of its vectors, its last `nn_budget` vectors, or
            both, whose two distances are averaged.
        mean_momentum: share of the mean that one more vector leaves as it was.
        appearance_weight: of appearance in the cost, against overlap.
        gate_scale: how many times wider than Deep SORT's the motion gate is for detections of similar appearance.
            People turn or stop while hidden, and the gate is only the filter's own estimate of its error.
        score_noise: less noise for higher scores: the measurement's variance times 1 - score.
        rate_noise: let velocities change more from frame to frame where frames are further apart.
        keep_size: a track without a detection keeps its width and height.
        confirm_by_score: a track is confirmed once one of its scores is 0.2 above `min_confidence` and `n_init` of them
            are 0.1 above it on average; fewer frames do where they are higher. Ten times `n_init` frames in a row do
            at any score.
        reidentify: who was out of sight for a second or more, and is not found again by place, gets the old id back
            where appearance tells them clearly from everybody else of the video.
        adaptive_noise: let velocities change more where a track's detections were far from their predictions.
        lag_correction: report a box that is drawn to a sure detection by as much as the filter lags.

    Raises:
        InputError: a value that does not fit its field, or an option of the remix tracker for the other one.
    """

    tracker: Literal["deep-sort", "remix"] = setting("remix", "remix, or deep-sort as published", common=True)
    low_score: float | None = setting(0.1, "remix: detections from this score on continue tracks; none: they do not")
    max_low_iou_distance: float = setting(
        0.5, "remix: largest 1 - IoU of a match with a low-score detection", low=0, high=1
    )
    camera_motion: bool = setting(
        True, "remix: compensate camera motion, measured by sparse optical flow, or without pictures by the boxes"
    )
    appearance_memory: Literal["mean", "gallery", "both"] = setting(
        "mean", "remix: remember the mean vector, the last nn_budget vectors, or both", flag=False
    )
    mean_momentum: float = setting(
        0.9, "remix: share of the mean vector that a new vector leaves unchanged", low=0, high=1, flag=False
    )
    appearance_weight: float = setting(0.75, "remix: weight of appearance in the cost, against overlap", low=0, high=1)
    gate_scale: float = setting(
        4.0, "remix: how many times wider the motion gate is for detections of similar appearance", low=0
    )
    score_noise: bool = setting(False, "remix: less measurement noise for detections with higher scores", flag=False)
    rate_noise: bool = setting(True, "remix: expect more change from frame to frame at low frame rates", flag=False)
    keep_size: bool = setting(True, "remix: a track without a detection keeps its width and height", flag=False)
    confirm_by_score: bool = setting(True, "remix: confirm tracks by scores, not by count alone")
    reidentify: bool = setting(True, "remix: who was hidden for long gets the old id back, by appearance")
    adaptive_noise: bool = setting(
        True, "remix: expect larger changes of velocity where a track's predictions lag", flag=False
    )
    lag_correction: bool = setting(True, "remix: report boxes without the lag of the filter", flag=False)

    def __post_init__(self) -> None:
        check(self)
        if self.tracker == "deep-sort":
            self._refuse_options()

    @property
    def follows_camera(self) -> bool:
        """Whether images are asked how the camera moved."""
        return self.tracker == "remix" and self.camera_motion

    def _refuse_options(self) -> None:
        for option in dataclasses.fields(self)[1:]:
            if getattr(self, option.name) != option.default:
                raise InputError(
                    f"{option.name} is an option of the remix tracker, but tracker is deep-sort; choose one"
                )


def least_score(settings: DeepSortSettings, options: AssociationSettings) -> float:
    """The lowest score of detections that the tracker uses."""
    sure, low = settings.min_confidence, options.low_score
    return sure if options.tracker == "deep-sort" or low is None else min(low, sure)


def check_fps(fps: float) -> None:
    """Refuse what is no frame rate.

    Raises:
        InputError: it is not a positive number.
    """
    typed(fps, float, "fps", Limits(above=0))


def frames_at(fps: float, age: int) -> int:
    """Frames at `fps` that take as long as `age` frames at 30 fps, at least one."""
    return max(1, round(age * (fps / REFERENCE_FPS)))

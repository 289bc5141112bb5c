"""How tracks are associated: what Deep SORT and the remix tracker share, and the parts of the remix tracker."""

import dataclasses
import math
import numbers
from dataclasses import dataclass, field
from typing import Literal, get_args

from remix_track.errors import InputError

UNCALIBRATED_COSINE_DISTANCE = 0.2
"""The published threshold, for weights that carry no calibrated one."""

REFERENCE_FPS = 30.0
"""The frame rate in which `max_age` is stated."""

MOTION_AGE = 30
"""Deep SORT's `max_motion_age` where none is set."""

_BETWEEN_0_AND_1 = ("max_low_iou_distance", "mean_momentum", "look_weight")


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


@dataclass(frozen=True, slots=True)
class AssociationSettings:
    """The choice of the tracker, and what `remix` adds to the settings that it shares with Deep SORT.

    Attributes:
        tracker: "remix", or "deep-sort" as published.
        low_score: detections from this score on, up to `min_confidence`, continue tracks and never begin one; any
            finite number. None: they are not used.
        max_low_iou_distance: largest 1 - IoU of such a match, 0..1.
        camera_motion: follow the camera by sparse optical flow, where there are pictures.
        looks: what a track remembers: the exponential mean of its vectors, its last `nn_budget` vectors, or both,
            whose two distances are averaged.
        mean_momentum: share of the mean that one more vector leaves as it was, 0..1.
        look_weight: of appearance in the cost, against overlap, 0..1.
        look_reach: how many times as far as Deep SORT's motion gate somebody alike is looked for, at least 0. People
            turn and stop behind others, and the gate is the prediction's own opinion of itself.
        score_noise: trust sure detections more: the measurement's variance times 1 - score.
        rate_noise: let velocities change more from frame to frame where frames are further apart.
        keep_size: a track that is not seen neither grows nor shrinks.

    Raises:
        InputError: a value out of its range, or an option of the remix tracker for the other one.
    """

    tracker: Literal["deep-sort", "remix"] = field(
        default="remix", metadata={"help": "remix, or deep-sort as published"}
    )
    low_score: float | None = field(
        default=0.1, metadata={"help": "remix: detections from this score on continue tracks; none: they do not"}
    )
    max_low_iou_distance: float = field(
        default=0.5, metadata={"help": "remix: largest 1 - IoU of a match with a low-score detection"}
    )
    camera_motion: bool = field(default=True, metadata={"help": "remix: follow the camera by sparse optical flow"})
    looks: Literal["mean", "gallery", "both"] = field(
        default="mean", metadata={"help": "remix: remember the mean vector, the last nn_budget vectors, or both"}
    )
    mean_momentum: float = field(default=0.9, metadata={"help": "remix: how slowly the mean vector follows, 0..1"})
    look_weight: float = field(
        default=0.75, metadata={"help": "remix: weight of appearance in the cost, against overlap, 0..1"}
    )
    look_reach: float = field(
        default=4.0, metadata={"help": "remix: how many motion gates away somebody alike is looked for"}
    )
    score_noise: bool = field(default=False, metadata={"help": "remix: the surer a detection, the less its noise"})
    rate_noise: bool = field(
        default=True, metadata={"help": "remix: expect more change from frame to frame at low frame rates"}
    )
    keep_size: bool = field(default=True, metadata={"help": "remix: tracks that are not seen keep their size"})

    def __post_init__(self) -> None:
        for name in ("tracker", "looks"):
            choices = get_args(self.__annotations__[name])
            if getattr(self, name) not in choices:
                raise InputError(f"{name} = {getattr(self, name)!r}; expected {' or '.join(map(repr, choices))}")
        if self.low_score is not None and not math.isfinite(self.low_score):
            raise InputError(f"low_score = {self.low_score}; expected a finite number, or none")
        for name in _BETWEEN_0_AND_1:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} = {getattr(self, name)}; expected 0 to 1")
        if not (self.look_reach >= 0 and math.isfinite(self.look_reach)):
            raise InputError(f"look_reach = {self.look_reach}; expected 0 or more")
        if self.tracker == "deep-sort":
            self._refuse_options()

    @property
    def follows_camera(self) -> bool:
        """Whether pictures are asked how the camera moved."""
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
    _check("fps", fps, "above 0", low=0, open_low=True)


def frames_at(fps: float, age: int) -> int:
    """Frames at `fps` that take as long as `age` frames at 30 fps, at least one."""
    return max(1, round(age * (fps / REFERENCE_FPS)))


def _check(
    name: str, value: float, expected: str, *, low: float = -math.inf, high: float = math.inf, open_low: bool = False
) -> None:
    # Compared with words, a range is a TypeError of Python's.
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    fits = number and math.isfinite(value) and low <= value <= high and not (open_low and value == low)
    if not fits:
        raise InputError(f"{name} = {value if number else repr(value)}; expected {expected}")

"""Which tracker associates, and the parts of the remix tracker, each of which can be set or switched off."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from remix_track.errors import InputError

_BETWEEN_0_AND_1 = ("max_low_iou_distance", "mean_momentum", "look_weight")


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

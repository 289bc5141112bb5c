"""What is done when a video is tracked to its end."""

import math
from dataclasses import dataclass, field

from remix_track.errors import InputError


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    """What is done after the last frame.

    Attributes:
        offline: do it at all; results come when all is tracked.
        link_tracklets: give tracks one id that look alike and can be one person; without appearance nothing is linked.
        link_seconds: longest time between two such tracks, at least 0.
        link_across_sides: one id also for who left the picture at its left or right side and came back. The MOT
            benchmarks count these as two people; and as anybody may come in there, looks and time are often wrong.
        fill_seconds: longest time not seen that is filled in, at least 0.
        smoothness: how much boxes are smoothed, at least 0; 0 leaves what was seen as it is. In frames at 30 fps, to
            the power of four: 10 evens out what lasts two or three frames.

    Raises:
        InputError: a value out of its range.
    """

    offline: bool = field(
        default=False, metadata={"help": "link tracks and fill gaps when all is tracked; results come at the end"}
    )
    link_tracklets: bool = field(default=True, metadata={"help": "offline: one id for tracks that look alike"})
    link_seconds: float = field(default=5.0, metadata={"help": "offline: longest time between tracks of one id"})
    link_across_sides: bool = field(
        default=False, metadata={"help": "offline: one id also for who left the picture at the side and came back"}
    )
    fill_seconds: float = field(default=0.7, metadata={"help": "offline: longest gap that is filled in"})
    smoothness: float = field(default=0.0, metadata={"help": "offline: how much boxes are smoothed; 0: not, 10: a bit"})

    def __post_init__(self) -> None:
        for name in ("link_seconds", "fill_seconds", "smoothness"):
            value = getattr(self, name)
            if not (value >= 0 and math.isfinite(value)):
                raise InputError(f"{name} = {value}; expected 0 or more")

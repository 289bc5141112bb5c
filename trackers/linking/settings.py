"""What is done when a video is tracked to its end."""

from dataclasses import dataclass

from remix_track.settings import check, setting


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    """What is done after the last frame.

    Attributes:
        offline: do it at all; results come when all is tracked.
        link_tracklets: give tracks one id that look alike and can be one person; without appearance nothing is linked.
        link_seconds: longest time between two such tracks.
        relink_reentries: one id also for who left the image at its left or right side and came back. The MOT
            benchmarks count these as two people; and as anybody may come in there, appearance and time are often wrong.
        fill_seconds: longest time not seen that is filled in.
        smoothness: how much boxes are smoothed; 0 leaves what was seen as it is. In frames at 30 fps, to
            the power of four: 10 evens out what lasts two or three frames.

    Raises:
        InputError: a value that does not fit its field.
    """

    offline: bool = setting(
        False, "link tracks and fill gaps after the whole source is tracked; results come at the end", common=True
    )
    link_tracklets: bool = setting(True, "offline: give tracks of similar appearance one id")
    link_seconds: float = setting(5.0, "offline: longest time between tracks of one id", low=0)
    relink_reentries: bool = setting(
        False, "offline: also link tracks that leave and re-enter at a side border of the image"
    )
    fill_seconds: float = setting(0.7, "offline: longest gap that is filled in", low=0)
    smoothness: float = setting(0.0, "offline: smoothing of boxes; 0: none, 10: slight", low=0)

    def __post_init__(self) -> None:
        check(self)

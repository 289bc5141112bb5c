"""What is done when a video is tracked to its end."""

from dataclasses import dataclass

from remix_track.settings import check, setting


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    """What is done after the last frame.

    Attributes:
        offline: apply these steps; results come after the whole source is tracked.
        link_tracklets: give tracks of similar appearance one id if they can be one person; needs appearance.
        link_seconds: longest time between two such tracks.
        relink_reentries: also link tracks that leave and re-enter at a side border of the image. The MOT benchmarks
            count these as two people; and as anyone may enter there, such links are often wrong.
        fill_seconds: longest gap that is filled in.
        smoothness: of boxes; 0 leaves detected boxes as they are. In frames at 30 fps, to
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

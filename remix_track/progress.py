"""How far a long job is: what every `on_progress` of this package is called with."""

from collections.abc import Callable
from typing import NamedTuple


class Progress(NamedTuple):
    """One step of a job that takes a while.

    Attributes:
        stage: what is being done: `tracking`, `writing`, `footage`, `crops` ...
        name: what it is done to: a source, a video.
        done: how much of that is done.
        total: how much there is in all; None where nothing tells, as with a camera.
        detail: a few words on what came of it.
    """

    stage: str
    name: str
    done: int
    total: int | None = None
    detail: str = ""


OnProgress = Callable[[Progress], None]


def unheard(_: Progress) -> None:
    """The `on_progress` that does nothing."""

"""Single images of sequences, for pages that show where a tracker went wrong."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError

if TYPE_CHECKING:
    from remix_track.trackers.frame import Frame


class Pictures:
    """Frame n of a sequence, where its images or its video are at hand; cheap when asked in ascending order.

    Args:
        places: folder or video of each sequence; None where there is none.
        skipped: how many frames of each lie before the first one that was scored (a split).
    """

    def __init__(self, places: Mapping[str, Path | None], skipped: Mapping[str, int]) -> None:
        self._places, self._skipped = places, skipped
        self._name = ""
        self._last = 0
        self._frames: Iterator[Frame] = iter(())

    def __call__(self, name: str, frame: int) -> NDArray[np.uint8] | None:
        """The image (H, W, 3) uint8 BGR of a frame counted from 1 among the scored ones; None if it is not there."""
        place = self._places.get(name)
        if place is None:
            return None
        wanted = frame + self._skipped[name]
        # A video is read on from where it stands; a folder of images is opened at the spot.
        if name != self._name or wanted <= self._last or place.is_dir():
            self._name, self._frames = name, _frames_from(place, wanted)
        self._last = wanted
        try:
            return next((found.image for found in self._frames if found.index >= wanted), None)
        except InputError:
            return None


def _frames_from(place: Path, first: int) -> "Iterator[Frame]":
    from remix_track.trackers.sources import open_source

    with open_source(place, start=first, fps=1.0) as source:
        yield from source

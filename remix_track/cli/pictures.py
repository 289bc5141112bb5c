"""Single pictures of sequences, for pages that show where a tracker went wrong."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError


class Pictures:
    """Frame n of a sequence, where its pictures or its video are at hand.

    Args:
        places: folder or video of each sequence; None where there is none.
        skipped: how many frames of each lie before the first one that was scored (a split).
    """

    def __init__(self, places: Mapping[str, Path | None], skipped: Mapping[str, int]) -> None:
        self._places, self._skipped = places, skipped

    def __call__(self, name: str, frame: int) -> NDArray[np.uint8] | None:
        """The picture (H, W, 3) uint8 BGR of a frame counted from 1 among the scored ones; None if it is not there."""
        from remix_track.trackers.sources import open_source

        place = self._places[name]
        if place is None:
            return None
        try:
            with open_source(place, start=frame + self._skipped[name], frames=1, fps=1.0) as source:
                return next(iter(source)).image
        except (InputError, StopIteration):
            return None

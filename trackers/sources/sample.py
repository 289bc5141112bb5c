"""Frames from all over a source, for what is measured on it before it is tracked."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.sources.source import Source

_REACH = 2000
"""Frames that are decoded for it at most: a minute of 30 a second, in which a street shows all that it has."""


def sample(source: Source, count: int) -> Iterator[NDArray[np.uint8]]:
    """About `count` frames, evenly spread over the source or its first two thousand frames; it is opened once more.

    Nothing comes of a source whose frames come once.
    """
    if source.again is None:
        return
    expected = min(source.frames or _REACH, _REACH)
    with source.again(max(1, expected // count)) as opened:
        for number, frame in enumerate(opened, 1):
            yield frame.image
            if number == count:
                return

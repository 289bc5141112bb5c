"""When a track is confirmed, which gives it an id: how often, and how surely, it was detected.

ByteTrack (Zhang et al. 2022, section 3) begins tracks at a higher score than it continues them with. Here a track may
begin with any sure detection, and waits for its first high score: people come into sight half hidden, and then it is
confirmed at once. What never gets one is a reflection, a statue, or a double of somebody.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.association.settings import REFERENCE_FPS

MARGIN = 0.2
"""One score has to be so far above the lowest score of a sure detection."""

MEAN_MARGIN = 0.1
"""Of `n_init` scores the mean has to be; higher scores need fewer frames, but two."""


@dataclass(frozen=True, slots=True)
class ByCount:
    """Deep SORT's: `n_init` frames in a row."""

    n_init: int

    def __call__(
        self, hits: NDArray[np.int64], total: NDArray[np.float64], best: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """(T,) tracks to be confirmed, by their detections so far, the sum of their scores, and the best of them."""
        return hits >= self.n_init


@dataclass(frozen=True, slots=True)
class ByScore:
    """`n_init` frames in a row at scores of `min_confidence` + `MEAN_MARGIN`, fewer at higher ones, more at lower ones.

    Attributes:
        n_init: frames; 1 confirms at once.
        min_confidence: the lowest score of a sure detection.
    """

    n_init: int
    min_confidence: float

    def __call__(
        self, hits: NDArray[np.int64], total: NDArray[np.float64], best: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """See `ByCount`."""
        if self.n_init == 1:
            return hits >= 1
        # Scores are float32: 0.9 twice has to be 1.8.
        enough = total >= self.n_init * (self.min_confidence + MEAN_MARGIN) - 1e-6
        return (hits >= 2) & enough & (best >= self.min_confidence + MARGIN - 1e-6)


def frames_to_confirm(n_init: int, fps: float) -> int:
    """`n_init` frames at 30 fps, or as many fewer, but two, as last as long at `fps`: 2 for 3 up to 15 fps."""
    return min(n_init, 1 + math.ceil((n_init - 1) * fps / REFERENCE_FPS - 1e-9))

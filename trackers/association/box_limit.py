"""The limit of boxes in a frame: the best ones are kept."""

import logging
import threading

import numpy as np
from numpy.typing import NDArray

MOST_BOXES = 2000
"""The fullest frames of MOT20 hold 250 people. Tables of tracks against boxes grow with the square: 32 MB each here,
3 GB with 20,000 boxes."""

_log = logging.getLogger(__name__)


class BoxLimit:
    """Chooses the boxes of a frame with the best scores; says once, of the first frame, that it had to.

    One for each run; may be asked from several threads.

    Attributes:
        left_out: boxes that were not chosen so far.
        said: what was said; empty while every frame had room.
    """

    def __init__(self, most: int = MOST_BOXES) -> None:
        self.left_out = 0
        self.said = ""
        self._most = most
        self._lock = threading.Lock()

    def best(self, score: NDArray[np.floating], frame: int) -> NDArray[np.intp]:
        """The rows to keep, rising: all, or those with the best scores, the earlier one of two that are equal.

        Args:
            score: (N,) confidences, finite.
            frame: its number, for the message.
        """
        if len(score) <= self._most:
            return np.arange(len(score))
        with self._lock:
            self.left_out += len(score) - self._most
            if not self.said:
                self.said = (
                    f"frame {frame}: {len(score):,} boxes; only the {self._most:,} with the best scores are tracked, "
                    "here and in other frames"
                )
                _log.warning(self.said)
        return np.sort(np.argsort(-score, kind="stable")[: self._most])

"""How the camera moved where no picture says it: by what all detections are off to the same side of their tracks.

A camera that turns moves every box of a frame by about the same pixels, and people by themselves do not agree. What
detections are off their predictions is a sample of that motion; its median is the estimate, as half of the pairs may
be wrong, and 1.4826 times the median absolute deviation its scale (Rousseeuw and Croux 1993, "Alternatives to the
median absolute deviation", equation 1.3). A few people who stop together look like it too, so a camera is taken to move
only while offsets have been too large for chance over many frames.
"""

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import iou_tlwh

FEWEST = 4
"""Pairs in a frame; of three, two who walk side by side are most."""

MOST = 64
"""Tracks that are asked, so that a crowd costs no time."""

LEAST_OVERLAP = 0.1
"""IoU of a track and its detection in a pair, each the nearest of the other."""

MOMENTUM = 0.9
"""Share of the evidence that one more frame leaves as it was."""

MOVES = 5.0
"""Evidence from which on a camera moves. At rest it is 1 to 2, as offsets are all chance and squares average 1."""

CLEAR = 4.0
"""Squared offset, in squared deviations of the median, that is followed: two deviations."""

MOST_EVIDENCE = 25.0
"""Of one frame: five deviations."""

_LEAST_SCALE = 0.25  # pixels: boxes in whole pixels may all be off by the same

Shift = NDArray[np.float64]


class CameraFromBoxes:
    """Call it on every frame of one video of which nothing else says how the camera moved."""

    def __init__(self) -> None:
        """Take the camera to rest."""
        self.evidence = np.zeros(2)

    def __call__(self, expected_tlwh: NDArray[np.floating], tlwh: NDArray[np.floating]) -> Shift | None:
        """How far the image moved beyond what tracks predict.

        Args:
            expected_tlwh: (T, 4) predicted boxes of tracks detected in the last frame.
            tlwh: (N, 4) sure detections of this frame.

        Returns:
            (2,) pixels in x and y, 0 where chance may be behind it; None: the camera rests, or too few pairs tell.
        """
        offset = _offsets(expected_tlwh[:: 1 + len(expected_tlwh) // (MOST + 1)], tlwh)
        if len(offset) < FEWEST:
            return None
        shift = _median(offset)
        scale = np.maximum(1.4826 * _median(np.abs(offset - shift)), _LEAST_SCALE)
        # Two less for what few pairs say of their own scale.
        clear = np.minimum((len(offset) - 2) * np.square(shift / scale), MOST_EVIDENCE)
        self.evidence = MOMENTUM * self.evidence + (1 - MOMENTUM) * clear
        return np.where(clear > CLEAR, shift, 0.0) if self.evidence.max() > MOVES else None


def _median(values: NDArray[np.float64]) -> Shift:
    """(2,) of (P, 2), as `np.median`, which takes as long as all the rest for so few."""
    ordered, middle = np.sort(values, axis=0), len(values) // 2
    return np.asarray(ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def _offsets(expected: NDArray[np.floating], tlwh: NDArray[np.floating]) -> NDArray[np.float64]:
    """(P, 2) how far detections' centres are from those of their tracks, where each is the nearest of the other."""
    if min(len(expected), len(tlwh)) < FEWEST:
        return np.empty((0, 2))
    overlap = iou_tlwh(expected, tlwh)
    column = overlap.argmax(axis=1)
    row = np.arange(len(expected))
    pairs = (overlap.argmax(axis=0)[column] == row) & (overlap[row, column] > LEAST_OVERLAP)
    before, now = expected[pairs], tlwh[column[pairs]]
    return np.asarray(now[:, :2] + now[:, 2:] / 2 - before[:, :2] - before[:, 2:] / 2, np.float64)

"""People made unrecognisable in an image: blurred, or in coarse squares; whole, or their heads."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Part = Literal["people", "heads"]

_CELLS = 5
"""Of the shorter side: as little is left of a person, and all that is drawn comes from these."""
_MARGIN = 0.1  # of the box, on each side
_HEAD = (0.27, 0.6)  # of a person's height; of the width, where a box is cut at the feet


def covers(xyxy: NDArray[np.float64], part: Part) -> NDArray[np.float64]:
    """Corners (N, 4) in pixels of what is to be hidden of people (N, 4): the whole with a margin, or the upper end."""
    margin = _MARGIN * (xyxy[:, 2:] - xyxy[:, :2])
    wide = np.hstack([xyxy[:, :2] - margin, xyxy[:, 2:] + margin])
    if part == "heads":
        sides = xyxy[:, 2:] - xyxy[:, :2]
        high = np.maximum(_HEAD[0] * sides[:, 1], _HEAD[1] * sides[:, 0])
        wide[:, 3] = np.minimum(xyxy[:, 1] + high, wide[:, 3])
    return wide


def hide(image: NDArray[np.uint8], areas: NDArray[np.float64], *, squares: bool = False) -> None:
    """Hide parts of an image, in place.

    Each is reduced to a few mean colours, so that no sharpening brings back what was there.

    Args:
        image: (H, W, 3) uint8.
        areas: (N, 4) corners in pixels; what lies outside of the image is left out.
        squares: show the mean colours as squares, not blended.
    """
    import cv2

    height, width = image.shape[:2]
    limit = np.array([width, height, width, height])
    whole = np.hstack([np.floor(areas[:, :2]), np.ceil(areas[:, 2:])])
    for left, top, right, bottom in np.clip(whole, 0, limit).astype(int).tolist():
        part = image[top:bottom, left:right]
        if not part.size:
            continue
        scale = _CELLS / min(part.shape[:2])
        cells = [max(1, round(scale * part.shape[1])), max(1, round(scale * part.shape[0]))]
        few = cv2.resize(part, cells, interpolation=cv2.INTER_AREA)
        blend = cv2.INTER_NEAREST if squares else cv2.INTER_CUBIC
        image[top:bottom, left:right] = cv2.resize(few, (part.shape[1], part.shape[0]), interpolation=blend)

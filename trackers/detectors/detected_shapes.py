"""Masks and keypoints from a network's numbers, in pixels of the frame, as ultralytics reads them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.masks import Mask, Masks, outlines
from remix_track.trackers.detectors.letterbox import Letterbox

Rows = NDArray[np.float32]
"""Boxes (N, 6): x1, y1, x2, y2 in pixels, confidence, class; best first."""

_FINEST = 2
"""Cells of a mask to a pixel of the input, along a side."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a network finds in a frame.

    Attributes:
        rows: (N, 6) boxes.
        mask: of each, or None.
        keypoints: (N, K, 3) of each, or None.
    """

    rows: Rows
    mask: Masks | None = None
    keypoints: NDArray[np.float32] | None = None


def found_in(
    rows: NDArray[np.float32],
    box: Letterbox,
    *,
    keypoints: tuple[int, int] | None = None,
    prototypes: NDArray[np.float32] | None = None,
) -> Found:
    """What rows of a network's output say of a frame.

    Args:
        rows: (N, 6 + more): boxes in pixels of the input, confidence, class, and what its task adds.
        box: how the frame lies in the input.
        keypoints: how many there are, and how many numbers (2 or 3) each has.
        prototypes: (C, h, w) of masks, of whose sum over C weights in a row what is above 0 is the detection.

    Raises:
        ValueError: prototypes without cells, or with more than two to a pixel along a side, or not one to a weight.
    """
    boxes = np.concatenate([box.to_frame(rows[:, :4]), rows[:, 4:6]], axis=1)
    mask = None if prototypes is None else _masks(rows, prototypes, box)
    return Found(boxes, mask, None if keypoints is None else _keypoints(rows[:, 6:], keypoints, box))


def _keypoints(values: NDArray[np.float32], shape: tuple[int, int], box: Letterbox) -> NDArray[np.float32]:
    count, numbers = shape
    points = values[:, : count * numbers].reshape(len(values), count, numbers)
    places = box.points_to_frame(points[:, :, :2].reshape(-1, 2)).reshape(len(values), count, 2)
    sure = points[:, :, 2:] if numbers == 3 else np.ones((len(values), count, 1), np.float32)
    return np.concatenate([places, sure], axis=2)


def _masks(rows: NDArray[np.float32], prototypes: NDArray[np.float32], box: Letterbox) -> Masks:
    channels, height, width = prototypes.shape
    if rows.shape[1] != 6 + channels:
        raise ValueError(f"{channels} prototypes of masks for {rows.shape[1] - 6} weights")
    if not (0 < height <= _FINEST * box.height and 0 < width <= _FINEST * box.width):
        raise ValueError(f"masks of {width}x{height} for images of {box.width}x{box.height}")

    def mask(row: NDArray[np.float32]) -> Mask:
        if not np.isfinite(row).all():
            return ()
        return _mask(row[:4].astype(np.float64), row[6:], prototypes, box)

    return Masks([mask(row) for row in rows])


def _mask(
    xyxy: NDArray[np.float64], weights: NDArray[np.float32], prototypes: NDArray[np.float32], box: Letterbox
) -> Mask:
    """A mask inside its box: the prototypes' sum there, enlarged to the input's pixels, which are then outlined."""
    import cv2

    _, height, width = prototypes.shape
    across, down = box.width / width, box.height / height
    # A cell more at each side, as pixels between cells are the mean of both.
    left, right = _cells(xyxy[0] / across, xyxy[2] / across, width)
    top, bottom = _cells(xyxy[1] / down, xyxy[3] / down, height)
    if right <= left or bottom <= top:
        return ()
    # An infinite number in a prototype that is not used would be none with a weight of 0.
    used = np.flatnonzero(weights)
    part = np.tensordot(weights[used], prototypes[used, top:bottom, left:right], 1).astype(np.float32)
    size = max(round((right - left) * across), 1), max(round((bottom - top) * down), 1)
    inside = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) > 0
    x, y = left * across, top * down
    columns, rows = x + np.arange(size[0]), y + np.arange(size[1])
    inside &= (columns >= xyxy[0]) & (columns < xyxy[2])
    inside &= ((rows >= xyxy[1]) & (rows < xyxy[3]))[:, None]
    return tuple(box.points_to_frame(one) for one in outlines(inside, x, y))


def _cells(first: float, last: float, count: int) -> tuple[int, int]:
    return max(math.floor(first) - 1, 0), min(math.ceil(last) + 1, count)

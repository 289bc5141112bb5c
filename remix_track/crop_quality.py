"""How much a box shows of its person, which decides the images that are kept: sure, large, in the clear, whole."""

import numpy as np
from numpy.typing import NDArray

CUT_OFF = 0.25
"""What a crop counts that the image's border cuts: less than a whole one of half the side."""


def crop_quality(xyxy: NDArray[np.float32], score: NDArray[np.float32], width: int, height: int) -> NDArray[np.float64]:
    """How much each box (N, 4) of a frame shows of its person: score times side times share in the clear.

    Args:
        xyxy: (N, 4) pixels.
        score: (N,) of the detections; nan counts nothing.
        width: of the image, pixels.
        height: likewise.

    Returns:
        (N,) pixels, comparable within a source.
    """
    boxes = xyxy.astype(np.float64)
    left_top, right_bottom = boxes[:, :2], boxes[:, 2:]
    side = np.sqrt(np.prod(np.maximum(right_bottom - left_top, 0), axis=1))
    cut = (left_top < 0).any(axis=1) | (right_bottom > (width, height)).any(axis=1)
    clear = 1 - _hidden_share(boxes)
    sure = np.clip(np.nan_to_num(score.astype(np.float64)), 0, None)
    return np.asarray(sure * side * clear * np.where(cut, CUT_OFF, 1.0))


def _hidden_share(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) the largest share of each box behind another one, of somebody nearer: whose feet are lower in the image."""
    sides = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    common = np.prod(np.maximum(sides, 0), axis=2)
    area = np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-9)
    nearer = boxes[None, :, 3] > boxes[:, None, 3]
    return np.asarray((common / area[:, None] * nearer).max(axis=1, initial=0.0)).clip(0, 1)

"""Boxes for the frames in which a finished track has no detection, and smoother boxes for the others."""

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.linking.finished_video import Boxes

BOX = np.dtype(
    [
        ("frame", np.int64),
        ("track", np.int64),
        ("xywh", np.float64, 4),  # centre and size, pixels
        ("score", np.float32),  # nan: no detection is behind it
        ("class_id", np.int64),
        ("detection", np.int64),  # row of the frame's `Detections`; -1: none
        ("way", np.float64),  # how far the camera had turned sideways until then, there and back, pixels
    ]
)
"""A box while the tracks of a video are linked and filled."""

_LEAST_SIDE = 1.0  # pixels


def fill_gaps(boxes: Boxes, max_gap: int, smoothness: float) -> Boxes:
    """Complete each track between boxes that are at most `max_gap` frames apart.

    Args:
        boxes: (N,) of `BOX`, sorted by track, then by frame.
        max_gap: frames; longer gaps stay.
        smoothness: see `smooth`; 0 fills in straight lines and leaves what was seen as it is.

    Returns:
        as `boxes`, with more rows: without score and detection, of the class of the box before.
    """
    if not len(boxes):
        return boxes
    apart = (np.diff(boxes["track"]) != 0) | (np.diff(boxes["frame"]) > max_gap)
    return np.concatenate([_filled(part, smoothness) for part in np.split(boxes, np.flatnonzero(apart) + 1)])


def _filled(seen: Boxes, smoothness: float) -> Boxes:
    frames = np.arange(seen["frame"][0], seen["frame"][-1] + 1)
    row = seen["frame"] - frames[0]
    whole = np.zeros(len(frames), BOX)
    whole["score"], whole["detection"] = np.nan, -1
    whole[row] = seen
    whole["frame"], whole["track"] = frames, seen["track"][0]
    whole["class_id"] = seen["class_id"][np.searchsorted(row, np.arange(len(frames)), side="right") - 1]
    for side in range(4):
        whole["xywh"][:, side] = np.interp(frames, seen["frame"], seen["xywh"][:, side])
    if smoothness and len(frames) > 2:
        weight = np.isin(frames, seen["frame"]).astype(np.float64)
        whole["xywh"] = smooth(whole["xywh"], weight, smoothness)
        whole["xywh"][:, 2:] = np.maximum(whole["xywh"][:, 2:], _LEAST_SIDE)
    return whole


def smooth(values: NDArray[np.float64], weight: NDArray[np.float64], smoothness: float) -> NDArray[np.float64]:
    """The curve x that is near to the values z and bends little: least sum w (x - z)^2 + s (second difference of x)^2.

    It is the mean of a Gaussian process, an integrated random walk, given noisy values (Wahba 1978), and what Whittaker
    (1923) graduated tables with. Solving it takes time in proportion to its length, where a Gaussian process with the
    usual kernel (StrongSORT's interpolation) takes its cube.

    Args:
        values: (F, C), three rows at least.
        weight: (F,) 1 where a value was seen, 0 in gaps; seen in two rows at least.
        smoothness: s, above 0.
    """
    from scipy.linalg import solveh_banded

    count = len(values)
    bands = np.zeros((3, count))
    bands[2] = weight
    bands[2, :-2] += smoothness
    bands[2, 1:-1] += 4 * smoothness
    bands[2, 2:] += smoothness
    bands[1, 1:-1] -= 2 * smoothness
    bands[1, 2:] -= 2 * smoothness
    bands[0, 2:] = smoothness
    return np.asarray(solveh_banded(bands, weight[:, None] * values), np.float64)

"""From YOLO's raw output to boxes: the surest class of each anchor, and of boxes that overlap the surest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_BOXES, MAX_CANDIDATES = 300, 30_000
_FAR = 7680.0
"""Classes are moved apart by so many pixels, so that boxes of different ones do not overlap."""


def surest(
    raw: NDArray[np.float32], names: int, classes: Sequence[int] | None, *, conf: float, iou: float
) -> NDArray[np.float32]:
    """Boxes of YOLO's output, as ultralytics' `non_max_suppression` picks them.

    Args:
        raw: (4 + names + more, A): x, y of the centre, width, height, a score for each class, of each anchor.
        names: how many classes there are.
        classes: the ones that are wanted; None for all.
        conf: boxes not above this confidence are left out.
        iou: boxes that overlap a surer one of their class more are left out.

    Returns:
        (N, 6) float32, N at most 300: x1, y1, x2, y2, confidence, class; best first.
    """
    scores = raw[4 : 4 + names]
    wanted = scores if classes is None else scores[list(classes)]
    rows = np.flatnonzero((wanted > conf).any(axis=0))
    best = scores[:, rows].argmax(axis=0)
    if classes is not None:
        rows, best = rows[np.isin(best, classes)], best[np.isin(best, classes)]
    confidence = scores[best, rows]
    order = np.argsort(-confidence, kind="stable")[:MAX_CANDIDATES]
    rows, best, confidence = rows[order], best[order], confidence[order]
    centre, half = raw[:2, rows].T, raw[2:4, rows].T / 2
    xyxy = np.concatenate([centre - half, centre + half], axis=1)
    kept = _not_overlapped(xyxy + (best * np.float32(_FAR))[:, None].astype(np.float32), iou)
    return np.concatenate([xyxy, confidence[:, None], best[:, None]], axis=1).astype(np.float32)[kept]


def sure(rows: NDArray[np.float32], classes: Sequence[int] | None, *, conf: float) -> NDArray[np.float32]:
    """Of the rows (N, 6) that a network without overlaps gives (x1, y1, x2, y2, confidence, class), those wanted."""
    kept = rows[:, 4] > conf
    if classes is not None:
        kept &= np.isin(rows[:, 5], classes)
    return rows[kept][:MAX_BOXES, :6]


def _not_overlapped(xyxy: NDArray[np.float32], iou: float) -> NDArray[np.intp]:
    """Rows of boxes, best first, that overlap no better row that stays; at most `MAX_BOXES`."""
    area = (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
    left = np.arange(len(xyxy))
    kept: list[int] = []
    while len(left) and len(kept) < MAX_BOXES:
        first, left = left[0], left[1:]
        kept.append(first)
        inner = np.minimum(xyxy[first, 2:], xyxy[left, 2:]) - np.maximum(xyxy[first, :2], xyxy[left, :2])
        shared = inner.clip(min=0).prod(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            left = left[~(shared / (area[first] + area[left] - shared) > iou)]
    return np.array(kept, np.intp)

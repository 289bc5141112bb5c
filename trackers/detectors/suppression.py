"""From YOLO's raw output to boxes: the surest class of each anchor, and of boxes that overlap the surest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_BOXES, MAX_CANDIDATES = 300, 30_000
_FAR = 7680.0
"""Classes are moved apart by so many pixels, so that boxes of different ones do not overlap."""
_TINY = 1e-7
"""Keeps quotients and logarithms finite, as in ultralytics."""


def corners_of(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes (4, N) as x, y of the centre, width, height -> x1, y1, x2, y2."""
    return np.concatenate([boxes[:2] - boxes[2:] / 2, boxes[:2] + boxes[2:] / 2])


def hulls_of(boxes: NDArray[np.float32], angle: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turned boxes (4, N) as x, y of the centre, width, height, and angles in radians -> corners of the upright boxes
    around them, (4, N)."""
    cos, sin = np.abs(np.cos(angle)), np.abs(np.sin(angle))
    upright = np.stack([boxes[2] * cos + boxes[3] * sin, boxes[2] * sin + boxes[3] * cos])
    return corners_of(np.concatenate([boxes[:2], upright]))


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
        (N, 6 + more) float32, N at most 300: x1, y1, x2, y2, confidence, class, and what there is more; best first.
    """
    rows, best, confidence = _candidates(raw[4 : 4 + names], classes, conf)
    xyxy = corners_of(raw[:4, rows]).T
    kept = _not_overlapped(xyxy + (best * np.float32(_FAR))[:, None].astype(np.float32), iou)
    more = raw[4 + names :, rows[kept]].T
    found = np.concatenate([xyxy, confidence[:, None], best[:, None]], axis=1).astype(np.float32)[kept]
    return np.concatenate([found, more], axis=1) if more.shape[1] else found


def surest_turned(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    angle: NDArray[np.float32],
    classes: Sequence[int] | None,
    *,
    conf: float,
    iou: float,
) -> NDArray[np.float32]:
    """Upright boxes around turned ones, which are picked as ultralytics' `non_max_suppression(rotated=True)` does.

    Args:
        boxes: (4, A): x, y of the centre, width, height of each anchor.
        scores: (names, A).
        angle: (A,) from the width's side to the image's, in radians.
        classes: see `surest`, also for the following.
        conf: boxes not above this confidence are left out.
        iou: boxes whose likeness to a surer one of their class is larger are left out.

    Returns:
        (N, 6) float32 as `surest`.
    """
    rows, best, confidence = _candidates(scores, classes, conf)
    boxes, angle = boxes[:, rows], angle[rows]
    apart = boxes + np.where(np.arange(4) < 2, np.float32(_FAR), np.float32(0))[:, None] * best.astype(np.float32)
    kept = _unlike(apart, angle, iou)
    found = np.concatenate([hulls_of(boxes, angle), confidence[None], best[None]])
    return found.T.astype(np.float32)[kept]


def _candidates(
    scores: NDArray[np.float32], classes: Sequence[int] | None, conf: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Anchors whose surest class is wanted and above `conf`, best first; that class, and its score."""
    wanted = scores if classes is None else scores[list(classes)]
    rows = np.flatnonzero((wanted > conf).any(axis=0))
    best = scores[:, rows].argmax(axis=0)
    if classes is not None:
        rows, best = rows[np.isin(best, classes)], best[np.isin(best, classes)]
    confidence = scores[best, rows]
    order = np.argsort(-confidence, kind="stable")[:MAX_CANDIDATES]
    return rows[order], best[order], confidence[order]


def sure(rows: NDArray[np.float32], classes: Sequence[int] | None, *, conf: float) -> NDArray[np.float32]:
    """Those wanted of the rows (N, 6 + more) x1, y1, x2, y2, confidence, class ... of a network without overlaps."""
    kept = rows[:, 4] > conf
    if classes is not None:
        kept &= np.isin(rows[:, 5], classes)
    return rows[kept][:MAX_BOXES]


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


def _unlike(boxes: NDArray[np.float32], angle: NDArray[np.float32], most: float) -> NDArray[np.intp]:
    """Rows of turned boxes (4, N), best first, like which there is no better one, whether that stays or not.

    Likeness is that of the Gaussians with the boxes' moments: 1 less the Hellinger distance (Llerena et al., 2021,
    arXiv 2106.06072).
    """
    x, y = boxes[:2].astype(np.float64)
    # Variances along both sides of a box, turned into the image's axes.
    along, across = boxes[2:].astype(np.float64) ** 2 / 12
    cos, sin = np.cos(angle.astype(np.float64)), np.sin(angle.astype(np.float64))
    a, b, c = along * cos**2 + across * sin**2, along * sin**2 + across * cos**2, (along - across) * cos * sin
    own = np.sqrt(np.maximum(a * b - c**2, 0))
    kept: list[int] = []
    for row in range(boxes.shape[1]):
        if len(kept) == MAX_BOXES:
            break
        p, q, r = a[row] + a[:row], b[row] + b[:row], c[row] + c[:row]
        dx, dy, both = x[row] - x[:row], y[row] - y[:row], p * q - r**2
        distance = (p * dy**2 + q * dx**2 - 2 * r * dx * dy) / (4 * both + _TINY)
        distance += np.log(both / (4 * own[row] * own[:row] + _TINY) + _TINY) / 2
        likeness = 1 - np.sqrt(1 - np.exp(-np.clip(distance, _TINY, 100)) + _TINY)
        if not (likeness > most).any():
            kept.append(row)
    return np.array(kept, np.intp)

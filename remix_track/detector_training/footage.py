"""Real footage: frames with a teacher's boxes, people cut out of them, and the place without people."""

from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from remix_track.detector_training.material import LabelledFrame
from remix_track.synthetic.sprites import Image, Sprite

_ROOM = 0.12
"""Share of a box's sides around it that is looked at when a person is cut out."""
_TALLEST = 260
_ROUNDS = 3
_BAND = 32
"""Rows of all frames that are held at a time once more."""


def cut_people(frames: list[LabelledFrame], most: int, rng: np.random.Generator) -> list[Sprite]:
    """People who stand alone and whole in a frame, cut out along their outline.

    The outline is that of GrabCut (Rother et al., SIGGRAPH 2004), which starts from the box; results that fill too
    little or too much of it are left out.
    """
    places = [(number, row) for number, frame in enumerate(frames) for row in _alone(frame)]
    made: list[Sprite] = []
    for at in rng.permutation(len(places)).tolist():
        if len(made) >= most:
            break
        number, row = places[at]
        sprite = _cut(frames[number].image, frames[number].people[row])
        if sprite is not None:
            made.append(sprite)
    return made


def _alone(frame: LabelledFrame) -> list[int]:
    """Rows of people who touch neither the border nor another box, and are upright and large enough."""
    height, width = frame.image.shape[:2]
    boxes = np.concatenate([frame.people, frame.unknown])
    found = []
    for row, (left, top, right, bottom) in enumerate(frame.people.tolist()):
        others = np.delete(boxes, row, axis=0)
        apart = (others[:, 2] < left) | (others[:, 0] > right) | (others[:, 3] < top) | (others[:, 1] > bottom)
        inside = left > 3 and top > 3 and right < width - 3 and bottom < height - 3
        if apart.all() and inside and bottom - top > 70 and bottom - top > 1.5 * (right - left):
            found.append(row)
    return found


def _cut(image: Image, box: NDArray[np.float32]) -> Sprite | None:
    left, top, right, bottom = box.tolist()
    across, down = _ROOM * (right - left) + 2, _ROOM * (bottom - top) + 2
    columns = slice(max(round(left - across), 0), round(right + across))
    rows = slice(max(round(top - down), 0), round(bottom + down))
    window = np.ascontiguousarray(image[rows, columns])
    scale = min(_TALLEST / window.shape[0], 1.0)
    window = np.asarray(cv2.resize(window, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    inner = [round(scale * one) for one in (left - columns.start, top - rows.start, right - left, bottom - top)]
    mask = np.zeros(window.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(window, mask, inner, *models, _ROUNDS, cv2.GC_INIT_WITH_RECT)
    person = _largest(((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8))
    ys, xs = np.nonzero(person)
    share = len(ys) / max(inner[2] * inner[3], 1)
    if not 0.3 < share < 0.85 or ys.max() - ys.min() < 0.85 * inner[3]:
        return None
    trimmed = slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1)
    alpha = np.asarray(cv2.GaussianBlur(255 * person, (0, 0), 0.8), np.uint8)[trimmed]
    bgr = (window[trimmed].astype(np.uint16) * alpha[..., None] // 255).astype(np.uint8)
    return Sprite(0, 0, bgr, alpha)


def _largest(mask: Image) -> Image:
    """The largest connected part of a mask of 0 and 1."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])), np.uint8)


def empty_place(frames: list[LabelledFrame]) -> Image | None:
    """What a still camera sees where and when no person is, the median over frames; None if some place never is empty.

    A pixel that people hide in most frames has the colours of few moments; boxes are widened for shadows.
    """
    height = len(frames[0].image)
    if reduce(np.logical_and, (_hidden(frame, 0, height) for frame in frames)).mean() > 0.002:
        return None
    return np.concatenate([_median(frames, first, min(first + _BAND, height)) for first in range(0, height, _BAND)])


def _median(frames: list[LabelledFrame], first: int, end: int) -> Image:
    """Rows `first` to `end` of the empty place."""
    images = np.stack([frame.image[first:end] for frame in frames])
    hidden = np.stack([_hidden(frame, first, end) for frame in frames])
    masked = np.ma.array(images, mask=np.broadcast_to(hidden[..., None], images.shape))
    median = np.ma.median(masked, axis=0)  # type: ignore[no-untyped-call]
    return np.asarray(median.filled(127), np.uint8)


def _hidden(frame: LabelledFrame, first: int, end: int) -> NDArray[np.bool_]:
    """Where people are in rows `first` to `end`."""
    mask = np.zeros((end - first, frame.image.shape[1]), bool)
    for left, top, right, bottom in np.concatenate([frame.people, frame.unknown]).tolist():
        across, down = 0.1 * (right - left), 0.08 * (bottom - top)
        rows = slice(max(int(top - down) - first, 0), max(int(bottom + down) - first, 0))
        mask[rows, max(int(left - across), 0) : int(right + across)] = True
    return mask

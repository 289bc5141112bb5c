"""The HOG detector's windows of all sizes, from coarse to fine.

A person who is found at one scale is nearly found at its neighbours. So every fifth scale is searched all over, and the
four between only around those windows that come near to a person. What is found are windows of a search of all scales,
with the same margins, in about half of the time.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import clip_xyxy
from remix_track.machine import usable_cores
from remix_track.ordered_workers import map_ordered

WINDOW = (64, 128)
SCALE_STEP = 1.05
COARSE = 5
"""Of so many scales one is searched all over, the middle one."""
NEAR = -0.5
"""Margin from which on a window of a coarse scale has the scales beside it searched around it."""

_STRIDE, _PADDING, _MARGIN = 8, 16, 8
"""Pixels of a scale: from window to window; beyond the image; around a part, whose outermost gradients are others."""

Image = NDArray[np.uint8]
Mask = NDArray[np.uint8]
"""(rows, columns) of places, one to a stride, from the padded image's corner on."""


class Found(NamedTuple):
    """Windows of one scale: their places (N, 2), column and row, and their margins (N,)."""

    place: NDArray[np.int64]
    margin: NDArray[np.float64]


class Scale(NamedTuple):
    """One size of the image, in which people of one size fill the window: how much smaller it is, and its sides."""

    factor: float
    width: int
    height: int

    def of(self, image: Image) -> Image:
        """The image at this scale."""
        import cv2

        if image.shape[:2] == (self.height, self.width):
            return image
        made = cv2.resize(image, (self.width, self.height), interpolation=cv2.INTER_LINEAR_EXACT)
        return np.asarray(made, np.uint8)

    def empty(self) -> Mask:
        """A mask of its places."""
        sides = (self.height - WINDOW[1], self.width - WINDOW[0])
        return np.zeros([(side + 2 * _PADDING) // _STRIDE + 1 for side in sides], np.uint8)

    def xyxy(self, place: NDArray[np.int64]) -> NDArray[np.float64]:
        """The windows (N, 4) at places, in pixels of the first scale, rounded as OpenCV does."""
        corner = np.rint((place * _STRIDE - _PADDING) * self.factor)
        return np.concatenate([corner, corner + np.rint(np.array(WINDOW) * self.factor)], axis=1)


def scales(width: int, height: int) -> list[Scale]:
    """All scales of an image that hold a window, the largest first."""
    factors = (SCALE_STEP**number for number in itertools.count())
    made = (Scale(factor, round(width / factor), round(height / factor)) for factor in factors)
    return list(itertools.takewhile(lambda one: one.width >= WINDOW[0] and one.height >= WINDOW[1], made))


def search(hog: Any, image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Windows (N, 4) xyxy in pixels of the image with a positive margin (N,), in no order.

    Args:
        hog: OpenCV's descriptor with its weights.
        image: (H, W, 3) uint8 BGR.
    """
    every = scales(image.shape[1], image.shape[0])
    coarse = [number for number in range(len(every)) if number % COARSE == COARSE // 2 or len(every) <= COARSE // 2]
    seen = _side_by_side(lambda number: _all_over(hog, every[number].of(image)), coarse)
    masks = _beside(every, coarse, seen)
    parts = _side_by_side(lambda number: _around(hog, every[number].of(image), masks[number]), list(masks))
    pairs = [*zip(coarse, seen, strict=True), *zip(masks, parts, strict=True)]
    people = [(every[number], place[margin > 0], margin[margin > 0]) for number, (place, margin) in pairs]
    windows = np.concatenate([np.empty((0, 4)), *(scale.xyxy(place) for scale, place, _ in people)])
    # As OpenCV does: of people who are half beyond the border, what is left fits better than the whole window.
    margins = np.concatenate([np.empty(0), *(margin for *_, margin in people)])
    return np.asarray(clip_xyxy(windows, image.shape[1], image.shape[0]), np.float64), margins


def _side_by_side(work: Callable[[int], Found], numbers: Sequence[int]) -> list[Found]:
    """What each scale gives; a thread for each core works on the next one."""
    cores = usable_cores()
    others = [lambda: work] * (cores - 1)
    made = map_ordered(iter(numbers), work, lambda: others, ahead=cores if others else 0, first_alone=False)
    return [found for _, found in made]


def _all_over(hog: Any, image: Image) -> Found:
    """The windows of one scale from `NEAR` on."""
    found, margin = hog.detect(image, hitThreshold=NEAR, winStride=(_STRIDE, _STRIDE), padding=(_PADDING, _PADDING))
    return Found((_corners(found) + _PADDING) // _STRIDE, np.reshape(margin, -1).astype(np.float64))


def _corners(found: Any) -> NDArray[np.int64]:
    return np.reshape(found, (-1, 2)).astype(np.int64)


def _beside(every: Sequence[Scale], coarse: Sequence[int], seen: Sequence[Found]) -> dict[int, Mask]:
    """Where to search the other scales: places a stride around the windows that were found up to two scales away."""
    masks: dict[int, Mask] = {}
    for number, found in zip(coarse, seen, strict=True):
        # After the last one there may be more than are beside the others.
        end = len(every) if number == coarse[-1] else number + COARSE // 2 + 1
        for other in range(max(0, number - COARSE // 2), min(len(every), end)):
            if other == number or not len(found.place):
                continue
            mask = masks.setdefault(other, every[other].empty())
            for column, row in _places_at(every[other], every[number], found.place):
                mask[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = 1
    return masks


def _places_at(scale: Scale, other: Scale, place: NDArray[np.int64]) -> Iterator[list[int]]:
    """The places of a scale whose windows have the centres of windows of another."""
    half = np.array(WINDOW) / 2
    centre = (place * _STRIDE - _PADDING + half) * (other.factor / scale.factor)
    nearest = np.rint((centre - half + _PADDING) / _STRIDE).astype(np.int64)
    yield from np.maximum(nearest, 0).tolist()


def _around(hog: Any, image: Image, mask: Mask) -> Found:
    """The windows with a positive margin in those parts of a scale that hold places of a mask."""
    import cv2

    border = _PADDING + _MARGIN
    padded = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REFLECT_101)
    _, _, parts, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found = [_part(hog, padded, *part) for part in parts[1:, :4].tolist()]
    return _joined(found)


def _part(hog: Any, padded: Image, left: int, top: int, columns: int, rows: int) -> Found:
    """The windows with a positive margin at a rectangle of places."""
    sides = (columns - 1) * _STRIDE + WINDOW[0] + 2 * _MARGIN, (rows - 1) * _STRIDE + WINDOW[1] + 2 * _MARGIN
    x, y = left * _STRIDE, top * _STRIDE
    image = np.ascontiguousarray(padded[y : y + sides[1], x : x + sides[0]])
    found, margin = hog.detect(image, hitThreshold=0, winStride=(_STRIDE, _STRIDE), padding=(0, 0))
    inner = (_corners(found) - _MARGIN) // _STRIDE
    kept = ((inner >= 0) & (inner < [columns, rows])).all(axis=1)
    return Found(inner[kept] + np.array([left, top], np.int64), np.reshape(margin, -1).astype(np.float64)[kept])


def _joined(found: Iterable[Found]) -> Found:
    whole = [Found(np.empty((0, 2), np.int64), np.empty(0)), *found]
    place = np.asarray(np.concatenate([one.place for one in whole]), np.int64)
    return Found(place, np.concatenate([one.margin for one in whole]))

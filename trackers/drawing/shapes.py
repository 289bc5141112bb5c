"""Masks and skeletons drawn on an image, each in the colour of its id."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from remix_track.id_colours import colour_of
from remix_track.masks import Mask, pixels
from remix_track.trackers.frame import TrackedFrame

SURE = 0.5
"""Confidence from which on a keypoint is drawn."""
_COCO = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9), (8, 10),
    (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip
"""Which of COCO's 17 keypoints of a person are joined; of other sets only the points are drawn."""
_FILL = 0.4
_SHIFT = 3


def draw_masks(image: NDArray[np.uint8], frame: TrackedFrame, order: Sequence[int], line: int) -> None:
    """Fill the masks of the tracks at `order`, through which the image shows, and outline them; in place."""
    if frame.tracks.mask is None:
        return
    for row in order:
        if mask := frame.tracks.mask.polygons[row]:
            _draw_mask(image, mask, int(frame.ids[row]), max(1, line // 2))


def draw_skeletons(image: NDArray[np.uint8], frame: TrackedFrame, order: Sequence[int], line: int) -> None:
    """Draw the keypoints that are sure of the tracks at `order`, and the limbs between them; in place."""
    import cv2

    keypoints = frame.tracks.keypoints
    if keypoints is None:
        return
    limbs = _COCO if keypoints.shape[1] == 17 else ()
    for row in order:
        x, y, sure = keypoints[row].astype(np.float64).T
        known = np.isfinite(x) & np.isfinite(y) & (sure >= SURE)
        places = [(int(a), int(b)) for a, b in np.rint(np.where(known, [x, y], 0).T.clip(-1e4, 1e5)).tolist()]
        colour = colour_of(int(frame.ids[row]))
        for begin, end in limbs:
            if known[begin] and known[end]:
                cv2.line(image, places[begin], places[end], colour, line, cv2.LINE_AA)
        for place in np.flatnonzero(known).tolist():
            cv2.circle(image, places[place], line + 1, (255, 255, 255), -1, cv2.LINE_AA)
            cv2.circle(image, places[place], line + 1, colour, 1, cv2.LINE_AA)


def around(points: NDArray[np.floating], margin: int, image: NDArray[np.uint8]) -> tuple[slice, slice] | None:
    """The part of the image, as slices of rows and columns, that holds the points; None where it is empty."""
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(points.min(axis=0)).astype(int) - margin, 0, (width, height)).tolist()
    right, bottom = np.clip(np.ceil(points.max(axis=0)).astype(int) + margin, 0, (width, height)).tolist()
    return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None


def _draw_mask(image: NDArray[np.uint8], mask: Mask, id_: int, line: int) -> None:
    import cv2

    area = around(np.concatenate(mask).clip(-1e5, 1e5), line + 1, image)
    if area is None:
        return
    part, colour = image[area], colour_of(id_)
    corner = np.array([area[1].start, area[0].start], np.float32)
    outlines, bare = pixels(tuple(one - corner for one in mask), _SHIFT), part.copy()
    cv2.fillPoly(part, outlines, colour, cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(part, _FILL, bare, 1 - _FILL, 0, dst=part)
    cv2.polylines(part, outlines, True, colour, line, cv2.LINE_AA, _SHIFT)

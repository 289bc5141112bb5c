"""The best few pictures of a person, as JPEG in memory: apart in time, and looked for twice a second."""

import math

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import clip_xyxy
from remix_track.viewer.people_page import Crop

LOOK_EVERY = 0.5
"""Seconds between looks at a person; neighbouring frames look alike."""
_SLOT = 2.0  # seconds, of which one picture at most is kept
_BETTER = 1.15  # times as good, or the one that is there stays
_SIDE = 168  # pixels of a kept picture's longer side
_LEAST = 8  # pixels of a box's shorter side that shows anything
_MARGIN = 0.06  # of the box, on each side
_QUALITY = 82  # of the JPEG


class BestCrops:
    """Pictures of one person.

    Attributes:
        bytes: that they take.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.bytes = 0
        self._due = -math.inf
        self._kept: list[tuple[float, int, Crop]] = []  # quality, slot, picture

    def is_due(self, time: float) -> bool:
        """Whether to look at the person again, at most once in `LOOK_EVERY` seconds."""
        if time < self._due:
            return False
        self._due = time + LOOK_EVERY
        return True

    def offer(
        self, quality: float, time: float, frame: int, image: NDArray[np.uint8], xyxy: NDArray[np.float32], most: int
    ) -> None:
        """Keep this one where it is better than what there is.

        Args:
            quality: see `crop_quality`; 0 shows nothing.
            time: of the frame, in seconds.
            frame: its number on the page.
            image: (H, W, 3) uint8 BGR.
            xyxy: (4,) corners of the person in it.
            most: how many may be kept.
        """
        left, top, right, bottom = clip_xyxy(xyxy[None], image.shape[1], image.shape[0])[0].tolist()
        if quality <= 0 or min(right - left, bottom - top) < _LEAST:
            return
        slot = int(time // _SLOT)
        same = [one for one in self._kept if one[1] == slot]
        replaced = min(same or (self._kept if len(self._kept) >= most else []), default=None, key=lambda one: one[0])
        if replaced is not None and quality < _BETTER * replaced[0]:
            return
        if replaced is not None:
            self._kept.remove(replaced)
            self.bytes -= len(replaced[2].jpeg)
        crop = Crop(frame, _jpeg(image, xyxy))
        self.bytes += len(crop.jpeg)
        self._kept.append((quality, slot, crop))

    def best(self, most: int) -> list[Crop]:
        """The pictures, the best one first."""
        return [crop for _, _, crop in sorted(self._kept, key=lambda one: -one[0])[:most]]


def _jpeg(image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> bytes:
    import cv2

    margin = _MARGIN * (xyxy[2:] - xyxy[:2])
    wide = np.concatenate([xyxy[:2] - margin, xyxy[2:] + margin])[None]
    left, top, right, bottom = np.rint(clip_xyxy(wide, image.shape[1], image.shape[0]))[0].astype(int).tolist()
    crop = image[top:bottom, left:right]
    scale = _SIDE / max(crop.shape[:2])
    if scale < 1:
        crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())

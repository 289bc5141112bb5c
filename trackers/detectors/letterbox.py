"""The picture that YOLO sees, scaled and padded, and its boxes back in the pixels of the frame."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

GREY = 114
"""Of the padding, as in YOLO's training."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How frames of one size fit into the network's input, with the fewest padded pixels.

    Rounding follows ultralytics' `LetterBox(auto=True)` and `scale_boxes`, so that boxes are the same.

    Attributes:
        frame_height, frame_width: of the frames in pixels.
        height, width: of the input in pixels, multiples of the stride.
        scaled_height, scaled_width: of the frame inside it.
        left, top: padded pixels before the frame.
    """

    frame_height: int
    frame_width: int
    height: int
    width: int
    scaled_height: int
    scaled_width: int
    left: int
    top: int

    @classmethod
    def fit(cls, frame_height: int, frame_width: int, *, size: int, stride: int) -> Self:
        """The letterbox whose longer side is `size` pixels, rounded up to a multiple of `stride`."""
        size = math.ceil(size / stride) * stride
        ratio = min(size / frame_height, size / frame_width)
        scaled_height, scaled_width = max(round(frame_height * ratio), 1), max(round(frame_width * ratio), 1)
        spare_height, spare_width = (size - scaled_height) % stride, (size - scaled_width) % stride
        return cls(
            frame_height=frame_height,
            frame_width=frame_width,
            height=scaled_height + spare_height,
            width=scaled_width + spare_width,
            scaled_height=scaled_height,
            scaled_width=scaled_width,
            left=round(spare_width / 2 - 0.1),
            top=round(spare_height / 2 - 0.1),
        )

    def empty(self) -> NDArray[np.float32]:
        """A grey input (1, height, width, 3) to `fill`."""
        return np.full((1, self.height, self.width, 3), GREY, np.float32)

    def fill(self, image: NDArray[np.uint8], pixels: NDArray[np.float32]) -> None:
        """Scale a frame (H, W, 3) into an input of `empty`; the padding stays as it is."""
        import cv2

        inside = pixels[0, self.top : self.top + self.scaled_height, self.left : self.left + self.scaled_width]
        if image.shape[:2] == inside.shape[:2]:
            inside[:] = image
        else:
            inside[:] = cv2.resize(image, (self.scaled_width, self.scaled_height), interpolation=cv2.INTER_LINEAR)

    def to_frame(self, xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Corners (N, 4) in pixels of the input -> in pixels of the frame, cut at its borders."""
        # ultralytics derives the scale again from the padded shape, which is not always the one it resized with.
        gain = min(self.height / self.frame_height, self.width / self.frame_width)
        scaled_height, scaled_width = max(round(self.frame_height * gain), 1), max(round(self.frame_width * gain), 1)
        left, top = round((self.width - scaled_width) / 2 - 0.1), round((self.height - scaled_height) / 2 - 0.1)
        scale = np.array([scaled_width / self.frame_width, scaled_height / self.frame_height] * 2, np.float32)
        moved = (xyxy - np.array([left, top] * 2, np.float32)) / scale
        limits = np.array([self.frame_width, self.frame_height] * 2, np.float32)
        return np.asarray(np.clip(moved, 0, limits), np.float32)

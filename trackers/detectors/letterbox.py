"""YOLO's input: the frame scaled and padded, and its boxes mapped back to pixels of the frame."""

import math
from dataclasses import dataclass
from typing import Any, Self

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
        is_exact: boxes go back by the scale and the place of the frame as they are; else as ultralytics has it.
    """

    frame_height: int
    frame_width: int
    height: int
    width: int
    scaled_height: int
    scaled_width: int
    left: int
    top: int
    is_exact: bool = False

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

    @classmethod
    def inside(cls, frame_height: int, frame_width: int, height: int, width: int) -> Self:
        """The letterbox in an input of fixed size, as `LetterBox(auto=False)`."""
        ratio = min(height / frame_height, width / frame_width)
        scaled_height, scaled_width = max(round(frame_height * ratio), 1), max(round(frame_width * ratio), 1)
        return cls(
            frame_height=frame_height,
            frame_width=frame_width,
            height=height,
            width=width,
            scaled_height=scaled_height,
            scaled_width=scaled_width,
            left=round((width - scaled_width) / 2 - 0.1),
            top=round((height - scaled_height) / 2 - 0.1),
        )

    @classmethod
    def stretched(cls, frame_height: int, frame_width: int, height: int, width: int) -> Self:
        """No padding: the frame is stretched to the input, as RT-DETR sees it."""
        return cls(frame_height, frame_width, height, width, height, width, left=0, top=0, is_exact=True)

    @classmethod
    def at_corner(cls, frame_height: int, frame_width: int, height: int, width: int) -> Self:
        """The frame in the first corner, the padding at the right and below it, as YOLOX sees it."""
        ratio = min(height / frame_height, width / frame_width)
        scaled = max(int(frame_height * ratio), 1), max(int(frame_width * ratio), 1)
        return cls(frame_height, frame_width, height, width, *scaled, left=0, top=0, is_exact=True)

    def empty(self, dtype: type[np.generic] = np.float32) -> NDArray[Any]:
        """A grey input (1, height, width, 3) to `fill`."""
        return np.full((1, self.height, self.width, 3), GREY, dtype)

    def scaled(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A frame (H, W, 3) as the network sees it, without the padding; one that is scaled already stays as it is."""
        import cv2

        if image.shape[:2] == (self.scaled_height, self.scaled_width):
            return image
        size = self.scaled_width, self.scaled_height
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)

    def scaled_of_frame(self, image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """The same of a frame of the size that this is for; None of another one."""
        return self.scaled(image) if image.shape[:2] == (self.frame_height, self.frame_width) else None

    def input_of(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's input (1, height, width, 3) for a frame."""
        pixels = self.empty()
        self.fill(image, pixels)
        return pixels

    def fill(self, image: NDArray[np.uint8], pixels: NDArray[Any]) -> None:
        """Scale a frame (H, W, 3) into an input of `empty`; the padding stays as it is."""
        inside = pixels[0, self.top : self.top + self.scaled_height, self.left : self.left + self.scaled_width]
        inside[:] = self.scaled(image)

    def to_frame(self, xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Corners (N, 4) in pixels of the input -> in pixels of the frame, cut at its borders."""
        # ultralytics derives the scale again from the padded shape, which is not always the one it resized with.
        sides = self.frame_height, self.frame_width, self.height, self.width
        box = self if self.is_exact else Letterbox.inside(*sides)
        scale = np.array([box.scaled_width / self.frame_width, box.scaled_height / self.frame_height] * 2, np.float32)
        moved = (xyxy - np.array([box.left, box.top] * 2, np.float32)) / scale
        limits = np.array([self.frame_width, self.frame_height] * 2, np.float32)
        return np.asarray(np.clip(moved, 0, limits), np.float32)

    def points_to_frame(self, xy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (N, 2), as `to_frame` has corners."""
        return self.to_frame(np.concatenate([xy, xy], axis=1))[:, :2]

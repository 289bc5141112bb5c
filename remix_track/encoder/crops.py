"""Boxes of one image to the batch that a network takes: crop, resize, normalise, in buffers that are reused."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import clip_xyxy
from remix_track.errors import InputError

ChannelOrder = Literal["RGB", "BGR"]
IMAGENET_MEAN: tuple[float, ...] = (0.485, 0.456, 0.406)
IMAGENET_STD: tuple[float, ...] = (0.229, 0.224, 0.225)
SMALLEST_SIDE, LARGEST_SIDE = 8, 1024

_NARROW, _WIDE = 0.35, 0.5
"""Width / height of whole people: the median, and what one in twenty exceeds (truth of MOT17-02, 04, 09 and 13)."""

_BORDER = 0.01
"""Share of its height from the border of the image at which a box counts as cut, as in the harvest."""


@dataclass(frozen=True, slots=True)
class NetworkInput:
    """Size, channel order and normalisation of a network's input.

    Attributes:
        height: of its input in pixels, 8 to 1024.
        width: of its input in pixels, 8 to 1024.
        channel_order: of its input channels, and of `mean` and `std`.
        mean: subtracted from each channel, of values in 0..1.
        std: divides each channel after that; above 0. A network that takes 0..255 has mean 0 and std 1/255.

    Raises:
        InputError: a value out of these ranges.
    """

    height: int
    width: int
    channel_order: ChannelOrder = "RGB"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            side = getattr(self, name)
            if not SMALLEST_SIDE <= side <= LARGEST_SIDE:
                raise InputError(
                    f"input {name} {side} is out of range; expected {SMALLEST_SIDE} to {LARGEST_SIDE} pixels"
                )
        if self.channel_order not in ("RGB", "BGR"):
            raise InputError(f"channel order {self.channel_order!r} is not known; expected 'RGB' or 'BGR'")
        for name in ("mean", "std"):
            values = np.asarray(getattr(self, name), np.float64)
            if values.shape != (3,) or not (np.abs(values) <= 1000).all():
                raise InputError(f"{name} {getattr(self, name)} does not fit; expected three numbers, one per channel")
        if min(self.std) < 1e-6:
            raise InputError(f"std {self.std} does not fit; expected three numbers above 0, for values in 0..1")


class CropBatch:
    """Fills one batch after another from the same two buffers.

    Pixels are resized as bytes into the first buffer, which is all that a network with the normalisation inside
    needs, and normalised from there into the second, one channel of all crops at a time: as fast as tables or
    OpenCV's `blobFromImages`, and nothing is allocated per crop. Mean and std are not folded into the first
    convolution: its zero padding stands for the mean colour, so the borders would come out otherwise.

    Args:
        network_input: size, channel order and normalisation.
        largest: crops that fit into one batch.
    """

    def __init__(self, network_input: NetworkInput, largest: int) -> None:
        self.network_input = network_input
        self.largest = largest
        std = np.array(network_input.std, np.float64)
        self._scale = (1 / (255 * std)).astype(np.float32)
        self._shift = (-np.array(network_input.mean, np.float64) / std).astype(np.float32)
        mean = np.array(network_input.mean, np.float64)[:: -1 if network_input.channel_order == "RGB" else 1]
        self._neutral = np.clip(255 * mean, 0, 255).round().astype(np.uint8)  # BGR
        self._pixels = self._new_pixels(1)
        self._batch = np.empty((0, 3, network_input.height, network_input.width), np.float32)

    def cut(self, image: NDArray[np.uint8], corners: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Cut boxes from an image and resize them.

        Of somebody whom the border of the image cuts, the part that shows goes where it would be in the crop of the
        whole person (`whole_corners`); the rest is the network's mean colour. Stretched over the whole crop, half a
        person is as good as a stranger.

        Args:
            image: (H, W, 3) uint8 BGR.
            corners: (B, 4) whole pixels x1, y1, x2, y2 inside the image, x2 and y2 exclusive; B at most `largest`.

        Returns:
            (B, height, width, 3) uint8 BGR; a view of the buffer, valid until the next call.
        """
        import cv2

        count = len(corners)
        if count > len(self._pixels):
            self._pixels = self._new_pixels(min(max(count, 2 * len(self._pixels)), self.largest))
        whole = whole_corners(corners, image.shape[1], image.shape[0])
        size = np.array([self.network_input.width, self.network_input.height])
        scale = np.tile(size / (whole[:, 2:] - whole[:, :2]), 2)
        place = ((corners - np.tile(whole[:, :2], 2)) * scale).round().astype(np.int64)
        place[:, :2] = np.minimum(place[:, :2], size - 1)
        place[:, 2:] = np.maximum(place[:, 2:], place[:, :2] + 1)
        pixels = self._pixels[:count]
        pixels[(whole != corners).any(axis=1)] = self._neutral
        for (x1, y1, x2, y2), (left, top, right, bottom), crop in zip(
            corners.tolist(), place.tolist(), pixels, strict=True
        ):
            part = crop[top:bottom, left:right]
            cv2.resize(image[y1:y2, x1:x2], part.shape[1::-1], dst=part, interpolation=cv2.INTER_LINEAR)
        return pixels

    def normalise(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Resized crops (B, height, width, 3) uint8 BGR -> (B, 3, height, width) float32 in the network's order.

        The result is a view of the buffer, valid until the next call.
        """
        if len(pixels) > len(self._batch):
            sides = self.network_input.height, self.network_input.width
            self._batch = np.empty((max(len(pixels), len(self._pixels)), 3, *sides), np.float32)
        batch = self._batch[: len(pixels)]
        for channel in range(3):
            source = 2 - channel if self.network_input.channel_order == "RGB" else channel
            np.multiply(pixels[..., source], self._scale[channel], out=batch[:, channel])
            batch[:, channel] += self._shift[channel]
        return batch

    def fill(self, image: NDArray[np.uint8], corners: NDArray[np.int64]) -> NDArray[np.float32]:
        """`cut`, then `normalise`."""
        return self.normalise(self.cut(image, corners))

    def _new_pixels(self, crops: int) -> NDArray[np.uint8]:
        return np.empty((crops, self.network_input.height, self.network_input.width, 3), np.uint8)


def filled_up(batch: NDArray[Any], fixed: int | None) -> tuple[NDArray[Any], int]:
    """A batch as large as the network takes, and how many empty crops were appended; as it is where any size fits."""
    lacking = (fixed or len(batch)) - len(batch)
    if lacking:
        batch = np.concatenate([batch, np.zeros((lacking, *batch.shape[1:]), batch.dtype)])
    return batch, lacking


def whole_corners(corners: NDArray[np.int64], width: int, height: int) -> NDArray[np.int64]:
    """Where boxes would end if the border of the image did not cut the people in them.

    A box at the left or right border that is narrower than most people is widened over that border, one at the top or
    bottom that is wider than nearly all is heightened over that. Who fills the image from border to border stays.

    Args:
        corners: (M, 4) whole pixels inside the image, each box at least one pixel wide and high.
        width: of the image.
        height: of the image.

    Returns:
        (M, 4); all that differs from `corners` lies outside the image.
    """
    whole = corners.copy()
    sides = corners[:, 2:] - corners[:, :2]
    near = np.maximum(_BORDER * sides[:, 1:], 1)
    first, last = corners[:, :2] <= near, np.array([width, height]) - corners[:, 2:] <= near
    wanted = np.stack([_NARROW * sides[:, 1], sides[:, 0] / _WIDE], axis=1)
    lacking = np.maximum(wanted - sides, 0).round().astype(np.int64)
    whole[:, :2] -= np.where(first & ~last, lacking, 0)
    whole[:, 2:] += np.where(last & ~first, lacking, 0)
    return whole


def visible_corners(xyxy: NDArray[np.float32], width: int, height: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The boxes that show at least one pixel of an image, cut at its borders.

    Args:
        xyxy: (N, 4) float corners in pixels.
        width: of the image.
        height: of the image.

    Returns:
        rows (M,) of `xyxy` that are at least one pixel wide and high inside the image, and their corners (M, 4) in
        whole pixels, grown to every pixel that the box touches.
    """
    clipped = clip_xyxy(xyxy, width, height)
    rows = np.flatnonzero((clipped[:, 2:] - clipped[:, :2] >= 1).all(axis=1))
    inside = clipped[rows]
    return rows, np.concatenate([np.floor(inside[:, :2]), np.ceil(inside[:, 2:])], axis=1).astype(np.int64)

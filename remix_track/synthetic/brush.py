"""Painting in metres: flat shapes that stand in the street or lie on its ground."""

from collections.abc import Sequence

import cv2
import numpy as np

from remix_track.synthetic.camera import Camera
from remix_track.synthetic.sprites import Image, Sprite, shrink
from remix_track.synthetic.wardrobe import Colour

_FRACTION_BITS = 4

SUPERSAMPLE = 3


class Brush:
    """Paints on a canvas `SUPERSAMPLE` times as large as the image; `picture()` or `sprite()` shrinks it."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self.canvas: Image = np.zeros((camera.height * SUPERSAMPLE, camera.width * SUPERSAMPLE, 4), np.uint8)

    def pixels(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """A polygon given in the image's pixels."""
        fixed = np.rint((np.array(points) * SUPERSAMPLE - 0.5) * (1 << _FRACTION_BITS)).astype(np.int32)
        cv2.fillPoly(self.canvas, [fixed], (*colour, 255), cv2.LINE_8, _FRACTION_BITS)

    def upright(self, depth: float, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """A polygon that faces the camera at `depth`: points in metres right of the middle and above the ground."""
        self.pixels([self._camera.pixel(x, depth, up) for x, up in points], colour)

    def wall(self, depth: float, left: float, right: float, low: float, high: float, colour: Colour) -> None:
        """A rectangle that faces the camera, in metres."""
        self.upright(depth, ((left, low), (right, low), (right, high), (left, high)), colour)

    def ground(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """A polygon on the ground: points in metres right of the middle and away from the camera."""
        self.pixels([self._camera.pixel(x, depth) for x, depth in points], colour)

    def solid(self, points: Sequence[tuple[float, float, float]], colour: Colour) -> None:
        """A polygon anywhere: points in metres right of the middle, away from the camera and above the ground."""
        self.pixels([self._camera.pixel(*point) for point in points], colour)

    def disc(self, x: float, depth: float, up: float, radius: float, colour: Colour) -> None:
        """A circle that faces the camera, in metres."""
        angle = np.arange(40) * (2 * np.pi / 40)
        points = zip((x + radius * np.cos(angle)).tolist(), (up + radius * np.sin(angle)).tolist(), strict=True)
        self.upright(depth, list(points), colour)

    def picture(self) -> Image:
        """What was painted, at the size of the image, (H, W, 3)."""
        return shrink(self.canvas, SUPERSAMPLE, 0, 0).bgr

    def sprite(self) -> Sprite:
        """What was painted, cut to its extent; nothing outside the image is kept."""
        whole = shrink(self.canvas, SUPERSAMPLE, 0, 0)
        rows, columns = np.flatnonzero(whole.alpha.any(axis=1)), np.flatnonzero(whole.alpha.any(axis=0))
        if len(rows) == 0:
            return Sprite(0, 0, whole.bgr[:0, :0], whole.alpha[:0, :0])
        inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return Sprite(int(columns[0]), int(rows[0]), whole.bgr[inside].copy(), whole.alpha[inside].copy())


def shade(colour: Colour, factor: float) -> Colour:
    """The colour lighter or darker."""
    blue, green, red = (min(max(round(c * factor), 0), 255) for c in colour)
    return blue, green, red

"""An image with transparency, and compositing of it over another."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A drawn thing with its place in the image; it may lie partly or wholly outside.

    Attributes:
        left, top: column and row of the image where the sprite's first pixel comes to lie; may be negative.
        bgr: (h, w, 3) uint8, already multiplied by `alpha`.
        alpha: (h, w) uint8 coverage, 255 for opaque.
    """

    left: int
    top: int
    bgr: Image
    alpha: Image

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(h, w) pixels that belong to the thing: those it covers by half or more."""
        return self.alpha >= 128

    def tlwh(self) -> tuple[float, float, float, float]:
        """The tight box of the mask in the image: pixel (x, y) is the square from (x, y) to (x+1, y+1)."""
        mask = self.mask
        columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        if len(rows) == 0:
            return float(self.left), float(self.top), 0.0, 0.0
        width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
        return float(self.left + columns[0]), float(self.top + rows[0]), float(width), float(height)

    def overlap(self, width: int, height: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """The part inside an image of that size: rows and columns of the image, and the same of the sprite."""
        rows = slice(max(self.top, 0), max(min(self.top + self.alpha.shape[0], height), 0))
        columns = slice(max(self.left, 0), max(min(self.left + self.alpha.shape[1], width), 0))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return (slice(0, 0), slice(0, 0)), (slice(0, 0), slice(0, 0))
        inner_rows = slice(rows.start - self.top, rows.stop - self.top)
        inner_columns = slice(columns.start - self.left, columns.stop - self.left)
        return (rows, columns), (inner_rows, inner_columns)


def shrink(bgra: Image, factor: int, left: int, top: int) -> Sprite:
    """A sprite from a drawing `factor` times as large, (factor*h, factor*w, 4), transparent black where empty."""
    height, width = bgra.shape[0] // factor, bgra.shape[1] // factor
    small = cv2.resize(bgra, (width, height), interpolation=cv2.INTER_AREA)
    return Sprite(left, top, np.ascontiguousarray(small[..., :3]), np.ascontiguousarray(small[..., 3]))


def paste(canvas: Image, sprite: Sprite) -> None:
    """Lay a sprite over an image (H, W, 3) in place; integer arithmetic, rounded."""
    outer, inner = sprite.overlap(canvas.shape[1], canvas.shape[0])
    rest = 255 - sprite.alpha[inner].astype(np.uint16)
    below = (canvas[outer] * rest[..., None] + 127) // 255
    canvas[outer] = np.minimum(below + sprite.bgr[inner], 255).astype(np.uint8)

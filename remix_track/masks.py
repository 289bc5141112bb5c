"""Segmentation masks as outlines: for each detection the polygons around its parts, of bounded length."""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from remix_track.arrays import float_rows, numbers
from remix_track.errors import InputError

Mask = tuple[NDArray[np.float32], ...]
"""The outlines of one detection's parts, each (P, 2) x and y in pixels, three points or more; none: no mask."""

MOST_PARTS, MOST_POINTS = 8, 256
"""Of one mask: of more parts the largest are kept, and longer outlines are simplified."""
_MOST_CONTOURS = 8 * MOST_PARTS
"""Of one raster, the largest: only these are simplified."""
_TOLERANCE = 0.5
"""Pixels by which the simplified outline of a raster may be off; twice as many until it is short enough."""


class Masks:
    """The masks of N detections, or tracks; row i is that of detection i.

        masks = Masks.of([[[10, 5], [20, 5], [20, 40]], []])
        print(len(masks), masks.polygons[0][0].shape, masks.raster((60, 80)).shape)

    Holes are not kept. A mask is a hundred bytes to two kilobytes, whatever the size of the person.

    Attributes:
        polygons: (N,) objects, each a `Mask`.
    """

    __slots__ = ("polygons",)

    def __init__(self, masks: Sequence[Mask]) -> None:
        """Take masks that are what `Mask` says; `of` takes anything else."""
        self.polygons: NDArray[np.object_] = np.empty(len(masks), object)
        for row, mask in enumerate(masks):
            self.polygons[row] = mask

    @classmethod
    def of(cls, given: Any, name: str = "mask") -> Self:
        """Masks of other forms.

        Args:
            given: for each detection a polygon, polygons, or None; or rasters (N, H, W) of the image, in which what is
                not 0 (of floats, above 0.5) is the detection.
            name: of the argument, for messages.

        Raises:
            InputError: none of these.
        """
        if isinstance(given, cls):
            return given
        if hasattr(given, "detach"):
            given = given.detach().cpu().numpy()
        if isinstance(given, np.ndarray) and given.dtype != object:
            if given.ndim != 3:
                raise InputError(f"{name} has shape {given.shape}, expected rasters (N, H, W), or polygons")
            return cls([outlines(raster) for raster in given])
        try:
            return cls([_checked(one, name) for one in given])
        except TypeError:
            raise InputError(f"{name} is of type {type(given).__name__}; expected polygons, or (N, H, W)") from None

    @classmethod
    def none(cls, count: int) -> Self:
        """Of detections without masks."""
        return cls([()] * count)

    def __len__(self) -> int:
        return len(self.polygons)

    def __iter__(self) -> Iterator[Mask]:
        return iter(self.polygons)

    def __getitem__(self, rows: Any) -> Self:
        """The masks at `rows` (a mask, indices or a slice), in that order."""
        return type(self)(self.polygons[rows])

    def taken(self, rows: NDArray[np.integer]) -> Self:
        """Those at `rows`, and none where a row is negative."""
        return type(self)([self.polygons[row] if row >= 0 else () for row in rows.tolist()])

    def raster(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """(N, H, W) which pixels of an image of (H, W) are a detection's."""
        import cv2

        filled = np.zeros((len(self), *shape), np.uint8)
        for image, mask in zip(filled, self, strict=True):
            cv2.fillPoly(image, pixels(mask), 1)
        return filled.astype(bool)


def pixels(mask: Mask, shift: int = 0) -> list[NDArray[np.int32]]:
    """The polygons as OpenCV draws them: the middle of a pixel is whole, in units of 1 / 2^`shift`."""
    # Far outside nothing shows, and its integers have room.
    return [np.rint((part.clip(-1e5, 1e5) - 0.5) * 2**shift).astype(np.int32) for part in mask]


def outlines(raster: NDArray[Any], left: float = 0.0, top: float = 0.0) -> Mask:
    """The outlines of what is not 0 (of floats, above 0.5) in a raster (h, w) whose corner lies at `left`, `top`."""
    import cv2

    inside = (raster > 0.5 if raster.dtype.kind == "f" else raster != 0).astype(np.uint8)
    found, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    contours = [one for one in found if len(one) >= 3]
    if len(contours) > _MOST_CONTOURS:
        contours = sorted(contours, key=cv2.contourArea, reverse=True)[:_MOST_CONTOURS]
    # They run through the middle of the pixels at the border.
    offset = np.array([left + 0.5, top + 0.5], np.float32)
    parts = [_simplified(one.reshape(-1, 2).astype(np.float32), _TOLERANCE) for one in contours]
    return _largest([part + offset for part in parts if len(part) >= 3])


def _checked(given: Any, name: str) -> Mask:
    """A polygon, or several, as a `Mask`; too short ones are left out."""
    if given is None or not len(given):
        return ()
    one = not hasattr(given[0], "__len__") or not len(given[0]) or not hasattr(given[0][0], "__len__")
    parts = []
    for polygon in [given] if one else given:
        part = float_rows(numbers(polygon, name), name)
        if part.size and (part.ndim != 2 or part.shape[1] != 2 or not np.isfinite(part).all()):
            raise InputError(f"{name} holds a polygon of shape {part.shape}; expected (P, 2) finite x and y")
        if len(part) >= 3:
            parts.append(part if len(part) <= MOST_POINTS else _simplified(part, _TOLERANCE))
    return _largest(parts)


def _largest(parts: list[NDArray[np.float32]]) -> Mask:
    if len(parts) > MOST_PARTS:
        parts = sorted(parts, key=_area, reverse=True)[:MOST_PARTS]
    return tuple(parts)


def _area(part: NDArray[np.float32]) -> float:
    x, y = part.astype(np.float64).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _simplified(part: NDArray[np.float32], tolerance: float) -> NDArray[np.float32]:
    """The polygon without points that matter less than `tolerance` pixels, or more while it is too long."""
    import cv2

    while True:
        short = cv2.approxPolyDP(part.reshape(-1, 1, 2), tolerance, True).reshape(-1, 2)
        if len(short) <= MOST_POINTS:
            return np.asarray(short, np.float32)
        tolerance *= 2

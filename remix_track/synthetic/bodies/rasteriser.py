"""Triangles to pixels with a depth buffer, in NumPy: tens of thousands of triangles, most of a pixel or two."""

from dataclasses import dataclass

import numpy as np

from remix_track.synthetic.bodies.mesh_files import Indices, Points

_MOST_CANDIDATES = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Points of triangles that lie on the middles of pixels; several may lie on one pixel.

    Attributes:
        triangle: (S,) which triangle.
        pixel: (S,) row * width + column.
        share: (S, 3) float32, barycentric: how much of each corner the point has.
    """

    triangle: Indices
    pixel: Indices
    share: Points


def rasterise(screen: Points, triangles: Indices, width: int, height: int) -> Samples:
    """Which pixels each triangle covers.

    A pixel belongs to a triangle if its middle does, the border included. Triangles are taken in groups of like size,
    and all pixels of the square around each are tried at once.

    Args:
        screen: (V, 2) columns and rows; pixel (0, 0) is the square from 0 to 1.
        triangles: (F, 3).
        width: of the image.
        height: of the image.
    """
    first, second, third = (screen[triangles[:, corner]] for corner in range(3))
    area = _cross(second - first, third - first)
    least = np.minimum(np.minimum(first, second), third)
    most = np.maximum(np.maximum(first, second), third)
    low = np.maximum(np.ceil(least - 0.5).astype(np.int64), 0)
    high = np.minimum(np.floor(most - 0.5).astype(np.int64), (width - 1, height - 1))
    extent = (high - low + 1).max(axis=1)
    there = np.flatnonzero(((high >= low).all(axis=1)) & (np.abs(area) > 1e-9))
    size = np.int64(1) << np.ceil(np.log2(extent[there])).astype(np.int64)
    found = []
    for side in np.unique(size).tolist():
        group = there[size == side]
        step = max(_MOST_CANDIDATES // side**2, 1)
        for begin in range(0, len(group), step):
            part = group[begin : begin + step]
            corners = first[part], second[part], third[part], area[part]
            found.append(_inside(part, corners, low[part], high[part], side, width))
    if not found:
        return Samples(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 3), np.float32))
    triangle, pixel, share = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Samples(triangle, pixel, share)


def _inside(
    part: Indices,
    corners: tuple[Points, ...],
    low: Indices,
    high: Indices,
    side: int,
    width: int,
) -> tuple[Indices, Indices, Points]:
    """Of the `side` x `side` pixels from `low` on, those inside each triangle."""
    first, second, third, area = corners
    column = low[:, 0, None, None] + np.arange(side)[None, None, :]
    row = low[:, 1, None, None] + np.arange(side)[None, :, None]
    x, y = column + 0.5, row + 0.5

    def edge(begin: Points, end: Points) -> Points:
        along = end - begin
        across: Points = along[:, 0, None, None] * (y - begin[:, 1, None, None])
        across = across - along[:, 1, None, None] * (x - begin[:, 0, None, None])
        return across / area[:, None, None]

    of_first, of_second = edge(second, third), edge(third, first)
    of_third = 1 - of_first - of_second
    within = (of_first >= 0) & (of_second >= 0) & (of_third >= 0)
    within &= (column <= high[:, 0, None, None]) & (row <= high[:, 1, None, None])
    index, down, across = np.nonzero(within)
    pixel = row[index, down, 0] * width + column[index, 0, across]
    share = np.stack([of_first[within], of_second[within], of_third[within]], axis=1).astype(np.float32)
    return part[index], pixel, share


def nearest(pixel: Indices, depth: Points, pixels: int) -> Indices:
    """The sample that shows on each covered pixel: of each pixel's the one of least depth.

    Args:
        pixel: (S,).
        depth: (S,) along the view.
        pixels: of the image.

    Returns:
        Rows of the samples, by rising pixel.
    """
    if len(pixel) == 0:
        return np.empty(0, np.int64)
    low, high = float(depth.min()), float(depth.max())
    # Whole numbers of 16 bits, as NumPy sorts those by radix: four times as fast, and a tenth of a millimetre fine.
    steps = np.rint((depth - low) * (65535 / max(high - low, 1e-6))).astype(np.uint16)
    far_first = np.argsort(65535 - steps, kind="stable")
    shown = np.full(pixels, -1, np.int64)
    shown[pixel[far_first]] = far_first
    return shown[shown >= 0]


def _cross(one: Points, other: Points) -> Points:
    product: Points = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    return product

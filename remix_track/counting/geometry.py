"""Lines and zones as shapely has them: sides, distances, insides; each a function of arrays."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.extras import extra

_THIN = 1e-6
"""Of a zone, its area over that of a square as wide: below, its points count as lying on a line."""


def shapely() -> Any:
    """The package.

    Raises:
        ExtraError: it is not installed.
    """
    return extra("shapely", "counting", "Counting")


def simple_line(points: NDArray[np.float64]) -> None:
    """See that a line (N, 2) is one.

    Raises:
        InputError: two points after each other are the same, or it crosses itself.
    """
    if len(points) < 2:
        raise InputError("a line needs two points")
    if not np.all(np.any(np.diff(points, axis=0) != 0, axis=1)):
        raise InputError("points that follow each other are the same; give others")
    if not shapely().LineString(points).is_simple:
        raise InputError("the line crosses itself; make it several lines")


def simple_area(points: NDArray[np.float64]) -> None:
    """See that a polygon (N, 2) has an inside.

    Raises:
        InputError: its points lie on a line, or it crosses itself; it is said where.
    """
    if len(points) < 3:
        raise InputError("a zone needs three points")
    package = shapely()
    hull = package.MultiPoint(points).convex_hull
    if hull.area <= _THIN * max(np.ptp(points, axis=0).max() ** 2, 1e-12):
        raise InputError("the points lie on a line; a zone needs an area")
    made = package.Polygon(points)
    if not made.is_valid:
        at = re.search(r"\[(\S+) (\S+)\]", package.is_valid_reason(made))
        where = f" near [{float(at[1]):.6g}, {float(at[2]):.6g}]" if at else ""
        raise InputError(f"the zone crosses itself{where}; name its points in the order around it")


def turns(first: NDArray[np.float64], last: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) twice the area of the triangle of `first`, `last` and a point; negative left of the way, as images show it.

    Args:
        first: (2,) where the way begins; y is downwards.
        last: (2,) where it ends.
        xy: (N, 2) points.
    """
    way, to = last - first, xy - first
    return np.asarray(way[0] * to[:, 1] - way[1] * to[:, 0])


def crosses(xy: NDArray[np.float64], then: NDArray[np.float64], piece: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) whether the way from `xy` (N, 2) to `then` (N, 2) meets a piece (2, 2) of a line, its ends included."""
    package = shapely()
    return np.asarray(package.intersects(package.linestrings(np.stack([xy, then], axis=1)), package.LineString(piece)))


def distance_to_line(points: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) from each of `xy` (N, 2) to the line through `points`; NaN where `xy` is."""
    package = shapely()
    return np.asarray(package.distance(package.LineString(points), package.points(xy)))


def is_inside(points: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) whether each of `xy` (N, 2) is in the polygon, its border included; NaN is not."""
    package = shapely()
    polygon = package.Polygon(points)
    package.prepare(polygon)
    return np.asarray(package.intersects_xy(polygon, xy[:, 0], xy[:, 1]))


def distance_to_area(points: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) from each of `xy` (N, 2) to the polygon, 0 inside; NaN where `xy` is."""
    package = shapely()
    return np.asarray(package.distance(package.Polygon(points), package.points(xy)))


def share_inside(
    points: NDArray[np.float64], inside: NDArray[np.float64], outside: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N,) up to the border, of the straight way from points (N, 2) in a polygon to others (N, 2) outside of it."""
    package = shapely()
    ways = package.linestrings(np.stack([inside, outside], axis=1))
    met = package.intersection(ways, package.Polygon(points).exterior)
    share = package.distance(package.points(inside), met) / package.length(ways)
    # Who starts on the border leaves it at once, and rounding may find that they do not meet.
    return np.asarray(np.nan_to_num(share, nan=0.0))

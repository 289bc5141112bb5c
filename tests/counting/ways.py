"""Small ways of feet for tests: a point a tenth of a second, each box 20 wide and 50 high above it."""

import numpy as np

from remix_track.counting.feet import Feet, joined
from remix_track.counting.zones_file import CountSettings, Place, Seen

SETTINGS = CountSettings()
"""A hysteresis of 5 pixels for boxes that are 50 high."""


def way(points, *, track=1, begin=0.0, step=0.1, who=None):
    """Somebody who stood at these points (None: no box), one after the other."""
    seen = [(number, point) for number, point in enumerate(points) if point is not None]
    number = np.array([one for one, _ in seen], np.int64)
    xy = np.array([one for _, one in seen], np.float64).reshape(-1, 2)
    tlwh = np.column_stack([xy[:, 0] - 10, xy[:, 1] - 50, np.full(len(xy), 20.0), np.full(len(xy), 50.0)])
    persons = None if who is None else np.full(len(xy), who, np.int64)
    return Feet.of_boxes(np.full(len(xy), track, np.int64), begin + step * number, number + 1, tlwh, persons)


def together(*feet):
    """All of them."""
    first, *others = feet
    for one in others:
        first = joined(first, one)
    return first


def line(*points, **others):
    return Seen(Place("line", "door", points, **others), None)


def zone(*points, **others):
    return Seen(Place("zone", "shop", points, **others), None)


def along(begin, end, count):
    """`count` points on the straight line from one to the other."""
    return np.linspace(begin, end, count).tolist()

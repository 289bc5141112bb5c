"""Which finished tracks of one video are one person who was lost and found, by look and by how far one can walk."""

import logging

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.assignment import IMPOSSIBLE, Costs, assign
from remix_track.trackers.tracklets import Tracklets

_logger = logging.getLogger(__name__)

MOST_TRACKLETS = 5_000
"""Every pair has a cost in memory: 200 MB for so many, and a few minutes to assign."""

_STRIDE, _SPEED = 1.0, 2.0
"""How far somebody can get: heights at once, and heights per second. Who runs makes two."""


def link_tracklets(tracklets: Tracklets, max_distance: float, fps: float) -> NDArray[np.intp]:
    """Say for each track which track its person begins with.

    Ends are assigned to later beginnings so that the sum of cosine distances of mean looks is least; then the looks of
    those that are one now are averaged, until nothing changes. Two tracks that overlap in time are never one.

    Args:
        tracklets: T tracks.
        max_distance: largest cosine distance of two mean looks.
        fps: frames per second.

    Returns:
        (T,) rows of `tracklets`.
    """
    person = np.arange(len(tracklets))
    if len(tracklets) > MOST_TRACKLETS:
        _logger.warning("%d tracks are too many to link; at most %d can be", len(tracklets), MOST_TRACKLETS)
        return person
    while True:
        heads, merged = np.unique(person), tracklets.merged(person)
        every = np.arange(len(heads))
        before, after, _ = assign(_cost(merged, fps, max_distance), max_distance, every, every)
        if not len(before):
            return person
        follows = np.arange(len(heads))
        follows[after] = before
        # Of a chain of several each points to the one before it; its head points to itself.
        while not np.array_equal(follows, follows[follows]):
            follows = follows[follows]
        person = heads[follows[np.searchsorted(heads, person)]]


def _cost(tracklets: Tracklets, fps: float, max_distance: float) -> Costs:
    """(T, T) cosine distance of each row's end to each column's beginning; `IMPOSSIBLE` where it cannot be."""
    gap = (tracklets.first[None] - tracklets.last[:, None]) / fps
    height = (tracklets.end[:, 3][:, None] + tracklets.begin[:, 3][None]) / 2
    way = np.linalg.norm(tracklets.begin[None, :, :2] - tracklets.end[:, None, :2], axis=2)
    reached = (gap > 0) & (way <= (_STRIDE + _SPEED * gap) * height)
    known = np.asarray(tracklets.look.any(axis=1))
    same_class = tracklets.class_id[:, None] == tracklets.class_id
    unlike = 1.0 - tracklets.look @ tracklets.look.T
    fits = reached & known[:, None] & known & same_class & (unlike <= max_distance)
    return np.asarray(np.where(fits, unlike, IMPOSSIBLE), np.float64)

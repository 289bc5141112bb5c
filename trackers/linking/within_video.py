"""Which finished tracks of one video are one person who was lost and found, by look and by how far one can walk."""

import logging

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.association.assignment import IMPOSSIBLE, Costs, assign
from remix_track.trackers.linking.frame_borders import crossed_sides
from remix_track.trackers.linking.tracklets import Tracklets

_logger = logging.getLogger(__name__)

MOST_TRACKLETS = 5_000
"""Every pair has a cost in memory: 200 MB for so many, and a few minutes to assign."""

MARGIN = 0.6
"""One person's looks differ by at most this share of what sets them apart from the nearest who is surely another."""

_STRIDE, _SPEED = 1.0, 2.0
"""How far somebody can get: heights at once, and heights per second. Who runs makes two."""


def link_tracklets(
    tracklets: Tracklets, max_distance: float, *, max_gap: float, fps: float, picture_width: int | None = None
) -> NDArray[np.intp]:
    """Say for each track which track its person begins with.

    Ends are assigned to later beginnings so that the sum of cosine distances of mean looks is least. Two tracks that
    overlap in time are never one: how alike they look says how alike different people look in this video, and two
    tracks are linked only if they are much nearer to each other than either is to anybody seen at the same time as it.
    A threshold for single vectors alone is too loose for means, and a wrong link costs more than a missing one.

    Who is lost inside the picture is still there; who left it at the side may be anywhere, and who comes in may be
    anybody. So these two are not linked (`crossed_sides`).

    Args:
        tracklets: T tracks.
        max_distance: largest cosine distance of two mean looks.
        max_gap: largest time from an end to a beginning, in seconds.
        fps: frames per second.
        picture_width: pixels; None links across the sides of the picture too.

    Returns:
        (T,) rows of `tracklets`.
    """
    every = np.arange(len(tracklets))
    if len(tracklets) > MOST_TRACKLETS:
        _logger.warning("%d tracks are too many to link; at most %d can be", len(tracklets), MOST_TRACKLETS)
        return every
    before, after, _ = assign(_cost(tracklets, max_distance, max_gap, fps, picture_width), max_distance, every, every)
    person = every.copy()
    person[after] = before
    # Of a chain of several each points to the one before it; its head points to itself.
    while not np.array_equal(person, person[person]):
        person = person[person]
    return person


def _cost(tracklets: Tracklets, max_distance: float, max_gap: float, fps: float, picture_width: int | None) -> Costs:
    """(T, T) cosine distance of each row's end to each column's beginning; `IMPOSSIBLE` where it cannot be."""
    gap = (tracklets.first[None] - tracklets.last[:, None]) / fps
    height = (tracklets.end[:, 3][:, None] + tracklets.begin[:, 3][None]) / 2
    way = np.linalg.norm(tracklets.begin[None, :, :2] - tracklets.end[:, None, :2], axis=2)
    reached = (gap > 0) & (gap <= max_gap) & (way <= (_STRIDE + _SPEED * gap) * height)
    if picture_width is not None:
        turned = tracklets.begin_way[None] - tracklets.end_way[:, None]
        end, begin = tracklets.end[:, None], tracklets.begin[None]
        # At a low rate the next frame may be half a second later.
        seconds = np.where(tracklets.first[None] - tracklets.last[:, None] > 1, gap, 0)
        reached &= ~crossed_sides(end, begin, seconds=seconds, turned=turned, picture_width=picture_width)
    same_class = tracklets.class_id[:, None] == tracklets.class_id
    unlike = _unlike(tracklets)
    other = _nearest_other(tracklets, unlike)
    limit = np.minimum(max_distance, MARGIN * np.minimum(other[:, None], other))
    return np.asarray(np.where(reached & same_class & (unlike <= limit), unlike, IMPOSSIBLE), np.float64)


def _unlike(tracklets: Tracklets) -> Costs:
    """(T, T) cosine distances of mean looks; infinite where one has none."""
    unlike: Costs = 1.0 - tracklets.look @ tracklets.look.T
    blind = np.asarray(~tracklets.look.any(axis=1))
    unlike[blind] = unlike[:, blind] = np.inf
    return unlike


def _nearest_other(tracklets: Tracklets, unlike: Costs) -> NDArray[np.float64]:
    """(T,) how unlike the most alike track is that was seen at the same time; infinite if there is none."""
    together = (tracklets.first[:, None] <= tracklets.last) & (tracklets.first <= tracklets.last[:, None])
    np.fill_diagonal(together, False)
    return np.asarray(np.where(together, unlike, np.inf).min(axis=1, initial=np.inf))

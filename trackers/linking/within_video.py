"""Which finished tracks of one video are one person, by appearance and by how far one can walk in between."""

import logging

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.association.assignment import IMPOSSIBLE, Costs, assign
from remix_track.trackers.association.frame_borders import crossed_sides
from remix_track.trackers.linking.finished_video import Boxes

_logger = logging.getLogger(__name__)

MOST_TRACKS = 5_000
"""Every pair has a cost in memory: 200 MB for so many, and a few minutes to assign."""

MARGIN = 0.6
"""Largest share of the appearance distance to the nearest other person at which two tracks are still one person."""

_STRIDE, _SPEED = 1.0, 2.0
"""How far a person can move: body heights at once, and body heights per second (2: running)."""


def link_tracks(
    first: Boxes,
    last: Boxes,
    mean: NDArray[np.float64],
    max_distance: float,
    *,
    max_gap: float,
    fps: float,
    frame_width: int | None = None,
) -> NDArray[np.intp]:
    """Say for each track which track its person begins with.

    Ends are assigned to later beginnings so that the sum of cosine distances of mean appearances is least. Two tracks
    that overlap in time are never one: their distance shows how similar different people are in this video, and two
    tracks are linked only if they are much nearer to each other than either is to any track visible at the same time.
    A threshold for single vectors alone is too loose for means, and a wrong link costs more than a missing one.

    A person lost inside the image is still there; one who left at a side border may be anywhere, and one who enters
    there may be anyone. So tracks that leave and enter at side borders are not linked (`crossed_sides`).

    Args:
        first: (T,) of `BOX`, the first box of each track.
        last: (T,) of `BOX`, its last box.
        mean: (T, D) its mean appearance, of length 1; zeros where there is none.
        max_distance: largest cosine distance of two means.
        max_gap: largest time from an end to a beginning, in seconds.
        fps: frames per second.
        frame_width: pixels; None links across the sides of the image too.

    Returns:
        (T,) rows of these arrays.
    """
    every = np.arange(len(mean))
    if len(mean) > MOST_TRACKS:
        _logger.warning("%d tracks are too many to link; at most %d can be", len(mean), MOST_TRACKS)
        return every
    can_be = _reached(first, last, max_gap, fps, frame_width) & (last["class_id"][:, None] == last["class_id"])
    distance = _distances(mean)
    other = _nearest_other(first["frame"], last["frame"], distance)
    limit = np.minimum(max_distance, MARGIN * np.minimum(other[:, None], other))
    cost = np.asarray(np.where(can_be & (distance <= limit), distance, IMPOSSIBLE), np.float64)
    before, after, _ = assign(cost, max_distance, every, every)
    person = every.copy()
    person[after] = before
    # Of a chain of several each points to the one before it; its head points to itself.
    while not np.array_equal(person, person[person]):
        person = person[person]
    return person


def _reached(first: Boxes, last: Boxes, max_gap: float, fps: float, frame_width: int | None) -> NDArray[np.bool_]:
    """(T, T) whether a person can move from each row's last box to each column's first."""
    frames = first["frame"][None] - last["frame"][:, None]
    gap, begin, end = frames / fps, first["xywh"][None], last["xywh"][:, None]
    height = (end[..., 3] + begin[..., 3]) / 2
    way = np.linalg.norm(begin[..., :2] - end[..., :2], axis=2)
    reached = (gap > 0) & (gap <= max_gap) & (way <= (_STRIDE + _SPEED * gap) * height)
    if frame_width is not None:
        turned = first["way"][None] - last["way"][:, None]
        # At a low rate the next frame may be half a second later.
        seconds = np.where(frames > 1, gap, 0)
        reached &= ~crossed_sides(end, begin, seconds=seconds, turned=turned, frame_width=frame_width)
    return np.asarray(reached)


def _distances(mean: NDArray[np.float64]) -> Costs:
    """(T, T) cosine distances of means; infinite where one is missing."""
    distance: Costs = 1.0 - mean @ mean.T
    blind = np.asarray(~mean.any(axis=1))
    distance[blind] = distance[:, blind] = np.inf
    return distance


def _nearest_other(first: NDArray[np.int64], last: NDArray[np.int64], distance: Costs) -> NDArray[np.float64]:
    """(T,) how far the nearest of those tracks is that were seen at the same time; infinite if there is none."""
    together = (first[:, None] <= last) & (first <= last[:, None])
    np.fill_diagonal(together, False)
    return np.asarray(np.where(together, distance, np.inf).min(axis=1, initial=np.inf))

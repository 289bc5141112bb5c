"""Tracks to people: which tracks of one or several videos show the same person, by appearance alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.track_means import TrackMeans

MOST_TRACKS = 20_000
"""Every pair has a distance in memory: 1.6 GB for so many."""


def join_tracks(videos: Sequence[TrackMeans], max_distance: float) -> list[NDArray[np.int64]]:
    """Number people, 0.. in the order of the videos and their tracks: tracks of one number are one person.

    The two groups of tracks that are nearest to each other, and so mutual nearest neighbours, become one, again and
    again while their mean cosine distance is at most `max_distance`. Tracks of one video that overlap in time are
    different people, and so are the groups they are in: no chain of likeness joins them. Tracks of one video that do
    not overlap may be one person, lost and found again.

    This is agglomeration with average linkage (Sokal and Michener 1958) under cannot-link constraints.

    Args:
        videos: the tracks of each; their means are of one network.
        max_distance: largest mean cosine distance.

    Returns:
        (T,) of each video.

    Raises:
        InputError: too many tracks.
    """
    count = sum(map(len, videos))
    if count > MOST_TRACKS:
        raise InputError(f"{count:,} tracks are too many to link at once; expected at most {MOST_TRACKS:,}")
    means = [video.mean for video in videos if len(video)] or [np.empty((0, 0), np.float32)]
    mean = np.concatenate(means)
    distance = 1 - mean @ mean.T
    distance[_different(videos)] = np.inf
    blind = ~mean.any(axis=1)
    distance[blind] = distance[:, blind] = np.inf
    np.fill_diagonal(distance, np.inf)
    group = agglomerate(distance, max_distance)
    _, first, person = np.unique(group, return_index=True, return_inverse=True)
    numbers = np.asarray(np.argsort(np.argsort(first))[person], np.int64)
    return np.split(numbers, np.cumsum([len(video) for video in videos])[:-1])


def agglomerate(distance: NDArray[np.float32], limit: float) -> NDArray[np.int64]:
    """Join the nearest two groups while they are at most `limit` apart on the mean.

    Args:
        distance: (T, T) symmetric; infinite where two must not be joined, and on the diagonal. It is overwritten.
        limit: largest mean distance of two groups.

    Returns:
        (T,) int64: equal numbers are one group.
    """
    group, size = np.arange(len(distance)), np.ones(len(distance))
    nearest, least = _nearest(distance)
    while len(least) and least.min() <= limit:
        kept = int(least.argmin())
        gone = int(nearest[kept])
        # An infinite distance stays infinite in the mean: a track excluded by one member is excluded by the group.
        mean = (size[kept] * distance[kept] + size[gone] * distance[gone]) / (size[kept] + size[gone])
        distance[kept] = distance[:, kept] = mean
        distance[kept, kept] = np.inf
        distance[gone] = distance[:, gone] = np.inf
        size[kept] += size[gone]
        group[group == gone] = kept
        # A mean is never below both of its terms, so that the other rows keep their nearest.
        stale = np.flatnonzero(np.isin(nearest, (kept, gone)) | np.isin(np.arange(len(group)), (kept, gone)))
        nearest[stale], least[stale] = _nearest(distance[stale])
    return group


def _nearest(distance: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(R,) the nearest of each row, and how far it is."""
    if not distance.size:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    nearest = distance.argmin(axis=1)
    return nearest, distance[np.arange(len(distance)), nearest]


def _different(videos: Sequence[TrackMeans]) -> NDArray[np.bool_]:
    """(T, T) tracks of one video that overlap in time."""
    video = np.repeat(np.arange(len(videos)), [len(one) for one in videos])
    first = np.concatenate([one.first_frame for one in videos])
    last = np.concatenate([one.last_frame for one in videos])
    overlap = (first[:, None] <= last) & (first <= last[:, None])
    return np.asarray((video[:, None] == video) & overlap)

"""The tracker's threshold from unlabelled footage: a tracklet is one person, tracklets at one time are several."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from remix_track.data.crops.tracklet_crops import TrackletVectors
from remix_track.errors import InputError
from remix_track.training.threshold_from_labels import Calibration, least_wrong
from remix_track.training.tracklet_clusters import seen_together

FEWEST_TRACKLETS = 4
"""Tracklets that must be seen beside another: fewer say how two people differ, not how people do."""
FEWEST_CROPS = 20
"""Crops that must have another one of their tracklet far enough away."""
GAP = 1.0
"""Seconds between two crops that are compared: what matters is how a track is found again, not how it goes on."""
_BLOCK = 256


def calibrate_tracklets(
    videos: Sequence[TrackletVectors], where: str
) -> tuple[Calibration, NDArray[np.float64], NDArray[np.float64]]:
    """The threshold at which missed and accepted shares together are least.

    A tracker goes by the nearest of the vectors that it keeps of a person (Wojke et al., Deep SORT, ICIP 2017, equation
    2). So each crop is compared with the nearest crop of its own tracklet, and of each tracklet that is seen at the
    same time, of those crops that are at least `GAP` seconds away. A tracklet ends where people meet, so the first
    distances lack the hardest cases, and the threshold errs towards too strict. This rule is the project's own.

    Args:
        videos: one or more.
        where: the footage, for messages.

    Returns:
        The calibration, and the distances of one person (S,) and of different people (P,) that it rests on, ascending.

    Raises:
        InputError: too little to say.
    """
    found = [tracklet_distances(video) for video in videos]
    beside = sum(int(seen_together(video.span).any(axis=1).sum()) for video in videos)
    same = np.sort(np.concatenate([own for own, _ in found]))
    other = np.sort(np.concatenate([others for _, others in found]))
    if beside < FEWEST_TRACKLETS or len(same) < FEWEST_CROPS or not len(other):
        tracklets = sum(len(video.span) for video in videos)
        raise InputError(
            f"{where}: {tracklets} tracklets, {beside} of them at the same time as another, {len(same)} crops to "
            f"compare; a threshold takes {FEWEST_TRACKLETS} beside others and {FEWEST_CROPS} crops: give more footage"
        )
    return least_wrong(same, other), same, other


def tracklet_distances(video: TrackletVectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cosine distances (S,) of crops to their own tracklet, and (P,) to each tracklet seen at the same time."""
    people, first = np.unique(video.tracklet, return_index=True)
    together = seen_together(video.span)[:, people]
    own, others = [np.empty(0)], [np.empty(0)]
    for start in range(0, len(video.unit), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distance = 1 - video.unit[rows] @ video.unit.T  # (B, N)
        # A little less, as times are quotients.
        distance[np.abs(video.time[rows, None] - video.time) < GAP - 1e-6] = np.inf
        nearest = np.minimum.reduceat(distance, first, axis=1).clip(min=0).astype(np.float64)  # (B, people)
        mine = video.tracklet[rows, None] == people
        own.append(nearest[mine])
        others.append(nearest[together[video.tracklet[rows]]])
    same, other = np.concatenate(own), np.concatenate(others)
    return same[np.isfinite(same)], other[np.isfinite(other)]

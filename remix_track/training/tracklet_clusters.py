"""Pseudo labels of crops whose tracklet is known: tracklets are clustered, not crops.

Footage says much about who is who. Crops of a tracklet are one person, so they share a label, and their mean is a
better vector than each of them. Tracklets that are seen at the same time are different people, however alike. The
rest is average linkage (Sokal and Michener 1958, UPGMA) of the tracklets' means. This rule is the project's own.

    tracklet A  |-------|             A and B are never one identity; C may be A's or B's, and only one of them
    tracklet B      |-------|
    tracklet C                |---|
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from remix_track.training.method_settings import ClusterSettings

MOST_TRACKLETS = 4000
"""Of one video that are clustered together: 130 MB of distances. A longer video is cut in time, into equal parts."""
FEWEST_BESIDE = 2
"""Crops on either side of a break: one crop alone may be a bad one."""
_FORBIDDEN = 1e9
"""Distance of tracklets seen together: an average with one such pair exceeds any threshold up to 10^8 pairs."""


def cluster_tracklets(
    unit: NDArray[np.float64],
    tracklet: NDArray[np.int64],
    frame: NDArray[np.int64],
    settings: ClusterSettings,
) -> NDArray[np.int64]:
    """Cluster the crops of one video by their tracklets.

    Args:
        unit: (N, D) of unit length.
        tracklet: (N,) of each crop, any whole numbers.
        frame: (N,) of each crop.
        settings: `tracklet_break`, `tracklet_eps` and `min_samples`.

    Returns:
        (N,) labels 0, 1, ... without gaps; -1 for an identity of fewer than `min_samples` crops.
    """
    piece = break_tracklets(unit, tracklet, frame, settings.tracklet_break)
    means = _means(unit, piece)
    spans = tracklet_spans(piece, frame)
    labels, clusters = np.empty(len(spans), np.int64), 0
    in_time = np.argsort(spans[:, 0], kind="stable")
    for part in np.array_split(in_time, -(-len(spans) // MOST_TRACKLETS)):
        labels[part] = clusters + link_tracklets(means[part], spans[part], settings.tracklet_eps)
        clusters = int(labels[part].max()) + 1
    found = labels[piece]
    enough = np.bincount(found, minlength=clusters) >= settings.min_samples
    return np.where(enough, np.cumsum(enough) - 1, -1)[found]


def break_tracklets(
    unit: NDArray[np.float64], tracklet: NDArray[np.int64], frame: NDArray[np.int64], apart: float
) -> NDArray[np.int64]:
    """Cut each tracklet where the person changes: where the means on both sides are more than `apart` apart.

    A tracker that exchanges two people gives a tracklet of both. It is cut at its widest break, and each side again,
    until no break is that wide. A short stretch of another person in the middle is not found.

    Returns:
        (N,) the piece of each crop, 0, 1, ... without gaps.
    """
    order = np.lexsort((frame, tracklet))
    starts = np.flatnonzero(np.diff(tracklet[order], prepend=tracklet[order[0]] - 1))
    ends, open_ = [], list(pairwise([*starts.tolist(), len(order)]))
    while open_:
        start, end = open_.pop()
        cut, distance = widest_break(unit[order[start:end]])
        if distance > apart:
            open_ += [(start, start + cut), (start + cut, end)]
        else:
            ends.append(end)
    piece = np.empty(len(order), np.int64)
    piece[order] = np.searchsorted(np.sort(ends), np.arange(len(order)), side="right")
    return piece


def widest_break(unit: NDArray[np.float64]) -> tuple[int, float]:
    """Where the means (cosine distance) of the crops before and after differ most, and by how much.

    Args:
        unit: (n, D) of one tracklet in the order of time.

    Returns:
        How many crops lie before it, at least `FEWEST_BESIDE` on either side; 0 and 0.0 for too few crops.
    """
    if len(unit) < 2 * FEWEST_BESIDE:
        return 0, 0.0
    before = np.cumsum(unit, axis=0)[FEWEST_BESIDE - 1 : -FEWEST_BESIDE]
    distance = 1 - (_unit(before) * _unit(unit.sum(axis=0) - before)).sum(axis=1)
    widest = int(distance.argmax())
    return widest + FEWEST_BESIDE, float(distance[widest])


def tracklet_spans(tracklet: NDArray[np.int64], frame: NDArray[np.int64]) -> NDArray[np.int64]:
    """(T, 2) first and last frame of the crops of each tracklet 0..T-1."""
    count = int(tracklet.max(initial=-1)) + 1
    first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(first, tracklet, frame)
    np.maximum.at(last, tracklet, frame)
    return np.stack([first, last], axis=1)


def link_tracklets(means: NDArray[np.float64], spans: NDArray[np.int64], eps: float) -> NDArray[np.int64]:
    """Average linkage of tracklets, never of two that are seen at the same time.

    Again and again the two nearest clusters are merged, until their mean distance exceeds `eps`.

    Args:
        means: (T, D) of unit length.
        spans: (T, 2) first and last frame of each.
        eps: largest mean cosine distance of two clusters that are one.

    Returns:
        (T,) labels 0, 1, ... without gaps.
    """
    if len(means) < 2:
        return np.zeros(len(means), np.int64)
    distance = (1 - means @ means.T).clip(min=0)
    distance[seen_together(spans)] = _FORBIDDEN
    np.fill_diagonal(distance, 0)
    merged = linkage(squareform(distance, checks=False), "average")
    return np.asarray(fcluster(merged, eps, "distance"), np.int64) - 1


def seen_together(spans: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.bool_]:
    """(T, T) whether two different tracklets (T, 2), first and last moment of each, are seen at the same time."""
    together = (spans[:, None, 0] <= spans[None, :, 1]) & (spans[None, :, 0] <= spans[:, None, 1])
    np.fill_diagonal(together, False)
    return np.asarray(together)


def _means(unit: NDArray[np.float64], tracklet: NDArray[np.int64]) -> NDArray[np.float64]:
    """(T, D) means of unit length."""
    sums = np.zeros((int(tracklet.max()) + 1, unit.shape[1]))
    np.add.at(sums, tracklet, unit)
    return _unit(sums)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12))

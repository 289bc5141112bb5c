"""The tracklets of a store that look most like somebody: exact, also among millions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remix_track.arrays import float_rows
from remix_track.encoder.centred_tracks import centre_videos
from remix_track.encoder.stranger_distance import unlikely_distance
from remix_track.errors import InputError
from remix_track.store.bounds import highest
from remix_track.store.index import Index, Wanted
from remix_track.store.layout import ENROLLED
from remix_track.store.sketch import Shadows, Sketch
from remix_track.store.tracklets import Tracklets
from remix_track.track_means import TrackMeans

if TYPE_CHECKING:
    from remix_track.store.store import Store

AT_ONCE = 4096
"""Tracklets that are compared one by one; beyond, bounds decide which are."""


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """What a search found, nearest first.

    Attributes:
        tracklets: (K,) of them.
        distance: (K,) float32 cosine distances, 0..2, of vectors without their cameras where these were taken out.
        unlikely: the distance within which a stranger is in one of ten searches; None where the cameras were not taken
            out, so that the calibrated threshold of the weights holds.
        compared: how many tracklets have a vector and were searched.
    """

    tracklets: Tracklets
    distance: NDArray[np.float32]
    unlikely: float | None
    compared: int

    def __len__(self) -> int:
        return len(self.distance)


def search(store: "Store", index: Index, sketch: Sketch, vector: ArrayLike, wanted: Wanted, top: int) -> Hits:
    """The nearest of the wanted tracklets; see `Store.search`.

    Raises:
        InputError: the vector is not as long as those of the store, or has no direction.
    """
    query = query_of(store, vector)
    if index.count(wanted) <= AT_ONCE:
        tracklets = index.tracklets(wanted)
        # Enrolled crops are no sightings, and come from no camera whose light could be taken out.
        seen = np.array([name != ENROLLED for name in tracklets.cameras], bool)[tracklets.camera]
        return _among_few(store, query, tracklets[seen], top)
    return _among_many(store, query, index, sketch.shadows(len(query)), wanted, top)


def query_of(store: "Store", vector: ArrayLike) -> NDArray[np.float32]:
    """A vector (D,) that the store can be searched by, at length 1.

    Raises:
        InputError: it is not as long as those of the store, or has no direction.
    """
    query, weights = float_rows(vector, "vector"), store.weights
    width = weights.width if weights else 0
    if query.shape != (width,):
        raise InputError(f"vector has shape {query.shape}, but {store.path} has vectors of shape ({width},)")
    length = float(np.linalg.norm(query.astype(np.float64)))
    if not (np.isfinite(length) and length > 0):
        raise InputError("vector has no direction: the crop is empty; give another image")
    return np.asarray(query / length, np.float32)


def _among_few(store: "Store", query: NDArray[np.float32], tracklets: Tracklets, top: int) -> Hits:
    """One by one; the cameras are taken out as `--link` does it, each camera's tracklets in the order of time."""
    vectors = store.vectors(tracklets)
    known = np.flatnonzero(vectors.any(axis=1))
    tracklets, vectors = tracklets[known], vectors[known]
    if not len(known):
        return Hits(tracklets, np.zeros(0, np.float32), None, 0)
    order = np.lexsort((tracklets.first_time, tracklets.job, tracklets.first_utc, tracklets.camera))
    parts = np.split(order, np.flatnonzero(np.diff(tracklets.camera[order])) + 1) if len(order) else []
    centred = centre_videos([_in_order(vectors[rows]) for rows in parts])
    distance = np.ones(len(vectors), np.float32)
    towards = centred.stranger(query[None])[0]
    for rows, video in zip(parts, centred.videos, strict=True):
        distance[rows] = 1 - video.mean @ towards
    best = np.lexsort((np.arange(len(distance)), distance))[:top]
    unlikely = None if centred.max_distance is None else unlikely_distance(distance, len(distance))
    return Hits(tracklets[best], distance[best].clip(0), unlikely, len(distance))


def _in_order(vectors: NDArray[np.float32]) -> TrackMeans:
    number = np.arange(len(vectors))
    return TrackMeans(number, number, number, np.ones_like(number), vectors)


def _among_many(
    store: "Store", query: NDArray[np.float32], index: Index, shadows: Shadows, wanted: Wanted, top: int
) -> Hits:
    """By bounds; the cameras are those of the whole store, whatever is searched of it."""
    towards = shadows.towards(query)
    upper = shadows.upper(towards)
    if wanted != Wanted():
        ids = index.ids(wanted)
        left_out = np.ones(len(upper), bool)
        left_out[ids[ids <= len(upper)] - 1] = False
        upper[left_out] = -np.inf
    enrolled = index.ids(Wanted(camera=ENROLLED))
    upper[enrolled[enrolled <= len(upper)] - 1] = -np.inf

    def score(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.asarray(shadows.centred(store.path, rows + 1) @ towards)

    rows, scores = highest(upper, score, top)
    known = np.flatnonzero(upper > -np.inf)
    unlikely = None
    if shadows.centring.mean.any():
        unlikely = unlikely_distance(1 - shadows.sample @ towards, len(known))
    return Hits(index.numbered(rows + 1), (1 - scores).clip(0), unlikely, len(known))

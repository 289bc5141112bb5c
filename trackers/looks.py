"""What the remix tracker remembers of people's looks: an exponential mean beside, or instead of, the gallery."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.gallery import Galleries, Rows


class Looks(Galleries):
    """`Galleries` with one more unit vector per track: the mean of what it looked like, recent frames weighing most."""

    def __init__(self, kind: Literal["mean", "gallery", "both"], budget: int | None, momentum: float) -> None:
        """Start without tracks.

        Args:
            kind: what distances are measured to; "both": the average of the two distances.
            budget: vectors kept per track; of "mean", only the newest is kept.
            momentum: share of the mean that one more vector leaves as it was, 0..1.
        """
        super().__init__(1 if kind == "mean" else budget)
        self._kind = kind
        self._momentum = np.float32(momentum)
        self._mean: NDArray[np.float32] = np.empty((0, 0), np.float32)

    def add(self, rows: Rows, vectors: NDArray[np.float32]) -> None:
        """Remember one unit vector (R, D) for each of different tracks (StrongSORT, Du et al. 2023, equation 3)."""
        super().add(rows, vectors)
        if not len(rows):
            return
        if len(self._mean) < len(self._slab):
            more = np.zeros((len(self._slab) - len(self._mean), vectors.shape[1]), np.float32)
            self._mean = np.concatenate([self._mean, more]) if len(self._mean) else more
        keep = np.where(self._added[rows] > 1, self._momentum, np.float32(0))[:, None]
        mean = keep * self._mean[rows] + (1 - keep) * vectors
        length = np.linalg.norm(mean, axis=1, keepdims=True)
        # Two opposite vectors have no mean; then the newest one stands.
        self._mean[rows] = np.where(length > 1e-6, mean / np.maximum(length, np.float32(1e-6)), vectors)

    def mean(self, rows: Rows) -> NDArray[np.float32]:
        """The mean unit vector of each track (R, D), none of which may be empty."""
        return self._mean[rows]

    def pair_distances(self, rows: Rows, feature: NDArray[np.float32], columns: Rows) -> NDArray[np.float64]:
        """Cosine distances of detections to tracks, pair by pair.

        Args:
            rows: (P,) the tracks' rows, equal ones side by side; each track remembers something.
            feature: (N, D) float32 unit vectors.
            columns: (P,) rows of `feature`.

        Returns:
            (P,) in 0..2.
        """
        to_mean = to_nearest = np.zeros(len(rows))
        if self._kind != "gallery":
            to_mean = 1 - np.einsum("pd,pd->p", self._mean[rows], feature[columns]).astype(np.float64)
        if self._kind != "mean":
            to_nearest = self._to_nearest(rows, feature, columns)
        return (to_mean + to_nearest) / (2 if self._kind == "both" else 1)

    def _to_nearest(self, rows: Rows, feature: NDArray[np.float32], columns: Rows) -> NDArray[np.float64]:
        distance = np.empty(len(rows))
        for pairs in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows)) + 1):
            if len(pairs):
                distance[pairs] = self.distances(int(rows[pairs[0]]), feature[columns[pairs]])
        return distance

"""What the remix tracker remembers of appearance: an exponential mean beside, or instead of, the gallery."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.association.gallery import Gallery, Rows, with_room


class MeanAppearance:
    """One unit vector per track: the mean of its appearance, recent frames weighing most."""

    def __init__(self, momentum: float) -> None:
        """Start without tracks.

        Args:
            momentum: share of the mean that one more vector leaves as it was, 0..1.
        """
        self._momentum = np.float32(momentum)
        self._mean: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._added = np.zeros(0, np.int64)

    def open(self, rows: Rows) -> None:
        """Remember nothing yet of the new tracks at `rows`."""
        self._added = with_room(self._added, rows)
        self._added[rows] = 0

    def sizes(self, rows: Rows) -> NDArray[np.int64]:
        """How many vectors went into each mean."""
        return self._added[rows]

    def add(self, rows: Rows, vectors: NDArray[np.float32]) -> None:
        """Remember one unit vector (R, D) for each of different tracks (StrongSORT, Du et al. 2023, equation 3)."""
        if not len(rows):
            return
        if len(self._mean) < len(self._added):
            more = np.zeros((len(self._added) - len(self._mean), vectors.shape[1]), np.float32)
            self._mean = np.concatenate([self._mean, more]) if len(self._mean) else more
        keep = np.where(self._added[rows] > 0, self._momentum, np.float32(0))[:, None]
        self._added[rows] += 1
        mean = keep * self._mean[rows] + (1 - keep) * vectors
        length = np.linalg.norm(mean, axis=1, keepdims=True)
        # Two opposite vectors have no mean; then the newest one stands.
        self._mean[rows] = np.where(length > 1e-6, mean / np.maximum(length, np.float32(1e-6)), vectors)

    def mean(self, rows: Rows) -> NDArray[np.float32]:
        """The mean unit vector of each track (R, D), none of which may be empty."""
        return self._mean[rows]

    def pair_distances(self, rows: Rows, feature: NDArray[np.float32], columns: Rows) -> NDArray[np.float64]:
        """Cosine distances of detections to means, pair by pair.

        Args:
            rows: (P,) the tracks' rows; each track remembers something.
            feature: (N, D) float32 unit vectors.
            columns: (P,) rows of `feature`.

        Returns:
            (P,) in 0..2.
        """
        similarity = np.einsum("pd,pd->p", self._mean[rows], feature[columns]).astype(np.float64)
        return np.asarray(1 - similarity, np.float64)


class AverageAppearance:
    """Several memories that hold the same tracks; their distances are averaged."""

    def __init__(self, memories: Sequence[Gallery | MeanAppearance]) -> None:
        """Take them as they are."""
        self._memories = memories

    def open(self, rows: Rows) -> None:
        """Remember nothing yet of the new tracks at `rows`."""
        for memory in self._memories:
            memory.open(rows)

    def sizes(self, rows: Rows) -> NDArray[np.int64]:
        """How many vectors the first memory has of each track."""
        return self._memories[0].sizes(rows)

    def add(self, rows: Rows, vectors: NDArray[np.float32]) -> None:
        """Remember one unit vector (R, D) for each of different tracks."""
        for memory in self._memories:
            memory.add(rows, vectors)

    def pair_distances(self, rows: Rows, feature: NDArray[np.float32], columns: Rows) -> NDArray[np.float64]:
        """The mean of the memories' distances; see `MeanAppearance.pair_distances`."""
        distances = [memory.pair_distances(rows, feature, columns) for memory in self._memories]
        return np.asarray(sum(distances) / len(distances), np.float64)

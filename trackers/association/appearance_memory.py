"""What tracks remember of their appearance: the last vectors of each, an exponential mean, or both.

`AppearanceMemory` is what the life cycle of tracks asks of one.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_FIRST_ROWS, _FIRST_SLOTS = 16, 128

Rows = NDArray[np.intp]


class AppearanceMemory(Protocol):
    """What tracks remember of their appearance, a row for each."""

    def open(self, rows: Rows) -> None:
        """Remember nothing yet of the new tracks at `rows`."""

    def sizes(self, rows: Rows) -> NDArray[np.int64]:
        """How many vectors each track has given; 0: nothing can be compared."""

    def add(self, rows: Rows, vectors: NDArray[np.float32]) -> None:
        """Remember one unit vector (R, D) for each of different tracks."""

    def mean(self, rows: Rows) -> NDArray[np.float32]:
        """The mean unit vector of each track (R, D), none of which may be empty."""


class FreeRows:
    """Hands out rows of a memory; those of ended tracks are used again, so that it is as large as the largest crowd."""

    def __init__(self) -> None:
        self._unused: list[int] = []
        self._known = 0

    def take(self, count: int) -> Rows:
        """Rows (count,) that no track has."""
        if count > len(self._unused):
            grown = self._known + max(_FIRST_ROWS, self._known, count)
            self._unused = [*range(grown - 1, self._known - 1, -1), *self._unused]
            self._known = grown
        return np.array([self._unused.pop() for _ in range(count)], np.intp)

    def release(self, rows: Rows) -> None:
        """The rows of ended tracks go to the next."""
        self._unused += rows.tolist()


class Gallery:
    """The last unit vectors of each track (Deep SORT, section 2.3, the galleries R_k), rings in one float32 array.

    The array (rows, slots, D) doubles when it is too small. Memory that no vector was ever written to is not touched.
    """

    def __init__(self, budget: int | None) -> None:
        """Start without tracks.

        Args:
            budget: vectors kept per track; None keeps all, so that memory and time grow as long as a track lives.
        """
        self._budget = budget
        self._slab: NDArray[np.float32] = np.empty((0, 0, 0), np.float32)
        self._added = np.zeros(0, np.int64)

    def open(self, rows: Rows) -> None:
        """Remember nothing yet of the new tracks at `rows`."""
        self._added = with_room(self._added, rows)
        self._added[rows] = 0

    def sizes(self, rows: Rows) -> NDArray[np.int64]:
        """How many vectors each track holds."""
        added = self._added[rows]
        return added if self._budget is None else np.minimum(added, self._budget)

    def add(self, rows: Rows, vectors: NDArray[np.float32]) -> None:
        """Remember one unit vector (R, D) for each of different tracks; the oldest goes when the budget is used up."""
        if not len(rows):
            return
        slots = self._slots(self._added[rows])
        self._reserve(int(slots.max()) + 1, vectors.shape[1])
        self._slab[rows, slots] = vectors
        self._added[rows] += 1

    def newest(self, rows: Rows) -> NDArray[np.float32]:
        """The newest vector of each track (R, D), none of which may be empty."""
        return self._slab[rows, self._slots(self._added[rows] - 1)]

    def mean(self, rows: Rows) -> NDArray[np.float32]:
        """The mean unit vector of each track (R, D), none of which may be empty."""
        means = np.array([self._held(row).mean(axis=0) for row in rows.tolist()], np.float32)
        means = means.reshape(len(rows), self._slab.shape[2])
        length = np.linalg.norm(means, axis=1, keepdims=True)
        # Opposite vectors have no mean; then the newest one stands.
        return np.where(length > 1e-6, means / np.maximum(length, np.float32(1e-6)), self.newest(rows))

    def vectors(self, row: int) -> NDArray[np.float32]:
        """(K, D) float32 copy of what one track remembers, in no particular order."""
        return self._held(row).copy()

    def distances(self, row: int, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Smallest cosine distance of each query to one gallery (Deep SORT, equation 3).

        Args:
            row: the track's, with at least one vector.
            queries: (N, D) float32 unit vectors.

        Returns:
            (N,) float32 in 0..2.
        """
        similarity = queries @ self._held(row).T
        nearest: NDArray[np.float32] = 1 - similarity.max(axis=1)
        return nearest

    def pair_distances(self, rows: Rows, feature: NDArray[np.float32], columns: Rows) -> NDArray[np.float64]:
        """Smallest cosine distances of detections to galleries, pair by pair.

        Args:
            rows: (P,) the tracks' rows, equal ones side by side; each track remembers something.
            feature: (N, D) float32 unit vectors.
            columns: (P,) rows of `feature`.

        Returns:
            (P,) in 0..2.
        """
        distance = np.empty(len(rows))
        self._measure(distance, np.arange(len(rows)), rows, feature, columns)
        return distance

    def pair_distances_within(
        self, limit: float, rows: Rows, feature: NDArray[np.float32], columns: Rows
    ) -> NDArray[np.float64]:
        """`pair_distances` as far as the answer matters to an assignment up to `limit`.

        Reading galleries is what association takes its time for (100 vectors of 2,048 numbers are 0.8 MB a track), and
        a pair that competes with no other one is decided by `limit` alone. So such a pair is compared with the newest
        vector first: within the limit, it may keep that distance, which is at least the smallest one and leads to the
        same assignment. All other pairs get the smallest distance to the whole gallery.
        """
        distance = np.empty(len(rows))
        alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
        newest = 1 - np.einsum("pd,pd->p", self.newest(rows[alone]), feature[columns[alone]])
        distance[alone] = newest
        undecided = ~alone
        undecided[alone] = newest > limit
        self._measure(distance, np.flatnonzero(undecided), rows, feature, columns)
        return distance

    def _measure(
        self, out: NDArray[np.float64], pairs: Rows, rows: Rows, feature: NDArray[np.float32], columns: Rows
    ) -> None:
        """Write the smallest distances of some pairs, all of one track at a time."""
        if not len(pairs):
            return
        for part in np.split(pairs, np.flatnonzero(np.diff(rows[pairs])) + 1):
            out[part] = self.distances(int(rows[part[0]]), feature[columns[part]])

    def _held(self, row: int) -> NDArray[np.float32]:
        added = int(self._added[row])
        return self._slab[row, : added if self._budget is None else min(added, self._budget)]

    def _slots(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return numbers if self._budget is None else numbers % self._budget

    def _reserve(self, slots: int, width: int) -> None:
        """Make the slab large enough for all rows, and for `slots` vectors of each."""
        rows, held, _ = self._slab.shape
        if rows == len(self._added) and held >= slots:
            return
        if held < slots:
            held = max(_FIRST_SLOTS, 2 * held, slots)
            held = held if self._budget is None else min(held, self._budget)
        larger = np.empty((len(self._added), held, width), np.float32)
        for row, size in enumerate(self.sizes(np.arange(rows)).tolist()):
            larger[row, :size] = self._slab[row, :size]
        self._slab = larger


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

    def mean(self, rows: Rows) -> NDArray[np.float32]:
        """The first memory's mean unit vector of each track (R, D)."""
        return self._memories[0].mean(rows)

    def pair_distances(self, rows: Rows, feature: NDArray[np.float32], columns: Rows) -> NDArray[np.float64]:
        """The mean of the memories' distances; see `MeanAppearance.pair_distances`."""
        distances = [memory.pair_distances(rows, feature, columns) for memory in self._memories]
        return np.asarray(sum(distances) / len(distances), np.float64)


def with_room(counts: NDArray[np.int64], rows: Rows) -> NDArray[np.int64]:
    """`counts` (R,), with zeros after them so that `rows` are in it; at least twice as long where it has to grow."""
    needed = 1 + int(rows.max(initial=-1))
    if needed <= len(counts):
        return counts
    return np.concatenate([counts, np.zeros(max(_FIRST_ROWS, len(counts), needed - len(counts)), np.int64)])

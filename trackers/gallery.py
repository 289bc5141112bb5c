"""What tracks remember of people's looks: the last vectors of each (Deep SORT, section 2.3, the galleries R_k)."""

import numpy as np
from numpy.typing import NDArray

_FIRST_ROWS, _FIRST_SLOTS = 16, 128

Rows = NDArray[np.intp]


class Galleries:
    """One ring of unit vectors per track, all of them in one slab (rows, slots, D) of float32.

    The slab doubles when there are more tracks than ever, and the rows of ended tracks are used again, so that it is as
    large as the largest crowd asked for. Memory that no vector was ever written to is not touched.
    """

    def __init__(self, budget: int | None) -> None:
        """Start without tracks.

        Args:
            budget: vectors kept per track; None keeps all, so that memory and time grow as long as a track lives.
        """
        self._budget = budget
        self._slab: NDArray[np.float32] = np.empty((0, 0, 0), np.float32)
        self._added = np.zeros(0, np.int64)
        self._unused: list[int] = []

    def open(self, count: int) -> Rows:
        """Rows (count,) for new tracks, which remember nothing yet."""
        if count > len(self._unused):
            known = len(self._added)
            grown = max(_FIRST_ROWS, 2 * known, known + count)
            self._unused = [*range(grown - 1, known - 1, -1), *self._unused]
            self._added = np.concatenate([self._added, np.zeros(grown - known, np.int64)])
        rows = np.array([self._unused.pop() for _ in range(count)], np.intp)
        self._added[rows] = 0
        return rows

    def close(self, rows: Rows) -> None:
        """Forget ended tracks; their rows go to the next that are opened."""
        self._unused += rows.tolist()

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

    def repeat_newest(self, rows: Rows) -> None:
        """Remember the newest vectors once more, pushing out the oldest: the fault of deep-sort-realtime 1.3.2."""
        rows = rows[self._added[rows] > 0]
        if len(rows):
            self.add(rows, self.newest(rows))

    def newest(self, rows: Rows) -> NDArray[np.float32]:
        """The newest vector of each track (R, D), none of which may be empty."""
        return self._slab[rows, self._slots(self._added[rows] - 1)]

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

"""What a track remembers of a person's look: its last vectors (Deep SORT, section 2.3, the gallery R_k)."""

import numpy as np
from numpy.typing import NDArray

_FIRST_ROWS = 8


class Gallery:
    """The newest `budget` unit vectors of one track, in one array that never grows beyond the budget."""

    def __init__(self, budget: int | None) -> None:
        """Start empty.

        Args:
            budget: vectors kept; None keeps all, so that memory and time grow as long as the track lives.
        """
        self._budget = budget
        self._rows: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._added = 0

    def __len__(self) -> int:
        return self._added if self._budget is None else min(self._added, self._budget)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(K, D) float32 copy of what is remembered, in no particular order."""
        return self._rows[: len(self)].copy()

    def add(self, vector: NDArray[np.float32]) -> None:
        """Remember a unit vector (D,), as wide as those before it; the oldest goes when the budget is used up."""
        slot = self._slot(self._added)
        if slot == len(self._rows):
            self._grow(vector.shape[0])
        self._rows[slot] = vector
        self._added += 1

    def repeat_newest(self) -> None:
        """Remember the newest vector once more, pushing out the oldest: the fault of deep-sort-realtime 1.3.2."""
        if self._added:
            self.add(self._rows[self._slot(self._added - 1)].copy())

    def distances(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Smallest cosine distance of each query to the gallery (Deep SORT, equation 3).

        Args:
            queries: (N, D) float32 unit vectors.

        Returns:
            (N,) float32 in 0..2. The gallery must not be empty.
        """
        similarity = self._rows[: len(self)] @ queries.T
        nearest: NDArray[np.float32] = 1 - similarity.max(axis=0)
        return nearest

    def _slot(self, number: int) -> int:
        return number if self._budget is None else number % self._budget

    def _grow(self, width: int) -> None:
        rows = max(_FIRST_ROWS, 2 * len(self._rows))
        larger = np.zeros((rows if self._budget is None else min(rows, self._budget), width), np.float32)
        if len(self._rows):
            larger[: len(self._rows)] = self._rows
        self._rows = larger

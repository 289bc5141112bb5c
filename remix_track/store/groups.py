"""Groups of tracklets joined nearest first, from the sums of their vectors and the few pairs that are near.

The mean cosine distance of two groups is one minus the product of their mean vectors, so that a group of any size is
one vector. And where two groups are within a distance on the mean, some pair of their tracklets is; so only pairs
within the limit are looked at, and never all pairs.

This is agglomeration with average linkage under cannot-link constraints, as `trackers.linking.across_videos` has it
on all pairs, and gives the same groups.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Merge = tuple[int, int]
"""A group that goes on, and the one that it took in."""


class Groups:
    """Groups by number; of two that are joined the lower number goes on.

    Attributes:
        total: the sum (D,) of the unit vectors of each group.
        count: of how many tracklets.
    """

    def __init__(
        self,
        total: Mapping[int, NDArray[np.floating]],
        count: Mapping[int, int],
        *,
        may_join: Callable[[int, int], bool],
        on_join: Callable[[int, int], None] = lambda kept, gone: None,
    ) -> None:
        """Begin with these.

        Args:
            total: see `Groups`.
            count: likewise.
            may_join: whether nothing but distance forbids it; what it forbids stays forbidden as groups grow.
            on_join: called with each join.
        """
        self.total = {number: vector.astype(np.float64) for number, vector in total.items()}
        self.count = dict(count)
        self._may_join, self._on_join = may_join, on_join
        self._near: dict[int, set[int]] = {number: set() for number in self.total}
        self._changes = dict.fromkeys(self.total, 0)
        self._heap: list[tuple[float, int, int, int, int]] = []

    def join(self, pairs: Iterable[tuple[int, int]], limit: float) -> list[Merge]:
        """Join the nearest two while they are at most `limit` apart on the mean.

        Args:
            pairs: of numbers; all that are within the limit now.
            limit: largest mean cosine distance.

        Returns:
            The joins, in their order.
        """
        for one, other in pairs:
            self._near[one].add(other)
            self._near[other].add(one)
        for number, near in self._near.items():
            self._push(number, [other for other in near if other > number], limit)
        merges = []
        while self._heap:
            _, one, other, *changes = heapq.heappop(self._heap)
            if changes != [self._changes.get(one), self._changes.get(other)]:
                continue
            kept, gone = min(one, other), max(one, other)
            if not self._may_join(kept, gone):
                self._near[kept].discard(gone)
                self._near[gone].discard(kept)
                continue
            self._merge(kept, gone)
            self._on_join(kept, gone)
            merges.append((kept, gone))
            self._push(kept, list(self._near[kept]), limit)
        return merges

    def _merge(self, kept: int, gone: int) -> None:
        self.total[kept] = self.total[kept] + self.total.pop(gone)
        self.count[kept] += self.count.pop(gone)
        self._changes[kept] += 1
        del self._changes[gone]
        for other in self._near.pop(gone):
            self._near[other].discard(gone)
            if other != kept:
                self._near[other].add(kept)
                self._near[kept].add(other)

    def _push(self, number: int, others: list[int], limit: float) -> None:
        if not others:
            return
        total = np.stack([self.total[other] for other in others])
        count = np.array([self.count[other] for other in others])
        distance = 1 - total @ self.total[number] / (count * self.count[number])
        for other, far in zip(others, distance.tolist(), strict=True):
            if far <= limit:
                heapq.heappush(self._heap, (far, number, other, self._changes[number], self._changes[other]))

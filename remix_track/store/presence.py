"""Where and when tracklets were: what tells, before any look at them, that two are not one person.

A person is at one place at a time. Of one job two tracklets that overlap in time are two people. So are tracklets of
two cameras on one clock, unless the cameras show the same place. Two jobs of one camera may show the same moment
twice (a piece of a file overlaps the next one), so that they forbid nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

CLOCK_SECONDS = 2.0
"""By so much the clocks of two cameras may differ: a shorter stay at both is a walk from one to the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Presence:
    """Row i of every array is one tracklet.

    Attributes:
        job: (T,) int64.
        camera: (T,) int64.
        clock: (T,) int64; the times of one clock can be compared. 0 is that of the world (UTC).
        start, end: (T,) float64 seconds of that clock.
        overlapping: (C, C) bool: the two cameras show the same place.
        window: seconds of UTC after which people have changed their clothes; infinite: never.
    """

    job: NDArray[np.int64]
    camera: NDArray[np.int64]
    clock: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    overlapping: NDArray[np.bool_]
    window: float = np.inf

    def exclude(self, row: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(N,) which of `others` (N,), all on the clock of `row`, are certainly not the person of `row`."""
        common = np.minimum(self.end[others], self.end[row]) - np.maximum(self.start[others], self.start[row])
        apart = ~self.overlapping[self.camera[row], self.camera[others]] & (self.camera[others] != self.camera[row])
        return np.asarray(np.where(self.job[others] == self.job[row], common >= 0, apart & (common > CLOCK_SECONDS)))


@dataclass(frozen=True, slots=True, eq=False)
class Whereabouts:
    """When and where a group of tracklets was, sorted by clock and start.

    Attributes:
        rows: (N,) of the tracklets in `Presence`.
        clock, start: (N,) of each.
        reach: (N,) the latest end of it and those of its clock before it.
    """

    rows: NDArray[np.int64]
    clock: NDArray[np.int64]
    start: NDArray[np.float64]
    reach: NDArray[np.float64]

    @classmethod
    def of(cls, presence: Presence, rows: Iterable[int] | NDArray[np.int64]) -> Self:
        """Those of these rows."""
        given = np.asarray(rows, np.int64)
        order = given[np.lexsort((presence.start[given], presence.clock[given]))]
        clock, end = presence.clock[order], presence.end[order]
        cuts = np.flatnonzero(np.diff(clock)) + 1
        reach = [np.maximum.accumulate(part) for part in np.split(end, cuts)]
        return cls(order, clock, presence.start[order], np.concatenate(reach))

    def __len__(self) -> int:
        return len(self.rows)

    def excludes(self, other: "Whereabouts", presence: Presence) -> bool:
        """Whether both cannot be one person: they were at two places at once, or are too far apart in time."""
        few, many = (self, other) if len(self) <= len(other) else (other, self)
        if any(many._meets(row, presence) for row in few.rows.tolist()):
            return True
        return bool(np.isfinite(presence.window)) and self._gap(other) > presence.window

    def _meets(self, row: int, presence: Presence) -> bool:
        """Whether one of these certainly is not the person of `row`."""
        first, last = np.searchsorted(self.clock, [presence.clock[row], presence.clock[row] + 1])
        stop = first + np.searchsorted(self.start[first:last], presence.end[row], "right")
        begin = first + np.searchsorted(self.reach[first:stop], presence.start[row], "left")
        return bool(begin < stop and presence.exclude(row, self.rows[begin:stop]).any())

    def _gap(self, other: "Whereabouts") -> float:
        """Seconds of UTC from the end of one to the beginning of the other; 0 where that cannot be said."""
        (begin, end), (other_begin, other_end) = self._span(), other._span()
        return max(other_begin - end, begin - other_end, 0.0)

    def _span(self) -> tuple[float, float]:
        known = int(np.searchsorted(self.clock, 1))
        return (float(self.start[0]), float(self.reach[known - 1])) if known else (-np.inf, np.inf)

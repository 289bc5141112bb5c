"""How many tracklets, and how many people, a camera sees in each hour or minute."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.store.tracklets import Tracklets

MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Of each step of time; item i is from `begin[i]` until `begin[i] + step`.

    Attributes:
        begin: (B,) int64 where each step begins.
        step: its length, in the same unit.
        tracklets: (B,) int64 that are there at some time in it.
        people: (B,) int64 different people among them; whom no tracklet is assigned to is not counted.
    """

    begin: NDArray[np.int64]
    step: int
    tracklets: NDArray[np.int64]
    people: NDArray[np.int64]


def counts_of(tracklets: Tracklets, begin: int, end: int, step: int) -> Counts:
    """Count by the clock; tracklets whose time of day is not known are left out.

        hour = 3_600_000
        counts = counts_of(store.tracklets("gate"), day, day + 24 * hour, hour)

    Args:
        tracklets: of one camera, or of all that are counted together.
        begin: milliseconds since 1970, at which the first step begins.
        end: likewise; the last step ends then, or after it.
        step: milliseconds.

    Raises:
        InputError: no time, or more than 10,000 steps.
    """
    known = ~(np.isnat(tracklets.first_utc) | np.isnat(tracklets.last_utc))
    first, last = (column[known].astype(np.int64) for column in (tracklets.first_utc, tracklets.last_utc))
    return counts_between(first, last, tracklets.person[known], begin, end, step)


def counts_between(
    first: NDArray[np.int64], last: NDArray[np.int64], person: NDArray[np.int64], begin: int, end: int, step: int
) -> Counts:
    """Count what is there from `first` (N,) to `last` (N,), both included, as `person` (N,), 0 where none is known.

    Raises:
        InputError: no time, or more than 10,000 steps.
    """
    steps = -(-(end - begin) // step) if step > 0 else 0
    if not 0 < steps <= MOST_STEPS:
        raise InputError(f"{steps:,} steps of time; expected 1 to {MOST_STEPS:,}: choose a longer step, or less time")
    there = (last >= begin) & (first < begin + steps * step)
    low = (first[there] - begin).clip(0) // step
    high = ((last[there] - begin) // step).clip(low, steps - 1)
    return Counts(
        begin=begin + step * np.arange(steps, dtype=np.int64),
        step=step,
        tracklets=_covered(low, high, steps),
        people=_different(low, high, person[there], steps),
    )


def _covered(low: NDArray[np.int64], high: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    """(steps,) how many of the stretches low..high hold each step."""
    ends = np.bincount(low, minlength=steps + 1) - np.bincount(high + 1, minlength=steps + 1)
    return np.cumsum(ends)[:steps].astype(np.int64)


def _different(
    low: NDArray[np.int64], high: NDArray[np.int64], person: NDArray[np.int64], steps: int
) -> NDArray[np.int64]:
    """(steps,) as `_covered`, but stretches of one person that touch or overlap are one."""
    order = np.flatnonzero(person > 0)
    order = order[np.lexsort((low[order], person[order]))]
    person, low, high = person[order], low[order], high[order]
    # Steps of one person after those of another: so that a running maximum never reaches into the next person's.
    _, number = np.unique(person, return_inverse=True)
    shift = number * (steps + 1)
    reach = np.maximum.accumulate(high + shift)
    begins = np.ones(len(low), bool)
    begins[1:] = (low + shift)[1:] > reach[:-1]
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:] - 1, len(low) - 1)[: len(starts)]
    return _covered(low[starts], (reach - shift)[ends], steps)

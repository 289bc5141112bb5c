"""How sure a difference between two trackers is: the sequences drawn again, with replacement, many times.

The sequences are what a benchmark is a sample of, so they are drawn whole (Efron and Tibshirani, "An Introduction to
the Bootstrap", 1993, chapter 13); both trackers are scored on the same draw, as their scores on a sequence go together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.metrics.score import Score, as_dict

METRICS = ("HOTA", "DetA", "AssA", "MOTA", "IDF1")
"""For which differences are given: ratios in percent, larger is better."""
DRAWS = 1000
FEWEST = 3
"""Sequences: of two there are but three different draws."""
_PARTS = ("clear", "identity", "hota", "counts")


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of one tracker minus that of another, in percentage points.

    Attributes:
        value: on the sequences themselves.
        low: 2.5th percentile over the draws.
        high: 97.5th percentile.
        above: share of the draws in which it is above 0.
    """

    value: float
    low: float
    high: float
    above: float

    @property
    def sure(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.low > 0 or self.high < 0


def differences(
    first: Sequence[Score], second: Sequence[Score], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Difference]:
    """`second` minus `first` for each of `METRICS`.

    Args:
        first: the scores of one tracker, a sequence each.
        second: of the other, on the same sequences in the same order.
        draws: how often the sequences are drawn.
        seed: of the draws, so that the same files give the same interval.

    Returns:
        By metric; a metric that is nan in all draws of either is left out. Empty for fewer than `FEWEST` sequences.
    """
    count = len(first)
    if count < FEWEST or count != len(second):
        return {}
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    weights = np.concatenate([np.ones((1, count), np.int64), drawn])  # the first draw is the sequences themselves
    change = _metrics(second, weights) - _metrics(first, weights)
    return {
        metric: _difference(column)
        for metric, column in zip(METRICS, change.T, strict=True)
        if np.isfinite(column[0]) and np.isfinite(column[1:]).any()
    }


def _difference(column: NDArray[np.float64]) -> Difference:
    again = column[1:][np.isfinite(column[1:])]
    low, high = np.percentile(again, [2.5, 97.5])
    return Difference(float(column[0]), float(low), float(high), float((again > 0).mean()))


def _metrics(scores: Sequence[Score], weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """(draws, metrics) of the sum of the scores, each taken as often as its weight says."""
    drawn = _weighted(scores, weights)
    return np.array([[as_dict(score)[metric] for metric in METRICS] for score in drawn])


def _weighted(scores: Sequence[Score], weights: NDArray[np.int64]) -> list[Score]:
    """Counts add up, so a draw is a sum with weights: one product of matrices for each part of a score."""
    kinds = [type(getattr(scores[0], part)) for part in _PARTS]
    sums = [
        [weights @ np.array([getattr(getattr(score, part), field.name) for score in scores]) for field in fields(kind)]
        for part, kind in zip(_PARTS, kinds, strict=True)
    ]
    return [
        Score(*(_row(kind, columns, row) for kind, columns in zip(kinds, sums, strict=True)))
        for row in range(len(weights))
    ]


def _row(kind: Any, columns: Sequence[NDArray[Any]], row: int) -> Any:
    """One draw of a part: plain numbers where there is one, arrays where there is one for each threshold."""
    return kind(*(column[row] if column.ndim > 1 else column[row].item() for column in columns))

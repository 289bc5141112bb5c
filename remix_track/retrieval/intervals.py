"""How far a mean over queries would move with other people: the bootstrap over people."""

import numpy as np
from numpy.typing import NDArray

ROUNDS = 2000


def mean_interval(
    values: NDArray[np.float64], people: NDArray[np.integer], *, share: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Where the mean lies in `share` of the draws, if the people were drawn again with replacement.

    Queries of one person stand or fall together, so that whole people are drawn, not queries (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13). The gallery stays as it is, and so the interval says nothing of
    other strangers, cameras or light.

    Args:
        values: (Q,) of each query; those that are NaN are left out.
        people: (Q,) who each query shows.
        share: of the draws.
        seed: of the draws.

    Returns:
        The limits; NaN where no value is known, and twice the mean where there is one person alone.
    """
    known = np.isfinite(values)
    _, person = np.unique(people[known], return_inverse=True)
    if not len(person):
        return float("nan"), float("nan")
    sums, counts = np.bincount(person, values[known]), np.bincount(person)
    drawn = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), ROUNDS)  # (R, P)
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.quantile(means, ((1 - share) / 2, (1 + share) / 2))
    return float(low), float(high)

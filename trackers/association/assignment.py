"""Assignment of tracks to detections at the least cost, and the cascade in which recently matched tracks go first."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

IMPOSSIBLE = 1e5
"""The cost of a pair that is out of the question, above every limit."""

_BEYOND = 1e-5  # what the package puts on top of the limit; our assignments would differ from its with another value

Costs = NDArray[np.float64]
Index = NDArray[np.intp]
Assigned = tuple[Index, Index, Index]


def assign(cost: Costs, limit: float, rows: Index, columns: Index) -> Assigned:
    """Pair rows with columns so that the sum of costs is least, where a pair above `limit` counts as a little above it.

    The pairs, and the order of what is left over, are those of deep-sort-realtime's `min_cost_matching`; the order
    decides in which order tracks begin, and so their ids.

    Args:
        cost: (T, N) of which the part `rows` x `columns` is looked at.
        limit: the largest cost of a pair.
        rows: (R,) rows to be paired.
        columns: (C,) columns to be paired.

    Returns:
        rows (P,) and columns (P,) of the pairs, and the columns that are left.
    """
    if not len(rows) or not len(columns):
        return rows[:0], columns[:0], columns
    part = cost[rows[:, None], columns]
    part[part > limit] = limit + _BEYOND
    chosen_rows, chosen_columns = linear_sum_assignment(part)
    fits = part[chosen_rows, chosen_columns] <= limit
    left = np.ones(len(columns), np.bool_)
    left[chosen_columns] = False
    free = np.concatenate([columns[left], columns[chosen_columns[~fits]]])
    return rows[chosen_rows[fits]], columns[chosen_columns[fits]], free


def cascade(cost: Costs, limit: float, rows: Index, ages: NDArray[np.int64], columns: Index) -> Assigned:
    """`assign`, those rows first that were missed for the shortest time (Deep SORT, listing 1).

    Args:
        cost: (T, N).
        limit: the largest cost of a pair.
        rows: (R,) rows to be paired.
        ages: (R,) frames since each was last seen.
        columns: (C,) columns to be paired.

    Returns:
        As `assign`.
    """
    found: list[tuple[Index, Index]] = [(rows[:0], columns[:0])]
    for age in np.unique(ages):
        taken_rows, taken_columns, columns = assign(cost, limit, rows[ages == age], columns)
        found.append((taken_rows, taken_columns))
    return np.concatenate([part for part, _ in found]), np.concatenate([part for _, part in found]), columns

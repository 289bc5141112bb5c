"""What recent detections say of a track's motion model: how far off it is, and whether always to the same side.

The innovation is a detection less its prediction, each coordinate in units of the deviation that the filter expects. Of
a filter whose noise is right, squares of innovations average 1, and one innovation says nothing of the next (Mehra
1970, "On the identification of variances and adaptive Kalman filtering", section II). Where people turn, run and
jump, squares are larger, and what one frame is off the next is off too; where boxes tremble, squares are larger and
their signs change. Both are estimated for each track by exponential means over its detections.
"""

import numpy as np
from numpy.typing import NDArray

MOMENTUM = 0.9
"""Share of the means that one more detection leaves as it was."""

MOST_NOISE = 100.0
"""The largest factor of the velocity noise of one coordinate: ten times the deviation."""

LAG_SHARE = 4.0
"""A correlation of innovations of one fourth or more says that the filter lags as a whole."""

_NOTHING = 1e-300  # what is divided by where there was no innovation at all

Values = NDArray[np.float64]

LAST, SQUARE, PRODUCT = range(3)
"""Rows of what a track keeps (3, 4): the last innovation, the mean square, and the mean product of two in a row."""


def with_innovation(kept: Values, innovation: Values) -> Values:
    """What tracks keep (T, 3, 4) after one more innovation (T, 4) of each; tracks begin with zeros."""
    now = MOMENTUM * kept
    weighed = (1 - MOMENTUM) * innovation
    now[:, SQUARE] += weighed * innovation
    now[:, PRODUCT] += weighed * kept[:, LAST]
    now[:, LAST] = innovation
    return now


def lag_share(kept: Values) -> Values:
    """(T,) from 0 to 1, how much of what a detection still differs from the filter's box is the filter's own lag.

    The correlation of innovations in a row, all coordinates together, `LAG_SHARE` times; negative ones, of detections
    that tremble about their prediction, are 0.
    """
    together = np.add.reduce(kept, axis=2)
    share: Values = LAG_SHARE * together[:, PRODUCT] / np.maximum(together[:, SQUARE], _NOTHING)
    return np.minimum(np.maximum(share, 0.0), 1.0)


def noise_factor(kept: Values, share: Values) -> Values:
    """(T,) by how much the variance of velocity noise is multiplied: 1 + lag share (mean square innovation - 1).

    Each coordinate counts from 1 to `MOST_NOISE`, so that one which is steadier than expected does not make up for
    another. Without the lag share (T,), boxes that tremble would be followed more closely than those that stand.
    """
    beyond = np.minimum(np.maximum(kept[:, SQUARE], 1.0), MOST_NOISE) - 1.0
    factor: Values = 1.0 + share * (np.add.reduce(beyond, axis=1) / 4)
    return factor

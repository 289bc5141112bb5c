"""How far a detection lies from where the Kalman filter expects a track (Deep SORT, section 2.2)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

GATE = 9.4877
"""0.95 quantile of the chi-square distribution with 4 degrees of freedom: t(1) of Deep SORT, equation 2."""


def xyah_from_tlwh(tlwh: NDArray[np.floating]) -> NDArray[np.float64]:
    """Centre, width / height and height (N, 4) of boxes (N, 4) with positive height: the filter's measurement."""
    xyah = np.asarray(tlwh, np.float64).copy()
    xyah[:, :2] += xyah[:, 2:] / 2
    xyah[:, 2] /= xyah[:, 3]
    return xyah


def squared_mahalanobis(kalman: Any, tracks: Sequence[Any], xyah: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared Mahalanobis distance of each measurement from each track (Deep SORT, equation 1).

    The same values as the package's `KalmanFilter.gating_distance`, for all tracks in one step.

    Args:
        kalman: the package's `KalmanFilter`.
        tracks: T predicted tracks, with `mean` (8,) and `covariance` (8, 8).
        xyah: (N, 4) measurements.

    Returns:
        (T, N) float64, without unit.
    """
    if not tracks:
        return np.empty((0, len(xyah)))
    projected = [kalman.project(track.mean, track.covariance) for track in tracks]
    mean = np.stack([mean for mean, _ in projected])
    root = np.linalg.cholesky(np.stack([covariance for _, covariance in projected]))
    offset = xyah[None] - mean[:, None]
    whitened = np.linalg.solve(root, offset.transpose(0, 2, 1))
    distance: NDArray[np.float64] = np.square(whitened).sum(axis=1)
    return distance

"""The remix tracker's Kalman filter: Deep SORT's, with width and height in place of width / height and height."""

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.motion import BatchedKalmanFilter, Values, corrected

LEAST_DOUBT = 0.05
"""What is left of the measurement's variance where a detector is sure: boxes tremble even then."""


class SizeFilter(BatchedKalmanFilter):
    """Centre, width and height of T tracks at once (BoT-SORT, Aharon et al. 2022, section 3.1).

    Shapes are those of `BatchedKalmanFilter`, the four coordinates being centre x, centre y, width and height. Noise is
    in proportion to the width for x and width, and to the height for y and height, with Deep SORT's factors.
    """

    def __init__(self, frames_apart: float = 1.0) -> None:
        """Set the noise.

        Args:
            frames_apart: how many frames at 30 fps pass from one frame to the next. The deviation of velocity's noise
                grows with its root, as that of a sum of so many steps does.
        """
        super().__init__()
        self._std_weight_velocity *= np.sqrt(frames_apart)

    def initiate(self, xywh: NDArray[np.floating]) -> tuple[Values, Values]:
        """Mean (T, 2, 4) and covariance (T, 3, 4) of tracks that begin at measurements (T, 4), at rest."""
        mean = np.zeros((len(xywh), 2, 4))
        mean[:, 0] = xywh
        covariance = np.zeros((len(xywh), 3, 4))
        covariance[:, 0] = _variances(mean, 2 * self._std_weight_position)
        covariance[:, 2] = _variances(mean, 10 * self._std_weight_velocity)
        return mean, covariance

    def predict(self, mean: Values, covariance: Values) -> tuple[Values, Values]:
        """Mean and covariance one frame later, at constant velocity."""
        variance, both, of_velocity = covariance[:, 0], covariance[:, 1], covariance[:, 2]
        later, wider = mean.copy(), np.empty_like(covariance)
        later[:, 0] += mean[:, 1]
        wider[:, 0] = variance + 2 * both + of_velocity + _variances(mean, self._std_weight_position)
        wider[:, 1] = both + of_velocity
        wider[:, 2] = of_velocity + _variances(mean, self._std_weight_velocity)
        return later, wider

    def project(self, mean: Values, covariance: Values) -> tuple[Values, Values]:
        """Expected measurements (T, 4) and their variances (T, 4), measurement noise included."""
        return mean[:, 0], covariance[:, 0] + _variances(mean, self._std_weight_position)

    def update_by_score(
        self, mean: Values, covariance: Values, xywh: NDArray[np.floating], score: NDArray[np.float32]
    ) -> tuple[Values, Values]:
        """`update` with the measurement's variance times 1 - score (GIAOTracker, Du et al. 2021, NSA Kalman).

        Differs from the paper: at least `LEAST_DOUBT` of the variance is left; scores above 1 count as 1, below 0 as 0.
        """
        doubt = np.clip(1.0 - score.astype(np.float64), LEAST_DOUBT, 1.0)
        noise = _variances(mean, self._std_weight_position) * doubt[:, None]
        return corrected(mean, covariance, xywh, covariance[:, 0] + noise)


def move(mean: Values, covariance: Values, warp: NDArray[np.float64]) -> tuple[Values, Values]:
    """Mean and covariance in the next picture, of what stood still in the world while the camera moved.

    Positions and velocities of centres are mapped, sizes and their velocities scaled. Covariances are scaled only: a
    rotation would couple x with y, which the filter keeps apart; cameras roll by fractions of a degree per frame.

    Args:
        mean: (T, 2, 4).
        covariance: (T, 3, 4).
        warp: (2, 3), a partial affine map of pixels: a rotation with one scale, and a shift.
    """
    turn, shift = warp[:, :2], warp[:, 2]
    scale = np.sqrt(abs(np.linalg.det(turn)))
    moved = mean * scale
    moved[:, :, :2] = mean[:, :, :2] @ turn.T
    moved[:, 0, :2] += shift
    return moved, covariance * scale**2


def xywh_from_tlwh(tlwh: NDArray[np.floating]) -> NDArray[np.floating]:
    """Centre and size (N, 4) of boxes (N, 4); the dtype is kept."""
    xywh = tlwh.copy()
    xywh[:, :2] += xywh[:, 2:] / 2
    return xywh


def tlwh_from_xywh(xywh: NDArray[np.floating]) -> NDArray[np.floating]:
    """Boxes (N, 4) of centre and size (N, 4); the dtype is kept."""
    tlwh = xywh.copy()
    tlwh[:, :2] -= tlwh[:, 2:] / 2
    return tlwh


def _variances(mean: Values, weight: float) -> Values:
    """Variances (T, 4) of deviations in proportion to width and height."""
    return np.square(weight * mean[:, 0, [2, 3, 2, 3]])

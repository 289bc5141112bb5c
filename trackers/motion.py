"""Where tracks are expected, and how far off detections lie: Deep SORT's Kalman filter (section 2.2), batched."""

import numpy as np
from deep_sort_realtime.deep_sort.kalman_filter import KalmanFilter
from numpy.typing import NDArray

GATE = 9.4877
"""0.95 quantile of the chi-square distribution with 4 degrees of freedom: t(1) of Deep SORT, equation 2."""

Values = NDArray[np.float64]
Pairs = tuple[NDArray[np.intp], NDArray[np.intp], Values]


class BatchedKalmanFilter(KalmanFilter):  # type: ignore[misc]
    """The package's filter, with its noise, for T tracks at once.

    Motion, measurement and noise couple each coordinate with its own velocity and nothing else, so the package's
    covariance (8, 8) is four blocks of (2, 2) and zeros. The blocks are all that is kept: exact, and no matrix is
    inverted.

    mean: (T, 2, 4) float64, position and velocity (per frame) of centre x, centre y, width / height, and height.
    covariance: (T, 3, 4) float64, for each coordinate the variance of its position, the covariance of position and
        velocity, and the variance of its velocity.

    Pixels, except for the ratio width / height.
    """

    def initiate(self, xyah: NDArray[np.floating]) -> tuple[Values, Values]:
        """Mean (T, 2, 4) and covariance (T, 3, 4) of tracks that begin at measurements (T, 4), at rest."""
        mean = np.zeros((len(xyah), 2, 4))
        mean[:, 0] = xyah
        covariance = np.zeros((len(xyah), 3, 4))
        covariance[:, 0] = _variances(2 * self._std_weight_position * xyah[:, 3], ratio=1e-2)
        covariance[:, 2] = _variances(10 * self._std_weight_velocity * xyah[:, 3], ratio=1e-5)
        return mean, covariance

    def predict(self, mean: Values, covariance: Values) -> tuple[Values, Values]:
        """Mean and covariance one frame later, at constant velocity."""
        variance, both, of_velocity = covariance[:, 0], covariance[:, 1], covariance[:, 2]
        height = mean[:, 0, 3]
        begun = both[:, 3] == 0  # position and velocity have nothing to do with each other before the first prediction
        later, wider = mean.copy(), np.empty_like(covariance)
        later[:, 0] += mean[:, 1]
        wider[:, 0] = variance + 2 * both + of_velocity
        wider[:, 0] += _variances(_share(self._std_weight_position, height, begun), ratio=1e-2)
        wider[:, 1] = both + of_velocity
        wider[:, 2] = of_velocity + _variances(_share(self._std_weight_velocity, height, begun), ratio=1e-5)
        return later, wider

    def project(self, mean: Values, covariance: Values) -> tuple[Values, Values]:
        """Expected measurements (T, 4) and their variances (T, 4), measurement noise included."""
        noise = _variances(self._std_weight_position * mean[:, 0, 3], ratio=1e-1)
        return mean[:, 0], covariance[:, 0] + noise

    def update(self, mean: Values, covariance: Values, xyah: NDArray[np.floating]) -> tuple[Values, Values]:
        """Mean and covariance of predicted tracks after each has got its measurement (T, 4)."""
        return corrected(mean, covariance, xyah, self.project(mean, covariance)[1])

    def gating_distance(
        self, mean: Values, covariance: Values, xyah: NDArray[np.floating], gate: float = GATE
    ) -> Pairs:
        """The pairs inside the gate, and how far apart they are (Deep SORT, equations 1 and 2).

        Args:
            mean: (T, 2, 4) of predicted tracks.
            covariance: (T, 3, 4).
            xyah: (N, 4) measurements.
            gate: the largest squared distance.

        Returns:
            track (P,), measurement (P,) and squared Mahalanobis distance (P,), at most `gate`; sorted by track, then by
            measurement. Of the other pairs hardly more is computed than that they are too far apart sideways.
        """
        expected, variance = self.project(mean, covariance)
        reach = np.sqrt(variance[:, 0] * gate) * (1 + 1e-9)  # never less than what the exact sum lets through
        sideways = np.subtract(xyah[None, :, 0], expected[:, 0, None])
        tracks, measured = np.nonzero(np.abs(sideways, out=sideways) <= reach[:, None])
        distance = (np.square(xyah[measured] - expected[tracks]) / variance[tracks]).sum(axis=1)
        inside = distance <= gate
        return tracks[inside], measured[inside], distance[inside]


def corrected(
    mean: Values, covariance: Values, measured: NDArray[np.floating], variance: Values
) -> tuple[Values, Values]:
    """Mean and covariance of predicted tracks after each has got its measurement (T, 4) of known variance (T, 4)."""
    gain = covariance[:, :2] / variance[:, None]
    moved = mean + gain * (measured - mean[:, 0])[:, None]
    of_position, of_velocity = gain[:, 0], gain[:, 1]
    explained = np.stack([of_position * of_position, of_position * of_velocity, of_velocity * of_velocity], axis=1)
    return moved, covariance - explained * variance[:, None]


def xyah_from_tlwh(tlwh: NDArray[np.floating]) -> NDArray[np.floating]:
    """Centre, width / height and height (N, 4) of boxes (N, 4) with positive height; the dtype is kept."""
    xyah = tlwh.copy()
    xyah[:, :2] += xyah[:, 2:] / 2
    xyah[:, 2] /= xyah[:, 3]
    return xyah


def tlwh_from_xyah(xyah: NDArray[np.floating]) -> NDArray[np.floating]:
    """Boxes (N, 4) of centre, width / height and height (N, 4); the dtype is kept."""
    tlwh = xyah.copy()
    tlwh[:, 2] *= tlwh[:, 3]
    tlwh[:, :2] -= tlwh[:, 2:] / 2
    return tlwh


def _share(weight: float, height: Values, begun: NDArray[np.bool_]) -> Values:
    """Standard deviations (T,) in proportion to heights (T,).

    The height of a track that has just begun is a float32 in the package, and so is this product then. In float64 the
    boxes would come out up to 1e-6 pixels apart.
    """
    std: Values = weight * height
    std[begun] = weight * height[begun].astype(np.float32)
    return std


def _variances(std: NDArray[np.floating], *, ratio: float) -> Values:
    """Variances (T, 4) from the standard deviation (T,) in pixels and the one of width / height."""
    stds = np.empty((len(std), 4))
    stds[:] = std[:, None]
    stds[:, 2] = ratio
    return np.square(stds, out=stds)

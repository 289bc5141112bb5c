"""Where tracks are expected, and how far off detections lie: Deep SORT's Kalman filter (section 2.2), batched.

`KalmanFilter` is the arithmetic. Which four numbers of a box it follows, and how noisy they are, is a part handed to
it: `Xyah` for Deep SORT, `Xywh` for remix. Outside of this file boxes are tlwh. `MotionModel` is what trackers ask of
it: another model of motion has these methods, and keeps what it likes in the arrays.

An innovation is a detection less its prediction, each coordinate in units of the deviation that the filter expects. Of
a filter whose noise is right, squares of innovations average 1, and one innovation says nothing of the next (Mehra
1970, "On the identification of variances and adaptive Kalman filtering", section II). Where people turn, run and
jump, squares are larger, and what one frame is off the next is off too; where boxes tremble, squares are larger and
their signs change. Both are estimated for each track by exponential means over its detections.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyah, tlwh_from_xywh, xyah_from_tlwh, xywh_from_tlwh

GATE = 9.4877
"""0.95 quantile of the chi-square distribution with 4 degrees of freedom: t(1) of Deep SORT, equation 2."""

LEAST_DOUBT = 0.05
"""What is left of the measurement's variance where a detector is sure: boxes tremble even then."""

MOMENTUM = 0.9
"""Share of the means that one more detection leaves as it was."""

MOST_NOISE = 100.0
"""The largest factor of the velocity noise of one coordinate: ten times the deviation."""

LAG_SHARE = 4.0
"""A correlation of innovations of one fourth or more says that the filter lags as a whole."""

_NOTHING = 1e-300  # what is divided by where there was no innovation at all
_POSITION, _VELOCITY = 1 / 20, 1 / 160  # deviations per pixel of height or width, as in Deep SORT's code

Boxes = NDArray[np.floating]
Values = NDArray[np.float64]
Pairs = tuple[NDArray[np.intp], NDArray[np.intp], Values]


class MotionModel(Protocol):
    """Where T tracks are expected; `KalmanFilter` says what its methods take and return.

    mean (T, 2, 4) and covariance (T, 3, 4) are what `track_table.TRACK` keeps of each track for it, float64.
    """

    def begin(self, tlwh: Boxes) -> tuple[Values, Values]:
        """Mean and covariance of tracks that begin at boxes."""

    def predict(
        self,
        mean: Values,
        covariance: Values,
        keep_size: NDArray[np.bool_] | None = None,
        noise_factor: Values | None = None,
    ) -> tuple[Values, Values]:
        """Both one frame later."""

    def follow(self, mean: Values, covariance: Values, warp: Values) -> tuple[Values, Values]:
        """Both after the camera moved."""

    def correct(
        self, mean: Values, covariance: Values, tlwh: Boxes, score: NDArray[np.float32]
    ) -> tuple[Values, Values]:
        """Both after each track has got its detection."""

    def innovation(self, mean: Values, covariance: Values, tlwh: Boxes) -> Values:
        """How far off detections are."""

    def inside_gate(self, mean: Values, covariance: Values, tlwh: Boxes, gate: float = GATE) -> Pairs:
        """The tracks and detections that can belong together."""

    def tlwh(self, mean: Values, ahead: float = 0.0) -> Boxes:
        """The boxes where tracks are expected."""


class Coordinates(Protocol):
    """Four numbers that say where a box is, centre x and y first, and their noise as variances (T, 4)."""

    def of(self, tlwh: Boxes) -> Boxes:
        """The coordinates (N, 4) of boxes (N, 4)."""

    def tlwh(self, point: Boxes) -> Boxes:
        """The boxes (T, 4) of coordinates (T, 4)."""

    def at_birth(self, measured: Boxes) -> tuple[Values, Values]:
        """Variance of position and of velocity of tracks that begin at measurements (T, 4)."""

    def of_motion(self, mean: Values, covariance: Values) -> tuple[Values, Values]:
        """What one frame adds to the variance of position and of velocity."""

    def of_measurement(self, mean: Values) -> Values:
        """The variance of a detection's coordinates."""

    def moved(self, mean: Values, covariance: Values, warp: Values) -> tuple[Values, Values]:
        """Mean and covariance in the next frame's pixels, of what stood still while the camera moved by `warp`."""


class KalmanFilter:
    """Constant velocity of four coordinates of a box, for T tracks at once.

    Motion, measurement and noise couple each coordinate with its own velocity and nothing else, so the covariance
    (8, 8) of the textbook is four blocks of (2, 2) and zeros. The blocks are all that is kept: exact, and no matrix is
    inverted.

    mean: (T, 2, 4) float64, position and velocity (per frame) of the four coordinates.
    covariance: (T, 3, 4) float64, for each coordinate the variance of its position, the covariance of position and
        velocity, and the variance of its velocity.
    """

    def __init__(self, coordinates: Coordinates, *, score_noise: bool = False) -> None:
        """Put the filter together.

        Args:
            coordinates: what is filtered, and its noise.
            score_noise: the surer a detection, the less its noise: its variance times 1 - score (GIAOTracker, Du et al.
                2021, NSA Kalman). Differs from the paper: at least `LEAST_DOUBT` of it is left; scores above 1 count
                as 1, below 0 as 0.
        """
        self._coordinates = coordinates
        self._score_noise = score_noise

    def begin(self, tlwh: Boxes) -> tuple[Values, Values]:
        """Mean and covariance of tracks that begin at boxes (T, 4), at rest."""
        measured = self._coordinates.of(tlwh)
        mean = np.zeros((len(measured), 2, 4))
        mean[:, 0] = measured
        covariance = np.zeros((len(measured), 3, 4))
        covariance[:, 0], covariance[:, 2] = self._coordinates.at_birth(measured)
        return mean, covariance

    def predict(
        self,
        mean: Values,
        covariance: Values,
        keep_size: NDArray[np.bool_] | None = None,
        noise_factor: Values | None = None,
    ) -> tuple[Values, Values]:
        """Mean and covariance one frame later, at constant velocity.

        Args:
            mean: (T, 2, 4).
            covariance: (T, 3, 4).
            keep_size: (T,) tracks that cease to grow.
            noise_factor: (T,) by how much the variance of velocity noise is multiplied.
        """
        variance, both, of_velocity = covariance[:, 0], covariance[:, 1], covariance[:, 2]
        position_noise, velocity_noise = self._coordinates.of_motion(mean, covariance)
        if noise_factor is not None:
            velocity_noise = velocity_noise * noise_factor[:, None]
        later, wider = mean.copy(), np.empty_like(covariance)
        if keep_size is not None:
            later[keep_size, 1, 2:] = 0
        later[:, 0] += later[:, 1]
        wider[:, 0] = variance + 2 * both + of_velocity + position_noise
        wider[:, 1] = both + of_velocity
        wider[:, 2] = of_velocity + velocity_noise
        return later, wider

    def follow(self, mean: Values, covariance: Values, warp: Values) -> tuple[Values, Values]:
        """Mean and covariance after the camera moved by `warp` (2, 3), a partial affine map of pixels."""
        return self._coordinates.moved(mean, covariance, warp)

    def correct(
        self, mean: Values, covariance: Values, tlwh: Boxes, score: NDArray[np.float32]
    ) -> tuple[Values, Values]:
        """Mean and covariance of predicted tracks after each has got its detection: boxes (T, 4), scores (T,)."""
        noise = self._coordinates.of_measurement(mean)
        if self._score_noise:
            noise = noise * np.clip(1.0 - score.astype(np.float64), LEAST_DOUBT, 1.0)[:, None]
        variance = covariance[:, 0] + noise
        gain = covariance[:, :2] / variance[:, None]
        moved = mean + gain * (self._coordinates.of(tlwh) - mean[:, 0])[:, None]
        of_position, of_velocity = gain[:, 0], gain[:, 1]
        explained = np.stack([of_position * of_position, of_position * of_velocity, of_velocity * of_velocity], axis=1)
        return moved, covariance - explained * variance[:, None]

    def innovation(self, mean: Values, covariance: Values, tlwh: Boxes) -> Values:
        """(T, 4) detections (T, 4) less the predictions of their tracks, in deviations that the filter expects."""
        variance = covariance[:, 0] + self._coordinates.of_measurement(mean)
        off: Values = (self._coordinates.of(tlwh) - mean[:, 0]) / np.sqrt(variance)
        return off

    def inside_gate(self, mean: Values, covariance: Values, tlwh: Boxes, gate: float = GATE) -> Pairs:
        """The pairs inside the gate, and how far apart they are (Deep SORT, equations 1 and 2).

        Args:
            mean: (T, 2, 4) of predicted tracks.
            covariance: (T, 3, 4).
            tlwh: (N, 4) detections.
            gate: the largest squared distance.

        Returns:
            track (P,), detection (P,) and squared Mahalanobis distance (P,), at most `gate`; sorted by track, then by
            detection. Of the other pairs hardly more is computed than that they are too far apart sideways.
        """
        measured = self._coordinates.of(tlwh)
        expected, variance = mean[:, 0], covariance[:, 0] + self._coordinates.of_measurement(mean)
        reach = np.sqrt(variance[:, 0] * gate) * (1 + 1e-9)  # never less than what the exact sum lets through
        sideways = np.subtract(measured[None, :, 0], expected[:, 0, None])
        track, column = np.nonzero(np.abs(sideways, out=sideways) <= reach[:, None])
        distance = (np.square(measured[column] - expected[track]) / variance[track]).sum(axis=1)
        inside = distance <= gate
        return track[inside], column[inside], distance[inside]

    def tlwh(self, mean: Values, ahead: float = 0.0) -> Boxes:
        """The boxes (T, 4) where tracks are expected; `ahead` frames later, also a part of one."""
        return self._coordinates.tlwh(mean[:, 0] + ahead * mean[:, 1] if ahead else mean[:, 0])


class Xyah:
    """Deep SORT's coordinates: centre, width / height and height; all noise but the ratio's goes by the height.

    The same numbers as deep-sort-realtime's `KalmanFilter`.
    """

    def of(self, tlwh: Boxes) -> Boxes:
        """See `Coordinates`; float32 for float32 as in the package, of whose boxes ours would otherwise differ."""
        return xyah_from_tlwh(tlwh)

    def tlwh(self, point: Boxes) -> Boxes:
        """See `Coordinates`."""
        return tlwh_from_xyah(point)

    def at_birth(self, measured: Boxes) -> tuple[Values, Values]:
        """See `Coordinates`."""
        height = measured[:, 3]
        return _with_ratio(2 * _POSITION * height, 1e-2), _with_ratio(10 * _VELOCITY * height, 1e-5)

    def of_motion(self, mean: Values, covariance: Values) -> tuple[Values, Values]:
        """See `Coordinates`."""
        height = mean[:, 0, 3]
        begun = covariance[:, 1, 3] == 0  # position and velocity are not coupled before the first prediction
        return (
            _with_ratio(_share(_POSITION, height, begun), 1e-2),
            _with_ratio(_share(_VELOCITY, height, begun), 1e-5),
        )

    def of_measurement(self, mean: Values) -> Values:
        """See `Coordinates`."""
        return _with_ratio(_POSITION * mean[:, 0, 3], 1e-1)

    def moved(self, mean: Values, covariance: Values, warp: Values) -> tuple[Values, Values]:
        """As they were: Deep SORT takes the camera to rest."""
        return mean, covariance


class Xywh:
    """Centre, width and height (BoT-SORT, Aharon et al. 2022, section 3.1).

    Noise is in proportion to the width for x and width, and to the height for y and height, with Deep SORT's factors.
    """

    def __init__(self, frames_apart: float = 1.0) -> None:
        """Set the noise.

        Args:
            frames_apart: how many frames at 30 fps pass from one frame to the next. The deviation of velocity's noise
                grows with its root, as that of a sum of so many steps does.
        """
        self._velocity = _VELOCITY * np.sqrt(frames_apart)

    def of(self, tlwh: Boxes) -> Boxes:
        """See `Coordinates`."""
        return xywh_from_tlwh(tlwh)

    def tlwh(self, point: Boxes) -> Boxes:
        """See `Coordinates`."""
        return tlwh_from_xywh(point)

    def at_birth(self, measured: Boxes) -> tuple[Values, Values]:
        """See `Coordinates`."""
        point = measured.astype(np.float64)
        return _by_size(point, 2 * _POSITION), _by_size(point, 10 * self._velocity)

    def of_motion(self, mean: Values, covariance: Values) -> tuple[Values, Values]:
        """See `Coordinates`."""
        return _by_size(mean[:, 0], _POSITION), _by_size(mean[:, 0], self._velocity)

    def of_measurement(self, mean: Values) -> Values:
        """See `Coordinates`."""
        return _by_size(mean[:, 0], _POSITION)

    def moved(self, mean: Values, covariance: Values, warp: Values) -> tuple[Values, Values]:
        """Positions and velocities of centres are mapped, sizes and their velocities scaled.

        Covariances are scaled only: a rotation would couple x with y, which the filter keeps apart; cameras roll by
        fractions of a degree per frame.
        """
        turn, shift = warp[:, :2], warp[:, 2]
        scale = np.sqrt(abs(np.linalg.det(turn)))
        moved = mean * scale
        moved[:, :, :2] = mean[:, :, :2] @ turn.T
        moved[:, 0, :2] += shift
        return moved, covariance * scale**2


def _by_size(point: Values, weight: float) -> Values:
    """Variances (T, 4) of deviations in proportion to width and height."""
    return np.square(weight * point[:, [2, 3, 2, 3]])


def _share(weight: float, height: Values, begun: NDArray[np.bool_]) -> Values:
    """Standard deviations (T,) in proportion to heights (T,).

    The height of a track that has just begun is a float32 in the package, and so is this product then. In float64 the
    boxes would come out up to 1e-6 pixels apart.
    """
    std: Values = weight * height
    std[begun] = weight * height[begun].astype(np.float32)
    return std


def _with_ratio(std: NDArray[np.floating], ratio: float) -> Values:
    """Variances (T, 4) from the standard deviation (T,) in pixels and the one of width / height."""
    stds = np.empty((len(std), 4))
    stds[:] = std[:, None]
    stds[:, 2] = ratio
    return np.square(stds, out=stds)


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

"""From pixels to metres on the ground and back, by four points that are known in both (a homography)."""

import itertools
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError

_FLAT = 0.005
"""Of three points, their triangle's height over its longest side: below, they count as lying on a line."""


@dataclass(frozen=True, slots=True, eq=False)
class GroundPlane:
    """The ground before a camera.

    Attributes:
        matrix: (3, 3) float64; pixels (x, y, 1) -> metres times w; w is positive on the camera's side of the horizon.
    """

    matrix: NDArray[np.float64]

    @classmethod
    def of_points(cls, pixels: NDArray[np.float64], metres: NDArray[np.float64]) -> Self:
        """The plane of four points.

        Args:
            pixels: (4, 2) where they show.
            metres: (4, 2) where they lie.

        Raises:
            InputError: three of them lie on a line, or both lists do not go around in one order.
        """
        for name, points in (("pixels", pixels), ("metres", metres)):
            if points.shape != (4, 2):
                raise InputError(f"{len(points)} {name}; expected four points [x, y]")
            for three in itertools.combinations(range(4), 3):
                if _flat(points[list(three)]):
                    shown = ", ".join(str(one + 1) for one in three)
                    raise InputError(f"points {shown} of {name} lie on a line; give four of which no three do")
        x, y = pixels.T
        u, v = metres.T
        none, one = np.zeros(4), np.ones(4)
        rows = [np.stack([x, y, one, none, none, none, -u * x, -u * y], 1)]
        rows += [np.stack([none, none, none, x, y, one, -v * x, -v * y], 1)]
        found = np.linalg.solve(np.concatenate(rows), np.concatenate([u, v]))
        matrix = np.append(found, 1.0).reshape(3, 3)
        w = np.column_stack([pixels, one]) @ matrix[2]
        if not (np.all(w > 0) or np.all(w < 0)):
            raise InputError("pixels and metres name the four points in different orders; go around in one")
        return cls(matrix * np.sign(w[0]))

    def to_metres(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) metres of (N, 2) pixels; NaN at and above the horizon, where no ground shows."""
        return _mapped(self.matrix, pixels)

    def to_pixels(self, metres: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) pixels of (N, 2) metres; NaN for what lies behind the camera."""
        return _mapped(np.asarray(np.linalg.inv(self.matrix), np.float64), metres)

    @property
    def mirrors(self) -> bool:
        """Whether what turns left in the image turns right in metres, as where y is the way from the camera."""
        return bool(np.linalg.det(self.matrix) < 0)


def _mapped(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    across = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    w = np.where(across[:, 2] > 1e-12, across[:, 2], np.nan)
    return np.asarray(across[:, :2] / w[:, None])


def _flat(triangle: NDArray[np.float64]) -> bool:
    first, second = triangle[1] - triangle[0], triangle[2] - triangle[0]
    longest = max(float(np.sum((one - other) ** 2)) for one, other in itertools.combinations(triangle, 2))
    return abs(float(first[0] * second[1] - first[1] * second[0])) <= _FLAT * longest

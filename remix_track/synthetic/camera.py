"""The fixed camera of the street: from metres on the ground to pixels."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera whose image plane stands upright, so that verticals stay vertical.

    Attributes:
        width, height: of the image in pixels.
        eye: metres above the ground.
    """

    width: int
    height: int
    eye: float = 2.2

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return 1.83 * self.height

    @property
    def horizon(self) -> float:
        """The row of the horizon."""
        return 0.41 * self.height

    def scale(self, depth: float) -> float:
        """Pixels per metre at `depth` metres from the camera."""
        return self.focal / depth

    def pixel(self, x: float, depth: float, up: float = 0.0) -> tuple[float, float]:
        """Where a point shows: `x` metres right of the middle, `depth` away, `up` above the ground."""
        scale = self.scale(depth)
        return self.width / 2 + x * scale, self.horizon + (self.eye - up) * scale

    def half_view(self, depth: float) -> float:
        """Metres from the middle to the border of the image at that depth."""
        return self.width / 2 / self.scale(depth)

    def pitch(self, depth: float) -> float:
        """Radians by which one looks down at a person's middle there."""
        return math.atan((self.eye - 0.9) / depth)

"""Cars parked at the kerb behind the people."""

import numpy as np

from remix_track.synthetic.brush import Brush, shade
from remix_track.synthetic.wardrobe import Colour

_DEPTH = 13.6
_PAINT: tuple[Colour, ...] = ((168, 150, 120), (96, 104, 158), (206, 206, 202), (120, 140, 110), (90, 88, 92))
_TYRE: Colour = (52, 50, 50)
_GLASS: Colour = (112, 104, 96)

Outline = tuple[tuple[float, float], ...]

_CAR: Outline = (
    (0, 0.35), (0.05, 0.72), (0.35, 0.88), (1.0, 0.95), (1.55, 1.4), (2.9, 1.42), (3.55, 0.98), (4.1, 0.92),
    (4.2, 0.35),
)  # fmt: skip
_CAR_GLASS: tuple[Outline, ...] = (
    ((1.2, 0.97), (1.62, 1.32), (2.2, 1.33), (2.2, 0.97)),
    ((2.28, 0.97), (2.28, 1.33), (2.85, 1.33), (3.32, 0.97)),
)
_VAN: Outline = (
    (0, 0.35), (0.02, 0.85), (0.15, 1.05), (0.75, 1.2), (1.25, 1.9), (1.5, 2.0), (4.7, 2.0), (4.8, 1.9), (4.8, 0.35),
)  # fmt: skip
_VAN_GLASS: tuple[Outline, ...] = (((0.95, 1.2), (1.38, 1.8), (2.0, 1.8), (2.0, 1.2)),)


def parked(brush: Brush, rng: np.random.Generator, half_view: float) -> None:
    """A van and one or two cars along the kerb, with gaps by chance."""
    x = -half_view + float(rng.uniform(-2.0, 1.0))
    van = int(rng.integers(2))
    for place in range(3):
        paint = _PAINT[int(rng.integers(len(_PAINT)))]
        if place == van:
            _vehicle(brush, x, _VAN, _VAN_GLASS, (214, 212, 206), (0.9, 3.85))
            brush.wall(_DEPTH, x + 2.3, x + 4.4, 1.25, 1.6, paint)
            x += 4.8
        else:
            _vehicle(brush, x, _CAR, _CAR_GLASS, paint, (0.8, 3.4))
            x += 4.2
        x += float(rng.uniform(0.9, 2.2))


def _vehicle(
    brush: Brush, x: float, body: Outline, glass: tuple[Outline, ...], paint: Colour, wheels: tuple[float, float]
) -> None:
    """One car, nose to the left, from `x` on."""
    length = body[-1][0]
    brush.ground(
        ((x, _DEPTH - 0.3), (x + length, _DEPTH - 0.3), (x + length, _DEPTH + 0.3), (x, _DEPTH + 0.3)), (84, 84, 84)
    )
    brush.upright(_DEPTH, [(x + right, up) for right, up in body], paint)
    brush.wall(_DEPTH, x + 0.02, x + length - 0.02, 0.3, 0.5, shade(paint, 0.7))
    for pane in glass:
        brush.upright(_DEPTH, [(x + right, up) for right, up in pane], _GLASS)
    brush.wall(_DEPTH, x + 0.02, x + 0.2, 0.62, 0.74, (196, 226, 236))
    brush.wall(_DEPTH, x + length - 0.14, x + length - 0.01, 0.66, 0.8, (60, 60, 170))
    for wheel in wheels:
        brush.disc(x + wheel, _DEPTH, 0.33, 0.33, _TYRE)
        brush.disc(x + wheel, _DEPTH, 0.33, 0.18, (150, 150, 150))

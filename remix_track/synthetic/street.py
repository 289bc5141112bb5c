"""The street behind the people: sky, houses with shops, a road, and the pavement they walk on."""

import cv2
import numpy as np

from remix_track.synthetic.brush import Brush, shade
from remix_track.synthetic.camera import Camera
from remix_track.synthetic.sprites import Image
from remix_track.synthetic.vehicles import parked
from remix_track.synthetic.wardrobe import Colour

_HOUSES, _FAR_KERB, _NEAR_KERB = 21.0, 18.0, 12.6
"""Metres from the camera to the house fronts and to both sides of the road."""
_WIDE = 40.0

_WALLS: tuple[Colour, ...] = (
    (176, 200, 214), (150, 168, 196), (190, 192, 186), (160, 182, 170), (196, 186, 172), (140, 170, 200),
)  # fmt: skip
_SIGNS: tuple[Colour, ...] = ((96, 74, 60), (70, 90, 70), (60, 66, 120), (110, 96, 62), (80, 80, 84), (60, 100, 140))
_GLASS: Colour = (132, 122, 110)
_HAZE: Colour = (206, 202, 196)
_PAVING: Colour = (172, 178, 182)


def background(camera: Camera, rng: np.random.Generator) -> Image:
    """The empty street, (H, W, 3) uint8 BGR."""
    brush = Brush(camera)
    _sky(brush, camera)
    left = -_WIDE / 2
    while left < _WIDE / 2:
        left = _house(brush, rng, left)
    _ground(brush, rng)
    parked(brush, rng, camera.half_view(14.2))
    picture = brush.picture()
    _out_of_focus(picture, round(camera.pixel(0, _NEAR_KERB)[1]), camera.height / 400)
    return _weathered(picture, rng)


def _sky(brush: Brush, camera: Camera) -> None:
    rows = 24
    for row in range(rows):
        low, high = (camera.horizon * at / rows for at in (row, row + 1))
        colour = (round(232 - 0.2 * row), round(206 + 0.9 * row), round(176 + 1.9 * row))
        brush.pixels(((0, low), (camera.width, low), (camera.width, high), (0, high)), colour)


def _house(brush: Brush, rng: np.random.Generator, left: float) -> float:
    """One house front from `left` on; returns where it ends."""
    right = left + float(rng.uniform(4.2, 6.4))
    top = float(rng.uniform(5.6, 7.4))
    wall = shade(_WALLS[int(rng.integers(len(_WALLS)))], float(rng.uniform(0.92, 1.05)))
    brush.wall(_HOUSES, left, right, 0, top, wall)
    brush.wall(_HOUSES, left, right, top - 0.22, top, shade(wall, 0.86))
    brush.wall(_HOUSES, left, left + 0.06, 0, top, shade(wall, 0.9))
    count = max(int((right - left - 0.4) / 2.1), 1)
    pitch = (right - left) / count
    for column in range(count):
        _window(brush, left + (column + 0.5) * pitch, 3.6, min(top - 0.7, 4.6), wall, float(rng.uniform(0.0, 0.5)))
    _shop(brush, rng, left, right, wall)
    return right


def _window(brush: Brush, middle: float, low: float, high: float, wall: Colour, blind: float) -> None:
    """A window wider than high: slim ones are people to a HOG detector."""
    brush.wall(_HOUSES, middle - 0.86, middle + 0.86, low - 0.07, high + 0.08, shade(wall, 1.1))
    brush.wall(_HOUSES, middle - 0.78, middle + 0.78, low, high, _GLASS)
    brush.wall(_HOUSES, middle - 0.78, middle + 0.78, high - blind * (high - low), high, (188, 196, 200))
    brush.wall(_HOUSES, middle - 0.03, middle + 0.03, low, high, shade(wall, 1.1))
    brush.wall(_HOUSES, middle - 0.95, middle + 0.95, low - 0.15, low - 0.04, shade(wall, 0.84))


def _shop(brush: Brush, rng: np.random.Generator, left: float, right: float, wall: Colour) -> None:
    """The ground floor: a sign, glass, a door, sometimes an awning."""
    sign = _SIGNS[int(rng.integers(len(_SIGNS)))]
    left, right = left + 0.3, right - 0.25
    brush.wall(_HOUSES, left, right, 0.0, 2.65, shade(wall, 0.8))
    brush.wall(_HOUSES, left + 0.12, right - 0.12, 0.55, 2.5, _GLASS)
    glint = left + float(rng.uniform(0.3, 0.6)) * (right - left)
    brush.upright(
        _HOUSES, ((glint, 0.55), (glint + 0.7, 0.55), (glint + 1.4, 2.5), (glint + 0.7, 2.5)), shade(_GLASS, 1.1)
    )
    door = left + 0.35 if rng.random() < 0.5 else right - 1.35
    brush.wall(_HOUSES, door, door + 1.0, 0.0, 2.5, shade(sign, 1.25))
    brush.wall(_HOUSES, door + 0.14, door + 0.86, 0.3, 2.36, shade(_GLASS, 0.92))
    brush.wall(_HOUSES, left - 0.05, right + 0.05, 2.55, 3.05, sign)
    if rng.random() < 0.5:
        stripes = max(int((right - left) / 0.4), 1)
        for stripe in range(stripes):
            edges = [left + (right - left) * at / stripes for at in (stripe, stripe + 1)]
            colour = (206, 210, 212) if stripe % 2 else shade(sign, 1.35)
            brush.upright(_HOUSES, ((edges[0], 2.6), (edges[1], 2.6), (edges[1], 2.1), (edges[0], 2.1)), colour)


def _ground(brush: Brush, rng: np.random.Generator) -> None:
    wide = _WIDE
    _strip(brush, _FAR_KERB, _HOUSES, (158, 162, 164))
    _strip(brush, _FAR_KERB - 0.12, _FAR_KERB, (186, 190, 192))
    _strip(brush, _NEAR_KERB + 0.15, _FAR_KERB - 0.12, (112, 112, 110))
    for x in np.arange(-wide / 2, wide / 2, 3.0).tolist():
        brush.ground(((x, 15.9), (x + 1.5, 15.9), (x + 1.5, 16.03), (x, 16.03)), (186, 190, 190))
    _strip(brush, _NEAR_KERB, _NEAR_KERB + 0.15, (198, 202, 204))
    _strip(brush, 3.0, _NEAR_KERB, (158, 163, 166))
    side, joint = 0.9, 0.025
    for row, depth in enumerate(np.arange(4.5, _NEAR_KERB - 0.1, side).tolist()):
        for x in np.arange(-9 + 0.45 * (row % 2), 9, side).tolist():
            colour = shade(_PAVING, float(rng.uniform(0.955, 1.03)))
            far, right = min(depth + side, _NEAR_KERB) - joint, x + side - joint
            brush.ground(((x, depth), (right, depth), (right, far), (x, far)), colour)


def _strip(brush: Brush, near: float, far: float, colour: Colour) -> None:
    brush.ground(((-_WIDE, near), (_WIDE, near), (_WIDE, far), (-_WIDE, far)), colour)


def _out_of_focus(picture: Image, until: int, blur: float) -> None:
    """Soften and pale the rows above `until`: the camera looks at the pavement, and people stand out."""
    far = cv2.GaussianBlur(picture, (0, 0), blur)[:until]
    picture[:until] = np.rint(0.75 * far + 0.25 * np.array(_HAZE)).astype(np.uint8)


def _weathered(picture: Image, rng: np.random.Generator) -> Image:
    """Stains and grain, so that no surface is of one colour."""
    height, width = picture.shape[:2]
    stains = rng.integers(-9, 10, (max(height // 24, 2), max(width // 24, 2))).astype(np.float32)
    grain = rng.integers(-4, 5, (height, width)).astype(np.int16)
    soft = np.rint(cv2.resize(stains, (width, height), interpolation=cv2.INTER_CUBIC)).astype(np.int16)
    weathered: Image = np.clip(picture.astype(np.int16) + (soft + grain)[..., None], 0, 255).astype(np.uint8)
    return weathered

"""The background of one camera: a wide image from which each crop takes its window."""

import colorsys
import math

import cv2
import numpy as np

from remix_track.synthetic.sprites import Image
from remix_track.synthetic.wardrobe import Colour

HEIGHT, WIDTH = 200, 900
FOOT_ROW = 150
"""The row of the image on which people stand."""
_PIXELS_PER_METRE = 64.0
_CLEAR = 0.2
"""Share of a place's colours that is left of them: with places in full colour nothing but the place is recognised."""


def panorama(place: int, pitch: float) -> Image:
    """The surroundings, (HEIGHT, WIDTH, 3) uint8 BGR, at the scale of people about 1.7 m and 110 pixels tall.

    Args:
        place: seed of everything in it.
        pitch: radians by which the camera looks down: the steeper, the more ground and the less wall.
    """
    rng = np.random.default_rng(place)
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:] = some_colour(rng, 0.35)
    behind = float(rng.uniform(1.2, 5.0))
    foot_of_wall = round(FOOT_ROW - behind * math.sin(pitch) * _PIXELS_PER_METRE)
    if foot_of_wall > 0:
        _wall(picture, rng, foot_of_wall)
    _ground(picture, rng, max(foot_of_wall, 0))
    return soften(picture, rng, clear=_CLEAR)


def soften(picture: Image, rng: np.random.Generator, *, clear: float) -> Image:
    """The place out of focus, with stains and grain, same size; `clear` is the share of its colours that is left."""
    soft = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.8)))
    pale = np.rint(clear * soft + (1 - clear) * 130).astype(np.uint8)
    return _stained(pale, rng)


def some_colour(rng: np.random.Generator, vivid: float) -> Colour:
    """Any colour, BGR; `vivid` is the highest saturation, 0 to 1."""
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), vivid * rng.random(), rng.uniform(0.12, 0.95))
    return round(255 * blue), round(255 * green), round(255 * red)


def _wall(picture: Image, rng: np.random.Generator, foot: int) -> None:
    """A front with windows, doors, posters, parked things and posts."""
    for _ in range(int(rng.integers(6, 50))):
        left, low = int(rng.integers(-40, WIDTH)), int(rng.integers(0, foot + 1))
        size = int(rng.integers(8, 130)), int(rng.integers(8, 90))
        colour = some_colour(rng, 0.8 if rng.random() < 0.3 else 0.3)
        cv2.rectangle(picture, (left, low - size[1]), (left + size[0], low), colour, -1)
        if rng.random() < 0.4:
            cv2.rectangle(picture, (left, low - size[1]), (left + size[0], low), some_colour(rng, 0.3), 2)
    for _ in range(int(rng.integers(0, 8))):
        left, wide = int(rng.integers(0, WIDTH)), int(rng.integers(2, 12))
        cv2.rectangle(picture, (left, 0), (left + wide, foot + int(rng.integers(0, 10))), some_colour(rng, 0.3), -1)


def _ground(picture: Image, rng: np.random.Generator, top: int) -> None:
    colour = some_colour(rng, 0.3)
    cv2.rectangle(picture, (0, top), (WIDTH, HEIGHT), colour, -1)
    joint = tuple(round(channel * float(rng.uniform(0.7, 1.1))) for channel in colour)
    if rng.random() < 0.6:
        step, lean = int(rng.integers(14, 60)), int(rng.integers(-60, 60))
        for x in range(-60, WIDTH + 60, step):
            cv2.line(picture, (x, top), (x + lean, HEIGHT), joint, 1)
        for y in range(top, HEIGHT, max(step // 2, 8)):
            cv2.line(picture, (0, y), (WIDTH, y), joint, 1)
    for _ in range(int(rng.integers(0, 4))):
        y, thick = int(rng.integers(top, HEIGHT)), int(rng.integers(2, 9))
        cv2.line(picture, (0, y), (WIDTH, y + int(rng.integers(-15, 15))), some_colour(rng, 0.6), thick)


def _stained(picture: Image, rng: np.random.Generator) -> Image:
    """Patches of light and shade, and grain, so that no surface is of one colour."""
    stains = rng.integers(-7, 8, (HEIGHT // 25, WIDTH // 25)).astype(np.float32)
    soft = np.rint(cv2.resize(stains, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)).astype(np.int16)
    grain = rng.integers(-4, 5, (HEIGHT, WIDTH)).astype(np.int16)
    stained: Image = np.clip(picture.astype(np.int16) + (soft + grain)[..., None], 0, 255).astype(np.uint8)
    return stained

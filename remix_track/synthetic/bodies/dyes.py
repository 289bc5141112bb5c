"""The colours of cloth by where it lies on the body at rest, so that stripes and checks go round it."""

from collections.abc import Callable

import numpy as np

from remix_track.synthetic.bodies.mesh_files import Points
from remix_track.synthetic.people import Person
from remix_track.synthetic.wardrobe import Colour

Dye = Callable[[Points], Points]
"""Colours (N, 3) float32 BGR of the cloth at places (N, 3) of the body at rest: left, up, forward in decimetres."""

_LOGO_SIDE, _LOGO_DOT, _LOGO_MIDDLE = 9, 0.28, 3.1
"""Dots of a logo along a side, decimetres of a dot, and decimetres above the root where its middle is."""


def plain(colour: Colour) -> Dye:
    """One colour all over."""
    return lambda places: np.broadcast_to(_channels(colour), (len(places), 3))


def skin(skin_colour: Colour, legs: Colour) -> Dye:
    """Skin, with legs of another colour where tights are worn."""
    return lambda places: np.where(places[:, 1:2] < 0.5, _channels(legs), _channels(skin_colour)).astype(np.float32)


def top(person: Person) -> Dye:
    """The upper garment in the person's pattern; its measures are those of the outfit, so look-alikes share them."""
    share = _share(person, np.random.default_rng([person.outfit, 4]))
    first, other = _channels(person.top_colour), _channels(person.second_colour)

    def dye(places: Points) -> Points:
        part = share(places)[:, None]
        dyed: Points = ((1 - part) * first + part * other).astype(np.float32)
        return dyed

    return dye


def _share(person: Person, rng: np.random.Generator) -> Callable[[Points], Points]:
    """How much of the second colour there is, 0 to 1 (N,)."""
    width, upright = float(rng.uniform(0.25, 0.9)), rng.random() < 0.25
    picture = rng.random((_LOGO_SIDE, _LOGO_SIDE)) < rng.uniform(0.3, 0.7)
    shift, kind = float(rng.uniform(0.5, 0.8)), int(rng.integers(3))
    match person.pattern:
        case "stripes":
            return lambda places: _wave(_round_the_body(places) if upright else places[:, 1], width)
        case "checks":
            return lambda places: _checks(places, width)
        case "logo":
            return lambda places: _logo(places, picture, both_sides=kind == 0)
        case "two-tone":
            return lambda places: _two_tone(places, above=1 + 4 * shift if kind else None)
    return lambda places: np.zeros(len(places), np.float32)


def _logo(places: Points, picture: np.ndarray, *, both_sides: bool) -> Points:
    x, y, z = places.T
    half = _LOGO_SIDE // 2
    column = np.rint(half + x / _LOGO_DOT).astype(int)
    row = np.rint(half - (y - _LOGO_MIDDLE) / _LOGO_DOT).astype(int)
    on = (column >= 0) & (column < _LOGO_SIDE) & (row >= 0) & (row < _LOGO_SIDE) & ((z > 0.5) | both_sides)
    dots = picture[np.clip(row, 0, _LOGO_SIDE - 1), np.clip(column, 0, _LOGO_SIDE - 1)]
    return np.where(on, dots, False).astype(np.float32)


def _checks(places: Points, width: float) -> Points:
    checks: Points = (_wave(_round_the_body(places), width) + _wave(places[:, 1], width)) * np.float32(0.5)
    return checks


def _two_tone(places: Points, above: float | None) -> Points:
    """Another colour above that height, or on the sleeves."""
    part = np.abs(places[:, 0]) > 1.9 if above is None else places[:, 1] > above
    return part.astype(np.float32)


def _round_the_body(places: Points) -> Points:
    """(N,) decimetres around the trunk from the front's middle, about."""
    around: Points = np.arctan2(places[:, 0], places[:, 2] - 0.5) * 1.3
    return around


def _wave(along: Points, width: float) -> Points:
    """0 and 1 by turns, every `width` decimetres."""
    wave: Points = (np.floor(along / width) % 2).astype(np.float32)
    return wave


def _channels(colour: Colour) -> Points:
    return np.array(colour, np.float32)

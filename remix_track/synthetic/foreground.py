"""Obstacles in front of the people: a poster pillar and a tree."""

import math
from dataclasses import dataclass

import numpy as np

from remix_track.synthetic.brush import Brush, shade
from remix_track.synthetic.camera import Camera
from remix_track.synthetic.cast import PILLAR
from remix_track.synthetic.sprites import Sprite
from remix_track.synthetic.wardrobe import Colour

_POSTERS: tuple[Colour, ...] = (
    (92, 120, 196), (176, 150, 96), (110, 176, 206), (120, 110, 170), (130, 166, 120), (200, 202, 204), (96, 96, 104),
)  # fmt: skip
_LEAF: Colour = (58, 112, 74)
_BARK: Colour = (66, 82, 98)


@dataclass(frozen=True, slots=True, eq=False)
class Obstacle:
    """A thing in the street that never moves.

    Attributes:
        depth: metres from the camera; people farther away pass behind it.
        foot_xy: where it stands, in pixels.
        shadow_px: how tall a person would be who casts its shadow, in pixels.
        sprite: its image.
    """

    depth: float
    foot_xy: tuple[float, float]
    shadow_px: float
    sprite: Sprite


def obstacles(camera: Camera, rng: np.random.Generator) -> list[Obstacle]:
    """The things that hide people, in no particular order."""
    side = -0.62 * camera.half_view(6.8)
    tree = (side - float(rng.uniform(0.0, 0.3)), 6.8)
    return [
        Obstacle(depth, camera.pixel(x, depth), shadow * camera.scale(depth), sprite)
        for (x, depth), shadow, sprite in (
            (PILLAR, 3.4, _pillar(camera, rng)),
            (tree, 1.6, _tree(camera, rng, *tree)),
        )
    ]


def _pillar(camera: Camera, rng: np.random.Generator) -> Sprite:
    """An advertising pillar: posters wrapped around a cylinder, a cornice and a dome."""
    brush = Brush(camera)
    slices = 40
    edges = np.linspace(-math.pi / 2, math.pi / 2, slices + 1)
    rows = ((0.38, 1.2), (1.24, 2.15))
    sheets = [_sheets(rng) for _ in rows]
    for left, right in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        middle = (left + right) / 2
        light = 0.62 + 0.42 * max(math.cos(middle + 0.7), 0.0)
        _slice(brush, 0.47, left, right, 0.0, 0.3, shade((120, 124, 128), light))
        _slice(brush, 0.44, left, right, 0.3, 2.2, shade((150, 156, 150), light))
        for (low, high), posters in zip(rows, sheets, strict=True):
            for begin, end, colour, second in posters:
                if begin < middle < end:
                    _slice(brush, 0.445, left, right, low, high, shade(colour, light))
                    band = low + 0.62 * (high - low)
                    _slice(brush, 0.445, left, right, band, band + 0.16, shade(second, light))
        _slice(brush, 0.52, left, right, 2.2, 2.35, shade((88, 104, 84), light))
        for step in range(14):
            turn = step * math.pi / 30
            radius, low = 0.45 * math.cos(turn), 2.35 + 0.24 * math.sin(turn)
            _slice(brush, radius, left, right, low, low + 0.04, shade((96, 116, 92), light))
    return brush.sprite()


def _sheets(rng: np.random.Generator) -> list[tuple[float, float, Colour, Colour]]:
    """Posters side by side around the pillar: from angle, to angle, colour, colour of the title."""
    sheets, at = [], -1.7 + float(rng.uniform(0, 0.4))
    while at < 1.5:
        width = float(rng.uniform(0.7, 1.1))
        first, second = rng.permutation(len(_POSTERS))[:2].tolist()
        sheets.append((at, at + width, _POSTERS[first], _POSTERS[second]))
        at += width + 0.05
    return sheets


def _slice(brush: Brush, radius: float, left: float, right: float, low: float, high: float, colour: Colour) -> None:
    """An upright strip of a cylinder around the pillar's axis, between two angles from the camera's side."""
    x, depth = PILLAR
    corners = [(angle, up) for angle, up in ((left, low), (right, low), (right, high), (left, high))]
    points = [(x + radius * math.sin(angle), depth - radius * math.cos(angle), up) for angle, up in corners]
    brush.solid(points, colour)


def _tree(camera: Camera, rng: np.random.Generator, x: float, depth: float) -> Sprite:
    brush = Brush(camera)
    for share in np.linspace(0, 1, 8)[:-1].tolist():
        left, right = -0.13 + 0.26 * share, -0.13 + 0.26 * (share + 1 / 7)
        trunk = ((x + 1.0 * left, 0), (x + 1.0 * right, 0), (x + 0.65 * right, 3.4), (x + 0.65 * left, 3.4))
        brush.upright(depth, trunk, shade(_BARK, 1.15 - 0.5 * share))
    brush.ground([(x + dx, depth + dz) for dx, dz in ((-0.14, 0), (0, -0.08), (0.14, 0), (0, 0.1))], shade(_BARK, 0.8))
    leaves = np.stack([rng.uniform(-1.35, 1.35, 260), rng.uniform(-0.8, 1.3, 260)], axis=1)
    for across, up in leaves[(leaves[:, 0] / 1.35) ** 2 + (leaves[:, 1] / 1.1) ** 2 < 1].tolist():
        light = 0.78 + 0.22 * up - 0.12 * across + float(rng.uniform(-0.12, 0.12))
        brush.disc(x + across, depth, 3.55 + up, float(rng.uniform(0.1, 0.22)), shade(_LEAF, max(light, 0.5)))
    return brush.sprite()

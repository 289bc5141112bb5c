"""What a person wears, from the looks that `people` gave them: pieces, each with its colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from remix_track.synthetic.bodies import dyes, garments
from remix_track.synthetic.bodies.dyes import Dye
from remix_track.synthetic.bodies.mesh_files import Indices, Points
from remix_track.synthetic.bodies.pieces import Piece, Stock
from remix_track.synthetic.bodies.skeleton import FOREARM, HAND, PELVIS, SEGMENTS, Build
from remix_track.synthetic.people import Person
from remix_track.synthetic.tubes import Tube, block
from remix_track.synthetic.wardrobe import Colour

_T = TypeVar("_T")
_AS_PHOTOGRAPHED = 0.12
"""Share of garments that keep the colours of their texture."""
_TIGHTS = (52, 46, 48)
_SOCKS: tuple[Colour, ...] = ((40, 38, 38), (70, 66, 64), (205, 205, 208), (96, 70, 52))


@dataclass(frozen=True, slots=True, eq=False)
class Worn:
    """A piece as somebody wears it.

    Attributes:
        piece: the mesh.
        triangles: (F,) which of its triangles show.
        dye: its colour; None for the colours of its texture.
        second: BGR of its triangles in the second colour.
        contrast: how much of the texture's shades shows, 0 for none.
        two_sided: both sides are seen.
        above: decimetres in front of what is below.
    """

    piece: Piece
    triangles: Indices
    dye: Dye | None
    second: Colour
    contrast: float
    two_sided: bool
    above: float


def build_of(person: Person) -> Build:
    """The body's build; the same person has the same."""
    rng = np.random.default_rng([person.fabric, 1])
    girth = 1 + 0.9 * (person.girth - 1.1)
    return Build(
        hips=girth * (0.3 + 0.7 * person.hips),
        chest=girth * (0.3 + 0.7 * person.shoulders),
        limbs=0.4 + 0.6 * girth,
        legs=float(np.clip(rng.normal(1.0, 0.025), 0.94, 1.06)),
    )


def dress(person: Person, stock: Stock) -> list[Worn]:
    """Everything there is to draw of a person, the body first.

    What is worn follows `Person.outfit`, so that people in the same clothes wear the same cuts; shoes, hair and skin
    are one's own (`Person.fabric`).
    """
    cut, own = np.random.default_rng([person.outfit, 2]), np.random.default_rng([person.fabric, 3])
    worn = [*_clothes(person, stock, cut), *_shoes(person, stock, own), *_head(person, stock, own)]
    worn += _bags(person, stock)
    hidden = np.any([one.piece.hidden for one in worn if len(one.piece.hidden) == len(stock.body.hidden)], axis=0)
    return [_skin(person, stock, own, hidden), *worn]


def _clothes(person: Person, stock: Stock, cut: np.random.Generator) -> list[Worn]:
    bottom = _one(cut, garments.BOTTOMS[person.bottom])
    top = _one(cut, garments.TOPS[person.top])
    photographed = cut.random(2) < _AS_PHOTOGRAPHED
    lower = _wear(stock, bottom, person.bottom_colour, photographed=bool(photographed[0]))
    if person.bottom == "dress":
        return [_wear(stock, bottom, person.top_colour, dye=dyes.top(person))]
    plain = person.pattern == "plain"
    upper = _wear(
        stock,
        top,
        person.top_colour,
        second=person.second_colour,
        dye=dyes.top(person),
        contrast=0.6 if plain else 0.9,
        photographed=bool(photographed[1]) and plain,
    )
    return [lower, upper]


def _shoes(person: Person, stock: Stock, own: np.random.Generator) -> list[Worn]:
    socks = _one(own, _SOCKS)
    shoes = garments.BOOTS if person.boots else _one(own, garments.SHOES)
    return [_wear(stock, shoes, person.shoe_colour, second=socks)]


def _head(person: Person, stock: Stock, own: np.random.Generator) -> list[Worn]:
    worn = [_wear(stock, hair, person.hair) for hair in _at_most_one(own, garments.HAIR[person.hair_style])]
    worn += [_wear(stock, hat, person.hat_colour) for hat in _at_most_one(own, garments.HATS[person.hat])]
    return worn + ([_wear(stock, garments.BEARD, person.hair)] if person.beard else [])


def _bags(person: Person, stock: Stock) -> list[Worn]:
    if person.bag == "none":
        return []
    if person.bag == "backpack":
        return [_wear(stock, garments.BACKPACK, person.bag_colour)]
    side = 0 if person.bag_side > 0 else 1
    joints, along = stock.skeleton.joints, stock.skeleton.along
    if person.bag == "shoulder bag":
        shape = block(np.array([0.3, (1 - 2 * side) * 2.0, 0.2]), 1.5, 0.55, 1.2, np.zeros(3))
        piece = _box(shape, PELVIS, len(stock.body.hidden))
    else:
        shape = block(np.zeros(3), 1.5, 0.6, 1.7, np.zeros(3))
        piece = _box(shape, HAND + side, len(stock.body.hidden))
        down = along[FOREARM + side]
        piece.vertices[:] = piece.vertices @ _upright(-down) + joints[HAND + side] + 2.9 * down
    return [
        Worn(piece, np.arange(len(piece.triangles)), dyes.plain(person.bag_colour), person.bag_colour, 0.0, False, 0.05)
    ]


def _skin(person: Person, stock: Stock, own: np.random.Generator, hidden: Indices) -> Worn:
    texture, shades = stock.skin(_one(own, garments.SKINS))
    body = stock.body
    showing = np.flatnonzero(~hidden[body.triangles].any(axis=1))
    legs = _TIGHTS if person.tights and person.bottom in ("skirt", "dress") else person.skin

    dressed = Piece(
        body.vertices, body.weights, body.triangles, body.texture_points, body.second, texture, shades, body.hidden
    )
    return Worn(dressed, showing, dyes.skin(person.skin, legs), person.skin, 0.9, False, 0.0)


def _wear(
    stock: Stock,
    garment: garments.Garment,
    colour: Colour,
    *,
    second: Colour | None = None,
    dye: Dye | None = None,
    contrast: float = 0.9,
    photographed: bool = False,
) -> Worn:
    piece = stock.garment(garment)
    colouring = None if photographed else dye or dyes.plain(colour)
    every = np.arange(len(piece.triangles))
    return Worn(piece, every, colouring, second or colour, contrast, garment.two_sided, garment.above)


def _box(shape: Tube, segment: int, body: int) -> Piece:
    """A closed tube (forward, left, up) as a piece that hangs on one segment."""
    rings, around = shape.vertices.shape[:2]
    vertices = shape.vertices.reshape(-1, 3)[:, [1, 2, 0]].astype(np.float32)
    ring, place = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing="ij")
    low = ring * around + place
    low_next = ring * around + (place + 1) % around
    quads = np.stack([low, low_next, low_next + around, low + around], axis=-1).reshape(-1, 4)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int64)
    weights = np.zeros((len(vertices), SEGMENTS), np.float32)
    weights[:, segment] = 1
    flat = np.zeros((len(triangles), 3, 2), np.float32)
    white = np.full((1, 1, 4), 255, np.uint8)
    no_second, hides = np.zeros(len(triangles), bool), np.zeros(body, bool)
    return Piece(vertices, weights, triangles, flat, no_second, white, np.ones((1, 1), np.float32), hides)


def _upright(up: Points) -> Points:
    """(3, 3) to multiply rows (left, up, forward) with, so that their second axis lies along a unit vector."""
    side = np.cross(up, np.array([0.0, 0.0, 1.0]))
    side /= math.sqrt(float(side @ side)) + 1e-9
    axes: Points = np.stack([side, up, np.cross(side, up)]).astype(np.float32)
    return axes


def _one(rng: np.random.Generator, choices: Sequence[_T]) -> _T:
    return choices[int(rng.integers(len(choices)))]


def _at_most_one(rng: np.random.Generator, choices: Sequence[_T]) -> list[_T]:
    return [_one(rng, choices)] if choices else []

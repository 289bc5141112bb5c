"""The one shape a drawn body is made of: a closed tube of rings, as quads with a colour each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

UP = np.array([0.0, 0.0, 1.0])
FORWARD = np.array([1.0, 0.0, 0.0])
LEFT_WARDS = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, slots=True, eq=False)
class Tube:
    """Rings of S vertices, each joined to the next by S quads.

    Attributes:
        vertices: (R, S, 3) in the person's frame (forward, left, up). Seen from outside, with the rings rising, the
            vertices of a ring run from left to right of the viewer.
        colour: (R-1, S, 3) BGR in 0..255, the quads' own colour before light falls on them.
        mottle: how strongly the fabric's texture shows, 0 for skin.
    """

    vertices: Array
    colour: Array
    mottle: float


def tube(centre: Array, front: Array, side: Array, segments: int, colour: Array, mottle: float = 0.0) -> Tube:
    """A tube of elliptic rings.

    Args:
        centre: (R, 3) middle of each ring.
        front: (R, 3) half axis at angle 0.
        side: (R, 3) half axis at a right angle; `front` x `side` points from ring to ring.
        segments: S, quads around.
        colour: BGR, (3,) for all or anything that broadcasts to (R-1, S, 3).
        mottle: see `Tube`.
    """
    angle = 2 * np.pi * np.arange(segments) / segments
    vertices = (
        centre[:, None] + np.cos(angle)[None, :, None] * front[:, None] + np.sin(angle)[None, :, None] * side[:, None]
    )
    return Tube(vertices, np.broadcast_to(colour, (len(centre) - 1, segments, 3)).astype(np.float64), mottle)


def upright(centre: Array, half_depth: Array, half_width: Array, segments: int, colour: Array, mottle: float) -> Tube:
    """A tube of level rings, the lowest first: `centre` (R, 3), `half_depth` and `half_width` (R,)."""
    return tube(centre, half_depth[:, None] * FORWARD, half_width[:, None] * LEFT_WARDS, segments, colour, mottle)


def limb(points: Array, radius: Array, segments: int, colour: Array, mottle: float) -> Tube:
    """A round tube along a bent line, the far end (hand, ankle) first.

    Args:
        points: (R, 3) middle of each ring.
        radius: (R,).
        segments: as in `tube`.
        colour: as in `tube`.
        mottle: as in `tube`.
    """
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = LEFT_WARDS - along * along[:, 1:2]
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    front = np.cross(side, along)
    return tube(points, front * radius[:, None], side * radius[:, None], segments, colour, mottle)


def ball(centre: Array, half_depth: float, half_width: float, half_height: float, colour: Array, mottle: float) -> Tube:
    """A small ellipsoid."""
    polar = np.linspace(0, np.pi, 6)
    rings = centre - np.cos(polar)[:, None] * half_height * UP
    return upright(rings, np.sin(polar) * half_depth, np.sin(polar) * half_width, 10, colour, mottle)


def block(centre: Array, half_depth: float, half_width: float, half_height: float, colour: Array) -> Tube:
    """A box with rounded edges: a bag."""
    height = np.array([-1, -0.96, -0.75, 0.0, 0.6, 0.9, 1.0])
    size = np.array([0, 0.85, 1.0, 1.0, 0.96, 0.8, 0])
    shape = upright(centre + height[:, None] * half_height * UP, size, size, 16, colour, 0.022)
    # A superellipse of exponent 4: the circle's points move out towards the corners of its square.
    middle = shape.vertices.mean(axis=1, keepdims=True)
    offset = (shape.vertices - middle)[..., :2]
    second, fourth = (offset**2).sum(axis=2), (offset**4).sum(axis=2)
    stretch = np.sqrt(np.divide(second, np.sqrt(fourth), out=np.ones_like(second), where=fourth > 0))
    shape.vertices[..., :2] = middle[..., :2] + offset * stretch[..., None] * (half_depth, half_width)
    return shape


def quad_angles(segments: int) -> Array:
    """(S,) angle of each quad's middle in -pi..pi: 0 in front, positive to the left."""
    angle = 2 * np.pi * (np.arange(segments) + 0.5) / segments
    return np.where(angle > np.pi, angle - 2 * np.pi, angle)


def join(tubes: list[Tube], texture: Array) -> tuple[Array, Array]:
    """All quads of several tubes.

    Args:
        tubes: the body.
        texture: (T,) normal numbers, the mottle of this person's clothes; taken in order, so a quad keeps its own.

    Returns:
        Corners (Q, 4, 3) and colours (Q, 3).
    """
    corners, colours, used = [], [], 0
    for part in tubes:
        low, high = part.vertices[:-1], part.vertices[1:]
        around = (low, np.roll(low, -1, axis=1), np.roll(high, -1, axis=1), high)
        corners.append(np.stack(around, axis=2).reshape(-1, 4, 3))
        flat = part.colour.reshape(-1, 3)
        grain = texture[(used + np.arange(len(flat))) % len(texture)]
        colours.append(flat * (1 + part.mottle * grain[:, None]))
        used += len(flat)
    return np.concatenate(corners), np.concatenate(colours)

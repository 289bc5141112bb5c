"""The head of a person: face, hair, beard and hat as tubes, in fractions of the stature."""

import numpy as np
from numpy.typing import NDArray

from remix_track.synthetic.people import Person
from remix_track.synthetic.pose import Pose
from remix_track.synthetic.tubes import FORWARD, UP, Array, Tube, ball, limb, quad_angles, upright

_HALF_HEIGHT, _HALF_WIDTH, _HALF_DEPTH = 0.071, 0.05, 0.06
_RINGS, _SEGMENTS = 15, 20

_FROM_FACE = np.array([0, 0.5, 0.95, 1.3, 1.8, np.pi])
"""Angles from the face's middle at which the hairlines below are given, as shares of the head's height."""
_HAIRLINE = {
    "bald": np.array([2, 2, 2, 2, 2, 2.0]),
    "short": np.array([0.8, 0.78, 0.66, 0.5, 0.42, 0.2]),
    "long": np.array([0.8, 0.77, 0.6, 0.3, 0.1, 0.05]),
    "bun": np.array([0.8, 0.78, 0.66, 0.5, 0.4, 0.2]),
    "ponytail": np.array([0.8, 0.78, 0.66, 0.5, 0.4, 0.2]),
    "curly": np.array([0.78, 0.74, 0.55, 0.35, 0.25, 0.15]),
}
_HAT_FROM = {"none": 2.0, "cap": 0.66, "beanie": 0.6, "sun hat": 0.66}
_HAT_LOOSE = {"none": 1.0, "cap": 1.09, "beanie": 1.12, "sun hat": 1.1}


def head(person: Person, pose: Pose) -> list[Tube]:
    """Neck, head, hair and hat."""
    middle = pose.chest + np.array([0.018, 0, 0.128])
    parts = [_neck(person, pose), _skull(person, middle), *_hair(person, middle)]
    if person.hat == "cap":
        parts.append(_brim(person, middle + 0.062 * FORWARD, 0.05, 0.044))
    elif person.hat == "sun hat":
        parts.append(_brim(person, middle, 0.115, 0.105))
    return parts


def _neck(person: Person, pose: Pose) -> Tube:
    height = np.array([0.02, 0.05, 0.1])
    centre = pose.chest + height[:, None] * (UP + 0.12 * FORWARD)
    radius = np.array([0.036, 0.031, 0.03]) * person.girth**0.5
    return upright(centre, radius, radius, 10, 0.93 * np.array(person.skin), 0.0)


def _skull(person: Person, middle: Array) -> Tube:
    """The head itself; where hair or hat cover it, its vertices move out by their thickness."""
    polar = np.linspace(0, np.pi, _RINGS)
    round_ = np.sin(polar) ** 0.8
    round_[[0, -1]] = 0
    chin = np.interp(polar, [0, 1.2, 1.7, np.pi], [0.72, 0.92, 1, 1])
    centre = middle - _HALF_HEIGHT * np.cos(polar)[:, None] * UP
    share = (1 - np.cos(polar)) / 2
    angle = np.abs(quad_angles(_SEGMENTS))
    quads = ((share[:-1] + share[1:]) / 2)[:, None]
    colour = _face(person, quads, angle[None])
    hairy, hatted = _hairy(person, quads, angle[None]), quads > _HAT_FROM[person.hat]
    colour[hairy] = person.hair
    colour[np.broadcast_to(hatted, hairy.shape)] = person.hat_colour
    skull = upright(centre, _HALF_DEPTH * round_ * chin, _HALF_WIDTH * round_ * chin, _SEGMENTS, colour, 0.03)
    at = np.abs(np.mod(2 * np.pi * np.arange(_SEGMENTS) / _SEGMENTS + np.pi, 2 * np.pi) - np.pi)[None]
    thick = np.where(_hairy(person, share[:, None], at), 1.24 if person.hair_style == "curly" else 1.08, 1.0)
    thick = np.where(share[:, None] > _HAT_FROM[person.hat], _HAT_LOOSE[person.hat], thick)
    skull.vertices[...] = middle + (skull.vertices - middle) * thick[..., None]
    return skull


def _hairy(person: Person, share: Array, angle: Array) -> NDArray[np.bool_]:
    """Where hair grows: `share` of the head's height, `angle` from the face."""
    grows: NDArray[np.bool_] = share > np.interp(angle, _FROM_FACE, _HAIRLINE[person.hair_style])
    return grows


def _face(person: Person, share: Array, angle: Array) -> Array:
    """Skin with eyes, brows, a mouth and a beard, (R-1, S, 3)."""
    shape = np.broadcast_shapes(share.shape, angle.shape)
    skin = np.array(person.skin, np.float64)
    colour = np.broadcast_to(skin, (*shape, 3)).copy()
    if person.beard:
        colour[(share < 0.3) & (angle < 1.25)] = person.hair
    colour[(np.abs(share - 0.55) < 0.06) & (np.abs(angle - 0.47) < 0.16)] = 0.35 * skin
    colour[(np.abs(share - 0.2) < 0.05) & (angle < 0.32)] = skin * (0.62, 0.62, 0.8)
    return colour


def _hair(person: Person, middle: Array) -> list[Tube]:
    """The hair that hangs or stands off the head."""
    colour = np.array(person.hair)
    if person.hair_style == "long":
        height = np.array([-0.155, -0.15, -0.1, -0.05, 0.0, 0.04, 0.05])
        half_width = np.array([0, 0.05, 0.057, 0.056, 0.054, 0.046, 0])
        half_depth = np.array([0, 0.02, 0.027, 0.036, 0.04, 0.03, 0])
        centre = middle + height[:, None] * UP - 0.03 * FORWARD
        return [upright(centre, half_depth, half_width, 14, colour, 0.025)]
    if person.hair_style == "bun":
        return [ball(middle + 0.045 * UP - 0.06 * FORWARD, 0.03, 0.03, 0.03, colour, 0.04)]
    if person.hair_style == "ponytail":
        along = np.array(
            [[-0.09, 0, -0.13], [-0.095, 0, -0.08], [-0.09, 0, -0.01], [-0.07, 0, 0.025], [-0.04, 0, 0.03]]
        )
        return [limb(middle + along, np.array([0, 0.018, 0.024, 0.018, 0.008]), 8, colour, 0.025)]
    return []


def _brim(person: Person, middle: Array, half_depth: float, half_width: float) -> Tube:
    size = np.array([0, 1, 1, 0.5])
    centre = middle + np.array([0.022, 0.022, 0.028, 0.034])[:, None] * UP
    return upright(centre, size * half_depth, size * half_width, 16, 0.9 * np.array(person.hat_colour), 0.02)

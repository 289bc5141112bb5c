"""A person drawn from any side: body turned to a heading, projected, lit and painted far to near."""

import functools
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from remix_track.synthetic.body import dressed_body
from remix_track.synthetic.people import Person
from remix_track.synthetic.sprites import Image, Sprite, paste, shrink
from remix_track.synthetic.tubes import Array, join

_SUPERSAMPLE = 3
_FRACTION_BITS = 4
_SUN = np.array([-0.5, -0.55, 0.67])
"""Where light comes from: left, towards the viewer, up."""


@dataclass(frozen=True, slots=True)
class Stance:
    """Where a person is seen in an image, and how.

    Attributes:
        foot_xy: the point on the ground below the body, in pixels.
        height_px: stature in pixels, before the view from above shortens it.
        heading: radians; 0 walks to the right, pi/2 away from the viewer, pi to the left, 3 pi/2 towards the viewer.
        gait_phase: radians of the cycle of two steps.
        stride: 0 stands, 1 walks.
        pitch: radians by which the viewer looks down.
    """

    foot_xy: tuple[float, float]
    height_px: float
    heading: float
    gait_phase: float
    stride: float = 1.0
    pitch: float = 0.15


def figure(person: Person, stance: Stance) -> Sprite:
    """The person as a sprite at its place, with the exact `mask` and box `tlwh()` of what shows of it.

    sprite = figure(Person.sample(np.random.default_rng(0)), Stance((80, 180), 150, 0, 0))
    paste(image, sprite)
    """
    corners, colours = join(dressed_body(person, stance.gait_phase, stance.stride), _texture(person.fabric))
    corners = _turned(corners, stance.heading)
    screen, depth = _project(corners, stance.pitch, stance.height_px / person.stature)
    screen += stance.foot_xy
    # Seen from outside a quad's corners run against the clock, which on a screen with y down is a negative area.
    across, down = screen[:, 2] - screen[:, 0], screen[:, 3] - screen[:, 1]
    facing = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0] < 0
    lit = np.clip(np.rint(colours * _light(corners)[:, None]), 0, 255).astype(np.int64)
    nearest_last = np.flatnonzero(facing)[np.argsort(-depth[facing], kind="stable")]
    return _paint(screen[nearest_last], lit[nearest_last])


def cast_shadow(canvas: Image, foot_xy: tuple[float, float], height_px: float, darkness: float) -> None:
    """Darken the ground softly around the feet, a little more away from the sun."""
    width, height = 0.62 * height_px, 0.17 * height_px
    left, top = round(foot_xy[0] - 0.42 * width), round(foot_xy[1] - 0.52 * height)
    blob = cv2.resize(_blob(), (max(round(width), 1), max(round(height), 1)), interpolation=cv2.INTER_LINEAR)
    alpha = (blob.astype(np.uint16) * round(256 * darkness) // 256).astype(np.uint8)
    paste(canvas, Sprite(left, top, np.zeros((*alpha.shape, 3), np.uint8), alpha))


@functools.lru_cache(maxsize=1)
def _blob() -> Image:
    """(64, 64) a round spot of 255 that fades to 0 at the border."""
    at = (np.arange(64) - 31.5) / 32
    distance = np.minimum(at[:, None] ** 2 + at[None] ** 2, 1.0)
    spot: Image = np.rint(255 * (1 - distance) ** 2).astype(np.uint8)
    return spot


@functools.lru_cache(maxsize=64)
def _texture(fabric: int) -> Array:
    return np.random.default_rng(fabric).standard_normal(2048)


def _turned(corners: Array, heading: float) -> Array:
    """From forward, left, up to right, away, up."""
    cos, sin = math.cos(heading), math.sin(heading)
    turned: Array = corners @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return turned


def _project(corners: Array, pitch: float, scale: float) -> tuple[Array, Array]:
    """Pixels (Q, 4, 2) from the foot point, and each quad's distance (Q,) along the view."""
    right, away, up = corners[..., 0], corners[..., 1], corners[..., 2]
    down = -(away * math.sin(pitch) + up * math.cos(pitch))
    depth = (away * math.cos(pitch) - up * math.sin(pitch)).mean(axis=1)
    return np.stack([right, down], axis=-1) * scale, depth


def _light(corners: Array) -> Array:
    """(Q,) brightness of each quad: sky light from above and the sun from the side."""
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    brightness: Array = 0.6 + 0.12 * normal[:, 2] + 0.42 * np.clip(normal @ _SUN, 0, None)
    return brightness


def _paint(screen: Array, colour: NDArray[np.int64]) -> Sprite:
    """Fill quads (Q, 4, 2) in order on a transparent ground that fits them."""
    left, top = np.floor(screen.min(axis=(0, 1))).astype(int) - 1
    right, bottom = np.ceil(screen.max(axis=(0, 1))).astype(int) + 1
    size = (_SUPERSAMPLE * (bottom - top), _SUPERSAMPLE * (right - left), 4)
    large = np.zeros(size, np.uint8)
    # OpenCV counts from pixel centres, the image from pixel corners.
    at = (screen - (left, top)) * _SUPERSAMPLE - 0.5
    fixed = np.rint(at * (1 << _FRACTION_BITS)).astype(np.int32)
    opaque = np.concatenate([colour, np.full((len(colour), 1), 255)], axis=1).tolist()
    for quad, fill in zip(fixed, opaque, strict=True):
        cv2.fillConvexPoly(large, quad, fill, cv2.LINE_8, _FRACTION_BITS)
    return shrink(large, _SUPERSAMPLE, int(left), int(top))

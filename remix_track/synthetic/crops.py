"""One person before one camera: crops as a detector would cut them, with what hides and surrounds the person."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.figure import cast_shadow, figure
from remix_track.synthetic.people import Person
from remix_track.synthetic.places import FOOT_ROW, HEIGHT, WIDTH, some_colour
from remix_track.synthetic.sprites import Image, Sprite, paste

CROP_HEIGHT, CROP_WIDTH = 128, 64
"""Pixels of a crop of drawn people. Bodies have finer detail and are drawn at `BODY_SCALE` times that."""
BODY_SCALE = 1.5
_HIDDEN, _PASSER_BEHIND = 0.25, 0.15
"""Chances that something stands before the person, and that somebody passes behind."""


class Draw(Protocol):
    """What draws a person: `figure.figure` as tubes, `Bodies.figure` as a clothed body."""

    def __call__(
        self,
        person: Person,
        foot_xy: tuple[float, float],
        height_px: float,
        heading: float,
        gait_phase: float,
        *,
        stride: float = 1.0,
        pitch: float = 0.15,
    ) -> Sprite:
        """The person as a sprite at its place; see `figure.draw_person`."""


@dataclass(frozen=True, slots=True)
class Artist:
    """How people get into a crop.

    Attributes:
        draw: draws one.
        scale: size of crops against `CROP_HEIGHT` x `CROP_WIDTH`.
    """

    draw: Draw = figure
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class _Walk:
    """What stays the same while a person crosses a camera's view."""

    heading: float
    phase: float
    step: float
    stride: float
    light: float
    distance: float
    left: float
    drift: float

    @classmethod
    def sample(cls, rng: np.random.Generator, camera: CropCamera) -> "_Walk":
        turned = math.pi if rng.random() < 0.5 else 0.0
        return cls(
            heading=camera.direction + turned + float(rng.normal(0, 0.45)),
            phase=float(rng.uniform(0, 2 * math.pi)),
            step=float(rng.uniform(0.6, 2.6)),
            stride=0.0 if rng.random() < 0.15 else float(rng.uniform(0.7, 1.1)),
            light=float(rng.uniform(0.8, 1.14)),
            distance=float(rng.uniform(0.8, 1.35)),
            left=float(rng.uniform(0, WIDTH)),
            drift=float(rng.uniform(-40, 40)),
        )


def tracklet(
    person: Person,
    camera: CropCamera,
    scenery: Image,
    passers: Sequence[Person],
    count: int,
    rng: np.random.Generator,
    artist: Artist | None = None,
) -> Iterator[Image]:
    """Crops of one person on one walk past one camera.

    Args:
        person: whose crops.
        camera: who sees them.
        scenery: of `places.panorama` for the camera's place.
        passers: others, who may stand before or behind; may be empty.
        count: how many crops.
        rng: decides everything else.
        artist: who draws, and how large; None for tubes.

    Yields:
        (CROP_HEIGHT, CROP_WIDTH, 3) uint8 BGR, times the artist's scale, `count` times.
    """
    artist = artist or Artist()
    walk = _Walk.sample(rng, camera)
    for moment in range(count):
        drawing = _drawing(person, camera, scenery, passers, walk, moment, rng, artist)
        if camera.sun_from_right:
            drawing = np.ascontiguousarray(drawing[:, ::-1])
        yield camera.develop(drawing, rng, light=walk.light, distance=walk.distance)


def _drawing(
    person: Person,
    camera: CropCamera,
    scenery: Image,
    passers: Sequence[Person],
    walk: _Walk,
    moment: int,
    rng: np.random.Generator,
    artist: Artist,
) -> Image:
    """The crop before the camera's lens: surroundings, who passes behind, the person, what stands before."""
    # Boxes of detectors are too tight or too wide, cut feet off, and are squeezed to the size of the crop.
    width = round(CROP_WIDTH * float(rng.uniform(0.85, 1.25)))
    tall = CROP_HEIGHT * float(rng.uniform(0.78, 1.02))
    foot = width / 2 + float(rng.normal(0, 0.07)) * width, CROP_HEIGHT - float(rng.normal(0.06, 0.045)) * CROP_HEIGHT
    canvas = _window(scenery, walk.left + moment * walk.drift, foot[1], width)
    if artist.scale != 1:
        canvas = np.asarray(cv2.resize(canvas, None, fx=artist.scale, fy=artist.scale), np.uint8)
        tall, foot = tall * artist.scale, (foot[0] * artist.scale, foot[1] * artist.scale)
    if passers and rng.random() < _PASSER_BEHIND:
        _passer(canvas, passers, camera, foot, tall * float(rng.uniform(0.6, 0.95)), rng, artist.draw, nearer=-1)
    heading = walk.heading + float(rng.normal(0, 0.2))
    phase = walk.phase + moment * walk.step
    cast_shadow(canvas, foot, tall, 0.3)
    seen, heading = _as_lit(person, heading, camera)
    paste(canvas, artist.draw(seen, foot, tall, heading, phase, stride=walk.stride, pitch=camera.pitch))
    if rng.random() < _HIDDEN:
        if passers and rng.random() < 0.45:
            _passer(canvas, passers, camera, foot, tall * float(rng.uniform(1.0, 1.2)), rng, artist.draw, nearer=1)
        else:
            _thing(canvas, rng, artist.scale)
    size = round(CROP_WIDTH * artist.scale), round(CROP_HEIGHT * artist.scale)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


def _as_lit(person: Person, heading: float, camera: CropCamera) -> tuple[Person, float]:
    """Drawings are lit from the left; for light from the right the mirrored person is drawn and the crop mirrored."""
    if not camera.sun_from_right:
        return person, heading
    return dataclasses.replace(person, bag_side=-person.bag_side), math.pi - heading


def _window(scenery: Image, left: float, foot: float, width: int) -> Image:
    """A part of the surroundings, so that the person's feet come to stand on the ground."""
    top = min(max(FOOT_ROW - round(foot), 0), HEIGHT - CROP_HEIGHT)
    columns = (round(left) + np.arange(width)) % WIDTH
    return scenery[top : top + CROP_HEIGHT, columns].copy()


def _passer(
    canvas: Image,
    passers: Sequence[Person],
    camera: CropCamera,
    foot: tuple[float, float],
    tall: float,
    rng: np.random.Generator,
    draw: Draw,
    *,
    nearer: int,
) -> None:
    """Somebody else, to one side of the person; `nearer` 1 stands before, -1 behind."""
    who = passers[int(rng.integers(len(passers)))]
    side = 1 if rng.random() < 0.5 else -1
    away = float(rng.uniform(0.2, 0.42)) * tall * side
    place = foot[0] + away, foot[1] + nearer * float(rng.uniform(0.02, 0.12)) * tall
    seen, heading = _as_lit(who, float(rng.uniform(0, 2 * math.pi)), camera)
    paste(canvas, draw(seen, place, tall, heading, float(rng.uniform(0, 6.28)), pitch=camera.pitch))


def _thing(canvas: Image, rng: np.random.Generator, scale: float) -> None:
    """A post, or something low such as a car's roof, a bin or a hedge, before the person."""
    height, width = canvas.shape[:2]
    colour = some_colour(rng, 0.7)
    lighter = tuple(min(channel + 22, 255) for channel in colour)
    if rng.random() < 0.35:
        left, thick = int(rng.integers(0, width)), round(int(rng.integers(4, 12)) * scale)
        cv2.rectangle(canvas, (left, 0), (left + thick, height), colour, -1)
        cv2.line(canvas, (left, 0), (left, height), lighter, 1)
        return
    top = round(height * float(rng.uniform(0.5, 0.88)))
    left, right = sorted(rng.integers(-width // 2, width + width // 2, 2).tolist())
    cv2.rectangle(canvas, (left, top), (max(right, left + width // 2), height), colour, -1)
    cv2.line(canvas, (left, top), (max(right, left + width // 2), top), lighter, 2)

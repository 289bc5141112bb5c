"""What training images are put together from: frames with boxes, places without people, people to paste."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from remix_track.synthetic.camera import Camera
from remix_track.synthetic.figure import Stance, figure
from remix_track.synthetic.people import Person
from remix_track.synthetic.places import panorama
from remix_track.synthetic.scenes import StreetScene
from remix_track.synthetic.sprites import Image, Sprite
from remix_track.synthetic.street import background
from remix_track.synthetic.wardrobe import PAINT_BOX, STREET

Boxes = NDArray[np.float32]
_STREET_FRAMES = 4
_SHOWS, _MAY_SHOW = 0.2, 0.05
"""Visible share of a person in a drawn street from which it is one, and from which it may be one."""
_PITCH = 0.02, 0.55
"""Radians by which cameras look down on drawn people."""
_DRAWN_HEIGHT = 220.0


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFrame:
    """A frame and what is in it.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        people: (N, 4) xyxy in pixels, cut at the border.
        unknown: (M, 4) of what may be a person or not.
    """

    image: Image
    people: Boxes
    unknown: Boxes


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Everything that images are composed of.

    Attributes:
        footage: real frames with the teacher's boxes.
        streets: drawn frames with exact boxes.
        places: (H, W, 3) uint8 BGR of any size, without people.
        drawn, cut: people to paste, drawn and cut out of footage.
        things: to paste too, that are no people.
    """

    footage: list[LabelledFrame]
    streets: list[LabelledFrame]
    places: list[Image]
    drawn: list[Sprite]
    cut: list[Sprite]
    things: list[Sprite]


def draw_people(count: int, rng: np.random.Generator) -> list[Sprite]:
    """People from all sides, walking and standing, in both wardrobes."""
    made = []
    for _ in range(count):
        person = Person.sample(rng, STREET if rng.random() < 0.7 else PAINT_BOX)
        stride = 0.0 if rng.random() < 0.25 else float(rng.uniform(0.5, 1.1))
        angles = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0, 2 * np.pi))
        stance = Stance((0, 0), _DRAWN_HEIGHT, *angles, stride, pitch=float(rng.uniform(*_PITCH)))
        made.append(figure(person, stance))
    return made


def draw_streets(count: int, rng: np.random.Generator) -> list[LabelledFrame]:
    """A few frames each of drawn streets of several sizes; people of whom little shows are unknown or left out."""
    made = []
    for _ in range(count):
        height = int(rng.choice([360, 432, 540]))
        width = round(height * float(rng.choice([4 / 3, 16 / 9])))
        scene = StreetScene(int(rng.integers(2**31)) + 10_000, 150, width, height, int(rng.integers(7, 16)))
        for frame in rng.integers(1, 151, _STREET_FRAMES).tolist():
            image, rows = scene.render(frame), scene.rows(frame)
            xyxy = np.concatenate([rows.tlwh[:, :2], rows.tlwh[:, :2] + rows.tlwh[:, 2:]], axis=1)
            made.append(_labelled(image, xyxy, rows.visibility))
    return made


def _labelled(image: Image, xyxy: NDArray[np.float64], visibility: NDArray[np.float64]) -> LabelledFrame:
    height, width = image.shape[:2]
    cut = np.clip(xyxy, 0, [width, height] * 2).astype(np.float32)
    return LabelledFrame(image, cut[visibility >= _SHOWS], cut[(visibility >= _MAY_SHOW) & (visibility < _SHOWS)])


def draw_places(count: int, rng: np.random.Generator) -> list[Image]:
    """Walls and grounds with things before them, and drawn streets in which nobody walks."""
    made: list[Image] = []
    for _ in range(count):
        if rng.random() < 0.3:
            made.append(background(Camera(640, 360), rng))
        else:
            wide = panorama(int(rng.integers(2**31)), float(rng.uniform(0.08, 0.45)))
            made.append(np.asarray(cv2.resize(wide, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8))
    return made

"""Small material for the detector's training, all of it drawn."""

import numpy as np

from remix_track.detector_training.material import LabelledFrame, Material, draw_people, draw_places, draw_streets
from remix_track.synthetic.sprites import Image, Sprite, paste

NOBODY = np.zeros((0, 4), np.float32)


def material(*, footage: bool = False) -> Material:
    """Two streets, a few people and places; with `footage`, drawn frames stand for it."""
    rng = np.random.default_rng(3)
    streets = draw_streets(2, rng)
    people = draw_people(6, rng)
    return Material(streets[:2] if footage else [], streets, draw_places(4, rng), people, people[:2], people[:0])


def frame_with(person: Sprite, size: tuple[int, int], left: int, top: int, seed: int = 0) -> LabelledFrame:
    """A quiet place of a size (height, width) with one person, whose box is exact."""
    image: Image = np.random.default_rng(seed).integers(150, 156, (*size, 3), np.uint8)
    placed = Sprite(left, top, person.bgr, person.alpha)
    paste(image, placed)
    x, y, width, height = placed.tlwh()
    return LabelledFrame(image, np.array([[x, y, x + width, y + height]], np.float32), NOBODY)

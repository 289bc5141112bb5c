"""From settings to the material that images are put together from."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from remix_track.detector_training.footage import cut_people, empty_place
from remix_track.detector_training.material import (
    LabelledFrame,
    Material,
    draw_people,
    draw_places,
    draw_streets,
)
from remix_track.detector_training.settings import MaterialSettings
from remix_track.detector_training.teacher import Teacher, label_video
from remix_track.errors import InputError
from remix_track.media_files import images_in
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.synthetic.sprites import Image, Sprite

_FRAMES_OF_A_SCENE = 120
"""A scene counts with so many frames at most: a long one shows no more people than a short one."""
_LARGEST_PHOTOGRAPH = 1280
_TALLEST_THING = 220
_REPEATS = 4
"""How often an empty place of the footage counts beside a photograph's one."""
_HELD_OUT_EVERY = 4


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What a training takes.

    Attributes:
        material: to train on.
        held_out: frames of footage that are only measured on.
        held_out_streets: drawn ones, likewise.
    """

    material: Material
    held_out: list[LabelledFrame]
    held_out_streets: list[LabelledFrame]


def prepare(settings: MaterialSettings, seed: int, on_progress: OnProgress = unheard) -> Prepared:
    """Label the footage, cut people out of it, read photographs, draw streets and people.

    Raises:
        InputError: no footage, weights or photograph that can be read, or a folder of photographs that has none.
    """
    footage, held_out, cut, places = [], [], [], []
    rng, weights = np.random.default_rng(seed), Path(settings.teacher)
    videos = [*settings.footage, *settings.held_out]
    for number, video in enumerate(videos):
        on_progress(Progress("footage", video, number, len(videos)))
        frames = label_video(Path(video), settings.every if Path(video).suffix != ".gif" else 1, weights)
        if video in settings.held_out:
            held_out += frames[::_HELD_OUT_EVERY]
            continue
        cut += cut_people(frames, settings.cut_people // len(settings.footage), rng)
        if (place := empty_place(frames)) is not None:
            places += [place] * _REPEATS
        footage += [frames[at] for at in _spread(len(frames))]
    on_progress(Progress("photographs", ", ".join(settings.photographs), 0))
    places += _photographs(settings, weights) + draw_places(settings.drawn_places, rng)
    on_progress(Progress("drawing", "streets and people", 0))
    things = [sprite for folder in settings.things for sprite in cut_out_things(Path(folder))]
    streets, drawn = draw_streets(settings.streets, rng), draw_people(settings.drawn_people, rng)
    others = draw_streets(settings.held_out_streets, np.random.default_rng([seed, 1]))
    return Prepared(Material(footage, streets, places, drawn, cut, things), held_out, others)


def cut_out_things(folder: Path) -> list[Sprite]:
    """Images with transparency as things to paste, reduced; those without are left out.

    Raises:
        InputError: the folder has none.
    """
    made: list[Sprite] = []
    for file in images_in(folder):
        image = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        if image is not None and image.dtype == np.uint16:
            image = image // 257
        if image is None or image.ndim != 3 or image.shape[2] != 4 or image[..., 3].min() == 255:
            continue
        scale = min(_TALLEST_THING / max(image.shape[:2]), 1.0)
        small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.ascontiguousarray(small[..., 3])
        bgr = small[..., :3].astype(np.uint16) * alpha[..., None] // 255
        made.append(Sprite(0, 0, bgr.astype(np.uint8), alpha))
    if not made:
        raise InputError(f"{folder}: holds no images with transparency; leave it out of material.things")
    return made


def _spread(count: int) -> list[int]:
    """So many frames of a scene that scenes count about alike, evenly."""
    return [round(at) for at in np.linspace(0, count - 1, min(count, _FRAMES_OF_A_SCENE)).tolist()]


def _photographs(settings: MaterialSettings, weights: Path) -> list[Image]:
    """Photographs in which the teacher finds no person, reduced."""
    made: list[Image] = []
    teacher = Teacher(weights, _LARGEST_PHOTOGRAPH // 2) if settings.photographs else None
    for folder in settings.photographs:
        files = images_in(Path(folder))
        if not files:
            raise InputError(f"{folder}: holds no photographs; leave it out of material.photographs")
        for file in files:
            image = cv2.imread(str(file))
            if image is None:
                continue
            scale = min(_LARGEST_PHOTOGRAPH / max(image.shape[:2]), 1.0)
            small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
            found = teacher(small) if teacher else None
            if found and not len(found.people) + len(found.unknown):
                made.append(small)
    return made

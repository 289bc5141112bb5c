"""One person before one camera: crops as a detector would cut them, with what hides and surrounds the person."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.figure import Stance, cast_shadow, figure
from remix_track.synthetic.people import Person
from remix_track.synthetic.places import FOOT_ROW, HEIGHT, WIDTH, some_colour
from remix_track.synthetic.sprites import Image, Sprite, paste

CROP_HEIGHT, CROP_WIDTH = 128, 64
"""Pixels of a crop of drawn people. Bodies have finer detail and are drawn at `BODY_SCALE` times that."""
BODY_SCALE = 1.5
_HIDDEN, _PASSER_BEHIND = 0.25, 0.15
"""Chances that something stands before the person, and that somebody passes behind."""
_OWN_STEP = 0.3
"""Radians by which the steps of two who walk side by side drift apart from one crop to the next."""
_SLIMMEST = 0.3
"""Width of a tight box against its height, at least: those of MOT16 are drawn no slimmer around who is seen aside."""


Draw = Callable[[Person, Stance], Sprite]
"""What draws a person: `figure.figure` as tubes, `Bodies.figure` as a clothed body."""


@dataclass(frozen=True, slots=True)
class Artist:
    """How people get into a crop.

    Attributes:
        draw: draws one.
        scale: size of crops against `CROP_HEIGHT` x `CROP_WIDTH`.
        tight: boxes end where the person ends.
        companions: share of walks on which a companion walks close beside the person.
        random_backgrounds: share of crops before another place than the camera's own.
    """

    draw: Draw = figure
    scale: float = 1.0
    tight: bool = False
    companions: float = 0.0
    random_backgrounds: float = 0.0


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


@dataclass(frozen=True, slots=True)
class _Companion:
    """A second person beside the first, by shares of its height to the right and towards the camera."""

    person: Person
    aside: float
    nearer: float
    tall: float

    @classmethod
    def sample(cls, rng: np.random.Generator, people: Sequence[Person]) -> "_Companion":
        return cls(
            person=people[int(rng.integers(len(people)))],
            aside=float(rng.uniform(0.12, 0.3)) * (1 if rng.random() < 0.5 else -1),
            nearer=float(rng.uniform(-0.06, 0.06)),
            tall=float(rng.uniform(0.92, 1.08)),
        )


def tracklet(
    person: Person,
    camera: CropCamera,
    scenery: Image,
    passers: Sequence[Person],
    count: int,
    rng: np.random.Generator,
    artist: Artist | None = None,
    *,
    other_places: Sequence[Image] = (),
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
        other_places: surroundings, for `artist.random_backgrounds`.

    Yields:
        (CROP_HEIGHT, CROP_WIDTH, 3) uint8 BGR, times the artist's scale, `count` times.
    """
    artist = artist or Artist()
    walk = _Walk.sample(rng, camera)
    others = [one for one in passers if one is not person]
    # Without companions nothing is drawn from the generator, so that older sets keep their bytes.
    beside = bool(artist.companions and others) and rng.random() < artist.companions
    companion = _Companion.sample(rng, others) if beside else None
    scene = _Scene(person, camera, scenery, other_places, passers, artist, walk, companion)
    for moment in range(count):
        drawing = _drawing(scene, moment, rng)
        if camera.sun_from_right:
            drawing = np.ascontiguousarray(drawing[:, ::-1])
        yield camera.develop(drawing, rng, light=walk.light, distance=walk.distance)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """What all crops of one walk have in common."""

    person: Person
    camera: CropCamera
    scenery: Image
    other_places: Sequence[Image]
    passers: Sequence[Person]
    artist: Artist
    walk: _Walk
    companion: _Companion | None


def _drawing(scene: _Scene, moment: int, rng: np.random.Generator) -> Image:
    """The crop before the camera's lens: surroundings, who passes behind, the person, what stands before."""
    scale, tight = scene.artist.scale, scene.artist.tight
    # Boxes of detectors are too tight or too wide, cut feet off, and are squeezed to the size of the crop.
    width = round(CROP_WIDTH * float(rng.uniform(0.85, 1.25)))
    tall = CROP_HEIGHT * float(rng.uniform(0.78, 1.02))
    width = 2 * CROP_WIDTH if tight else width
    foot = width / 2 + float(rng.normal(0, 0.07)) * width, CROP_HEIGHT - float(rng.normal(0.06, 0.045)) * CROP_HEIGHT
    canvas = _surroundings(scene, moment, foot[1], width, rng)
    if scale != 1:
        canvas = np.asarray(cv2.resize(canvas, None, fx=scale, fy=scale), np.uint8)
        tall, foot = tall * scale, (foot[0] * scale, foot[1] * scale)
    if scene.passers and rng.random() < _PASSER_BEHIND:
        _passer(canvas, scene, foot, tall * float(rng.uniform(0.6, 0.95)), rng, nearer=-1)
    tlwh = _person(canvas, scene, moment, foot, tall, rng)
    if rng.random() < _HIDDEN:
        if scene.passers and rng.random() < 0.45:
            _passer(canvas, scene, foot, tall * float(rng.uniform(1.0, 1.2)), rng, nearer=1)
        else:
            _thing(canvas, rng, scale)
    canvas = _boxed(canvas, tlwh, rng) if tight else canvas
    size = round(CROP_WIDTH * scale), round(CROP_HEIGHT * scale)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


def _person(
    canvas: Image, scene: _Scene, moment: int, foot: tuple[float, float], tall: float, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Draw the person and the companion; gives the box of the whole person in the canvas, hidden parts included."""
    walk, pitch, companion = scene.walk, scene.camera.pitch, scene.companion
    heading = walk.heading + float(rng.normal(0, 0.2))
    phase = walk.phase + moment * walk.step
    cast_shadow(canvas, foot, tall, 0.3)
    seen, heading = _as_lit(scene.person, heading, scene.camera)
    person = scene.artist.draw(seen, Stance(foot, tall, heading, phase, walk.stride, pitch))
    sprites = [person]
    if companion:
        place = foot[0] + companion.aside * tall, foot[1] + companion.nearer * tall
        seen, heading = _as_lit(companion.person, walk.heading, scene.camera)
        # Two people's strides are not quite alike, so their steps drift apart.
        phase += _OWN_STEP * moment
        stance = Stance(place, tall * companion.tall, heading, phase, walk.stride, pitch)
        sprites.insert(0 if companion.nearer < 0 else 1, scene.artist.draw(seen, stance))
    for sprite in sprites:
        paste(canvas, sprite)
    return person.tlwh()


def _as_lit(person: Person, heading: float, camera: CropCamera) -> tuple[Person, float]:
    """Drawings are lit from the left; for light from the right the mirrored person is drawn and the crop mirrored."""
    if not camera.sun_from_right:
        return person, heading
    return dataclasses.replace(person, bag_side=-person.bag_side), math.pi - heading


def _surroundings(scene: _Scene, moment: int, foot: float, width: int, rng: np.random.Generator) -> Image:
    """The camera's own place, or any other in light of its own: a lit shop behind one crop, shade behind the next."""
    share = scene.artist.random_backgrounds
    if not (share and scene.other_places) or rng.random() >= share:
        return _window(scene.scenery, scene.walk.left + moment * scene.walk.drift, foot, width)
    place = scene.other_places[int(rng.integers(len(scene.other_places)))]
    light = math.exp(float(np.clip(rng.normal(-0.1, 0.4), -1.2, 0.6)))
    window = _window(place, float(rng.uniform(0, WIDTH)), foot, width)
    return np.asarray(cv2.convertScaleAbs(window, alpha=light), np.uint8)


def _window(scenery: Image, left: float, foot: float, width: int) -> Image:
    """A part of the surroundings, so that the person's feet come to stand on the ground."""
    top = min(max(FOOT_ROW - round(foot), 0), HEIGHT - CROP_HEIGHT)
    columns = (round(left) + np.arange(width)) % WIDTH
    return scenery[top : top + CROP_HEIGHT, columns].copy()


def _boxed(canvas: Image, tlwh: tuple[float, float, float, float], rng: np.random.Generator) -> Image:
    """The part of the canvas in a box, each of whose sides is off by some of its length, as a detector's are."""
    left, top, width, height = tlwh
    wide = max(width, _SLIMMEST * height)
    left, width = left + (width - wide) / 2, wide
    off = rng.normal(0, 0.06, 4)
    x1, x2 = left + off[0] * width, left + width * (1 + off[1])
    y1, y2 = top + off[2] * height, top + height * (1 + off[3])
    x1, y1 = min(max(round(x1), 0), canvas.shape[1] - 8), min(max(round(y1), 0), canvas.shape[0] - 16)
    return np.ascontiguousarray(canvas[y1 : max(round(y2), y1 + 16), x1 : max(round(x2), x1 + 8)])


def _passer(
    canvas: Image, scene: _Scene, foot: tuple[float, float], tall: float, rng: np.random.Generator, *, nearer: int
) -> None:
    """Somebody else, to one side of the person; `nearer` 1 stands before, -1 behind."""
    who = scene.passers[int(rng.integers(len(scene.passers)))]
    side = 1 if rng.random() < 0.5 else -1
    away = float(rng.uniform(0.2, 0.42)) * tall * side
    place = foot[0] + away, foot[1] + nearer * float(rng.uniform(0.02, 0.12)) * tall
    seen, heading = _as_lit(who, float(rng.uniform(0, 2 * math.pi)), scene.camera)
    phase = float(rng.uniform(0, 6.28))
    paste(canvas, scene.artist.draw(seen, Stance(place, tall, heading, phase, pitch=scene.camera.pitch)))


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

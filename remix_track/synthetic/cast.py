"""The roles of the people in the street: paths that test identity."""

import math

import numpy as np

from remix_track.synthetic.camera import Camera
from remix_track.synthetic.paths import Path
from remix_track.synthetic.people import Person

NEAREST, FARTHEST = 7.1, 11.6
"""Metres from the camera between which people walk."""
PILLAR = (1.05, 8.4)
"""Where the poster pillar stands: metres right of the middle, metres away."""
_MARGIN = 0.9
"""Metres outside the image where nothing of a person shows any more."""


def cast(rng: np.random.Generator, camera: Camera, seconds: float, people: int) -> list[tuple[Person, Path]]:
    """People and their paths, in the order of their ids.

    The first seven always play the same parts, with looks, times and speeds by chance; whoever else there is crosses.

    1, 2: come from both sides, meet behind the pillar, halt there unseen, and both turn back. In similar clothes.
    3, 4: cross each other in mid-image on lanes so close that one hides the other.
    5: waits in the background, and others pass before them; then leaves.
    6: comes towards the camera on a slant. 7: goes away from it.
    """
    plays = [*_turn_back(rng, camera), *_meet(rng, camera, seconds), _wait(rng, camera, seconds)]
    plays += [_slant(rng, camera, (FARTHEST, 1), (NEAREST, -1)), _slant(rng, camera, (NEAREST, 1), (FARTHEST, -1))]
    first = Person.sample(rng)
    persons = [first, first.lookalike(rng)]
    while len(plays) < people:
        plays.append(_cross(rng, camera, seconds))
    while len(persons) < people:
        persons.append(_unlike(rng, persons))
    return list(zip(persons[:people], plays[:people], strict=True))


def _unlike(rng: np.random.Generator, others: list[Person]) -> Person:
    """Somebody whose clothes differ from everybody's, of three drawn."""
    return max((Person.sample(rng) for _ in range(3)), key=lambda who: min(_difference(who, o) for o in others))


def _difference(first: Person, second: Person) -> float:
    """How far the colours of the clothes lie apart, in grey levels."""
    tops = zip(first.top_colour, second.top_colour, strict=True)
    bottoms = zip(first.bottom_colour, second.bottom_colour, strict=True)
    return sum(abs(a - b) for a, b in tops) + 0.5 * sum(abs(a - b) for a, b in bottoms)


def _speed(rng: np.random.Generator) -> float:
    return float(rng.uniform(1.15, 1.5))


def _outside(camera: Camera, depth: float, side: int) -> tuple[float, float]:
    """A point just out of the image: `side` -1 left, 1 right."""
    return side * (camera.half_view(depth) + _MARGIN), depth


def _turn_back(rng: np.random.Generator, camera: Camera) -> list[Path]:
    """Two who meet behind the pillar and go back where they came from."""
    paths = []
    arrival = float(rng.uniform(2.6, 3.0))
    for side, depth in ((-1, 9.2), (1, 9.7)):
        speed = _speed(rng)
        begin = _outside(camera, depth, side)
        behind = (PILLAR[0] * depth / PILLAR[1] + 0.12 * side, depth)
        start = arrival - abs(begin[0] - behind[0]) / speed
        paths.append(Path((begin, behind, begin), speed, start, ((1, float(rng.uniform(0.7, 1.0))),)))
    return paths


def _meet(rng: np.random.Generator, camera: Camera, seconds: float) -> list[Path]:
    """Two who pass each other before the pillar, half a metre apart in depth."""
    near = float(rng.uniform(7.1, 7.3))
    moment, where = 0.5 * seconds, -0.16 * camera.half_view(near)
    paths = []
    for side, depth in ((-1, near), (1, near + 0.5)):
        begin, end = _outside(camera, depth, side), _outside(camera, depth, -side)
        speed = _speed(rng)
        paths.append(Path((begin, end), speed, moment - abs(begin[0] - where) / speed))
    return paths


def _wait(rng: np.random.Generator, camera: Camera, seconds: float) -> Path:
    depth = float(rng.uniform(10.2, 10.8))
    spot = (0.62 * camera.half_view(depth), depth)
    speed = _speed(rng)
    begin, end = _outside(camera, depth, 1), _outside(camera, depth + 0.5, -1)
    start = -abs(begin[0] - spot[0]) / speed - 0.4
    return Path(
        (begin, spot, end), speed, start, ((1, 0.6 * seconds),), facing=float(rng.uniform(1.35, 1.65)) * math.pi
    )


def _slant(rng: np.random.Generator, camera: Camera, first: tuple[float, int], last: tuple[float, int]) -> Path:
    """From one border to the other and from one depth to the other; on the way in the first frame."""
    start = -float(rng.uniform(2.4, 3.2))
    return Path((_outside(camera, *first), _outside(camera, *last)), _speed(rng), start)


def _cross(rng: np.random.Generator, camera: Camera, seconds: float) -> Path:
    depth = float(rng.uniform(9.2, FARTHEST))
    side = 1 if rng.random() < 0.5 else -1
    begin, end = _outside(camera, depth, side), _outside(camera, depth + float(rng.uniform(-0.4, 0.4)), -side)
    return Path((begin, end), _speed(rng), float(rng.uniform(-0.45, 0.6)) * seconds)

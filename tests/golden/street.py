"""The drawn street whose detections lie beside this file: people who cross, hide one another, leave and come back.

`python -m tests.golden.street` draws it anew (the committed files are the input of the golden tracks: changing them
changes every golden file).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.detections import Detections

HERE = Path(__file__).parent
WIDTH, HEIGHT, FPS = 640, 360, 20.0
FRAMES = {"street-1": 160, "street-2": 100}
PEOPLE, VECTOR = 9, 12
_STEP = 100
"""What is 1 in a vector, in the whole numbers of the files."""


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody who walks to and fro: centre, half way, frames of a walk there and back, and feet and height."""

    middle: float
    reach: float
    period: float
    phase: float
    feet: float
    height: float
    look: NDArray[np.float64]

    def box(self, frame: int) -> NDArray[np.float64]:
        """(4,) left, top, width, height; tall people breathe in and out a little, as boxes do."""
        turn = 2 * np.pi * (frame / self.period + self.phase)
        height = self.height * (1 + 0.03 * np.sin(5 * turn))
        width = 0.4 * height
        x = self.middle + self.reach * np.sin(turn)
        return np.array([x - width / 2, self.feet + 6 * np.sin(2 * turn) - height, width, height])


def draw(name: str, seed: int) -> Iterator[str]:
    """The lines of one file: frame, left, top, width, height, score, class, vector."""
    rng, looks = np.random.default_rng(seed), np.random.default_rng(99)
    shared = looks.normal(size=VECTOR)
    people = [
        _Person(
            middle=rng.uniform(60, WIDTH - 60),
            # Some leave the image at a side, some are fast, some hardly walk.
            reach=rng.choice([15, 120, 260, 420]),
            period=rng.uniform(110, 260),
            phase=rng.random(),
            feet=rng.uniform(180, 340),
            height=rng.uniform(70, 150),
            look=0.9 * shared + looks.normal(size=VECTOR),
        )
        for _ in range(PEOPLE)
    ]
    # Somebody is behind a wall for a second and more.
    wall = np.array([300.0, 0, 34, 250])
    for frame in range(1, FRAMES[name] + 1):
        boxes = np.array([person.box(frame) for person in people])
        order = np.argsort(-(boxes[:, 1] + boxes[:, 3]))
        rows = []
        for place, row in enumerate(order.tolist()):
            in_front = [wall, *boxes[order[:place]]] if boxes[row, 1] + boxes[row, 3] < 260 else boxes[order[:place]]
            shares = [_covered(boxes[row], other) for other in in_front]
            seen = max(0.0, 1 - sum(shares))
            if seen < 0.2 or rng.random() < 0.02 or _covered(boxes[row], np.array([0, 0, WIDTH, HEIGHT])) < 0.4:
                continue
            look = seen * people[row].look + rng.normal(scale=0.25, size=VECTOR)
            if place and max(shares) > 0.2:
                hider = int(np.argmax(shares)) - (len(in_front) - place)
                look += 0.7 * max(shares) * (people[order[hider]].look if hider >= 0 else rng.normal(size=VECTOR))
            box = boxes[row] + rng.normal(scale=1.2, size=4)
            rows.append((box, 0.97 * seen**0.6 - 0.08 * rng.random(), 0, look))
            if rng.random() < 0.03:  # the detector sees one person twice
                twice, again = box + rng.normal(scale=5, size=4), look + rng.normal(scale=0.3, size=VECTOR)
                rows.append((twice, 0.35 + 0.3 * rng.random(), 0, again))
        if rng.random() < 0.12:  # and now and then somebody who is not there
            corner, height = rng.uniform(0, (WIDTH - 60, HEIGHT - 120)), rng.uniform(60, 120)
            nothing, class_id = np.array([*corner, 0.45 * height, height]), int(rng.random() < 0.3)
            rows.append((nothing, 0.15 + 0.5 * rng.random(), class_id, rng.normal(size=VECTOR)))
        yield from (_line(frame, *rows[index]) for index in rng.permutation(len(rows)).tolist())


def _covered(box: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    low = np.maximum(box[:2], other[:2])
    high = np.minimum(box[:2] + box[2:], other[:2] + other[2:])
    return float(np.prod(np.maximum(0, high - low)) / np.prod(box[2:]))


def _line(frame: int, tlwh: NDArray[np.float64], score: float, class_id: int, look: NDArray[np.float64]) -> str:
    vector = np.rint(_STEP * look / np.linalg.norm(look)).astype(int)
    box = ",".join(f"{value:.1f}" for value in tlwh)
    return f"{frame},{box},{np.clip(score, 0.05, 0.99):.2f},{class_id}," + ",".join(map(str, vector)) + "\n"


def read(name: str) -> list[Detections]:
    """The detections of every frame of a committed file, frame 1 first; vectors have length 1."""
    table = np.loadtxt(HERE / f"{name}.txt", delimiter=",", ndmin=2)
    frames = []
    for frame in range(1, FRAMES[name] + 1):
        rows = table[table[:, 0] == frame].astype(np.float32)
        xyxy = np.concatenate([rows[:, 1:3], rows[:, 1:3] + rows[:, 3:5]], axis=1)
        vectors = rows[:, 7:] / np.maximum(1e-9, np.linalg.norm(rows[:, 7:], axis=1, keepdims=True))
        frames.append(Detections(xyxy, rows[:, 5], rows[:, 6], vectors))
    return frames


if __name__ == "__main__":
    for number, name in enumerate(FRAMES, 1):
        (HERE / f"{name}.txt").write_text("".join(draw(name, number)), encoding="ascii")

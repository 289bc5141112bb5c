"""How a drawn person moves: a line on the ground, walked at a speed, with halts."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS_PER_SECOND = 60
_STRIDE_PER_STATURE = 0.74
"""Metres that two steps cover, per metre of stature, with the legs' swing in `pose`: the feet stay where they stand."""
_TURN_RATE = 4.5
"""Radians per second: half a turn takes 0.7 s."""


@dataclass(frozen=True, slots=True)
class Path:
    """A walk.

    Attributes:
        points: corners of the line in metres: right of the middle, away from the camera.
        speed: metres per second.
        start: second at which the walk begins at the first point; before 0 it has already begun.
        halts: (corner, seconds) to stand there.
        facing: heading to turn to while standing; None keeps that of the walk.
    """

    points: tuple[tuple[float, float], ...]
    speed: float
    start: float = 0.0
    halts: tuple[tuple[int, float], ...] = ()
    facing: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A path frame by frame.

    Attributes:
        present: (F,) false before the walk begins and after it has ended.
        place: (F, 2) metres right, metres away.
        heading: (F,) radians, 0 to the right, pi/2 away from the camera.
        phase: (F,) radians of the gait.
        stride: (F,) 0 stands, 1 walks.
    """

    present: NDArray[np.bool_]
    place: Array
    heading: Array
    phase: Array
    stride: Array


def walk(path: Path, stature: float, frames: int, fps: float) -> Walk:
    """Walk a path: corners are rounded, turns take time, feet move with the ground covered."""
    times, corners = _timetable(path)
    fine = np.arange(times[0], max(times[-1], frames / fps) + 1, 1 / _STEPS_PER_SECOND)
    place = np.stack([np.interp(fine, times, corners[:, axis]) for axis in (0, 1)], axis=1)
    place = _smoothed(place, round(0.5 * _STEPS_PER_SECOND))
    step = np.diff(place, axis=0, append=place[-1:])
    distance = np.hypot(step[:, 0], step[:, 1])
    speed = _smoothed(distance[:, None] * _STEPS_PER_SECOND, round(0.3 * _STEPS_PER_SECOND))[:, 0]
    phase = 2 * math.pi * np.cumsum(distance) / (_STRIDE_PER_STATURE * stature)
    at = np.clip(np.rint((np.arange(frames) / fps - times[0]) * _STEPS_PER_SECOND).astype(int), 0, len(fine) - 1)
    now = np.arange(frames) / fps
    return Walk(
        present=(now >= times[0]) & (now <= times[-1]),
        place=place[at],
        heading=_headings(step, path.facing)[at],
        phase=phase[at],
        stride=np.clip(speed / path.speed, 0, 1)[at],
    )


def _timetable(path: Path) -> tuple[Array, Array]:
    """When the walker is where: seconds (K,) and points (K, 2), a halt being two entries at one point."""
    points = np.array(path.points, np.float64)
    halts = dict(path.halts)
    times, corners, now = [path.start], [points[0]], path.start
    for corner in range(1, len(points)):
        now += float(np.hypot(*(points[corner] - points[corner - 1]))) / path.speed
        times.append(now)
        corners.append(points[corner])
        if corner in halts:
            now += halts[corner]
            times.append(now)
            corners.append(points[corner])
    return np.array(times), np.array(corners)


def _smoothed(values: Array, window: int) -> Array:
    """Running mean over `window` rows (N, K), the ends held."""
    padded = np.pad(values, ((window // 2, window - window // 2), (0, 0)), mode="edge")
    sums = np.cumsum(padded, axis=0)
    return (sums[window:] - sums[:-window]) / window


def _headings(step: Array, facing: float | None) -> Array:
    """(N,) the direction of motion (N, 2), or `facing` while standing; turned to no faster than a person turns."""
    limit = _TURN_RATE / _STEPS_PER_SECOND
    moving = np.hypot(step[:, 0], step[:, 1]) > 0.15 / _STEPS_PER_SECOND
    wanted = np.arctan2(step[:, 1], step[:, 0])
    heading, result = float(wanted[np.argmax(moving)]), np.empty(len(step))
    for i in range(len(step)):
        target = float(wanted[i]) if moving[i] else facing
        if target is not None:
            away = (target - heading + math.pi) % (2 * math.pi) - math.pi
            heading += min(max(away, -limit), limit)
        result[i] = heading
    return result

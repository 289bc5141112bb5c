"""Two recordings on one clock: which frame of one stands beside which of the other, where their identities differ."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy
from remix_track.errors import InputError
from remix_track.eval.matching.identity_changes import IdentityChange, compare_runs
from remix_track.mot_text import MotRows
from remix_track.server.recording import Boxes, Recording

MOST_FRAMES = 20_000_000
MOST_BOXES = 10_000_000
_SLOWEST, _FASTEST = 0.01, 1000.0
_FEW = 0.05
_SAME_SHAPE = 0.01


@dataclass(frozen=True, slots=True)
class RunClock:
    """When the frames of a recording are, as its source counts time.

    Attributes:
        first: number of its first frame in the source.
        stride: of the source's frames, each so many-th is in the run.
        frames: how many it has.
        rate: frames per second of the source.
        offset: seconds from the beginning of the common clock to frame 1 of the source.
    """

    first: int
    stride: int
    frames: int
    rate: float
    offset: float = 0.0

    @classmethod
    def of(cls, recording: Recording) -> Self:
        """That of a recording, whose frames come evenly.

        Raises:
            InputError: more frames than a week of film has.
        """
        numbers = recording.last_frame - recording.first_frame
        seconds = recording.last_seconds - recording.first_seconds
        rate = numbers / seconds if numbers > 0 and seconds > 0 else recording.fps
        if not _SLOWEST <= rate <= _FASTEST:
            raise InputError(f"{recording.title}: {rate:g} frames a second; expected {_SLOWEST:g} to {_FASTEST:g}")
        stride = max(1, round(rate / recording.fps)) if recording.fps > 0 else 1
        frames = max(numbers, 0) // stride + 1
        if frames > MOST_FRAMES:
            raise InputError(f"{recording.title}: {frames:,} frames; at most {MOST_FRAMES:,} can be compared")
        return cls(recording.first_frame, stride, frames, rate)

    @property
    def step(self) -> float:
        """Seconds from one of its frames to the next."""
        return self.stride / self.rate

    @property
    def begin(self) -> float:
        """When its first frame is."""
        return self.at(self.first)

    @property
    def end(self) -> float:
        """Seconds at which its last frame is over."""
        return self.begin + self.frames * self.step

    def at(self, frame: int) -> float:
        """When a frame of the source is."""
        return (frame - 1) / self.rate + self.offset

    def numbers(self) -> NDArray[np.int64]:
        """(frames,) of its frames in the source."""
        return self.first + self.stride * np.arange(self.frames, dtype=np.int64)

    def seconds(self) -> NDArray[np.float64]:
        """(frames,) when each of them is."""
        return (self.numbers() - 1) / self.rate + self.offset


@dataclass(frozen=True, slots=True)
class Marked:
    """An identity change, and when it is.

    Attributes:
        seconds: on the clock of both.
        change: of one run, while the other keeps its id.
        frame: of the changing run's source.
    """

    seconds: float
    change: IdentityChange
    frame: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What two runs say of one another.

    Attributes:
        in_a: where B keeps an id and A changes it, in time order.
        in_b: where A keeps one and B changes it.
        frames: that both have.
        matched: boxes that both have in these.
        only_a, only_b: boxes of one alone.
        reason: why the identities could not be compared; empty where they could.
    """

    in_a: tuple[Marked, ...] = ()
    in_b: tuple[Marked, ...] = ()
    frames: int = 0
    matched: int = 0
    only_a: int = 0
    only_b: int = 0
    reason: str = ""


def clocks_of(a: Recording, b: Recording) -> tuple[RunClock, RunClock]:
    """Both on one clock: the time of day, from where the first one begins, if both know it and there is a common one;
    else the seconds of their sources.

    Raises:
        InputError: see `RunClock.of`.
    """
    clocks = RunClock.of(a), RunClock.of(b)
    if a.start is None or b.start is None:
        return clocks
    began = [one.start.timestamp() + one.first_seconds for one in (a, b) if one.start]
    if max(began) >= min(moment + one.frames * one.step for moment, one in zip(began, clocks, strict=True)):
        return clocks
    offsets = [moment - min(began) - clock.begin for moment, clock in zip(began, clocks, strict=True)]
    if abs(offsets[0] - offsets[1]) < clocks[0].step / 2:
        return clocks  # of one source: its own seconds say more
    return replace(clocks[0], offset=offsets[0]), replace(clocks[1], offset=offsets[1])


def common_frames(a: RunClock, b: RunClock) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frames that are at the same time: places (K,) among those of A, and among those of B.

    Each frame of the run with the longer step has the nearest one of the other beside it, within half of the shorter
    step; beyond the other's ends it has none. So no frame is in two pairs.
    """
    if a.step < b.step:
        return common_frames(b, a)[::-1]
    coarse = np.arange(a.frames, dtype=np.int64)
    near = np.rint((a.seconds() - b.begin) / b.step).astype(np.int64)
    kept = (near >= 0) & (near < b.frames)
    coarse, near = coarse[kept], near[kept]
    # Times that round in both directions would give one frame twice.
    near, first = np.unique(near, return_index=True)
    return coarse[first], near


def compare(a: Recording, b: Recording) -> Compared:
    """Match the boxes of both at the same times, and list where one keeps an identity and the other changes it.

    Raises:
        InputError: rows with an id twice in a frame, or more than can be compared.
    """
    scale = _scale(a, b)
    if scale is None:
        sides = [f"{one.width}x{one.height}" for one in (a, b)]
        return Compared(reason=f"A has images of {sides[0]} pixels, B of {sides[1]}: not the same view")
    clock_a, clock_b = clocks_of(a, b)
    places_a, places_b = common_frames(clock_a, clock_b)
    if not len(places_a):
        return Compared(reason="no frame of A is at the time of one of B")
    for one in (a, b):  # before any are read
        _bound(one, one.number_of_boxes)
    rows_a = _at(_all_boxes(a), clock_a, places_a, (1.0, 1.0))
    rows_b = _at(_all_boxes(b), clock_b, places_b, scale)
    found = compare_runs(rows_a, rows_b, len(places_a))
    counted = Compared(frames=len(places_a), matched=found.matched, only_a=found.only_a, only_b=found.only_b)
    if min(len(rows_a), len(rows_b)) and found.matched < _FEW * min(len(rows_a), len(rows_b)):
        return replace(counted, reason="hardly a box of A lies where one of B is: these are two views")
    seconds = clock_a.seconds()[places_a]
    in_a = _marked(found.in_a, seconds, clock_a.numbers()[places_a])
    return replace(counted, in_a=in_a, in_b=_marked(found.in_b, seconds, clock_b.numbers()[places_b]))


def _marked(
    changes: Sequence[IdentityChange], seconds: NDArray[np.float64], numbers: NDArray[np.int64]
) -> tuple[Marked, ...]:
    return tuple(Marked(float(seconds[one.frame - 1]), one, int(numbers[one.frame - 1])) for one in changes)


def _all_boxes(recording: Recording) -> Boxes:
    boxes = recording.boxes(-np.inf, np.inf)
    _bound(recording, len(boxes))
    return boxes


def _bound(recording: Recording, boxes: int) -> None:
    if boxes > MOST_BOXES:
        raise InputError(f"{recording.title}: {boxes:,} boxes; at most {MOST_BOXES:,} can be compared")


def _at(boxes: Boxes, clock: RunClock, places: NDArray[np.int64], scale: tuple[float, float]) -> MotRows:
    """The boxes of some frames, which are numbered anew from 1, in the pixels of A."""
    place = np.full(clock.frames, -1, np.int64)
    place[places] = np.arange(len(places))
    index, rest = np.divmod(boxes.frame - clock.first, clock.stride)
    there = (rest == 0) & (index >= 0) & (index < clock.frames)
    new = np.where(there, place[index.clip(0, clock.frames - 1)], -1)
    rows = np.flatnonzero(new >= 0)
    tlwh = tlwh_from_xyxy(boxes.xyxy[rows]).astype(np.float64) * np.tile(scale, 2)
    other = np.full(len(rows), -1, np.int64)
    ones = np.ones(len(rows))
    return MotRows(new[rows] + 1, boxes.track[rows], tlwh, ones, other, other.astype(float), rows + 1)


def _scale(a: Recording, b: Recording) -> tuple[float, float] | None:
    """What makes pixels of B those of A, along x and y; None where the images have other shapes."""
    if not (a.width and a.height and b.width and b.height):
        return 1.0, 1.0
    x, y = a.width / b.width, a.height / b.height
    return (x, y) if abs(x / y - 1) <= _SAME_SHAPE else None

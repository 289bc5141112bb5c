"""Where people stood: the foot point of each box of one camera, and which of them make a way."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_BITS = 40
"""Of a track number, those of the track in its source."""


@dataclass(frozen=True, slots=True, eq=False)
class Feet:
    """Foot points before one camera; row i of every array is one box.

    Attributes:
        who: (N,) int64; the person from 1 where one is known, else a negative number of its track alone.
        track: (N,) int64, see `track_number`.
        time: (N,) float64 seconds, of the source or since 1970.
        frame: (N,) int64 of its source, from 1.
        xy: (N, 2) float64 pixels: the middle of the box's lower side.
        height: (N,) float64 of the box in pixels.
    """

    who: NDArray[np.int64]
    track: NDArray[np.int64]
    time: NDArray[np.float64]
    frame: NDArray[np.int64]
    xy: NDArray[np.float64]
    height: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.who)

    def __getitem__(self, rows: Any) -> Self:
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def of_boxes(
        cls,
        track: NDArray[np.int64],
        time: NDArray[np.float64],
        frame: NDArray[np.int64],
        tlwh: NDArray[np.floating],
        who: NDArray[np.int64] | None = None,
    ) -> Self:
        """Those of boxes (N, 4) left, top, width, height in pixels; without `who` each track is somebody."""
        boxes = tlwh.astype(np.float64)
        xy = np.column_stack([boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3]])
        alone = -1 - track
        known = alone if who is None else np.where(who > 0, who, alone)
        return cls(known, track, time.astype(np.float64), frame, xy, boxes[:, 3])


def track_number(source: int, track: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) numbers that tracks (N,) of no other source have; sources are counted from 0."""
    return (np.int64(source) << _BITS) | (track & ((1 << _BITS) - 1))


def source_of(number: int) -> int:
    """The source of a track, by its number."""
    return number >> _BITS


def number_of(number: int) -> int:
    """The track in its source, by its number."""
    return number & ((1 << _BITS) - 1)


def joined(first: Feet, second: Feet) -> Feet:
    """The rows of both."""
    return Feet(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in Feet.__slots__))


def in_order(feet: Feet) -> Feet:
    """Person by person, track by track as they begin, each by time."""
    tracks, inverse = np.unique(feet.track, return_inverse=True)
    begins = np.full(len(tracks), np.inf)
    np.minimum.at(begins, inverse, feet.time)
    return feet[np.lexsort((feet.time, feet.track, begins[inverse], feet.who))]


def way_goes_on(feet: Feet, bridge: float) -> NDArray[np.bool_]:
    """(N,) whether the person came to each row from the row before it, in feet that are in order.

    A gap of up to `bridge` seconds is walked through, within a track and from the end of one to the next of the same
    person. Tracks that overlap in time are ways of their own.
    """
    step = np.diff(feet.time)
    on = (np.diff(feet.who) == 0) & (step >= 0) & (step <= bridge)
    return np.concatenate([np.zeros(min(len(feet), 1), bool), on])

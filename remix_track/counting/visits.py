"""Who is in a zone, from when to when."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from remix_track.counting.feet import Feet, in_order, way_goes_on
from remix_track.counting.geometry import distance_to_area, is_inside, share_inside
from remix_track.counting.on_ground import margins, on_ground
from remix_track.counting.zones_file import CountSettings, Seen


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """Stays in one zone, by their begin; row i of every array is one.

    Attributes:
        who: (N,) int64, as in `Feet`.
        track: (N,) int64 with which it began.
        begin, end: (N,) float64 seconds at which the border was reached; where the person came or went inside, of the
            first and last box.
        first_frame, last_frame: (N,) int64 of the first and last box in it.
        appeared, vanished: (N,) bool: it began or ended inside, where no way to or from outside was seen.
        open: (N,) bool: the recording ended first.
    """

    who: NDArray[np.int64]
    track: NDArray[np.int64]
    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    first_frame: NDArray[np.int64]
    last_frame: NDArray[np.int64]
    appeared: NDArray[np.bool_]
    vanished: NDArray[np.bool_]
    open: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.who)

    def __getitem__(self, rows: Any) -> Self:
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))


def visits(seen: Seen, feet: Feet, settings: CountSettings, until: float = np.inf) -> Visits:
    """Stays of feet in a zone before their camera.

    A stay begins inside and ends further outside than the hysteresis, so that one who shakes on the border entered
    once; its end is when the inside was left for the last time.

    Args:
        seen: the zone.
        feet: of everybody before the camera.
        settings: hysteresis, and gaps to bridge.
        until: when the recording ends: who was in the zone up to `bridge` seconds before is there still.
    """
    feet = on_ground(seen, in_order(feet))
    on = way_goes_on(feet, settings.bridge)
    inside, outside = inside_and_outside(seen, feet, settings)
    stays = _held(inside, outside, on)
    begins = np.flatnonzero(stays & ~(np.concatenate([[False], stays[:-1]]) & on))
    ends = np.flatnonzero(stays & ~np.concatenate([(stays & on)[1:], [False]]))
    # The last row of a stay may be on the border already.
    marks = np.maximum.accumulate(np.where(inside, np.arange(len(feet)), 0))
    last = marks[ends]
    begin, came = _reached(seen, feet, begins, begins - 1, on[begins])
    after = np.minimum(last + 1, len(feet) - 1)
    end, went = _reached(seen, feet, last, after, (after > last) & on[after])
    still = ~went & (until - end <= settings.bridge)
    who, track, frames = feet.who[begins], feet.track[begins], (feet.frame[begins], feet.frame[last])
    made = Visits(who, track, begin, end, *frames, ~came, ~went, still)
    return made[np.argsort(made.begin, kind="stable")]


def united(parts: Iterable[Visits], bridge: float) -> Visits:
    """Stays of all cameras that see one zone; those of one person that overlap are one.

    So are two between which the person was out of sight for up to `bridge` seconds, having vanished in the zone and
    appeared in it; but not those between which the person was seen to leave.
    """
    given = list(parts)
    every = Visits(*(np.concatenate([getattr(one, name) for one in given]) for name in Visits.__slots__))
    if not len(every):
        return every
    every = every[np.lexsort((every.begin, every.who))]
    people = np.concatenate([[True], np.diff(every.who) != 0])
    holder = _latest(every.end, people)[:-1]
    gap = every.begin[1:] - every.end[holder]
    unseen = every.vanished[holder] & every.appeared[1:]
    new = people | np.concatenate([[False], gap > np.where(unseen, bridge, 0.0)])
    first = np.flatnonzero(new)
    longest = _latest(every.end, new)[np.append(first[1:] - 1, len(every) - 1)]
    made = Visits(
        who=every.who[first],
        track=every.track[first],
        begin=every.begin[first],
        end=every.end[longest],
        first_frame=every.first_frame[first],
        last_frame=every.last_frame[longest],
        appeared=every.appeared[first],
        vanished=every.vanished[longest],
        open=every.open[longest],
    )
    return made[np.argsort(made.begin, kind="stable")]


def _reached(
    seen: Seen, feet: Feet, row: NDArray[np.int64], beside: NDArray[np.int64], on: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(K,) when the border was reached between a row inside and the one beside it, where both are on one way; and that.

    Elsewhere the time of the row.
    """
    time = feet.time[row].copy()
    row, beside = row[on], beside[on]
    share = share_inside(np.array(seen.place.points), feet.xy[row], feet.xy[beside])
    time[on] += share * (feet.time[beside] - feet.time[row])
    return time, on


def inside_and_outside(seen: Seen, feet: Feet, settings: CountSettings) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N,) in the zone, and (N,) further from it than the hysteresis."""
    area, margin = np.array(seen.place.points), margins(seen, feet, settings)
    low, high = area.min(axis=0), area.max(axis=0)
    reach = margin[:, None]
    near = np.flatnonzero(((feet.xy >= low - reach) & (feet.xy <= high + reach)).all(axis=1))
    inside, outside = np.zeros(len(feet), bool), np.ones(len(feet), bool)
    inside[near] = is_inside(area, feet.xy[near])
    outside[near] = ~inside[near]
    border = near[~inside[near]]
    outside[border] = distance_to_area(area, feet.xy[border]) > margin[border]
    return inside, outside


def _held(inside: NDArray[np.bool_], outside: NDArray[np.bool_], on: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) whether a stay goes on: what is neither in nor out is as the row before it on the same way."""
    said = inside | outside | ~on
    known = np.maximum.accumulate(np.where(said, np.arange(len(inside)), 0))
    return inside[known] if len(inside) else inside


def _latest(end: NDArray[np.float64], first: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(N,) the row with the latest end so far, within stretches that begin where `first` is true."""
    rows = []
    for part in np.split(np.arange(len(end)), np.flatnonzero(first)[1:]):
        highest = np.maximum.accumulate(end[part])
        rows.append(np.maximum.accumulate(np.where(end[part] == highest, part, 0)))
    return np.concatenate(rows)

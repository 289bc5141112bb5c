"""Who crosses a line, when, and in which direction."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from remix_track.counting.feet import Feet, in_order, way_goes_on
from remix_track.counting.geometry import crosses, distance_to_line, turns
from remix_track.counting.on_ground import margins, on_ground
from remix_track.counting.zones_file import CountSettings, Seen

IN, OUT = 1, -1
"""`IN` is from the right of the line to its left, as one looks in the image from its beginning to its end."""


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """Crossings of one line, by time; row i of every array is one.

    Attributes:
        who: (N,) int64, as in `Feet`.
        track: (N,) int64.
        time: (N,) float64 seconds at which the line was reached.
        frame: (N,) int64 the first one beyond it.
        direction: (N,) int64 `IN` or `OUT`.
    """

    who: NDArray[np.int64]
    track: NDArray[np.int64]
    time: NDArray[np.float64]
    frame: NDArray[np.int64]
    direction: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.who)

    def __getitem__(self, rows: Any) -> Self:
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))


def crossings(seen: Seen, feet: Feet, settings: CountSettings, after: float = -np.inf) -> Crossings:
    """Crossings of a line by feet before its camera.

    Crossings between which somebody did not get further from the line than the hysteresis are one: their directions add
    up, so that one who shakes on it and goes on crossed once, and one who turns around on it did not.

    Args:
        seen: the line.
        feet: of everybody before the camera.
        settings: hysteresis, and gaps to bridge.
        after: only crossings whose first foot beyond the line is later; those before are not added up either.
    """
    feet = on_ground(seen, in_order(feet))
    line = np.array(seen.place.points)
    on = way_goes_on(feet, settings.bridge)
    found = [_of_piece(piece, feet, on) for piece in np.stack([line[:-1], line[1:]], axis=1)]
    row, part, direction = (np.concatenate([one[at] for one in found]) for at in range(3))
    if seen.plane is not None and seen.plane.mirrors:
        direction = -direction
    order = np.lexsort((part, row))
    order = order[feet.time[row[order]] > after]
    row, part, direction = row[order], part[order], direction[order]
    far = distance_to_line(line, feet.xy) > margins(seen, feet, settings)
    kept, direction = _settled(row, direction, far, on)
    row, part = row[kept], part[kept]
    time = feet.time[row - 1] + part * (feet.time[row] - feet.time[row - 1])
    made = Crossings(feet.who[row], feet.track[row], time, feet.frame[row], direction)
    return made[np.argsort(made.time, kind="stable")]


def once(found: Crossings, within: float) -> Crossings:
    """Without those that repeat the same person's last one in the same direction within so many seconds.

    Two cameras that see one line see the same crossing.
    """
    order = np.lexsort((found.time, found.who))
    last: tuple[int, int, float] = (0, 0, -np.inf)
    kept = []
    for row in order.tolist():
        one = int(found.who[row]), int(found.direction[row]), float(found.time[row])
        if one[:2] != last[:2] or one[2] - last[2] > within:
            kept.append(row)
        last = one
    chosen = found[np.array(kept, np.int64)]
    return chosen[np.argsort(chosen.time, kind="stable")]


def _of_piece(
    piece: NDArray[np.float64], feet: Feet, on: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Rows that were reached across a piece of a line: (K,) row, share of the way to it, direction."""
    side = turns(piece[0], piece[1], feet.xy)
    left = side < 0
    row = np.flatnonzero(on[1:] & (left[1:] != left[:-1])) + 1
    row = row[crosses(feet.xy[row - 1], feet.xy[row], piece)]
    share = side[row - 1] / (side[row - 1] - side[row])
    return row, share, np.where(left[row], IN, OUT)


def _settled(
    row: NDArray[np.int64], direction: NDArray[np.int64], far: NDArray[np.bool_], on: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each run of crossings on the line the last one of the direction that is left: (M,) places, (M,) directions."""
    if not len(row):
        return row, direction
    away = np.cumsum(far)
    breaks = np.cumsum(~on)
    # Between two crossings the person was far, or another way began.
    parts = (away[row[1:] - 1] - away[row[:-1] - 1] > 0) | (breaks[row[1:]] != breaks[row[:-1]])
    run = np.concatenate([[0], np.cumsum(parts)])
    net = np.sign(np.bincount(run, weights=direction)).astype(np.int64)
    last = np.full(len(net), -1)
    matching = np.flatnonzero(direction == net[run])
    last[run[matching]] = matching
    kept = last[net != 0]
    return kept, net[net != 0]

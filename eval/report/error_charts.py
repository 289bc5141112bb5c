"""The charts of the errors page as numbers, which its template draws: errors over time, and one bar per person."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.matching.match import Match, Switch
from remix_track.eval.report.error_spans import MISSED, lives, per_column, runs

_CURVE_COLUMNS = 400
_MOST_TICKS = 2000


@dataclass(frozen=True, slots=True)
class OverTime:
    """Misses up, false alarms down, identity switches as ticks below, 1000 wide.

    Attributes:
        most_missed, most_alarms: per frame.
        base: y of the line between misses and false alarms.
        areas: kind (`missed`, `alarm`) and SVG outline of each.
        ticks: x of switches, and the switch.
        marks: x, anchor and frame number of the labels below.
    """

    most_missed: float
    most_alarms: float
    base: float
    areas: list[tuple[str, str]]
    ticks: list[tuple[float, Switch]]
    marks: list[tuple[int, str, int]]


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a person's life: columns, frames, and the track's id (None: missed)."""

    start: int
    width: int
    first: int
    last: int
    track: int | None


@dataclass(frozen=True, slots=True)
class PersonBar:
    """A person: id, missed boxes, share of boxes tracked, switches, first column, bars, and columns of switches."""

    id: int
    missing: int
    share: float
    switches: int
    first: int
    bars: list[Bar]
    marks: list[int]


@dataclass(frozen=True, slots=True)
class People:
    """Bars of the people with most missed boxes, out of `total`, in `columns` of time over `frames`."""

    frames: int
    columns: int
    total: int
    people: list[PersonBar]


def over_time(match: Match, switches: Sequence[Switch]) -> OverTime:
    """The errors of each frame, averaged over columns."""
    frames = max(match.frames, 1)
    columns = min(frames, _CURVE_COLUMNS)
    missed = per_column(match.gt.frame[match.match < 0], frames, columns)
    alarms = per_column(match.results.frame[match.gt_of_result < 0], frames, columns)
    most_missed, most_alarms = float(missed.max()), float(alarms.max())
    scale = 100 / max(most_missed + most_alarms, 1)
    base = 14 + scale * most_missed
    areas = []
    for values, sign, kind in ((missed, -1, "missed"), (alarms, 1, "alarm")):
        heights = (base + sign * scale * values).tolist()
        outline = "".join(f"V{height:.1f}h{1000 / columns:.2f}" for height in heights)
        areas.append((kind, f"M0 {base:.1f}{outline}V{base:.1f}z"))
    shown = switches[:: len(switches) // _MOST_TICKS + 1]
    anchors = ("start", "middle", "middle", "middle", "end")
    return OverTime(
        most_missed,
        most_alarms,
        base,
        areas,
        [(1000 * (switch.frame - 0.5) / frames, switch) for switch in shown],
        [(250 * part, anchor, max(round(frames * part / 4), 1)) for part, anchor in enumerate(anchors)],
    )


def people_bars(match: Match, switches: Sequence[Switch], most_people: int, most_columns: int) -> People:
    """One bar per person, the one with most missed boxes first.

    Args:
        match: the sequence.
        switches: its identity switches.
        most_people: bars to draw.
        most_columns: of time to draw them in.
    """
    at_frames: dict[int, list[int]] = {}
    for switch in switches:
        at_frames.setdefault(switch.person, []).append(switch.frame)
    boxes, matched = match.boxes_per_person(), match.matched_per_person()
    missing = boxes - matched
    people = sorted(range(len(missing)), key=lambda person: (-missing[person], person))[:most_people]
    columns = max(min(match.frames, most_columns), 1)
    bars = []
    for person, state in zip(people, lives(match, people, columns), strict=True):
        id_ = int(match.person_ids[person])
        switched = at_frames.get(id_, [])
        bars.append(
            PersonBar(
                id_,
                int(missing[person]),
                float(matched[person] / boxes[person]),
                len(switched),
                int((state >= MISSED).argmax()),
                _life(match, state),
                sorted({(frame - 1) * columns // match.frames for frame in switched}),
            )
        )
    return People(match.frames, columns, len(missing), bars)


def _life(match: Match, state: NDArray[np.int64]) -> list[Bar]:
    columns = len(state)
    return [
        Bar(
            start,
            stop - start,
            start * match.frames // columns + 1,
            -(-stop * match.frames // columns),
            None if value == MISSED else int(match.track_ids[value]),
        )
        for value, start, stop in runs(state)
        if value >= MISSED
    ]

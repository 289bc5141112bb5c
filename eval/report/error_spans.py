"""Where a tracker went wrong, in numbers: long spans of misses and false alarms, and the coverage of each person."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.matching.match import Match

ABSENT, MISSED = -2, -1


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in which every box of one person was missed, or every box of one track was a false alarm.

    Attributes:
        id: of the person in the ground truth, or of the track in the results.
        first: first frame of the stretch.
        last: last frame of it.
        boxes: how many boxes lie in it.
        middle: row of the box in its middle, in `Match.gt` or `Match.results`.
    """

    id: int
    first: int
    last: int
    boxes: int
    middle: int


def missed_spans(match: Match, most: int) -> list[Span]:
    """The `most` longest stretches of a person's boxes without a match, the longest first."""
    return spans_of_people(match, match.match < 0, most)


def spans_of_people(match: Match, which: NDArray[np.bool_], most: int) -> list[Span]:
    """The `most` longest stretches of a person's boxes at `which` (G,), the longest first."""
    return _longest(match.person, which, match.gt.frame, match.gt.id, most)


def false_alarm_spans(match: Match, most: int) -> list[Span]:
    """The `most` longest stretches of a track's boxes without a match, the longest first."""
    return _longest(match.track, match.gt_of_result < 0, match.results.frame, match.results.id, most)


def _longest(
    owner: NDArray[np.int64],
    bad: NDArray[np.bool_],
    frame: NDArray[np.int64],
    id_: NDArray[np.int64],
    most: int,
) -> list[Span]:
    """Runs of `bad` rows in each owner's rows; rows are sorted by frame."""
    order = np.argsort(owner, kind="stable")
    owner, bad = owner[order], bad[order]
    other = np.diff(owner, prepend=-1) != 0
    starts = np.flatnonzero(bad & (other | ~np.concatenate([[False], bad[:-1]])))
    ends = np.flatnonzero(bad & np.concatenate([other[1:] | ~bad[1:], [True]])) if len(bad) else starts
    longest = np.argsort(-(ends - starts), kind="stable")[:most]
    spans = []
    for start, end in zip(starts[longest].tolist(), ends[longest].tolist(), strict=True):
        first, last, middle = order[start], order[end], order[(start + end) // 2]
        spans.append(Span(int(id_[first]), int(frame[first]), int(frame[last]), end - start + 1, int(middle)))
    return spans


def columns_of(frame: NDArray[np.int64], frames: int, columns: int) -> NDArray[np.int64]:
    """The column, 0..columns-1, in which each 1-based frame is drawn."""
    column: NDArray[np.int64] = (frame - 1) * columns // frames
    return column


def per_column(frame: NDArray[np.int64], frames: int, columns: int) -> NDArray[np.float64]:
    """(columns,) how many of the boxes at `frame` there are in a frame of each column, on average."""
    counts = np.bincount(columns_of(frame, frames, columns), minlength=columns)
    edges = -(-np.arange(columns + 1) * frames // columns)
    average: NDArray[np.float64] = counts / np.diff(edges)
    return average


def lives(match: Match, people: Sequence[int], columns: int) -> list[NDArray[np.int64]]:
    """People's lives in columns of time, each (columns,) int64: `ABSENT`, `MISSED` or the number of the track.

    A column of several frames is missed where more than half of the person's boxes in it are, else it shows the
    last track.

    Args:
        match: the sequence.
        people: numbers of the people wanted, 0..P-1.
        columns: of time, at most as many as there are frames.
    """
    order = np.argsort(match.person, kind="stable")
    start = np.searchsorted(match.person[order], people, "left")
    stop = np.searchsorted(match.person[order], people, "right")
    column = columns_of(match.gt.frame, match.frames, columns)
    made = []
    for part in map(slice, start, stop):
        rows = order[part]
        state = np.full(columns, ABSENT)
        state[column[rows]] = MISSED
        found = rows[match.match[rows] >= 0]
        boxes, matched = (np.bincount(column[some], minlength=columns) for some in (rows, found))
        shown = found[(2 * matched >= boxes)[column[found]]]
        state[column[shown]] = match.track[match.match[shown]]
        made.append(state)
    return made


def runs(state: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """(value, start, stop) of each run of equal values."""
    starts = np.flatnonzero(np.diff(state, prepend=state[0] - 1))
    stops = np.append(starts[1:], len(state))
    return list(zip(state[starts].tolist(), starts.tolist(), stops.tolist(), strict=True))

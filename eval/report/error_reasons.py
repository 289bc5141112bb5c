"""Why people were missed, as the errors page shows it: a line for each reason, and boxes that are examples of it."""

import math
from dataclasses import dataclass

import numpy as np

from remix_track.eval.matching.lost_boxes import REASONS, LostBoxes
from remix_track.eval.matching.match import Match
from remix_track.eval.report.error_spans import Span, spans_of_people

_NAMES = tuple(REASONS)
_OF_THE_DETECTOR = ("no detection", "shared detection", "unsure detection")
"""Reasons without examples: the tracker had nothing to report."""


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """A reason: its name and what it says, missed boxes, percent of all truth boxes, and of the most frequent one."""

    name: str
    says: str
    boxes: int
    percent: float
    length: float


@dataclass(frozen=True, slots=True)
class WhyMissed:
    """Why people of a sequence were missed.

    Attributes:
        known: whether there were detections to look at.
        sure: least score of a sure one.
        beside_sure: missed boxes on which a sure detection lies.
        percent: of all truth boxes that these are.
        own: missed boxes that have a sure detection of their own.
        lines: the reasons that occur.
    """

    known: bool
    sure: float
    beside_sure: int
    percent: float
    own: int
    lines: list[ReasonLine]


@dataclass(frozen=True, slots=True)
class Example:
    """A box missed for a reason: its row in `Match.gt`, frame, person, and what is known of it."""

    reason: str
    row: int
    frame: int
    person: int
    note: str


def why_missed(match: Match, lost: LostBoxes) -> WhyMissed:
    """The lines of a sequence."""
    counts, beside, own = lost.counts(), int(lost.beside_sure.sum()), int(lost.with_own_sure.sum())
    most = max(counts.values())
    lines = [
        ReasonLine(name, REASONS[name], count, _percent(count, match), 100 * count / most)
        for name, count in counts.items()
        if count
    ]
    return WhyMissed(lost.detections_known, lost.sure, beside, _percent(beside, match), own, lines)


def _percent(boxes: int, match: Match) -> float:
    return 100 * boxes / max(len(match.gt), 1)


def examples(match: Match, lost: LostBoxes, most: int) -> list[Example]:
    """For each reason the middle boxes of its `most` longest stretches; none where the detector had nothing."""
    found = []
    for number, name in enumerate(_NAMES):
        if name not in _OF_THE_DETECTOR:
            which = np.zeros(len(match.gt), bool)
            which[lost.row[lost.reason == number]] = True
            found += [_example(name, match, lost, span.middle) for span in spans_of_people(match, which, most)]
    return found


def _example(reason: str, match: Match, lost: LostBoxes, row: int) -> Example:
    place = int(np.searchsorted(lost.row, row))
    score, overlap = float(lost.detection_score[place]), float(lost.result_iou[place])
    parts = [] if math.isnan(score) else [f"detection {score:.2f}"]
    if lost.result_id[place] >= 0:
        parts.append(f"track {lost.result_id[place]} at IoU {overlap:.2f}")
    if lost.since[place] >= 0:
        parts.append(f"{_frames(lost.since[place])} before: id {lost.id_before[place]}")
    if lost.until[place] >= 0:
        parts.append(f"{_frames(lost.until[place])} after: id {lost.id_after[place]}")
    return Example(reason, row, int(match.gt.frame[row]), int(match.gt.id[row]), "; ".join(parts))


def _frames(count: np.int64) -> str:
    return f"{count} frame{'s' if count != 1 else ''}"


def mostly(match: Match, lost: LostBoxes, span: Span) -> str:
    """The most frequent reason of a stretch of missed boxes."""
    gt = match.gt
    start, stop = np.searchsorted(gt.frame[lost.row], [span.first, span.last + 1])
    mine = lost.reason[start:stop][gt.id[lost.row[start:stop]] == span.id]
    return _NAMES[int(np.bincount(mine).argmax())]

"""Why each missed person was missed: what was detected there, what the tracker reported around it, before and after.

Only boxes are looked at (ground truth, results, detections), so the results may be any tracker's. Each missed box gets
the first reason of `REASONS` that holds; most of them point at one part of a tracker.

Ground truth      A A A A A A A          frame 1 2 3 4 5 6 7
detections        d d d d . d d          A is missed in frames 1 and 2 (late birth: 5 begins in frame 3),
matched result    . . 5 5 . . 5          5 (no detection) and 6 (track interrupted: 5 comes back)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.matching.match import Match
from remix_track.eval.matching.pairs import ROUNDING, CommonFrames, Pairs, choose, overlapping_pairs
from remix_track.mot_text import MotRows

ON_IT = 0.5 - ROUNDING
"""Least IoU of two boxes that lie on each other."""
DRIFTED = 0.1
"""Least IoU of a reported box that has drifted away from a person."""
NEXT_FRAMES = 10
"""Frames within which a birth is late, not another track's; and within which an id was just on a person."""
_SURE_FIRST = 1000.0
"""What a sure detection is worth before any IoU, where detections are dealt out to people."""

REASONS: Mapping[str, str] = {
    "no detection": "no detection lies on it (IoU 0.5)",
    "shared detection": "what is detected on it is a neighbour, and there is no second detection",
    "unsure detection": "its own detection has a score below that of a sure one",
    "box drifted": "a box that is on nobody else overlaps it, by less than 0.5 but at least 0.1",
    "shared box": "the box on it counts for a neighbour, and there is no second one",
    "track elsewhere": "the id that it had last is reported in another place in this frame",
    "suppressed": "its detection overlaps a reported box of somebody else by 0.5",
    "late birth": f"a new id begins on it within {NEXT_FRAMES} frames",
    "track interrupted": "the id that it had last is not reported, and comes back to it",
    "track ended": "the id that it had last is not reported, and does not come back to it",
    "never tracked": f"it had no id before, and none begins within {NEXT_FRAMES} frames",
}
"""Name of each reason and what it says, in the order in which they are tried."""
_NUMBER = {name: number for number, name in enumerate(REASONS)}


@dataclass(frozen=True, slots=True, eq=False)
class LostBoxes:
    """The L missed boxes of a sequence, by frame; item k of every array is one of them.

    Attributes:
        row: (L,) int64 row of `Match.gt`.
        reason: (L,) int64 which of `REASONS`.
        detection_score: (L,) float64 score of its own detection, or of the surest one on it where it has none of its
            own; nan: there is none, or detections are not known.
        detection_iou: (L,) float64 IoU of that detection; nan likewise.
        beside_sure: (L,) bool whether a sure detection lies on it, its own or a neighbour's.
        result_id: (L,) int64 id of the reported box that explains the loss; -1: none does.
        result_iou: (L,) float64 IoU of that box with the missed one; nan: there is none.
        id_before, id_after: (L,) int64 id that the person had last before, and has first after; -1: none.
        since, until: (L,) int64 frames to these matches; -1: there is none.
        detections_known: whether there were detections to look at; without, the reasons that need them are not given.
        sure: least score of a sure detection.
    """

    row: NDArray[np.int64]
    reason: NDArray[np.int64]
    detection_score: NDArray[np.float64]
    detection_iou: NDArray[np.float64]
    beside_sure: NDArray[np.bool_]
    result_id: NDArray[np.int64]
    result_iou: NDArray[np.float64]
    id_before: NDArray[np.int64]
    id_after: NDArray[np.int64]
    since: NDArray[np.int64]
    until: NDArray[np.int64]
    detections_known: bool
    sure: float

    def counts(self) -> dict[str, int]:
        """Missed boxes by reason; all reasons are there."""
        return dict(zip(REASONS, np.bincount(self.reason, minlength=len(REASONS)).tolist(), strict=True))

    @property
    def with_own_sure(self) -> NDArray[np.bool_]:
        """(L,) whether the box has a sure detection of its own, so that the tracker alone has lost it."""
        of_detector = [_NUMBER[name] for name in ("no detection", "shared detection", "unsure detection")]
        own: NDArray[np.bool_] = self.detections_known & ~np.isin(self.reason, of_detector)
        return own


class _Neighbours(NamedTuple):
    """The person's match before (or after) each missed box: its id, and frames to it; -1 where there is none."""

    id: NDArray[np.int64]
    distance: NDArray[np.int64]


class _OnIt(NamedTuple):
    """The detection on each missed box: its row (-1: none), IoU, score, whether it is its own, whether any is sure."""

    row: NDArray[np.int64]
    iou: NDArray[np.float64]
    score: NDArray[np.float64]
    own: NDArray[np.bool_]
    any_sure: NDArray[np.bool_]


class _Found(NamedTuple):
    """The reported box of a kind at each missed box: its row (-1: none) and IoU."""

    row: NDArray[np.int64]
    iou: NDArray[np.float64]


class _Around(NamedTuple):
    """What there is around each missed box; `begins_later`: the id after it is not reported before that frame."""

    on_it: _OnIt
    drifted: _Found
    shared: _Found
    covered: _Found
    elsewhere: _Found
    before: _Neighbours
    after: _Neighbours
    begins_later: NDArray[np.bool_]


def lost_boxes(match: Match, detections: MotRows | None = None, sure: float = 0.5) -> LostBoxes:
    """The missed boxes of a sequence with their reasons.

    Args:
        match: the sequence.
        detections: what the tracker was given, sorted by frame, numbered as the sequence is; None: not known.
        sure: least score of a detection that should not be lost.

    Raises:
        InputError: so many detections in a frame, or so many pairs that overlap, that they would not fit into memory.
    """
    row = np.flatnonzero(match.match < 0)
    reported, free = _reported(match)
    around = _around(match, row, reported, free, detections, sure)
    reason = _reason(around, detections is not None, sure)
    result = _that_explains(reason, around)
    result_id = np.full(len(row), -1)
    there = result.row >= 0
    result_id[there] = reported.id[result.row[there]]
    before, after, on_it = around.before, around.after, around.on_it
    return LostBoxes(
        row, reason, on_it.score, on_it.iou, on_it.any_sure, result_id, result.iou,
        before.id, after.id, before.distance, after.distance, detections is not None, sure,
    )  # fmt: skip


def _around(
    match: Match,
    row: NDArray[np.int64],
    reported: MotRows,
    free: NDArray[np.bool_],
    detections: MotRows | None,
    sure: float,
) -> _Around:
    """What there is around the missed boxes at `row`."""
    count, lost = len(row), match.gt[row]
    before, after = _neighbours(match, row, forward=False), _neighbours(match, row, forward=True)
    pairs = overlapping_pairs(lost, reported)
    # Of several drifted boxes the person's own comes first.
    own = reported.id[pairs.result] == before.id[pairs.gt]
    elsewhere, covered = _row_of(reported, lost.frame, before.id), np.full(count, -1)
    on_it = _nothing_on_it(count) if detections is None else _on_it(match.gt, row, detections, sure)
    if detections is not None:
        covered = _covered(detections, on_it.row, reported)
    return _Around(
        on_it,
        drifted=_best(pairs, free[pairs.result] & (pairs.iou >= DRIFTED), own + pairs.iou, count),
        shared=_best(pairs, ~free[pairs.result] & (pairs.iou >= ON_IT), pairs.iou, count),
        covered=_Found(covered, _iou_with(pairs, covered)),
        elsewhere=_Found(elsewhere, _iou_with(pairs, elsewhere)),
        before=before,
        after=after,
        begins_later=_first_frame(reported, after.id) > lost.frame,
    )


def _reason(around: _Around, known: bool, sure: float) -> NDArray[np.int64]:
    """(L,) the number of the first of `REASONS` that holds; `track elsewhere` is tried for lately, then for ever."""
    on_it, before, after = around.on_it, around.before, around.after
    elsewhere = around.elsewhere.row >= 0
    tests = [
        ("no detection", known & (on_it.row < 0)),
        ("shared detection", known & ~on_it.own),
        ("unsure detection", known & ~(on_it.score >= sure)),
        ("box drifted", around.drifted.row >= 0),
        ("shared box", around.shared.row >= 0),
        ("track elsewhere", elsewhere & (before.distance <= NEXT_FRAMES)),
        ("suppressed", around.covered.row >= 0),
        ("late birth", around.begins_later & (after.distance <= NEXT_FRAMES)),
        ("track elsewhere", elsewhere),
        ("track interrupted", (before.id >= 0) & (before.id == after.id)),
        ("track ended", before.id >= 0),
    ]
    return np.select([holds for _, holds in tests], [_NUMBER[name] for name, _ in tests], _NUMBER["never tracked"])


def _reported(match: Match) -> tuple[MotRows, NDArray[np.bool_]]:
    """All results by frame, those on distractors too, and which of them match no truth box."""
    parts = match.results, match.removed
    rows = MotRows(*(np.concatenate([getattr(part, name) for part in parts]) for name in MotRows.__slots__))
    free = np.concatenate([match.gt_of_result < 0, np.zeros(len(match.removed), bool)])
    order = np.argsort(rows.frame, kind="stable")
    return rows[order], free[order]


def _neighbours(match: Match, row: NDArray[np.int64], *, forward: bool) -> _Neighbours:
    """The nearest match of the same person after each box, or before it."""
    order = np.argsort(match.person, kind="stable")
    order = order[::-1] if forward else order
    matched = np.where(match.match[order] >= 0, np.arange(len(order)), -1)
    last = np.maximum.accumulate(matched)
    near = np.empty(len(order), np.int64)
    near[order] = np.where(last >= 0, order[last], -1)
    near = near[row]
    there = (near >= 0) & (match.person[near] == match.person[row])
    ids = match.results.id[match.match[near]] if len(match.results) else near
    distance = np.abs(match.gt.frame[near] - match.gt.frame[row])
    return _Neighbours(np.where(there, ids, -1), np.where(there, distance, -1))


def _best(pairs: Pairs, which: NDArray[np.bool_], value: NDArray[np.float64], count: int) -> _Found:
    """Of the pairs at `which` the one of greatest `value` for each of `count` boxes."""
    found = _nothing(count)
    order = np.flatnonzero(which)[np.argsort(value[which], kind="stable")]
    # Written in rising order: the greatest one stays.
    found.row[pairs.gt[order]], found.iou[pairs.gt[order]] = pairs.result[order], pairs.iou[order]
    return found


def _nothing(count: int) -> _Found:
    return _Found(np.full(count, -1), np.full(count, np.nan))


def _nothing_on_it(count: int) -> _OnIt:
    return _OnIt(*_nothing(count), np.full(count, np.nan), np.zeros(count, bool), np.zeros(count, bool))


def _on_it(gt: MotRows, row: NDArray[np.int64], detections: MotRows, sure: float) -> _OnIt:
    """The detection on each missed box; one that lies on several people is that of one of them, sure ones first."""
    pairs = overlapping_pairs(gt, detections)
    pairs = pairs[pairs.iou >= ON_IT]
    score = detections.score[pairs.result]
    own = choose(pairs, pairs.iou + _SURE_FIRST * (score >= sure), CommonFrames.of(gt, detections))
    rank = np.empty(len(pairs))
    rank[np.lexsort((score, own))] = np.arange(len(pairs))
    best = _best(pairs, np.ones(len(pairs), bool), rank, len(gt))
    best_score, has_own, any_sure = np.full(len(gt), np.nan), np.zeros(len(gt), bool), np.zeros(len(gt), bool)
    there = best.row >= 0
    best_score[there] = detections.score[best.row[there]]
    has_own[pairs.gt[own]] = True
    any_sure[pairs.gt[score >= sure]] = True
    return _OnIt(best.row[row], best.iou[row], best_score[row], has_own[row], any_sure[row])


def _covered(detections: MotRows, on_it: NDArray[np.int64], reported: MotRows) -> NDArray[np.int64]:
    """Row of the reported box that overlaps the detection on each missed box most; -1: none does by `ON_IT`."""
    there, covered = np.flatnonzero(on_it >= 0), np.full(len(on_it), -1)
    pairs = overlapping_pairs(detections[on_it[there]], reported)
    covered[there] = _best(pairs, pairs.iou >= ON_IT, pairs.iou, len(there)).row
    return covered


def _row_of(reported: MotRows, frame: NDArray[np.int64], id_: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of the box that an id has in a frame; -1 where it has none."""
    ids, track = np.unique(reported.id, return_inverse=True)
    if not len(ids):
        return np.full(len(frame), -1)
    wanted = np.minimum(np.searchsorted(ids, id_), len(ids) - 1)
    keys, order = _sorted(reported.frame * len(ids) + track)
    key = frame * len(ids) + wanted
    place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    return np.where((keys[place] == key) & (ids[wanted] == id_), order[place], -1)


def _sorted(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(values, kind="stable")
    return values[order], order


def _first_frame(reported: MotRows, id_: NDArray[np.int64]) -> NDArray[np.int64]:
    """(L,) the first frame in which each id is reported; -1 where it never is. Rows are sorted by frame."""
    ids, first = np.unique(reported.id, return_index=True)
    if not len(ids):
        return np.full(len(id_), -1)
    place = np.minimum(np.searchsorted(ids, id_), len(ids) - 1)
    return np.where(ids[place] == id_, reported.frame[first[place]], -1)


def _iou_with(pairs: Pairs, result: NDArray[np.int64]) -> NDArray[np.float64]:
    """(L,) IoU of each missed box with its row of the results; 0 where they are apart."""
    iou = np.zeros(len(result))
    mine = pairs.result == result[pairs.gt]
    iou[pairs.gt[mine]] = pairs.iou[mine]
    return iou


def _that_explains(reason: NDArray[np.int64], around: _Around) -> _Found:
    """The reported box that is the reason of each missed one; none where the reason is no box."""
    result = _nothing(len(reason))
    found = {
        "box drifted": around.drifted,
        "shared box": around.shared,
        "track elsewhere": around.elsewhere,
        "suppressed": around.covered,
    }
    for name, (row, iou) in found.items():
        mine = reason == _NUMBER[name]
        result.row[mine], result.iou[mine] = row[mine], iou[mine]
    return result

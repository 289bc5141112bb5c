"""One sequence, matched once: everything that is counted or drawn later is read from here.

Ground truth      A A A A A . A          frame 1 2 3 4 5 6 7
matched result    5 5 . 8 8   8          A is missed in frame 3 (one fragment more) and switches from 5 to 8 in frame 4
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.benchmarks import Protocol
from remix_track.eval.matching.pairs import ROUNDING, AmbiguousFrames, CommonFrames, FrameCosts, Pairs
from remix_track.eval.matching.preprocess import Prepared
from remix_track.mot_text import MotRows


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A sequence after preprocessing, with the pairs that CLEAR chose.

    G ground-truth boxes and R results are left, sorted by frame, within a frame in file order. People and tracks
    have dense numbers 0..P-1 and 0..T-1, so that ids of any size cost nothing; `person_ids` and `track_ids` lead
    back to the ids of the files.

    Attributes:
        frames: number of frames of the sequence.
        protocol: how it was prepared and matched.
        gt: (G) ground truth that counts.
        results: (R) results that count.
        removed: the results dropped because they lie on a distractor.
        person: (G,) int64 person of each ground-truth box.
        track: (R,) int64 track of each result.
        person_ids: (P,) int64 ids in the ground-truth file, ascending.
        track_ids: (T,) int64 ids in the results file, ascending.
        common: the frames that hold both ground truth and results.
        pairs: all pairs of the same frame with IoU > 0.
        match: (G,) int64 row of `results` matched to each ground-truth box at IoU >= 0.5; -1 where it is missed.
        gt_of_result: (R,) int64 the inverse: row of `gt`; -1 where the result is a false alarm.
        iou: (G,) float64 IoU of each match; 0 where missed.
        before: (G,) int64 the row of `gt` where the same person was last matched before; -1 for the first match
            and for missed boxes.
        switch: (G,) bool, True where the person is matched to another track than at `before`.
        fragment: (G,) bool, True where a stretch of unbroken matches of the person begins. A person with k
            stretches counts k - 1 fragmentations.
    """

    frames: int
    protocol: Protocol
    gt: MotRows
    results: MotRows
    removed: MotRows
    person: NDArray[np.int64]
    track: NDArray[np.int64]
    person_ids: NDArray[np.int64]
    track_ids: NDArray[np.int64]
    common: CommonFrames
    pairs: Pairs
    match: NDArray[np.int64]
    gt_of_result: NDArray[np.int64]
    iou: NDArray[np.float64]
    before: NDArray[np.int64]
    switch: NDArray[np.bool_]
    fragment: NDArray[np.bool_]

    def switches(self) -> "list[Switch]":
        """Every identity switch, by frame."""
        found = []
        for row in np.flatnonzero(self.switch):
            last = self.before[row]
            frame, since = int(self.gt.frame[row]), int(self.gt.frame[last])
            old, new = self.track[self.match[last]], self.track[self.match[row]]
            found.append(
                Switch(
                    frame,
                    int(self.gt.id[row]),
                    int(self.track_ids[old]),
                    int(self.track_ids[new]),
                    frame - since - 1,
                    int(row),
                    int(last),
                )
            )
        return found

    def boxes_per_person(self) -> NDArray[np.int64]:
        """(P,) ground-truth boxes of each person."""
        return np.bincount(self.person, minlength=len(self.person_ids))

    def matched_per_person(self) -> NDArray[np.int64]:
        """(P,) boxes of each person that are matched."""
        return np.bincount(self.person[self.match >= 0], minlength=len(self.person_ids))


@dataclass(frozen=True, slots=True)
class Switch:
    """A person that is matched to another track than before.

    Attributes:
        frame: frame of the first match with the new track.
        person: the person's id in the ground-truth file.
        old, new: the tracks' ids in the results file.
        gap: frames between the last match with the old track and this one (0: they are neighbours).
        gt_row: row of `Match.gt` at `frame`.
        last_gt_row: row of `Match.gt` at the last match with the old track.
    """

    frame: int
    person: int
    old: int
    new: int
    gap: int
    gt_row: int
    last_gt_row: int


def match_sequence(prepared: Prepared, protocol: Protocol, frames: int) -> Match:
    """Match a prepared sequence as CLEAR does.

    `devkit` (TrackEval 1.3.0, CLEAR): per frame the assignment with the greatest sum of IoU + 1000 for every pair
    that was matched in the previous frame too, among pairs with IoU >= 0.5. Frames without ground truth or without
    results are not a previous frame to it: a match is carried over them, and they break no fragment.

    `motmetrics` (1.4.0, MOTAccumulator.update): a pair that was the person's last match, however long ago, is kept
    where its distance 1 - IoU is 0.5 at most (the person further up in the file first); then as many further pairs
    as possible, at the least total distance.
    """
    gt, results = prepared.gt, prepared.results
    person_ids, person = np.unique(gt.id, return_inverse=True)
    track_ids, track = np.unique(results.id, return_inverse=True)
    common = CommonFrames.of(gt, results)
    devkit = protocol.matching == "devkit"
    overlap = prepared.pairs.iou
    close = prepared.pairs[overlap >= 0.5 - ROUNDING if devkit else 1 - overlap <= 0.5]
    chosen = close[_chosen(close, common, person, track, devkit=devkit)]
    match, gt_of_result, iou = np.full(len(gt), -1), np.full(len(results), -1), np.zeros(len(gt))
    match[chosen.gt], gt_of_result[chosen.result], iou[chosen.gt] = chosen.result, chosen.gt, chosen.iou

    before, switch, fragment = np.full(len(gt), -1), np.zeros(len(gt), bool), np.zeros(len(gt), bool)
    matched = np.flatnonzero(match >= 0)
    matched = matched[np.argsort(person[matched], kind="stable")]
    same_person = person[matched[1:]] == person[matched[:-1]]
    before[matched[1:][same_person]] = matched[:-1][same_person]
    continued = before[matched] >= 0
    now, last = matched[continued], before[matched[continued]]
    switch[now] = track[match[now]] != track[match[last]]
    step = _steps(gt, common, person, protocol)
    fragment[matched] = True
    fragment[now] = step[now] != step[last] + 1
    return Match(
        frames, protocol, gt, results, prepared.removed, person, track, person_ids, track_ids, common, prepared.pairs,
        match, gt_of_result, iou, before, switch, fragment,
    )  # fmt: skip


def _steps(gt: MotRows, common: CommonFrames, person: NDArray[np.int64], protocol: Protocol) -> NDArray[np.int64]:
    """(G,) a clock for each box in which unbroken matches of a person are one apart.

    The devkit's clock ticks with every frame that holds ground truth and results: a person who leaves and comes back
    is a fragment. That of motmetrics ticks with every box of the person: only a missed box breaks a stretch.
    """
    if protocol.matching == "devkit":
        return np.searchsorted(common.frame, gt.frame)
    order = np.argsort(person, kind="stable")
    step = np.empty(len(gt), np.int64)
    step[order] = np.arange(len(gt))
    return step


def _chosen(
    close: Pairs, common: CommonFrames, person: NDArray[np.int64], track: NDArray[np.int64], *, devkit: bool
) -> NDArray[np.bool_]:
    """Which of the close pairs are matched.

    In frame after frame pairs that matched earlier come first: for the devkit those of the frame before, for motmetrics
    those of any earlier frame, where a person's last match counts.
    """
    ambiguous = AmbiguousFrames.among(close, common)
    chosen = ambiguous.free.copy()
    people, tracks = person[close.gt], track[close.result]
    held = np.full(person.max(initial=-1) + 1, -1)  # the track that each person is remembered with
    known = 0
    for table in ambiguous.tables:
        since = slice(ambiguous.start[max(table.frame - 1, 0)] if devkit else known, table.part.start)
        # Written in time order: of several matches of a person the last one stays.
        remembered = people[since][chosen[since]]
        held[remembered] = tracks[since][chosen[since]]
        earlier = held[people[table.part]] == tracks[table.part]
        if devkit:
            chosen[table.part] = table.solve(-table.filled(1000 * earlier + close.iou[table.part]))
            held[remembered] = -1
        else:
            kept = _kept(close[table.part], earlier)
            chosen[table.part] = kept | _nearest(close[table.part], kept, table)
            known = table.part.start
    return chosen


def _kept(here: Pairs, earlier: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the pairs that matched earlier are kept: two people may remember one track, the first one gets it."""
    kept = np.zeros(len(here), bool)
    candidates = np.flatnonzero(earlier)
    kept[candidates[np.unique(here.result[candidates], return_index=True)[1]]] = True
    return kept


def _nearest(here: Pairs, kept: NDArray[np.bool_], table: FrameCosts) -> NDArray[np.bool_]:
    """The most pairs of boxes not in `kept` that can be had, at the least total distance."""
    open_ = ~np.isin(here.gt, here.gt[kept]) & ~np.isin(here.result, here.result[kept])
    if not open_.any():
        return open_
    distance = 1 - here.iou
    # No pair at all must cost more than any saving elsewhere; the value is motmetrics' own.
    nothing = 2 * min(table.shape) * distance[open_].max() + 1
    cost = np.full(table.shape, nothing)
    cost[table.row[open_], table.column[open_]] = distance[open_]
    return open_ & table.solve(cost)

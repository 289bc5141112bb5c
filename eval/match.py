"""One sequence, matched once: everything that is counted or drawn later is read from here.

Ground truth      A A A A A . A          frame 1 2 3 4 5 6 7
matched result    5 5 . 8 8   8          A is missed in frame 3 (one fragment more) and switches from 5 to 8 in frame 4
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.pairs import Pairs, Spans
from remix_track.eval.protocols import Protocol
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
        spans: the frames that hold both ground truth and results.
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
    spans: Spans
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

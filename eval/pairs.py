"""Which ground-truth box overlaps which result, frame by frame, and the best one-to-one choice among those pairs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from remix_track.errors import InputError
from remix_track.mot_text import MotRows

# The rounding that TrackEval forgives: an IoU of 0.5 minus this still counts as 0.5.
ROUNDING = float(np.finfo(float).eps)
_BOXES_AT_ONCE = 1 << 16
_LARGEST_FRAME = 25_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The frames that hold both ground truth and results, in time order; item f of every array is one frame.

    Attributes:
        frame: (F,) int64 frame numbers, ascending.
        gt_start, gt_stop: (F,) int64 rows of the ground truth that lie in the frame.
        result_start, result_stop: (F,) int64 rows of the results.
    """

    frame: NDArray[np.int64]
    gt_start: NDArray[np.int64]
    gt_stop: NDArray[np.int64]
    result_start: NDArray[np.int64]
    result_stop: NDArray[np.int64]

    @classmethod
    def of(cls, gt: MotRows, results: MotRows) -> "Spans":
        """The frames that `gt` and `results`, both sorted by frame, have in common.

        Raises:
            InputError: a frame with so many boxes that its distance matrix would not fit into memory.
        """
        frame = np.intersect1d(gt.frame, results.frame)
        spans = cls(
            frame,
            np.searchsorted(gt.frame, frame, "left"),
            np.searchsorted(gt.frame, frame, "right"),
            np.searchsorted(results.frame, frame, "left"),
            np.searchsorted(results.frame, frame, "right"),
        )
        boxes = (spans.gt_stop - spans.gt_start) * (spans.result_stop - spans.result_start)
        if boxes.max(initial=0) > _LARGEST_FRAME:
            worst = int(boxes.argmax())
            raise InputError(
                f"frame {frame[worst]}: {spans.gt_stop[worst] - spans.gt_start[worst]:,} ground-truth boxes against "
                f"{spans.result_stop[worst] - spans.result_start[worst]:,} results are too many to match; "
                "correct the file"
            )
        return spans

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The pairs of one ground-truth box and one result of the same frame that overlap (IoU > 0).

    Sorted by ground-truth row, then result row, and so by frame. All other pairs have IoU 0 and are not kept: a
    crowd of 200 against 200 leaves a few pairs per box, not 40,000 per frame.

    Attributes:
        gt: (K,) int64 row of the ground truth.
        result: (K,) int64 row of the results.
        iou: (K,) float64, 0 < IoU <= 1.
    """

    gt: NDArray[np.int64]
    result: NDArray[np.int64]
    iou: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.gt)

    def __getitem__(self, which: NDArray[np.bool_] | slice) -> "Pairs":
        """The pairs at `which` (a mask or a slice), in that order."""
        return Pairs(self.gt[which], self.result[which], self.iou[which])


def overlapping_pairs(gt: MotRows, results: MotRows) -> Pairs:
    """All pairs with IoU > 0 of ground truth and results, both sorted by frame.

    Memory grows with the pairs that overlap, not with boxes times boxes.
    """
    first = np.searchsorted(results.frame, gt.frame, "left")
    rivals = np.searchsorted(results.frame, gt.frame, "right") - first
    seen = np.cumsum(rivals)
    found: list[Pairs] = []
    start = 0
    while start < len(gt):
        before = seen[start] - rivals[start]
        stop = max(start + 1, int(np.searchsorted(seen, before + _BOXES_AT_ONCE, "right")))
        gt_row = np.repeat(np.arange(start, stop), rivals[start:stop])
        skip = first[start:stop] - (seen[start:stop] - rivals[start:stop] - before)
        result_row = np.arange(len(gt_row)) + np.repeat(skip, rivals[start:stop])
        found.append(_overlap(gt.tlwh, results.tlwh, gt_row, result_row))
        start = stop
    if not found:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    return Pairs(*(np.concatenate([getattr(part, name) for part in found]) for name in Pairs.__slots__))


def _overlap(
    gt_tlwh: NDArray[np.float64],
    result_tlwh: NDArray[np.float64],
    gt_row: NDArray[np.int64],
    result_row: NDArray[np.int64],
) -> Pairs:
    """The pairs (gt_row[k], result_row[k]) that share area, with their IoU.

    The arithmetic, down to the order of additions and areas from corners, is that of TrackEval 1.3.0 and motmetrics
    1.4.0, so that an IoU on the threshold falls on the same side as theirs.
    """
    shared: list[NDArray[np.float64]] = []
    for axis in (1, 0):
        # Boxes lie far apart far more often than not: each axis thins the list before the next is looked at.
        low = np.maximum(gt_tlwh[gt_row, axis], result_tlwh[result_row, axis])
        high = np.minimum(
            gt_tlwh[gt_row, axis] + gt_tlwh[gt_row, axis + 2],
            result_tlwh[result_row, axis] + result_tlwh[result_row, axis + 2],
        )
        length = high - low
        meets = length > 0
        shared = [part[meets] for part in shared] + [length[meets]]
        gt_row, result_row = gt_row[meets], result_row[meets]
    intersection = shared[1] * shared[0]
    gt_area, result_area = _area(gt_tlwh[gt_row]), _area(result_tlwh[result_row])
    union = gt_area + result_area - intersection
    real = (gt_area > ROUNDING) & (result_area > ROUNDING) & (union > ROUNDING) & (intersection > 0)
    return Pairs(gt_row[real], result_row[real], intersection[real] / union[real])


def _area(tlwh: NDArray[np.float64]) -> NDArray[np.float64]:
    corner = tlwh[:, :2] + tlwh[:, 2:]
    size = corner - tlwh[:, :2]
    area: NDArray[np.float64] = size[:, 0] * size[:, 1]
    return area


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """Where a one-to-one choice among `pairs` is more than a formality.

    In a frame where every box has one candidate at most, all pairs are chosen, whatever the scores: no assignment
    has to be solved. That is most frames at IoU 0.5.

    Attributes:
        free: (K,) bool, True for pairs of frames without rivalry.
        frames: (C,) int64 the frames with rivalry, as positions in the `Spans`.
        start, stop: (F,) int64 the pairs that lie in each frame.
    """

    free: NDArray[np.bool_]
    frames: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]

    @classmethod
    def among(cls, pairs: Pairs, spans: Spans) -> "Contest":
        """The rivalry among `pairs` in the frames `spans`."""
        start = np.searchsorted(pairs.gt, spans.gt_start, "left")
        stop = np.searchsorted(pairs.gt, spans.gt_stop, "left")
        rivalry = np.zeros(len(pairs), bool)
        for row in (pairs.gt, pairs.result):
            rivalry |= np.bincount(row)[row] > 1 if len(row) else False
        frame_of_pair = np.repeat(np.arange(len(spans)), stop - start)
        contested = np.zeros(len(spans), bool)
        contested[frame_of_pair[rivalry]] = True
        return cls(~contested[frame_of_pair], np.flatnonzero(contested), start, stop)


def choose(pairs: Pairs, score: NDArray[np.float64], spans: Spans) -> NDArray[np.bool_]:
    """The one-to-one choice of pairs in each frame with the greatest total score (Hungarian algorithm).

    Args:
        pairs: the candidates; every other pair of a frame counts as score 0 and is never chosen.
        score: (K,) their scores, > 0.
        spans: the frames.

    Returns:
        (K,) bool, True for the chosen pairs.
    """
    contest = Contest.among(pairs, spans)
    chosen = contest.free.copy()
    for frame in contest.frames:
        part = slice(contest.start[frame], contest.stop[frame])
        row, column = local(pairs[part], spans, frame)
        table = dense(row, column, score[part], spans, frame)
        chosen[part] = solve(-table, row, column)
    return chosen


def local(pairs: Pairs, spans: Spans, frame: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each pair in the frame's own table of ground truth (rows) against results (columns)."""
    return pairs.gt - spans.gt_start[frame], pairs.result - spans.result_start[frame]


def dense(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    value: NDArray[np.float64],
    spans: Spans,
    frame: int,
    *,
    empty: float = 0.0,
) -> NDArray[np.float64]:
    """The frame's full table (n, m), `empty` where there is no pair.

    The full table goes to the solver, also its empty rows, because the solver's choice between equal sums depends
    on the table's shape, and ours is to be TrackEval's.
    """
    shape = (spans.gt_stop[frame] - spans.gt_start[frame], spans.result_stop[frame] - spans.result_start[frame])
    table = np.full(shape, empty)
    table[row, column] = value
    return table


def solve(cost: NDArray[np.float64], row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the pairs (row[k], column[k]) belong to the assignment of least total cost of a table (n, m)."""
    match_row, match_column = linear_sum_assignment(cost)
    column_of_row = np.full(len(cost), -1)
    column_of_row[match_row] = match_column
    mine: NDArray[np.bool_] = column_of_row[row] == column
    return mine

"""Which ground-truth box overlaps which result, frame by frame, and the best one-to-one choice among those pairs."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from remix_track.errors import InputError
from remix_track.mot_text import MotRows

# The rounding that TrackEval forgives: an IoU of 0.5 minus this still counts as 0.5.
ROUNDING = float(np.finfo(float).eps)
_BOXES_AT_ONCE = 1 << 16
_LARGEST_FRAME = 25_000_000
_MOST_PAIRS = 20_000_000
"""In a sequence, 24 bytes each: MOT20 with 2,000 frames of 250 people has five million at most."""


@dataclass(frozen=True, slots=True, eq=False)
class CommonFrames:
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
    def of(cls, gt: MotRows, results: MotRows) -> "CommonFrames":
        """The frames that `gt` and `results`, both sorted by frame, have in common.

        Raises:
            InputError: a frame with so many boxes that its distance matrix would not fit into memory.
        """
        frame = np.intersect1d(gt.frame, results.frame)
        common = cls(
            frame,
            np.searchsorted(gt.frame, frame, "left"),
            np.searchsorted(gt.frame, frame, "right"),
            np.searchsorted(results.frame, frame, "left"),
            np.searchsorted(results.frame, frame, "right"),
        )
        boxes = (common.gt_stop - common.gt_start) * (common.result_stop - common.result_start)
        if boxes.max(initial=0) > _LARGEST_FRAME:
            worst = int(boxes.argmax())
            raise InputError(
                f"frame {frame[worst]}: {common.gt_stop[worst] - common.gt_start[worst]:,} ground-truth boxes against "
                f"{common.result_stop[worst] - common.result_start[worst]:,} results are too many to match; "
                "correct the file"
            )
        return common

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

    Raises:
        InputError: so many boxes in a frame, or so many pairs that overlap, that they would not fit into memory.
    """
    CommonFrames.of(gt, results)
    first = np.searchsorted(results.frame, gt.frame, "left")
    rivals = np.searchsorted(results.frame, gt.frame, "right") - first
    seen = np.cumsum(rivals)
    truth, found = _Edges.of(gt.tlwh), _Edges.of(results.tlwh)
    parts: list[Pairs] = []
    start = count = 0
    while start < len(gt):
        before = seen[start] - rivals[start]
        stop = max(start + 1, int(np.searchsorted(seen, before + _BOXES_AT_ONCE, "right")))
        gt_row = np.repeat(np.arange(start, stop), rivals[start:stop])
        skip = first[start:stop] - (seen[start:stop] - rivals[start:stop] - before)
        result_row = np.arange(len(gt_row)) + np.repeat(skip, rivals[start:stop])
        parts.append(_overlap(truth, found, gt_row, result_row))
        count += len(parts[-1])
        if count > _MOST_PAIRS:
            raise InputError(
                f"more than {_MOST_PAIRS:,} pairs of ground truth and results overlap up to frame "
                f"{gt.frame[stop - 1]}; correct the file that holds so many boxes at one place"
            )
        start = stop
    if not parts:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    return Pairs(*(np.concatenate([getattr(part, name) for part in parts]) for name in Pairs.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """Boxes as low and high edge along x and y, and their area, each (N,) and contiguous.

    The area is taken from the edges, not from width and height, as TrackEval 1.3.0 and motmetrics 1.4.0 do, so that
    an IoU on a threshold falls on the same side as theirs. So does the order of operations in `_overlap`.
    """

    low: tuple[NDArray[np.float64], NDArray[np.float64]]
    high: tuple[NDArray[np.float64], NDArray[np.float64]]
    area: NDArray[np.float64]

    @classmethod
    def of(cls, tlwh: NDArray[np.float64]) -> "_Edges":
        left, top, width, height = np.ascontiguousarray(tlwh.T)
        right, bottom = left + width, top + height
        return cls((left, top), (right, bottom), (right - left) * (bottom - top))


def _overlap(truth: _Edges, found: _Edges, gt_row: NDArray[np.int64], result_row: NDArray[np.int64]) -> Pairs:
    """The pairs (gt_row[k], result_row[k]) that share area, with their IoU."""
    # Boxes lie far apart more often than not, and mostly side by side: x thins the list before y is looked at.
    width = _shared_length(truth, found, gt_row, result_row, axis=0)
    beside = np.flatnonzero(width > 0)
    gt_row, result_row, width = gt_row[beside], result_row[beside], width[beside]
    height = _shared_length(truth, found, gt_row, result_row, axis=1)
    meets = np.flatnonzero(height > 0)
    gt_row, result_row, intersection = gt_row[meets], result_row[meets], width[meets] * height[meets]
    gt_area, result_area = truth.area[gt_row], found.area[result_row]
    union = gt_area + result_area - intersection
    real = (gt_area > ROUNDING) & (result_area > ROUNDING) & (union > ROUNDING) & (intersection > 0)
    return Pairs(gt_row[real], result_row[real], intersection[real] / union[real])


def _shared_length(
    truth: _Edges, found: _Edges, gt_row: NDArray[np.int64], result_row: NDArray[np.int64], axis: int
) -> NDArray[np.float64]:
    low = np.maximum(truth.low[axis][gt_row], found.low[axis][result_row])
    length: NDArray[np.float64] = np.minimum(truth.high[axis][gt_row], found.high[axis][result_row]) - low
    return length


class FrameCosts(NamedTuple):
    """One frame's table of ground truth (rows) against results (columns), and where its pairs lie in it.

    The whole table goes to the solver, also its empty rows: which of two equal sums a solver takes depends on the
    table's shape, and ours is to take TrackEval's.

    Attributes:
        frame: position of the frame in the `CommonFrames`.
        part: the frame's pairs among all pairs.
        row, column: (k,) int64 place of each of these pairs in the table.
        shape: (n, m) boxes of ground truth and results in the frame.
    """

    frame: int
    part: slice
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    shape: tuple[int, int]

    def filled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The table (n, m) with `values` (k,) at the pairs and 0 elsewhere."""
        table = np.zeros(self.shape)
        table[self.row, self.column] = values
        return table

    def solve(self, cost: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the frame's pairs (k,) belong to the assignment of least total cost of a table (n, m)."""
        match_row, match_column = linear_sum_assignment(cost)
        column_of_row = np.full(self.shape[0], -1)
        column_of_row[match_row] = match_column
        mine: NDArray[np.bool_] = column_of_row[self.row] == self.column
        return mine


@dataclass(frozen=True, slots=True, eq=False)
class AmbiguousFrames:
    """Where a one-to-one choice among pairs is more than a formality.

    In a frame where every box has one candidate at most, all pairs are chosen, whatever the scores: no assignment
    has to be solved. That is most frames at IoU 0.5.

    Attributes:
        free: (K,) bool, True for pairs of frames without rivalry.
        tables: the frames with rivalry, in time order.
        start: (F + 1,) int64; the pairs start[f]:start[f + 1] lie in frame f of the `CommonFrames`.
    """

    free: NDArray[np.bool_]
    tables: list[FrameCosts]
    start: NDArray[np.int64]

    @classmethod
    def among(cls, pairs: Pairs, common: CommonFrames) -> "AmbiguousFrames":
        """The rivalry among `pairs` in `common`."""
        start = np.append(np.searchsorted(pairs.gt, common.gt_start, "left"), len(pairs))
        rivalry = np.zeros(len(pairs), bool)
        for box in (pairs.gt, pairs.result):
            rivalry |= np.bincount(box)[box] > 1 if len(box) else False
        frame_of_pair = np.repeat(np.arange(len(common)), np.diff(start))
        contested = np.zeros(len(common), bool)
        contested[frame_of_pair[rivalry]] = True
        row, column = pairs.gt - common.gt_start[frame_of_pair], pairs.result - common.result_start[frame_of_pair]
        frames = np.flatnonzero(contested)
        height, width = common.gt_stop - common.gt_start, common.result_stop - common.result_start
        places = zip(
            *(a.tolist() for a in (frames, start[frames], start[frames + 1], height[frames], width[frames])),
            strict=True,
        )
        tables = [FrameCosts(f, slice(a, b), row[a:b], column[a:b], (n, m)) for f, a, b, n, m in places]
        return cls(~contested[frame_of_pair], tables, start)


def choose(pairs: Pairs, score: NDArray[np.float64], common: CommonFrames) -> NDArray[np.bool_]:
    """The one-to-one choice of pairs in each frame with the greatest total score (Hungarian algorithm).

    Args:
        pairs: the candidates; every other pair of a frame counts as score 0 and is never chosen.
        score: (K,) their scores, > 0.
        common: the frames.

    Returns:
        (K,) bool, True for the chosen pairs.
    """
    ambiguous = AmbiguousFrames.among(pairs, common)
    chosen = ambiguous.free.copy()
    for table in ambiguous.tables:
        chosen[table.part] = table.solve(-table.filled(score[table.part]))
    return chosen

"""Where one of two runs over the same images keeps an identity and the other changes it; no ground truth is needed.

A    1 1 1 1 . 1      frame 1 2 3 4 5 6
B    7 7 9 9   9      A keeps 1 where B changes from 7 to 9, in frame 3

Which of the two is right, only somebody who looks at the images can say: that is what the list is for.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.matching.match import match_sequence
from remix_track.eval.matching.preprocess import prepare
from remix_track.mot_text import MotRows


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """One run keeps an id, the other changes its own on the same boxes.

    Attributes:
        frame: the first frame with the new id.
        since: the last frame before it in which the boxes of both were matched.
        kept: id in the run that keeps it.
        old, new: ids in the run that changes.
        row: row of the changing run's box in `frame`, among its rows sorted by frame.
    """

    frame: int
    since: int
    kept: int
    old: int
    new: int
    row: int


@dataclass(frozen=True, slots=True)
class RunsCompared:
    """Two runs, their boxes matched frame by frame.

    Attributes:
        in_a: where B keeps an id and A changes its own, by frame.
        in_b: where A keeps an id and B changes its own, by frame.
        matched: boxes that both have.
        only_a, only_b: boxes of one without a match in the other.
    """

    in_a: tuple[IdentityChange, ...]
    in_b: tuple[IdentityChange, ...]
    matched: int
    only_a: int
    only_b: int


def compare_runs(a: MotRows, b: MotRows, frames: int) -> RunsCompared:
    """Match the boxes of two runs as CLEAR matches results to ground truth, and list the identity changes.

    A box of A and one of B match at IoU 0.5 or more; pairs of the frame before come first. Two people that swap ids in
    one run are in both lists, as neither run's id is the true one.

    Args:
        a: rows of one run; scores and classes do not count.
        b: rows of the other, numbered by the same frames.
        frames: number of frames.

    Raises:
        InputError: a frame outside 1..frames, or an id twice in a frame.
    """
    a, b = _all_count(a), _all_count(b)
    protocol = PROTOCOLS["raw"]
    match = match_sequence(prepare(a, b, PRESETS["data"], protocol, frames), protocol, frames)
    rows_a = np.flatnonzero(match.match >= 0)
    rows_b = match.match[rows_a]
    frame, ids_a, ids_b = match.gt.frame[rows_a], match.gt.id[rows_a], match.results.id[rows_b]
    return RunsCompared(
        in_a=identity_changes(frame, ids_b, ids_a, rows_a),
        in_b=identity_changes(frame, ids_a, ids_b, rows_b),
        matched=len(rows_a),
        only_a=len(match.gt) - len(rows_a),
        only_b=len(match.results) - len(rows_a),
    )


def identity_changes(
    frame: NDArray[np.int64], kept: NDArray[np.int64], changing: NDArray[np.int64], row: NDArray[np.int64]
) -> tuple[IdentityChange, ...]:
    """Where the id of one run differs from the one it had when the other run's id was last matched.

    Args:
        frame: (K,) of each matched pair of boxes.
        kept: (K,) ids in the run that is followed.
        changing: (K,) ids in the other.
        row: (K,) what `IdentityChange.row` is to be.

    Returns:
        The changes by frame.
    """
    order = np.lexsort((frame, kept))
    frame, kept, changing, row = frame[order], kept[order], changing[order], row[order]
    places = 1 + np.flatnonzero((np.diff(kept) == 0) & (np.diff(changing) != 0))
    places = places[np.argsort(frame[places], kind="stable")]
    columns = frame[places], frame[places - 1], kept[places], changing[places - 1], changing[places], row[places]
    return tuple(IdentityChange(*one) for one in zip(*(column.tolist() for column in columns), strict=True))


def _all_count(rows: MotRows) -> MotRows:
    """Scores are confidences here, of which 0 is one too, and no flags."""
    return replace(rows, score=np.ones(len(rows)))

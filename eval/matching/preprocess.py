"""Before anything is counted: rows in order, results on distractors dropped, and ground truth that does not count."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.eval.benchmarks import Protocol, Rules
from remix_track.eval.matching.pairs import ROUNDING, CommonFrames, Pairs, choose, overlapping_pairs
from remix_track.mot_text import MotRows

Split = Literal["all", "train-half", "val-half"]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What is left of a sequence to be scored.

    Attributes:
        gt: ground truth that counts, sorted by frame.
        results: results that count, sorted by frame.
        removed: results dropped because they lie on a distractor.
        pairs: pairs of `gt` and `results` with IoU > 0.
    """

    gt: MotRows
    results: MotRows
    removed: MotRows
    pairs: Pairs


def prepare(gt: MotRows, results: MotRows, rules: Rules, protocol: Protocol, frames: int) -> Prepared:
    """Apply a benchmark's rules to one sequence.

    Results are matched against *all* ground-truth rows, whatever their class or flag, by the greatest total IoU at
    IoU >= 0.5 in each frame; those matched to a distractor go. Then ground truth with flag 0 goes, and all classes
    but the person. Visibility plays no part. (TrackEval 1.3.0, MotChallenge2DBox.get_preprocessed_seq_data.)

    Raises:
        InputError: a frame outside 1..frames, an id twice in a frame, or classes that the benchmark does not have.
    """
    classes = rules.person_class if protocol.remove_distractors else None
    gt, results = _by_frame(gt), _by_frame(results)
    for rows, what in ((gt, "ground truth"), (results, "results")):
        _check(rows, what, frames)
    if classes is not None:
        _check_classes(gt, rules)
    pairs = overlapping_pairs(gt, results)
    stays = np.ones(len(results), bool)
    if classes is not None and rules.distractors:
        stays = ~_on_distractor(gt, results, pairs, rules)
    counts = (gt.score != 0) & ((gt.class_id == classes) if classes is not None else True)
    return Prepared(gt[counts], results[stays], results[~stays], _renumbered(pairs, counts, stays))


def split_rows(rows: MotRows, split: Split, frames: int) -> MotRows:
    """The rows of one half of a sequence of `frames` frames, renumbered from 1.

    `train-half` is frames 1..N//2+1, `val-half` frames N//2+2..N: the published half-val convention (CenterTrack's
    convert_mot_to_coco: 0-based 0..N//2 and N//2+1..N-1). `train` is everything.
    """
    first, last = split_range(split, frames)
    kept = rows[(rows.frame >= first) & (rows.frame <= last)]
    return MotRows(kept.frame - (first - 1), *(getattr(kept, name) for name in MotRows.__slots__[1:]))


def split_range(split: Split, frames: int) -> tuple[int, int]:
    """First and last frame (1-based, both included) of a split of a sequence of `frames` frames."""
    middle = frames // 2 + 1
    return {"all": (1, frames), "train-half": (1, min(middle, frames)), "val-half": (middle + 1, frames)}[split]


def _by_frame(rows: MotRows) -> MotRows:
    if np.all(rows.frame[1:] >= rows.frame[:-1]):
        return rows
    return rows[np.argsort(rows.frame, kind="stable")]


def _check(rows: MotRows, what: str, frames: int) -> None:
    if len(rows) and (rows.frame[0] < 1 or rows.frame[-1] > frames):
        wrong = 0 if rows.frame[0] < 1 else -1
        raise InputError(
            f"{what}, line {rows.line[wrong]}: frame {rows.frame[wrong]} is outside the sequence, 1 to {frames}; "
            "correct the file"
        )
    order = np.lexsort((rows.id, rows.frame))
    frame, ids = rows.frame[order], rows.id[order]
    twice = np.flatnonzero((frame[1:] == frame[:-1]) & (ids[1:] == ids[:-1]))
    if len(twice):
        one, other = sorted((int(rows.line[order[twice[0]]]), int(rows.line[order[twice[0] + 1]])))
        raise InputError(
            f"{what}, lines {one} and {other}: id {ids[twice[0]]} is twice in frame {frame[twice[0]]}; "
            "a person has one box per frame"
        )


def _check_classes(gt: MotRows, rules: Rules) -> None:
    unknown = np.flatnonzero(~np.isin(gt.class_id, list(rules.classes)))
    if len(unknown):
        row = unknown[0]
        raise InputError(
            f"ground truth, line {gt.line[row]}: class {gt.class_id[row]} in column 8 is none of {rules.title}'s "
            f"classes {min(rules.classes)} to {max(rules.classes)}; if column 8 is no class, use `data`"
        )


def _on_distractor(gt: MotRows, results: MotRows, pairs: Pairs, rules: Rules) -> NDArray[np.bool_]:
    close = pairs[pairs.iou >= 0.5 - ROUNDING]
    distractor = np.isin(gt.class_id, list(rules.distractors))
    # Only frames in which a result is near a distractor have anything to decide.
    close = close[np.isin(gt.frame[close.gt], gt.frame[close.gt[distractor[close.gt]]])]
    chosen = close[choose(close, close.iou, CommonFrames.of(gt, results))]
    dropped = np.zeros(len(results), bool)
    dropped[chosen.result] = distractor[chosen.gt]
    return dropped


def _renumbered(pairs: Pairs, gt_stays: NDArray[np.bool_], result_stays: NDArray[np.bool_]) -> Pairs:
    kept = pairs[gt_stays[pairs.gt] & result_stays[pairs.result]]
    return Pairs((np.cumsum(gt_stays) - 1)[kept.gt], (np.cumsum(result_stays) - 1)[kept.result], kept.iou)

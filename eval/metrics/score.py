"""The numbers of one sequence, and of several: counts add, ratios come last."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from remix_track.eval.benchmarks import Protocol, Rules
from remix_track.eval.matching.match import Match, match_sequence
from remix_track.eval.matching.preprocess import prepare
from remix_track.eval.metrics.clear import Clear, count_clear
from remix_track.eval.metrics.hota import ALPHAS, Hota, count_hota
from remix_track.eval.metrics.identity import Identity, count_identity
from remix_track.mot_text import MotRows


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is to score.

    Attributes:
        dets, gt_dets: results and ground-truth boxes that count.
        ids, gt_ids: tracks and people among them.
    """

    dets: int = 0
    gt_dets: int = 0
    ids: int = 0
    gt_ids: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Everything that is counted, of one sequence or of several; `a + b` is the score of both together."""

    clear: Clear
    identity: Identity
    hota: Hota
    counts: Counts

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.clear + other.clear,
            self.identity + other.identity,
            self.hota + other.hota,
            self.counts + other.counts,
        )


@dataclass(frozen=True, slots=True, eq=False)
class SequenceScore:
    """The score of one sequence, and the matching it was counted from."""

    score: Score
    match: Match


def score_sequence(gt: MotRows, results: MotRows, rules: Rules, protocol: Protocol, frames: int) -> SequenceScore:
    """Score one sequence.

    Args:
        gt: all rows of the ground-truth file, also those that do not count.
        results: all rows of the results file; scores and classes are not looked at.
        rules: the benchmark, from `PRESETS`.
        protocol: from `PROTOCOLS`.
        frames: number of frames of the sequence.

    Raises:
        InputError: a frame outside 1..frames, an id twice in a frame, or classes that the benchmark does not have.
    """
    match = match_sequence(prepare(gt, results, rules, protocol, frames), protocol, frames)
    counts = Counts(len(match.results), len(match.gt), len(match.track_ids), len(match.person_ids))
    return SequenceScore(Score(count_clear(match), count_identity(match), count_hota(match), counts), match)


def combine(scores: Iterable[Score]) -> Score:
    """The score of several sequences together: counts add, ratios come last, HOTA per threshold before its mean.

    Without any sequence all counts are 0 and all ratios nan.
    """
    nothing = np.zeros(len(ALPHAS))
    return sum(scores, start=Score(Clear(), Identity(), Hota(*[nothing] * len(fields(Hota))), Counts()))


def combine_by_detector(scores: Mapping[str, Score]) -> dict[str, Score]:
    """The combined score per public detector: `DPM`, `FRCNN`, `SDP`, as far as sequences are named after them."""
    groups: dict[str, list[Score]] = {}
    for name, score in scores.items():
        detector = public_detector(name)
        if detector is not None:
            groups.setdefault(detector, []).append(score)
    return {detector: combine(groups[detector]) for detector in sorted(groups)}


def public_detector(name: str) -> str | None:
    """The public detector at the end of a sequence's name (`MOT17-02-FRCNN`), or None."""
    suffix = name.rpartition("-")[2].upper()
    return suffix if suffix in {"DPM", "FRCNN", "SDP"} else None


def as_dict(score: Score) -> dict[str, float | int]:
    """The numbers under the field's names, in the order in which tables show them; ratios in percent, 0 to 100.

    A ratio without anything to divide by is nan. HOTA, DetA, AssA ... are means over the 19 thresholds.
    """
    clear, identity, hota, counts = score.clear, score.identity, score.hota, score.counts
    return {
        "MOTA": 100 * clear.mota,
        "IDF1": 100 * identity.idf1,
        "IDsw": clear.switches,
        "HOTA": _mean(hota.hota),
        "DetA": _mean(hota.deta),
        "AssA": _mean(hota.assa),
        "LocA": _mean(hota.loca),
        "MOTP": 100 * clear.motp,
        "IDP": 100 * identity.idp,
        "IDR": 100 * identity.idr,
        "FP": clear.fp,
        "FN": clear.fn,
        "TP": clear.tp,
        "MT": clear.mostly_tracked,
        "PT": clear.partly_tracked,
        "ML": clear.mostly_lost,
        "Frag": clear.fragments,
        "IDTP": identity.idtp,
        "IDFP": identity.idfp,
        "IDFN": identity.idfn,
        "DetRe": _mean(hota.detre),
        "DetPr": _mean(hota.detpr),
        "AssRe": _mean(hota.assre),
        "AssPr": _mean(hota.asspr),
        "Recall": 100 * clear.recall,
        "Precision": 100 * clear.precision,
        "Dets": counts.dets,
        "GT_Dets": counts.gt_dets,
        "IDs": counts.ids,
        "GT_IDs": counts.gt_ids,
        "Frames": clear.frames,
    }


def _mean(percent_of_one: np.ndarray) -> float:
    return math.nan if np.isnan(percent_of_one).any() else float(100 * percent_of_one.mean())

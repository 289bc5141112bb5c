"""CLEAR MOT: how many boxes were found, how many alarms were false, how often identities switched.

Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", 2008, with the
counting rules of the protocol. Counts add up over sequences; ratios come last; 0/0 is nan.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from remix_track.eval.matching.match import Match


def ratio(part: float, whole: float) -> float:
    """`part / whole`, nan where the whole is 0."""
    return part / whole if whole else math.nan


@dataclass(frozen=True, slots=True)
class Clear:
    """CLEAR counts of one sequence or of several.

    Attributes:
        tp: ground-truth boxes matched.
        fp: results matched to nothing.
        fn: ground-truth boxes missed.
        switches: matches to another track than the person's last one (IDsw).
        fragments: interruptions of a person's matches (Frag).
        mostly_tracked, partly_tracked, mostly_lost: people matched in more than 80 % (motmetrics: 80 % or more),
            20 to 80 %, less than 20 % of their boxes.
        iou_sum: sum of the IoU of all matches.
        frames: frames of the sequence. (TrackEval leaves 0 for a sequence without ground truth or results.)
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    switches: int = 0
    fragments: int = 0
    mostly_tracked: int = 0
    partly_tracked: int = 0
    mostly_lost: int = 0
    iou_sum: float = 0.0
    frames: int = 0

    def __add__(self, other: "Clear") -> "Clear":
        return Clear(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def people(self) -> int:
        """People in the ground truth."""
        return self.mostly_tracked + self.partly_tracked + self.mostly_lost

    @property
    def mota(self) -> float:
        """1 - (FN + FP + IDsw) / ground-truth boxes; below 0 where errors outnumber people."""
        return ratio(self.tp - self.fp - self.switches, self.tp + self.fn)

    @property
    def motp(self) -> float:
        """Mean IoU of the matches; motmetrics' motp is the mean distance, 1 minus this."""
        return ratio(self.iou_sum, self.tp)

    @property
    def moda(self) -> float:
        """MOTA without identity switches."""
        return ratio(self.tp - self.fp, self.tp + self.fn)

    @property
    def smota(self) -> float:
        """MOTA with each match worth its IoU."""
        return ratio(self.iou_sum - self.fp - self.switches, self.tp + self.fn)

    @property
    def motal(self) -> float:
        """MOTA with the logarithm (base 10) of the switches."""
        return ratio(self.tp - self.fp - (math.log10(self.switches) if self.switches else 0), self.tp + self.fn)

    @property
    def recall(self) -> float:
        """Share of the ground-truth boxes that are matched."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Share of the results that are matched."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision."""
        return ratio(self.tp, self.tp + 0.5 * self.fn + 0.5 * self.fp)

    @property
    def fp_per_frame(self) -> float:
        """False alarms per frame."""
        return ratio(self.fp, self.frames)


def count_clear(match: Match) -> Clear:
    """The CLEAR counts of a matched sequence."""
    tp = int(np.count_nonzero(match.match >= 0))
    matched = match.matched_per_person()
    covered = matched / match.boxes_per_person()
    tracked = covered > 0.8 if match.protocol.matching == "devkit" else covered >= 0.8
    lost = covered < 0.2
    return Clear(
        tp=tp,
        fp=len(match.results) - tp,
        fn=len(match.gt) - tp,
        switches=int(match.switch.sum()),
        fragments=int(match.fragment.sum() - np.count_nonzero(matched)),
        mostly_tracked=int(tracked.sum()),
        partly_tracked=int((~tracked & ~lost).sum()),
        mostly_lost=int(lost.sum()),
        iou_sum=float(match.iou.sum()),
        frames=match.frames,
    )

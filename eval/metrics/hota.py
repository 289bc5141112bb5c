"""HOTA: detection and association in balance, at 19 thresholds of localisation.

Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2021. Sums are kept per
threshold, so that sequences add up and ratios come last.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.matching.match import Match
from remix_track.eval.matching.pairs import ROUNDING, AmbiguousFrames, CommonFrames, Pairs, choose

ALPHAS = np.arange(0.05, 0.99, 0.05)
_Sums = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Hota:
    """HOTA sums of one sequence or of several; each array has one entry per threshold in `ALPHAS`.

    With c the pairs of boxes matched between a person and a track, g and t the boxes each of them has:

    Attributes:
        tp, fn, fp: (19,) matched pairs, ground-truth boxes and results without a match.
        iou_sum: (19,) sum of the IoU of the matched pairs.
        association_sum: (19,) sum over matched pairs of c / (g + t - c).
        recall_sum: (19,) sum over matched pairs of c / g.
        precision_sum: (19,) sum over matched pairs of c / t.

    At a threshold without any match TrackEval lets association be 0 and localisation 1, and the means over
    thresholds contain those: so here. Where no threshold has a match they are nan.
    """

    tp: _Sums
    fn: _Sums
    fp: _Sums
    iou_sum: _Sums
    association_sum: _Sums
    recall_sum: _Sums
    precision_sum: _Sums

    def __add__(self, other: "Hota") -> "Hota":
        return Hota(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def deta(self) -> _Sums:
        """(19,) DetA, detection accuracy (equation 16)."""
        return _divide(self.tp, self.tp + self.fn + self.fp)

    @property
    def detre(self) -> _Sums:
        """(19,) DetRe, detection recall."""
        return _divide(self.tp, self.tp + self.fn)

    @property
    def detpr(self) -> _Sums:
        """(19,) DetPr, detection precision."""
        return _divide(self.tp, self.tp + self.fp)

    @property
    def assa(self) -> _Sums:
        """(19,) AssA, association accuracy (equation 17)."""
        return self._per_match(self.association_sum, 0.0)

    @property
    def assre(self) -> _Sums:
        """(19,) AssRe, association recall."""
        return self._per_match(self.recall_sum, 0.0)

    @property
    def asspr(self) -> _Sums:
        """(19,) AssPr, association precision."""
        return self._per_match(self.precision_sum, 0.0)

    @property
    def loca(self) -> _Sums:
        """(19,) LocA, mean IoU of the matches."""
        return self._per_match(self.iou_sum, 1.0)

    @property
    def hota(self) -> _Sums:
        """(19,) HOTA, the geometric mean of DetA and AssA (equation 7); 0 where nothing is matched."""
        hota: _Sums = np.sqrt(self.deta * np.nan_to_num(self.assa))
        return hota

    @property
    def owta(self) -> _Sums:
        """(19,) OWTA, the geometric mean of DetRe and AssA: HOTA without regard for false alarms."""
        owta: _Sums = np.sqrt(self.detre * np.nan_to_num(self.assa))
        return owta

    def _per_match(self, total: _Sums, without: float) -> _Sums:
        if self.tp[0] == 0:
            return np.full(len(ALPHAS), np.nan)
        mean: _Sums = np.divide(total, self.tp, out=np.full(len(ALPHAS), without), where=self.tp > 0)
        return mean


def count_hota(match: Match) -> Hota:
    """The HOTA sums of a matched sequence; CLEAR's choice of pairs plays no part.

    One assignment per frame serves all thresholds: the greatest sum of IoU times the alignment of person and track
    over the whole sequence; a threshold then drops the pairs below it.
    """
    people, tracks = len(match.person_ids), len(match.track_ids)
    person_boxes, track_boxes = np.bincount(match.person, minlength=people), np.bincount(match.track, minlength=tracks)
    pairs = match.pairs
    code = match.person[pairs.gt] * max(tracks, 1) + match.track[pairs.result]
    meetings, meeting = np.unique(code, return_inverse=True)
    met_person, met_track = np.divmod(meetings, max(tracks, 1))
    whole = person_boxes[met_person] + track_boxes[met_track]
    together = np.bincount(meeting, weights=_share(pairs, match.common), minlength=len(meetings))
    alignment = together / (whole - together)
    chosen = choose(pairs, alignment[meeting] * pairs.iou, match.common)

    iou = pairs.iou[chosen]
    g, t = person_boxes[met_person], track_boxes[met_track]
    rows = [_at_threshold(alpha, iou, meeting[chosen], g, t) for alpha in ALPHAS]
    tp, iou_sum, association, recall, precision = np.array(rows).T
    return Hota(tp, len(match.gt) - tp, len(match.results) - tp, iou_sum, association, recall, precision)


def _at_threshold(
    alpha: float, iou: _Sums, meeting: NDArray[np.int64], g: NDArray[np.int64], t: NDArray[np.int64]
) -> tuple[float, ...]:
    """TP and the sums of IoU, c / (g + t - c), c / g and c / t over the matched pairs with IoU >= alpha.

    `meeting` says for each matched pair which person met which track; `g` and `t` are the boxes those have.
    """
    good = iou >= alpha - ROUNDING
    c = np.bincount(meeting[good], minlength=len(g))
    square = c * c
    return good.sum(), iou[good].sum(), (square / (g + t - c)).sum(), (square / g).sum(), (square / t).sum()


def _share(pairs: Pairs, common: CommonFrames) -> NDArray[np.float64]:
    """(K,) the IoU of each pair over all the IoU that its two boxes have with anything (1 where they have no other)."""
    ambiguous = AmbiguousFrames.among(pairs, common)
    share = (pairs.iou > ROUNDING).astype(np.float64)
    for table in ambiguous.tables:
        iou = pairs.iou[table.part]
        # Summed as a full table: numpy adds long rows in blocks, and equal scores are to stay equal.
        full = table.filled(iou)
        either = full.sum(0)[table.column] + full.sum(1)[table.row] - iou
        share[table.part] = np.where(either > ROUNDING, iou / either, 0.0)
    return share


def _divide(part: _Sums, whole: _Sums) -> _Sums:
    quotient: _Sums = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return quotient

"""Identity metrics (IDF1, IDP, IDR): the best one-to-one assignment of tracks to people over the whole sequence.

Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", 2016.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from remix_track.errors import InputError
from remix_track.eval.matching.match import Match
from remix_track.eval.metrics.clear import ratio

_LARGEST_TABLE = 100_000_000  # of 8 bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity counts of one sequence or of several.

    Attributes:
        idtp: boxes on which a person and the track assigned to it overlap at IoU >= 0.5.
        idfp: results that are not among them.
        idfn: ground-truth boxes that are not among them.
    """

    idtp: int = 0
    idfp: int = 0
    idfn: int = 0

    def __add__(self, other: "Identity") -> "Identity":
        return Identity(self.idtp + other.idtp, self.idfp + other.idfp, self.idfn + other.idfn)

    @property
    def idf1(self) -> float:
        """IDTP over the mean number of ground-truth boxes and results."""
        return ratio(self.idtp, self.idtp + 0.5 * self.idfp + 0.5 * self.idfn)

    @property
    def idp(self) -> float:
        """IDTP over results."""
        return ratio(self.idtp, self.idtp + self.idfp)

    @property
    def idr(self) -> float:
        """IDTP over ground-truth boxes."""
        return ratio(self.idtp, self.idtp + self.idfn)


def count_identity(match: Match) -> Identity:
    """The identity counts of a matched sequence; CLEAR's choice of pairs plays no part.

    Each person is assigned one track at most, and each track one person, so that the frames in which they overlap
    are as many as can be. That is the least number of IDFP + IDFN, which the paper asks for: every box not in IDTP
    is in one of them. The threshold takes no rounding (TrackEval, Identity), under `motmetrics` 1 - IoU <= 0.5.
    """
    iou = match.pairs.iou
    close = match.pairs[iou >= 0.5 if match.protocol.matching == "devkit" else 1 - iou <= 0.5]
    idtp = _most_overlap(match.person[close.gt], match.track[close.result], len(match.person_ids), len(match.track_ids))
    return Identity(idtp, len(match.results) - idtp, len(match.gt) - idtp)


def _most_overlap(person: NDArray[np.int64], track: NDArray[np.int64], people: int, tracks: int) -> int:
    """The greatest number of pairs (person[k], track[k]) that a one-to-one choice of tracks covers.

    People and tracks that never meet are solved apart: the tables stay small for any number of ids.
    """
    if not len(person):
        return 0
    meetings = coo_array((np.ones(len(person)), (person, track + people)), shape=(people + tracks,) * 2)
    meetings.sum_duplicates()
    _, group = connected_components(meetings, directed=False)
    of_meeting = group[meetings.row]
    alone = np.bincount(of_meeting)[of_meeting] == 1
    total = meetings.data[alone].sum()
    rivals = np.flatnonzero(~alone)
    order = rivals[np.argsort(of_meeting[rivals], kind="stable")]
    for part in np.split(order, np.flatnonzero(np.diff(of_meeting[order])) + 1):
        _, row = np.unique(meetings.row[part], return_inverse=True)
        _, column = np.unique(meetings.col[part], return_inverse=True)
        height, width = int(row.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1
        if height * width > _LARGEST_TABLE:
            raise InputError(
                f"{height:,} people against {width:,} tracks that overlap are too many to match; correct the ids"
            )
        table = np.zeros((height, width))
        table[row, column] = meetings.data[part]
        total += table[linear_sum_assignment(table, maximize=True)].sum()
    return int(total)

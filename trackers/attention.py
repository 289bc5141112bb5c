"""Which detections need no look: one that only its track can be, where it is expected, looked at a moment ago."""

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import iou_tlwh
from remix_track.trackers.assignment import Index

LEAST_OVERLAP = 0.5
"""IoU of a detection with the box where its track is expected. The motion gate alone is wide enough for someone else:
without this, one exchange in a drawn street of 200 frames cost 12 points of IDF1."""


def settled(
    expected_tlwh: NDArray[np.floating],
    tlwh: NDArray[np.floating],
    rows: Index,
    columns: Index,
    *,
    known: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """The detections that stand alone with a known track, as a mask (N,).

    Alone: the detection is in the motion gate of this track only, and no other detection is. One alone in a gate that
    holds others as well could be exchanged with them, and who looks like the track is then the question.

    Args:
        expected_tlwh: (T, 4) where tracks are expected.
        tlwh: (N, 4) detections.
        rows: (P,) tracks of the pairs inside the gate.
        columns: (P,) detections of these pairs.
        known: (T,) tracks that were seen in the frame before and looked at lately.
    """
    alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1) & known[rows]
    rows, columns = rows[alone], columns[alone]
    near = np.diagonal(iou_tlwh(expected_tlwh[rows], tlwh[columns])) >= LEAST_OVERLAP
    mask = np.zeros(len(tlwh), np.bool_)
    mask[columns[near]] = True
    return mask

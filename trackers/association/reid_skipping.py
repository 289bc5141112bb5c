"""Which detections need no re-identification: one that only its track can be, where it is expected, embedded lately."""

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import iou_tlwh
from remix_track.trackers.association.assignment import Index
from remix_track.trackers.association.frame_detections import FrameDetections
from remix_track.trackers.association.kalman import MotionModel
from remix_track.trackers.association.track_table import Table

LEAST_OVERLAP = 0.5
"""IoU of a detection with the box where its track is expected. The motion gate alone is wide enough for someone else:
without this, one exchange in a drawn street of 200 frames cost 12 points of IDF1."""


def ambiguous(
    tracks: Table,
    found: FrameDetections,
    motion: MotionModel,
    remembers: NDArray[np.bool_],
    noise_factor: NDArray[np.float64] | None = None,
    *,
    max_age: int,
    match_classes: bool,
) -> Index:
    """Detections of the next frame that have to be embedded, to be asked before the tracks take them.

    Args:
        tracks: T tracks after the last frame; they stay as they are.
        found: N detections; their features are not used.
        motion: the filter of the tracks.
        remembers: (T,) tracks with an appearance.
        noise_factor: (T,) of the velocity noise, as the tracks will be predicted with.
        max_age: frames after which a track has to be embedded again.
        match_classes: a track continues only with detections of its own class.
    """
    # `keep_size` is not asked for here: the gate of a track that was just lost is a little larger or smaller then.
    mean, covariance = motion.predict(tracks["mean"], tracks["covariance"], noise_factor=noise_factor)
    rows, columns, _ = motion.inside_gate(mean, covariance, found.tlwh)
    if match_classes:
        same = tracks["class_id"][rows] == found.class_id[columns]
        rows, columns = rows[same], columns[same]
    # Of the last frame: in the next one a track is a frame older.
    known = tracks["confirmed"] & (tracks["time_since_update"] == 0) & (tracks["since_embedded"] < max_age) & remembers
    size = tracks["tlwh"][:, 2:]
    expected_tlwh = np.concatenate([mean[:, 0, :2] - size / 2, size], axis=1)
    return np.flatnonzero(~unambiguous(expected_tlwh, found.tlwh, rows, columns, known=known))


def unambiguous(
    expected_tlwh: NDArray[np.floating],
    tlwh: NDArray[np.floating],
    rows: Index,
    columns: Index,
    *,
    known: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """The detections that stand alone with a known track, as a mask (N,).

    Alone: the detection is in the motion gate of this track only, and no other detection is. One alone in a gate that
    holds others as well could be exchanged with them, and which of them is the track is then the question.

    Args:
        expected_tlwh: (T, 4) where tracks are expected.
        tlwh: (N, 4) detections.
        rows: (P,) tracks of the pairs inside the gate.
        columns: (P,) detections of these pairs.
        known: (T,) tracks that were detected in the frame before and embedded lately.
    """
    alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1) & known[rows]
    rows, columns = rows[alone], columns[alone]
    near = np.diagonal(iou_tlwh(expected_tlwh[rows], tlwh[columns])) >= LEAST_OVERLAP
    mask = np.zeros(len(tlwh), np.bool_)
    mask[columns[near]] = True
    return mask

"""All tracks of one video as one array: a row per track, in the order in which they began."""

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import xyxy_from_tlwh
from remix_track.detections import Tracks
from remix_track.trackers.association.frame_detections import FrameDetections

Table = NDArray[np.void]

TRACK = np.dtype(
    [
        ("number", np.int64),  # from 1, in the order of beginning; the package's `track_id`
        ("public_id", np.int64),  # from 1, in the order of confirmation; 0 before
        ("confirmed", np.bool_),
        ("hits", np.int64),  # detections so far
        ("total_score", np.float64),  # of them
        ("best_score", np.float64),
        ("age", np.int64),  # frames so far, the first one counted
        ("time_since_update", np.int64),  # frames since the last detection; 0: detected in this frame
        ("mean", np.float64, (2, 4)),  # as `KalmanFilter` has it
        ("covariance", np.float64, (3, 4)),
        ("innovation", np.float64, (3, 4)),  # as `with_innovation` keeps it; zeros where nothing adapts
        ("noise_factor", np.float64),  # of the velocity noise; 1 where nothing adapts
        ("lag", np.float64, 4),  # pixels (tlwh) that this frame's box is drawn towards its detection; 0: coasting
        ("since_embedded", np.int64),  # frames since the last detection with an appearance
        ("memory", np.intp),  # row in the appearance memory
        ("class_id", np.int64),  # of the last detection
        ("detection", np.int64),  # row of this frame's `FrameDetections`; -1: coasting
        ("score", np.float32),  # nan: coasting
        ("tlwh", np.float32, 4),  # the last detection's box
    ]
)


def age_by_a_frame(tracks: Table) -> None:
    """Count one frame more, in which nothing was detected so far."""
    tracks["age"] += 1
    tracks["time_since_update"] += 1
    tracks["since_embedded"] += 1
    tracks["detection"] = -1
    tracks["lag"] = 0
    tracks["score"] = np.nan


def note_detections(tracks: Table, rows: NDArray[np.intp], found: FrameDetections, columns: NDArray[np.intp]) -> None:
    """Write down for the tracks at `rows` which detections (`columns` of `found`) are theirs in this frame."""
    tracks["hits"][rows] += 1
    tracks["total_score"][rows] += found.score[columns]
    tracks["best_score"][rows] = np.maximum(tracks["best_score"][rows], found.score[columns])
    tracks["time_since_update"][rows] = 0
    tracks["since_embedded"][rows[found.has_feature[columns]]] = 0
    tracks["class_id"][rows] = found.class_id[columns]
    tracks["detection"][rows] = columns
    tracks["score"][rows] = found.score[columns]
    tracks["tlwh"][rows] = found.tlwh[columns]


def detected(tracks: Table) -> Table:
    """A copy of the tracks, confirmed or not, that have a detection in this frame."""
    now: Table = tracks[tracks["detection"] >= 0]
    return now


def reported(
    tracks: Table, expected_tlwh: NDArray[np.floating], found: FrameDetections, *, max_coast: int, detector_box: bool
) -> Tracks:
    """The confirmed tracks detected at most `max_coast` frames ago that stand somewhere; arrays of the caller's own.

    Args:
        tracks: T tracks after a frame.
        expected_tlwh: (T, 4) their boxes by the motion model.
        found: the frame's N detections.
        max_coast: frames.
        detector_box: report the detector's box where there is one.
    """
    chosen = tracks["confirmed"] & (tracks["time_since_update"] <= max_coast)
    here = tracks["detection"] >= 0
    chosen &= _stands(expected_tlwh) | here
    measured = here & ((expected_tlwh[:, 2:] <= 0).any(axis=1) | detector_box)
    tlwh = np.where(measured[:, None], tracks["tlwh"], expected_tlwh)[chosen]
    column, here = tracks["detection"][chosen], here[chosen]
    row, feature = np.full(len(column), -1), np.zeros((len(column), found.feature.shape[1]), np.float32)
    row[here], feature[here] = found.row[column[here]], found.feature[column[here]]
    return Tracks(
        ids=tracks["public_id"][chosen],
        xyxy=xyxy_from_tlwh(tlwh).astype(np.float32),
        score=tracks["score"][chosen],
        class_id=tracks["class_id"][chosen],
        detection=row,
        embedding=feature if feature.shape[1] else None,
    )


def expected(tracks: Table, tlwh: NDArray[np.floating], width: int, *, max_coast: int) -> Tracks:
    """The same tracks in a frame that is passed over, where they are expected.

    Args:
        tracks: T tracks after the last frame that was detected in.
        tlwh: (T, 4) where they are expected.
        width: of appearance vectors; 0: there are none.
        max_coast: frames.
    """
    chosen = tracks["confirmed"] & (tracks["time_since_update"] <= max_coast) & _stands(tlwh)
    count = int(chosen.sum())
    return Tracks(
        ids=tracks["public_id"][chosen],
        xyxy=xyxy_from_tlwh(tlwh[chosen]).astype(np.float32),
        score=tracks["score"][chosen],
        class_id=tracks["class_id"][chosen],
        detection=np.full(count, -1),
        embedding=np.zeros((count, width), np.float32) if width else None,
    )


def _stands(tlwh: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Boxes with an area: a prediction can shrink through zero, of a person last detected half hidden."""
    return np.asarray(np.isfinite(tlwh).all(axis=1) & (tlwh[:, 2:] > 0).all(axis=1))

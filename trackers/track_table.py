"""All tracks of one video as one array: a row per track, in the order in which they began."""

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.measurements import Measurements

Table = NDArray[np.void]

TRACK = np.dtype(
    [
        ("number", np.int64),  # from 1, in the order of beginning; the package's `track_id`
        ("public_id", np.int64),  # from 1, in the order of confirmation; 0 before
        ("confirmed", np.bool_),
        ("hits", np.int64),  # detections so far
        ("age", np.int64),  # frames so far, the first one counted
        ("time_since_update", np.int64),  # frames since the last detection; 0: seen in this frame
        ("mean", np.float64, (2, 4)),  # as `BatchedKalmanFilter` has it
        ("covariance", np.float64, (3, 4)),
        ("since_look", np.int64),  # frames since the last detection with an appearance
        ("gallery", np.intp),  # row in `Galleries`
        ("class_id", np.int64),  # of the last detection
        ("detection", np.int64),  # row of this frame's `Detections`; -1: coasting
        ("score", np.float32),  # nan: coasting
        ("tlwh", np.float32, 4),  # the last detection's box
    ]
)


def age_by_a_frame(tracks: Table) -> None:
    """Count one frame more, in which nothing was seen so far."""
    tracks["age"] += 1
    tracks["time_since_update"] += 1
    tracks["since_look"] += 1
    tracks["detection"] = -1
    tracks["score"] = np.nan


def note_detections(tracks: Table, rows: NDArray[np.intp], found: Measurements, columns: NDArray[np.intp]) -> None:
    """Write down for the tracks at `rows` which detections (`columns` of `found`) are theirs in this frame."""
    tracks["hits"][rows] += 1
    tracks["time_since_update"][rows] = 0
    tracks["since_look"][rows[found.has_feature[columns]]] = 0
    tracks["class_id"][rows] = found.class_id[columns]
    tracks["detection"][rows] = found.row[columns]
    tracks["score"][rows] = found.score[columns]
    tracks["tlwh"][rows] = found.tlwh[columns]


def sighted(tracks: Table) -> Table:
    """A copy of the tracks, confirmed or not, that have a detection in this frame."""
    now: Table = tracks[tracks["detection"] >= 0]
    return now


def shown(tracks: Table, *, max_coast: int) -> Table:
    """The confirmed tracks seen at most `max_coast` frames ago that stand somewhere."""
    last: Table = tracks[tracks["confirmed"] & (tracks["time_since_update"] <= max_coast)]
    if not max_coast:
        return last
    ratio, height = last["mean"][:, 0, 2], last["mean"][:, 0, 3]
    # A prediction can shrink through zero: a person who was last seen half hidden behind something.
    stands = np.isfinite(last["mean"][:, 0]).all(axis=1) & (ratio * height > 0) & (height > 0)
    standing: Table = last[stands | (last["time_since_update"] == 0)]
    return standing

"""The tracks of one video from frame to frame: predicted, matched, corrected, begun and ended."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.assignment import Assigned, Index
from remix_track.trackers.association import Limits, associate
from remix_track.trackers.attention import settled
from remix_track.trackers.gallery import Galleries
from remix_track.trackers.measurements import Measurements
from remix_track.trackers.motion import BatchedKalmanFilter
from remix_track.trackers.track_table import TRACK, Table, age_by_a_frame, note_detections


class CascadeTracker:
    """deep-sort-realtime's `Tracker`, with all tracks in one array.

    It gives the answers of the package's tracker: the same ids, states and counts, and boxes that differ by rounding
    only (tests run both side by side). It is no subclass of it, as every method of that class walks over a list of
    `Track` objects, and none would be left; the Kalman filter, which is arithmetic, is one.

    Differs from the package: a feature enters its track's gallery once (unless `gallery="released"`); `n_init = 1`
    confirms at once; a track that is confirmed gets a public id; classes and pairs without an appearance are respected.

    Attributes:
        tracks: the live tracks, an array of `track_table.TRACK`.
        galleries: what they remember.
    """

    def __init__(
        self, limits: Limits, *, n_init: int, budget: int | None, gallery: Literal["fixed", "released"]
    ) -> None:
        """Start without tracks.

        Args:
            limits: how far apart a track and its detection may be.
            n_init: frames in a row with a detection before a track is confirmed.
            budget: vectors kept per track; None keeps all.
            gallery: "released" repeats vectors as deep-sort-realtime 1.3.2 does.
        """
        self.tracks: Table = np.empty(0, TRACK)
        self.galleries = Galleries(budget)
        self._kalman = BatchedKalmanFilter()
        self._limits = limits
        self._n_init = n_init
        self._repeat_newest = gallery == "released"
        self._begun = self._named = 0

    def update(self, found: Measurements) -> None:
        """Take the detections of the next frame (also of a frame without any)."""
        tracks = self.tracks
        age_by_a_frame(tracks)
        self._predict()
        rows, columns, fresh = self._associate(found)
        if self._repeat_newest:
            self.galleries.repeat_newest(tracks["gallery"][tracks["confirmed"]])
        self._correct(rows, found, columns)
        self._end()
        if len(fresh):
            self._begin(found, fresh)
        self._name()

    def end_all(self) -> None:
        """End every track; numbers and ids go on, none is given twice."""
        self.galleries.close(self.tracks["gallery"])
        self.tracks = self.tracks[:0].copy()

    def unsettled(self, found: Measurements, refresh: int) -> Index:
        """Rows of the next frame's detections that have to be looked at, to be asked before `update`.

        Args:
            found: N detections; their features are not used.
            refresh: frames after which a track has to be looked at again.
        """
        tracks = self.tracks.copy()
        age_by_a_frame(tracks)
        mean, covariance = self._kalman.predict(tracks["mean"], tracks["covariance"])
        rows, columns, _ = self._kalman.gating_distance(mean, covariance, self._measured(found, np.arange(len(found))))
        if self._limits.match_classes:
            same = tracks["class_id"][rows] == found.class_id[columns]
            rows, columns = rows[same], columns[same]
        known = tracks["confirmed"] & (tracks["time_since_update"] == 1) & (tracks["since_look"] <= refresh)
        known &= self.galleries.sizes(tracks["gallery"]) > 0
        size = tracks["tlwh"][:, 2:]
        expected_tlwh = np.concatenate([mean[:, 0, :2] - size / 2, size], axis=1)
        return np.flatnonzero(~settled(expected_tlwh, found.tlwh, rows, columns, known=known))

    def _predict(self) -> None:
        tracks = self.tracks
        tracks["mean"], tracks["covariance"] = self._kalman.predict(tracks["mean"], tracks["covariance"])

    def _associate(self, found: Measurements) -> Assigned:
        return associate(self.tracks, found, self._kalman, self.galleries, self._limits)

    def _measured(self, found: Measurements, columns: Index) -> NDArray[np.floating]:
        """The filter's measurements (C, 4)."""
        return found.xyah[columns]

    def _correct(self, rows: Index, found: Measurements, columns: Index) -> None:
        tracks = self.tracks
        tracks["mean"][rows], tracks["covariance"][rows] = self._kalman.update(
            tracks["mean"][rows], tracks["covariance"][rows], self._measured(found, columns)
        )
        self._note(rows, found, columns)

    def _begin(self, found: Measurements, columns: Index) -> None:
        fresh = np.zeros(len(columns), TRACK)
        fresh["number"] = self._begun + 1 + np.arange(len(columns))
        fresh["age"] = 1
        fresh["mean"], fresh["covariance"] = self._kalman.initiate(self._measured(found, columns))
        fresh["gallery"] = self.galleries.open(len(columns))
        self._begun += len(columns)
        rows = len(self.tracks) + np.arange(len(columns))
        self.tracks = np.concatenate([self.tracks, fresh])
        self._note(rows, found, columns)

    def _note(self, rows: Index, found: Measurements, columns: Index) -> None:
        tracks = self.tracks
        note_detections(tracks, rows, found, columns)
        tracks["confirmed"][rows] |= tracks["hits"][rows] >= self._n_init
        seen = found.has_feature[columns]
        self.galleries.add(tracks["gallery"][rows[seen]], found.feature[columns[seen]])

    def _end(self) -> None:
        missed = self.tracks["time_since_update"]
        lives = (missed == 0) | (self.tracks["confirmed"] & (missed <= self._limits.max_age))
        if not lives.all():
            self.galleries.close(self.tracks["gallery"][~lives])
            self.tracks = self.tracks[lives]

    def _name(self) -> None:
        nameless = np.flatnonzero(self.tracks["confirmed"] & (self.tracks["public_id"] == 0))
        self.tracks["public_id"][nameless] = self._named + 1 + np.arange(len(nameless))
        self._named += len(nameless)

"""The remix tracker from frame to frame: what Deep SORT's tracker does, with other motion, memory and association."""

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.assignment import Assigned, Index
from remix_track.trackers.association import Limits
from remix_track.trackers.association_settings import AssociationSettings
from remix_track.trackers.cascade_tracker import CascadeTracker
from remix_track.trackers.looks import Looks
from remix_track.trackers.measurements import Measurements
from remix_track.trackers.mixed_association import MixedLimits, associate_mixed
from remix_track.trackers.size_motion import SizeFilter, move, xywh_from_tlwh


class RemixTracker(CascadeTracker):
    """`CascadeTracker` with the remix tracker's parts; tracks are begun, confirmed, named and ended in the same way."""

    def __init__(
        self,
        limits: Limits,
        options: AssociationSettings,
        *,
        sure: float,
        n_init: int,
        budget: int | None,
        frames_apart: float,
    ) -> None:
        """Start without tracks.

        Args:
            limits: how far apart a track and its detection may be.
            options: the parts.
            sure: score from which on a detection may begin a track.
            n_init: frames in a row with a detection before a track is confirmed.
            budget: vectors kept per track; None keeps all.
            frames_apart: how many frames at 30 fps pass from one frame to the next.
        """
        super().__init__(limits, n_init=n_init, budget=budget, gallery="fixed")
        self.galleries: Looks = Looks(options.looks, budget, options.mean_momentum)
        self._kalman: SizeFilter = SizeFilter(frames_apart if options.rate_noise else 1.0)
        self._options = options
        self._mixed = MixedLimits(
            sure=sure,
            max_cosine_distance=limits.max_cosine_distance,
            max_iou_distance=limits.max_iou_distance,
            max_low_iou_distance=options.max_low_iou_distance,
            max_motion_age=limits.max_motion_age,
            look_weight=options.look_weight,
            look_reach=options.look_reach,
            match_classes=limits.match_classes,
        )

    def move(self, warp: NDArray[np.float64]) -> None:
        """Move all tracks as the camera's motion (2, 3) since the last frame moved the picture; before `update`."""
        tracks = self.tracks
        tracks["mean"], tracks["covariance"] = move(tracks["mean"], tracks["covariance"], warp)

    def _predict(self) -> None:
        if self._options.keep_size:
            self.tracks["mean"][self.tracks["time_since_update"] > 1, 1, 2:] = 0
        super()._predict()

    def _associate(self, found: Measurements) -> Assigned:
        return associate_mixed(self.tracks, found, self._kalman, self.galleries, self._mixed)

    def _measured(self, found: Measurements, columns: Index) -> NDArray[np.floating]:
        return xywh_from_tlwh(found.tlwh[columns])

    def _correct(self, rows: Index, found: Measurements, columns: Index) -> None:
        if not self._options.score_noise:
            super()._correct(rows, found, columns)
            return
        tracks = self.tracks
        tracks["mean"][rows], tracks["covariance"][rows] = self._kalman.update_by_score(
            tracks["mean"][rows], tracks["covariance"][rows], self._measured(found, columns), found.score[columns]
        )
        self._note(rows, found, columns)

"""The remix tracker: Deep SORT's setting-up and bookkeeping around other motion, memory and association."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remix_track.detections import Detections
from remix_track.trackers.association_settings import AssociationSettings
from remix_track.trackers.deep_sort import REFERENCE_FPS, DeepSort, DeepSortSettings
from remix_track.trackers.measurements import Measurements
from remix_track.trackers.track_table import Table

if TYPE_CHECKING:
    from remix_track.trackers.association import Limits
    from remix_track.trackers.cascade_tracker import CascadeTracker


def associator(settings: DeepSortSettings, options: AssociationSettings, *, fps: float) -> DeepSort:
    """The tracker that `options.tracker` names."""
    return DeepSort(settings, fps=fps) if options.tracker == "deep-sort" else Remix(settings, options, fps=fps)


def least_score(settings: DeepSortSettings, options: AssociationSettings) -> float:
    """The lowest score of detections that the tracker uses."""
    sure, low = settings.min_confidence, options.low_score
    return sure if options.tracker == "deep-sort" or low is None else min(low, sure)


class Remix(DeepSort):
    """Tracks people; call `update` on every frame of one video, in order, also on those without detections.

    Deep SORT's settings mean the same here, but for three: `min_confidence` is the score from which on a detection
    begins tracks and is compared by look; lower ones, from `low_score` on, only continue them. Tracks are found again
    by motion for `max_motion_age`. `gallery` has no meaning.
    """

    def __init__(
        self,
        settings: DeepSortSettings | None = None,
        options: AssociationSettings | None = None,
        *,
        fps: float = REFERENCE_FPS,
    ) -> None:
        """Start without tracks.

        Args:
            settings: shared with Deep SORT; None is the defaults.
            options: the parts of this tracker; None is the defaults.
            fps: frames per second as `update` will see them (after a stride).

        Raises:
            InputError: `fps` is not a positive number.
        """
        self._options = options or AssociationSettings(tracker="remix")
        super().__init__(settings, fps=fps)

    def move(self, camera: NDArray[np.float64]) -> None:
        """Tell how the camera moved since the last frame, before that frame's `update`.

        Args:
            camera: (2, 3) partial affine map from the last frame's pixels to this one's, see `CameraMotion`.
        """
        self._remix.move(camera)

    def _begin(self, limits: "Limits") -> "CascadeTracker":
        from remix_track.trackers.remix_tracker import RemixTracker

        chosen = self._settings
        self._remix = RemixTracker(
            limits,
            self._options,
            sure=chosen.min_confidence,
            n_init=chosen.n_init,
            budget=chosen.nn_budget,
            frames_apart=1 / self._per_reference_frame,
        )
        return self._remix

    def _default_motion_age(self) -> int:
        return self._settings.max_age

    @property
    def least_score(self) -> float:
        """Detections below it are not used."""
        return least_score(self._settings, self._options)

    def _measured(self, detections: Detections, embedding: NDArray[np.float32] | None) -> Measurements:
        found = super()._measured(detections, embedding)
        # People half hidden have low scores, and their vectors are those of who hides them.
        sure = found.score >= self._settings.min_confidence
        return dataclasses.replace(found, has_feature=found.has_feature & sure)

    def _predicted_tlwh(self, people: Table) -> NDArray[np.floating]:
        from remix_track.trackers.size_motion import tlwh_from_xywh

        return tlwh_from_xywh(people["mean"][:, 0])

"""Which detection continues which track: Deep SORT's cascade and IoU stage, on deep-sort-realtime's classes.

Imported by `DeepSort` when it starts, not before: the package brings scipy, which a `--help` does not need.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from deep_sort_realtime.deep_sort.linear_assignment import INFTY_COST, min_cost_matching
from deep_sort_realtime.deep_sort.track import Track, TrackState
from deep_sort_realtime.deep_sort.tracker import Tracker
from numpy.typing import NDArray

from remix_track.boxes import iou_tlwh
from remix_track.trackers.gallery import Gallery
from remix_track.trackers.motion import GATE, squared_mahalanobis, xyah_from_tlwh

Costs = NDArray[np.float64]
Matches = list[tuple[int, int]]


class PersonTrack(Track):  # type: ignore[misc]
    """The package's track with its own gallery, and a public id that is given at confirmation (0 before)."""

    def __init__(self, *state: Any, budget: int | None, feature: NDArray[np.float32], **detection: Any) -> None:
        super().__init__(*state, **detection)
        self.public_id = 0
        self.gallery = Gallery(budget)
        self._remember(feature)
        if self._n_init == 1:  # the package looks at the count in update() only, one frame late for n_init = 1
            self.state = TrackState.Confirmed

    def update(self, kf: Any, detection: Any) -> None:
        """Continue with a detection: filter, counts, and the gallery."""
        super().update(kf, detection)
        self._remember(self.features.pop())

    def _remember(self, feature: NDArray[np.float32]) -> None:
        if feature.any():
            self.gallery.add(feature)


class CascadeTracker(Tracker):  # type: ignore[misc]
    """The package's tracker with costs of ours: appearance where both sides have one, else motion; class respected.

    Appearance and motion are judged for the whole frame at once, before the cascade, and the costly comparison with
    the galleries is made only where the motion gate lets a pair through.
    """

    def __init__(
        self,
        *,
        max_cosine_distance: float,
        max_iou_distance: float,
        max_age: int,
        max_motion_age: int,
        n_init: int,
        budget: int | None,
        gallery: Literal["fixed", "released"],
        match_classes: bool,
    ) -> None:
        track = partial(PersonTrack, budget=budget)
        self.tracks: list[PersonTrack] = []
        super().__init__(None, max_iou_distance, max_age, n_init, override_track_class=track)
        self._max_cosine_distance = max_cosine_distance
        self._max_motion_age = max_motion_age
        self._repeat_newest = gallery == "released"
        self._match_classes = match_classes
        self._next_public_id = 1

    def update(self, detections: Sequence[Any], today: None = None) -> None:
        """Match, correct, start and end tracks (to be called after `predict`, on every frame).

        Differs from the package: a feature enters its track's gallery once (unless `gallery="released"`), and a track
        that is confirmed gets the next public id.
        """
        matches, missed, fresh = self._match(detections)
        if self._repeat_newest:
            for track in self.tracks:
                if track.is_confirmed():
                    track.gallery.repeat_newest()
        for row, column in matches:
            self.tracks[row].update(self.kf, detections[column])
        for row in missed:
            self.tracks[row].mark_missed()
        for column in fresh:
            self._initiate_track(detections[column])
        self.tracks = [track for track in self.tracks if not track.is_deleted()]
        self._give_public_ids()

    def _give_public_ids(self) -> None:
        for track in self.tracks:
            if track.is_confirmed() and track.public_id == 0:
                track.public_id = self._next_public_id
                self._next_public_id += 1

    def _match(self, detections: Sequence[Any]) -> tuple[Matches, list[int], list[int]]:
        """Cascade by appearance, cascade by motion for pairs without, then IoU (Deep SORT, listing 1 and after)."""
        fresh = list(range(len(detections)))
        if not self.tracks or not fresh:
            return [], list(range(len(self.tracks))), fresh
        appearance, motion, overlap = self._costs(detections)
        ages = {i: track.time_since_update for i, track in enumerate(self.tracks) if track.is_confirmed()}
        ages = {i: age for i, age in ages.items() if age <= self.max_age}
        by_appearance, fresh = _cascade(appearance, self._max_cosine_distance, ages, fresh)
        taken = {track for track, _ in by_appearance}
        recent = {i: age for i, age in ages.items() if i not in taken and age <= self._max_motion_age}
        by_motion, fresh = _cascade(motion, GATE, recent, fresh)
        taken |= {track for track, _ in by_motion}
        current = [i for i, track in enumerate(self.tracks) if i not in taken and track.time_since_update == 1]
        by_overlap, _, fresh = _assign(overlap, self.max_iou_distance, current, fresh)
        matches = by_appearance + by_motion + by_overlap
        missed = sorted(set(range(len(self.tracks))) - {track for track, _ in matches})
        return matches, missed, list(fresh)

    def _costs(self, detections: Sequence[Any]) -> tuple[Costs, Costs, Costs]:
        """Costs (T, N) of appearance, motion and overlap; INFTY_COST where a pair is out of the question."""
        tlwh = np.stack([detection.ltwh for detection in detections])
        distance = squared_mahalanobis(self.kf, self.tracks, xyah_from_tlwh(tlwh))
        same_class = self._same_class(detections)
        possible = same_class & (distance <= GATE)
        seen = np.array([bool(detection.feature.any()) for detection in detections])
        remembered = np.array([len(track.gallery) > 0 for track in self.tracks])
        comparable = remembered[:, None] & seen[None]
        motion = np.where(possible & ~comparable, distance, INFTY_COST)
        boxes = np.stack([track.to_ltwh() for track in self.tracks])
        overlap = np.where(same_class, 1.0 - iou_tlwh(boxes, tlwh), INFTY_COST)
        return self._appearance(detections, possible & comparable), motion, overlap

    def _appearance(self, detections: Sequence[Any], asked: NDArray[np.bool_]) -> Costs:
        cost = np.full(asked.shape, INFTY_COST)
        for row, track in enumerate(self.tracks):
            columns = np.flatnonzero(asked[row]).tolist()
            if columns and track.is_confirmed():
                cost[row, columns] = track.gallery.distances(np.stack([detections[i].feature for i in columns]))
        return cost

    def _same_class(self, detections: Sequence[Any]) -> NDArray[np.bool_]:
        if not self._match_classes:
            return np.ones((len(self.tracks), len(detections)), np.bool_)
        tracked = np.array([track.det_class for track in self.tracks])
        found = np.array([detection.class_name for detection in detections])
        return np.asarray(tracked[:, None] == found[None], np.bool_)


def _cascade(cost: Costs, limit: float, ages: dict[int, int], free: list[int]) -> tuple[Matches, list[int]]:
    """Match the tracks missed for the shortest time first; gives the matches and the detections left over."""
    matches: Matches = []
    for age in sorted(set(ages.values())):
        found, _, free = _assign(cost, limit, [track for track, its_age in ages.items() if its_age == age], free)
        matches += found
    return matches, free


def _assign(cost: Costs, limit: float, rows: list[int], columns: list[int]) -> tuple[Matches, list[int], list[int]]:
    def part(_tracks: None, _detections: None, rows: list[int], columns: list[int]) -> Costs:
        return cost[np.ix_(rows, columns)]

    matches, left_rows, left_columns = min_cost_matching(part, limit, None, None, rows, columns)
    return matches, left_rows, left_columns

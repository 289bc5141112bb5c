"""Frames in which nothing is detected, `--detect-every`: where people are between two detections.

The tracker takes the frames that are detected in, as with a stride. In those between it follows the camera and says
where people are expected. Of a file they wait for the next detections: boxes move evenly from the ones to the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xywh, tlwh_from_xyxy, xywh_from_tlwh, xyxy_from_tlwh
from remix_track.detections import Detections, Tracks
from remix_track.trackers.association.camera_motion import Warp
from remix_track.trackers.frame import Frame, TrackedFrame
from remix_track.trackers.linking.finished_video import FinishedVideo
from remix_track.trackers.settings import MOST_BETWEEN
from remix_track.trackers.tracker import Tracker

DETECTIONS_PER_SECOND = 12.0
"""What `auto` comes near to: people who walk go on a tenth of their width from one to the next."""


def detect_every(setting: int | Literal["auto"], fps: float) -> int:
    """Of how many frames one is detected in, at so many frames per second."""
    return min(max(1, round(fps / DETECTIONS_PER_SECOND)), MOST_BETWEEN) if setting == "auto" else setting


def passing_over(frames: Iterator[Frame], every: int) -> Iterator[Frame]:
    """The same frames, of which the first and then each `every`-th one is to be detected in."""
    count, shape = 0, None
    for frame in frames:
        # Nothing is known of people in images of another size.
        count, shape = 0 if frame.image.shape != shape else count, frame.image.shape
        yield replace(frame, detect=False) if count % every else frame
        count += 1


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a frame lies between two that were detected in.

    Attributes:
        before, after: indices of the two.
        share: of the way from the one to the other, 0..1.
        from_before, from_after: (2, 3) maps from their pixels to those of this frame.
    """

    before: int
    after: int
    share: float
    from_before: Warp
    from_after: Warp

    def tracks(self, before: Tracks, after: Tracks) -> Tracks:
        """Tracks that are in both frames, interpolated; scores too, and no appearance."""
        _, rows, columns = np.intersect1d(before.ids, after.ids, return_indices=True)
        order = np.argsort(rows)
        rows, columns = rows[order], columns[order]
        begin, end = _moved(before.xyxy[rows], self.from_before), _moved(after.xyxy[columns], self.from_after)
        count, shares = len(rows), (1 - self.share, self.share)
        return Tracks(
            ids=before.ids[rows],
            xyxy=(shares[0] * begin + shares[1] * end).astype(np.float32),
            score=shares[0] * before.score[rows] + shares[1] * after.score[columns],
            class_id=before.class_id[rows],
            detection=np.full(count, -1),
            embedding=None if before.embedding is None else np.zeros((count, before.embedding.shape[1]), np.float32),
        )


class _Waiting(NamedTuple):
    """A frame that was passed over: who is expected in it, and the map from the last detected frame's pixels."""

    frame: Frame
    expected: Tracks
    from_before: Warp


class BetweenDetections:
    """A tracker on a source of which every N-th frame is detected in; tracks come for all of them, in order.

    Attributes:
        places: of the frames passed over, by index, if `keep_places`.
    """

    def __init__(self, tracker: Tracker, every: int, *, hold: bool, keep_places: bool = False) -> None:
        """Begin.

        Args:
            tracker: of the frames that are detected in, at their rate.
            every: N; with 1 nothing is ever passed over.
            hold: the frames passed over wait for the next detections; else they come at once, as they are expected.
            keep_places: for those who know only in the end where people were.
        """
        self._tracker, self._every, self._hold, self._keep = tracker, every, hold, keep_places
        self.places: dict[int, Place] = {}
        self._waiting: list[_Waiting] = []
        self._before: TrackedFrame | None = None
        self._passed = 0
        self._camera = np.eye(2, 3)

    def update(self, frame: Frame, detections: Detections, camera: Warp | None = None) -> list[TrackedFrame]:
        """Take the next frame; what can be said now, of this frame and of those that waited for it.

        Args:
            frame: with its image; an empty one where there is none.
            detections: in it; not looked at where it is passed over.
            camera: see `Tracker.update`.
        """
        if frame.detect:
            tracks = self._tracker.update(detections, frame.image, camera)
            self._note(self._tracker.warp)
            now = _tracked(frame, tracks)
            ready = [*self._filled(now), now]
            self._before, self._passed, self._camera = now, 0, np.eye(2, 3)
            return ready
        self._passed += 1
        expected = self._tracker.pass_over(frame.image, camera, ahead=self._passed / self._every)
        self._note(self._tracker.warp)
        if not self._hold:
            return [_tracked(frame, expected)]
        self._waiting.append(_Waiting(frame, expected, self._camera))
        return []

    def rest(self) -> list[TrackedFrame]:
        """What waits for detections that do not come: people as they were expected."""
        waiting, self._waiting = self._waiting, []
        if self._keep and self._before is not None:
            last = self._before.index
            for one in waiting:
                self.places[one.frame.index] = Place(last, last, 0.0, one.from_before, one.from_before)
        return [_tracked(one.frame, one.expected) for one in waiting]

    def end_tracks(self) -> list[TrackedFrame]:
        """End every track, as `Tracker.end_tracks`, and begin anew; the frames that waited."""
        self._tracker.end_tracks()
        waited, self._before = self.rest(), None
        return waited

    def completed(self, video: FinishedVideo) -> FinishedVideo:
        """A video of the frames that were detected in, with the tracks of those that were passed over."""
        between = {
            index: place.tracks(video.tracks(place.before), video.tracks(place.after))
            for index, place in self.places.items()
        }
        return video.completed(between)

    def _note(self, warp: Warp | None) -> None:
        if warp is not None:
            self._camera = _after(self._camera, warp)

    def _filled(self, now: TrackedFrame) -> list[TrackedFrame]:
        if self._before is None:
            return self.rest()
        waiting, self._waiting = self._waiting, []
        back = _inverse(self._camera)
        filled = []
        for one in waiting:
            share = (one.frame.index - self._before.index) / (now.index - self._before.index)
            from_after = _after(back, one.from_before)
            place = Place(self._before.index, now.index, share, one.from_before, from_after)
            if self._keep:
                self.places[one.frame.index] = place
            filled.append(_tracked(one.frame, place.tracks(self._before.tracks, now.tracks)))
        return filled


def _tracked(frame: Frame, tracks: Tracks) -> TrackedFrame:
    return TrackedFrame(frame.index, frame.image, frame.time, tracks, frame.utc)


def _after(first: Warp, second: Warp) -> Warp:
    """The map (2, 3) of one after the other."""
    whole: NDArray[np.float64] = second[:, :2] @ first
    whole[:, 2] += second[:, 2]
    return whole


def _inverse(warp: Warp) -> Warp:
    """The map (2, 3) that leads back."""
    turn = np.linalg.inv(warp[:, :2])
    return np.concatenate([turn, -turn @ warp[:, 2:]], axis=1)


def _moved(xyxy: NDArray[np.float32], warp: Warp) -> NDArray[np.float64]:
    """Boxes (N, 4) as the camera's motion (2, 3) moves their centres and scales their sides."""
    xywh = np.asarray(xywh_from_tlwh(tlwh_from_xyxy(xyxy.astype(np.float64))), np.float64)
    xywh[:, :2] = xywh[:, :2] @ warp[:, :2].T + warp[:, 2]
    xywh[:, 2:] *= np.sqrt(abs(np.linalg.det(warp[:, :2])))
    return np.asarray(xyxy_from_tlwh(tlwh_from_xywh(xywh)), np.float64)

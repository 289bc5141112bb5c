"""What can be told of a video after its end: who was lost and found, and where they were in between."""

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xywh, xywh_from_tlwh, xyxy_from_tlwh
from remix_track.detections import Tracks
from remix_track.trackers.association.track_table import Table
from remix_track.trackers.linking.frame_borders import crossed_sides
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.linking.tracklets import BOX, Boxes, tracklets_of, unit


class TrackBook:
    """Every box of a video with its track, and the sum of each track's looks; pictures and vectors are not kept.

    A track that leaves the picture at a side and comes back is written down in parts.
    """

    def __init__(self, fps: float) -> None:
        """Begin empty.

        Args:
            fps: frames per second, as they come.
        """
        self._fps = fps
        self._frames: list[Boxes] = []
        self._looks: dict[int, NDArray[np.float64]] = {}
        self._confirmed: set[int] = set()
        self._width = 0
        self._picture_width: int | None = None
        # By track: its last box; the number of its part, where that is not its own. By part: its track.
        self._last: dict[int, np.void] = {}
        self._part: dict[int, int] = {}
        self._track_of: dict[int, int] = {}

    def add(
        self,
        number: int,
        seen: Table,
        vectors: NDArray[np.float32] | None,
        *,
        picture_width: int | None = None,
        camera_way: float = 0.0,
    ) -> None:
        """Note a frame.

        Args:
            number: of the frame, counting those that come.
            seen: the tracks with a detection in it, confirmed or not: those that never are will be left out.
            vectors: (N, D) unit vectors of these detections, zeros where there is none; None without appearance.
            picture_width: pixels; None: nobody knows who leaves the picture.
            camera_way: how far the camera has turned sideways since the first frame, there and back, pixels.
        """
        boxes = np.zeros(len(seen), BOX)
        boxes["frame"], boxes["track"], boxes["way"] = number, seen["number"], camera_way
        boxes["xywh"] = xywh_from_tlwh(seen["tlwh"].astype(np.float64))
        for name in ("score", "class_id", "detection"):
            boxes[name] = seen[name]
        self._picture_width = picture_width
        if picture_width is not None:
            boxes["track"] = [self._part_of(box, picture_width) for box in boxes]
        self._frames.append(boxes)
        self._confirmed.update(boxes["track"][seen["confirmed"]].tolist())
        if vectors is not None:
            self._width = vectors.shape[1]
            for track, vector in zip(boxes["track"].tolist(), vectors.astype(np.float64), strict=True):
                self._looks[track] = self._looks.get(track, 0) + vector

    def _part_of(self, box: np.void, picture_width: int) -> int:
        """The number under which a track is written down from this box on: another one after it was gone."""
        track, box = int(box["track"]), box.copy()
        last = self._last.get(track, box)
        self._last[track] = box
        gone = box["frame"] - last["frame"] > 1 and crossed_sides(
            last["xywh"],
            box["xywh"],
            seconds=(box["frame"] - last["frame"]) / self._fps,
            turned=box["way"] - last["way"],
            picture_width=picture_width,
        )
        if gone:
            self._part[track] = -1 - len(self._track_of)
            self._track_of[self._part[track]] = track
        return self._part.get(track, track)

    def _rejoin(self) -> None:
        """Make one track of its parts."""
        for boxes in self._frames:
            boxes["track"] = [self._track_of.get(part, part) for part in boxes["track"].tolist()]
        self._confirmed = {self._track_of.get(part, part) for part in self._confirmed}
        for part, track in self._track_of.items():
            if part in self._looks:
                self._looks[track] = self._looks.get(track, 0) + self._looks.pop(part)

    def finish(self, settings: OfflineSettings, *, max_distance: float) -> "Finished":
        """Link and fill.

        Args:
            settings: how.
            max_distance: largest cosine distance of two mean looks.
        """
        from remix_track.trackers.linking.interpolation import fill_gaps
        from remix_track.trackers.linking.within_video import link_tracklets

        if settings.link_across_sides:
            self._rejoin()
        boxes = np.concatenate([np.empty(0, BOX), *self._frames])
        boxes = boxes[np.isin(boxes["track"], list(self._confirmed))]
        boxes = np.sort(boxes, order=["track", "frame"])
        tracklets = tracklets_of(boxes, self._looks, self._width)
        person = np.arange(len(tracklets))
        if settings.link_tracklets and self._width:
            person = link_tracklets(
                tracklets,
                max_distance,
                max_gap=settings.link_seconds,
                fps=self._fps,
                picture_width=None if settings.link_across_sides else self._picture_width,
            )
        _, row = np.unique(boxes["track"], return_inverse=True)
        boxes["track"] = _numbered(tracklets.first, person)[row]
        boxes = np.sort(boxes, order=["track", "frame"])
        looks = tracklets.merged(_numbered(tracklets.first, person)).look
        smoothness = settings.smoothness * (self._fps / 30) ** 4
        return Finished(fill_gaps(boxes, max(1, round(settings.fill_seconds * self._fps)), smoothness), looks)


class Finished:
    """A video's people, frame by frame.

    Attributes:
        people: how many.
    """

    def __init__(self, boxes: Boxes, looks: NDArray[np.float64]) -> None:
        """Sort `boxes` (N,) by frame; `looks` (P, D) are the people's mean vectors, by their ids 1..P."""
        self._boxes = np.sort(boxes, order=["frame", "track"])
        self._looks = unit(looks).astype(np.float32)
        self.people = len(looks)

    def __len__(self) -> int:
        return len(self._boxes)

    def tracks(self, frame: int) -> Tracks:
        """The people of a frame; each box has its person's mean vector, or zeros where it was filled in."""
        start, stop = np.searchsorted(self._boxes["frame"], [frame, frame + 1])
        boxes = self._boxes[start:stop]
        embedding = None
        if self._looks.shape[1]:
            embedding = self._looks[boxes["track"] - 1] * (boxes["detection"] >= 0)[:, None]
        return Tracks(
            ids=boxes["track"].copy(),
            xyxy=xyxy_from_tlwh(tlwh_from_xywh(boxes["xywh"])).astype(np.float32),
            score=boxes["score"].copy(),
            class_id=boxes["class_id"].copy(),
            detection=boxes["detection"].copy(),
            embedding=embedding,
        )


def _numbered(first: NDArray[np.int64], person: NDArray[np.intp]) -> NDArray[np.int64]:
    """(T,) ids 1.. of the tracks' people, in the order in which they come."""
    heads = np.unique(person)
    order = heads[np.argsort(first[heads], kind="stable")]
    ids = np.zeros(len(person), np.int64)
    ids[order] = 1 + np.arange(len(order))
    return np.asarray(ids[person], np.int64)

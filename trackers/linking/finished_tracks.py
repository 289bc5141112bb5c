"""Tracking offline: when all frames are tracked, tracks of one person are linked and gaps are filled."""

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xywh, xywh_from_tlwh, xyxy_from_tlwh
from remix_track.detections import Shapes
from remix_track.track_means import VectorSums, unit
from remix_track.trackers.association.frame_borders import crossed_sides
from remix_track.trackers.association.track_table import Table
from remix_track.trackers.linking.finished_video import REPORTED, Boxes, FinishedVideo, means_of
from remix_track.trackers.linking.interpolation import BOX, fill_gaps
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.linking.within_video import link_tracks


class FinishedTracks:
    """Every box of a video with its track, and the sum of each track's vectors; images are not kept.

    A track that leaves the image at a side and comes back is kept in parts, with a negative number for each later one.
    """

    def __init__(self, fps: float, stride: int = 1) -> None:
        """Begin empty.

        Args:
            fps: frames per second, as they come.
            stride: by which the numbers of frames rise, or a bit more; a lost frame counts as a frame.
        """
        self._fps, self._stride = fps, stride
        self._first = 0
        self._frame_of: dict[int, int] = {}
        self._boxes = [np.empty(0, BOX)]
        self._shapes: dict[int, Shapes] = {}
        self._sums = VectorSums()
        self._confirmed: set[int] = set()
        self._width = 0
        self._frame_width: int | None = None
        # By track: its last box; the number of its part, where that is not its own. By part: its track.
        self._last: dict[int, np.void] = {}
        self._part: dict[int, int] = {}
        self._track_of: dict[int, int] = {}

    def add(
        self,
        frame: int,
        seen: Table,
        vectors: NDArray[np.float32] | None,
        *,
        frame_width: int | None = None,
        camera_way: float = 0.0,
        shapes: Shapes | None = None,
    ) -> None:
        """Note a frame.

        Args:
            frame: its number in its source.
            seen: the tracks with a detection in it, confirmed or not: those that never are will be left out.
            vectors: (N, D) unit vectors of these detections, zeros where there is none; None without appearance.
            frame_width: pixels; None where it is not known, and with it who leaves the image at a side.
            camera_way: how far the camera has turned sideways since the first frame, there and back, pixels.
            shapes: masks and keypoints of the frame's `Detections`; None where there are none.
        """
        self._first = self._first if self._frame_of else frame
        number = (frame - self._first) // self._stride
        self._frame_of[number] = frame
        boxes = np.zeros(len(seen), BOX)
        boxes["frame"], boxes["way"] = number, camera_way
        boxes["track"] = seen["number"]
        boxes["xywh"] = xywh_from_tlwh(seen["tlwh"].astype(np.float64))
        for name in ("score", "class_id", "detection"):
            boxes[name] = seen[name]
        self._frame_width = frame_width
        if frame_width is not None:
            boxes["track"] = [self._part_of(box, frame_width) for box in boxes]
        self._boxes.append(boxes)
        self._confirmed.update(boxes["track"][seen["confirmed"]].tolist())
        if shapes is not None:
            self._shapes[frame] = shapes
        if vectors is not None:
            self._width = vectors.shape[1]
            self._sums.add(frame, boxes["track"], vectors)

    def _part_of(self, box: np.void, frame_width: int) -> int:
        """The number under which a track is kept from this box on: another one after it was gone."""
        track, box = int(box["track"]), box.copy()
        last = self._last.get(track, box)
        self._last[track] = box
        gone = box["frame"] - last["frame"] > 1 and crossed_sides(
            last["xywh"],
            box["xywh"],
            seconds=(box["frame"] - last["frame"]) / self._fps,
            turned=box["way"] - last["way"],
            frame_width=frame_width,
        )
        if gone:
            self._part[track] = -1 - len(self._track_of)
            self._track_of[self._part[track]] = track
        return self._part.get(track, track)

    def finish(self, settings: OfflineSettings, *, max_distance: float) -> FinishedVideo:
        """Link and fill.

        Args:
            settings: how.
            max_distance: largest cosine distance of two mean appearances.

        Returns:
            the people, 1.. in the order in which they come; its frames are not known.
        """
        boxes, total = self._tracks(join_parts=settings.relink_reentries)
        _, first, row, count = np.unique(boxes["track"], return_index=True, return_inverse=True, return_counts=True)
        last = first + count - 1
        person = np.arange(len(first))
        if settings.link_tracklets and self._width:
            person = link_tracks(
                boxes[first],
                boxes[last],
                unit(total),
                max_distance,
                max_gap=settings.link_seconds,
                fps=self._fps,
                frame_width=None if settings.relink_reentries else self._frame_width,
            )
        ids = _numbered(boxes["frame"][first], person)
        boxes["track"] = ids[row]
        boxes = np.sort(boxes, order=["track", "frame"])
        smoothness = settings.smoothness * (self._fps / 30) ** 4
        filled = fill_gaps(boxes, max(1, round(settings.fill_seconds * self._fps)), smoothness)
        return self._video(filled, unit(_summed(total, ids)))

    def _tracks(self, *, join_parts: bool) -> tuple[Boxes, NDArray[np.float64]]:
        """The boxes of all tracks that were confirmed, by track and frame, and each track's sum of vectors (T, D)."""
        boxes, confirmed = np.concatenate(self._boxes), self._confirmed
        parts = np.unique(boxes["track"])
        total = self._sums.of(parts, self._width)
        if join_parts:
            tracks = np.array([self._track_of.get(part, part) for part in parts.tolist()], np.int64)
            boxes["track"] = tracks[np.searchsorted(parts, boxes["track"])]
            confirmed = {self._track_of.get(part, part) for part in confirmed}
            parts, row = np.unique(tracks, return_inverse=True)
            total = _summed(total, 1 + row)
        kept = np.isin(parts, list(confirmed))
        boxes = boxes[np.isin(boxes["track"], parts[kept])]
        return np.sort(boxes, order=["track", "frame"]), total[kept]

    def _video(self, boxes: Boxes, mean: NDArray[np.float64]) -> FinishedVideo:
        boxes = np.sort(boxes, order=["frame", "track"])
        reported = np.zeros(len(boxes), REPORTED)
        numbers, row = np.unique(boxes["frame"], return_inverse=True)
        frames = [self._frame_of.get(number, self._first + self._stride * number) for number in numbers.tolist()]
        reported["frame"] = np.array(frames, np.int64)[row]
        reported["xyxy"] = xyxy_from_tlwh(tlwh_from_xywh(boxes["xywh"]))
        for name in ("track", "score", "class_id", "detection"):
            reported[name] = boxes[name]
        return FinishedVideo(reported, means_of(reported, mean), {}, self._shapes)


def _summed(total: NDArray[np.float64], ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """(P, D) the sums of the rows (T, D) of one id each; `ids` (T,) count from 1."""
    sums = np.zeros((ids.max(initial=0), total.shape[1]))
    np.add.at(sums, ids - 1, total)
    return sums


def _numbered(first: NDArray[np.int64], person: NDArray[np.intp]) -> NDArray[np.int64]:
    """(T,) ids 1.. of the tracks' people, in the order in which they come."""
    heads = np.unique(person)
    order = heads[np.argsort(first[heads], kind="stable")]
    ids = np.zeros(len(person), np.int64)
    ids[order] = 1 + np.arange(len(order))
    return np.asarray(ids[person], np.int64)

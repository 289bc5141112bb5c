"""A tracked video kept without its pictures, to be gone through once more when its people are known."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.detections import Tracks
from remix_track.trackers.frame import Frame, TrackedFrame, blank


class TrackSummary(NamedTuple):
    """One track: frames between which it was seen, boxes, and the mean of its unit vectors (D,) at unit length."""

    first: int
    last: int
    boxes: int
    mean: NDArray[np.float32]


class Recording:
    """The tracks of one video, frame by frame, and the mean look of each track."""

    def __init__(self) -> None:
        self._frames: dict[int, tuple[float, Tracks, tuple[int, ...]]] = {}
        self._seen: dict[int, tuple[int, int, int]] = {}  # id -> first frame, last frame, boxes
        self._sums: dict[int, NDArray[np.float64]] = {}
        self._width = 0

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: TrackedFrame) -> None:
        """Keep a frame's tracks; pictures and vectors are not kept."""
        tracks = dataclasses.replace(frame.tracks, embedding=None)
        self._frames[frame.index] = frame.time, tracks, frame.image.shape
        for id_ in frame.ids.tolist():
            first, _, boxes = self._seen.get(id_, (frame.index, 0, 0))
            self._seen[id_] = first, frame.index, boxes + 1
        if frame.embeddings is None:
            return
        self._width = frame.embeddings.shape[1]
        for row in np.flatnonzero(frame.tracks.detection >= 0).tolist():
            vector = frame.embeddings[row].astype(np.float64)
            if np.isfinite(vector).all():
                id_ = int(frame.ids[row])
                self._sums[id_] = self._sums.get(id_, 0) + vector

    def summaries(self) -> dict[int, TrackSummary]:
        """Every track by its id, ascending; the mean of a track without vectors is zeros."""
        return {
            id_: TrackSummary(*self._seen[id_], _unit(self._sums.get(id_, np.zeros(self._width))))
            for id_ in sorted(self._seen)
        }

    def replay(self, people: Mapping[int, int], frames: Iterator[Frame] | None = None) -> Iterator[TrackedFrame]:
        """The same frames with other ids.

        Args:
            people: id of each track -> the id to show.
            frames: of the same video once more; None where nobody looks at the pictures, which are black then.

        Yields:
            frames whose tracks are in ascending order of their new ids. Each box carries its track's mean vector in
            the place of its own.
        """
        means = {id_: track.mean for id_, track in self.summaries().items()}
        pictures = frames or (Frame(index, blank(shape), time) for index, (time, _, shape) in self._frames.items())
        for frame in pictures:
            if frame.index in self._frames:
                time, tracks, _ = self._frames[frame.index]
                yield TrackedFrame(frame.index, frame.image, time, self._renamed(tracks, people, means))

    def _renamed(self, tracks: Tracks, people: Mapping[int, int], means: Mapping[int, NDArray[np.float32]]) -> Tracks:
        ids = np.array([people[id_] for id_ in tracks.ids.tolist()], np.int64)
        order = np.argsort(ids, kind="stable")
        looks = [means[id_] for id_ in tracks.ids[order].tolist()]
        return Tracks(
            ids[order],
            tracks.xyxy[order],
            tracks.score[order],
            tracks.class_id[order],
            tracks.detection[order],
            np.array(looks, np.float32).reshape(len(order), self._width),
        )


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float32]:
    length = np.linalg.norm(vector)
    return (vector / length if length else vector).astype(np.float32)

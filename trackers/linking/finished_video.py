"""A tracked video without its images: boxes frame by frame, and of each track first, last and mean appearance."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from remix_track.detections import Shapes, Tracks
from remix_track.track_means import TrackMeans, VectorSums, unit
from remix_track.trackers.frame import Frame, TrackedFrame, blank

Boxes = NDArray[np.void]

REPORTED = np.dtype(
    [
        ("frame", np.int64),
        ("track", np.int64),
        ("xyxy", np.float32, 4),  # pixels
        ("score", np.float32),  # nan: no detection is behind it
        ("class_id", np.int64),
        ("detection", np.int64),  # row of the frame's `Detections`; -1: none
    ]
)
"""A box as `Tracks` has it."""


class FrameFacts(NamedTuple):
    """What is kept of a frame: its seconds since the first, and the shape of its image."""

    time: float
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FinishedVideo:
    """Everything but the images of a video that was tracked to its end.

    Attributes:
        boxes: (N,) of `REPORTED`, by frame.
        means: the tracks, between their first and last box.
        frames: those that came, by number, in order; empty where only boxes are asked for.
        shapes: masks and keypoints of frames, by number and row of their `Detections`; of those that have some.
    """

    boxes: Boxes
    means: TrackMeans
    frames: Mapping[int, FrameFacts]
    shapes: Mapping[int, Shapes] = field(default_factory=dict)

    @classmethod
    def joined(cls, parts: Sequence["FinishedVideo"], frames: Mapping[int, FrameFacts]) -> Self:
        """One video of parts, one after another; the ids 1.. of each go on behind those of the part before it."""
        boxes, ids, so_far = [np.empty(0, REPORTED)], list[NDArray[np.int64]](), 0
        for part in parts:
            boxes.append(part.boxes.copy())
            boxes[-1]["track"] += so_far
            ids.append(part.means.ids + so_far)
            so_far += len(part.means)
        rest = [(one.first_frame, one.last_frame, one.count, one.mean) for one in (part.means for part in parts)]
        columns = [np.concatenate(column) for column in zip(*rest, strict=True)]
        shapes = {frame: one for part in parts for frame, one in part.shapes.items()}
        return cls(np.concatenate(boxes), TrackMeans(np.concatenate(ids), *columns), frames, shapes)

    def completed(self, frames: Mapping[int, Tracks]) -> Self:
        """With these boxes of its tracks in these frames, by number; no detection is behind them."""
        others = self.boxes[~np.isin(self.boxes["frame"], list(frames))]
        boxes = np.concatenate([others, *(_reported(index, tracks) for index, tracks in frames.items())])
        boxes = boxes[np.argsort(boxes["frame"], kind="stable")]
        return dataclasses.replace(self, boxes=boxes, means=means_of(boxes, self.means.mean))

    def tracks(self, frame: int) -> Tracks:
        """The tracks of a frame; each box has its track's mean vector, or zeros where no detection is behind it."""
        start, stop = np.searchsorted(self.boxes["frame"], [frame, frame + 1])
        boxes = self.boxes[start:stop]
        embedding = None
        if self.means.mean.shape[1]:
            rows = np.searchsorted(self.means.ids, boxes["track"])
            embedding = self.means.mean[rows] * (boxes["detection"] >= 0)[:, None]
        tracks = Tracks(
            ids=boxes["track"].copy(),
            xyxy=boxes["xyxy"].copy(),
            score=boxes["score"].copy(),
            class_id=boxes["class_id"].copy(),
            detection=boxes["detection"].copy(),
            embedding=embedding,
        )
        return tracks.with_shapes(self.shapes.get(frame))

    def replay(
        self, images: Iterable[Frame] | None = None, ids: NDArray[np.int64] | None = None
    ) -> Iterator[TrackedFrame]:
        """The frames once more.

        Args:
            images: of the same video; None where images are not looked at: they are black then.
            ids: (T,) other ids for the tracks, in the order of `means`; None keeps theirs.

        Yields:
            those that came when the video was tracked, the tracks of each in ascending order of their ids.
        """
        black = (Frame(index, blank(facts.shape), facts.time) for index, facts in self.frames.items())
        for frame in black if images is None else images:
            if frame.index in self.frames:
                tracks = self.tracks(frame.index)
                named = tracks if ids is None else _renamed(tracks, ids[np.searchsorted(self.means.ids, tracks.ids)])
                yield TrackedFrame(frame.index, frame.image, self.frames[frame.index].time, named)


def _reported(frame: int, tracks: Tracks) -> Boxes:
    boxes = np.zeros(len(tracks), REPORTED)
    boxes["frame"], boxes["track"] = frame, tracks.ids
    for name in ("xyxy", "score", "class_id", "detection"):
        boxes[name] = getattr(tracks, name)
    return boxes


def _renamed(tracks: Tracks, ids: NDArray[np.int64]) -> Tracks:
    order = np.argsort(ids, kind="stable")
    embedding = None if tracks.embedding is None else tracks.embedding[order]
    others = tracks.xyxy[order], tracks.score[order], tracks.class_id[order], tracks.detection[order]
    return Tracks(ids[order], *others, embedding).with_shapes(tracks.shapes)


class VideoCollector:
    """Collects the tracks of a video, a frame at a time."""

    def __init__(self) -> None:
        self._frames: dict[int, FrameFacts] = {}
        self._boxes = [np.empty(0, REPORTED)]
        self._shapes: dict[int, Shapes] = {}
        self._sums = VectorSums()
        self._width = 0

    def add(self, frame: TrackedFrame) -> None:
        """Keep a frame's boxes, and add its vectors to those of its tracks; the image is not kept."""
        self._frames[frame.index] = FrameFacts(frame.time, frame.image.shape)
        self._boxes.append(_reported(frame.index, frame.tracks))
        if (shapes := frame.tracks.shapes) is not None:
            self._shapes[frame.index] = shapes
        if frame.embeddings is not None:
            seen = frame.tracks.detection >= 0
            self._width = frame.embeddings.shape[1]
            self._sums.add(frame.index, frame.ids[seen], frame.embeddings[seen])

    def finished(self) -> FinishedVideo:
        """The video so far."""
        boxes = np.concatenate(self._boxes)
        ids = np.unique(boxes["track"])
        means = means_of(boxes, unit(self._sums.of(ids, self._width)))
        return FinishedVideo(boxes, means, self._frames, self._shapes)


def means_of(boxes: Boxes, mean: NDArray[np.floating]) -> TrackMeans:
    """The tracks of `boxes` (N,) of `REPORTED`, by frame; `mean` (T, D) is of each, by ascending number."""
    ids, first, count = np.unique(boxes["track"], return_index=True, return_counts=True)
    last = len(boxes) - 1 - np.unique(boxes["track"][::-1], return_index=True)[1]
    return TrackMeans(ids, boxes["frame"][first], boxes["frame"][last], count, mean.astype(np.float32))

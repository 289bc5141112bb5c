"""Finished tracks: every box of a video in one array, and a row per track of what linking asks for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.void]

BOX = np.dtype(
    [
        ("frame", np.int64),
        ("track", np.int64),  # whichever number its track has
        ("xywh", np.float64, 4),  # centre and size, pixels
        ("score", np.float32),  # nan: no detection is behind it
        ("class_id", np.int64),
        ("detection", np.int64),  # row of the frame's `Detections`; -1: none
        ("way", np.float64),  # how far the camera had turned sideways until then, there and back, pixels
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Tracklets:
    """Row i of every array is the same track.

    Attributes:
        first, last: (T,) int64 frames.
        begin, end: (T, 4) float64 centre and size of the first and the last box, pixels.
        begin_way, end_way: (T,) float64 how far the camera had turned sideways until then, there and back, pixels.
        look: (T, D) float64 sum of unit vectors over its length, so of length 1; zeros where nothing was seen.
        weight: (T,) float64 how many vectors the look is the mean of.
        class_id: (T,) int64.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    begin_way: NDArray[np.float64]
    end_way: NDArray[np.float64]
    look: NDArray[np.float64]
    weight: NDArray[np.float64]
    class_id: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)

    def merged(self, group: NDArray[np.intp]) -> "Tracklets":
        """One row per group, in ascending order of `group` (T,)."""
        groups, member = np.unique(group, return_inverse=True)
        head, tail = np.full(len(groups), -1), np.full(len(groups), -1)
        by_time = np.argsort(self.first, kind="stable")
        tail[member[by_time]] = by_time
        head[member[by_time[::-1]]] = by_time[::-1]
        look = np.zeros((len(groups), self.look.shape[1]))
        np.add.at(look, member, self.look * self.weight[:, None])
        return Tracklets(
            self.first[head],
            self.last[tail],
            self.begin[head],
            self.end[tail],
            self.begin_way[head],
            self.end_way[tail],
            unit(look),
            np.bincount(member, self.weight, minlength=len(groups)).astype(np.float64),
            self.class_id[head],
        )


def tracklets_of(boxes: Boxes, looks: dict[int, NDArray[np.float64]], width: int) -> Tracklets:
    """A row per track of `boxes`, in ascending order of their numbers.

    Args:
        boxes: (N,) of `BOX`, sorted by track, then by frame.
        looks: track -> sum of its unit vectors (D,).
        width: D.
    """
    tracks, first, count = np.unique(boxes["track"], return_index=True, return_counts=True)
    last = first + count - 1
    total = np.array([looks.get(track, np.zeros(width)) for track in tracks.tolist()]).reshape(len(tracks), width)
    return Tracklets(
        boxes["frame"][first],
        boxes["frame"][last],
        boxes["xywh"][first],
        boxes["xywh"][last],
        boxes["way"][first],
        boxes["way"][last],
        unit(total),
        np.linalg.norm(total, axis=1),
        boxes["class_id"][last],
    )


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows (N, D) of length 1; zeros stay zeros."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0), np.float64)

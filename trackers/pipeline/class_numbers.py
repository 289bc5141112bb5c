"""Tracks numbered within their class: person 1, bicycle 1, person 2; beside the ids, which no two tracks share."""

from array import array

import numpy as np
from numpy.typing import NDArray

from remix_track.detections import Tracks


class ClassNumbers:
    """Gives each track a number in the order in which those of its class come; a track keeps it.

    Eight bytes for each id that was given so far.
    """

    def __init__(self) -> None:
        self._number = array("q", [0])  # by id; 0: none so far
        self._count: dict[int, int] = {}

    def __call__(self, tracks: Tracks) -> NDArray[np.int64]:
        """(N,) the numbers of a frame's tracks, from 1; of a track whose class changed that of its first one."""
        self._number.extend([0] * (int(tracks.ids.max(initial=0)) + 1 - len(self._number)))
        for id_, class_id in zip(tracks.ids.tolist(), tracks.class_id.tolist(), strict=True):
            if not self._number[id_]:
                self._count[class_id] = self._number[id_] = self._count.get(class_id, 0) + 1
        return np.array([self._number[id_] for id_ in tracks.ids.tolist()], np.int64)

"""The tracks of the part of a camera that is under way, and the mean vector of each, as the store will have them."""

from collections.abc import Iterator, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.track_means import unit


@dataclass(slots=True)
class _Sum:
    total: NDArray[np.float64]
    boxes: int = 0


class PartVectors:
    """Sums of unit vectors by track, in the order in which the tracks began."""

    def __init__(self, width: int) -> None:
        """Begin without tracks; vectors are `width` long."""
        self._width = width
        self._sums: dict[int, _Sum] = {}

    def __iter__(self) -> Iterator[int]:
        return iter(self._sums)

    def add(self, track: int, vector: NDArray[np.floating] | None) -> None:
        """A box of a track, with a vector (D,) where there is one."""
        known = self._sums.setdefault(track, _Sum(np.zeros(self._width)))
        known.boxes += 1
        if vector is not None:
            known.total += vector

    def means(self, *, min_boxes: int, known: Set[int], without: Set[int]) -> NDArray[np.float64]:
        """(N, D) of unit length: what `identify` takes for the light of the camera.

        Args:
            min_boxes: a track of fewer says little, unless it is
            known: of a person.
            without: tracks that are forgotten, or no person.
        """
        kept = [
            one.total
            for track, one in self._sums.items()
            if track not in without and (one.boxes >= min_boxes or track in known)
        ]
        return unit(np.array(kept).reshape(-1, self._width))

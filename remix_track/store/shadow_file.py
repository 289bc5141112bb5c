"""The file of the shadows (see `bounds`) of a store's vectors: directions at its head, then a row for each tracklet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from remix_track.store.bounds import DIRECTIONS

_PATTERN = "index-*.sketch"
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True)
class ShadowFile:
    """Where it lies, and how long the vectors are that it has the shadows of.

    Attributes:
        path: of the file.
        width: D, length of a vector.
    """

    path: Path
    width: int

    @classmethod
    def named(cls, root: Path, name: str) -> Self | None:
        """The one that the index of the store in `root` names; None where it names none."""
        token, _, width = name.partition(":")
        if not (token.isalnum() and token.isascii() and width.isdecimal() and len(width) < 7):
            return None
        return cls(root / f"index-{token}.sketch", int(width))

    @staticmethod
    def remove_all(root: Path) -> None:
        """Remove all there are in a store.

        Raises:
            OSError: one cannot be removed.
        """
        for path in root.glob(_PATTERN):
            path.unlink(missing_ok=True)

    @property
    def kept(self) -> int:
        """K, how many directions there are."""
        return min(DIRECTIONS, self.width)

    def begin(self, directions: NDArray[np.float32]) -> None:
        """Make the file; (D, K) directions that a sample has too few of are filled up by zeros, which bound nothing.

        Raises:
            OSError: no room.
        """
        padded = np.zeros((self.width, self.kept), np.float32)
        padded[:, : directions.shape[1]] = directions
        self.path.write_bytes(padded.tobytes())

    def has(self, rows: int) -> bool:
        """Whether it is there, with so many rows."""
        return self.path.is_file() and self.path.stat().st_size >= self._place(rows + 1)

    def directions(self) -> NDArray[np.float32]:
        """(D, K).

        Raises:
            OSError: it cannot be read.
        """
        return np.fromfile(self.path, np.float32, self.width * self.kept).reshape(self.width, self.kept)

    def rows(self, count: int) -> NDArray[np.float32]:
        """The first `count` rows (N, K + 1), as a memory map."""
        if not count:
            return np.zeros((0, self.kept + 1), np.float32)
        return np.memmap(self.path, np.float32, "r", self._place(1), (count, self.kept + 1))

    def write(self, first: int, shadow: NDArray[np.float32]) -> None:
        """Write rows (N, K + 1) from the one of tracklet number `first`, counted from 1, on.

        Raises:
            OSError: no room.
        """
        with self.path.open("r+b") as file:
            file.seek(self._place(first))
            file.write(shadow.tobytes())

    def wipe(self, first: int, count: int) -> None:
        """Write zeros over rows, as far as they are there.

        Raises:
            OSError: the disk refuses.
        """
        if self.path.is_file():
            there = (self.path.stat().st_size - self._place(1)) // (4 * (self.kept + 1))
            for begin in range(first, min(first + count, there + 1), _ROWS_AT_ONCE):
                rows = min(_ROWS_AT_ONCE, first + count - begin, there + 1 - begin)
                self.write(begin, np.zeros((rows, self.kept + 1), np.float32))

    def _place(self, number: int) -> int:
        return 4 * (self.width * self.kept + (number - 1) * (self.kept + 1))

"""A running sum of vectors per track: those of the latest tracks in memory, those of all others on the disk."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError

IN_MEMORY = 4096
"""Tracks whose sums are in memory, 16 MB of 512 numbers each; a recording of an hour has fewer."""

NO_TIME: int = np.iinfo(np.int64).min
"""What numpy takes for no time (NaT)."""

_ROWS_AT_ONCE = 1024


@dataclass(slots=True)
class _Sum:
    vector: NDArray[np.float64]
    count: int
    first: int
    last: int
    first_utc: int
    last_utc: int


class VectorSums:
    """Sums by id. A camera that runs for weeks sees millions of people, of whom a few are there at a time.

    Attributes:
        width: D; 0 before the first vector.
    """

    def __init__(self, folder: Path) -> None:
        """Begin without any; what is not in memory is in a file in `folder` that has no name: it ends with us."""
        self._folder = folder
        self._sums: dict[int, _Sum] = {}  # the one seen last is at the end
        self._file: IO[bytes] | None = None
        self.width = 0

    def add(self, id_: int, vector: NDArray[np.float64], frame: int, utc: int = NO_TIME) -> None:
        """Add a vector (D,), which is kept and changed, to the sum of a track.

        Args:
            id_: of the track.
            vector: of one of its boxes.
            frame: in which it is.
            utc: milliseconds since 1970, where the time of day is known.

        Raises:
            InputError: no room on the disk.
        """
        total = self._sums.pop(id_, None)
        if total is None:
            self.width = len(vector)
            total = _Sum(vector, 1, frame, frame, utc, utc)
        else:
            total.vector += vector
            total.count += 1
            total.last, total.last_utc = frame, utc
        self._sums[id_] = total
        if len(self._sums) > IN_MEMORY:
            self._put_away(len(self._sums) - IN_MEMORY // 2)

    def parts(self) -> Iterator[NDArray[np.void]]:
        """All tracks in ascending order of their ids, some of them at a time, as `record` has them."""
        if self._file is None:
            known = self._records(sorted(self._sums))
        else:
            self._put_away(len(self._sums))
            self._file.flush()
            known = np.memmap(self._file, record(self.width), mode="r")
        # Stable: of one track, what was put away first comes first.
        order = np.argsort(known["id"], kind="stable")
        begins = np.flatnonzero(np.diff(known["id"][order], prepend=-1))
        for place in range(0, len(begins), _ROWS_AT_ONCE):
            begin = begins[place : place + _ROWS_AT_ONCE]
            end = begins[place + _ROWS_AT_ONCE] if place + _ROWS_AT_ONCE < len(begins) else len(order)
            yield _summed(known[order[begin[0] : end]], begin - begin[0])

    def close(self) -> None:
        """Give the room on the disk back."""
        self._sums.clear()
        if self._file is not None:
            self._file.close()

    def _put_away(self, count: int) -> None:
        """Write the sums of the `count` tracks that were not seen for longest to the file."""
        ids = list(self._sums)[:count]
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - open until `close`
            self._file.write(self._records(ids).tobytes())
        except OSError as error:
            raise InputError(f"{self._folder}: vectors cannot be written ({error.strerror}); make room") from None
        for id_ in ids:
            del self._sums[id_]

    def _records(self, ids: list[int]) -> NDArray[np.void]:
        records = np.zeros(len(ids), record(self.width))
        for row, id_ in enumerate(ids):
            total = self._sums[id_]
            times = total.first_utc, total.last_utc
            records[row] = id_, total.count, total.first, total.last, *times, total.vector
        return records


def record(width: int) -> np.dtype[np.void]:
    """One track: its id, how many vectors (`width`,) were added, frame and time of the first and last, and the sum."""
    numbers = [(name, np.int64) for name in ("id", "count", "first", "last", "first_utc", "last_utc")]
    return np.dtype([*numbers, ("vector", np.float64, (width,))])


def _summed(records: NDArray[np.void], begins: NDArray[np.intp]) -> NDArray[np.void]:
    """One record for each run of one id; `begins` says where they begin."""
    if len(begins) == len(records):
        return records
    summed = records[begins]
    summed["count"] = np.add.reduceat(records["count"], begins)
    summed["vector"] = np.add.reduceat(records["vector"], begins, axis=0)
    for name in ("last", "last_utc"):
        summed[name] = np.maximum.reduceat(records[name], begins)
    return summed

"""Tracks and their mean appearance: vectors are summed as they come, in memory or, of weeks of tracks, on the disk."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True, eq=False)
class TrackMeans:
    """Tracks of one video and their mean appearance; row i of every array is one track.

    Attributes:
        ids: (T,) int64, ascending.
        first_frame: (T,) int64, from 1.
        last_frame: (T,) int64, from 1.
        count: (T,) int64 boxes; where only vectors are known, as in `embeddings.npz`, vectors, and likewise the frames.
        mean: (T, D) float32 sum of its unit vectors at length 1; zeros for a track without any.
    """

    ids: NDArray[np.int64]
    first_frame: NDArray[np.int64]
    last_frame: NDArray[np.int64]
    count: NDArray[np.int64]
    mean: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def facts(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """Ids, first frames, last frames and counts as numbers of Python."""
        return self.ids.tolist(), self.first_frame.tolist(), self.last_frame.tolist(), self.count.tolist()


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows (N, D) of length 1; zeros stay zeros."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0), np.float64)


@dataclass(slots=True)
class _Sum:
    vector: NDArray[np.float64]
    count: int
    first: int
    last: int
    first_utc: int
    last_utc: int


class VectorSums:
    """Sums by track. A camera that runs for weeks sees millions of people, of whom a few are there at a time.

    Attributes:
        width: D; 0 before the first vector.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Begin without any.

        Args:
            folder: for a file of the sums that are not in memory, which has no name: it ends with us. None: all are.
        """
        self._folder = folder
        self._sums: dict[int, _Sum] = {}  # the one seen last is at the end
        self._file: IO[bytes] | None = None
        self.width = 0

    def add(
        self, frame: int, ids: NDArray[np.int64], vectors: NDArray[np.float32], utc: datetime | None = None
    ) -> None:
        """Add the vectors of a frame; zeros and what is not finite do not count: they have no direction.

        Args:
            frame: its number.
            ids: (N,) of the tracks, each once.
            vectors: (N, D) of unit length.
            utc: its time of day, where it is known.

        Raises:
            InputError: no room on the disk.
        """
        time = NO_TIME if utc is None else round(utc.timestamp() * 1000)
        counts = vectors.any(axis=1) & np.isfinite(vectors).all(axis=1)
        for id_, vector in zip(ids[counts].tolist(), vectors[counts].astype(np.float64), strict=True):
            self._add(id_, vector, frame, time)

    def _add(self, id_: int, vector: NDArray[np.float64], frame: int, time: int) -> None:
        total = self._sums.pop(id_, None)
        if total is None:
            self.width = len(vector)
            total = _Sum(vector, 1, frame, frame, time, time)
        else:
            total.vector += vector
            total.count += 1
            total.last, total.last_utc = frame, time
        self._sums[id_] = total
        if self._folder is not None and len(self._sums) > IN_MEMORY:
            self._put_away(len(self._sums) - IN_MEMORY // 2)

    def of(self, ids: NDArray[np.int64], width: int) -> NDArray[np.float64]:
        """The sums (T, `width`) of these tracks (T,), as far as they are in memory; zeros of those without any."""
        nothing = np.zeros(width)
        sums = [self._sums[id_].vector if id_ in self._sums else nothing for id_ in ids.tolist()]
        return np.array(sums, np.float64).reshape(len(ids), width)

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
        begins = np.flatnonzero(np.diff(known["id"][order], prepend=known["id"][order][:1] - 1))
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

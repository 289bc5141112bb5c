"""`embeddings.npz`: one mean appearance vector per track, for search across videos."""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.output_files import atomic_write
from remix_track.text_files import utf8
from remix_track.track_means import VectorSums, unit
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.sinks.sink import Sink

_Array = tuple[tuple[int, ...], np.dtype[Any], Iterable[NDArray[Any]]]
"""Shape, type, and the content in parts."""


class EmbeddingSink(Sink):
    """Keeps a running sum per track and writes the means when it is closed.

    The file has plain arrays (`np.load(path)` needs no pickle), row i of each being one track, by id:
    `ids` (N,) int64; `embedding` (N, D) float32 unit vectors; `count` (N,) int64 vectors behind the mean;
    `first_frame`, `last_frame` (N,) int64, 1-based, between which they were seen; `first_utc`, `last_utc` (N,)
    datetime64[ms], the same as times of day, NaT where unknown; and, of what made the vectors, `weights` its name,
    `sha256` and `input` (scalars of text, empty where unknown). Boxes that coast without a detection and zero vectors
    (an empty crop) do not count; a track that has nothing else is left out.
    """

    def __init__(self, path: Path, appearance: Mapping[str, Any] | None = None) -> None:
        """Nothing is written before `close`; `appearance` is the embedder's description."""
        self._path = path
        self._appearance = appearance or {}
        self._sums = VectorSums(path.parent)
        self._closed = False

    def write(self, frame: TrackedFrame) -> None:
        """Add the frame's vectors.

        Raises:
            InputError: the tracks have no vectors, because nothing embeds.
        """
        if not len(frame.tracks):
            return
        if frame.embeddings is None:
            raise InputError(f"{self._path}: there are no appearance vectors to save; give `weights` other than none")
        seen = frame.tracks.detection >= 0
        self._sums.add(frame.index, frame.ids[seen], frame.embeddings[seen], frame.utc)

    def close(self) -> None:
        """Write the file in one piece.

        Raises:
            InputError: it cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        try:
            with atomic_write(self._path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
                for name, (shape, dtype, parts) in self._arrays().items():
                    _write(archive, name, shape, dtype, parts)
        finally:
            self._sums.close()

    def _arrays(self) -> dict[str, _Array]:
        # Twice: how many there are stands before the vectors, of which there may be more than memory has room for.
        names = ["id", "count", "first", "last", "first_utc", "last_utc"]
        numbers = [part[names].copy() for part in self._sums.parts()]
        count, width = sum(map(len, numbers)), self._sums.width

        def integers(name: str) -> _Array:
            return (count,), np.dtype(np.int64), (part[name] for part in numbers)

        def times(name: str) -> _Array:
            return (count,), np.dtype("datetime64[ms]"), (part[name].view("datetime64[ms]") for part in numbers)

        def text(name: str) -> _Array:
            value = np.array(utf8(str(self._appearance.get(name, ""))))
            return (), value.dtype, [value]

        return {
            "ids": integers("id"),
            "embedding": ((count, width), np.dtype(np.float32), map(_means, self._sums.parts())),
            "count": integers("count"),
            "first_frame": integers("first"),
            "last_frame": integers("last"),
            "first_utc": times("first_utc"),
            "last_utc": times("last_utc"),
            "weights": text("name"),
            "sha256": text("sha256"),
            "input": text("input"),
        }


def _means(part: NDArray[np.void]) -> NDArray[np.float32]:
    return unit(part["vector"]).astype(np.float32)


def _write(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], parts: Iterable[NDArray[Any]]
) -> None:
    """An array as `np.savez` writes it, a part at a time."""
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype).tobytes())

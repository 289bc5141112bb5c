"""`embeddings.npz`: one mean appearance vector per track, for search across videos."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.output_files import whole_file
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.sinks.sink import Sink


@dataclass(slots=True)
class _Sum:
    vector: NDArray[np.float64]
    count: int
    first_frame: int
    last_frame: int


class EmbeddingSink(Sink):
    """Keeps a running sum per track and writes the means when it is closed.

    The file has plain arrays (`np.load(path)` needs no pickle), row i of each being one track, by id:
    `ids` (N,) int64; `embedding` (N, D) float32 unit vectors; `count` (N,) int64 vectors behind the mean;
    `first_frame`, `last_frame` (N,) int64, 1-based, between which they were seen; and, of what made the vectors,
    `weights` its name, `sha256` and `input` (scalars of text, empty where unknown). Boxes that coast without a
    detection and zero vectors (an empty crop) do not count; a track that has nothing else is left out.
    """

    def __init__(self, path: Path, appearance: Mapping[str, Any] | None = None) -> None:
        """Nothing is written before `close`; `appearance` is the embedder's description."""
        self._path = path
        self._appearance = appearance or {}
        self._sums: dict[int, _Sum] = {}
        self._closed = False

    def write(self, frame: TrackedFrame) -> None:
        """Add the frame's vectors.

        Raises:
            InputError: the tracks have no vectors, because nothing embeds.
        """
        if not len(frame.tracks):
            return
        if frame.embeddings is None:
            raise InputError(f"{self._path}: there are no appearance vectors to save; give --weights other than none")
        seen = (frame.tracks.detection >= 0) & frame.embeddings.any(axis=1) & np.isfinite(frame.embeddings).all(axis=1)
        for id_, vector in zip(frame.ids[seen].tolist(), frame.embeddings[seen].astype(np.float64), strict=True):
            total = self._sums.get(id_)
            if total is None:
                self._sums[id_] = _Sum(vector, 1, frame.index, frame.index)
            else:
                total.vector += vector
                total.count += 1
                total.last_frame = frame.index

    def close(self) -> None:
        """Write the file in one piece.

        Raises:
            InputError: it cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        with whole_file(self._path) as temporary, temporary.open("wb") as file:
            np.savez(file, **self._arrays())

    def _arrays(self) -> dict[str, Any]:
        ids = sorted(self._sums)
        rows = [self._sums[id_] for id_ in ids]
        mean = np.array([row.vector for row in rows]) if rows else np.empty((0, 0))
        norm = np.linalg.norm(mean, axis=1, keepdims=True)
        unit = np.divide(mean, norm, out=np.zeros_like(mean), where=norm > 0)
        return {
            "ids": np.array(ids, np.int64),
            "embedding": unit.astype(np.float32),
            "count": np.array([row.count for row in rows], np.int64),
            "first_frame": np.array([row.first_frame for row in rows], np.int64),
            "last_frame": np.array([row.last_frame for row in rows], np.int64),
            "weights": np.str_(self._appearance.get("name", "")),
            "sha256": np.str_(self._appearance.get("sha256", "")),
            "input": np.str_(self._appearance.get("input", "")),
        }

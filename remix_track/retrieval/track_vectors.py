"""`embeddings.npz` of a tracking run: one mean appearance vector a track, and what made them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.bounded_file import check_ordinary
from remix_track.errors import InputError, parsing
from remix_track.npz_file import read_arrays

_LARGEST = 2**32
_NUMBERS = ("ids", "count", "first_frame", "last_frame")
_TEXTS = ("weights", "sha256", "input")


@dataclass(frozen=True, slots=True, eq=False)
class TrackVectors:
    """The tracks of one run; row i of every array is one track.

    Attributes:
        path: of the file.
        ids: (N,) int64.
        embedding: (N, D) float32 unit vectors.
        count: (N,) int64 vectors behind each mean.
        first_frame: (N,) int64, from 1.
        last_frame: (N,) int64, from 1.
        weights: name of what made the vectors.
        sha256: of its file.
        input: size and channel order of its input.
    """

    path: Path
    ids: NDArray[np.int64]
    embedding: NDArray[np.float32]
    count: NDArray[np.int64]
    first_frame: NDArray[np.int64]
    last_frame: NDArray[np.int64]
    weights: str
    sha256: str
    input: str


def read_track_vectors(path: Path) -> TrackVectors:
    """Read such a file; nothing in it can run code or ask for more than 4 GiB.

    Raises:
        InputError: not such a file, or one that does not say which weights made it.
    """
    check_ordinary(path, "check the path")
    with parsing(path, "the embeddings.npz of remix-track", "give what a run with `embeddings` left, or track again"):
        values = read_arrays(path, ("embedding", *_NUMBERS, *_TEXTS), _LARGEST)
    return _checked(path, values)


def refuse_other_weights(vectors: TrackVectors, description: dict[str, Any], given: str) -> None:
    """Raise `InputError` where vectors cannot be compared with those of an embedder, see `Embedder.description`."""
    width = vectors.embedding.shape[1]
    made = f"{vectors.path}: vectors of {vectors.weights} ({vectors.input}, {width} long, sha256 {vectors.sha256[:12]})"
    asked = f"`weights` {given} is {description['input']}, {description['width']} long, sha256"
    asked = f"{asked} {description['sha256'][:12]}"
    if vectors.sha256 != description["sha256"] or vectors.input != description["input"]:
        raise InputError(f"{made}, but {asked}; give the weights that made them, or track again")
    if len(vectors.ids) and width != description["width"]:
        raise InputError(f"{made}, but {asked}; the file was changed: track again")


def _checked(path: Path, values: dict[str, Any]) -> TrackVectors:
    missing = [name for name in ("embedding", *_NUMBERS) if name not in values]
    if missing:
        raise InputError(f"{path}: not an embeddings.npz of remix-track (it lacks {', '.join(missing)})")
    texts: dict[str, Any] = {name: str(values[name]) if name in values else "" for name in _TEXTS}
    if not texts["sha256"]:
        raise InputError(f"{path}: does not say which weights made it, so nothing can be compared; track again")
    embedding, numbers = values["embedding"], {name: values[name] for name in _NUMBERS}
    fits = embedding.ndim == 2 and embedding.dtype == np.float32 and bool(np.isfinite(embedding).all())
    fits &= all(one.shape == (len(embedding),) and one.dtype == np.int64 for one in numbers.values())
    if not fits or not all(text.isprintable() and len(text) < 1000 for text in texts.values()):
        raise InputError(f"{path}: not an embeddings.npz of remix-track (its arrays do not belong together)")
    return TrackVectors(path, embedding=embedding, **numbers, **texts)

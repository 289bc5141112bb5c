"""`embeddings.npz` of a tracking run: one mean appearance vector a track, and what made them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from remix_track.bounded_file import check_ordinary
from remix_track.errors import InputError, parsing
from remix_track.npz_file import read_arrays
from remix_track.track_means import TrackMeans

_LARGEST = 2**32
_NUMBERS = ("ids", "count", "first_frame", "last_frame")
_TEXTS = ("weights", "sha256", "input")


@dataclass(frozen=True, slots=True, eq=False)
class TrackVectors:
    """The tracks of one run, and what made their vectors.

    Attributes:
        path: of the file.
        tracks: with a vector, each; frames and counts are those of its vectors.
        weights: name of what made the vectors.
        sha256: of its file.
        input: size and channel order of its input.
    """

    path: Path
    tracks: TrackMeans
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
    width = vectors.tracks.mean.shape[1]
    made = f"{vectors.path}: vectors of {vectors.weights} ({vectors.input}, {width} long, sha256 {vectors.sha256[:12]})"
    asked = f"`weights` {given} is {description['input']}, {description['width']} long, sha256"
    asked = f"{asked} {description['sha256'][:12]}"
    if vectors.sha256 != description["sha256"] or vectors.input != description["input"]:
        raise InputError(f"{made}, but {asked}; give the weights that made them, or track again")
    if len(vectors.tracks) and width != description["width"]:
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
    return TrackVectors(path, TrackMeans(mean=embedding, **numbers), **texts)

"""What detector and encoder saw, kept on disk, so that other tracker settings replay in seconds.

One entry is a folder: `boxes.npz` (boxes, where each frame's begin, the camera's motion, what was wrong with the
source), and
`embeddings.f32`, which grows while the first run goes on and is mapped, not read, by later ones. An entry appears
whole or not at all.
"""

import contextlib
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.detections import Detections
from remix_track.digests import sha256_of_bytes
from remix_track.npz_file import read_arrays

_EDGE = 64 * 1024
_LARGEST_BOXES = 2**32
_PART = 2**20
_ARRAYS = ("index", "camera", "stop", "xyxy", "score", "class_id", "width", "notes", "checksum")


class CachedFrame(NamedTuple):
    """One frame: its number, its detections, and how the camera moved (2, 3) since the last one, if that is known."""

    frame: int
    detections: Detections
    camera: NDArray[np.float64] | None = None


def fingerprint(path: Path) -> list[Any]:
    """What tells the content of a file or of a folder of files: names, sizes, times, and both ends of single files.

    Hashing gigabytes of images would cost more than the replay saves; a file that was changed with the same size
    and the same time of change is not noticed.
    """
    if path.is_dir():
        return [_marks(item) for item in sorted(path.iterdir())]
    with path.open("rb") as file:
        head = file.read(_EDGE)
        file.seek(max(0, path.stat().st_size - _EDGE))
        ends = sha256_of_bytes(head + file.read(_EDGE))
    return [path.stat().st_size, path.stat().st_mtime_ns, ends]


def _marks(path: Path) -> list[Any]:
    try:
        found = path.stat()
    except OSError:  # a link to nowhere
        return [path.name]
    return [path.name, found.st_size, found.st_mtime_ns]


class CacheWriter:
    """An entry in the making: `append` each frame's detections, then `finish`; without that nothing is kept.

    Raises:
        OSError: the cache cannot be written.
    """

    def __init__(self, cache: Path, key: str) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(dir=cache, prefix=f".{key}."))
        self._embeddings = (self._folder / "embeddings.f32").open("wb")
        self.cache = cache
        self._target = cache / key
        self._indices: list[int] = []
        self._cameras: list[NDArray[np.float64]] = []
        self._parts: list[Detections] = []
        self._width = self._checksum = 0

    def append(self, seen: CachedFrame) -> None:
        """Keep what was seen in a frame; all of a video's have embeddings, or none."""
        frame, detections, camera = seen
        self._indices.append(frame)
        self._cameras.append(np.full((2, 3), np.nan) if camera is None else camera)
        self._parts.append(Detections(detections.xyxy, detections.score, detections.class_id))
        if detections.embedding is not None:
            self._width = detections.embedding.shape[1]
            letters = np.ascontiguousarray(detections.embedding).tobytes()
            self._checksum = zlib.crc32(letters, self._checksum)
            self._embeddings.write(letters)

    def finish(self, notes: Sequence[str] = ()) -> None:
        """Make the entry appear; where another process was faster, its entry stays.

        Args:
            notes: what was wrong with the source: a replay has to say it again.
        """
        self._embeddings.close()
        parts = self._parts or [Detections.empty()]
        np.savez(
            self._folder / "boxes.npz",
            index=np.array(self._indices, np.int64),
            camera=np.array(self._cameras, np.float64).reshape(-1, 2, 3),
            stop=np.cumsum([len(part) for part in self._parts], dtype=np.int64),
            xyxy=np.concatenate([part.xyxy for part in parts]),
            score=np.concatenate([part.score for part in parts]),
            class_id=np.concatenate([part.class_id for part in parts]),
            width=np.int64(self._width),
            notes=np.array(notes, np.str_),
            checksum=np.int64(self._checksum),
        )
        try:
            self._folder.rename(self._target)
        except OSError:
            self.abandon()

    def abandon(self) -> None:
        """Keep nothing."""
        with contextlib.suppress(OSError):  # what is left in its buffer needs no room any more
            self._embeddings.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def replay(cache: Path, key: str) -> "tuple[Iterator[CachedFrame], list[str]] | None":
    """The frames of an entry, and its notes; None where there is no entry under that name.

    An entry that cannot be read, or whose bytes are not those that were written (both files have checksums), is
    removed, so that a new one can take its place.
    """
    entry = open_entry(cache, key)
    return None if entry is None else (entry.frames(), entry.notes)


class Entry:
    """An entry that is whole; its vectors are mapped, not read.

    Attributes:
        notes: what was wrong with the source.
    """

    def __init__(self, boxes: dict[str, NDArray[Any]], embeddings: NDArray[np.float32] | None) -> None:
        self.notes = [str(note) for note in boxes["notes"]]
        self._boxes, self._embeddings = boxes, embeddings
        self._begin = np.concatenate([[0], boxes["stop"]])

    def __len__(self) -> int:
        return len(self._boxes["index"])

    def frame(self, number: int) -> CachedFrame:
        """The frame in place `number`, from 0."""
        boxes, part = self._boxes, slice(int(self._begin[number]), int(self._begin[number + 1]))
        embedding = None if self._embeddings is None else np.array(self._embeddings[part])
        detections = Detections(boxes["xyxy"][part], boxes["score"][part], boxes["class_id"][part], embedding)
        camera = boxes["camera"][number]
        return CachedFrame(int(boxes["index"][number]), detections, None if np.isnan(camera).any() else camera)

    def frames(self) -> Iterator[CachedFrame]:
        """All of them, in order."""
        return map(self.frame, range(len(self)))


def open_entry(cache: Path, key: str) -> Entry | None:
    """The entry under that name; None where there is none, or none that is as it was written: that is removed."""
    folder = cache / key
    try:
        if not folder.is_dir():
            return None
        boxes = read_arrays(folder / "boxes.npz", _ARRAYS, _LARGEST_BOXES)
        embeddings = _embeddings(folder / "embeddings.f32", boxes)
        # Made of the arrays now: whatever does not fit would show in the middle of a run.
        _check(boxes)
        return Entry(boxes, embeddings)
    except Exception:  # in a cache any trouble means that nothing is there
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _embeddings(path: Path, boxes: dict[str, NDArray[Any]]) -> NDArray[np.float32] | None:
    """The vectors of an entry, mapped; None where its detections have none.

    Raises:
        ValueError: they are not as they were written.
    """
    width, rows = int(boxes["width"]), len(boxes["xyxy"])
    if not width:
        return None
    with path.open("rb") as file:
        checksum = 0
        while part := file.read(_PART):
            checksum = zlib.crc32(part, checksum)
    if checksum != int(boxes["checksum"]) or path.stat().st_size != rows * width * 4:
        raise ValueError("other bytes than were written")
    return np.memmap(path, np.float32, "r", shape=(rows, width)) if rows else np.zeros((0, width), np.float32)


def _check(boxes: dict[str, NDArray[Any]]) -> None:
    """See that the arrays of an entry belong together."""
    stop, rows = boxes["stop"], len(boxes["xyxy"])
    fits = len(boxes["index"]) == len(stop) == len(boxes["camera"]) and boxes["camera"].shape[1:] == (2, 3)
    fits &= bool((np.diff(stop, prepend=0) >= 0).all()) and (int(stop[-1]) if len(stop) else 0) == rows
    if not fits:
        raise ValueError("arrays that do not belong together")
    Detections(boxes["xyxy"], boxes["score"], boxes["class_id"])

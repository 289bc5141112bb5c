"""What networks saw in the frames of a source, kept: a part of a file by one worker, all of it for other settings.

A frame's detections and vectors depend on its pixels and on nothing else, so they are found by its pixels: whatever
part of a file was looked at, by which process, and however its frames were counted there, what is found is what would
be computed, and what is not found is computed. Tracks are therefore the same as without.
"""

import contextlib
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.detections import Detections
from remix_track.npz_file import read_arrays
from remix_track.store.archive.tasks import StoreError
from remix_track.trackers.association.frame_detections import BoxLimit
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.frame import Frame
from remix_track.trackers.pipeline.benchmark_cache import CachedFrame, CacheWriter, Entry, open_entry
from remix_track.trackers.pipeline.detect_and_embed import Processor

FRAMES = 1500
"""Frames of an entry: what a killed worker has to do again at most, and in memory 25 MB for five people a frame."""
_MOST_INDEX = 2**28


class Perception:
    """The kept frames of one source, one detector and one encoder; those that are new are added."""

    def __init__(self, folder: Path) -> None:
        """Look what is there.

        Args:
            folder: of the entries; it need not be there.
        """
        self._folder = folder
        self.computed = 0
        self._names: list[str] = []
        self._lock = threading.Lock()
        self._writer: CacheWriter | None = None
        self._written = 0
        self._open: tuple[int, Entry | None] = (-1, None)
        self._read_index()

    def _read_index(self) -> None:
        digests, entries, places = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for path in sorted(self._folder.glob("[!.]*")):
            # Whatever is wrong with an entry shows when it is opened.
            with contextlib.suppress(Exception):
                index = read_arrays(path / "boxes.npz", ["index"], _MOST_INDEX)["index"].astype(np.int64).ravel()
                digests.append(index)
                entries.append(np.full(len(index), len(self._names)))
                places.append(np.arange(len(index)))
                self._names.append(path.name)
        order = np.argsort(np.concatenate(digests), kind="stable")
        self._digests = np.concatenate(digests)[order]
        self._entries, self._places = np.concatenate(entries)[order], np.concatenate(places)[order]

    def of(self, frame: Frame, compute: Callable[[Frame], Detections]) -> Detections:
        """What was seen in a frame; computed, and kept, where it is not there.

        Raises:
            StoreError: no room.
        """
        digest = digest_of(frame.image)
        with self._lock:
            kept = self._kept(digest)
        if kept is not None:
            return kept
        found = compute(frame)
        with self._lock:
            self.computed += 1
            self._keep(digest, found)
        return found

    def around(self, processor: Processor) -> "KeptProcessor":
        """A processor that looks here first."""
        return KeptProcessor(self, processor)

    def _kept(self, digest: int) -> Detections | None:
        row = int(np.searchsorted(self._digests, digest))
        if row == len(self._digests) or self._digests[row] != digest:
            return None
        number, place = int(self._entries[row]), int(self._places[row])
        if self._open[0] != number:
            self._open = (number, open_entry(self._folder, self._names[number]))
        entry = self._open[1]
        if entry is None or place >= len(entry):
            return None
        found = entry.frame(place)
        return found.detections if found.frame == digest else None

    def _keep(self, digest: int, found: Detections) -> None:
        try:
            if self._writer is None:
                self._writer, self._written = CacheWriter(self._folder, f"{digest % 2**64:016x}"), 0
            self._writer.append(CachedFrame(digest, found))
            self._written += 1
            if self._written == FRAMES:
                self._finish()
        except OSError as error:
            self.abandon()
            raise self._no_room(error) from None

    def close(self) -> None:
        """Keep what was added last.

        Raises:
            StoreError: no room.
        """
        try:
            self._finish()
        except OSError as error:
            self.abandon()
            raise self._no_room(error) from None

    def abandon(self) -> None:
        """Do not keep what was added last."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None

    def _no_room(self, error: OSError) -> StoreError:
        return StoreError(f"{self._folder}: cannot be written ({error.strerror or error}); make room and run again")

    def _finish(self) -> None:
        if self._writer is not None:
            self._writer.finish()
            self._writer = None


class KeptProcessor:
    """Looks at frames as `processor` does, but only at those that were not looked at before.

    Attributes:
        detector, limit: those of the processor.
    """

    def __init__(self, perception: Perception, processor: Processor) -> None:
        self.detector: Detector = processor.detector
        self.limit: BoxLimit = processor.limit
        self._perception, self._processor = perception, processor

    def __call__(self, frame: Frame) -> Detections:
        """The detections of a frame; none of a frame that is passed over."""
        return self._perception.of(frame, self._processor) if frame.detect else Detections.empty()


def digest_of(image: NDArray[np.uint8]) -> int:
    """64 bits of all pixels (H, W, 3): another image has the same ones once in 2^64, and costs a box or two."""
    shape = zlib.crc32(repr(image.shape).encode())
    whole = zlib.crc32(np.ascontiguousarray(image).data, shape)
    part = zlib.crc32(np.ascontiguousarray(image[::4, :, 1]).data, whole ^ 0xFFFFFFFF)
    return int(np.array(whole << 32 | part, np.uint64).view(np.int64))

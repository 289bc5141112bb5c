"""Several cameras at once: each is read and looked at by a thread of its own, with networks that all of them share."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import NamedTuple

from remix_track.detections import Detections
from remix_track.encoder.embedder import Embedder
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.frame import Frame
from remix_track.trackers.pipeline.detect_and_embed import FrameProcessor

_JOIN_SECONDS = 2.0


class Networks(NamedTuple):
    """What looks at one frame at a time."""

    detector: Detector
    embedder: Embedder | None


class NetworkPool:
    """Detectors and encoders that several sources borrow, frame by frame.

    Attributes:
        first: those that are there from the beginning.
    """

    def __init__(self, first: Networks, others: Callable[[], Sequence[Callable[[], Networks]]] = tuple) -> None:
        """Begin with one pair.

        Args:
            first: looks at the first frame alone: what that prepares for its size is then at hand for all.
            others: called after that; makes the others.
        """
        self.first = first
        self._others: Callable[[], Sequence[Callable[[], Networks]]] | None = others
        self._free: SimpleQueue[Networks] = SimpleQueue()
        self._free.put(first)

    @contextlib.contextmanager
    def borrow(self) -> Iterator[Networks]:
        """A pair for one user at a time; waits until one is free."""
        networks, others = self._free.get(), None
        try:
            yield networks
            # There is one pair until here, so that no other thread is here at the same time.
            others, self._others = self._others, None
        finally:
            self._free.put(networks)
        for make in others() if others else ():
            self._free.put(make())


class LiveDetectAndEmbed:
    """The frames of one live source with their detections, read and looked at while the caller uses the ones before.

    One frame at most waits for the caller, besides those that a stream itself holds back.

    Attributes:
        detector: the first of the detectors, which are all alike.
        dropped: boxes left out of this source's frames so far, by the detectors or as too many in a frame.
    """

    def __init__(
        self,
        networks: NetworkPool,
        processor: Callable[[Detector, Embedder | None], FrameProcessor],
        on_ready: Callable[[], None],
    ) -> None:
        """Begin with nothing.

        Args:
            networks: what looks, shared with other sources.
            processor: puts them together for this source.
            on_ready: called in another thread whenever the next step of the loop over the frames need not wait: for a
                frame, for the end, and for an error.
        """
        self.detector = networks.first.detector
        self.dropped = 0
        self._networks, self._processor, self._on_ready = networks, processor, on_ready

    def __call__(self, frames: Iterator[Frame]) -> "LiveProcessedFrames":
        """Each frame and what is seen in it, once started; errors come at the frame that they belong to."""
        return LiveProcessedFrames(frames, self._processed, self._on_ready)

    def _processed(self, frame: Frame) -> Detections:
        with self._networks.borrow() as networks:
            process = self._processor(*networks)
            before = networks.detector.dropped + process.limit.left_out
            found = process(frame)
            self.dropped += networks.detector.dropped + process.limit.left_out - before
        return found


class LiveProcessedFrames:
    """Frames and detections from a thread."""

    def __init__(
        self, frames: Iterator[Frame], look: Callable[[Frame], Detections], on_ready: Callable[[], None]
    ) -> None:
        """Prepare; for the arguments see `LiveDetectAndEmbed`."""
        self._look, self._on_ready = look, on_ready
        self._waiting: SimpleQueue[tuple[Frame, Detections] | BaseException | None] = SimpleQueue()
        self._room = threading.Semaphore(0)
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._work, args=(frames,), name="remix-track camera", daemon=True)

    def start(self) -> None:
        """Begin to read and to look."""
        self._thread.start()

    def __iter__(self) -> "LiveProcessedFrames":
        return self

    def __next__(self) -> tuple[Frame, Detections]:
        item = None if self._deadline is not None else self._waiting.get()
        if item is None or isinstance(item, BaseException):
            # Nothing comes after it, however often it is asked for.
            self.stop()
            raise item or StopIteration
        self._room.release()
        return item

    def stop(self) -> None:
        """Begin nothing any more; does not wait."""
        if self._deadline is None:
            self._deadline = time.monotonic() + _JOIN_SECONDS
            self._room.release()

    def close(self) -> None:
        """Stop, and wait for the thread, until two seconds after it was told to stop.

        A read that waits for the network is left to its time-out; nobody should wait for it after Ctrl-C.
        """
        self.stop()
        if self._deadline is not None and self._thread.ident is not None:
            self._thread.join(max(0.0, self._deadline - time.monotonic()))

    def _work(self, frames: Iterator[Frame]) -> None:
        try:
            for frame in frames:
                self._give((frame, self._look(frame)))
                self._room.acquire()
                if self._deadline is not None:
                    return
            self._give(None)
        except BaseException as error:
            self._give(error)

    def _give(self, item: tuple[Frame, Detections] | BaseException | None) -> None:
        self._waiting.put(item)
        self._on_ready()

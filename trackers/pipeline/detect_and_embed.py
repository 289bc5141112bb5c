"""Detect and embed: the work on a frame that depends on no frame before it, so that several can be under way."""

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Protocol

import numpy as np

from remix_track.detections import Detections
from remix_track.encoder.embedder import Embedder
from remix_track.ordered_workers import map_ordered
from remix_track.trackers.association.frame_detections import BoxLimit
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.detectors.public import PublicDetections
from remix_track.trackers.frame import Frame
from remix_track.trackers.stage_clock import StageClock


class ProcessedFrames(Protocol):
    """Frames and their detections, in order; to be closed if not all of them are taken."""

    def __iter__(self) -> "ProcessedFrames": ...
    def __next__(self) -> tuple[Frame, Detections]: ...
    def close(self) -> None:
        """End what looks at frames; later calls do nothing."""


class Processor(Protocol):
    """Looks at frames: a `FrameProcessor`, or what stands around one. Serves one thread at a time."""

    detector: Detector
    limit: BoxLimit

    def __call__(self, frame: Frame) -> Detections:
        """The detections of a frame; none of a frame that is passed over."""


class FrameProcessor:
    """A detector and an encoder as one step; serves one thread at a time.

    Attributes:
        detector: finds the people.
        limit: of the boxes of a frame.
    """

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder | None,
        *,
        min_confidence: float,
        clock: StageClock,
        least_score: float | None = None,
        limit: BoxLimit | None = None,
    ) -> None:
        """Put them together.

        Args:
            detector: finds the people.
            embedder: of their crops; None where vectors are not needed, or not yet.
            min_confidence: detections below it are not looked at, and get vectors of zeros.
            clock: for the stages `detect` and `embed`.
            least_score: detections below it are left out: the tracker would not use them. None: `min_confidence`.
            limit: of the boxes of a frame, the run's; None: one of its own.
        """
        self.detector = detector
        self.limit = limit or BoxLimit()
        self._embedder = embedder
        self._min_confidence = min_confidence
        self._least_score = min_confidence if least_score is None else least_score
        self._clock = clock

    def __call__(self, frame: Frame) -> Detections:
        """The detections of a frame, embedded if there is an encoder; none of a frame that is passed over."""
        if not frame.detect:
            return Detections.empty()
        with self._clock("detect"):
            found = self.detector(frame)
        used = found[found.score >= self._least_score]
        used = used[self.limit.best(used.score, frame.index)]
        if self._embedder is None:
            return used
        sure = np.flatnonzero(used.score >= self._min_confidence)
        with self._clock("embed"):
            seen = self._embedder(frame.image, used.xyxy[sure])
        vectors = np.zeros((len(used), seen.shape[1]), np.float32)
        vectors[sure] = seen
        return used.with_embedding(vectors)


class DetectAndEmbed:
    """Frames with their detections, in order, several of them under way at once.

    A frame's detections and their vectors depend on nothing before it, so that they are the same whether frames are
    looked at one by one or several at a time.
    """

    def __init__(
        self,
        process: Processor,
        others: Callable[[], Sequence[Callable[[], Processor]]] = tuple,
        *,
        ahead: int = 0,
    ) -> None:
        """Begin with nothing.

        Args:
            process: looks at frames.
            others: called after the first frame; gives what makes more of the same, each in a thread of its own.
            ahead: how many frames may be read before they are due; with 0 all is done frame by frame.
        """
        self._processors = [process]
        self._others = others
        self._ahead = ahead

    def __call__(self, frames: Iterator[Frame]) -> Generator[tuple[Frame, Detections], None, None]:
        """Each frame and what is seen in it; errors come at the frame that they belong to."""
        return map_ordered(frames, self._processors[0], self._more, ahead=self._ahead)

    @property
    def detector(self) -> Detector:
        """The first of the detectors, which are all alike."""
        return self._processors[0].detector

    @property
    def dropped(self) -> int:
        """Boxes that were left out so far, by the detectors (see `Detector.dropped`) or as too many in a frame."""
        detectors = {id(processor.detector): processor.detector for processor in self._processors}
        limits = {id(processor.limit): processor.limit for processor in self._processors}
        return sum(detector.dropped for detector in detectors.values()) + sum(
            limit.left_out for limit in limits.values()
        )

    @property
    def doubts(self) -> list[str]:
        """What was said of the boxes so far: classes of a `det.txt`, frames with too many."""
        detector = self.detector
        said = [detector.doubt] if isinstance(detector, PublicDetections) else []
        said += dict.fromkeys(processor.limit.said for processor in self._processors)
        return [line for line in said if line]

    def _more(self) -> Sequence[Callable[[], Processor]]:
        return [partial(self._made, make) for make in self._others()]

    def _made(self, make: Callable[[], Processor]) -> Processor:
        processor = make()
        self._processors.append(processor)
        return processor

"""A detector and an encoder on a GPU: frames that several threads have at the same time go through them together."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from remix_track.batched_calls import BatchedCalls
from remix_track.detections import Detections
from remix_track.encoder.embedder import Embedder, NetworkEmbedder
from remix_track.trackers.frame import Frame
from remix_track.trackers.pipeline.live_sources import Networks

if TYPE_CHECKING:
    from remix_track.trackers.detectors.yolo import YoloDetector


class _DetectorOfThread:
    """A `Detector` for one thread, whose frames another one takes together with those of other threads."""

    def __init__(self, detector: "YoloDetector", calls: BatchedCalls[Frame, tuple[Detections, int]]) -> None:
        self.name, self.class_names, self.classes = detector.name, detector.class_names, detector.classes
        self.dropped = 0
        self._calls = calls

    def __call__(self, frame: Frame) -> Detections:
        found, dropped = self._calls(frame)
        self.dropped += dropped
        return found


def for_threads(detector: "YoloDetector", embedder: Embedder | None, threads: int) -> list[Networks]:
    """A pair of networks for each thread, all of which end in the same two."""
    calls = BatchedCalls(detector.many, largest=threads)
    embedders: Sequence[Embedder | None] = [embedder] * threads
    if isinstance(embedder, NetworkEmbedder):
        embedders = embedder.for_threads(threads)
    return [Networks(_DetectorOfThread(detector, calls), one) for one in embedders]

"""One source, one detector, one tracker: frames in, tracked frames out."""

from collections.abc import Iterator

from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.frame import Frame, TrackedFrame
from remix_track.trackers.sources import Source
from remix_track.trackers.stage_clock import StageClock
from remix_track.trackers.tracker import Tracker


class Run:
    """A source being tracked. Iterate it once; what it counted can be read at any time.

    Attributes:
        source, detector, tracker: the parts it was given.
        frames: frames tracked so far.
        boxes: boxes given out so far.
        people: ids given out so far.
        fps: frames per second as they come out (after a stride).
    """

    def __init__(self, source: Source, detector: Detector, tracker: Tracker, *, fps: float) -> None:
        self.source = source
        self.fps = fps
        self.detector = detector
        self.tracker = tracker
        self.frames = 0
        self.boxes = 0
        self.people: set[int] = set()
        self._clock = StageClock("read", "detect")

    def __iter__(self) -> Iterator[TrackedFrame]:
        with self.source:
            frames = iter(self.source)
            while (frame := self._read(frames)) is not None:
                with self._clock("detect"):
                    detections = self.detector(frame)
                tracks = self.tracker.update(detections, frame.image)
                self.frames += 1
                self.boxes += len(tracks)
                self.people.update(tracks.ids.tolist())
                yield TrackedFrame(frame.index, frame.image, frame.time, tracks)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds spent so far in read, detect, embed and associate."""
        return self._clock.seconds | self.tracker.clock.seconds

    def _read(self, frames: Iterator[Frame]) -> Frame | None:
        with self._clock("read"):
            return next(frames, None)

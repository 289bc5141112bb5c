"""One source, one tracker: frames in, tracked frames out, while the next frames are read and looked at."""

import contextlib
from collections.abc import Generator, Iterator

from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.frame import Frame, TrackedFrame
from remix_track.trackers.perception import Perception
from remix_track.trackers.sources import Source
from remix_track.trackers.tracker import Tracker

STAGES = ("read", "detect", "embed", "associate")


class Run:
    """A source being tracked. Iterate it once; what it counted can be read at any time.

    Attributes:
        source, perception, tracker: the parts it was given; the perception on the tracker's clock.
        frames: frames tracked so far.
        boxes: boxes given out so far.
        people: ids given out so far.
        fps: frames per second as they come out (after a stride).
    """

    def __init__(self, source: Source, perception: Perception, tracker: Tracker, *, fps: float) -> None:
        self.source = source
        self.fps = fps
        self.perception = perception
        self.tracker = tracker
        self.frames = 0
        self.boxes = 0
        self.people: set[int] = set()

    def __iter__(self) -> Generator[TrackedFrame, None, None]:
        with self.source, contextlib.closing(self.perception(self._read())) as seen:
            for frame, detections in seen:
                tracks = self.tracker.update(detections, frame.image)
                self.frames += 1
                self.boxes += len(tracks)
                self.people.update(tracks.ids.tolist())
                yield TrackedFrame(frame.index, frame.image, frame.time, tracks)

    @property
    def detector(self) -> Detector:
        """What finds the people."""
        return self.perception.detector

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds of work so far, by stage; they overlap where several frames are under way."""
        spent = self.tracker.clock.seconds
        return {stage: spent.get(stage, 0.0) for stage in STAGES}

    def _read(self) -> Iterator[Frame]:
        frames = iter(self.source)
        while (frame := self._next(frames)) is not None:
            yield frame

    def _next(self, frames: Iterator[Frame]) -> Frame | None:
        with self.tracker.clock("read"):
            return next(frames, None)

"""Which frame of its source each frame of a page is, and when it was: kept only where they do not go on evenly."""

from array import array


class FrameTimes:
    """Numbers and times of the frames 0, 1, 2, ... of a page.

    Between two knots, frame numbers rise by `step` and times by one frame's length. An hour of a file is one knot, and
    a camera whose frames come unevenly gets one where it is off by half a frame.

    Attributes:
        count: frames so far.
        step: by which numbers rise, the stride of the source.
        knots: of each its place on the page, its number in the source, and its time in milliseconds.
    """

    def __init__(self, fps: float) -> None:
        """Begin without frames; `fps` is that of a page."""
        self.count = 0
        self.step = 1
        self.knots = array("q")
        self._length = 1000 / fps

    def add(self, index: int, time: float) -> None:
        """The next frame: its number in the source, and its time in seconds."""
        milliseconds = 1000 * time
        if self.count == 1:
            self.step = max(index - self.knots[1], 1)
        if not self.count or self._surprises(index, milliseconds):
            self.knots.extend((self.count, index, round(milliseconds)))
        self.count += 1

    def _surprises(self, index: int, milliseconds: float) -> bool:
        place, number, time = self.knots[-3:]
        further = self.count - place
        late = milliseconds - time - further * self._length
        return index != number + further * self.step or abs(late) > self._length / 2

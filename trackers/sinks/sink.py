"""What every sink is: something that takes tracked frames, one after another, until it is closed."""

from types import TracebackType
from typing import Protocol, Self

from remix_track.trackers.frame import TrackedFrame


class Sink(Protocol):
    """Takes frames in order: `with sink: sink.write(frame)`.

    `close` runs in a `finally`: it completes what is there, also after an error, and may be called twice. What can
    be read on disk after a `write` that raised, or after the process was killed, is whole up to a recent frame.
    Any object with these methods will do; ours inherit `with` from here.
    """

    def write(self, frame: TrackedFrame) -> None:
        """Take one frame.

        Raises:
            InputError: the disk is full, or the place cannot be written.
        """

    def close(self) -> None:
        """Complete the result; later calls do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

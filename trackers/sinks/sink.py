"""The protocol of sinks: they take tracked frames in order until they are closed."""

from types import TracebackType
from typing import Protocol, Self

from remix_track.trackers.frame import TrackedFrame


class Sink(Protocol):
    """Takes frames in order: `with sink: sink.write(frame)`.

    `close` completes the result. It is called after an error too, and may be called twice. If a `write` raised, or
    the process was killed, the result on disk is complete up to a recent frame. Any object with these methods is a
    sink; the ones of this package inherit `with` from here.
    """

    def write(self, frame: TrackedFrame) -> None:
        """Take one frame.

        Raises:
            InputError: the disk is full, or the file cannot be written.
        """

    def close(self) -> None:
        """Complete the result; later calls do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

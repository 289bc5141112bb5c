"""Which frames of a source are wanted: `--start`, `--stride`, `--frames`."""

from dataclasses import dataclass, replace

from remix_track.setting_values import Limits, typed


@dataclass(frozen=True, slots=True)
class Selection:
    """Frames `start`, `start + stride`, ... by their 1-based number in the source, at most `frames` of them.

    A frame that is lost to damage uses up its place: the same numbers are asked for whatever the file's state.

    Raises:
        InputError: a value below 1.
    """

    start: int = 1
    stride: int = 1
    frames: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("start", self.start), ("stride", self.stride), ("frames", self.frames)):
            typed(value, int if name != "frames" else int | None, f"`{name}`", Limits(low=1))

    def wants(self, index: int) -> bool:
        """Whether the frame of this number is to be delivered."""
        return index >= self.start and (index - self.start) % self.stride == 0 and not self.is_past(index)

    def is_past(self, index: int) -> bool:
        """Whether no frame from this number on is wanted."""
        return self.frames is not None and index > self.start + (self.frames - 1) * self.stride

    def beginning_at(self, first: int) -> "Selection":
        """The same frames of a source whose first one has the number `first`; those before it use up no place."""
        skipped = max(0, -(-(first - self.start) // self.stride))
        return replace(self, start=self.start + skipped * self.stride)

    def expected(self, total: int | None, first: int = 1) -> int | None:
        """How many of `total` frames from number `first` on are delivered; None where nothing bounds them."""
        if total is None:
            return self.frames
        selected = max(0, -(-(first + total - self.start) // self.stride))
        return selected if self.frames is None else min(selected, self.frames)

"""Where a source was broken, in a few lines, however much of it was."""

from dataclasses import dataclass, field

_MAX_LINES = 20


@dataclass(slots=True)
class _Run:
    """Frames `first` to `last` that share one fate."""

    lost: bool
    first: int
    last: int

    def __str__(self) -> str:
        count = self.last - self.first + 1
        frames = f"frame {self.first}" if count == 1 else f"frames {self.first} to {self.last}"
        if self.lost:
            return f"{frames} could not be decoded; {count} {'frame was' if count == 1 else 'frames were'} lost"
        return f"{frames} decoded with errors; parts of the image are wrong"


@dataclass(slots=True)
class Damage:
    """What was lost while reading; neighbours are told in one line, and the number of lines is bounded.

    Attributes:
        lost_frames: number of frames that could not be delivered.
        damaged_frames: number of frames that were delivered although parts of them did not decode.
        end: why the source ended before its time, where it broke off; else None.
    """

    lost_frames: int = 0
    damaged_frames: int = 0
    end: str | None = None
    _lines: list[_Run | str] = field(default_factory=list)
    _unsaid: int = 0

    def lost(self, first: int, count: int = 1) -> None:
        """Frames `first` ... `first + count - 1` gave no picture."""
        if count > 0:
            self.lost_frames += count
            self._record(True, first, first + count - 1)

    def damaged(self, index: int) -> None:
        """This frame's picture is partly made up by the decoder."""
        self.damaged_frames += 1
        self._record(False, index, index)

    def lost_because(self, index: int, why: str) -> None:
        """One frame gave no picture, for a reason worth a line of its own."""
        self.lost_frames += 1
        self.note(f"frame {index} was lost: {why}")

    def note(self, line: str) -> None:
        """Anything else that cost frames."""
        self._append(line)

    def broke_off(self, line: str) -> None:
        """The source ended here, although nothing says that it should."""
        self.end = line
        self.note(line)

    def _record(self, lost: bool, first: int, last: int) -> None:
        latest = self._lines[-1] if self._lines else None
        if isinstance(latest, _Run) and latest.lost == lost and latest.last == first - 1 and not self._unsaid:
            latest.last = last
        else:
            self._append(_Run(lost, first, last))

    def _append(self, line: _Run | str) -> None:
        if len(self._lines) < _MAX_LINES:
            self._lines.append(line)
        else:
            self._unsaid += 1

    @property
    def lines(self) -> list[str]:
        """The damage, one place a line, in the order it was met."""
        lines = [str(line) for line in self._lines]
        if self._unsaid:
            lines.append(
                f"and {self._unsaid} more places; in all {self.lost_frames} frames were lost"
                f" and {self.damaged_frames} are damaged"
            )
        return lines

"""A source as the tracker sees it: facts, frames one after another, and what went wrong."""

import contextlib
import logging
import math
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.mot_sequence import INFO
from remix_track.setting_values import Limits, typed
from remix_track.trackers.frame import Frame

_FALLBACK_FPS = 30.0
_MAX_FPS = 1000.0
_MAX_LINES = 20  # of damage, however much of a source is broken
MAX_PIXELS = 2**26
"""The largest image that is decoded, 8192 x 8192: a few bytes of file must not ask for gigabytes of memory."""

_log = logging.getLogger(__name__)


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


class Picture(NamedTuple):
    """What a reader hands over.

    Number in the source, image (H, W, 3) uint8 BGR, seconds since the first where it knows them, and when it was
    taken (UTC), where something tells.
    """

    number: int
    image: NDArray[np.uint8]
    time: float | None
    utc: datetime | None = None


@dataclass(slots=True)
class Facts:
    """What a reader knows before it has read a frame; claims of a header, not measurements.

    Attributes:
        name: safe as the name of a folder.
        where: how messages name the source; without passwords.
        fps: frames per second; None where nothing tells.
        frames: number of frames; None where nothing tells.
        first: number of the first frame.
        size: width and height of its images as a file beside them states them; None where nothing does.
        live: frames come when they happen and cannot be read again.
        warnings: doubts worth a line that cost no frames.
        tallies: more of them, by kind, whose numbers grow while frames come.
    """

    name: str
    where: str
    fps: float | None = None
    frames: int | None = None
    first: int = 1
    size: tuple[int, int] | None = None
    live: bool = False
    warnings: tuple[str, ...] = ()
    tallies: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Stretch:
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
    _lines: list[_Stretch | str] = field(default_factory=list)
    _unsaid: int = 0

    def lost(self, first: int, count: int = 1) -> None:
        """Frames `first` ... `first + count - 1` gave no image."""
        if count > 0:
            self.lost_frames += count
            self._record(True, first, first + count - 1)

    def damaged(self, index: int) -> None:
        """This frame's image is partly made up by the decoder."""
        self.damaged_frames += 1
        self._record(False, index, index)

    def lost_because(self, index: int, why: str) -> None:
        """One frame gave no image, for a reason worth a line of its own."""
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
        if isinstance(latest, _Stretch) and latest.lost == lost and latest.last == first - 1 and not self._unsaid:
            latest.last = last
        else:
            self._append(_Stretch(lost, first, last))

    def _append(self, line: _Stretch | str) -> None:
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


class Reader(Protocol):
    """One kind of input. `seen` is the number of the last frame met, delivered or not."""

    facts: Facts
    damage: Damage
    seen: int

    def read(self, selection: Selection) -> Generator[Picture, None, None]:
        """The wanted images in order, ending after the last; called once."""

    def close(self) -> None:
        """Release files, connections, threads; may be called twice."""


class Source:
    """The selected frames of one source; iterate once, inside `with`.

    Frames come in the size that they have. Where it changes, which `warnings` tells, pixels mean other places: what
    follows is for the tracker and the files as another video. (Scaling would quietly distort the images.)

    Attributes:
        name: safe as the name of a folder.
        path: the path or address as messages and summaries show it; without passwords.
        fps: frames per second of the source: the user's, else the source's own, else 30.
        fps_known: False where 30 is a guess.
        frames: how many frames to expect, as far as headers tell; None without a hint.
        live: a camera or a live stream.
        width, height: size of the first frame in pixels; None before it.
        frames_read: frames delivered so far.
        again: opens it once more, with every so many-th of its frames; None where frames come once.

    Raises:
        InputError: while iterating: not one frame could be delivered.
    """

    def __init__(self, reader: Reader, selection: Selection, fps: float | None = None) -> None:
        typed(fps, float | None, "`fps`", Limits(above=0, high=_MAX_FPS))
        facts = reader.facts
        self._reader, self._selection = reader, selection.beginning_at(facts.first)
        self._times_from_fps = fps is not None and not facts.live
        known = fps or facts.fps
        self.name, self.path, self.live = facts.name, facts.where, facts.live
        self.fps, self.fps_known = known or _FALLBACK_FPS, known is not None
        self.frames = self._selection.expected(facts.frames, facts.first)
        self.width: int | None = None
        self.height: int | None = None
        self.frames_read = 0
        self.again: Callable[[int], Source] | None = None
        if not self.fps_known:
            doubt = f"{self.path}: the frame rate is unknown; {_FALLBACK_FPS:g} is assumed, `fps` sets it"
            facts.warnings += (doubt,)
        self._size: tuple[int, int] | None = None
        self._sizes = 0
        self._doubts_said = 0

    @property
    def stride(self) -> int:
        """Every how many-th frame is wanted."""
        return self._selection.stride

    @property
    def warnings(self) -> list[str]:
        """Doubts that cost no frames."""
        return [*self._reader.facts.warnings, *self._reader.facts.tallies.values()]

    @property
    def problems(self) -> list[str]:
        """What cost frames so far: where the source broke, one line a place."""
        return self._reader.damage.lines

    @property
    def broke_off(self) -> str | None:
        """Why the source ended before its time, where it broke off and did not come back; else None."""
        return self._reader.damage.end

    @property
    def lost_frames(self) -> int:
        """Frames that are in the source but could not be decoded, so far."""
        return self._reader.damage.lost_frames

    def __iter__(self) -> Iterator[Frame]:
        with contextlib.closing(self._reader.read(self._selection)) as pictures:
            for index, image, seconds, utc in pictures:
                self._note_size(index, image)
                self.frames_read += 1
                self._say_doubts()
                yield Frame(index, image, self._time(index, seconds), utc)
        if not self.frames_read:
            # One line says it; doubts about what could not be read at all are not worth a second one.
            raise InputError(self._why_empty())
        self._say_doubts()
        for tally in self._reader.facts.tallies.values():
            _log.warning(tally)

    def _say_doubts(self) -> None:
        for doubt in self._reader.facts.warnings[self._doubts_said :]:
            _log.warning(doubt)
            self._doubts_said += 1

    def _note_size(self, index: int, image: NDArray[np.uint8]) -> None:
        height, width = image.shape[:2]
        before, self._size = self._size, (width, height)
        if before == self._size:
            return
        if before is None:
            self.width, self.height = width, height
            self._compare_with_stated_size()
            return
        self._sizes += 1
        times = "" if self._sizes == 1 else f" (the image's size has changed {self._sizes} times)"
        self._reader.facts.tallies["size"] = (
            f"{self.path}: the image changes from {before[0]}x{before[1]} to {width}x{height} at frame {index};"
            f" all tracks end there, and a new part of the result begins{times}"
        )

    def _compare_with_stated_size(self) -> None:
        """Boxes beside the images count the pixels that were stated: of images made smaller they are too large."""
        facts = self._reader.facts
        if facts.size not in (None, (self.width, self.height)):
            stated = "x".join(map(str, facts.size or ()))
            facts.warnings += (
                f"{self.path}: images of {self.width}x{self.height}, where {INFO} states {stated}; boxes count pixels"
                " of the images as they are, and ground truth or detections of the other size do not fit",
            )

    def _time(self, index: int, seconds: float | None) -> float:
        if seconds is None or self._times_from_fps:
            return (index - 1) / self.fps
        return seconds

    def _why_empty(self) -> str:
        seen = self._reader.seen
        if 0 < seen < self._selection.start:
            return f"{self.path}: has only {seen} frames, `start` {self._selection.start} is beyond its end"
        found = "; ".join(self.problems[:1]) or "it holds none"
        return f"{self.path}: not one frame could be read ({found}); check that it plays elsewhere"

    def close(self) -> None:
        """Release files, connections and threads."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def folder_name(text: str) -> str:
    """`text` with what a folder's name should not hold replaced by `-`; never empty, hidden or long."""
    return re.sub(r"[^\w.-]+", "-", text).strip(".-")[:80] or "source"


def plausible_fps(fps: float | None) -> float | None:
    """A header's frame rate, or None where it cannot be one (0, nan, a time base of 90000)."""
    return fps if fps is not None and math.isfinite(fps) and 0.01 <= fps <= _MAX_FPS else None

"""The files of a run, written and closed together: `tracks.txt` always, and what else is asked for.

They come in parts: files that begin, grow and end together, so that all files of a part have the same frames. A part
ends where the image changes its size, as boxes are in its pixels and a video file has one size; and, where that was
asked for, after some minutes. What is ended is complete, and nothing of it stays in memory.
"""

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from remix_track import reservations
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.trackers.frame import IdSet, TrackedFrame, compact_utc, iso_utc
from remix_track.trackers.pipeline.class_numbers import ClassNumbers
from remix_track.trackers.sinks.formats import OutputSettings, RunFacts
from remix_track.trackers.sinks.live_file import LiveFile
from remix_track.trackers.sinks.window import WindowClosed

if TYPE_CHECKING:
    from remix_track.trackers.sinks.sink import Sink

_LIST = "parts.jsonl"

Makers = Sequence[tuple[str, Callable[[Path], "Sink"]]]
"""The files of a part: how each is called, and what makes it."""


class Outputs:
    """The sinks of one run, written and closed together.

    Attributes:
        folder: where they are.
        frames: that the files have; boxes and people in them as well.
        wall: seconds from the beginning of the run to their closing.
        parts: those files that end and begin anew while the run goes on.
        seconds: spent in them.
        window_closed: the user has seen enough.
        summary: what `summary.json` says; empty before the end.
    """

    def __init__(self, folder: Path, began: float) -> None:
        """Begin without files; `began` is when the run began, by `time.perf_counter`."""
        self.folder = folder
        self.frames = 0
        self.boxes = 0
        self.people = IdSet()
        self.wall = 0.0
        self.parts = Parts(folder, [])
        self.seconds = 0.0
        self.window_closed = False
        self.summary: dict[str, Any] = {}
        self._began = began
        self._lasting: list[tuple[str, Sink]] = []
        self._numbers: ClassNumbers | None = None

    def open(self, wanted: OutputSettings, run: RunFacts) -> None:
        """Prepare what is wanted of a run; `tracks.txt` always.

        Raises:
            InputError: no window can be opened, or a folder not be made.
        """
        run = dataclasses.replace(run, in_parts=wanted.segment is not None, numbered=wanted.per_class_ids)
        formats = wanted.formats()
        self._numbers = ClassNumbers() if wanted.per_class_ids else None
        makers = [(one.file, one.maker(run)) for one in formats if not one.once]
        self.parts = Parts(self.folder, makers, wanted.segment)
        self._lasting = [(one.file, one.maker(run)(self.folder / one.file)) for one in formats if one.once]

    def write(self, frame: TrackedFrame) -> None:
        """Give the frame to every sink.

        Raises:
            InputError: one of them cannot be written, or the folder was removed.
        """
        start = time.perf_counter()
        reservations.refuse_removed(self.folder)
        if self._numbers is not None:
            frame = dataclasses.replace(frame, numbers=self._numbers(frame.tracks))
        try:
            self.parts.write(frame)
            for _, sink in self._lasting:
                sink.write(frame)
        except WindowClosed:
            self.window_closed = True
        except InputError:
            # Where the folder is gone, that is the reason.
            reservations.check(self.folder)
            raise
        finally:
            self.seconds += time.perf_counter() - start
        self.frames += 1
        self.boxes += len(frame.tracks)
        self.people.update(frame.ids.tolist())

    def close(self) -> None:
        """Complete every file, also where one of them fails; the first failure is raised at the end.

        Raises:
            InputError: a file could not be completed, or it or the folder is not there any more as it was made.
        """
        start, failures = time.perf_counter(), list[InputError]()
        try:
            reservations.check(self.folder)
        except InputError as error:
            # Said before what follows from it.
            failures.append(error)
        for close in (self.parts.close, *(sink.close for _, sink in self._lasting)):
            try:
                close()
            except InputError as error:
                failures.append(error)
        self.seconds += time.perf_counter() - start
        self.wall = time.perf_counter() - self._began
        if failures:
            raise failures[0]

    @property
    def names(self) -> list[str]:
        """What there is beside `summary.json`, by its plain names."""
        return [*self.parts.names, *(name for name, _ in self._lasting if name)]

    def files(self, parts: Sequence[Mapping[str, Any]]) -> list[str]:
        """What is there beside `summary.json`, parts as `Parts.told` tells of them."""
        names = [*(name for part in parts for name in part["files"]), *(name for name, _ in self._lasting)]
        return [name for name in [*names, _LIST] if name and (self.folder / name).exists()]

    @property
    def frames_per_second(self) -> float:
        """By the clock, from the beginning of the run to the closing of its files."""
        return self.frames / max(self.wall, 1e-9)


@dataclass(slots=True)
class _Part:
    number: int
    segment: int
    size: tuple[int, int]
    files: list[str] = field(default_factory=list)
    sinks: "list[Sink]" = field(default_factory=list)
    frames: int = 0
    first: tuple[int, float, datetime | None] = (0, 0.0, None)
    last: tuple[int, float, datetime | None] = (0, 0.0, None)

    def write(self, frame: TrackedFrame) -> None:
        for sink in self.sinks:
            sink.write(frame)
        self.last = frame.index, frame.time, frame.utc
        if not self.frames:
            self.first = self.last
        self.frames += 1

    def told(self) -> dict[str, Any]:
        """What `summary.json` says of it."""
        facts: dict[str, Any] = {"part": self.number, "frames": self.frames}
        for name, (index, seconds, utc) in (("first", self.first), ("last", self.last)):
            facts |= {f"{name}_frame": index, f"{name}_time": round(seconds, 3), f"{name}_utc": iso_utc(utc)}
        return facts | {"width": self.size[0], "height": self.size[1], "files": self.files}


class Parts:
    """Gives each frame to the files of its part; they are made with its first frame.

    Without `minutes` the files of the first part have the plain names, as there is mostly no other one. Where there are
    several, `parts.jsonl` gets a line for each as it ends, so that a run that is killed has told of all but the last.

    Attributes:
        count: how many parts there are so far.
    """

    def __init__(self, folder: Path, makers: Makers, minutes: float | None = None) -> None:
        """Begin without any.

        Args:
            folder: where the files are made.
            makers: what makes them.
            minutes: of a source's time that a part has; None: all.
        """
        self.count = 0
        self._folder, self._makers = folder, makers
        self._seconds = None if minutes is None else 60 * minutes
        self._begin: float | None = None
        self._part: _Part | None = None
        self._list: LiveFile | None = None
        self._only: dict[str, Any] | None = None

    @property
    def names(self) -> list[str]:
        """The files of each part, by their plain names."""
        return [name for name, _ in self._makers]

    def write(self, frame: TrackedFrame) -> None:
        """Write a frame, after ending a part that it does not belong to.

        Raises:
            InputError: a file cannot be made, written or completed.
        """
        height, width = frame.image.shape[:2]
        segment = self._segment_of(frame.time)
        part = self._part
        if part is not None and (part.segment, part.size) != (segment, (width, height)):
            self._end()
        if self._part is None:
            self._open(segment, (width, height), frame.utc)
        assert self._part is not None
        self._part.write(frame)

    def close(self) -> None:
        """Complete the last part; later calls do nothing.

        Raises:
            InputError: a file could not be completed.
        """
        try:
            if self._part is not None:
                self._end(last=True)
        finally:
            if self._list is not None:
                self._list.close()

    def told(self) -> list[dict[str, Any]]:
        """Each part that has ended: its frames, their times and the files, in order."""
        if self._only is not None:
            return [self._only]
        if self._list is None:
            return []
        # Where it is gone or was changed, closing it has said so.
        with contextlib.suppress(OSError, ValueError):
            return [json.loads(line) for line in (self._folder / _LIST).read_text(encoding="utf-8").splitlines()]
        return []

    def _segment_of(self, time: float) -> int:
        """Counted from the first frame, so that boundaries do not drift, and hours without a frame are no parts."""
        self._begin = time if self._begin is None else self._begin
        # Times are multiples of a frame's length, which floats do not hit.
        return 0 if self._seconds is None else int((time - self._begin) / self._seconds + 1e-6)

    def _open(self, segment: int, size: tuple[int, int], utc: datetime | None) -> None:
        self.count += 1
        self._part = part = _Part(self.count, segment, size)
        for name, make in self._makers:
            own = name if self.count == 1 and self._seconds is None else part_name(name, self.count, utc)
            part.sinks.append(make(self._folder / own))
            part.files.append(own)

    def _end(self, *, last: bool = False) -> None:
        """Complete the files, also where one of them fails; the first failure is raised at the end."""
        assert self._part is not None
        part, self._part = self._part, None
        failure = None
        for sink in part.sinks:
            try:
                sink.close()
            except InputError as error:
                failure = failure or error
        if last and self.count == 1 and self._seconds is None:
            self._only = part.told()
        else:
            self._note(part)
        if failure is not None:
            raise failure

    def _note(self, part: _Part) -> None:
        if self._list is None:
            self._list = LiveFile(self._folder / _LIST)
        self._list.append(json_text(part.told()).encode())


def part_name(name: str, number: int, utc: datetime | None) -> str:
    """`video.mp4` of part 3: `video-0003-20261129T150000Z.mp4`, the time being that of its first frame, where known."""
    path = PurePath(name)
    day = "" if utc is None else f"-{compact_utc(utc)}"
    return f"{path.stem}-{number:04d}{day}{path.suffix}"

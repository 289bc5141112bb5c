"""The files of a run, written and closed together: `tracks.txt` always, and what else is asked for."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import reservations
from remix_track.errors import InputError
from remix_track.trackers.frame import IdSet, TrackedFrame
from remix_track.trackers.sinks.formats import OutputSettings, RunFacts
from remix_track.trackers.sinks.parts import LIST as PARTS
from remix_track.trackers.sinks.parts import Parts
from remix_track.trackers.sinks.window import WindowClosed

if TYPE_CHECKING:
    from remix_track.trackers.sinks.sink import Sink


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

    def open(self, wanted: OutputSettings, run: RunFacts) -> None:
        """Prepare what is wanted of a run; `tracks.txt` always.

        Raises:
            InputError: no window can be opened, or a folder not be made.
        """
        run = dataclasses.replace(run, in_parts=wanted.segment is not None)
        formats = wanted.formats()
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
        return [name for name in [*names, PARTS] if name and (self.folder / name).exists()]

    @property
    def frames_per_second(self) -> float:
        """By the clock, from the beginning of the run to the closing of its files."""
        return self.frames / max(self.wall, 1e-9)

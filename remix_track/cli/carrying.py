"""A run carried out: tracked and written frame by frame, and ended so that every file is whole."""

import argparse
import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from remix_track import reservations, stop_signals
from remix_track.cli.results import Outputs, summarise
from remix_track.cli.terminal import say
from remix_track.errors import InputError
from remix_track.trackers.settings import TrackSettings

if TYPE_CHECKING:
    from remix_track.trackers.pipeline.run import Run


class Carrying:
    """Carries out a run, a frame at a `step`, inside `with`; what ends that says how the run ended.

    Attributes:
        run: the run.
        outputs: what it is written to; None before the first frame: a source without frames leaves no trace.
    """

    def __init__(
        self, run: "Run", settings: TrackSettings, arguments: argparse.Namespace, claim: Callable[[], Path], title: str
    ) -> None:
        """Begin to read and to look.

        Args:
            run: not iterated yet.
            settings: as they are used.
            arguments: what is written.
            claim: makes the folder.
            title: of its window.
        """
        self.run = run
        self.outputs: Outputs | None = None
        self._settings, self._arguments, self._claim, self._title = settings, arguments, claim, title
        self._began = time.perf_counter()
        stop_signals.check()
        self._stack = contextlib.ExitStack()
        # A signal is acted on where the next frame is waited for, and nowhere else: every file has the same frames.
        self._stack.enter_context(stop_signals.held())
        self._stack.callback(run.close)
        self._frames = self._stack.enter_context(contextlib.closing(iter(run)))
        try:
            run.begin()
        except BaseException:
            self._stack.close()
            raise

    def step(self) -> bool:
        """Track the next frame and write it; False where there is no more to do: no frame, or a closed window."""
        if self.outputs and self.outputs.window_closed:
            return False
        with stop_signals.waiting():
            frame = next(self._frames, None)
        if frame is None:
            return False
        if self.outputs is None:
            self.outputs = self._open()
        self.outputs.write(frame)
        return not self.outputs.window_closed

    def _open(self) -> Outputs:
        run, embedder = self.run, self.run.tracker.embedder
        folder = self._claim()
        self._stack.callback(reservations.release, folder)
        outputs = Outputs(folder, self._began)
        self._stack.enter_context(outcome(outputs, run, self._settings))
        # Once more: it is over before the summary is written.
        self._stack.enter_context(contextlib.closing(self._frames))
        looks = embedder.description if embedder else None
        outputs.open(self._arguments, fps=run.fps, drawing=self._settings.drawing, appearance=looks, title=self._title)
        return outputs

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)


@contextlib.contextmanager
def outcome(outputs: Outputs, tracking: "Run", settings: TrackSettings) -> Iterator[Outputs]:
    """Whatever ends the run, close every file and say in `summary.json` how it ended.

    Raises:
        InputError: a file could not be completed, or is not there any more; the summary says so too.
    """
    try:
        yield outputs
    except BaseException as error:
        # A generator is closed where the user stops what reads it.
        stopped = isinstance(error, KeyboardInterrupt | GeneratorExit)
        ended = f"stopped by the user after {outputs.frames} frames" if stopped else f"failed: {error}"
        kept = f"what is there is whole: {outputs.folder}"
        # A full disk stops the summary too; what it stopped first is what the user must hear of.
        try:
            _finish(outputs, tracking, settings, ended)
        except InputError as another:
            kept = str(another)
        if stopped:
            say(f"remix-track: {ended}; {kept}")
        raise
    _finish(outputs, tracking, settings, tracking.source.broke_off or "complete")


def _finish(outputs: Outputs, tracking: "Run", settings: TrackSettings, ended: str) -> None:
    try:
        outputs.close()
    except InputError as error:
        with contextlib.suppress(InputError):
            summarise(tracking, dataclasses.asdict(settings), outputs, f"failed: {error}")
        raise
    summarise(tracking, dataclasses.asdict(settings), outputs, ended)

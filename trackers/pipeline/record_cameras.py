"""Several live sources recorded at the same time, each into a folder of its own."""

import contextlib
import itertools
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Self

from remix_track import stop_signals
from remix_track.errors import InputError
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.trackers.pipeline.outputs import Outputs
from remix_track.trackers.pipeline.recorder import Recogniser, Recorder, Report
from remix_track.trackers.sinks.formats import OutputSettings

if TYPE_CHECKING:
    from remix_track.trackers.pipeline.session import Session
    from remix_track.trackers.sources import Source

logger = logging.getLogger(__name__)


def record_cameras(
    opening: "Sequence[Callable[[], Source]]",
    session: "Session",
    wanted: OutputSettings,
    reserve: Callable[[str], Path],
    *,
    on_progress: OnProgress = unheard,
    report: Report = logger.warning,
    recogniser: "Callable[[str, Source], Recogniser] | None" = None,
) -> list[Outputs]:
    """Record live sources until the last of them ends, each as its frames come.

    One that ends or breaks off does not end the others. Closing a window ends them all, as Ctrl-C does.

    Args:
        opening: open the sources.
        session: makes the runs.
        wanted: what is written of each.
        reserve: makes the folder of a source, from its name.
        on_progress: called after each frame of any of them, with the frames of all.
        report: told what was wrong with a source, a line each, as it is found.
        recogniser: makes what says whom tracks show, given a source and its name here; None: nothing does.

    Returns:
        What was written, for each source that had a frame.

    Raises:
        Exception: what one of them failed with, if it was no bad input; when the others are done.
    """
    with contextlib.ExitStack() as stack:
        sources = dict[str, "Source"]()
        for opened in opening:
            try:
                source = stack.enter_context(opened())
                session.refuse_waiting(source)
            except InputError as error:
                report(str(error))
                continue
            # The channels of one recorder differ in what is left out of names. Which is the second is known before
            # any first frame, or it would be another one each time.
            names = (source.name if number == 1 else f"{source.name}-{number}" for number in itertools.count(1))
            sources[next(name for name in names if name not in sources)] = source
        return _record(sources, session, wanted, reserve, on_progress, report, recogniser) if sources else []


def _record(
    sources: "dict[str, Source]",
    session: "Session",
    wanted: OutputSettings,
    reserve: Callable[[str], Path],
    on_progress: OnProgress,
    report: Report,
    recogniser: "Callable[[str, Source], Recogniser] | None",
) -> list[Outputs]:
    ready, networks = SimpleQueue[str](), session.network_pool(len(sources))
    title = f"{len(sources)} cameras" if len(sources) > 1 else next(iter(sources))
    with _Cameras(report) as cameras:
        for name, source in sources.items():
            run = session.run_beside(source, networks, partial(ready.put, name))
            knows = recogniser(name, source) if recogniser else None
            cameras.under_way[name] = Recorder(
                run, wanted, partial(reserve, name), title=name, report=report, recogniser=knows
            )
        recorders = list(cameras.under_way.values())
        on_progress(Progress("tracking", title, 0))
        while cameras.under_way:
            with stop_signals.waiting():
                name = ready.get()
            if name not in cameras.under_way:
                continue
            cameras.step(name)
            now = sum(recorder.run.people_now for recorder in cameras.under_way.values())
            done = sum(recorder.run.frames for recorder in recorders)
            on_progress(Progress("tracking", title, done, None, f"{now} tracks now"))
    if cameras.failure is not None:
        raise cameras.failure
    return [recorder.outputs for recorder in recorders if recorder.outputs]


class _Cameras:
    """Recorders under way at the same time. What ends the `with` around them ends them all."""

    def __init__(self, report: Report) -> None:
        self.under_way: dict[str, Recorder] = {}
        self.failure: Exception | None = None
        self._report = report

    def step(self, name: str) -> None:
        """The next frame of one; at its end say what was wrong with it."""
        recorder = self.under_way[name]
        try:
            if recorder.step():
                return
        except InputError as error:
            problems = self._end(name, error)
            # A source without any frame names its problems in the error.
            self._say([str(error), *(problems if recorder.run.source.frames_read else [])])
            return
        except Exception as error:
            self.failure = self.failure or error
            self._say([f"{name}: {type(error).__name__}: {error}", *self._end(name, error)])
            return
        if not (recorder.outputs and recorder.outputs.window_closed):
            self._say(self._end(name, None))
            return
        self._stop()
        self._say([line for one in list(self.under_way) for line in self._end(one, None)])

    def _say(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._report(line)

    def _stop(self) -> None:
        """Tell all of them, so that those that hang are waited for at the same time."""
        for recorder in self.under_way.values():
            recorder.run.stop()

    def _end(self, name: str, error: Exception | None) -> list[str]:
        recorder, problems = self.under_way.pop(name), list[str]()
        try:
            recorder.__exit__(type(error) if error else None, error, None)
        except InputError as another:
            problems.append(str(another))
        return problems + [f"{name}: {problem}" for problem in recorder.run.source.problems]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        ending = contextlib.ExitStack()
        for recorder in self.under_way.values():
            ending.push(recorder)
        ending.__exit__(kind, error, trace)

"""`remix-track 0 1 rtsp://...`: several cameras at once, each into a folder of its own."""

import argparse
import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Self

from remix_track import stop_signals
from remix_track.cli.carrying import Carrying
from remix_track.cli.progress import Progress
from remix_track.cli.results import print_table
from remix_track.errors import InputError

if TYPE_CHECKING:
    from remix_track.trackers.api import Runs
    from remix_track.trackers.sources import Source


def track_side_by_side(
    opening: "Sequence[Callable[[], Source]]",
    runs: "Runs",
    arguments: argparse.Namespace,
    claim: Callable[[str], Path],
) -> Iterator[str]:
    """Track live sources until the last of them ends, each as its frames come.

    One that ends or breaks off does not end the others. Closing a window ends them all, as Ctrl-C does.

    Args:
        opening: open the sources.
        runs: makes the runs.
        arguments: what is written.
        claim: makes the folder of a source, from its name.

    Yields:
        what was wrong with the sources, a line each, as it is found.

    Raises:
        Exception: what one of them failed with, if it was no bad input; when the others are done.
    """
    with contextlib.ExitStack() as stack:
        sources = dict[str, "Source"]()
        for opened in opening:
            try:
                source = stack.enter_context(opened())
                runs.refuse_waiting(source)
            except InputError as error:
                yield str(error)
                continue
            # The channels of one recorder differ in what is left out of names. Who is the second is known before
            # anybody's first frame, or it would be another one each time.
            names = (source.name if number == 1 else f"{source.name}-{number}" for number in itertools.count(1))
            sources[next(name for name in names if name not in sources)] = source
        if sources:
            yield from _track(sources, runs, arguments, claim)


def _track(
    sources: "dict[str, Source]", runs: "Runs", arguments: argparse.Namespace, claim: Callable[[str], Path]
) -> Iterator[str]:
    due, eyes = SimpleQueue[str](), runs.network_pool(len(sources))
    with _Together() as together:
        for name, source in sources.items():
            run = runs.run_beside(source, eyes, partial(due.put, name), stride=arguments.stride)
            together.under_way[name] = Carrying(run, runs.settings, arguments, partial(claim, name), title=name)
        title = f"{len(sources)} cameras" if len(sources) > 1 else next(iter(sources))
        everybody = list(together.under_way.values())
        with Progress(title, None, quiet=arguments.quiet) as progress:
            while together.under_way:
                with stop_signals.waiting():
                    name = due.get()
                if name not in together.under_way:
                    continue
                yield from together.step(name)
                people = sum(carrying.run.people_now for carrying in together.under_way.values())
                progress.update(sum(carrying.run.frames for carrying in everybody), f"{people} tracks now")
    if together.failure is not None:
        raise together.failure
    for carrying in everybody:
        if carrying.outputs and not arguments.quiet:
            print_table(carrying.run, carrying.outputs)


class _Together:
    """Runs under way at the same time. What ends the `with` around them ends them all."""

    def __init__(self) -> None:
        self.under_way: dict[str, Carrying] = {}
        self.failure: Exception | None = None

    def step(self, name: str) -> list[str]:
        """The next frame of one; at its end what was wrong with it, a line each."""
        carrying = self.under_way[name]
        try:
            if carrying.step():
                return []
        except InputError as error:
            problems = self._end(name, error)
            # A source without any frame names its problems in the error.
            return [str(error), *(problems if carrying.run.source.frames_read else [])]
        except Exception as error:
            self.failure = self.failure or error
            return [f"{name}: {type(error).__name__}: {error}", *self._end(name, error)]
        if not (carrying.outputs and carrying.outputs.window_closed):
            return self._end(name, None)
        self._stop()
        return [line for one in list(self.under_way) for line in self._end(one, None)]

    def _stop(self) -> None:
        """Tell all of them, so that those that hang are waited for together."""
        for carrying in self.under_way.values():
            carrying.run.stop()

    def _end(self, name: str, error: Exception | None) -> list[str]:
        carrying, problems = self.under_way.pop(name), list[str]()
        try:
            carrying.__exit__(type(error) if error else None, error, None)
        except InputError as another:
            problems.append(str(another))
        return problems + [f"{name}: {problem}" for problem in carrying.run.source.problems]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        ending = contextlib.ExitStack()
        for carrying in self.under_way.values():
            ending.push(carrying)
        ending.__exit__(kind, error, trace)

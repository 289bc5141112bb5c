"""`remix-track 0 1 rtsp://...`: several cameras at once, each into a folder of its own."""

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from remix_track.cli.progress import Progress
from remix_track.cli.results import print_table
from remix_track.cli.track import Steps, stepwise
from remix_track.errors import InputError

if TYPE_CHECKING:
    from remix_track.cli.results import Outputs
    from remix_track.trackers.api import Runs
    from remix_track.trackers.sources import Source


def track_side_by_side(
    sources: "Sequence[Source]", runs: "Runs", arguments: argparse.Namespace, claim: Callable[[str], Path]
) -> Iterator[str]:
    """Track live sources until the last of them ends, each as its frames come.

    One that ends or breaks off does not end the others. Closing a window ends them all, as Ctrl-C does.

    Args:
        sources: opened.
        runs: makes the runs.
        arguments: what is written.
        claim: makes the folder of a source, from its name.

    Yields:
        what was wrong with the sources, a line each, as it is found.
    """
    due: SimpleQueue[int] = SimpleQueue()
    with contextlib.ExitStack() as stack:
        eyes = runs.shared_eyes()
        tracked = [
            runs.run_beside(source, eyes, partial(due.put, number), stride=arguments.stride)
            for number, source in enumerate(sources)
        ]
        under_way = {
            number: stepwise(run, runs.settings, arguments, partial(claim, run.source.name))
            for number, run in enumerate(tracked)
        }
        stack.callback(_stop, under_way)
        for steps in under_way.values():
            next(steps)
        done: dict[int, Outputs | None] = dict.fromkeys(under_way)
        name = f"{len(sources)} cameras"
        progress = stack.enter_context(Progress(name, None, quiet=arguments.quiet))
        while under_way:
            number = due.get()
            if number not in under_way:
                continue
            try:
                done[number] = next(under_way[number])
            except StopIteration:
                del under_way[number]
            except InputError as error:
                del under_way[number]
                yield str(error)
            outputs = done[number]
            if outputs and outputs.window_closed:
                _end(under_way)
            people = sum(run.people_now for run in tracked)
            progress.update(sum(run.frames for run in tracked), f"{people} tracks now")
        progress.close()
        for run, outputs in zip(tracked, done.values(), strict=True):
            if outputs and not arguments.quiet:
                print_table(run, outputs)
            yield from (f"{run.source.name}: {problem}" for problem in run.source.problems)


def _end(under_way: dict[int, Steps]) -> None:
    """End every run where it is, as if its source had ended."""
    for steps in under_way.values():
        with contextlib.suppress(StopIteration):
            steps.send(True)
    under_way.clear()


def _stop(under_way: dict[int, Steps]) -> None:
    """What is still under way when an error or the user ends all."""
    for steps in under_way.values():
        with contextlib.suppress(KeyboardInterrupt, InputError, StopIteration):
            steps.throw(KeyboardInterrupt)

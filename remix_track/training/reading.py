"""Threads that read images a few batches ahead."""

import contextlib
import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TypeVar

from remix_track.errors import InputError
from remix_track.machine import usable_cores
from remix_track.ordered_workers import map_ordered

logger = logging.getLogger(__name__)

AHEAD = 3
MOST_WORKERS = 16
Made = TypeVar("Made")
Task = TypeVar("Task")


def ahead(tasks: Iterable[Task], make: Callable[[Task], Made], workers: int) -> Generator[Made]:
    """Results in the order of the tasks, made by threads.

    Decoding leaves Python's lock, so threads are enough; and no worker process can die in the night.

    Raises:
        InputError: what `make` raised, at the task that it was raised for, also where that was another error.
    """
    others = [lambda: make] * (workers - 1)
    made = map_ordered(iter(tasks), make, lambda: others, ahead=workers + AHEAD, first_alone=False)
    with contextlib.closing(made):
        while True:
            with _in_one_line():
                found = next(made, None)
            if found is None:
                return
            yield found[1]


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    """Whatever a thread dies of, or that there can be no thread, ends a night's training in a line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        logger.debug("a reading thread failed", exc_info=True)
        reason = str(error).partition("\n")[0][:200]
        raise InputError(
            f"a reading thread failed ({type(error).__name__}: {reason}); the last checkpoint is whole, "
            "go on with `resume`"
        ) from error


def reading_threads(wanted: int) -> int:
    """As many as are wanted; 0: one for each core, at most 16."""
    return wanted or min(usable_cores(), MOST_WORKERS)

"""Threads that read pictures a few batches ahead of who takes them."""

import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from remix_track.errors import InputError

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
    with ThreadPoolExecutor(workers, thread_name_prefix="pictures") as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for task in tasks:
                with _in_one_line():
                    waiting.append(pool.submit(make, task))
                if len(waiting) >= workers + AHEAD:
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()


def _result(future: Future[Made]) -> Made:
    with _in_one_line():
        return future.result()


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    """Whatever a thread dies of, or that there can be no thread, ends a night's training in a line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        logger.debug("a thread that reads pictures died", exc_info=True)
        reason = str(error).partition("\n")[0][:200]
        raise InputError(
            f"a thread that reads pictures died ({type(error).__name__}: {reason}); the last checkpoint is whole, "
            "go on with `resume`"
        ) from error


def reading_threads(wanted: int) -> int:
    """As many as are wanted; 0: one for each core, at most 16."""
    return wanted or min(os.cpu_count() or 1, MOST_WORKERS)

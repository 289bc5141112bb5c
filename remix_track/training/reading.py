"""Threads that read pictures a few batches ahead of who takes them."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AHEAD = 3
MOST_WORKERS = 16
Made = TypeVar("Made")
Task = TypeVar("Task")


def ahead(tasks: Iterable[Task], make: Callable[[Task], Made], workers: int) -> Generator[Made]:
    """Results in the order of the tasks, made by threads.

    Decoding leaves Python's lock, so threads are enough; and no worker process can die in the night.

    Raises:
        Exception: what `make` raised, at the task that it was raised for.
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="pictures") as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for task in tasks:
                waiting.append(pool.submit(make, task))
                if len(waiting) >= workers + AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def reading_threads(wanted: int) -> int:
    """As many as are wanted; 0: one for each core, at most 16."""
    return wanted or min(os.cpu_count() or 1, MOST_WORKERS)

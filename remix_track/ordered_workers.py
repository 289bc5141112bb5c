"""Several items worked on at once, by a thread each, while the results are used; order is kept."""

import atexit
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Generic, NoReturn, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")

_STOP_SECONDS = 2.0
"""What a stop waits for items under way, which may hang as a network's file system does."""
_MAKE_SECONDS = 300.0
"""What it waits for a worker that is being made: networks are converted, which takes tens of seconds on a slow machine,
and a thread inside a native library when Python ends aborts the process."""


def map_ordered(
    items: Iterator[Item],
    work: Callable[[Item], Result],
    others: Callable[[], Sequence[Callable[[], Callable[[Item], Result]]]] = tuple,
    *,
    ahead: int,
    first_alone: bool = True,
) -> Generator[tuple[Item, Result], None, None]:
    """Each item with what `work` makes of it, as a plain loop would give them.

    The caller's thread reads the items and uses the results. Threads work on the items in between, one for each
    worker.

    The workers do not make room for the caller, who waits most of the time, also while it reads or encodes: having one
    of two rest meanwhile left a seventh of two cores idle.

    Args:
        items: read in the caller's thread.
        work: the first worker; called by one thread at a time, not always the same.
        others: called after the first item; gives what makes the other workers, each in its own thread, so that the
            first does not wait for them.
        ahead: how many items may be under way or done, the one counted that is due. With 0 there are no threads: each
            item is read and worked on when it is asked for.
        first_alone: work on the first item in the caller's thread, before there are others: what that prepares
            (compiled networks) is then at hand for all.

    Raises:
        BaseException: whatever reading or working raised, when the item's turn comes.
    """
    if not ahead:
        for item in items:
            yield item, work(item)
        return
    jobs: deque[_Job[Item, Result]] = deque()
    for item in itertools.islice(items, 1 if first_alone else 0):
        yield item, work(item)
    pool = _WorkerPool([lambda: work, *others()])
    try:
        while True:
            while len(jobs) < ahead and _read(items, jobs):
                pool.give(jobs[-1])
            if not jobs:
                return
            due = jobs.popleft()
            yield due.taken(), pool.result(due)
    finally:
        pool.stop()


@dataclass(slots=True, eq=False)
class _Job(Generic[Item, Result]):
    """An item on its way; `error` is what reading it or working on it raised."""

    item: Item | None = None
    result: Result | None = None
    error: BaseException | None = None
    _done: SimpleQueue[None] = field(default_factory=SimpleQueue)

    def finish(self) -> None:
        """Say that it is done."""
        self._done.put(None)

    def wait(self) -> None:
        """Wait, once, until it is done.

        A signal may raise here. An `Event` waits in steps of Python, and one cut between two of them fails with an
        error of its own, or leaves its lock taken and the worker waiting for it.
        """
        self._done.get()

    def taken(self) -> Item:
        """The item; raises what reading it raised."""
        if self.item is None and self.error is not None:
            raise self.error
        return cast(Item, self.item)


def _read(items: Iterator[Item], jobs: deque[_Job[Item, Result]]) -> bool:
    """Append the next item; one that cannot be read is done already. False at the end."""
    try:
        jobs.append(_Job(next(items)))
    except StopIteration:
        return False
    except Exception as error:
        jobs.append(_Job(error=error))
        jobs[-1].finish()
    return True


def _fail(error: BaseException, _: object) -> NoReturn:
    raise error


class _WorkerPool(Generic[Item, Result]):
    """The threads, and the jobs that wait for them."""

    def __init__(self, makers: Sequence[Callable[[], Callable[[Item], Result]]]) -> None:
        self._waiting: SimpleQueue[_Job[Item, Result] | None] = SimpleQueue()
        self._stopped = False
        # One at a time: what the first one converts, the others find.
        self._one_makes = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(make,), name=f"remix-track worker {number}", daemon=True)
            for number, make in enumerate(makers, 1)
        ]
        # A loop that was left early may be closed by nobody, and a thread that is inside a native library when Python
        # ends aborts the process.
        atexit.register(self.stop)
        try:
            for thread in self._threads:
                thread.start()
        except BaseException:
            self.stop()
            raise

    def give(self, job: _Job[Item, Result]) -> None:
        """Have a job done by and by."""
        if job.error is None:
            self._waiting.put(job)

    def result(self, job: _Job[Item, Result]) -> Result:
        """Wait until the job is done, and take its result."""
        job.wait()
        if job.error is not None:
            raise job.error
        return cast(Result, job.result)

    def stop(self) -> None:
        """Begin nothing any more, wait for a worker that is being made, and a moment for items under way.

        A thread that hangs is left to end with the process.
        """
        atexit.unregister(self.stop)
        self._stopped = True
        for _ in self._threads:
            self._waiting.put(None)
        if self._one_makes.acquire(timeout=_MAKE_SECONDS):
            self._one_makes.release()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, make: Callable[[], Callable[[Item], Result]]) -> None:
        try:
            with self._one_makes:
                if self._stopped:
                    return
                work = make()
        except BaseException as error:
            work = partial(_fail, error)
        while (job := self._waiting.get()) is not None and not self._stopped:
            try:
                job.result = work(cast(Item, job.item))
            except BaseException as error:
                job.error = error
            job.finish()

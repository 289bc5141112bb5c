"""Several items worked on at once, by threads that share the cores with whoever uses the results; order is kept."""

import atexit
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")

_STOP_SECONDS = 2.0


def in_order(
    items: Iterator[Item],
    work: Callable[[Item], Result],
    others: Callable[[], Sequence[Callable[[Item], Result]]] = tuple,
    *,
    ahead: int,
) -> Generator[tuple[Item, Result], None, None]:
    """Each item with what `work` makes of it, as a plain loop would give them.

    The caller's thread reads the items and uses the results. Threads work on the items in between, one for each
    worker. While the caller is at work itself, one of several workers rests, so that there are never more threads at
    work than workers. The first item is worked on alone: what that prepares (compiled networks) is then at hand for
    all.

    Args:
        items: read in the caller's thread.
        work: the first worker; called by one thread at a time, not always the same.
        others: makes the other workers; called after the first item.
        ahead: how many items may be under way or done, the one counted that is due. With 0 there are no threads: each
            item is read and worked on when it is asked for.

    Raises:
        BaseException: whatever reading or working raised, when the item's turn comes.
    """
    if not ahead:
        for item in items:
            yield item, work(item)
        return
    jobs: deque[_Job[Item, Result]] = deque()
    for item in itertools.islice(items, 1):
        yield item, work(item)
    crew = _Crew([work, *others()])
    try:
        while True:
            while len(jobs) < ahead and _read(items, jobs):
                crew.give(jobs[-1])
            if not jobs:
                return
            due = jobs.popleft()
            yield due.taken(), crew.result(due)
    finally:
        crew.stop()


@dataclass(slots=True, eq=False)
class _Job(Generic[Item, Result]):
    """An item on its way; `error` is what reading it or working on it raised."""

    item: Item | None = None
    result: Result | None = None
    error: BaseException | None = None
    done: bool = False

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
        jobs.append(_Job(error=error, done=True))
    return True


class _Crew(Generic[Item, Result]):
    """The threads; what they and the caller know of each other is written under one lock."""

    def __init__(self, works: Sequence[Callable[[Item], Result]]) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[_Job[Item, Result]] = deque()
        self._awaited: _Job[Item, Result] | None = None
        self._busy = 0
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._work, args=(work,), name=f"remix-track worker {number}", daemon=True)
            for number, work in enumerate(works, 1)
        ]
        # A loop that was left early may be closed by nobody, and a thread that is inside a native library when Python
        # ends aborts the process.
        atexit.register(self.stop)
        for thread in self._threads:
            thread.start()

    def give(self, job: _Job[Item, Result]) -> None:
        """Have a job done by and by."""
        if not job.done:
            with self._changed:
                self._waiting.append(job)
                self._changed.notify_all()

    def result(self, job: _Job[Item, Result]) -> Result:
        """Wait until the job is done, leaving the core to the workers, and take its result."""
        with self._changed:
            if not job.done:
                self._awaited = job
                self._changed.notify_all()
                self._changed.wait_for(lambda: job.done)
        if job.error is not None:
            raise job.error
        return cast(Result, job.result)

    def stop(self) -> None:
        """Begin nothing any more; a thread that hangs is left to end with the process."""
        atexit.unregister(self.stop)
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, work: Callable[[Item], Result]) -> None:
        while (job := self._next()) is not None:
            try:
                job.result = work(cast(Item, job.item))
            except BaseException as error:
                job.error = error
            self._finish(job)

    def _next(self) -> _Job[Item, Result] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or (self._waiting and self._busy < self._room()))
            if self._stopped:
                return None
            self._busy += 1
            return self._waiting.popleft()

    def _room(self) -> int:
        """How many may work: all while the caller waits, else one less."""
        return max(1, len(self._threads) - (self._awaited is None))

    def _finish(self, job: _Job[Item, Result]) -> None:
        with self._changed:
            job.done = True
            self._busy -= 1
            if job is self._awaited:
                # From here on the caller counts as being at work, before another job can be begun.
                self._awaited = None
            self._changed.notify_all()

"""Calls of several threads answered together: a GPU takes many images in the time of one."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Call(Generic[Item, Result]):
    """What a thread asked for, and what came of it; `leads` says that it is the thread's turn to work."""

    item: Item
    result: Result | None = None
    error: BaseException | None = None
    leads: bool = False
    _told: SimpleQueue[None] = field(default_factory=SimpleQueue)

    def tell(self) -> None:
        """Wake the thread: its call is done, or it leads."""
        self._told.put(None)

    def wait(self) -> None:
        """Sleep until told."""
        self._told.get()


class BatchedCalls(Generic[Item, Result]):
    """A function of one item, for any thread, made of one of several.

    A call that finds no other at work begins at once, so that one thread alone never waits. Those that come meanwhile
    wait, and are worked on together, the oldest first, by the thread of the oldest. Nobody waits for a batch to fill.

        double = BatchedCalls(lambda numbers: [2 * number for number in numbers], largest=8)
        assert double(3) == 6

    Args:
        work: items, 1 to `largest` of them -> a result for each; called by one thread at a time. An error is raised in
            all calls that were worked on together.
        largest: items in one call of `work`.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result]], *, largest: int) -> None:
        self._work = work
        self._largest = largest
        self._waiting: deque[_Call[Item, Result]] = deque()
        self._at_work = False
        self._lock = threading.Lock()

    def __call__(self, item: Item) -> Result:
        """The result of one item."""
        call: _Call[Item, Result] = _Call(item)
        with self._lock:
            self._waiting.append(call)
            call.leads, self._at_work = not self._at_work, True
        try:
            if not call.leads:
                call.wait()
        except BaseException:  # Ctrl-C: whoever waits behind it must not wait for ever
            self._give_up(call)
            raise
        if call.leads:
            self._work_on_the_oldest()
        if call.error is not None:
            raise call.error
        return cast(Result, call.result)

    def _work_on_the_oldest(self) -> None:
        """This thread's own call is the first of them; then the oldest of those left leads."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._largest))]
        try:
            results = self._work([call.item for call in batch])
            for call, result in zip(batch, results, strict=True):
                call.result = result
        except BaseException as error:
            for call in batch:
                call.error = error
        for call in batch[1:]:
            call.tell()
        with self._lock:
            self._pass_on()

    def _pass_on(self) -> None:
        self._at_work = bool(self._waiting)
        if self._waiting:
            self._waiting[0].leads = True
            self._waiting[0].tell()

    def _give_up(self, call: _Call[Item, Result]) -> None:
        with self._lock:
            if call in self._waiting:
                self._waiting.remove(call)
                if call.leads:
                    self._pass_on()

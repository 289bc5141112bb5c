"""Ctrl-C, SIGTERM and SIGHUP: noted once, acted on where nothing is half written, and never a second time.

    with caught():              # a command: from here on a signal raises `Stopped`
        ...
        with held():            # results are being written: a signal is noted
            with waiting():     # but acted on here, where a frame is waited for that may never come
                frame = next(frames)
            write(frame)
        check()                 # more work begins: what was noted meanwhile is acted on

An exception out of a signal handler may fall between any two steps of the program, so that one sink has a frame that
the next one lacks. The first signal is therefore the only one that raises, and it does so only where that is harmless.
Those after it change nothing, as what is being ended must not be cut; one that comes when ending has taken seconds
ends the process at once. After `held` signals stay noted until `check`: a run that has come to its end is complete.

Commands do this for all of their life. In a program that uses remix-track as a library only the functions that write
results do, while they do it (`caught_if_unhandled`), and signals for which that program has handlers stay its own.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import TypeVar

Item = TypeVar("Item")

STOPS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
"""Windows has no SIGHUP."""
_OF_A_TERMINAL = tuple(number for number in STOPS if number != signal.SIGTERM)  # they reach all of its processes
_CAN_BLOCK = hasattr(signal, "pthread_sigmask")  # not on Windows
PATIENCE = 5.0
"""Seconds that ending may take before the third signal, or a later one, ends the process as it is."""


class Stopped(KeyboardInterrupt):
    """The command was asked to stop.

    Attributes:
        signal: SIGINT, SIGTERM or SIGHUP.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.signal = signal.Signals(number)


class _Process:
    """What is known of the signals of this process; there is one, as there is one process."""

    def __init__(self) -> None:
        self.catching = False
        self.begin()

    def begin(self) -> None:
        self.asked: int | None = None
        self.times = 0
        self.first = 0.0
        self.held = 0
        self.noting = False

    def catch(self, number: int, frame: FrameType | None) -> None:
        self.times += 1
        if self.asked is None:
            self.asked, self.first = number, time.monotonic()
            if not self.held and not self.noting:
                raise Stopped(number)
        elif self.times > 2 and time.monotonic() - self.first > PATIENCE:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)


_process = _Process()


@contextlib.contextmanager
def caught(*, to_the_end: bool = False) -> Iterator[None]:
    """Catch the signals, but SIGHUP and SIGINT where they are ignored already (`nohup`; `&` in a script).

    Within another `caught`, and in other threads than the first, this does nothing.

    Args:
        to_the_end: leave it so, as the process ends next; else things are again as they were.
    """
    heard = [number for number in STOPS if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN]
    with _caught(heard, to_the_end=to_the_end):
        yield


@contextlib.contextmanager
def caught_if_unhandled() -> Iterator[None]:
    """For a job that another program has us do: as `caught`, for signals that the program leaves to Python.

    Raises:
        Stopped: after the job, where a signal came too late to stop it: the program is still to hear of it.
    """
    if _process.catching:
        yield
        return
    unhandled = [number for number in STOPS if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)]
    with _caught(unhandled):
        yield
        check()


@contextlib.contextmanager
def _caught(heard: Iterable[signal.Signals], *, to_the_end: bool = False) -> Iterator[None]:
    if _process.catching or threading.current_thread() is not threading.main_thread():
        yield
        return
    _process.begin()
    before = {number: signal.signal(number, _process.catch) for number in heard}
    _process.catching = True
    try:
        yield
    finally:
        # What comes from here on comes too late.
        _process.noting = True
        if not to_the_end:
            for number, handler in before.items():
                signal.signal(number, handler)
            _process.catching = False
            _process.begin()


def ignore() -> None:
    """The process leaves: nothing is left that a signal could stop.

    Python takes its handlers away before it takes itself apart, which needs a second with large libraries; a signal
    would then be the exit code. What is ignored stays so.
    """
    if threading.current_thread() is threading.main_thread():
        _ignore(STOPS)


@contextlib.contextmanager
def starting_workers() -> Iterator[None]:
    """Start processes that leave Ctrl-C and the end of a terminal to this one; they call `leave_to_starter`.

    They begin with the signals blocked that are blocked here, so that none ends them before they come to that.
    """
    if not _CAN_BLOCK:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_A_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_to_starter() -> None:
    """In a process that was started in `starting_workers`: what comes from the terminal is not for it."""
    _ignore(_OF_A_TERMINAL)
    if _CAN_BLOCK:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _OF_A_TERMINAL)


def _ignore(numbers: Iterable[signal.Signals]) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Note signals, here and afterwards until `check`, instead of acting on them."""
    _process.held += 1
    try:
        yield
    finally:
        _process.held -= 1
        _process.noting = True


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """Act on a signal at any moment, also within `held`: around what may take for ever and may be cut anywhere.

    Raises:
        Stopped: there is one, or was one before.
    """
    held_before, noting = _process.held, _process.noting
    _process.held, _process.noting = 0, False
    try:
        _act()
        yield
    finally:
        _process.held, _process.noting = held_before, noting


def awaited(items: Iterator[Item]) -> Iterator[Item]:
    """The items, none of which is None; asking for one is `waiting`."""
    while True:
        with waiting():
            item = next(items, None)
        if item is None:
            return
        yield item


def check() -> None:
    """More work begins: act on signals again, first on one that was noted.

    Raises:
        Stopped: there was one.
    """
    _process.noting = False
    _act()


def asked() -> int:
    """The number of the signal that the command was asked to stop with; 0 for none."""
    return _process.asked or 0


def _act() -> None:
    if _process.asked is not None:
        raise Stopped(_process.asked)

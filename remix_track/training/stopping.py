"""Ctrl-C, SIGTERM and SIGHUP, polled by the training at points where its state is complete."""

import contextlib
import signal
from collections.abc import Callable
from types import TracebackType
from typing import Self

from remix_track import stop_signals
from remix_track.stop_signals import Stopped

__all__ = ["StopRequest", "Stopped"]


class StopRequest:
    """Notes the signals while it is entered; see `stop_signals`.

    An exception out of a signal handler could fall between the encoder's step and the momentum encoder's, and a
    checkpoint of that would not resume to the unbroken run.

    Attributes:
        agree: the greatest (`all_max`) of the signals that the processes of a run were asked with; with it `check` is
            a collective of `Processes`, and all stop at the same step.
    """

    agree: Callable[[int], int]

    def __init__(self) -> None:
        self.agree = lambda number: number
        self._asked = 0
        self._entered = contextlib.ExitStack()

    def ask(self, number: int = signal.SIGINT) -> None:
        """Ask for a stop at the next chance."""
        self._asked = number

    def check(self) -> None:
        """Raise `Stopped` if a stop was asked for; call it where nothing is half done."""
        asked = self.agree(self._number())
        if asked:
            raise Stopped(asked)

    def check_here(self) -> None:
        """Raise `Stopped` if this process was asked, where the processes of a run are not at the same point."""
        if self._number():
            raise Stopped(self._number())

    def _number(self) -> int:
        return self._asked or stop_signals.asked()

    def __enter__(self) -> Self:
        self._entered.enter_context(stop_signals.caught())
        self._entered.enter_context(stop_signals.held())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.close()

"""Ctrl-C and SIGTERM as a question that the training asks where its state is whole."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self


class Stopped(KeyboardInterrupt):
    """The run was asked to stop; raised only between steps.

    Attributes:
        signal: SIGINT or SIGTERM.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.signal = signal.Signals(number)


class StopRequest:
    """Catches SIGINT and SIGTERM while it is entered; the second one ends the process as it would have without this.

    An exception out of a signal handler could fall between the encoder's step and the momentum encoder's, and a
    checkpoint of that would not resume to the unbroken run.

    Attributes:
        agree: the greatest of the signals that the processes of a run were asked with; with it `check` is a meeting of
            `Processes`, and all stop at the same step.
    """

    agree: Callable[[int], int]

    def __init__(self) -> None:
        self.agree = lambda number: number
        self._asked: int | None = None
        self._before: dict[int, object] = {}

    def ask(self, number: int = signal.SIGINT) -> None:
        """Ask for a stop at the next chance."""
        self._asked = number

    def check(self) -> None:
        """Raise `Stopped` if a stop was asked for; call it where nothing is half done."""
        asked = self.agree(self._asked or 0)
        if asked:
            raise Stopped(asked)

    def check_here(self) -> None:
        """Raise `Stopped` if this process was asked, where the processes of a run are not at the same point."""
        if self._asked:
            raise Stopped(self._asked)

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._catch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _catch(self, number: int, frame: FrameType | None) -> None:
        if self._asked is not None:
            self.__exit__(None, None, None)
            signal.raise_signal(number)
        self._asked = number

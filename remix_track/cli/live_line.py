"""One progress line: redrawn in a terminal, printed every ten seconds elsewhere, silent when quiet."""

import contextlib
import sys
import time
from types import TracebackType
from typing import Any, Self

from remix_track.cli.terminal import say
from remix_track.terminal_text import printable

_PLAIN_SECONDS = 10.0


class LiveLine:
    """Writes to stderr: a name, a bar of steps done, a few words, and the time left."""

    def __init__(self, name: str, total: int | None = None, *, quiet: bool) -> None:
        """Begin at once; `total` is None where it is unknown, as with a camera."""
        self._said = time.monotonic()
        self._live: Any = None
        self._plain = not quiet and not sys.stderr.isatty()
        if not quiet and not self._plain:
            self._live = _bar()
            self._task = self._live.add_task(total=total, **_words(name, ""))
            self._live.start()

    def show(self, name: str, done: int, total: int | None, detail: str, plain: str) -> None:
        """Say where the run is; `plain` is the whole line where there is no terminal."""
        if self._live is not None:
            self._live.update(self._task, completed=done, total=total, **_words(name, detail))
        elif self._plain and time.monotonic() - self._said >= _PLAIN_SECONDS:
            self._said = time.monotonic()
            say(plain)

    def close(self) -> None:
        """Leave the line as it stands; a terminal that has gone, as with SIGHUP, is no reason to fail."""
        if self._live is not None:
            with contextlib.suppress(OSError):
                self._live.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _words(name: str, detail: str) -> dict[str, str]:
    return {"description": printable(name), "detail": printable(detail)}


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[detail]} ·", markup=False),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        refresh_per_second=5,
    )

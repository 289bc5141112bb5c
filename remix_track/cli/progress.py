"""How far along a run is: a live line in a terminal, plain lines elsewhere, nothing when quiet."""

import sys
import time
from types import TracebackType
from typing import Any, Self

_PLAIN_SECONDS = 10.0


class Progress:
    """Shows frames done of all, frames per second, a detail, and the time left; writes to stderr."""

    def __init__(self, name: str, total: int | None, *, quiet: bool) -> None:
        """Begin at once; `total` is None where nobody knows, as with a camera."""
        self._name, self._total = name, total
        self._start = self._said = time.monotonic()
        self._live: Any = None
        self._plain = not quiet and not sys.stderr.isatty()
        if not quiet and not self._plain:
            self._live = _live_line()
            self._task = self._live.add_task(name, total=total, fps=0.0, detail="")
            self._live.start()

    def update(self, frames: int, detail: str) -> None:
        """Say that `frames` are done, and a few words on what came of them."""
        fps = frames / max(time.monotonic() - self._start, 1e-9)
        if self._live is not None:
            self._live.update(self._task, completed=frames, fps=fps, detail=detail)
        elif self._plain and time.monotonic() - self._said >= _PLAIN_SECONDS:
            self._said = time.monotonic()
            sys.stderr.write(self._line(frames, fps, detail))

    def _line(self, frames: int, fps: float, detail: str) -> str:
        left = ""
        if self._total and 0 < frames <= self._total:
            left = f", {(self._total - frames) / fps:.0f} s left"
        of = f"/{self._total}" if self._total else ""
        return f"{self._name}: {frames}{of} frames, {fps:.1f} fps, {detail}{left}\n"

    def close(self) -> None:
        """Leave the line as it stands."""
        if self._live is not None:
            self._live.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _live_line() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[fps]:.1f} fps · {task.fields[detail]} ·"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        refresh_per_second=5,
    )

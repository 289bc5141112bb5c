"""How far along a training is: a live line in a terminal, plain lines elsewhere, nothing when quiet."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from remix_track.training.context import Position

_PLAIN_SECONDS = 10.0


class TrainProgress:
    """Shows stage, epoch, steps of it, loss and the last score; writes to stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._said = 0.0
        self._live: Any = None
        self._plain = not quiet and not sys.stderr.isatty()
        if not quiet and not self._plain:
            self._live = _live_line()
            self._task = self._live.add_task("data", total=None, epoch="", doing="indexing", numbers="")
            self._live.start()

    def update(self, position: "Position") -> None:
        """Say where the run is."""
        epoch = f"epoch {position.epoch}/{position.epochs}"
        numbers = "" if position.loss != position.loss else f"loss {position.loss:.3f}"
        if position.score == position.score:
            numbers += f", mAP {100 * position.score:.1f}"
        if self._live is not None:
            self._live.update(
                self._task,
                description=position.stage,
                completed=position.step,
                total=position.steps,
                epoch=epoch,
                doing=position.doing,
                numbers=numbers,
            )
        elif self._plain and (time.monotonic() - self._said >= _PLAIN_SECONDS):
            self._said = time.monotonic()
            steps = f"step {position.step}/{position.steps}"
            line = ", ".join(part for part in (epoch, position.doing, steps, numbers) if part)
            sys.stderr.write(f"{position.stage}: {line}\n")

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
        TextColumn("{task.description} {task.fields[epoch]} {task.fields[doing]}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[numbers]} ·"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        refresh_per_second=5,
    )

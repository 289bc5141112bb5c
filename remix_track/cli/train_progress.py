"""How far along a training is."""

import math
from typing import TYPE_CHECKING, Self

from remix_track.cli.live_line import LiveLine

if TYPE_CHECKING:
    from remix_track.training.context import Position


class TrainProgress:
    """Shows stage, epoch, steps of it, loss and the last score."""

    def __init__(self, *, quiet: bool) -> None:
        """Begin at once, with the data being indexed."""
        self._line = LiveLine("data indexing", quiet=quiet)

    def update(self, position: "Position") -> None:
        """Say where the run is."""
        word = "video" if position.stage == "footage" else "epoch"
        epoch = f"{word} {position.epoch}/{position.epochs}"
        numbers = "" if math.isnan(position.loss) else f"loss {position.loss:.3f}"
        if not math.isnan(position.score):
            numbers += f", mAP {100 * position.score:.1f}"
        steps = f"step {position.step}/{position.steps}"
        line = ", ".join(part for part in (epoch, position.doing, steps, numbers) if part)
        name = f"{position.stage} {epoch} {position.doing}"
        self._line.show(name, position.step, position.steps, numbers, f"{position.stage}: {line}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

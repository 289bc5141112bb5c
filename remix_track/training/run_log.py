"""The log of a run: one JSON object a line, which a resumed run continues where its checkpoint was made.

The same numbers as curves for TensorBoard, where they are wanted.
"""

import json
from pathlib import Path
from typing import Any

from remix_track import reservations
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.text_files import write_text

NAME = "log.jsonl"
CURVES = "tensorboard"


class RunLog:
    """Appends lines to `log.jsonl` in the run's folder.

    Args:
        folder: of the run.
        lines: of an earlier part of the run that stay; what came after the checkpoint is cut off, as it comes again.
        tensorboard: write scalars to `tensorboard/` too; points of lines that stay are written again.

    Attributes:
        lines: written so far; a checkpoint stores this number.
    """

    def __init__(self, folder: Path, lines: int = 0, *, tensorboard: bool = False) -> None:
        path = folder / NAME
        kept = read_log(folder)[:lines] if lines else []
        write_text(path, "".join(json_text(record) for record in kept))
        self.lines = len(kept)
        self._path = path
        self._curves = Curves(folder / CURVES) if tensorboard else None
        if self._curves:
            for record in kept:
                self._curves.add(record)

    def write(self, event: str, **values: Any) -> None:
        """Add a line; a number that is not finite becomes null, which JSON has a word for.

        Raises:
            InputError: the file cannot be written; the disk is full.
        """
        reservations.check(self._path)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json_text({"event": event, **values}))
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written ({error.strerror}); make room and `resume`") from None
        self.lines += 1
        if self._curves:
            self._curves.add({"event": event, **values})


class Curves:
    """Lines of the log as points of curves, over the steps of the optimiser since the run began, both stages in one."""

    def __init__(self, folder: Path) -> None:
        from remix_track.training.event_file import EventFile

        self._file = EventFile(folder)
        self._epoch: tuple[str, int] | None = None
        self._before = self._step = 0  # steps before this epoch, and in it

    def add(self, record: dict[str, Any]) -> None:
        """Add every number of a line: `joint/total`, `labels/clusters`, `evaluation/map`."""
        event, group = record["event"], record["event"]
        if event == "step":
            group, epoch = record["stage"], (record["stage"], record["epoch"])
            if epoch != self._epoch:
                # The last step of an epoch is always logged.
                self._epoch, self._before = epoch, self._before + self._step
            self._step = record["step"]
        if event != "start":
            scalars = {
                f"{group}/{key}": float(value)
                for key, value in record.items()
                if key not in ("epoch", "step") and isinstance(value, int | float) and not isinstance(value, bool)
            }
            self._file.write(self._before + self._step, scalars)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The records of a run's log; a line that was cut off by a crash ends it."""
    records: list[dict[str, Any]] = []
    path = folder / NAME
    if not path.is_file():
        return records
    # At its line ends only: text in it may hold other letters that end lines elsewhere.
    for line in path.read_bytes().split(b"\n"):
        try:
            record = json.loads(line)
        except Exception:
            break
        if not isinstance(record, dict) or "event" not in record:
            break
        records.append(record)
    return records

"""Checkpoints: the whole state of a run in one file, written atomically; a resumed run equals an unbroken one."""

import dataclasses
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from remix_track.bounded_file import check_ordinary
from remix_track.errors import InputError, parsing
from remix_track.output_files import atomic_write

FORMAT_VERSION = 1
FOLDER = "checkpoints"
BEST = "best.pt"
Stage = Literal["pretrain", "joint"]
_NAME = re.compile(r"(pretrain|joint)-(\d{5,})-(\d{7,})\.pt")
_REMEDY = "give `resume` the folder of a run, or start a new one"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A point between two steps. What is drawn depends on seed, epoch and step alone, so no generator is stored.

    Attributes:
        stage: which of the two.
        epoch: that is under way, from 0.
        step: steps of that epoch that are done.
        settings: the resolved settings, as plain values by section.
        data: counts of the data sets; a run does not go on with other data.
        state: by part (`encoder`, `momentum`, `optimiser`, `queue`), state dicts.
        epoch_labels: tensors of the epoch's pseudo labels and centroids; empty at its beginning, where they are made.
        best: score and epoch of the best evaluation so far.
        log_lines: of the log at this point.
        format_version: of this file.
    """

    stage: Stage
    epoch: int
    step: int
    settings: dict[str, Any]
    data: dict[str, int]
    state: dict[str, dict[str, Any]]
    epoch_labels: dict[str, Tensor]
    best: dict[str, float]
    log_lines: int
    format_version: int = FORMAT_VERSION

    @property
    def name(self) -> str:
        """Of its file; names sort by age."""
        return f"{self.stage}-{self.epoch:05}-{self.step:07}.pt"


def save_checkpoint(folder: Path, checkpoint: Checkpoint, *, keep: int, best: bool = False) -> Path:
    """Write a checkpoint of the run in `folder`, then delete all but the newest `keep`.

    Args:
        folder: of the run.
        checkpoint: what to write.
        keep: number of checkpoints that stay.
        best: write it as the best one instead, which is kept apart.

    Raises:
        InputError: weights that are not finite (the file before stays), or a folder that cannot be written.
    """
    _refuse_broken(checkpoint, folder)
    path = folder / FOLDER / (BEST if best else checkpoint.name)
    values = {field.name: getattr(checkpoint, field.name) for field in dataclasses.fields(checkpoint)}
    with atomic_write(path) as temporary:
        try:
            torch.save(values, temporary)
        except RuntimeError as error:
            # torch's writer reports a full disk so.
            reason = str(error).splitlines()[0][:120]
            raise InputError(
                f"{path}: cannot be written, the disk may be full ({reason}); make room and `resume`"
            ) from None
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    if not best:
        for old in _by_age(folder)[:-keep]:
            old.unlink(missing_ok=True)
    return path


def newest_checkpoint(folder: Path) -> Path:
    """The newest checkpoint of the run in `folder`.

    Raises:
        InputError: there is none.
    """
    found = _by_age(folder)
    if not found:
        raise InputError(f"{folder}: holds no checkpoint; {_REMEDY}")
    return found[-1]


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, tensors on the CPU. Nothing in the file is run.

    Raises:
        InputError: it cannot be read, is not a checkpoint, or is of another format version.
    """
    check_ordinary(path, _REMEDY)
    with parsing(path, "a whole checkpoint", "delete it and `resume` the one before"):
        values = torch.load(path, map_location="cpu", weights_only=True)
    names = {field.name for field in dataclasses.fields(Checkpoint)}
    if not isinstance(values, dict) or set(values) != names:
        raise InputError(f"{path}: not a checkpoint of remix-train; {_REMEDY}")
    if type(values["format_version"]) is not int or values["format_version"] != FORMAT_VERSION:
        found = str(values["format_version"])[:40]
        raise InputError(f"{path}: format version {found}, but this release reads {FORMAT_VERSION}")
    for name, fits in _FITS.items():
        if not fits(values[name]):
            raise InputError(f"{path}: not a checkpoint of remix-train ({name} is not what it writes); {_REMEDY}")
    return Checkpoint(**values)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_dict(value: object, inner: Callable[[object], bool]) -> bool:
    return isinstance(value, dict) and all(type(key) is str and inner(one) for key, one in value.items())


def _is_state(value: object) -> bool:
    parts = isinstance(value, dict) and {"encoder", "momentum", "optimiser"} <= value.keys()
    return parts and _is_dict(value, lambda part: isinstance(part, dict))


_FITS: dict[str, Callable[[object], bool]] = {
    "stage": lambda value: value in get_args(Stage),
    "epoch": _is_count,
    "step": _is_count,
    "log_lines": _is_count,
    "settings": lambda value: _is_dict(value, lambda one: not isinstance(one, dict) or _is_dict(one, lambda _: True)),
    "data": lambda value: _is_dict(value, _is_count),
    "state": _is_state,
    "epoch_labels": lambda value: _is_dict(value, lambda one: isinstance(one, Tensor)),
    "best": lambda value: _is_dict(value, lambda one: type(one) in (int, float)),
}
"""What each field of a checkpoint must look like before anything works with it."""


def _by_age(folder: Path) -> list[Path]:
    found = []
    for path in (folder / FOLDER).glob("*.pt"):
        match = _NAME.fullmatch(path.name)
        if match:
            found.append(((match[1] == "joint", int(match[2]), int(match[3])), path))
    return [path for _, path in sorted(found)]


def _refuse_broken(checkpoint: Checkpoint, folder: Path) -> None:
    for part in ("encoder", "momentum"):
        for name, value in checkpoint.state.get(part, {}).items():
            if isinstance(value, Tensor) and value.is_floating_point() and not value.isfinite().all():
                where = f"{checkpoint.stage} epoch {checkpoint.epoch + 1}, step {checkpoint.step}"
                raise InputError(
                    f"{folder}: {part} {name} is not finite at {where}; the checkpoint before stays, "
                    "lower the learning rate and start again, or `resume` with `set` run.precision=float32"
                )

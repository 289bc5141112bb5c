"""The file of a study: base settings, and named cells that differ from them in a few keys.

```toml
data_command = "remix-train synthesize data/grid"   # said where the data is not there
[base.run]                                          # settings of every cell, as in any settings file
epochs = 8
[study.grid]
seeds = [0, 1, 2]
[study.grid.base.run]                               # settings of this study's cells
epochs = 6
[study.grid.cells]
neither = {pretrain = false, joint = false}
both = {losses.centroid_query = "unit"}
```
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from remix_track import settings
from remix_track.errors import InputError
from remix_track.settings import check, setting
from remix_track.settings_text import with_changes
from remix_track.training.train_settings import TrainSettings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")
_CELL_NAME = re.compile(r"[^|/\x00-\x1f]{1,60}")
_NUMBERED = re.compile(r"(?:(?P<series>[^=]+?)\s*=\s*)?(?P<value>-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class StudyText:
    """What a file says of one study.

    Attributes:
        cells: by name, the settings in which it differs. A name that is a number, or `SERIES = NUMBER`, is drawn as a
            point of a line.
        title: of its table and plot; empty: its name.
        note: a sentence below the title.
        axis: what the numbers of its cells are.
        seeds: each cell runs once with each.
        base: settings of all its cells.
        jitter: evaluate after every epoch, and say how much mAP jumps from one to the next.
    """

    cells: Any
    title: str = setting("", "of its table and plot; empty: its name")
    note: str = setting("", "a sentence below the title")
    axis: str = setting("", "what the numbers of its cells are")
    seeds: tuple[int, ...] = setting((0,), "each cell runs once with each", low=0, high=2**32 - 1)
    base: Any = field(default_factory=dict)
    jitter: bool = setting(False, "evaluate after every epoch, and say how much mAP jumps from one to the next")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class StudyFileText:
    """What a file says.

    Attributes:
        study: by name, see `StudyText`.
        base: settings of every cell.
        data_command: what makes the data sets that `base` names.
    """

    study: Any
    base: Any = field(default_factory=dict)
    data_command: str = setting("", "what makes the data sets that `base` names")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class Cell:
    """One set of settings, to be trained once with each seed.

    Attributes:
        name: within its study.
        changes: `section.key = value` in which it differs from the study's base.
        settings: resolved, with seed 0; cells of equal settings are one training.
    """

    name: str
    changes: tuple[str, ...]
    settings: TrainSettings

    @property
    def series(self) -> str:
        """The part of a numbered name before `=`; empty without."""
        found = _NUMBERED.fullmatch(self.name)
        return (found["series"] or "") if found else ""

    @property
    def value(self) -> float | None:
        """The number in a numbered name."""
        found = _NUMBERED.fullmatch(self.name)
        return float(found["value"]) if found else None

    def with_seed(self, seed: int) -> TrainSettings:
        """The settings of one of its runs."""
        return dataclasses.replace(self.settings, run=dataclasses.replace(self.settings.run, seed=seed))


@dataclass(frozen=True, slots=True)
class Study:
    """Cells that are looked at together; see `StudyText`.

    Attributes:
        base: `section.key = value` in which all its cells differ from the file's base.
    """

    name: str
    title: str
    note: str
    axis: str
    seeds: tuple[int, ...]
    jitter: bool
    base: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class StudyFile:
    """All studies of a file; `data_command` makes their data."""

    path: Path
    data_command: str
    studies: tuple[Study, ...]


def read_studies(path: Path, changes: Sequence[str] = ()) -> StudyFile:
    """Read a file of studies; every cell's settings are resolved and checked.

    Args:
        path: of the file.
        changes: each `section.key=value`, put over the file's base. What a study or a cell says itself stays, so that
            cells go on differing in what they are there for.

    Raises:
        InputError: not a file of studies, an unknown key (the nearest is named), or a value that does not fit.
    """
    text = settings.build(StudyFileText, {"study": {}} | settings.read_toml(path), str(path))
    base = with_changes(TrainSettings, _section(text.base, f"{path}: base"), changes)
    studies = _section(text.study, f"{path}: study")
    if not studies:
        raise InputError(f"{path}: holds no study; write [study.NAME] with its cells")
    found = tuple(_study(name, values, base, str(path)) for name, values in studies.items())
    return StudyFile(path, text.data_command, found)


def chosen_studies(file: StudyFile, only: list[str]) -> tuple[Study, ...]:
    """The studies that `only` names, each `STUDY` or `STUDY/CELL`; all of them where it is empty.

    Raises:
        InputError: no such study or cell; the nearest is named.
    """
    if not only:
        return file.studies
    known = [study.name for study in file.studies]
    known += [f"{study.name}/{cell.name}" for study in file.studies for cell in study.cells]
    settings.refuse_unknown(only, known, f"`only`, {file.path}")
    chosen = []
    for study in file.studies:
        cells = tuple(cell for cell in study.cells if study.name in only or f"{study.name}/{cell.name}" in only)
        if cells:
            chosen.append(dataclasses.replace(study, cells=cells))
    return tuple(chosen)


def _study(name: str, values: Any, base: Mapping[str, Any], where: str) -> Study:
    where = f"{where}: [study.{name}]"
    if not _NAME.fullmatch(name):
        raise InputError(f"{where}: a study's name is letters, digits, - and _, as it names files")
    text = settings.build(StudyText, {"cells": {}} | _section(values, where), where)
    if not text.seeds or len(set(text.seeds)) != len(text.seeds):
        raise InputError(f"{where}: seeds = {list(text.seeds)}; expected different numbers, at least one")
    own = _section(text.base, f"{where}: base")
    if text.jitter:
        own = _merged({"run": {"evaluate_every": 1}}, own)
    merged = _merged(base, own)
    cells = _section(text.cells, f"{where}: cells")
    if not cells:
        raise InputError(f"{where}: holds no cell; write [study.{name}.cells] and NAME = {{SECTION.KEY = VALUE}}")
    made = tuple(_cell(cell, changes, merged, f"{where}: cell {cell!r}") for cell, changes in cells.items())
    return Study(name, text.title or name, text.note, text.axis, text.seeds, text.jitter, tuple(_flat(own)), made)


def _cell(name: str, changes: Any, base: Mapping[str, Any], where: str) -> Cell:
    if not _CELL_NAME.fullmatch(name):
        raise InputError(f"{where}: a cell's name is at most 60 letters, without / and |")
    changes = _section(changes, where)
    resolved = settings.build(TrainSettings, _merged(base, changes), where)
    resolved = dataclasses.replace(resolved, run=dataclasses.replace(resolved.run, seed=0))
    return Cell(name, tuple(_flat(changes)), resolved)


def _section(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where} is a section, not {value!r}")
    return dict(value)


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` over `base`, key by key within sections."""
    merged = dict(base)
    for key, value in changes.items():
        before = merged.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return merged


def _flat(changes: Mapping[str, Any], prefix: str = "") -> list[str]:
    lines = []
    for key, value in changes.items():
        if isinstance(value, Mapping):
            lines += _flat(value, f"{prefix}{key}.")
        else:
            lines.append(f"{prefix}{key} = {str(value).lower() if isinstance(value, bool) else value}")
    return lines

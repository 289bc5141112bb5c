"""The results of a study's cells: means and standard deviations over seeds, and what was not run."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from remix_track.json_text import json_text
from remix_track.studies.cell_runs import CellFolders, Result
from remix_track.studies.shared_pretraining import pretraining_cell
from remix_track.studies.study_file import Cell, Study
from remix_track.text_files import write_text

RESULTS = "results.json"


@dataclass(frozen=True, slots=True)
class Spread:
    """A number over seeds.

    Attributes:
        mean: nan where nothing was run.
        std: sample standard deviation (divided by n - 1); nan below two seeds.
    """

    mean: float
    std: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of the values that are numbers."""
        known = [value for value in values if not math.isnan(value)]
        mean = float(np.mean(known)) if known else math.nan
        return cls(mean, float(np.std(known, ddof=1)) if len(known) > 1 else math.nan)


@dataclass(frozen=True, slots=True)
class CellResults:
    """One cell with all its seeds.

    Attributes:
        cell: its settings.
        seeds: that were asked for.
        results: by seed, of the trainings that are finished.
        missing: by seed, why there is none: "not run", "cut", or "failed: ...".
    """

    cell: Cell
    seeds: tuple[int, ...]
    results: dict[int, Result]
    missing: dict[int, str]

    def spread(self, name: str) -> Spread:
        """Mean and deviation of a number: a field of `Result`, `minutes` or `jitter`."""
        return Spread.of([number(self.results[seed], name) for seed in self.seeds if seed in self.results])


@dataclass(frozen=True, slots=True)
class StudyResults:
    """One study with the results there are, and those of the pre-trainings that its cells share."""

    study: Study
    cells: tuple[CellResults, ...]
    pretrainings: tuple[CellResults, ...] = ()


def number(result: Result, name: str) -> float:
    """A field of a result, `minutes` or `jitter`; nan where it is unknown."""
    if name == "minutes":
        return result.seconds / 60
    value = jitter(result.epoch_map) if name == "jitter" else getattr(result, name)
    return math.nan if value is None else float(value)


def jitter(epoch_map: Sequence[float]) -> float:
    """Mean absolute change of mAP from one evaluation to the next, over the second half of them.

    The first half is left out, as there mAP rises, which is no jitter. nan with fewer than four evaluations.
    """
    if len(epoch_map) < 4:
        return math.nan
    second_half = epoch_map[len(epoch_map) // 2 - 1 :]
    return float(np.abs(np.diff(second_half)).mean())


def collect(studies: Sequence[Study], folders: CellFolders) -> list[StudyResults]:
    """Read the results of all cells, the ones that are not there among them."""
    return [
        StudyResults(study, *(_results(cells, study, folders) for cells in (study.cells, _pretrainings(study))))
        for study in studies
    ]


def seed_noise(found: Sequence[StudyResults], name: str = "map") -> tuple[float, int]:
    """Pooled standard deviation over seeds of all cells with two seeds or more, each once; and how many these are."""
    cells = {one.cell.settings: one for study in found for one in study.cells if len(one.results) > 1}
    freedom = [len(one.results) - 1 for one in cells.values()]
    variances = [one.spread(name).std ** 2 for one in cells.values()]
    if not freedom:
        return math.nan, 0
    return math.sqrt(float(np.average(variances, weights=freedom))), len(freedom)


def write_results(root: Path, found: Sequence[StudyResults]) -> None:
    """Write `results.json`: every cell and seed, run or not."""
    studies = {one.study.name: _study_json(one) for one in found}
    write_text(root / RESULTS, json_text({"format": 1, "studies": studies}, indent=1))


def _pretrainings(study: Study) -> tuple[Cell, ...]:
    """Each once, in the order of the cells that start from them."""
    found = [one for one in map(pretraining_cell, study.cells) if one]
    return tuple({one.settings: one for one in found}.values())


def _results(cells: Sequence[Cell], study: Study, folders: CellFolders) -> tuple[CellResults, ...]:
    return tuple(_cell_results(cell, study.seeds, folders) for cell in cells)


def _cell_results(cell: Cell, seeds: tuple[int, ...], folders: CellFolders) -> CellResults:
    results, missing = {}, {}
    for seed in seeds:
        run = folders.run(cell, seed)
        result = run.result() if run else None
        if result is not None:
            results[seed] = result
        else:
            state = run.state() if run else "not run"
            missing[seed] = f"failed: {run.last_words()}" if run and state == "failed" else state
    return CellResults(cell, seeds, results, missing)


def _study_json(found: StudyResults) -> dict[str, Any]:
    numbers = ("rank1", "map", "minp", "minutes", "clusters", "purity", "completeness", "jitter")
    cells = {}
    for one in found.cells:
        spreads = {name: one.spread(name) for name in numbers}
        cells[one.cell.name] = {
            "changes": list(one.cell.changes),
            "mean": {name: _plain(spread.mean) for name, spread in spreads.items()},
            "std": {name: _plain(spread.std) for name, spread in spreads.items()},
            "seeds": {
                str(seed): dataclasses.asdict(one.results[seed]) if seed in one.results else one.missing[seed]
                for seed in one.seeds
            },
        }
    made = {"title": found.study.title, "seeds": list(found.study.seeds), "cells": cells}
    if found.pretrainings:
        made["pretrainings"] = [
            {str(seed): dataclasses.asdict(result) for seed, result in one.results.items()}
            for one in found.pretrainings
        ]
    return made


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None

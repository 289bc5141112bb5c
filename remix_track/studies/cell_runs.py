"""Where the trainings of a study lie, how far each is, and what it left.

```
DIR/cells/grid-both/settings.toml   resolved, with seed 0; says whose folder this is
                    seed-2/         an ordinary run of remix-train
                    seed-2.log      what it said
                    seed-2.json     when it ran, and its result once it is whole
```
"""

import dataclasses
import itertools
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from remix_track import settings
from remix_track.bounded_file import read_bounded
from remix_track.encoder.weights_file import read_card
from remix_track.errors import InputError, parsing
from remix_track.json_text import json_text
from remix_track.settings_text import to_toml
from remix_track.studies.study_file import Cell
from remix_track.text_files import write_text
from remix_track.training.run_log import NAME as LOG
from remix_track.training.run_log import read_log
from remix_track.training.train_settings import TrainSettings

State = Literal["finished", "failed", "cut", "not run"]
_SETTINGS = "settings.toml"
_CHECKPOINTS = "checkpoints"
_STOPPED = (130, 143, -2, -15)
_ATTEMPT = "== attempt"


@dataclass(frozen=True, slots=True)
class Result:
    """What one training gave.

    Attributes:
        rank1: on the target, 0..1, of the weights that were written.
        map: mean average precision, likewise.
        minp: likewise.
        seconds: of all its parts by the clock, those that were done twice included.
        epochs: that were evaluated, from 1.
        epoch_map: mAP after each of them.
        clusters: pseudo identities of the last epoch; None without single-camera data, as the next three.
        outliers: crops without one.
        purity: of them; None also where the data does not know its people.
        completeness: of them.
        revision: of the code that trained it last; empty where unknown.
        probe_steps: steps of pre-training that were done at each probe.
        probe_rank1: Rank-1 of each.
    """

    rank1: float
    map: float
    minp: float
    seconds: float
    epochs: tuple[int, ...]
    epoch_map: tuple[float, ...]
    clusters: int | None = None
    outliers: int | None = None
    purity: float | None = None
    completeness: float | None = None
    revision: str = ""
    probe_steps: tuple[int, ...] = ()
    probe_rank1: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process that worked on a training.

    Attributes:
        began: Unix time.
        ended: Unix time; None while it runs, or where its end was not observed.
        code: its exit code, likewise.
    """

    began: float
    ended: float | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True)
class CellRun:
    """One training: a cell's folder and a seed."""

    cell_folder: Path
    seed: int

    @property
    def folder(self) -> Path:
        """Of the training itself."""
        return self.cell_folder / f"seed-{self.seed}"

    @property
    def config(self) -> Path:
        """The settings it starts from."""
        return self.cell_folder / _SETTINGS

    @property
    def log(self) -> Path:
        """What the process said."""
        return self.cell_folder / f"seed-{self.seed}.log"

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a point to go on from."""
        return any((self.folder / _CHECKPOINTS).glob("[jp]*-*-*.pt"))

    def attempts(self) -> tuple[Attempt, ...]:
        """Processes so far, the oldest first."""
        found = self._read().get("attempts", [])
        try:
            return tuple(settings.build(Attempt, one, str(self._status)) for one in found)
        except Exception:  # a file that was cut off or changed tells nothing
            return ()

    def result(self) -> Result | None:
        """What it gave; None where it has not ended, or the file is not whole."""
        try:
            return settings.build(Result, self._read()["result"], str(self._status))
        except Exception:
            return None

    def state(self) -> State:
        """How far it is; a training under way counts as cut, for it would be if it ended now."""
        if self.result() is not None:
            return "finished"
        attempts = self.attempts()
        if attempts and attempts[-1].code is not None and attempts[-1].code not in _STOPPED:
            return "failed"
        return "cut" if self.folder.is_dir() else "not run"

    def last_words(self) -> str:
        """The line that says why it failed."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 20_000))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return "left no log"
        begins = max((number for number, line in enumerate(lines) if line.startswith(_ATTEMPT)), default=-1)
        lines = [line.strip() for line in lines[begins + 1 :] if line.strip()]
        said = [line for line in lines if line.startswith("remix-train: ")]
        return (said or lines or ["said nothing"])[-1]

    def open_log(self) -> IO[bytes]:
        """The log, to be written on; where an attempt begins is marked."""
        file = self.log.open("ab", buffering=0)
        file.write(f"{_ATTEMPT} {len(self.attempts())}\n".encode())
        return file

    def begin(self, now: float) -> None:
        """Note that a process starts; where the end of the one before was not seen, its last sign of life counts."""
        before = [
            one if one.ended is not None else dataclasses.replace(one, ended=max(one.began, self._last_sign()))
            for one in self.attempts()
        ]
        self._write([*before, Attempt(now)], None)

    def end(self, now: float, code: int) -> None:
        """Note that the process of the last `begin` has ended, with the result if it was a success.

        A success leaves no checkpoints: of a study's fifty trainings they would be tens of gigabytes, and nothing goes
        on from them.

        Raises:
            InputError: it ended well without a score on a target, or the note of its beginning is not there.
        """
        attempts = list(self.attempts())
        if not attempts:
            raise InputError(f"{self._status}: was removed while the training ran; run again")
        attempts[-1] = dataclasses.replace(attempts[-1], ended=now, code=code)
        seconds = sum((one.ended or one.began) - one.began for one in attempts)
        result = read_result(self.folder, seconds) if code == 0 else None
        self._write(attempts, result)
        if result is not None:
            shutil.rmtree(self.folder / _CHECKPOINTS, ignore_errors=True)

    @property
    def _status(self) -> Path:
        return self.cell_folder / f"seed-{self.seed}.json"

    def _last_sign(self) -> float:
        signs = (self.log, self.folder / "log.jsonl")
        return max((path.stat().st_mtime for path in signs if path.is_file()), default=0.0)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(read_bounded(self._status))
        except Exception:
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, attempts: list[Attempt], result: Result | None) -> None:
        values = {"attempts": [dataclasses.asdict(one) for one in attempts]}
        if result is not None:
            values["result"] = dataclasses.asdict(result)  # type: ignore[assignment]
        write_text(self._status, json_text(values, indent=1))


class CellFolders:
    """Finds the folder of a cell by its settings, whatever the cell is called and in however many studies it is."""

    def __init__(self, root: Path) -> None:
        """Read whose folders there are in `root`."""
        self._root = root / "cells"
        self._known: dict[TrainSettings, Path] = {}
        for path in sorted(self._root.glob(f"*/{_SETTINGS}")):
            try:
                found = settings.build(TrainSettings, settings.read_toml(path), str(path))
                self._known.setdefault(settings_that_matter(found), path.parent)
            except InputError:
                continue  # settings of another release; its folder is not touched

    def run(self, cell: Cell, seed: int) -> CellRun | None:
        """The training of a cell with a seed; None where the cell has no folder yet."""
        folder = self._known.get(settings_that_matter(cell.settings))
        return CellRun(folder, seed) if folder else None

    def claim(self, cell: Cell, seed: int, name: str) -> CellRun:
        """The same, with a folder called after `name` made where there was none."""
        matter = settings_that_matter(cell.settings)
        if matter not in self._known or not (self._known[matter] / _SETTINGS).exists():
            folder = self._free(re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.").lower() or "cell")
            write_text(folder / _SETTINGS, to_toml(cell.settings))
            self._known[matter] = folder
        return CellRun(self._known[matter], seed)

    def _free(self, name: str) -> Path:
        names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        return next(self._root / one for one in names if not (self._root / one / _SETTINGS).exists())


def settings_that_matter(chosen: TrainSettings) -> TrainSettings:
    """The settings without those of a pre-training that does not take place."""
    if chosen.pretrain:
        return chosen
    plain = TrainSettings()
    return dataclasses.replace(
        chosen,
        moco=plain.moco,
        pretraining=plain.pretraining,
        pretraining_augmentation=plain.pretraining_augmentation,
    )


def read_result(folder: Path, seconds: float) -> Result:
    """The result of a finished training from its log.

    Raises:
        InputError: it was not scored.
    """
    records = read_log(folder)
    scored = [one for one in records if one.get("event") == "evaluation"]
    if not scored:
        raise InputError(f"{folder}: the run was not scored on a target; name data.target in the study's base")
    with parsing(folder / LOG, "the log of a training"):
        return _result(folder, records, scored, seconds)


def _result(folder: Path, records: list[dict[str, Any]], scored: list[dict[str, Any]], seconds: float) -> Result:
    kept_best = settings.read_toml(folder / "config.toml").get("run", {}).get("weights") == "best"
    final = max(scored, key=lambda one: one["map"]) if kept_best else scored[-1]
    labelled = [one for one in records if one.get("event") == "labels" and "clusters" in one]
    values = {name: final[name] for name in ("rank1", "map", "minp")}
    values |= {name: labelled[-1][name] for name in ("clusters", "outliers", "purity", "completeness") if labelled}
    values |= {"epochs": [one["epoch"] for one in scored], "epoch_map": [one["map"] for one in scored]}
    probes = [one for one in records if one.get("event") == "probe"]
    values |= {"probe_steps": [one["steps"] for one in probes], "probe_rank1": [one["rank1"] for one in probes]}
    return settings.build(Result, {**values, "seconds": seconds, "revision": _revision(folder)}, str(folder))


def _revision(folder: Path) -> str:
    try:
        return read_card(folder / "remix.safetensors").git_revision
    except InputError:
        return ""

"""What the stages of one run share: settings, data, folder, log, and how to stop."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from remix_track.data.decoding import CropReader
from remix_track.data.stores import ImageStore
from remix_track.encoder.crops import NetworkInput
from remix_track.training.checkpoint import Checkpoint, Stage, save_checkpoint
from remix_track.training.data_sets import TrainingData
from remix_track.training.embedding import EmbedPlan
from remix_track.training.processes import Processes
from remix_track.training.reading import reading_threads
from remix_track.training.run_log import RunLog
from remix_track.training.stopping import StopRequest
from remix_track.training.train_settings import TrainSettings


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run is; for a progress line.

    Attributes:
        stage: pretrain, joint, or footage, whose epochs are videos and whose steps are frames.
        epoch: under way, from 1.
        epochs: in all.
        step: done in this epoch.
        steps: in an epoch.
        doing: what is going on in a word: training, embedding, evaluating.
        loss: of the last logged step; nan before.
        score: mAP on the target at the last evaluation; nan before.
    """

    stage: str
    epoch: int
    epochs: int
    step: int
    steps: int
    doing: str
    loss: float
    score: float


@dataclass(slots=True)
class Run:
    """One run, passed to each of its stages.

    Attributes:
        settings: resolved.
        data: the sets.
        folder: of checkpoints, log and results.
        device: of the networks.
        log: of the run; None in a process that writes nothing.
        stop: asked between steps.
        show: told where the run is.
        processes: that train together.
        best: score and epoch of the best evaluation so far.
        score: mAP of the last evaluation; nan before the first.
        saved: when the last checkpoint was written, by the clock of `time.monotonic`.
    """

    settings: TrainSettings
    data: TrainingData
    folder: Path
    device: torch.device
    log: RunLog | None
    stop: StopRequest
    show: Callable[[Position], None] = lambda position: None
    processes: Processes = field(default_factory=Processes)
    best: dict[str, float] = field(default_factory=dict)
    score: float = float("nan")
    saved: float = field(default_factory=time.monotonic)

    def checkpoint_is_due(self, step: int, steps: int) -> bool:
        """Whether a checkpoint is wanted after `step` of an epoch's `steps`, whose last has one anyway. Collective.

        When one is made changes nothing in the run, so the clock may have a say.
        """
        settings = self.settings.run
        if step >= steps:
            return False
        by_step = bool(settings.checkpoint_every) and step % settings.checkpoint_every == 0
        if by_step or not settings.checkpoint_minutes:
            return by_step
        # Clocks differ between processes, and all must come to the meeting that saving is.
        late = self.processes.first and time.monotonic() - self.saved >= 60 * settings.checkpoint_minutes
        return bool(self.processes.all_max(late))

    @property
    def workers(self) -> int:
        """Threads that read images; the processes of a machine share its cores."""
        wanted = self.settings.data.workers
        return wanted or max(1, reading_threads(wanted) // self.processes.here)

    @property
    def embed_plan(self) -> EmbedPlan:
        """How whole sets are embedded in this run."""
        encoder = self.settings.encoder
        seen = NetworkInput(encoder.height, encoder.width)
        return EmbedPlan(seen, self.device, self.settings.run.embed_batch, self.workers, self.stop, self.processes)

    def reader(self, store: ImageStore) -> CropReader:
        """Reads the crops of a store at the encoder's size."""
        return CropReader(store, self.settings.encoder.height, self.settings.encoder.width)

    def write(self, event: str, **values: Any) -> None:
        """Add a line to the log."""
        log = self.log
        self.processes.all_or_none(lambda: log.write(event, **values) if log else None)

    def save(
        self,
        stage: Stage,
        epoch: int,
        step: int,
        state: dict[str, dict[str, Any]],
        epoch_labels: dict[str, Tensor] | None = None,
        *,
        best: bool = False,
    ) -> None:
        """Write a checkpoint of this point, in the first process; see `Checkpoint`."""
        checkpoint = Checkpoint(
            stage=stage,
            epoch=epoch,
            step=step,
            settings=dataclasses.asdict(self.settings),
            data=self.data.counts(),
            state=state,
            epoch_labels=epoch_labels or {},
            best=dict(self.best),
            log_lines=self.log.lines if self.log else 0,
        )
        self.saved = time.monotonic()
        keep, first = self.settings.run.keep, self.processes.first
        self.processes.all_or_none(
            lambda: save_checkpoint(self.folder, checkpoint, keep=keep, best=best) if first else None
        )


def numbers_of(scalars: dict[str, Tensor]) -> dict[str, float]:
    """Named scalars as numbers, in one copy from the device: each would wait for all that the device computes."""
    return dict(zip(scalars, torch.stack([one.detach() for one in scalars.values()]).tolist(), strict=True))


class Averages:
    """Means of named numbers since they were last taken; nan is left out."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: dict[str, float]) -> None:
        """Count one step."""
        for name, value in values.items():
            known = value == value
            self._sums[name] = self._sums.get(name, 0.0) + (value if known else 0.0)
            self._counts[name] = self._counts.get(name, 0) + known

    def take(self) -> dict[str, float]:
        """The means, which then begin anew; nan where nothing was counted."""
        means = {
            name: total / self._counts[name] if self._counts[name] else float("nan")
            for name, total in self._sums.items()
        }
        self._sums, self._counts = {}, {}
        return means

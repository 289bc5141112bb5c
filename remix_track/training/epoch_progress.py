"""Where a training of epochs is, and what it says on its way: the log, the progress line, the score on the target.

The joint training and the baseline say the same, so that one can be held against the other.
"""

import math
from dataclasses import dataclass

from torch import nn

from remix_track.errors import InputError
from remix_track.training.context import Position, Run
from remix_track.training.evaluation import evaluate_encoder
from remix_track.training.optimisation import joint_rate


@dataclass(slots=True)
class EpochProgress:
    """Counts epochs and steps, and tells of them.

    Attributes:
        run: whose log and progress line these are.
        name: of the training, for the progress line.
        epoch: under way, from 0.
        step: done in this epoch.
        loss: of the last logged step; nan before.
    """

    run: Run
    name: str
    epoch: int = 0
    step: int = 0
    loss: float = math.nan

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return self.run.settings.sampling.iterations_per_epoch

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        settings = self.run.settings
        return joint_rate(settings.optimiser, self.epoch * self.steps + self.step, self.steps, settings.run.epochs)

    def refuse_broken(self, loss: float) -> None:
        """Raise `InputError` where the loss is not finite; the weights are those of the step before."""
        if not math.isfinite(loss):
            raise InputError(
                f"{self.run.folder}: the loss is {loss} at epoch {self.epoch + 1}, step {self.step + 1}; the last "
                "checkpoint is whole, so `resume` with a lower optimiser.learning_rate, or with run.precision=float32"
            )

    def report(self, means: dict[str, float], rate: float) -> None:
        """A line of the log."""
        self.loss = means["total"]
        self.run.write("step", stage="joint", epoch=self.epoch + 1, step=self.step, rate=rate, **means)

    def show(self, doing: str) -> None:
        """Tell where the run is."""
        epochs, score = self.run.settings.run.epochs, self.run.score
        self.run.show(Position(self.name, self.epoch + 1, epochs, self.step, self.steps, doing, self.loss, score))

    def score(self, network: nn.Module) -> bool:
        """Score a network on the target where it is time to; whether it is the best so far, and is to be saved."""
        chosen, target, epoch = self.run.settings.run, self.run.data.target, self.epoch + 1
        is_due = epoch == chosen.epochs or (chosen.evaluate_every and epoch % chosen.evaluate_every == 0)
        if target is None or not is_due:
            return False
        self.show("evaluating")
        scores = evaluate_encoder(self.run.embed_plan, network, target)
        self.run.write("evaluation", epoch=epoch, **scores)
        self.run.score = scores["map"]
        is_best: bool = scores["map"] > self.run.best.get("map", -1.0)
        if is_best:
            self.run.best = {"map": scores["map"], "rank1": scores["rank1"], "epoch": float(epoch)}
        return is_best

    def end_epoch(self) -> None:
        """The next epoch begins."""
        self.epoch, self.step = self.epoch + 1, 0

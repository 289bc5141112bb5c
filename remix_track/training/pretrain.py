"""The pre-training stage: MoCo v2 on the single-camera images, whose backbone the joint training starts from.

Source: that the encoder is pre-trained so is from Mamedov et al., ReMix (WACV 2025); for the method see `moco`.
"""

import logging
import math
from collections.abc import Iterator
from contextlib import closing

from torch import Tensor

from remix_track.encoder.backbones import Encoder
from remix_track.errors import InputError
from remix_track.training.batches import pair_batches
from remix_track.training.checkpoint import Checkpoint
from remix_track.training.context import Averages, Position, Run
from remix_track.training.method_settings import MomentumSettings
from remix_track.training.moco import MocoNetwork, Queue, info_nce
from remix_track.training.momentum import MomentumNetwork
from remix_track.training.optimisation import (
    LossScaler,
    autocast,
    pretraining_optimiser,
    pretraining_rate,
    set_rate,
)
from remix_track.training.randomness import draw_torch, seeded
from remix_track.training.restore import restore_network, restore_optimiser, restoring
from remix_track.training.stopping import Stopped

logger = logging.getLogger(__name__)


def pretrain(run: Run, encoder: Encoder, resumed: Checkpoint | None = None) -> None:
    """Train the encoder's backbone in place.

    Raises:
        InputError: a loss that is not finite, too few images, or a result that cannot be written.
        Stopped: a stop was asked for; a checkpoint of this point is written.
    """
    training = _Pretraining(run, encoder)
    if resumed:
        training.load(resumed)
    try:
        while training.epoch < run.settings.pretraining.epochs:
            training.run_epoch()
    except Stopped:
        training.save()
        raise


class _Pretraining:
    """The state of the stage: two networks, a queue of keys, an optimiser, and where it is."""

    def __init__(self, run: Run, encoder: Encoder) -> None:
        settings = run.settings
        images = len(run.data.unlabelled)
        self.run, self.settings = run, settings.pretraining
        self.batch_size = min(settings.pretraining.batch_size, images)
        if self.batch_size < 2 * run.processes.count:
            raise InputError(
                f"a step of pre-training has {self.batch_size} images ({images} in data.single_camera); expected at "
                "least two for each process"
            )
        self.steps = settings.pretraining.iterations_per_epoch or images // self.batch_size
        with seeded(settings.run.seed, "projection head"):
            self.network = MocoNetwork(encoder, settings.moco.projection).to(run.device)
        own_statistics = MomentumSettings(coefficient=settings.moco.momentum, batchnorm="own")
        self.momentum = MomentumNetwork(self.network, own_statistics)
        # A queue longer than the data would hold an image's own key beside its query.
        size = min(settings.moco.queue_size, max(self.batch_size, images // 2))
        noise = draw_torch(settings.run.seed, "queue")
        self.queue = Queue(size, settings.moco.projection, noise).to(run.device)
        self.wrapped = run.processes.wrap(self.network)
        self.optimiser = pretraining_optimiser(self.network, settings.pretraining)
        self.scaler = LossScaler(run.device, settings.run.precision)
        self.epoch = self.step = 0
        self.loss = math.nan
        self.note = f"the loss rises for about {math.ceil(size / self.batch_size)} steps, while keys replace the noise"

    def run_epoch(self) -> None:
        """Steps over random images; a resumed epoch goes on at its step."""
        if self.epoch == self.step == 0:
            self.run.write("note", stage="pretrain", text=self.note)
            logger.info("pre-training: %s", self.note)
        averages = Averages()
        with closing(pair_batches(self.run, self.batch_size, self.epoch, self.step, self.steps)) as batches:
            while self.step < self.steps:
                self.run.stop.check()
                done = self.epoch * self.steps + self.step
                rate = pretraining_rate(self.settings, done, self.settings.epochs * self.steps)
                averages.add({"total": self.take_step(batches, rate)})
                self.step += 1
                if self.step % self.run.settings.run.log_every == 0 or self.step == self.steps:
                    self.report(averages.take(), rate)
                if self.run.checkpoint_is_due(self.step, self.steps):
                    self.save()
                self.show()
        self.epoch, self.step = self.epoch + 1, 0
        self.save()

    def take_step(self, batches: Iterator[tuple[Tensor, Tensor]], rate: float) -> float:
        """One step of the optimiser; the loss."""
        processes = self.run.processes
        set_rate(self.optimiser, rate)
        self.optimiser.zero_grad()
        views, other_views = processes.all_or_none(lambda: next(batches))
        with autocast(self.run.device, self.run.settings.run.precision):
            queries = self.wrapped.train()(views)  # (n, P)
            keys = self.momentum.keys(other_views)  # (n, P)
        values = info_nce(queries, keys, self.queue.vectors, self.run.settings.moco.temperature)  # (n,)
        loss = processes.gather(values).mean()
        self.refuse_broken(float(loss.detach()))
        self.queue.push(processes.gather(keys))
        # Each process has the gradient of its own queries; `wrapped` makes their mean, the loss wants their sum.
        self.scaler.backward(loss * processes.count)
        if self.scaler.step(self.optimiser):
            self.momentum.update(self.network)
        processes.average_buffers(self.momentum.network)
        return float(loss.detach())

    def refuse_broken(self, loss: float) -> None:
        """Raise `InputError` where the loss is not finite; the weights are those of the step before."""
        if not math.isfinite(loss):
            raise InputError(
                f"{self.run.folder}: the loss of pre-training is {loss} at epoch {self.epoch + 1}, step "
                f"{self.step + 1}; the last checkpoint is whole, so `resume` with a lower pretraining.learning_rate"
            )

    def report(self, means: dict[str, float], rate: float) -> None:
        """A line of the log."""
        self.loss = means["total"]
        self.run.write("step", stage="pretrain", epoch=self.epoch + 1, step=self.step, rate=rate, **means)

    def show(self) -> None:
        """Tell where the run is."""
        epoch, epochs = self.epoch + 1, self.settings.epochs
        self.run.show(Position("pretrain", epoch, epochs, self.step, self.steps, "training", self.loss, math.nan))

    def save(self) -> None:
        """A checkpoint of this point."""
        state = {
            "encoder": self.network.state_dict(),
            "momentum": self.momentum.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "queue": self.queue.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        self.run.save("pretrain", self.epoch, self.step, state)

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of this stage."""
        with restoring(checkpoint, self.run.folder):
            restore_network(self.network, checkpoint.state["encoder"], "encoder")
            restore_network(self.momentum.network, checkpoint.state["momentum"], "key network")
            restore_network(self.queue, checkpoint.state["queue"], "queue")
            restore_optimiser(self.optimiser, checkpoint.state["optimiser"])
            self.scaler.load_state_dict(checkpoint.state.get("scaler", {}))
        self.epoch, self.step = checkpoint.epoch, checkpoint.step

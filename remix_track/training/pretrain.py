"""The pre-training stage: MoCo v2 on the single-camera images, whose backbone the joint training starts from.

Source: that the encoder is pre-trained so is from Mamedov et al., ReMix (WACV 2025); for the method see `moco`.
"""

import logging
import math
from collections.abc import Iterator
from contextlib import closing

from torch import Tensor

from remix_track.encoder.backbones import Encoder, check_state
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
from remix_track.training.probe import BestBackbone, probe_backbone
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
    else:
        training.begin()
    try:
        while training.epoch < run.settings.pretraining.epochs and not training.is_exhausted:
            training.run_epoch()
        training.finish()
    except Stopped:
        training.save()
        raise


class _Pretraining:
    """The state of the stage: two networks, a queue of keys, an optimiser, and where it is."""

    def __init__(self, run: Run, encoder: Encoder) -> None:
        settings = run.settings
        images = len(run.data.unlabelled)
        self.run, self.settings, self.encoder = run, settings.pretraining, encoder
        self.batch_size = min(settings.pretraining.batch_size, images)
        if self.batch_size < 2 * run.processes.count:
            raise InputError(
                f"a step of pre-training has {self.batch_size} images ({images} in data.single_camera); expected at "
                "least two for each process"
            )
        self.steps = settings.pretraining.iterations_per_epoch or images // self.batch_size
        with seeded(settings.run.seed, "projection head"):
            self.network = MocoNetwork(encoder, settings.moco.projection).to(run.device)
        key_settings = MomentumSettings(settings.moco.momentum, settings.moco.batchnorm)
        self.momentum = MomentumNetwork(self.network, key_settings)
        # A queue longer than the data would hold an image's own key beside its query.
        size = min(settings.moco.queue_size, max(self.batch_size, images // 2))
        noise = draw_torch(settings.run.seed, "queue")
        self.queue = Queue(size, settings.moco.projection, noise).to(run.device)
        self.wrapped = run.processes.wrap(self.network)
        self.optimiser = pretraining_optimiser(self.network, settings.pretraining)
        self.scaler = LossScaler(run.device, settings.run.precision)
        self.epoch = self.step = 0
        self.loss = math.nan
        self.best = BestBackbone()
        self.note = f"the loss rises for about {math.ceil(size / self.batch_size)} steps, while keys replace the noise"

    def begin(self) -> None:
        """Say what the loss will do."""
        self.run.write("note", stage="pretrain", text=self.note)
        logger.info("pre-training: %s", self.note)

    def run_epoch(self) -> None:
        """Steps over random images; a resumed epoch goes on at its step."""
        averages = Averages()
        with closing(pair_batches(self.run, self.batch_size, self.epoch, self.step, self.steps)) as batches:
            while self.step < self.steps:
                self.run.stop.check()
                self.probe()
                if self.is_exhausted:
                    return
                rate = pretraining_rate(self.settings, self.done, self.settings.epochs * self.steps)
                averages.add({"total": self.take_step(batches, rate)})
                self.step += 1
                if self.step % self.run.settings.run.log_every == 0 or self.step == self.steps:
                    self.report(averages.take(), rate)
                if self.run.checkpoint_is_due(self.step, self.steps):
                    self.save()
                self.show()
        self.epoch, self.step = self.epoch + 1, 0
        self.save()

    @property
    def done(self) -> int:
        """Steps of the whole stage so far."""
        return self.epoch * self.steps + self.step

    @property
    def is_exhausted(self) -> bool:
        """Whether the probe has not risen for as long as is waited for it."""
        return 0 < self.settings.patience <= self.best.since

    def probe(self, *, last: bool = False) -> None:
        """Score the backbone on the target where it is time to; a resumed run does not do it twice."""
        target, every, done = self.run.data.target, self.settings.probe_every, self.done
        if not every or target is None or done == self.best.step or not (last or done % every == 0):
            return
        self.show("evaluating")
        scores = probe_backbone(self.run.embed_plan, self.encoder, target)
        self.best.add(done, scores["rank1"], self.encoder.backbone.state_dict())
        self.run.score = scores["map"]
        self.run.write("probe", stage="pretrain", steps=done, **scores)
        logger.info("pre-training, %d steps: probe %.1f", done, 100 * scores["rank1"])

    def finish(self) -> None:
        """Where there were probes: the last one, and the backbone that had the best."""
        self.probe(last=not self.is_exhausted)
        if self.best.step < 0:
            return
        self.encoder.backbone.load_state_dict(self.best.weights)
        verdict = self.best.verdict()
        if self.is_exhausted:
            verdict += f"; ended after {self.best.since} probes without a new best"
        self.run.write("note", stage="pretrain", text=verdict)
        logger.log(logging.WARNING if self.best.best_step == 0 else logging.INFO, "%s", verdict)
        self.run.score = math.nan

    def take_step(self, batches: Iterator[tuple[Tensor, Tensor]], rate: float) -> float:
        """One step of the optimiser; the loss."""
        processes = self.run.processes
        set_rate(self.optimiser, rate)
        self.optimiser.zero_grad()
        views, other_views = processes.all_or_none(lambda: next(batches))
        with autocast(self.run.device, self.run.settings.run.precision):
            queries = self.wrapped.train()(views)  # (n, P)
            keys = self.momentum.keys(other_views)  # (n, P)
        everyone, chosen = processes.gather(keys), self.run.settings.moco  # (B, P)
        batch, first_row = (everyone, processes.share(self.batch_size).start) if chosen.batch_negatives else (None, 0)
        values = info_nce(queries, keys, self.queue.vectors, chosen.temperature, batch, first_row)  # (n,)
        loss = processes.gather(values).mean()
        number = float(loss.detach())  # read once, before the backward pass: reading waits for the device
        self.refuse_broken(number)
        self.queue.push(everyone)
        # Each process has the gradient of its own queries; `wrapped` makes their mean, the loss wants their sum.
        self.scaler.backward(loss * processes.count)
        if self.scaler.step(self.optimiser):
            self.momentum.update(self.network)
        processes.average_buffers(self.momentum.network)
        return number

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

    def show(self, doing: str = "training") -> None:
        """Tell where the run is."""
        epoch, epochs = min(self.epoch + 1, self.settings.epochs), self.settings.epochs
        self.run.show(Position("pretrain", epoch, epochs, self.step, self.steps, doing, self.loss, self.run.score))

    def save(self) -> None:
        """A checkpoint of this point."""
        state = {
            "encoder": self.network.state_dict(),
            "momentum": self.momentum.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "queue": self.queue.state_dict(),
            "scaler": self.scaler.state_dict(),
            "probe": self.best.state_dict(),
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
            self.best.load_state_dict(checkpoint.state.get("probe", {}), self.run.device)
            if self.best.weights:
                check_state(self.encoder.backbone, self.best.weights, "the checkpoint's best backbone")
        self.epoch, self.step = checkpoint.epoch, checkpoint.step

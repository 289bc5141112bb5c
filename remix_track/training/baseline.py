"""The field's baseline beside ReMix: classification and triplet loss on the labelled images alone.

Source: Luo et al., Bag of Tricks and A Strong Baseline for Deep Person Re-identification (CVPRW 2019): label-smoothed
cross entropy behind the BN-neck, batch-hard triplet loss (Hermans et al., arXiv 1703.07737) before it, a rate that
rises first, last stride 1. Random erasing is `augmentation.erasing`. Differs from it: no centre loss, and the triplet
loss is on vectors of unit length.

Data, mini-batches, optimiser and score are those of the joint training, so that what is compared is what they learn by.
"""

import math
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remix_track.data.crop_set import CropSet
from remix_track.encoder.backbones import Encoder
from remix_track.errors import InputError
from remix_track.training.batches import MixedBatch, mixed_batches
from remix_track.training.centroids import CameraCentroids
from remix_track.training.checkpoint import Checkpoint
from remix_track.training.context import Averages, Run, numbers_of
from remix_track.training.epoch_labels import EpochLabels
from remix_track.training.epoch_progress import EpochProgress
from remix_track.training.optimisation import LossScaler, adam, autocast, set_rate
from remix_track.training.randomness import seeded
from remix_track.training.restore import restore_network, restore_optimiser, restoring
from remix_track.training.stopping import Stopped


def train_baseline(run: Run, encoder: Encoder, resumed: Checkpoint | None = None) -> Encoder:
    """Train the encoder in place; it is its own result, for there is no momentum encoder.

    Raises:
        InputError: several processes, a loss that is not finite, or a result that cannot be written.
        Stopped: a stop was asked for; a checkpoint of this point is written.
    """
    if run.processes.count > 1:
        raise InputError(
            f"method = 'baseline' trains in one process, but {run.processes.count} were started; start it without "
            "torchrun"
        )
    training = _Baseline(run, encoder)
    if resumed:
        training.load(resumed)
    try:
        while training.at.epoch < run.settings.run.epochs:
            training.run_epoch()
    except Stopped:
        training.save()
        raise
    return encoder


def smoothed_cross_entropy(logits: Tensor, identity: Tensor, smoothing: float) -> Tensor:
    """Classify each image: -sum_y t_y log softmax(logits)_y, where t is 1 - e of its person and e / Y of everybody.

    Args:
        logits: (B, Y).
        identity: (B,) int64 of 0..Y-1.
        smoothing: e.

    Returns:
        (B,) at least 0.
    """
    return F.cross_entropy(logits.float(), identity, label_smoothing=smoothing, reduction="none")


def batch_hard_triplet(vectors: Tensor, identity: Tensor, margin: float) -> Tensor:
    """The farthest image of the same person must be nearer than the nearest of another: max(0, m + d_p - d_n).

    Args:
        vectors: (B, D) of any length; distances are Euclidean.
        identity: (B,).
        margin: m.

    Returns:
        (B,) at least 0; 0 where the batch has one person alone.
    """
    vectors = vectors.float()
    squares = (vectors[:, None] - vectors).square().sum(dim=2)  # (B, B)
    # The root's slope is infinite at 0, where an image meets itself.
    distances = squares.clamp(min=1e-12).sqrt()
    same = identity[:, None] == identity
    farthest = distances.masked_fill(~same, 0).amax(dim=1)
    nearest = distances.masked_fill(same, math.inf).amin(dim=1)
    return (farthest - nearest + margin).clamp(min=0)


class _Network(nn.Module):
    """An encoder and a classifier without bias behind its neck."""

    def __init__(self, encoder: Encoder, people: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.classifier = nn.Linear(encoder.width, people, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, H, W) -> pooled (B, D) and logits (B, Y)."""
        pooled, necked = self.encoder(images)
        return pooled, self.classifier(necked)


class _Baseline:
    """The state of the training: a network, an optimiser, and where it is."""

    def __init__(self, run: Run, encoder: Encoder) -> None:
        self.run, self.settings, self.encoder = run, run.settings, encoder
        self.labels = labelled_alone(run.data.labelled)
        with seeded(run.settings.run.seed, "classifier"):
            self.network = _Network(encoder, self.labels.people).to(run.device)
        self.optimiser = adam(self.network, run.settings.optimiser)
        self.scaler = LossScaler(run.device, run.settings.run.precision)
        self.at = EpochProgress(run, "baseline")

    def run_epoch(self) -> None:
        """Steps, then a score where it is time to; a resumed epoch goes on at its step."""
        at, averages = self.at, Averages()
        with closing(mixed_batches(self.run, self.labels, at.epoch, at.step)) as batches:
            while at.step < at.steps:
                self.run.stop.check()
                rate = at.rate
                averages.add(self.take_step(batches, rate))
                at.step += 1
                if at.step % self.settings.run.log_every == 0 or at.step == at.steps:
                    at.report(averages.take(), rate)
                if self.run.checkpoint_is_due(at.step, at.steps):
                    self.save()
                at.show("training")
        if at.score(self.encoder):
            self.save(best=True)
        at.end_epoch()
        self.save()

    def take_step(self, batches: Iterator[MixedBatch], rate: float) -> dict[str, float]:
        """One step of the optimiser, over as many mini-batches as are accumulated; the losses for the log."""
        averages, chosen, parts = Averages(), self.settings.baseline, self.settings.optimiser.accumulation
        set_rate(self.optimiser, rate)
        self.optimiser.zero_grad()
        for _ in range(parts):
            batch = next(batches)
            with autocast(self.run.device, self.settings.run.precision):
                pooled, logits = self.network.train()(batch.views)
            identity = batch.labels.identity
            classification = smoothed_cross_entropy(logits, identity, chosen.smoothing).mean()
            # Of unit length: raw vectors of frozen batch statistics shrink to a point, where the loss is its margin.
            unit = F.normalize(pooled.float(), dim=1)
            triplet = batch_hard_triplet(unit, identity, chosen.margin).mean()
            total = classification + chosen.triplet_weight * triplet
            numbers = numbers_of({"total": total, "classification": classification, "triplet": triplet})
            self.at.refuse_broken(numbers["total"])
            self.scaler.backward(total / parts)
            averages.add(numbers)
        self.scaler.step(self.optimiser)
        return averages.take()

    def save(self, *, best: bool = False) -> None:
        """A checkpoint of this point; what is used afterwards, "momentum", is the encoder itself."""
        state: dict[str, dict[str, Any]] = {
            "encoder": self.network.state_dict(),
            "momentum": self.encoder.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        self.run.save("joint", self.at.epoch, self.at.step, state, best=best)

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of this training."""
        with restoring(checkpoint, self.run.folder):
            restore_network(self.network, checkpoint.state["encoder"], "encoder and classifier")
            restore_optimiser(self.optimiser, checkpoint.state["optimiser"])
            self.scaler.load_state_dict(checkpoint.state.get("scaler", {}))
        self.at.epoch, self.at.step = checkpoint.epoch, checkpoint.step


def labelled_alone(crops: CropSet) -> EpochLabels:
    """The people of a set as the labels of every epoch, without centroids or pseudo identities."""
    identity = np.unique(crops.identity, return_inverse=True)[1].astype(np.int64)
    none, no_rows = np.empty(0, np.int64), torch.empty(0, dtype=torch.int64)
    cameras = CameraCentroids(torch.empty(0, 0), no_rows, no_rows)
    rows = np.arange(len(crops), dtype=np.int64)
    return EpochLabels(rows, identity, crops.camera.astype(np.int64), none, none, torch.empty(0, 0), cameras)

"""ReMix: the joint training on labelled multi-camera and unlabelled single-camera images.

Source: Mamedov et al., ReMix: Training Generalized Person Re-identification on a Mixture of Data, WACV 2025
(arXiv 2410.21938). The order of an epoch is the paper's as summaries tell it; what is this project's reading is said in
the parts that do it. With `joint = false` the single-camera half is left out and the rest stays.
"""

import dataclasses
import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix_track.data.crop_set import CropSet
from remix_track.data.readers.video_set import VideoSet
from remix_track.encoder.backbones import Encoder
from remix_track.training.batches import MixedBatch, mixed_batches
from remix_track.training.centroids import move_centroids
from remix_track.training.checkpoint import Checkpoint
from remix_track.training.context import Averages, Run, numbers_of
from remix_track.training.embedding import embed_rows
from remix_track.training.epoch_labels import EpochLabels, make_labels, sample_videos
from remix_track.training.epoch_progress import EpochProgress
from remix_track.training.losses import (
    Labels,
    LossValues,
    augmentation_loss,
    camera_loss,
    centroid_loss,
    instance_loss,
)
from remix_track.training.momentum import MomentumNetwork
from remix_track.training.optimisation import LossScaler, adam, autocast, set_rate
from remix_track.training.pseudo_labels import pseudo_labels
from remix_track.training.refresh import people_to_embed, with_kept
from remix_track.training.restore import restore_network, restore_optimiser, restoring
from remix_track.training.stopping import Stopped

logger = logging.getLogger(__name__)


def train_jointly(run: Run, encoder: Encoder, resumed: Checkpoint | None = None) -> MomentumNetwork:
    """Train the encoder in place; the momentum encoder, which alone is used afterwards.

    Raises:
        InputError: a loss that is not finite, or a result that cannot be written; the last checkpoint is whole.
        Stopped: a stop was asked for; a checkpoint of this point is written.
    """
    training = _Training(run, encoder)
    if resumed:
        training.load(resumed)
    try:
        while training.at.epoch < run.settings.run.epochs:
            training.run_epoch()
    except Stopped:
        training.save()
        raise
    return training.momentum


class _Training:
    """The state of the joint training: two networks, an optimiser, and where it is."""

    def __init__(self, run: Run, encoder: Encoder) -> None:
        self.run = run
        self.settings = run.settings
        self.encoder = encoder
        self.momentum = MomentumNetwork(encoder, run.settings.momentum)
        self.wrapped = run.processes.wrap(encoder)
        self.optimiser = adam(encoder, run.settings.optimiser)
        self.scaler = LossScaler(run.device, run.settings.run.precision)
        self.at = EpochProgress(run, "joint")
        self.labels: EpochLabels | None = None
        self.before: EpochLabels | None = None  # of the epoch before, where people keep their centroids

    def run_epoch(self) -> None:
        """The algorithm, from pseudo labels to evaluation; a resumed epoch goes on at its step."""
        at, averages = self.at, Averages()
        labels = self.labels = self.labels or self.label()
        with closing(mixed_batches(self.run, labels, at.epoch, at.step)) as batches:
            while at.step < at.steps:
                self.run.stop.check()
                rate = at.rate
                averages.add(self.take_step(batches, labels, rate))
                at.step += 1
                if at.step % self.settings.run.log_every == 0 or at.step == at.steps:
                    at.report(averages.take(), rate)
                if self.run.checkpoint_is_due(at.step, at.steps):
                    self.save()
                at.show("training")
        if at.score(self.momentum.network):
            self.save(best=True)
        self.before = labels if self.settings.centroids.refresh_share < 1 else None
        self.labels = None
        at.end_epoch()
        self.save()

    def label(self) -> EpochLabels:
        """Sample videos, pseudo-label their crops, and make the centroids of both domains."""
        data, before = self.run.data, self.before
        rows = video = np.empty(0, np.int64)
        anew = self.people_to_embed()
        embedded = np.flatnonzero(anew[data.labelled.identity]).astype(np.int64)
        multi, readable = self.embed(data.labelled, embedded)
        single = multi.new_empty(0, multi.shape[1])
        if self.settings.joint and data.single is not None:
            rows, video = sample_videos(data.single, self.settings.sampling, self.settings.run.seed, self.at.epoch)
            single, found = self.embed(data.single, rows)
            single, rows, video = single[torch.from_numpy(found)], rows[found], video[found]

        def make() -> tuple[dict[str, Tensor], dict[str, Any]]:
            pseudo, record = self.pseudo_label(single, rows, video)
            labels = make_labels(data.labelled, multi, readable, rows, single, pseudo, embedded=embedded)
            if before:
                labels = with_kept(labels, before, data.labelled, anew)
            return labels.to_tensors(), record

        tensors, record = self.run.processes.on_rank_0(make)
        self.run.write("labels", epoch=self.at.epoch + 1, **record)
        return EpochLabels.from_tensors(tensors, self.run.device)

    def people_to_embed(self) -> NDArray[np.bool_]:
        """Which multi-camera people (M,) are embedded in this epoch; all where nothing is known of the others."""
        people = len(self.run.data.labelled.identity_names)
        share = self.settings.centroids.refresh_share if self.before else 1
        return people_to_embed(people, share, self.settings.run.seed, self.at.epoch)

    def pseudo_label(
        self, embeddings: Tensor, rows: NDArray[np.int64], video: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], dict[str, Any]]:
        """Pseudo labels (R,) of single-camera crops, -1 for outliers, and the log's record of them."""
        if not self.settings.joint or self.run.data.single is None:
            return np.empty(0, np.int64), {}
        hidden = self.run.data.single.hidden_identity
        known = None if hidden is None else hidden[rows].astype(np.int64)
        places = self.run.data.single.tracklet_frame
        places = None if places is None else places[rows]
        clusters = pseudo_labels(embeddings, video, self.settings.clusters, known, places)
        logger.info("epoch %d: %s", self.at.epoch + 1, clusters.report)
        if not clusters.report.clusters:
            logger.warning("epoch %d: every crop is an outlier; it learns from labelled data", self.at.epoch + 1)
        if clusters.report.whole_videos:
            logger.warning(
                "epoch %d: %d of %d videos became one identity each; unless each shows one person, lower clusters.k1 "
                "or clusters.k1_share, or let clusters.scope be pool",
                self.at.epoch + 1, clusters.report.whole_videos, clusters.report.videos,
            )  # fmt: skip
        return clusters.labels, dataclasses.asdict(clusters.report)

    def take_step(self, batches: Iterator[MixedBatch], labels: EpochLabels, rate: float) -> dict[str, float]:
        """One step of the optimiser, over as many mini-batches as are accumulated; the losses for the log."""
        averages = Averages()
        set_rate(self.optimiser, rate)
        self.optimiser.zero_grad()
        shown: list[tuple[Tensor, Tensor]] = []
        for _ in range(self.settings.optimiser.accumulation):
            batch = self.run.processes.all_or_none(lambda: next(batches))
            values, key_identity, keys = self.losses(batch, labels)
            total = values.total(self.settings.losses)
            # Not read behind the backward pass: a GPU goes on with that while the next mini-batch is put together.
            numbers = numbers_of({"total": total, **values.means()})
            self.at.refuse_broken(numbers["total"])
            # Each process has the gradient of its own queries; `wrapped` makes their mean, the loss wants their sum.
            self.scaler.backward(total * self.run.processes.count / self.settings.optimiser.accumulation)
            averages.add(numbers)
            shown.append((key_identity, keys))
        if self.scaler.step(self.optimiser):
            self.momentum.update(self.encoder)
        self.run.processes.average_buffers(self.momentum.network)
        for identity, keys in shown:
            move_centroids(labels.centroids, identity, keys, self.settings.centroids.momentum)
        return averages.take()

    def losses(self, batch: MixedBatch, labels: EpochLabels) -> tuple[LossValues, Tensor, Tensor]:
        """The four losses of a mini-batch, (G,) each, and its identities (G,) and keys (G, D).

        n of the G images are this process's queries; they are held against the keys of all G.
        """
        chosen, domains, gather = self.settings.losses, labels.centroid_single_camera, self.run.processes.gather
        with autocast(self.run.device, self.settings.run.precision):
            queries = self.wrapped.train()(batch.views)[1]  # (n, D) behind the neck
            keys = gather(self.momentum.keys(batch.other_views)[1])  # (G, D)
            originals = gather(self.momentum.keys(batch.originals)[1])  # (G, D)
        own, cameras = batch.labels, labels.cameras
        everyone = Labels(gather(own.identity), gather(own.single_camera))
        values = LossValues(
            instance=gather(instance_loss(queries, keys, own, everyone, chosen)),
            augmentation=gather(augmentation_loss(queries, originals, own, everyone, chosen, batch.first_row)),
            centroid=gather(centroid_loss(queries, own, labels.centroids, domains, chosen)),
            camera=gather(camera_loss(queries, own, cameras.vectors, cameras.identity, chosen)),
            single_camera=everyone.single_camera,
        )
        return values, everyone.identity, keys

    def embed(self, pictures: CropSet | VideoSet, rows: NDArray[np.int64]) -> tuple[Tensor, NDArray[np.bool_]]:
        """Embeddings (R, D) of rows by the momentum encoder, and which of them could be read (R,)."""
        self.at.show("embedding")
        if not len(rows):
            return torch.zeros(0, self.encoder.width, device=self.run.device), np.empty(0, np.bool_)
        with autocast(self.run.device, self.settings.run.precision):
            return embed_rows(self.run.embed_plan, lambda images: self.momentum.embed(images)[1], pictures.store, rows)

    def save(self, *, best: bool = False) -> None:
        """A checkpoint of this point."""
        state: dict[str, dict[str, Any]] = {
            "encoder": self.encoder.state_dict(),
            "momentum": self.momentum.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        if self.before and not self.labels:
            state["labels_before"] = self.before.to_tensors()
        tensors = self.labels.to_tensors() if self.labels else None
        self.run.save("joint", self.at.epoch, self.at.step, state, tensors, best=best)

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of this stage."""
        with restoring(checkpoint, self.run.folder):
            restore_network(self.encoder, checkpoint.state["encoder"], "encoder")
            restore_network(self.momentum.network, checkpoint.state["momentum"], "momentum encoder")
            restore_optimiser(self.optimiser, checkpoint.state["optimiser"])
            self.scaler.load_state_dict(checkpoint.state.get("scaler", {}))
            if checkpoint.epoch_labels:
                self.labels = self.labels_from(checkpoint.epoch_labels)
            if "labels_before" in checkpoint.state:
                self.before = self.labels_from(checkpoint.state["labels_before"])
        self.at.epoch, self.at.step = checkpoint.epoch, checkpoint.step

    def labels_from(self, tensors: dict[str, Tensor]) -> EpochLabels:
        """Labels that a checkpoint holds.

        Raises:
            ValueError: they are not of this run's data and encoder.
        """
        labels, single = EpochLabels.from_tensors(tensors, self.run.device), self.run.data.single
        labels.check(len(self.run.data.labelled), 0 if single is None else len(single), self.encoder.width)
        return labels

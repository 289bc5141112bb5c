"""A training step and an epoch's labels taken apart: what each part takes of the processor, all threads together."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from remix_track.data.augmentation import augment, plain_view
from remix_track.encoder.backbones import Encoder
from remix_track.training.context import Run
from remix_track.training.data_sets import TrainingData, open_labelled, open_training_data
from remix_track.training.embedding import embed_rows, fast_format
from remix_track.training.epoch_labels import EpochLabels, make_labels, sample_videos
from remix_track.training.evaluation import evaluate_encoder
from remix_track.training.losses import (
    Labels,
    LossValues,
    augmentation_loss,
    camera_loss,
    centroid_loss,
    instance_loss,
)
from remix_track.training.momentum import MomentumNetwork
from remix_track.training.optimisation import adam, autocast
from remix_track.training.pseudo_labels import pseudo_labels
from remix_track.training.randomness import draw_torch
from remix_track.training.run import make_encoder
from remix_track.training.run_log import RunLog
from remix_track.training.stopping import StopRequest
from remix_track.training.train_settings import TrainSettings

WARM = 2
Part = tuple[str, float]
Made = TypeVar("Made")


class Clock:
    """Names the processor time that passes between its calls."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._since = time.process_time()

    def add(self, name: str) -> None:
        now = time.process_time()
        self.parts.append((name, now - self._since))
        self._since = now

    def measure(self, name: str, make: Callable[[], Made]) -> Made:
        self._since = time.process_time()
        made = make()
        self.add(name)
        return made


def _run(settings: TrainSettings, data: TrainingData, folder: str) -> Run:
    return Run(settings, data, Path(folder), torch.device("cpu"), RunLog(Path(folder)), StopRequest())


def step_parts(settings: TrainSettings, steps: int) -> list[Part]:
    """The parts of some steps, one after another in one thread; reading is not done ahead here."""
    data = open_training_data(settings)
    encoder = make_encoder(settings, torch.device("cpu"))
    momentum, optimiser = MomentumNetwork(encoder, settings.momentum), adam(encoder, settings.optimiser)
    found: list[Part] = []
    with tempfile.TemporaryDirectory() as folder:
        run = _run(settings, data, folder)
        labels = _made_up_labels(data, encoder.width)
        for number in range(WARM + steps):
            clock = Clock()
            _step(clock, run, labels, (encoder, momentum, optimiser), number)
            found += clock.parts if number >= WARM else []
    return found


def _step(
    clock: Clock,
    run: Run,
    known: EpochLabels,
    trained: tuple[Encoder, MomentumNetwork, torch.optim.Optimizer],
    number: int,
) -> None:
    settings, (encoder, momentum, optimiser) = run.settings, trained
    half = settings.sampling.multi_identities * settings.sampling.multi_images
    rows = np.random.default_rng(number).integers(0, min(len(run.data.labelled), len(known.single_rows)), half)
    halves = ((run.data.labelled, rows), (run.data.unlabelled, rows))
    clock.measure("read files", lambda: [part.store.read(int(row)) for part, rows in halves for row in rows])
    readers = [run.reader(part.store) for part, _ in halves]
    crops = [reader.read(int(row)) for reader in readers for row in rows]
    images = torch.from_numpy(np.stack([crop for crop in crops if isinstance(crop, np.ndarray)]))
    clock.add("read files again, and decode")
    generator = draw_torch(0, "views", 0, number)
    views, others = (fast_format(augment(images, settings.augmentation, generator)) for _ in range(2))
    clock.add("augment, two views")
    originals = fast_format(plain_view(images))
    clock.add("normalise the originals")
    identity = torch.from_numpy(np.concatenate([known.multi_identity[rows], known.single_identity[rows]]))
    labels = Labels(identity, identity >= known.people)
    with autocast(run.device, settings.run.precision):
        queries = encoder.train()(views)[1]
        clock.add("encoder, forward")
        keys, own = momentum.keys(others)[1], momentum.keys(originals)[1]
        clock.add("momentum encoder, forward twice")
    total = _losses(queries, keys, own, labels, known).total(settings.losses)
    clock.add("losses")
    optimiser.zero_grad()
    total.backward()  # type: ignore[no-untyped-call]
    clock.add("backward")
    optimiser.step()
    clock.add("optimiser")
    momentum.update(encoder)
    clock.add("momentum update")


def _losses(
    queries: torch.Tensor, keys: torch.Tensor, own: torch.Tensor, labels: Labels, known: EpochLabels
) -> LossValues:
    from remix_track.training.method_settings import LossSettings

    chosen, cameras = LossSettings(), known.cameras
    return LossValues(
        instance=instance_loss(queries, keys, labels, labels, chosen),
        augmentation=augmentation_loss(queries, own, labels, labels, chosen),
        centroid=centroid_loss(queries, labels, known.centroids, known.centroid_single_camera, chosen),
        camera=camera_loss(queries, labels, cameras.vectors, cameras.identity, chosen),
        single_camera=labels.single_camera,
    )


def _made_up_labels(data: TrainingData, width: int) -> EpochLabels:
    """Labels from what the drawn set knows, centroids of noise."""
    single = data.unlabelled
    hidden = np.zeros(len(single), np.int64) if single.hidden_identity is None else single.hidden_identity
    everyone, readable = np.arange(len(single)), np.ones(len(data.labelled), bool)
    generator = torch.Generator().manual_seed(0)
    multi = torch.randn(len(data.labelled), width, generator=generator)
    found = torch.randn(len(single), width, generator=generator)
    return make_labels(data.labelled, multi, readable, everyone, found, hidden.astype(np.int64))


def epoch_parts(settings: TrainSettings) -> Iterator[Part]:
    """The parts of an epoch that are no steps: embedding both sets, pseudo labels, centroids, evaluation."""
    data = open_training_data(settings)
    momentum = MomentumNetwork(make_encoder(settings, torch.device("cpu")), settings.momentum)
    with tempfile.TemporaryDirectory() as folder:
        run, clock = _run(settings, data, folder), Clock()
        rows, video = sample_videos(data.unlabelled, settings.sampling, settings.run.seed, 0)

        def embed(store: object, chosen: NDArray[np.int64]) -> tuple[torch.Tensor, NDArray[np.bool_]]:
            with autocast(run.device, settings.run.precision):
                return embed_rows(run.embed_plan, lambda images: momentum.embed(images)[1], store, chosen)  # type: ignore[arg-type]

        everyone = np.arange(len(data.labelled))
        multi, readable = clock.measure(
            f"epoch: embed {len(everyone)} labelled crops", lambda: embed(data.labelled.store, everyone)
        )
        single, _ = clock.measure(f"epoch: embed {len(rows)} others", lambda: embed(data.unlabelled.store, rows))
        clusters = clock.measure("epoch: pseudo labels", lambda: pseudo_labels(single, video, settings.clusters, None))
        clock.measure(
            "epoch: centroids", lambda: make_labels(data.labelled, multi, readable, rows, single, clusters.labels)
        )
        target = open_labelled(settings.data.multi_camera[0].replace("synthetic:", "synthetic-target:"), strict=False)
        clock.measure(
            f"evaluation on {len(target)} crops, float32",
            lambda: evaluate_encoder(run.embed_plan, momentum.network, target),
        )
        yield from clock.parts

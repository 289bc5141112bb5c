"""Pictures to mini-batches: read ahead by threads, in an order and with views that only seed, epoch and step decide."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix_track.data.augmentation import augment, plain_view
from remix_track.data.batches import read_draw
from remix_track.data.decoding import BadCrop, CropReader
from remix_track.data.sampling import IdentityIndex, MixedSampler
from remix_track.errors import InputError
from remix_track.training.context import Run
from remix_track.training.embedding import fast_format
from remix_track.training.epoch_labels import EpochLabels
from remix_track.training.losses import Labels
from remix_track.training.randomness import draw, draw_torch
from remix_track.training.reading import ahead

MOST_TRIED = 100


@dataclass(frozen=True, slots=True)
class MixedBatch:
    """A mini-batch of both domains, on the run's device.

    Attributes:
        views: (B, 3, H, W) float32, augmented, for the encoder.
        other_views: (B, 3, H, W) augmented again, for the momentum encoder.
        originals: (B, 3, H, W) as they are.
        labels: of the images; multi-camera ones come first.
    """

    views: Tensor
    other_views: Tensor
    originals: Tensor
    labels: Labels


def mixed_batches(run: Run, labels: EpochLabels, epoch: int, first_step: int) -> Generator[MixedBatch]:
    """The mini-batches of an epoch from `first_step` on, `accumulation` for each step."""
    settings, seed = run.settings, run.settings.run.seed
    each = settings.optimiser.accumulation
    multi = IdentityIndex.of(labels.multi_identity, labels.multi_camera, labels.multi_rows)
    single = IdentityIndex.of(labels.single_identity, None, labels.single_rows)
    sampler = MixedSampler(multi, settings.sampling.mix(), seed)
    multi_reader = run.reader(run.data.labelled.store)
    single_reader = run.reader(run.data.single.store) if run.data.single is not None else None

    def make(number: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        drawn = sampler.batch(epoch, number, single)
        halves = [read_draw(multi_reader, multi, drawn.multi, (seed, epoch, number, 0))]
        if single_reader is not None and len(drawn.single):
            halves.append(read_draw(single_reader, single, drawn.single, (seed, epoch, number, 1)))
        return np.concatenate([half.pixels for half in halves]), np.concatenate([half.identity for half in halves])

    people = labels.people
    numbers = range(first_step * each, settings.sampling.iterations_per_epoch * each)
    for number, (pixels, identity) in zip(numbers, ahead(numbers, make, run.workers), strict=True):
        generator = draw_torch(seed, "views", epoch, number)
        images = torch.from_numpy(pixels).to(run.device)
        on_device = torch.from_numpy(identity.astype(np.int64)).to(run.device)
        yield MixedBatch(
            views=fast_format(augment(images, settings.augmentation, generator)),
            other_views=fast_format(augment(images, settings.augmentation, generator)),
            originals=fast_format(plain_view(images)),
            labels=Labels(on_device, on_device >= people),
        )


def pair_batches(
    run: Run, batch_size: int, epoch: int, first_step: int, steps: int
) -> Generator[tuple[Tensor, Tensor]]:
    """Two views of each of `batch_size` random single-camera images, (B, 3, H, W) each, from `first_step` on.

    A picture that cannot be read gives way to the next one of its video set that can.
    """
    store, seed = run.data.unlabelled.store, run.settings.run.seed
    reader = run.reader(store)
    generator = draw(seed, "pre-training order", epoch)
    passes = -(-steps * batch_size // len(store))
    order = np.concatenate([generator.permutation(len(store)) for _ in range(passes)])

    def make(step: int) -> NDArray[np.uint8]:
        rows = order[step * batch_size : (step + 1) * batch_size]
        return np.stack([_read_near(reader, int(row)) for row in rows])

    numbers = range(first_step, steps)
    for step, pixels in zip(numbers, ahead(numbers, make, run.workers), strict=True):
        choices = draw_torch(seed, "pre-training views", epoch, step)
        images = torch.from_numpy(pixels).to(run.device)
        first = augment(images, run.settings.pretraining_augmentation, choices)
        yield fast_format(first), fast_format(augment(images, run.settings.pretraining_augmentation, choices))


def _read_near(reader: CropReader, row: int) -> NDArray[np.uint8]:
    for tried in range(MOST_TRIED):
        image = reader.read((row + tried) % len(reader.store))
        if not isinstance(image, BadCrop):
            return image
    raise InputError(
        f"{reader.store.name(row)}: neither it nor the {MOST_TRIED - 1} pictures after it can be read; "
        "check that the data set is still there"
    )

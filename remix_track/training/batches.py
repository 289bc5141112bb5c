"""Images to mini-batches: read ahead by threads; order and views depend on seed, epoch and step alone.

Several processes share the mini-batch that one would have: each reads its part, and all parts together are it.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix_track.data.augmentation import AugmentationSettings, augment, plain_view
from remix_track.data.batches import read_draw
from remix_track.data.decoding import BadCrop, CropReader
from remix_track.data.sampling import Draw, IdentityIndex, MixedSampler
from remix_track.errors import InputError
from remix_track.training.context import Run
from remix_track.training.embedding import fast_format, on_device
from remix_track.training.epoch_labels import EpochLabels
from remix_track.training.losses import Labels
from remix_track.training.pair_rows import PairRows
from remix_track.training.randomness import draw_torch
from remix_track.training.reading import ahead

MOST_TRIED = 100


@dataclass(frozen=True, slots=True)
class MixedBatch:
    """This process's part of a mini-batch of both domains, on the run's device.

    Attributes:
        views: (B, 3, H, W) float32, augmented, for the encoder.
        other_views: (B, 3, H, W) augmented again, for the momentum encoder.
        originals: (B, 3, H, W) as they are.
        labels: of the images; multi-camera ones come first.
        first_row: of these images among those of all processes.
    """

    views: Tensor
    other_views: Tensor
    originals: Tensor
    labels: Labels
    first_row: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of a mini-batch's images.

    Attributes:
        pixels: (n, H, W, 3) RGB.
        identity: (n,) labels.
        place: (n,) where they stand in the mini-batch.
        batch_size: B, images of the mini-batch.
        first_row: of these when the parts of all processes are put together.
    """

    pixels: NDArray[np.uint8]
    identity: NDArray[np.int32]
    place: NDArray[np.int64]
    batch_size: int
    first_row: int


def mixed_batches(run: Run, labels: EpochLabels, epoch: int, first_step: int) -> Generator[MixedBatch]:
    """This process's part of the mini-batches of an epoch from `first_step` on, `accumulation` for each step."""
    settings, seed, share = run.settings, run.settings.run.seed, run.processes.share
    each = settings.optimiser.accumulation
    multi = IdentityIndex.of(labels.multi_identity, labels.multi_camera, labels.multi_rows)
    single = IdentityIndex.of(labels.single_identity, None, labels.single_rows)
    sampler = MixedSampler(multi, settings.sampling, seed)
    multi_reader = run.reader(run.data.labelled.store)
    single_reader = run.reader(run.data.single.store) if run.data.single is not None else None

    def make(number: int) -> _Part:
        drawn = sampler.batch(epoch, number, single)
        own, other = share(len(drawn.multi)), share(len(drawn.single))
        half, images = len(drawn.multi), len(drawn.multi) + len(drawn.single)
        if images < 2 * run.processes.count:
            raise InputError(f"a mini-batch of {images} images; expected at least two for each process")
        parts = [read_draw(multi_reader, multi, _some(drawn.multi, own), (seed, epoch, number, 0))]
        if single_reader is not None and other.stop > other.start:
            parts.append(read_draw(single_reader, single, _some(drawn.single, other), (seed, epoch, number, 1)))
        return _Part(
            pixels=np.concatenate([part.pixels for part in parts]),
            identity=np.concatenate([part.identity for part in parts]),
            place=np.r_[own, half + other.start : half + other.stop],
            batch_size=images,
            first_row=own.start + other.start,
        )

    people = labels.people
    numbers = range(first_step * each, settings.sampling.iterations_per_epoch * each)
    for number, part in zip(numbers, ahead(numbers, make, run.workers), strict=True):
        generator = draw_torch(seed, "views", epoch, number)
        images = on_device(part.pixels, run.device)
        identity = on_device(part.identity.astype(np.int64), run.device)
        yield MixedBatch(
            views=_view(images, part.place, part.batch_size, settings.augmentation, generator),
            other_views=_view(images, part.place, part.batch_size, settings.augmentation, generator),
            originals=fast_format(plain_view(images)),
            labels=Labels(identity, identity >= people),
            first_row=part.first_row,
        )


def pair_batches(
    run: Run, batch_size: int, epoch: int, first_step: int, steps: int
) -> Generator[tuple[Tensor, Tensor]]:
    """Two views of each of `batch_size` single-camera images, (n, 3, H, W) for the n of this process; see `PairRows`.

    An image that cannot be read gives way to the next one of its video set that can.
    """
    store, seed = run.data.unlabelled.store, run.settings.run.seed
    reader = run.reader(store)
    share = run.settings.pretraining.one_video_share
    rows = PairRows(run.data.unlabelled, batch_size, share, seed=seed, epoch=epoch, steps=steps)
    place = np.arange(batch_size)[run.processes.share(batch_size)]

    def make(step: int) -> NDArray[np.uint8]:
        return np.stack([_read_near(reader, int(row)) for row in rows.of(step)[place]])

    numbers = range(first_step, steps)
    chosen = run.settings.pretraining_augmentation
    for step, pixels in zip(numbers, ahead(numbers, make, run.workers), strict=True):
        choices = draw_torch(seed, "pre-training views", epoch, step)
        images = on_device(pixels, run.device)
        first = _view(images, place, batch_size, chosen, choices)
        yield first, _view(images, place, batch_size, chosen, choices)


def _some(draw: Draw, part: slice) -> Draw:
    return Draw(draw.rows[part], draw.identity[part], draw.which[part])


def _view(
    images: Tensor,
    place: NDArray[np.int64],
    batch_size: int,
    settings: AugmentationSettings,
    generator: torch.Generator,
) -> Tensor:
    """Augment the images that stand at `place` in a mini-batch, as one process that has all of it would."""
    if len(images) == batch_size:
        return fast_format(augment(images, settings, generator))
    # Choices are drawn for whole batches: the others' images take part as blanks.
    whole = images.new_zeros(batch_size, *images.shape[1:])
    rows = torch.from_numpy(place).to(images.device)
    whole[rows] = images
    return fast_format(augment(whole, settings, generator)[rows])


def _read_near(reader: CropReader, row: int) -> NDArray[np.uint8]:
    for tried in range(MOST_TRIED):
        image = reader.read((row + tried) % len(reader.store))
        if not isinstance(image, BadCrop):
            return image
    raise InputError(
        f"{reader.store.name(row)}: neither it nor the {MOST_TRIED - 1} images after it can be read; "
        "check that the data set is still there"
    )

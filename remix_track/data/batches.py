"""The pixels of a mini-batch; unreadable images are replaced by others, the same ones in every run."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.data.decoding import BadCrop, CropReader
from remix_track.data.sampling import Draw, IdentityIndex
from remix_track.errors import InputError

logger = logging.getLogger(__name__)

_OTHER_IDENTITIES = 100


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """A draw with its pixels, identity after identity, exactly K images each.

    Attributes:
        pixels: (P * K, H, W, 3) uint8 RGB.
        rows: (P * K,) int64 rows that they really come from.
        identity: (P * K,) int32 labels.
    """

    pixels: NDArray[np.uint8]
    rows: NDArray[np.int64]
    identity: NDArray[np.int32]


def read_draw(reader: CropReader, index: IdentityIndex, draw: Draw, seed: tuple[int, ...]) -> Pixels:
    """Read what was drawn.

    A bad image gives way to another of the same identity; an identity without one good image gives way, whole, to
    another that is not in the batch. Which, depends on `seed` alone.

    Args:
        reader: of the store that the rows mean.
        index: the identities.
        draw: what to read.
        seed: numbers that name the batch, such as (run's seed, epoch, step, rank, kind).

    Raises:
        InputError: a hundred other identities have not one good image either: the data set is not there any more.
    """
    rows, which = draw.rows.copy(), draw.which.copy()
    pixels = np.empty((len(rows), reader.height, reader.width, 3), np.uint8)
    random = np.random.default_rng(seed)
    for one in dict.fromkeys(draw.which.tolist()):
        slots = np.flatnonzero(draw.which == one)
        _fill(reader, index, one, slots, (rows, which, pixels), random)
    labels = index.labels[which]
    return Pixels(pixels, rows, labels)


def _fill(
    reader: CropReader,
    index: IdentityIndex,
    identity: int,
    slots: NDArray[np.int64],
    batch: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]],
    random: np.random.Generator,
) -> None:
    """Fill an identity's slots of (rows, which, pixels), or give them to another identity."""
    rows, which, pixels = batch
    if _read_identity(reader, index, identity, slots, (rows, pixels), random):
        return
    others = np.setdiff1d(np.arange(len(index)), which)
    for other in random.permutation(others)[:_OTHER_IDENTITIES]:
        rows[slots] = index.draw(int(other), len(slots), random)
        if _read_identity(reader, index, int(other), slots, (rows, pixels), random):
            which[slots] = other
            return
    raise InputError(
        f"{reader.store.name(int(rows[slots[0]]))}: neither this identity nor another has an image that can be read; "
        "check that the data set is still there"
    )


def _read_identity(
    reader: CropReader,
    index: IdentityIndex,
    identity: int,
    slots: NDArray[np.int64],
    batch: tuple[NDArray[np.int64], NDArray[np.uint8]],
    random: np.random.Generator,
) -> bool:
    rows, pixels = batch
    own = index.rows[index.offsets[identity] : index.offsets[identity + 1]]
    spare = iter(np.array([row for row in random.permutation(own) if row not in rows[slots]], np.int64))
    good: list[int] = []
    for slot in slots:
        picture = reader.read(int(rows[slot]))
        while isinstance(picture, BadCrop):
            candidate = next(spare, None)
            if candidate is None:
                break
            rows[slot] = candidate
            picture = reader.read(int(candidate))
        if not isinstance(picture, BadCrop):
            pixels[slot] = picture
            good.append(int(slot))
    if not good:
        return False
    # Fewer good images than slots: they come again, as for an identity with few images.
    for number, slot in enumerate(sorted(set(slots.tolist()) - set(good))):
        source = good[number % len(good)]
        rows[slot], pixels[slot] = rows[source], pixels[source]
    return True

"""Labelled crops from several cameras, as index arrays."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import count

import numpy as np
from numpy.typing import NDArray

from remix_track.data.stores import ChosenRows, ImageStore, JoinedStore
from remix_track.errors import InputError

logger = logging.getLogger(__name__)

JUNK = -1
"""Identity of an image that evaluation leaves out altogether (Market-1501's `-1`)."""
DISTRACTOR = -2
"""Identity of an image that stays in the gallery and matches no query (Market-1501's `0000`)."""


class Split(IntEnum):
    """What an image is for."""

    TRAIN = 0
    QUERY = 1
    GALLERY = 2


@dataclass(frozen=True, slots=True)
class Crop:
    """One line of a data set, before labels are numbered.

    Attributes:
        identity: the person's name in the set; None for a distractor, `"-1"` for junk.
        camera: the camera's name.
        split: what it is for.
    """

    identity: str | None
    camera: str
    split: Split = Split.TRAIN


@dataclass(frozen=True, slots=True, eq=False)
class CropSet:
    """A multi-camera data set; element i of every array is the same image.

    Attributes:
        name: of the set, for logs and reports.
        store: the images.
        identity: (N,) int32 labels 0..len(identity_names)-1, or JUNK, or DISTRACTOR.
        camera: (N,) int16 labels 0..len(camera_names)-1.
        split: (N,) uint8, a `Split`.
        identity_names: label -> name in the set, sorted.
        camera_names: label -> name in the set, sorted.

    Raises:
        ValueError: arrays that do not belong together.
    """

    name: str
    store: ImageStore
    identity: NDArray[np.int32]
    camera: NDArray[np.int16]
    split: NDArray[np.uint8]
    identity_names: tuple[str, ...]
    camera_names: tuple[str, ...]

    def __post_init__(self) -> None:
        rows = len(self.store)
        for field, dtype in (("identity", np.int32), ("camera", np.int16), ("split", np.uint8)):
            array = np.asarray(getattr(self, field), dtype)
            if array.shape != (rows,):
                raise ValueError(f"{field} has shape {array.shape}, expected ({rows},)")
            object.__setattr__(self, field, array)
        if rows and (self.identity.min() < DISTRACTOR or self.identity.max() >= len(self.identity_names)):
            raise ValueError(f"identity labels leave {DISTRACTOR}..{len(self.identity_names) - 1}")
        if rows and (self.camera.min() < 0 or self.camera.max() >= len(self.camera_names)):
            raise ValueError(f"camera labels leave 0..{len(self.camera_names) - 1}")

    def __len__(self) -> int:
        return len(self.identity)

    def rows(self, split: Split) -> NDArray[np.int64]:
        """(M,) rows of one split, ascending."""
        return np.flatnonzero(self.split == split).astype(np.int64)

    def of_split(self, split: Split) -> "CropSet":
        """One split as a set of its own: identities numbered densely again, in the same order; cameras as they were."""
        rows = self.rows(split)
        kept = np.unique(self.identity[rows])
        kept = kept[kept >= 0]
        identity = self.identity[rows]
        people = identity >= 0
        identity[people] = np.searchsorted(kept, identity[people])
        return replace(
            self,
            store=ChosenRows(self.store, rows),
            identity=identity,
            camera=self.camera[rows],
            split=self.split[rows],
            identity_names=tuple(self.identity_names[label] for label in kept),
        )


def crop_set(name: str, store: ImageStore, crops: Sequence[Crop]) -> CropSet:
    """Number identities and cameras by their sorted names, so that every process gives the same labels.

    Raises:
        InputError: no crops, or more cameras than an int16 can number.
    """
    if not crops:
        raise InputError(f"{name}: no images found; check the path and the names of the files")
    identity_names = sorted({crop.identity for crop in crops if crop.identity is not None and crop.identity != "-1"})
    camera_names = sorted({crop.camera for crop in crops}, key=_by_number)
    if len(camera_names) > np.iinfo(np.int16).max:
        raise InputError(f"{name}: {len(camera_names)} cameras; expected at most 32,767, so check which field is one")
    identity_of: dict[str | None, int] = dict(zip(identity_names, count(), strict=False))
    identity_of |= {None: DISTRACTOR, "-1": JUNK}
    camera_of = dict(zip(camera_names, count(), strict=False))
    return CropSet(
        name=name,
        store=store,
        identity=np.fromiter((identity_of[crop.identity] for crop in crops), np.int32, len(crops)),
        camera=np.fromiter((camera_of[crop.camera] for crop in crops), np.int16, len(crops)),
        split=np.fromiter((crop.split for crop in crops), np.uint8, len(crops)),
        identity_names=tuple(identity_names),
        camera_names=tuple(camera_names),
    )


def join_crop_sets(sets: Sequence[CropSet]) -> CropSet:
    """Several sets as one: people and cameras of different sets differ, so labels are shifted, names prefixed.

    Raises:
        InputError: no sets, or more than 32,767 cameras in all.
    """
    if not sets:
        raise InputError("no labelled data set is given; name at least one")
    if len(sets) == 1:
        return sets[0]
    people = np.cumsum([0, *(len(one.identity_names) for one in sets)])
    cameras = np.cumsum([0, *(len(one.camera_names) for one in sets)])
    if cameras[-1] > np.iinfo(np.int16).max:
        raise InputError(f"{cameras[-1]} cameras in all; expected at most 32,767")
    shifted = [
        np.where(one.identity >= 0, one.identity + first, one.identity)
        for one, first in zip(sets, people, strict=False)
    ]
    prefixes = [f"{number}:{one.name}" for number, one in enumerate(sets, 1)]
    return CropSet(
        name=" + ".join(one.name for one in sets),
        store=JoinedStore([one.store for one in sets]),
        identity=np.concatenate(shifted).astype(np.int32),
        camera=np.concatenate([one.camera + first for one, first in zip(sets, cameras, strict=False)]).astype(np.int16),
        split=np.concatenate([one.split for one in sets]),
        identity_names=tuple(f"{p}/{n}" for p, one in zip(prefixes, sets, strict=True) for n in one.identity_names),
        camera_names=tuple(f"{p}/{n}" for p, one in zip(prefixes, sets, strict=True) for n in one.camera_names),
    )


def _by_number(name: str) -> tuple[int, str]:
    # c10 comes after c2, though it sorts before it as text.
    digits = "".join(letter for letter in name if letter.isdecimal() and letter.isascii())
    return int(digits[:18] or 0), name

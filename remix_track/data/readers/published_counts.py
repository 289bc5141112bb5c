"""The published counts of a data set, compared with what is on the disk."""

import logging
from dataclasses import dataclass, field

import numpy as np

from remix_track.data.crop_set import JUNK, CropSet, Split
from remix_track.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """Published counts; a split that is not named is not checked.

    Attributes:
        images: split -> number of images, junk apart.
        identities: split -> number of people.
        junk: images that evaluation leaves out.
        cameras: number of cameras.
    """

    images: dict[Split, int]
    identities: dict[Split, int] = field(default_factory=dict)
    junk: int = 0
    cameras: int | None = None


def check_counts(crops: CropSet, published: Published, *, where: str, strict: bool) -> None:
    """Compare a set with its published counts.

    Args:
        crops: what was read.
        published: what should be there.
        where: its folder, for the message.
        strict: raise on a mismatch; False: warn and go on.

    Raises:
        InputError: they differ; the message names each count that does.
    """
    faults = _differences(crops, published)
    if not faults:
        return
    message = f"{where}: {crops.name} is not whole: {'; '.join(faults)}"
    if strict:
        raise InputError(f"{message}; unpack it again, or read it with strict = false to go on with what is there")
    logger.warning("%s; going on with what is there", message)


def _differences(crops: CropSet, published: Published) -> list[str]:
    faults = []
    for split in Split:
        inside = crops.split == split
        people = np.unique(crops.identity[inside])
        pairs = (
            ("images", int((inside & (crops.identity != JUNK)).sum()), published.images.get(split)),
            ("identities", int((people >= 0).sum()), published.identities.get(split)),
        )
        faults += [_difference(f"{split.name.lower()} {what}", got, want) for what, got, want in pairs]
    faults.append(_difference("junk images", int((crops.identity == JUNK).sum()), published.junk))
    faults.append(_difference("cameras", len(crops.camera_names), published.cameras))
    return [fault for fault in faults if fault]


def _difference(what: str, got: int, want: int | None) -> str:
    if want is None or got == want:
        return ""
    return f"{got:,} {what}, published {want:,} ({abs(want - got):,} {'missing' if got < want else 'too many'})"

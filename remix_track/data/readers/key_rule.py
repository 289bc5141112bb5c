"""Which part of a name identifies the video, and names sorted by it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.data.name_table import NameTable
from remix_track.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Fields of a name such as `CC_cc_VVVV_NNNNNNNN`, counted from 0; a suffix like `.jpg` and folders are not counted.

    Attributes:
        video_fields: joined, they name the video.
        identity_fields: joined, they name the person within the video; empty where this is unknown.
        separator: between fields.

    Raises:
        InputError: no video fields, a negative field, or no separator.
    """

    video_fields: tuple[int, ...] = (0, 1, 2)
    identity_fields: tuple[int, ...] = ()
    separator: str = "_"

    def __post_init__(self) -> None:
        if not self.video_fields or min(self.video_fields + self.identity_fields) < 0:
            raise InputError(f"video fields {self.video_fields} do not fit; expected whole numbers from 0, as 0, 1, 2")
        if not self.separator:
            raise InputError("the separator of a key's fields is empty; expected a letter such as '_'")

    def split(self, name: bytes) -> tuple[bytes, bytes] | None:
        """The names of video and person; None where the name has too few fields."""
        stem = name.rpartition(b"/")[2]
        dot = stem.rfind(b".")
        joint = self.separator.encode()
        fields = (stem[:dot] if dot > 0 else stem).split(joint)
        try:
            video = joint.join([fields[index] for index in self.video_fields])
            return video, joint.join([fields[index] for index in self.identity_fields])
        except IndexError:
            return None


@dataclass(frozen=True, slots=True, eq=False)
class ByVideo:
    """Names put in order of their videos.

    Attributes:
        order: (N,) int64: position -> index of the name as it was given; names that fit no video are left out.
        offsets: (V + 1,) int64, see `VideoSet`.
        videos: (V) names, sorted.
        identity: (N,) int32 in the new order, or None where names tell none.
    """

    order: NDArray[np.int64]
    offsets: NDArray[np.int64]
    videos: NameTable
    identity: NDArray[np.int32] | None


def sort_by_video(names: Sequence[bytes], split: Callable[[bytes], tuple[bytes, bytes] | None], where: str) -> ByVideo:
    """Sort names by video; within a video they stay in the order given.

    Args:
        names: (N) names.
        split: name -> names of video and person (empty: unknown), or None.
        where: for messages.

    Raises:
        InputError: no names, or most fit no video: the rule is the wrong one.
    """
    number_of: dict[bytes, int] = {}
    person_of: dict[tuple[bytes, bytes], int] = {}
    video = np.full(len(names), -1, np.int32)
    person = np.full(len(names), -1, np.int32)
    for row, name in enumerate(names):
        parts = split(name)
        if parts is not None:
            video[row] = number_of.setdefault(parts[0], len(number_of))
            if parts[1]:
                person[row] = person_of.setdefault(parts, len(person_of))
    _report_odd(names, np.flatnonzero(video < 0), where)
    ordered = sorted(number_of)
    rank = np.empty(len(ordered), np.int32)
    rank[[number_of[name] for name in ordered]] = np.arange(len(ordered))
    known = np.flatnonzero(video >= 0)
    order = known[np.argsort(rank[video[known]], kind="stable")].astype(np.int64)
    sizes = np.bincount(rank[video[order]], minlength=len(ordered))
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return ByVideo(order, offsets, NameTable.of(ordered), person[order] if person_of else None)


def _report_odd(names: Sequence[bytes], odd: NDArray[np.int64], where: str) -> None:
    if not names:
        raise InputError(f"{where}: no images found; check the path")
    if not len(odd):
        return
    shown = ", ".join(repr(names[row].decode("utf-8", "replace"))[:60] for row in odd[:3])
    if 2 * len(odd) > len(names):
        raise InputError(
            f"{where}: {len(odd):,} of {len(names):,} names do not have the fields of the video rule, as {shown}; "
            "say with video_fields which fields name the video"
        )
    logger.warning("%s: %d names fit no video and are left out: %s", where, len(odd), shown)

"""Unlabelled crops with the video they come from, as index arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.data.name_table import NameTable
from remix_track.data.stores import ImageStore, JoinedStore
from remix_track.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class VideoSet:
    """A single-camera data set, sorted by video: the crops of a video are a slice.

    Attributes:
        name: of the set, for logs and reports.
        store: (N) images, those of one video together.
        offsets: (V + 1,) int64; video v is rows `offsets[v]` to `offsets[v + 1]`.
        videos: (V) names, sorted within each set.
        hidden_identity: (N,) int32 labels from 0 on data that has them, -1 where unknown; None where no row has one.
            Training never sees them: they only judge pseudo labels. Nobody is in two videos.
        tracklet_frame: (N, 2) int64, the tracklet of each crop (a number within its video) and its frame, as harvested
            footage knows them; -1 where unknown; None where no row has any. Crops of a tracklet are one person.

    Raises:
        ValueError: arrays that do not belong together.
    """

    name: str
    store: ImageStore
    offsets: NDArray[np.int64]
    videos: NameTable
    hidden_identity: NDArray[np.int32] | None = None
    tracklet_frame: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        rows = len(self.store)
        ends = self.offsets
        if len(ends) != len(self.videos) + 1 or ends[0] != 0 or ends[-1] != rows or (np.diff(ends) <= 0).any():
            raise ValueError(f"offsets do not cut {rows} rows into {len(self.videos)} videos")
        if self.hidden_identity is not None and self.hidden_identity.shape != (rows,):
            raise ValueError(f"hidden_identity has shape {self.hidden_identity.shape}, expected ({rows},)")
        if self.tracklet_frame is not None and self.tracklet_frame.shape != (rows, 2):
            raise ValueError(f"tracklet_frame has shape {self.tracklet_frame.shape}, expected ({rows}, 2)")

    def __len__(self) -> int:
        return len(self.store)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(V,) crops of each video."""
        return np.diff(self.offsets)

    def rows(self, videos: NDArray[np.integer]) -> NDArray[np.int64]:
        """All rows of some videos, video after video in the order given."""
        starts, sizes = self.offsets[videos], self.sizes[videos]
        ends = np.cumsum(sizes)
        rows: NDArray[np.int64] = np.arange(sizes.sum()) + np.repeat(starts - (ends - sizes), sizes)
        return rows

    def video_of(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """The video of each row."""
        return np.searchsorted(self.offsets, rows, side="right").astype(np.int64) - 1


def join_video_sets(sets: Sequence[VideoSet]) -> VideoSet:
    """Several sets as one; videos and hidden identities of different sets are never the same.

    Raises:
        InputError: no sets.
    """
    if not sets:
        raise InputError("no single-camera data set is given; name at least one")
    if len(sets) == 1:
        return sets[0]
    starts = np.cumsum([0, *(len(one) for one in sets)])
    ends = [one.offsets[1:] + start for one, start in zip(sets, starts, strict=False)]
    names = [b"%d:%s" % (number, one.videos[v]) for number, one in enumerate(sets, 1) for v in range(len(one.videos))]
    return VideoSet(
        name=" + ".join(one.name for one in sets),
        store=JoinedStore([one.store for one in sets]),
        offsets=np.concatenate([[0], *ends]).astype(np.int64),
        videos=NameTable.of(names),
        hidden_identity=_joined_identities(sets),
        tracklet_frame=_joined_tracklets(sets),
    )


def _joined_tracklets(sets: Sequence[VideoSet]) -> NDArray[np.int64] | None:
    if all(one.tracklet_frame is None for one in sets):
        return None
    parts = [one.tracklet_frame for one in sets]
    unknown = [np.full((len(one), 2), -1, np.int64) for one in sets]
    return np.concatenate([none if part is None else part for part, none in zip(parts, unknown, strict=True)])


def _joined_identities(sets: Sequence[VideoSet]) -> NDArray[np.int32] | None:
    if all(one.hidden_identity is None for one in sets):
        return None
    parts, first = [], 0
    for one in sets:
        labels = np.full(len(one), -1, np.int32) if one.hidden_identity is None else one.hidden_identity
        parts.append(np.where(labels >= 0, labels + first, -1))
        first += int(labels.max(initial=-1)) + 1
    return np.concatenate(parts).astype(np.int32)

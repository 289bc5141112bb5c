"""One frame of a source, and the same frame with its tracks."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track import foreign_tracks
from remix_track.detections import Tracks

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    import supervision


def blank(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A black image that takes no memory and is read-only, for frames whose pixels are not needed."""
    return np.broadcast_to(np.zeros((), np.uint8), shape)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a source.

    Attributes:
        index: 1-based number of the frame in its source (MOT's numbering); with a stride, the numbers skip.
        image: (H, W, 3) uint8, BGR.
        time: seconds since the source's first frame.
        utc: when the frame was recorded, if the sender states it, else when it arrived; None for files.
        detect: people are to be detected in it; see `pipeline.between_detections`.
    """

    index: int
    image: NDArray[np.uint8]
    time: float
    utc: datetime | None = None
    detect: bool = True


class KnownPerson(NamedTuple):
    """Whom a track shows, as a store of people knows it.

    Attributes:
        number: in the store.
        name: empty where the person has none.
        sure: no other person there looks nearly as much like it.
    """

    number: int
    name: str = ""
    sure: bool = True

    def __str__(self) -> str:
        return f"{self.name or f'#{self.number}'}{'' if self.sure else '?'}"


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFrame:
    """One frame and its tracks, as `remix_track.track` yields it.

    Attributes:
        index: 1-based frame number, as in `tracks.txt`.
        image: (H, W, 3) uint8, BGR: as read, nothing drawn on it.
        time: seconds since the source's first frame.
        tracks: the tracks reported in it.
        utc: as in `Frame`; None for files.
        people: whom the tracks show, by their ids, as far as that is known; None where no store was asked.
        numbers: (N,) of each track within its class, from 1; None unless asked for.
    """

    index: int
    image: NDArray[np.uint8]
    time: float
    tracks: Tracks
    utc: datetime | None = None
    people: Mapping[int, KnownPerson] | None = None
    numbers: NDArray[np.int64] | None = None

    @property
    def ids(self) -> NDArray[np.int64]:
        """(N,) public ids, from 1."""
        return self.tracks.ids

    @property
    def xyxy(self) -> NDArray[np.float32]:
        """(N, 4) corners in pixels."""
        return self.tracks.xyxy

    @property
    def scores(self) -> NDArray[np.float32]:
        """(N,) detection confidences; nan where a track coasts."""
        return self.tracks.score

    @property
    def class_ids(self) -> NDArray[np.int64]:
        """(N,) detector classes."""
        return self.tracks.class_id

    @property
    def embeddings(self) -> NDArray[np.float32] | None:
        """(N, D) unit vectors of this frame's detections, or None without appearance."""
        return self.tracks.embedding

    def to_supervision(self) -> "supervision.Detections":
        """Detections of supervision with `tracker_id`, masks and keypoints; see `Tracks.to_supervision`."""
        return foreign_tracks.to_supervision(self.tracks, self.image.shape[:2])

    def to_pandas(self) -> "pandas.DataFrame":
        """A row per track: `frame, time, id, class, left, top, width, height, score, utc`; see `Tracks.to_pandas`."""
        return foreign_tracks.to_pandas(self._columns())

    def to_polars(self) -> "polars.DataFrame":
        """The same as `to_pandas`, of polars; missing scores are null."""
        return foreign_tracks.to_polars(self._columns())

    def to_arrow(self) -> "pyarrow.Table":
        """The same as `to_pandas`, of Arrow; missing scores are null."""
        return foreign_tracks.to_arrow(self._columns())

    def _columns(self) -> foreign_tracks.Columns:
        return foreign_tracks.columns_of_frame(self.index, self.time, self.utc, self.tracks)


class IdSet(Set[int]):
    """Positive ids, mostly all up to the highest: those are a number, only those behind a gap are kept."""

    def __init__(self, ids: Iterable[int] = ()) -> None:
        self._all_up_to = 0
        self._beyond: set[int] = set()
        self.update(ids)

    def update(self, ids: Iterable[int]) -> None:
        """Add ids."""
        self._beyond.update(id_ for id_ in ids if id_ > self._all_up_to)
        while self._all_up_to + 1 in self._beyond:
            self._all_up_to += 1
            self._beyond.remove(self._all_up_to)

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, int) and (1 <= id_ <= self._all_up_to or id_ in self._beyond)

    def __iter__(self) -> Iterator[int]:
        yield from range(1, self._all_up_to + 1)
        yield from sorted(self._beyond)

    def __len__(self) -> int:
        return self._all_up_to + len(self._beyond)

    def __repr__(self) -> str:
        return f"IdSet({list(self)})"


def iso_utc(taken: datetime | None) -> str | None:
    """`2026-11-29T15:00:00.040Z`, so that no file depends on where the machine stands or on summer; None for None."""
    return None if taken is None else _naive(taken).isoformat(timespec="milliseconds") + "Z"


def compact_utc(taken: datetime) -> str:
    """`20261129T150000Z`, for names of files: ISO 8601 too, but without the colons that some file systems refuse."""
    return _naive(taken).strftime("%Y%m%dT%H%M%SZ")


def _naive(taken: datetime) -> datetime:
    """In UTC; a time without a zone is taken to be in it."""
    return taken.astimezone(UTC).replace(tzinfo=None) if taken.tzinfo else taken

"""All tracklets at hand to people: the cameras taken out, the distance measured, batch after batch identified."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.stranger_distance import stranger_distance
from remix_track.store.centring import Centring, Read, Rows, camera_blocks
from remix_track.store.groups import Merge
from remix_track.store.identification import BATCH, Identities, Limits, People, identify_batch
from remix_track.store.people_means import PeopleMeans
from remix_track.store.presence import Presence

FEWEST_STRANGERS = 1000.0
"""A store grows, and what is joined stays joined: the distance must hold for the tracklets that will come."""

CENTRED = 1.5
"""Without the light of their cameras vectors of one person may be so many times as far apart as with it. The measured
distance can be far less where few people lie far apart: it goes by a normal distribution's tail, which they do not
have."""

FEWEST_TRACKLETS = 60
"""With fewer than these, distances between cameras tell too little: on drawn people a measured one was anything from 0
to 1.3 with 30 tracklets, and 0.25 to 0.4 from 60 on."""

_SAMPLE = 400
"""Tracklets of all cameras together on whose pairs distances are measured."""
_IN_MEMORY = 1 << 28


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier runs found.

    Attributes:
        next_number: of the next new person.
        names: of people.
        apart: whom each of them is not, as a user said.
        distance: given by the user as the largest of one person; None: measured.
        fallback: the largest distance of one person for vectors as they are, where few tell of it; what is measured
            on centred ones is at least `CENTRED` times that, less where strangers are many.
        foreign: a camera that is none: what it has tells nothing of light and distances.
    """

    next_number: int = 1
    names: Mapping[int, str] = field(default_factory=dict)
    apart: Mapping[int, set[int]] = field(default_factory=dict)
    distance: float | None = None
    fallback: float = 0.2
    foreign: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Identified:
    """What `identify_rows` gives.

    Attributes:
        new: the rows that were looked at, in the order of time, and
        found: who they are, in this order.
        merges: people found to be one, the one that goes on first, in the order found.
        given: how many numbers were given before.
        next_number: of the next new person.
        limits: the distances.
        centring: what was taken out.
        means: of all people.
    """

    new: Rows
    found: Identities
    merges: list[Merge]
    given: int
    next_number: int
    limits: Limits
    centring: Centring
    means: PeopleMeans


def identify_rows(
    presence: Presence,
    person: NDArray[np.int64],
    wanted: NDArray[np.bool_],
    read: Read,
    width: int,
    known: Known,
    folder: Path | None = None,
) -> Identified:
    """Find the people of tracklets.

    The result depends on the set of tracklets and on what was known, not on the order of the rows' jobs.

    Args:
        presence: of all tracklets.
        person: (T,) the people who are known; 0 for a tracklet of none of them.
        wanted: (T,) those of the others that are to be looked at.
        read: gives vectors of rows.
        width: D, of the vectors.
        known: what earlier runs found.
        folder: for a file without a name, where the vectors of new tracklets are too many for memory.
    """
    order = np.lexsort((np.arange(len(person)), presence.start, presence.clock))
    new = order[wanted[order] & (person[order] == 0)]
    blocks = camera_blocks(presence.camera, presence.clock, presence.start)
    with _vectors(len(new), width, folder) as vectors:
        cameras = [rows for rows in blocks if presence.camera[rows[0]] != known.foreign]
        centring = Centring.fit(cameras, presence.camera, read, width)
        reading = _Reading(presence, person, new, vectors, width)
        limits = reading.read(blocks, read, centring, known)
        if limits is None:
            centring = Centring.none(width)
            reading = _Reading(presence, person, new, vectors, width)
            reading.read(blocks, read, centring, known)
            limits = Limits(known.distance or known.fallback, known.distance or known.fallback)
        apart = {number: set(others) for number, others in known.apart.items()}
        people = People(presence, reading.means, reading.rows, dict(known.names), apart, known.next_number)
        found = [
            identify_batch(people, new[start : start + BATCH], np.asarray(vectors[start : start + BATCH]), limits)
            for start in range(0, len(new), BATCH)
        ]
    gave = known.next_number - 1
    return Identified(new, _joined(found), people.merges, gave, people.next_number, limits, centring, people.means)


class _Reading:
    """One pass over all vectors, without their cameras: the sums of known people, and the vectors of new tracklets."""

    def __init__(
        self,
        presence: Presence,
        person: NDArray[np.int64],
        new: Rows,
        vectors: NDArray[np.float32],
        width: int,
    ) -> None:
        self.means, self.rows = PeopleMeans(width), dict[int, list[int]]()
        self._presence, self._person, self._vectors = presence, person, vectors
        self._place = np.full(len(person), -1)
        self._place[new] = np.arange(len(new))
        by_camera = np.argsort(presence.camera, kind="stable")
        self._sample = by_camera[np.linspace(0, len(person) - 1, min(len(person), _SAMPLE)).astype(np.int64)]

    def read(self, blocks: list[Rows], read: Read, centring: Centring, known: Known) -> Limits | None:
        """The limits; None where there are too few pairs of tracklets of two cameras to measure them on."""
        kept, row_of = dict[int, NDArray[np.float32]](), set(self._sample.tolist())
        seen = np.zeros(len(self._person), bool)
        for rows in blocks:
            foreign = self._presence.camera[rows[0]] == known.foreign
            centred = centring.camera(read(rows), None) if foreign else centring.block(read(rows))
            seen[rows] = centred.any(axis=1) & (not foreign)
            for row, vector in zip(rows.tolist(), centred, strict=True):
                self._take(row, vector)
                if row in row_of:
                    kept[row] = vector
        if seen.sum() < FEWEST_TRACKLETS:
            return None
        # What tells nothing is left out as vectors without appearance are.
        sample = np.stack([kept[row] * seen[row] for row in self._sample.tolist()])
        camera = self._presence.camera
        strangers = strangers_of(self._presence, seen)
        join, doubt, few = (
            stranger_distance(sample, camera[self._sample], **how)
            for how in (
                {"strangers": strangers},
                {"strangers": strangers, "false_share": 1.0},
                {"strangers": FEWEST_STRANGERS},
            )
        )
        if join is None or doubt is None or few is None:
            return None
        join = max(join, CENTRED * known.fallback + join - few)
        return Limits(known.distance or join, max(doubt, known.distance or join))

    def _take(self, row: int, vector: NDArray[np.float32]) -> None:
        place, person = int(self._place[row]), int(self._person[row])
        if place >= 0:
            self._vectors[place] = vector
        elif person:
            self.rows.setdefault(person, []).append(row)
            if vector.any():
                self.means.add(person, vector)


def strangers_of(presence: Presence, seen: NDArray[np.bool_]) -> float:
    """With how many tracklets of other cameras one is compared, on the mean; within the window where there is one."""
    _, counts = np.unique(presence.camera[seen], return_counts=True)
    others = float(counts.sum() - counts.mean()) if len(counts) else 0.0
    start = np.sort(presence.start[seen & (presence.clock == 0)])
    if np.isfinite(presence.window) and len(start):
        near = np.searchsorted(start, start + presence.window) - np.searchsorted(start, start - presence.window)
        others = min(others, float(near.mean()) * others / counts.sum())
    return max(others, FEWEST_STRANGERS)


@contextlib.contextmanager
def _vectors(count: int, width: int, folder: Path | None) -> Iterator[NDArray[np.float32]]:
    """Room for so many vectors: in memory, or in a file that ends with this."""
    if folder is None or 4 * count * width <= _IN_MEMORY:
        yield np.zeros((count, width), np.float32)
        return
    with tempfile.TemporaryFile(dir=folder) as file:
        file.truncate(4 * count * width)
        yield np.memmap(file, np.float32, "r+", shape=(count, width))


def _joined(parts: list[Identities]) -> Identities:
    parts = [Identities.unknown(0), *parts]
    return Identities(*(np.concatenate([getattr(part, name) for part in parts]) for name in Identities.__slots__))

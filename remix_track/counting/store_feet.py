"""The feet of a store's people, camera by camera and in order of time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from remix_track.counting.counts import Counts, Recording, count
from remix_track.counting.feet import Feet, joined, track_number
from remix_track.counting.zones_file import Zones
from remix_track.errors import InputError
from remix_track.store.layout import ENROLLED, whole_key
from remix_track.store.people import PeopleFiles
from remix_track.store.people_log import NOBODY
from remix_track.store.store import Store
from remix_track.store.stored_job import StoredJob
from remix_track.store.tracklets import Tracklets

_COLUMNS = ("frame", "time", "utc", "track", "left", "top", "width", "height")


class StoredPiece(NamedTuple):
    """A job, or a part of what a camera wrote while it runs, and when it was recorded in seconds since 1970.

    `rejected` are tracks of it that a user said are no person; only what was recorded from `since` until before `until`
    is asked for.
    """

    job: StoredJob
    tracklets: Tracklets
    begin: float
    end: float
    source: int
    rejected: frozenset[int] = frozenset()
    since: float = -np.inf
    until: float = np.inf

    @property
    def camera(self) -> str:
        """That recorded it."""
        return self.job.job.camera


class StoredPieces(NamedTuple):
    """What of a store can be counted.

    Attributes:
        pieces: by camera, each in order of time.
        sources: names, by the numbers that the pieces have.
        without_clock: jobs that are left out, as nothing says at what time of day they were recorded.
    """

    pieces: list[StoredPiece]
    sources: list[str]
    without_clock: int

    @property
    def cameras(self) -> list[str]:
        """Names of the cameras."""
        return list(dict.fromkeys(one.camera for one in self.pieces))


def pieces_of(
    store: Store, camera: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> StoredPieces:
    """The pieces of a store whose time of day is known.

    Args:
        store: the store.
        camera: only of this camera.
        since: only what was recorded then or later.
        until: only what was recorded before.

    Raises:
        InputError: the index or a job cannot be read.
    """
    tracklets = store.tracklets(camera=camera)
    ends = np.searchsorted(tracklets.job, np.arange(len(tracklets.jobs) + 1))
    rows = {key: slice(*ends[number : number + 2]) for number, key in enumerate(tracklets.jobs)}
    rejected = _rejected(store)
    sources: dict[str, int] = {}
    names: list[str] = []
    pieces, without_clock = [], 0
    for facts in store.facts():
        if facts.problem or not facts.frames or camera not in (None, facts.camera) or facts.camera == ENROLLED:
            continue
        job, own = store.job(facts.key), tracklets[rows.get(facts.key, slice(0))]
        begin = _begin(job, own)
        if begin is None:
            without_clock += 1
            continue
        # Parts of one run of a camera go on with the same tracks.
        source = sources.setdefault(whole_key(facts.key), len(sources))
        if len(names) == source:
            names.append(job.job.source.name)
        end = begin + job.result.seconds
        pieces.append(StoredPiece(job, own, begin, end, source, rejected.get(facts.key, frozenset())))
    pieces = _recognised(sorted(pieces, key=lambda one: (one.camera, one.begin)))
    return cut_to_period(StoredPieces(pieces, names, without_clock), since, until)


def cut_to_period(found: StoredPieces, since: datetime | None, until: datetime | None) -> StoredPieces:
    """What of it was recorded at `since` or later, and before `until`; None: no such bound."""
    low = -np.inf if since is None else since.timestamp()
    high = np.inf if until is None else until.timestamp()
    kept = [
        one._replace(since=max(one.since, low), until=min(one.until, high))
        for one in found.pieces
        if one.end >= low and one.begin < high
    ]
    return found._replace(pieces=kept)


def count_store(pieces: StoredPieces, zones: Zones) -> Counts:
    """Count in a store, by the clock; see `counts.count`.

    Raises:
        InputError: a table of a job is missing or damaged.
    """
    found = recordings(pieces.pieces, zones.settings.bridge)
    return count(found, zones, pieces.cameras, sources=pieces.sources, clock=True)


def recordings(pieces: Sequence[StoredPiece], bridge: float) -> Iterator[Recording]:
    """Each piece with its feet, and those of the last `bridge` seconds before it.

    Raises:
        InputError: a table of a job is missing or damaged.
    """
    before: StoredPiece | None = None
    tail: Feet | None = None
    for number, piece in enumerate(pieces):
        # Somebody crosses a line also where the last foot before the period is on its other side.
        feet = feet_of(piece, before=bridge)
        begin = max(piece.begin, piece.since)
        after = -np.inf if begin == piece.begin else np.nextafter(begin, -np.inf)
        if before is not None and tail is not None and before.camera == piece.camera and begin - before.end <= bridge:
            # Pieces of a file may overlap: what was counted with the one before is not counted again.
            begin = after = before.end
            feet = joined(tail, feet[feet.time > after])
        last = number + 1 == len(pieces) or pieces[number + 1].camera != piece.camera
        # Cameras' clocks are not even, and a foot may be later than the frames say.
        end = max(min(piece.end, piece.until), begin, feet.time.max(initial=begin))
        yield Recording(piece.camera, feet, begin, end, after=after, last=last)
        before, tail = piece._replace(end=end), feet[feet.time >= end - bridge]


def feet_of(piece: StoredPiece, before: float = 0.0) -> Feet:
    """The feet of a piece that are asked for, and those of some seconds `before` them.

    Raises:
        InputError: its table is missing or damaged.
    """
    feet = _all_feet(piece)
    return feet[(feet.time >= piece.since - before) & (feet.time < piece.until)]


def _all_feet(piece: StoredPiece) -> Feet:
    groups = list(piece.job.tracks(_COLUMNS))
    if not groups:
        none = np.empty(0, np.int64)
        return Feet.of_boxes(none, none.astype(np.float64), none, np.empty((0, 4)))
    rows = {name: np.concatenate([one[name] for one in groups]) for name in _COLUMNS}
    known, person = piece.tracklets.track, piece.tracklets.person
    at = np.searchsorted(known, rows["track"])
    if len(at) and (at.max() >= len(known) or np.any(known[at] != rows["track"])):
        raise InputError(f"{piece.job.folder}: has other tracks than tracklets; remove its folder and track again")
    utc = rows["utc"].astype("datetime64[ms]")
    seconds = utc.astype(np.int64) / 1000
    if np.isnat(utc).any():
        seconds = piece.begin + (rows["frame"] - piece.job.result.first_frame) / _rate(piece.job)
    tlwh = np.column_stack([rows[side] for side in _COLUMNS[4:]])
    feet = Feet.of_boxes(track_number(piece.source, rows["track"]), seconds, rows["frame"], tlwh, person[at])
    return feet[~np.isin(rows["track"], list(piece.rejected))] if piece.rejected else feet


def _rejected(store: Store) -> dict[str, frozenset[int]]:
    """The tracks of each job that a user said are no person: reflections, posters, dogs.

    A row of the table is of a person or of such a track. Later parts of a camera that runs have rows of their own.
    """
    table = PeopleFiles(store.path).table()
    rows = np.flatnonzero(table["person"] == NOBODY)
    found: dict[str, set[int]] = {}
    for key, track in zip(table["job"][rows].tolist(), table["track"][rows].tolist(), strict=True):
        found.setdefault(key, set()).add(track)
    return {key: frozenset(tracks) for key, tracks in found.items()}


def _recognised(pieces: list[StoredPiece]) -> list[StoredPiece]:
    """The same pieces, in which a track that was recognised in a later part only is that person from its begin on."""
    later: dict[int, dict[int, int]] = {}
    found = []
    for piece in reversed(pieces):
        known, own = later.setdefault(piece.source, {}), piece.tracklets
        pairs = zip(own.track.tolist(), own.person.tolist(), strict=True)
        person = np.array([one or known.get(track, 0) for track, one in pairs], np.int64)
        known.update(zip(own.track.tolist(), person.tolist(), strict=True))
        found.append(piece._replace(tracklets=replace(own, person=person)))
    return found[::-1]


def _begin(job: StoredJob, tracklets: Tracklets) -> float | None:
    """Seconds since 1970 of its first frame: by its first tracklet, else by when its source began; None: not known."""
    stamped = np.flatnonzero(~np.isnat(tracklets.first_utc))
    if len(stamped):
        first = stamped[np.argmin(tracklets.first_frame[stamped])]
        since = (tracklets.first_frame[first] - job.result.first_frame) / _rate(job)
        return float(tracklets.first_utc[first].astype(np.int64) / 1000 - since)
    source, start = job.job.source, job.job.start
    if start is None and not source.absolute and source.modified_ns:
        start = datetime.fromtimestamp(source.modified_ns / 1e9, UTC)  # a camera before which no one came by
    return None if start is None else start.timestamp() + (job.result.first_frame - 1) / _rate(job)


def _rate(job: StoredJob) -> float:
    """Frames per second, as their numbers rise."""
    result = job.result
    rise = result.last_frame - result.first_frame
    return rise / result.seconds if rise > 0 and result.seconds > 0 else result.fps or 25.0

"""The tracklets of a store become people: what is new joins those who are known, or is somebody new."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remix_track.digests import sha256_of
from remix_track.encoder.shipped import DEFAULT, located
from remix_track.encoder.weights_file import read_card
from remix_track.errors import InputError
from remix_track.setting_values import nearest
from remix_track.settings import check, setting
from remix_track.store.forget import put_back
from remix_track.store.identification import Identities
from remix_track.store.identify_rows import Identified, Known, identify_rows
from remix_track.store.layout import ENROLLED
from remix_track.store.parquet import Columns
from remix_track.store.people import PeopleFiles
from remix_track.store.people_log import NOBODY, Log
from remix_track.store.people_rows import joined_rows, rows_of
from remix_track.store.presence import Presence
from remix_track.store.tracklets import Tracklets
from remix_track.trackers.association.settings import UNCALIBRATED_COSINE_DISTANCE

if TYPE_CHECKING:
    from remix_track.store.store import Store

MEANS_SHARE = 0.6
"""A threshold of the weights is for single vectors; means of one person lie nearer, by about so much."""

_ASKED = 20
"""Jobs whose settings are looked at for a threshold."""


@dataclass(frozen=True, slots=True)
class IdentifySettings:
    """How tracklets become people.

    Attributes:
        max_distance: largest mean cosine distance of one person; None: measured on the tracklets.
        window: hours after which people have changed their clothes, so that nothing is compared; None: never.
        min_boxes: a tracklet of fewer boxes is left alone: its vector says little.
        overlapping: pairs of cameras that show the same place, so that a person can be before both at once.
    """

    max_distance: float | None = setting(
        None, "largest mean cosine distance of one person (default: measured)", above=0, high=2, common=True
    )
    window: float | None = setting(
        None, "hours after which clothes have changed, and nothing is compared", above=0, common=True
    )
    min_boxes: int = setting(5, "tracklets of fewer boxes are left alone", low=1, common=True)
    overlapping: tuple[tuple[str, str], ...] = field(default=(), metadata={"flag": False})

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True, eq=False)
class IdentifyReport:
    """What `identify` did.

    Attributes:
        tracklets: all of the store but those that were rejected.
        looked_at: those that were new, and
        found: who they are, row by row.
        short: how many were too short, or have no vector.
        people: how many there are now.
        new: how many of them are new.
        merges: people found to be one: who goes on, and the number that is another's now.
        max_distance: the largest of one person.
        log: names.
    """

    tracklets: int
    looked_at: Tracklets
    found: Identities
    short: int
    people: int
    new: int
    merges: tuple[tuple[int, int], ...]
    max_distance: float
    log: Log

    @property
    def joined(self) -> int:
        """How many of those looked at are of people who were known, or of another one looked at."""
        return int((self.found.person > 0).sum()) - self.new

    @property
    def unsure(self) -> int:
        """How many of those looked at may be somebody else."""
        return int((~self.found.sure & (self.found.person > 0)).sum())


def identify(
    store: "Store", settings: IdentifySettings | None = None, *, since: datetime | None = None
) -> IdentifyReport:
    """Find the people of all tracklets that were not looked at yet, and write it down.

        report = identify(open_store("S"))
        print(report.people, "people,", report.unsure, "of", len(report.looked_at), "tracklets unsure")

    Args:
        store: with jobs that have vectors.
        settings: how.
        since: only tracklets that end then or later become people now.

    Raises:
        InputError: the store is damaged or cannot be written, or lacks a camera that `overlapping` names.
    """
    files, settings = PeopleFiles(store.path), settings or IdentifySettings()
    with files.locked():
        put_back(store.path)
        table = files.settle()
        tracklets = comparable(store, table)
        wanted = (tracklets.person == 0) & (tracklets.boxes >= settings.min_boxes)
        if since is not None:
            wanted &= tracklets.last_utc >= np.datetime64(round(since.timestamp() * 1000), "ms")
        done = compare(store, files, tracklets, settings, wanted=wanted)
        looked_at = tracklets[done.new]
        known = done.found.person > 0
        rows = rows_of(looked_at, done.found)
        files.give_numbers(done.next_number - 1)
        files.note_all({"event": "merge", "person": kept, "was": gone} for kept, gone in done.merges)
        table = files.by_log(joined_rows(table, {name: column[known] for name, column in rows.items()}))
        files.write_table(table)
        log = files.log()
    people = np.unique(table["person"])
    return IdentifyReport(
        tracklets=len(tracklets),
        looked_at=looked_at,
        found=done.found,
        short=int((tracklets.person == 0).sum() - known.sum()),
        people=int((people > 0).sum()),
        new=int(done.next_number - 1 - done.given),
        merges=tuple(done.merges),
        max_distance=done.limits.join,
        log=log,
    )


def comparable(store: "Store", table: Columns) -> Tracklets:
    """All tracklets but those that are no person by the rows of people: they are compared with none, now and later.

    Raises:
        InputError: the store is damaged.
    """
    tracklets = store.tracklets()
    nobody = np.flatnonzero(table["person"] == NOBODY)
    if not len(nobody):
        return tracklets
    keys = set(zip(table["job"][nobody].tolist(), table["track"][nobody].tolist(), strict=True))
    return tracklets[np.array([key not in keys for key in list(tracklets.keys())], bool)]


def compare(
    store: "Store",
    files: PeopleFiles,
    tracklets: Tracklets,
    settings: IdentifySettings,
    *,
    wanted: NDArray[np.bool_],
) -> Identified:
    """Who the `wanted` (T,) of the tracklets are, next to those who are known; nothing is written."""
    log = files.log()
    known = Known(
        next_number=files.last_number() + 1,
        names=log.names,
        apart=log.apart_now(),
        distance=settings.max_distance,
        fallback=MEANS_SHARE * calibrated_distance(store, tracklets.jobs),
        foreign=tracklets.cameras.index(ENROLLED) if ENROLLED in tracklets.cameras else None,
    )
    weights = store.weights
    width = weights.width if weights else 0
    presence = presence_of(tracklets, settings)
    counted = (tracklets.boxes >= settings.min_boxes) | (tracklets.person > 0)
    read = partial(_read, store, tracklets, counted)
    return identify_rows(presence, tracklets.person, wanted, read, width, known, store.path)


def _read(
    store: "Store", tracklets: Tracklets, counted: NDArray[np.bool_], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Vectors; zeros for a tracklet that is too short to tell anything."""
    return np.asarray(store.vectors(tracklets[rows]) * counted[rows, None], np.float32)


def presence_of(tracklets: Tracklets, settings: IdentifySettings) -> Presence:
    """Where and when tracklets were: by the time of day where it is known, else by the time of their source.

    Raises:
        InputError: the store has no tracklets of a camera that `overlapping` names.
    """
    utc = ~np.isnat(tracklets.first_utc)
    seconds = [
        np.where(utc, of_day.view(np.int64) / 1000, of_source)
        for of_day, of_source in (
            (tracklets.first_utc, tracklets.first_time),
            (tracklets.last_utc, tracklets.last_time),
        )
    ]
    overlapping = np.eye(len(tracklets.cameras), dtype=bool)
    for pair in settings.overlapping:
        one, other = (_camera(name, tracklets.cameras) for name in pair)
        overlapping[one, other] = overlapping[other, one] = True
    window = np.inf if settings.window is None else 3600 * settings.window
    clock = np.where(utc, 0, 1 + tracklets.job)
    return Presence(tracklets.job, tracklets.camera, clock, seconds[0], seconds[1], overlapping, window)


def _camera(name: str, cameras: Sequence[str]) -> int:
    if name not in cameras:
        near = nearest(name, cameras)
        raise InputError(f"`overlapping` {name}: no such camera{f'; did you mean {near}?' if near else ''}")
    return cameras.index(name)


def calibrated_distance(store: "Store", jobs: Sequence[str]) -> float:
    """The threshold of the weights: as one of the jobs was tracked with it, or as our own weights have it."""
    for key in jobs[-_ASKED:]:
        found = _setting(store.job(key).job.settings, "max_cosine_distance")
        if isinstance(found, float) and 0 < found <= 2:
            return found
    weights, shipped = store.weights, Path(located(DEFAULT))
    if weights is not None and sha256_of(shipped, kind="weights") == weights.sha256:
        return read_card(shipped).max_cosine_distance or UNCALIBRATED_COSINE_DISTANCE
    return UNCALIBRATED_COSINE_DISTANCE


def _setting(settings: Any, name: str) -> Any:
    """The value of a setting, in whatever section it is."""
    if not isinstance(settings, dict):
        return None
    if name in settings:
        return settings[name]
    return next((found for one in settings.values() if (found := _setting(one, name)) is not None), None)

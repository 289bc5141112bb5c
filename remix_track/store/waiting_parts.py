"""Parts of cameras whose people are to be written down: at once, or as soon as no other process changes the people.

Meanwhile that one may have said something of the same tracklets, which stays, or had people forgotten, of whom nothing
is left in the parts.
"""

import contextlib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from remix_track.store.forget import put_back, rewrite_without
from remix_track.store.gallery import Recognition
from remix_track.store.parquet import Columns
from remix_track.store.people import BusyError, PeopleFiles
from remix_track.store.people_log import NOBODY, Log
from remix_track.store.people_rows import joined_rows, no_rows, recognised_rows

if TYPE_CHECKING:
    from remix_track.store.store import Store

PATIENCE = 60.0
"""Seconds for which the end of a run waits until another process has changed the people."""


@dataclass(frozen=True, slots=True)
class _Part:
    tracks: Mapping[int, Recognition]
    gone: Set[int]


class WaitingParts:
    """The parts of the cameras of one process."""

    def __init__(self, store: "Store", files: PeopleFiles, hear: Callable[[], Log]) -> None:
        """`hear` reads what other processes logged, and gives all of it."""
        self._store, self._files, self._hear = store, files, hear
        self._parts: dict[str, _Part] = {}
        self._stamp = files.stamp()

    def keep(self, job: str, tracks: Mapping[int, Recognition], gone: Set[int] = frozenset()) -> None:
        """Write down whom the tracks of a part show, now or later.

        Args:
            job: key of the part, which is whole.
            tracks: whom they show.
            gone: tracks of people who were forgotten while it was written.
        """
        self._parts[job] = _Part(tracks, gone)
        with contextlib.suppress(BusyError):
            self.write(wait=0)

    def write(self, wait: float = PATIENCE) -> None:
        """Write down all that waits.

        Raises:
            BusyError: another process changes the people for longer than `wait` seconds.
            InputError: no room, or a part is damaged.
        """
        if not self._parts:
            return
        with self._files.locked(wait):
            log, theirs = self._hear(), no_rows()
            for job, part in self._parts.items():
                self._take_out(job, part.gone | {id_ for id_, one in part.tracks.items() if log.forgets(one.person)})
            if self._files.stamp() != self._stamp:
                theirs = self._files.rows_of_jobs(self._parts)
                log = self._agree(log, theirs)
            rows = [recognised_rows(job, _known(part, log)) for job, part in self._parts.items()]
            self._files.add_rows(joined_rows(*rows, theirs))
            self._stamp = self._files.stamp()
            self._parts.clear()

    def _take_out(self, job: str, gone: Set[int]) -> None:
        if not gone:
            return
        put_back(self._store.path)  # it may be this part that is hidden
        if self._store.has(job):
            rewrite_without(self._store.job(job), np.array(sorted(gone), np.int64))

    def _agree(self, log: Log, theirs: Columns) -> Log:
        """Who is new here, and was given another number by another process first, has that one from now on."""
        old: set[int] | None = None
        for job, track, person in zip(*(theirs[name].tolist() for name in ("job", "track", "person")), strict=True):
            found = self._parts[job].tracks.get(track)
            number = log.current(found.person) if found else person
            if number != person and NOBODY not in (number, person):
                old = set(self._files.table()["person"].tolist()) if old is None else old
                if number not in old:
                    self._files.note("merge", person, was=number)
                    log = self._hear()
        return log


def _known(part: _Part, log: Log) -> dict[int, Recognition]:
    return {
        track: found._replace(person=log.current(found.person))
        for track, found in part.tracks.items()
        if track not in part.gone and not log.forgets(found.person)
    }

"""Cameras that run now share the people of a store: who is known gets that number at once, who is new a new one.

Each camera writes a part every minute (`live`), so that a search sees the last minute and a restart knows everybody.
Who was recognised stays so: `identify` later takes these tracklets as known.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.store import layout
from remix_track.store.forget import put_back
from remix_track.store.gallery import Gallery, Recognition
from remix_track.store.identify import IdentifySettings
from remix_track.store.job import Job, JobSource, Weights
from remix_track.store.live import LiveWriter
from remix_track.store.part_vectors import PartVectors
from remix_track.store.people import LOG, BusyError, PeopleFiles
from remix_track.store.people_log import NOBODY, Key, Log
from remix_track.store.waiting_parts import WaitingParts
from remix_track.trackers.frame import KnownPerson, TrackedFrame

if TYPE_CHECKING:
    from remix_track.store.store import Store
    from remix_track.trackers.pipeline.session import Session
    from remix_track.trackers.sources import Source

SEGMENT = 60.0
"""Seconds of a camera that are one part: what a process that is killed loses."""
FIRST_LOOK = 0.5
"""Seconds from a track's first frame to the first comparison: by then it has several vectors."""
NEW_AFTER = 2.0
"""Seconds after which a track that resembles no known person is a new one."""
GONE = 2.0
"""Seconds after which somebody may be before another camera; also what two clocks may differ by."""


@dataclass(slots=True)
class _Track:
    """A track under way: the sum of its unit vectors, and who it is."""

    first: float
    total: NDArray[np.float64]
    count: int = 0
    last: float = 0.0
    next_look: float = 0.0
    found: Recognition | None = None
    given: NDArray[np.float32] | None = None
    """What the gallery has of it already, and"""
    made_anew: int = 0
    """how often the person's mean had been made anew then."""
    is_nobody: bool = False

    @classmethod
    def begun(cls, time: float, width: int) -> Self:
        """One whose first frame is at `time`."""
        return cls(time, np.zeros(width), next_look=time + FIRST_LOOK)


class LivePeople:
    """The people of a store, shared by the cameras of this process, which call it one at a time."""

    def __init__(self, store: "Store", weights: Weights, settings: IdentifySettings | None = None) -> None:
        """Read who is known.

        Raises:
            InputError: the store is damaged, or has vectors of other weights.
        """
        store.claim_weights(weights)
        self.store, self.weights = store, weights
        self.settings = settings or IdentifySettings()
        self.files = PeopleFiles(store.path)
        with self.files.locked():
            put_back(store.path)
            self.gallery = Gallery.of(store, self.files, self.settings)
        self._stamp = _stamp(self.files.folder / LOG)
        # By person: where and when last seen, by the clock of this process.
        self._places: dict[int, tuple[str, float]] = {}
        # By person: how often corrections made the mean of the store's tracklets anew.
        self.made_anew = Counter[int]()
        # By job and track of cameras that run: the person that a user said.
        self.said = _said_of_parts(self.gallery.log)
        self.parts = WaitingParts(store, self.files, self._heard)

    def camera(self, name: str, address: str, settings: Mapping[str, Any]) -> "CameraPeople":
        """What recognises the people of one camera; `settings` are those that it is tracked with."""
        return CameraPeople(self, name, address, settings)

    def elsewhere(self, camera: str, now: float) -> set[int]:
        """People who are before another camera now, unless that shows the same place."""
        same = {other for pair in self.settings.overlapping if camera in pair for other in pair} | {camera}
        return {one for one, (place, seen) in self._places.items() if place not in same and now - seen <= GONE}

    def saw(self, person: int, camera: str, now: float) -> None:
        """A person is there now."""
        self._places[person] = camera, now

    def new_number(self) -> int | None:
        """A number that is given once; None while another process changes the people: frames do not wait for it."""
        try:
            with self.files.locked(wait=0):
                number = self.files.last_number() + 1
                self.files.give_numbers(number)
        except BusyError:
            return None
        return number

    def follow(self, camera: str, vectors: NDArray[np.floating]) -> None:
        """Go with the light of a camera, by the tracklets (N, D) of a part that it has written."""
        self.gallery = self.gallery.after(camera, vectors)

    def shown(self, found: Recognition) -> KnownPerson:
        """A person as frames say it."""
        number = self.gallery.log.current(found.person)
        return KnownPerson(number, self.gallery.log.names.get(number, ""), found.sure)

    def _heard(self) -> Log:
        self.refresh()
        return self.gallery.log

    def refresh(self) -> None:
        """Hear what other processes named, joined and forgot, and what users corrected."""
        stamp = _stamp(self.files.folder / LOG)
        if stamp == self._stamp:
            return
        before = self.gallery.log
        self._stamp, log, means = stamp, self.files.log(), self.gallery.means
        self.said = _said_of_parts(log)
        self.gallery = replace(self.gallery, log=log)
        for number in log.forgotten:
            if number in means:
                means.remove(number)
        for number in log.into:
            if number in means:
                means.add(log.current(number), *means.remove(number))
        if not before.is_part_of(log):
            self._make_anew(before, log)

    def _make_anew(self, before: Log, now: Log) -> None:
        """Take the means of people whose tracklets are others now from the store."""
        rows = self.files.table()
        jobs, tracks, persons = (rows[name].tolist() for name in ("job", "track", "person"))
        old = [now.current(one) for one in before.persons(jobs, rows["track"], rows["given"]).tolist()]
        people = {one for pair in zip(old, persons, strict=True) if pair[0] != pair[1] for one in pair if one > NOBODY}
        means = self.gallery.means
        for number in people & set(means.numbers.tolist()):
            means.remove(number)
        self.made_anew.update(people)
        theirs = {(job, track): one for job, track, one in zip(jobs, tracks, persons, strict=True) if one in people}
        tracklets = self.store.tracklets(jobs=sorted({job for job, _ in theirs}))
        tracklets = tracklets[np.array([key in theirs for key in list(tracklets.keys())], bool)]
        vectors, cameras = self.store.vectors(tracklets), tracklets.camera.tolist()
        for key, camera, vector in zip(list(tracklets.keys()), cameras, vectors, strict=True):
            if vector.any():
                means.add(theirs[key], self.gallery.centred(vector, tracklets.cameras[camera]))


def people_of_cameras(store: "Store", session: "Session") -> "Callable[[str, Source], CameraPeople]":
    """What makes, for each live source and its name, what recognises its people by the store.

    Raises:
        InputError: the store is damaged, or has vectors of other weights; or there is no appearance.
    """
    if session.embedder is None:
        raise InputError("`store` needs appearance; give `weights` other than none")
    people = LivePeople(store, Weights.of(session.embedder.description))
    settings = json.loads(json_text(dataclasses.asdict(session.settings)))
    return lambda name, source: people.camera(name, str(source.path), settings)


@dataclass(slots=True)
class CameraPeople:
    """Recognises the people of one camera, and writes what it sees into the store; a `Recogniser`."""

    people: LivePeople
    name: str
    address: str
    settings: Mapping[str, Any]
    _tracks: dict[int, _Track] = field(default_factory=dict)
    _writer: LiveWriter | None = None
    _began: float = 0.0
    _shown: PartVectors = field(init=False)
    """Tracks of the part under way."""
    _gone: set[int] = field(default_factory=set)
    """Tracks of the part under way whose people were forgotten since it began."""
    _heard: Log | None = None

    def __post_init__(self) -> None:
        self._shown = PartVectors(self.people.weights.width)

    def __call__(self, frame: TrackedFrame) -> TrackedFrame:
        """The frame with its people."""
        self._forget(frame.time)
        writer = self._writer = self._writer or self._begin(frame)
        parts = writer.parts
        writer.write(frame)
        if writer.parts > parts:
            self._keep(writer.last)
            self._began, self._shown, self._gone = frame.time, PartVectors(self.people.weights.width), set()
        self._add(frame)
        known = dict[int, KnownPerson]()
        for id_ in frame.ids.tolist():
            track = self._tracks[id_]
            if track.count and frame.time >= track.next_look:
                self._look(id_, track, frame)
            if track.found is not None and track.found.person:
                known[id_] = self.people.shown(track.found)
                self.people.saw(track.found.person, self.name, _now(frame))
        return replace(frame, people=known)

    def close(self) -> None:
        """Complete what was seen since the last minute began."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        parts = writer.parts
        writer.close()
        if writer.parts > parts:
            self._keep(writer.last)
        self.people.parts.write()

    def _forget(self, now: float) -> None:
        """Hear who was forgotten: of them nothing is left here, and who stands there still is new from now on.

        And what users said of tracks that are there still.
        """
        self.people.refresh()
        log, before = self.people.gallery.log, self._heard
        self._heard = log
        if log is before:
            return
        for id_, track in self._tracks.items():
            if track.found is not None and track.found.person and log.forgets(track.found.person):
                self._gone.add(id_)
                self._tracks[id_] = _Track.begun(now, self.people.weights.width)
            elif self._writer is not None:
                self._correct(track, self.people.said.get((self._writer.job.key, id_)))

    def _keep(self, part: str) -> None:
        """Write down whom the tracks of a part show, and have the gallery know what they look like now."""
        found = {
            id_: one.found
            for id_ in self._shown
            if (one := self._tracks[id_]).found and (one.found.person or one.is_nobody)
        }
        self.people.parts.keep(part, {id_: one for id_, one in found.items() if one is not None}, self._gone)
        for id_ in found:
            self._teach(self._tracks[id_])
        self._follow(found.keys())
        for id_, track in list(self._tracks.items()):
            if track.last < self._began:
                del self._tracks[id_]

    def _follow(self, known: Set[int]) -> None:
        """Go with the light, by the tracks that began in the part: who stands there for hours counts once."""
        tracks = {id_: self._tracks[id_] for id_ in self._shown}
        without = {id_ for id_, track in tracks.items() if track.first < self._began or track.is_nobody}
        least = self.people.settings.min_boxes
        self.people.follow(self.name, self._shown.means(min_boxes=least, known=known, without=without | self._gone))

    def _correct(self, track: _Track, said: int | None) -> None:
        """Go by what a user said of an earlier part of a track."""
        if said is None and track.is_nobody:  # the rejection was undone
            track.found, track.is_nobody = None, False
        elif said is not None and (track.found is None or track.found.person != said):
            track.found, track.given = Recognition(said, np.nan, 0, np.nan, sure=True), None
            track.is_nobody = said == NOBODY

    def _begin(self, frame: TrackedFrame) -> LiveWriter:
        moment = datetime.fromtimestamp(_now(frame), UTC)
        source = JobSource.live(self.name, self.address, moment)
        job = Job(source, self.name, self.settings, self.people.weights)
        self._began, self._shown = frame.time, PartVectors(self.people.weights.width)
        return self.people.store.live_writer(job, seconds=SEGMENT)

    def _add(self, frame: TrackedFrame) -> None:
        vectors = frame.embeddings
        for row, id_ in enumerate(frame.ids.tolist()):
            if id_ not in self._tracks:
                self._tracks[id_] = _Track.begun(frame.time, self.people.weights.width)
            track = self._tracks[id_]
            track.last = frame.time
            seen = vectors is not None and frame.tracks.detection[row] >= 0 and vectors[row].any()
            self._shown.add(id_, vectors[row] if vectors is not None and seen else None)
            if vectors is not None and seen:
                track.total += vectors[row]
                track.count += 1

    def _look(self, id_: int, track: _Track, frame: TrackedFrame) -> None:
        """Compare a track; who is surely known stays so, others are looked at again when they have twice the time."""
        if track.found is not None and track.found.sure and (track.found.person or track.is_nobody):
            return
        age = frame.time - track.first
        track.next_look = frame.time + max(age, FIRST_LOOK)
        others = {self._tracks[other].found for other in frame.ids.tolist() if other != id_}
        here = {found.person for found in others if found is not None}
        centred = self._centred(track)
        found = self.people.gallery.recognise(centred, here | self.people.elsewhere(self.name, _now(frame)))
        if track.given is not None:
            return  # new to the store, and so the nearest to itself
        if found.person:
            track.found = found
        elif age >= NEW_AFTER and track.found is None:
            number = self.people.new_number()
            if number is None:
                track.next_look = frame.time + FIRST_LOOK
                return
            track.found, track.given = found._replace(person=number), centred
            self.people.gallery.means.add(number, centred)

    def _teach(self, track: _Track) -> None:
        """The gallery gets what a track looks like now, in place of what it had of it."""
        assert track.found is not None
        centred, anew = self._centred(track), self.people.made_anew[track.found.person]
        if track.made_anew != anew:
            track.given, track.made_anew = None, anew
        before = np.zeros_like(centred) if track.given is None else track.given
        if track.found.person in self.people.gallery.means:
            self.people.gallery.means.add(track.found.person, centred - before, int(track.given is None))
            track.given = centred

    def _centred(self, track: _Track) -> NDArray[np.float32]:
        length = np.linalg.norm(track.total)
        return self.people.gallery.centred(track.total / max(float(length), 1e-12), self.name)


def _said_of_parts(log: Log) -> dict[Key, int]:
    """What users said of tracks of cameras that run, which goes for the parts that come; the last part's counts."""
    parts = sorted((key, number) for key, number in log.moved.items() if layout.whole_key(key[0]) != key[0])
    return {(layout.whole_key(job), track): log.current(number) for (job, track), number in parts}


def _now(frame: TrackedFrame) -> float:
    """Seconds since 1970 at which a frame was recorded, as far as the camera says so."""
    return frame.utc.timestamp() if frame.utc is not None else datetime.now(UTC).timestamp()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size

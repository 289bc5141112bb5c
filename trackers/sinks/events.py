"""Events of people: who appeared, is confirmed, recognised, in a zone, and left; Frigate's `new`, `update` and `end`.

The schema is in `docs/reference/events.md`; `SCHEMA` counts up where a key changes its meaning or goes.
"""

import base64
import logging
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import clip_xyxy
from remix_track.counting.live_zones import LiveZones
from remix_track.json_text import json_text
from remix_track.machine import cache_folder
from remix_track.trackers.frame import TrackedFrame, iso_utc
from remix_track.trackers.sinks.event_sender import EventSender
from remix_track.trackers.sinks.event_spool import EventSpool
from remix_track.trackers.sinks.event_targets import open_target
from remix_track.trackers.sinks.live_file import LiveFile
from remix_track.trackers.sinks.sink import Sink
from remix_track.trackers.sinks.tables import write_out

logger = logging.getLogger(__name__)

SCHEMA = 1
CONFIRMED_AFTER = 1.0
"""Seconds that a track lasts before it is confirmed: most false alarms end sooner."""
LEFT_AFTER = 3.0
"""Seconds without a box after which a person has left."""
_LAST_WAIT = 10.0
_LONGEST_SIDE = 400
_QUALITY = 85

Emit = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class _InView:
    """A track that is in view.

    Attributes:
        id: of the track.
        state: the object of the last event that was sent.
        began: time of the first box, in seconds.
        last: of the last one.
        best: quality of the best crop so far, and its JPEG.
        confirmed: that was said.
        total: sum of the vectors.
    """

    id: int
    began: float
    last: float
    state: dict[str, Any] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)
    best: tuple[float, bytes] = (0.0, b"")
    confirmed: bool = False
    total: NDArray[np.float64] | None = None


class PeopleEvents:
    """Makes events of tracked frames, given in order."""

    def __init__(
        self,
        emit: Emit,
        camera: str,
        *,
        vectors: bool = False,
        run: str = "",
        classes: Mapping[int, str] | None = None,
        zones: LiveZones | None = None,
    ) -> None:
        """Begin with an empty view.

        Args:
            emit: takes each event.
            camera: what the source is called.
            vectors: events have the person's mean appearance vector.
            run: what tells ids of this run from those of others.
            zones: of this camera; None: there are none.
            classes: names of those that are tracked, where not people alone are.
        """
        self._emit, self._camera, self._vectors, self._run = emit, camera, vectors, run
        self._zones, self._classes = zones, classes or {}
        self._people: dict[int, _InView] = {}

    def take(self, frame: TrackedFrame) -> None:
        """Tell what this frame brings."""
        zones = self._zones.look(frame.ids, frame.xyxy) if self._zones else {}
        for row, id_ in enumerate(frame.ids.tolist()):
            person = self._people.get(id_)
            if person is None:
                person = self._people[id_] = _InView(id_, frame.time, frame.time)
            self._look(person, frame, row)
            if not person.sent:
                self._tell(person, "new", "appeared")
            elif not person.confirmed and frame.time - person.began >= CONFIRMED_AFTER:
                person.confirmed = True
                person.state["false_positive"] = False
                self._tell(person, "update", "confirmed")
            self._recognise(person, frame)
            self._move(person, zones.get(id_, ()))
        for person in [one for one in self._people.values() if frame.time - one.last > LEFT_AFTER]:
            self._end(person)

    def close(self) -> None:
        """Those in view have left, as far as can be said."""
        for person in list(self._people.values()):
            self._end(person)

    def _end(self, person: _InView) -> None:
        self._move(person, ())
        if self._zones:
            self._zones.forget([person.id])
        del self._people[person.id]
        person.state["end_time"] = round(person.last, 3)
        self._tell(person, "end", "left")

    def _recognise(self, person: _InView, frame: TrackedFrame) -> None:
        """Tell whom a store of people knows, once it is sure, and again where it finds that it was another."""
        known = (frame.people or {}).get(person.id)
        if known is not None and known.sure and known.number != person.state["person"]:
            person.state |= {"person": known.number, "sub_label": known.name or None}
            self._tell(person, "update", "recognised")

    def _move(self, person: _InView, now: Sequence[str]) -> None:
        """Tell which zones a person left, then which ones were entered."""
        was = person.state["current_zones"]
        for zone in [one for one in was if one not in now]:
            person.state["current_zones"] = [one for one in person.state["current_zones"] if one != zone]
            self._tell(person, "update", "left_zone", zone=zone)
        for zone in [one for one in now if one not in was]:
            person.state["current_zones"] = [*person.state["current_zones"], zone]
            person.state["entered_zones"] = list(dict.fromkeys([*person.state["entered_zones"], zone]))
            self._tell(person, "update", "entered_zone", zone=zone)

    def _look(self, person: _InView, frame: TrackedFrame, row: int) -> None:
        score, box = float(frame.scores[row]), frame.xyxy[row]
        person.last = frame.time
        height, width = frame.image.shape[:2]
        left, top, right, bottom = np.rint(clip_xyxy(box[None], width, height)[0]).astype(int).tolist()
        state = person.state
        if not state:
            label = self._classes.get(int(frame.class_ids[row]), "person")
            state |= {
                "id": f"{self._run}{person.id}", "track": person.id, "camera": self._camera, "label": label,
                "sub_label": None, "person": None, "start_time": round(frame.time, 3), "start_utc": iso_utc(frame.utc),
                "end_time": None, "top_score": None, "false_positive": True, "current_zones": [], "entered_zones": [],
            }  # fmt: skip
        state |= {
            "frame": frame.index, "frame_time": round(frame.time, 3), "utc": iso_utc(frame.utc),
            "box": [round(float(side), 1) for side in box], "area": max(0, right - left) * max(0, bottom - top),
        }  # fmt: skip
        if not math.isnan(score):
            state["score"] = round(score, 4)
            state["top_score"] = max(state["top_score"] or 0.0, state["score"])
            self._keep_best(person, frame.image[top:bottom, left:right], score)
            self._add_vector(person, frame, row)

    def _keep_best(self, person: _InView, crop: NDArray[np.uint8], score: float) -> None:
        """A larger crop shows more, and a higher score says that more of the person is in it."""
        quality = score * math.sqrt(crop.shape[0] * crop.shape[1])
        if crop.size and quality > 1.1 * person.best[0]:
            person.best = quality, _jpeg(crop)

    def _add_vector(self, person: _InView, frame: TrackedFrame, row: int) -> None:
        if self._vectors and frame.embeddings is not None:
            vector = frame.embeddings[row].astype(np.float64)
            person.total = vector if person.total is None else person.total + vector

    def _tell(self, person: _InView, kind: str, reason: str, **more: str) -> None:
        before, person.sent = person.sent, dict(person.state)
        after = dict(person.state)
        after["has_snapshot"] = bool(person.best[1])
        after["thumbnail"] = base64.b64encode(person.best[1]).decode("ascii") or None
        if self._vectors:
            after["embedding"] = _unit(person.total)
        in_view = sum(one.confirmed for one in self._people.values())
        head = {"schema": SCHEMA, "type": kind, "reason": reason, **more, "in_view": in_view}
        self._emit({**head, "before": before or None, "after": after})


def _unit(total: NDArray[np.float64] | None) -> list[float] | None:
    length = 0.0 if total is None else float(np.linalg.norm(total))
    return None if total is None or not length else [round(value, 5) for value in (total / length).tolist()]


def _jpeg(crop: NDArray[np.uint8]) -> bytes:
    import cv2

    scale = min(1.0, _LONGEST_SIDE / max(crop.shape[:2]))
    small = crop if scale == 1 else cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, made = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return made.tobytes()


class EventSink(Sink):
    """Sends the events of a run to a receiver, a file or standard output."""

    def __init__(
        self,
        where: str,
        camera: str,
        *,
        vectors: bool = False,
        run: str = "",
        classes: Mapping[int, str] | None = None,
        zones: LiveZones | None = None,
        discovery: bool = False,
    ) -> None:
        """Open it.

        Args:
            where: an address, a file to be made, or `-`.
            camera: what the source is called.
            vectors: events have vectors.
            run: see `PeopleEvents`.
            zones: likewise.
            classes: likewise.
            discovery: see `MqttTarget`.

        Raises:
            InputError: no such receiver, or a file that is there already.
        """
        self._put, self._close = _opened(where, discovery=discovery)
        self._events = PeopleEvents(self._emit, camera, vectors=vectors, run=run, classes=classes, zones=zones)

    def write(self, frame: TrackedFrame) -> None:
        """Send what this frame brings."""
        self._events.take(frame)

    def close(self) -> None:
        """End everybody, and wait a little until all is delivered."""
        close, self._close = self._close, _nothing
        if close is not _nothing:
            self._events.close()
            close()

    def _emit(self, event: dict[str, Any]) -> None:
        self._put(json_text(event, compact=True).encode("ascii"))


def _nothing() -> None:
    """It is closed already."""


def _opened(where: str, *, discovery: bool) -> tuple[Callable[[bytes], None], Callable[[], None]]:
    """What takes an event and what ends it."""
    if where == "-":
        return write_out, sys.stdout.flush
    if "://" not in where:
        file = LiveFile(Path(where))
        return file.append, file.close
    target = open_target(where, discovery=discovery)
    spool = EventSpool(cache_folder("events") or Path(".remix-track-events"), where)
    sender = EventSender(spool, target)

    def close() -> None:
        waiting = sender.close(_LAST_WAIT)
        if spool.dropped:
            logger.warning("%s: %d events were given up, as too many waited", target.shown, spool.dropped)
        if waiting:
            logger.warning("%s: %d events wait in %s for the next run with it", target.shown, waiting, spool.folder)
        spool.close()

    return spool.put, close

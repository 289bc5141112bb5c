"""The cameras: what each has recorded, how many were there over time, its last picture."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
from numpy.typing import NDArray

from remix_track.server.collection import Collection
from remix_track.server.library import Library
from remix_track.server.web import Answer, NotFoundError, Page, Redirect, Request, Route, json_answer
from remix_track.store import layout
from remix_track.store.index_people import number_of_people, one_tracklet
from remix_track.store.presence_counts import Counts, counts_between, counts_of

SPANS = {"hour": (3_600_000, 60_000), "day": (86_400_000, 3_600_000), "week": (7 * 86_400_000, 3_600_000)}
"""Milliseconds that a plot shows, and of each of its steps."""
SPAN_NAMES = {"hour": "an hour, by minute", "day": "a day, by hour", "week": "a week, by hour"}
_LATEST = 4_102_444_800_000  # the year 2100
_STEPS = (1000, 10_000, 60_000, 600_000, 3_600_000)
_BARS = 120
"""Of a recording without a time of day, at most so many steps."""


@dataclass(frozen=True, slots=True)
class CameraCard:
    """A camera.

    Attributes:
        name: its name.
        address: of its people.
        picture: address of its last picture.
        jobs: recordings of it.
        seconds: of film.
        boxes, tracklets: in them.
        first_utc, last_utc: milliseconds; None where no recording says the time of day.
        without_clock: recordings that do not say the time of day, though somebody is in them.
        counts: address of its counts.
    """

    name: str
    address: str
    picture: str
    jobs: int
    seconds: float
    boxes: int
    tracklets: int
    first_utc: int | None
    last_utc: int | None
    without_clock: int
    counts: str


def routes(library: Library) -> list[Route]:
    """The page, the numbers of its plots, and the last pictures."""
    return [
        Route("/{collection}/cameras", lambda request: cameras(library.at(request), request)),
        Route("/{collection}/counts", lambda request: counts(library.at(request), request)),
        Route("/{collection}/last-picture", lambda request: last_picture(library.at(request), request)),
    ]


def cameras(collection: Collection, request: Request) -> Page:
    """All cameras."""
    span = request.choice("span", SPANS, "day")
    with collection.reading() as connection:
        cards = camera_cards(connection, f"/{collection.number}", span)
        identified = number_of_people(connection) > 0
    values = {"section": "cameras", "collection": collection, "cards": cards, "identified": identified}
    return Page("cameras.html", {**values, "span": span, "spans": SPAN_NAMES})


def camera_cards(connection: sqlite3.Connection, base: str, span: str) -> list[CameraCard]:
    """The cameras by name; crops that were enrolled are no camera's."""
    rows = connection.execute(
        "SELECT name, count(*), sum(seconds), sum(boxes), sum(tracklets), min(first_utc), max(last_utc), "
        "sum(first_utc IS NULL AND tracklets > 0) FROM jobs JOIN cameras ON cameras.id = jobs.camera "
        "WHERE name != ? AND problem = '' GROUP BY cameras.id ORDER BY name",
        (layout.ENROLLED,),
    )
    found = []
    for name, jobs, seconds, boxes, tracklets, first_utc, last_utc, without_clock in rows:
        named = urlencode({"camera": name})
        found.append(
            CameraCard(
                name=name,
                address=f"{base}/people?{named}",
                picture=f"{base}/last-picture?{named}",
                jobs=jobs,
                seconds=seconds,
                boxes=boxes,
                tracklets=tracklets,
                first_utc=first_utc,
                last_utc=last_utc,
                without_clock=without_clock,
                counts=f"{base}/counts?{named}&span={span}",
            )
        )
    return found


def counts(collection: Collection, request: Request) -> Answer:
    """How many people and tracks were there in each step of time, as JSON for a plot.

    Of a camera that knows the time of day, the last hour, day or week in which somebody was there, or the one before
    `until` (milliseconds). Of one that does not, its last recording, by seconds from its beginning.
    """
    camera, span = request.text("camera"), request.choice("span", SPANS, "day")
    with collection.reading() as connection:
        job, last_utc = _last_job(connection, camera)
    if last_utc is not None:
        length, step = SPANS[span]
        end = max(-(-request.number("until", last_utc + 1, high=_LATEST) // step), 1) * step
        found, people = _by_clock(collection, camera, max(end - length, 0), end, step)
        return json_answer({**_told(found, people), "clock": True, "title": f"this {span}"})
    with collection.reading() as connection:
        found, people, source = _of_recording(connection, job)
    return json_answer({**_told(found, people), "clock": False, "title": PurePath(source).name})


def last_picture(collection: Collection, request: Request) -> Answer | Redirect:
    """The last frame with somebody of a camera, if its file is there; else the last crop."""
    camera = request.text("camera")
    with collection.reading() as connection:
        row = connection.execute(
            "SELECT jobs.key, track FROM tracklets JOIN jobs ON jobs.id = tracklets.job "
            "WHERE tracklets.camera = (SELECT id FROM cameras WHERE name = ?) "
            "ORDER BY tracklets.first_utc DESC, tracklets.id DESC LIMIT 1",
            (camera,),
        ).fetchone()
        found = one_tracklet(connection, *row) if row else None
    if found is None:
        raise NotFoundError("the camera has no track")
    base, job = f"/{collection.number}", quote(found.job)
    if collection.recording(found.job).medium.path is not None:
        return Redirect(f"{base}/frame/{job}/{(found.first_frame + found.last_frame) // 2}.jpg")
    return Redirect(f"{base}/crop/{job}/{found.track}/0.jpg")


def _last_job(connection: sqlite3.Connection, camera: str) -> tuple[str, int | None]:
    """The last recording of a camera with somebody in it, and when the camera saw somebody last."""
    row = connection.execute(
        "SELECT key, (SELECT max(last_utc) FROM jobs WHERE camera = cameras.id) FROM jobs "
        "JOIN cameras ON cameras.id = jobs.camera WHERE name = ? AND problem = '' AND tracklets > 0 "
        "ORDER BY last_utc DESC, jobs.id DESC LIMIT 1",
        (camera,),
    ).fetchone()
    if row is None:
        raise NotFoundError("there is no such camera, or it has no track")
    return str(row[0]), row[1]


def _by_clock(collection: Collection, camera: str, begin: int, end: int, step: int) -> tuple[Counts, NDArray[np.int64]]:
    """The counts of a camera from a time of day until another, in milliseconds; and whose its tracklets then are."""
    if collection.store is not None:
        since, until = (datetime.fromtimestamp(one / 1000, UTC) for one in (begin, end))
        tracklets = collection.store.tracklets(camera, since, until)
        return counts_of(tracklets, begin, end, step), tracklets.person
    asked = (
        "SELECT first_utc, last_utc, person FROM tracklets WHERE last_utc >= ? AND first_utc < ? "
        "AND camera = (SELECT id FROM cameras WHERE name = ?)"
    )
    with collection.reading() as connection:
        rows = np.array(connection.execute(asked, (begin, end, camera)).fetchall(), np.int64).reshape(-1, 3)
    first, last, person = rows.T
    return counts_between(first, last, person, begin, end, step), person


def _of_recording(connection: sqlite3.Connection, job: str) -> tuple[Counts, NDArray[np.int64], str]:
    """The counts of one recording, by milliseconds of its source; whose its tracklets are; and what its source is."""
    number, source = connection.execute("SELECT id, source FROM jobs WHERE key = ?", (job,)).fetchone()
    asked = "SELECT first_time, last_time, person FROM tracklets WHERE job = ?"
    rows = np.array(connection.execute(asked, (number,)).fetchall(), np.float64).reshape(-1, 3)
    first, last, person = (np.round(rows * (1000, 1000, 1)).astype(np.int64)).T
    begin, end = int(first.min(initial=last.max(initial=0))), int(last.max(initial=0)) + 1
    begin -= begin % 1000
    step = next((one for one in _STEPS if end - begin <= _BARS * one), -(-(end - begin) // _BARS))
    return counts_between(first, last, person, begin, end, step), person, str(source)


def _told(found: Counts, person: NDArray[np.int64]) -> dict[str, Any]:
    """Counts as JSON has them, and how many different people there are in all steps together."""
    distinct = len(np.unique(person[person > 0]))
    return {
        "begin": found.begin, "step": found.step, "people": found.people, "tracks": found.tracklets,
        "distinct": distinct,
    }  # fmt: skip

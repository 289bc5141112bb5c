"""One person's day: where and when by camera and clock, the tracklets that made the person, and how sure each is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from remix_track.errors import InputError
from remix_track.id_colours import css_of
from remix_track.server.collection import Collection
from remix_track.server.library import Library
from remix_track.server.people import PICTURES, moment
from remix_track.server.web import Answer, NotFoundError, Page, Redirect, Request, Route, json_answer
from remix_track.store.index_people import (
    PersonFacts,
    TrackletFacts,
    WantedPeople,
    cameras_of,
    days_of,
    one_tracklet,
    person_facts,
    tracklets_page,
)

ON_A_PAGE = 60
MOST_BARS = 20_000
"""Tracklets of a person on one day that are drawn."""
UNDATED = "undated"
"""Instead of a day: tracklets whose time of day is not known."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """A tracklet in the list.

    Attributes:
        facts: of it.
        picture: address of its best crop.
        runner_up: name of the nearest other person; empty where there is none.
        runner_up_address: of that person's page.
    """

    facts: TrackletFacts
    picture: str
    runner_up: str
    runner_up_address: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.facts.last_time - self.facts.first_time


def routes(library: Library) -> list[Route]:
    """The page of a person, its list of tracklets, what the timeline draws; a tracklet leads to its person."""
    return [
        Route("/{collection}/person/{person}", lambda request: day(library.at(request), request)),
        Route("/{collection}/person/{person}/bars", lambda request: bars(library.at(request), request)),
        Route("/{collection}/tracklet/{recording}/{track}", lambda request: tracklet(library.at(request), request)),
    ]


def day(collection: Collection, request: Request) -> Page:
    """The page, or only the next tracklets of its list where `part` is given."""
    person = request.number("person", low=1)
    names = collection.names()
    with collection.reading() as connection:
        facts = person_facts(connection, person)
        if facts is None:
            raise NotFoundError(f"there is no person {person} here")
        days = {_day_text(number): count for number, count in days_of(connection, person).items()}
        chosen = _chosen_day(request, facts, days)
        wanted = _wanted(request, chosen)
        found = tracklets_page(connection, person, wanted)
        cameras = cameras_of(connection, [person])[person]
    base = f"/{collection.number}/person/{person}"
    values = {
        "collection": collection,
        "person": facts,
        "title": names.get(person, f"Person {person}"),
        "named": person in names,
        "colour": css_of(person),
        "pictures": [f"/{collection.number}/picture/{person}/{place}.jpg" for place in range(PICTURES)],
        "cameras": cameras,
        "days": days,
        "day": chosen,
        "asked": {name: request.text(name) for name in ("camera", "recording", "track")},
        "rows": [_row(collection, names, one) for one in found],
        "bars": f"{base}/bars?" + urlencode(_kept(request, chosen)),
        "more": f"{base}?" + urlencode({**_kept(request, chosen), "offset": wanted.offset + wanted.limit})
        if len(found) == wanted.limit
        else "",
        "address": base,
    }
    return Page("rows.html" if request.text("part") else "day.html", values)


def bars(collection: Collection, request: Request) -> Answer:
    """What the timeline draws of a day: columns of its tracklets, and the lanes that they lie in."""
    person = request.number("person", low=1)
    with collection.reading() as connection:
        days = {_day_text(number): count for number, count in days_of(connection, person).items()}
        chosen = _chosen_day(request, None, days)
        found = tracklets_page(connection, person, _wanted(request, chosen, limit=MOST_BARS + 1))
    return json_answer({**bars_of(found[:MOST_BARS]), "cut": len(found) > MOST_BARS})


def bars_of(tracklets: Sequence[TrackletFacts]) -> dict[str, Any]:
    """Tracklets as columns: by camera and clock, or, without a clock, by recording and its seconds."""
    dated = all(one.first_utc is not None for one in tracklets)
    lane_names = [one.camera if dated else f"{one.camera}/{one.job}" for one in tracklets]
    lanes = sorted(set(lane_names))
    place = {name: number for number, name in enumerate(lanes)}
    jobs = sorted({one.job for one in tracklets})
    job_place = {name: number for number, name in enumerate(jobs)}
    first = [one.first_utc if dated else round(1000 * one.first_time) for one in tracklets]
    last = [one.last_utc if dated else round(1000 * one.last_time) for one in tracklets]
    return {
        "clock": dated,
        "lanes": [name if dated else name.rpartition("/")[0] for name in lanes],
        "jobs": jobs,
        "lane": [place[name] for name in lane_names],
        "job": [job_place[one.job] for one in tracklets],
        "track": [one.track for one in tracklets],
        "first": first,
        "last": last,
        "seconds": [round(one.first_time, 3) for one in tracklets],
        "length": [round(one.last_time - one.first_time, 3) for one in tracklets],
        "sure": [int(one.sure) for one in tracklets],
    }


def tracklet(collection: Collection, request: Request) -> Page | Redirect:
    """The page of whom a tracklet is assigned to, with it chosen; of nobody's tracklet one of its own."""
    key, track = request.text("recording"), request.number("track")
    with collection.reading() as connection:
        found = one_tracklet(connection, key, track)
    if found is None:
        raise NotFoundError("there is no such track here")
    if found.person:
        asked = {"day": _day_of(found), "recording": key, "track": track}
        return Redirect(f"/{collection.number}/person/{found.person}?{urlencode(asked)}")
    return Page("tracklet.html", {
        "collection": collection,
        "row": _row(collection, {}, found),
        "bars": bars_of([found]) | {"cut": False},
        "pictures": [crop_address(collection, found, place) for place in range(PICTURES)],
        "colour": css_of(found.track),
    })  # fmt: skip


def crop_address(collection: Collection, one: TrackletFacts, place: int = 0) -> str:
    """Where a picture of a tracklet is."""
    return f"/{collection.number}/crop/{quote(one.job, safe='')}/{one.track}/{place}.jpg"


def _row(collection: Collection, names: dict[int, str], one: TrackletFacts) -> Row:
    other = one.runner_up
    return Row(
        facts=one,
        picture=crop_address(collection, one),
        runner_up=names.get(other, f"Person {other}") if other else "",
        runner_up_address=f"/{collection.number}/person/{other}" if other else "",
    )


def _wanted(request: Request, chosen: str, limit: int = ON_A_PAGE) -> WantedPeople:
    offset = request.number("offset", 0, high=10**9) if limit == ON_A_PAGE else 0
    camera = request.text("camera") or None
    if chosen == UNDATED:
        return WantedPeople(camera=camera, undated=True, offset=offset, limit=limit)
    begin = moment(chosen, "day")
    if begin is None:
        return WantedPeople(camera=camera, offset=offset, limit=limit)
    end = begin + timedelta(days=1) if begin.date() < date.max else None
    return WantedPeople(camera=camera, since=begin, until=end, offset=offset, limit=limit)


def _chosen_day(request: Request, facts: PersonFacts | None, days: dict[str, int]) -> str:
    """The day that is asked for, else the last one; empty where there is none at all."""
    asked = request.text("day")
    if asked and asked != UNDATED:
        try:
            datetime.strptime(asked, "%Y-%m-%d")
        except ValueError:
            raise InputError(f"day {asked[:40]!r}: expected a day such as 2026-05-01, or {UNDATED}") from None
    return asked or (list(days)[-1] if days else "")


def _kept(request: Request, chosen: str) -> dict[str, str]:
    return {"day": chosen} | ({"camera": request.text("camera")} if request.text("camera") else {})


def _day_of(one: TrackletFacts) -> str:
    return UNDATED if one.first_utc is None else _day_text(one.first_utc // 86_400_000)


def _day_text(number: int | None) -> str:
    if number is None:
        return UNDATED
    try:
        return f"{_EPOCH + timedelta(days=number):%Y-%m-%d}"
    except OverflowError:
        return "1970-01-01"

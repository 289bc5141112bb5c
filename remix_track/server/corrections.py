"""Corrections of a store's people: a page for one person, the list of what was said, and the buttons of both."""

from dataclasses import dataclass
from urllib.parse import quote

from remix_track.errors import InputError
from remix_track.server.collection import Collection
from remix_track.server.library import Library
from remix_track.server.people import PICTURES, Card, person_card, tracklet_card
from remix_track.server.web import NotFoundError, Page, Redirect, Request, Route
from remix_track.store.corrections import Corrections
from remix_track.store.index_people import (
    TrackletFacts,
    WantedPeople,
    cameras_of,
    people_page,
    person_facts,
    tracklets_page,
)
from remix_track.store.people import PeopleFiles
from remix_track.store.people_log import Act, Key, Log
from remix_track.store.store import Store

ON_A_PAGE = 60
SUGGESTED = 4
"""People whom a person may be."""
_MOST_ACTS = 500
_MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Choice:
    """A tracklet that can be chosen.

    Attributes:
        key: of it, as the form sends it.
        card: how it is shown.
        sure: whether it is surely the person's.
    """

    key: str
    card: Card
    sure: bool


@dataclass(frozen=True, slots=True)
class Said:
    """An act as the list shows it.

    Attributes:
        act: itself.
        what: in words.
        people: addresses of the pages of the people whom it is about, by how they are called.
    """

    act: Act
    what: str
    people: dict[str, str]


def routes(library: Library) -> list[Route]:
    """The two pages, and what their buttons do."""
    person = "/{collection}/person/{person}"
    return [
        Route(f"{person}/correct", lambda request: one_person(library.at(request), request)),
        Route(f"{person}/name", lambda request: name(library.at(request), request), "POST"),
        Route(f"{person}/merge", lambda request: merge(library.at(request), request), "POST"),
        Route(f"{person}/split", lambda request: split(library.at(request), request), "POST", _MOST_BYTES),
        Route(f"{person}/reject", lambda request: reject(library.at(request), request), "POST", _MOST_BYTES),
        Route("/{collection}/corrections", lambda request: acts(library.at(request), request)),
        Route("/{collection}/corrections/undo", lambda request: undo(library.at(request), request), "POST"),
    ]


def one_person(collection: Collection, request: Request) -> Page:
    """The tracklets of a person to choose from, and whom the person may be."""
    log, offset = _log(_store(collection)), request.number("offset", 0, high=10**9)
    number = _called(log, request.text("person"))
    with collection.reading() as connection:
        facts = person_facts(connection, number)
        if facts is None:
            raise NotFoundError(f"there is no person {request.text('person')[:40]!r}; see the gallery")
        found = tracklets_page(connection, number, WantedPeople(offset=offset, limit=ON_A_PAGE))
        near = _nearest(log, number, found)
        others = {one.person: one for one in people_page(connection, WantedPeople(people=near))} if near else {}
        seen_by = cameras_of(connection, [number, *others])
    cards = {
        person: person_card(collection, one, log.names, seen_by[person])
        for person, one in {number: facts, **others}.items()
    }
    values = {
        "collection": collection,
        "person": cards[number],
        "name": log.names.get(number, ""),
        "choices": [_choice(collection, one) for one in found],
        "tracklets": facts.tracklets,
        "near": [cards[one] for one in near if one in cards],
        "said": [_said(collection, log, one) for one in _latest(log) if number in _people_of(log, one)],
        "more": f"?offset={offset + ON_A_PAGE}" if len(found) == ON_A_PAGE else "",
        "pictures": PICTURES,
    }
    return Page("correct.html", values)


def acts(collection: Collection, request: Request) -> Page | Redirect:
    """All that was said, the last first; or the page of the person who is asked for."""
    log = _log(_store(collection))
    if request.text("person"):
        return _to(collection, _called(log, request.text("person").strip()))
    said = [_said(collection, log, one) for one in _latest(log)]
    return Page("corrections.html", {"collection": collection, "said": said})


def name(collection: Collection, request: Request) -> Redirect:
    """Give a person a name."""
    number = request.number("person", low=1)
    _corrections(collection).name(number, request.form().get("name", "").strip())
    return _to(collection, number)


def merge(collection: Collection, request: Request) -> Redirect:
    """The person of the page goes on, and takes in the one of the form."""
    number, log = request.number("person", low=1), _log(_store(collection))
    _corrections(collection).merge(number, _called(log, request.form().get("other", "").strip()))
    return _to(collection, number)


def split(collection: Collection, request: Request) -> Redirect:
    """The chosen tracklets are somebody else; on to that one's page."""
    return _to(collection, _corrections(collection).split(request.number("person", low=1), _chosen(request)))


def reject(collection: Collection, request: Request) -> Redirect:
    """The chosen tracklets are no person."""
    number = request.number("person", low=1)
    _corrections(collection).reject(_chosen(request))
    with collection.reading() as connection:
        left = person_facts(connection, number)
    return _to(collection, number) if left else Redirect(f"/{collection.number}/corrections")


def undo(collection: Collection, request: Request) -> Redirect:
    """Take back the act of the form; back to the page that asked."""
    act, person = (request.form().get(one, "") for one in ("act", "person"))
    if not (act.isascii() and act.isdecimal() and len(act) < 16):
        raise InputError(f"act {act[:40]!r}: expected its number")
    _corrections(collection).undo(int(act))
    back = person if person.isascii() and person.isdecimal() and len(person) < 16 else ""
    with collection.reading() as connection:
        there = back and person_facts(connection, int(back))
    return _to(collection, int(back)) if there else Redirect(f"/{collection.number}/corrections")


def _store(collection: Collection) -> Store:
    if collection.store is None:
        raise NotFoundError("the people of a run cannot be corrected; give a store")
    return collection.store


def _corrections(collection: Collection) -> Corrections:
    return Corrections.of(_store(collection))


def _log(store: Store) -> Log:
    return PeopleFiles(store.path).log()


def _called(log: Log, text: str) -> int:
    number = log.person(text)
    if number is None:
        raise InputError(f"{text[:40]!r}: there is nobody of this name or number")
    return number


def _to(collection: Collection, person: int) -> Redirect:
    return Redirect(f"/{collection.number}/person/{person}/correct")


def _chosen(request: Request) -> list[Key]:
    found = list[Key]()
    for text in request.form_lists().get("tracklet", []):
        job, _, track = text.rpartition(":")
        if not (track.isascii() and track.isdecimal() and len(track) < 19):
            raise InputError(f"tracklet {text[:40]!r}: expected JOB:TRACK")
        found.append((job, int(track)))
    if not found:
        raise InputError("nothing was chosen; mark tracks first")
    return found


def _nearest(log: Log, person: int, tracklets: list[TrackletFacts]) -> list[int]:
    """Whom the tracklets resemble next, the nearest first."""
    near = dict[int, float]()
    for one in tracklets:
        other = log.current(one.runner_up)
        if other not in (0, person) and one.runner_up_distance is not None:
            near[other] = min(near.get(other, 9.0), one.runner_up_distance)
    return sorted(near, key=lambda one: near[one])[:SUGGESTED]


def _choice(collection: Collection, one: TrackletFacts) -> Choice:
    return Choice(f"{one.job}:{one.track}", tracklet_card(collection, one), one.sure)


def _latest(log: Log) -> list[Act]:
    return log.acts[: -_MOST_ACTS - 1 : -1]


def _people_of(log: Log, act: Act) -> set[int]:
    moved = {log.moved.get(key, 0) for key in act.tracklets}
    return {log.current(one) for one in (act.person, act.other, *moved) if one}


def _said(collection: Collection, log: Log, act: Act) -> Said:
    many = f"{len(act.tracklets):,} track{'s' * (len(act.tracklets) != 1)}"
    what = {
        "name": f"{act.person} named {act.name}",
        "merge": f"{act.other} merged into {act.person}",
        "split": f"{many} split off {act.person}, as {act.other}",
        "reject": f"{many} rejected",
    }[act.kind]
    shown = {
        log.shown(one): f"/{collection.number}/person/{quote(str(one))}/correct" for one in sorted(_people_of(log, act))
    }
    return Said(act, what, shown)

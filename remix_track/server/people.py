"""The people of a store or a run: a gallery, filtered by camera and time, a page at a time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from remix_track.errors import InputError
from remix_track.server.collection import Collection
from remix_track.server.library import Library
from remix_track.server.recordings import image_answer
from remix_track.server.web import Answer, NotFoundError, Page, Redirect, Request, Route
from remix_track.store.index_people import (
    ORDERS,
    PersonFacts,
    TrackletFacts,
    WantedPeople,
    camera_names,
    cameras_of,
    largest_tracklets,
    number_of_people,
    people_page,
    tracklets_page,
)

ON_A_PAGE = 60
PICTURES = 3
"""Of a person, from as many tracklets."""
_MOST_FOUND = 500
_NOBODY = 0

ORDER_NAMES = {
    "last": "last seen first",
    "first": "first seen first",
    "longest": "longest in sight",
    "most": "most tracklets",
    "number": "by number",
}


@dataclass(frozen=True, slots=True)
class Card:
    """A person, or a tracklet without one, as the gallery shows it.

    Attributes:
        address: of its page.
        pictures: addresses of pictures; some may have none.
        number: what its colour is of.
        title: name or number.
        first_utc, last_utc: milliseconds; None where not known.
        seconds: in sight.
        about: a line on it.
        unsure: how many of its tracklets may be somebody else's.
    """

    address: str
    pictures: tuple[str, ...]
    number: int
    title: str
    first_utc: int | None
    last_utc: int | None
    seconds: float
    about: str
    unsure: int = 0


def routes(library: Library) -> list[Route]:
    """The gallery, its further pages, and the pictures of people."""
    return [
        Route("/{collection}", lambda request: _to_people(library.at(request))),
        Route("/{collection}/people", lambda request: people(library.at(request), request)),
        Route("/{collection}/picture/{person}/{place}.jpg", lambda request: picture(library.at(request), request)),
    ]


def people(collection: Collection, request: Request) -> Page:
    """The gallery, or only its next cards where `part` is given."""
    wanted = wanted_people(collection, request)
    who = request.choice("who", ("people", "nobody"), "people")
    with collection.reading() as connection:
        total = number_of_people(connection)
        cameras = camera_names(connection)
        if who == "nobody" or not total:
            tracklets = tracklets_page(connection, _NOBODY, wanted)
            cards, full = [tracklet_card(collection, one) for one in tracklets], len(tracklets) == wanted.limit
            who = "nobody"
        else:
            found = people_page(connection, wanted)
            seen_by = cameras_of(connection, [one.person for one in found])
            names = collection.names()
            cards = [person_card(collection, one, names, seen_by[one.person]) for one in found]
            full = len(found) == wanted.limit
    values = {
        "collection": collection,
        "cards": cards,
        "total": total,
        "cameras": cameras,
        "orders": ORDER_NAMES,
        "who": who,
        "asked": _asked(request),
        "more": _next_page(collection, request, wanted) if full else "",
    }
    return Page("cards.html" if request.text("part") else "people.html", values)


def picture(collection: Collection, request: Request) -> Answer:
    """A picture of a person: the best ones of the largest tracklets come first."""
    person, place = request.number("person", low=1), request.number("place", high=PICTURES - 1)
    with collection.reading() as connection:
        found = largest_tracklets(connection, person, PICTURES)
    several = [collection.crops(one) for one in found]
    # The best of each tracklet, then their second ones.
    best = [crops[rank] for rank in range(PICTURES) for crops in several if len(crops) > rank]
    if not found:
        raise NotFoundError("there is nobody of this number")
    return image_answer(best, place)


def wanted_people(collection: Collection, request: Request) -> WantedPeople:
    """What the query of a request asks for.

    Raises:
        InputError: values that cannot be.
    """
    text = request.text("find").strip()
    return WantedPeople(
        camera=request.text("camera") or None,
        since=moment(request.text("since"), "since"),
        until=moment(request.text("until"), "until"),
        people=_called(collection, text) if text else None,
        order=request.choice("order", ORDERS, "last"),
        offset=request.number("offset", 0, high=10**9),
        limit=ON_A_PAGE,
    )


def moment(text: str, name: str) -> datetime | None:
    """A time as a browser's field gives it, in UTC; None where there is none.

    Raises:
        InputError: no time.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        found.timestamp()
    except (ValueError, OverflowError):
        raise InputError(f"{name} {text[:40]!r}: expected a time such as 2026-05-01T12:00") from None
    return found


def person_card(collection: Collection, one: PersonFacts, names: dict[int, str], cameras: list[str]) -> Card:
    """A person in the gallery."""
    base = f"/{collection.number}"
    seen_by = ", ".join(cameras[:3]) + (f" and {len(cameras) - 3} more" if len(cameras) > 3 else "")
    return Card(
        address=f"{base}/person/{one.person}",
        pictures=tuple(f"{base}/picture/{one.person}/{place}.jpg" for place in range(PICTURES)),
        number=one.person,
        title=names.get(one.person, f"Person {one.person}"),
        first_utc=one.first_utc,
        last_utc=one.last_utc,
        seconds=one.seconds,
        about=seen_by,
        unsure=one.unsure,
    )


def tracklet_card(collection: Collection, one: TrackletFacts) -> Card:
    """A tracklet that is nobody's yet in the gallery."""
    base = f"/{collection.number}"
    return Card(
        address=f"{base}/tracklet/{one.job}/{one.track}",
        pictures=tuple(f"{base}/crop/{one.job}/{one.track}/{place}.jpg" for place in range(PICTURES)),
        number=one.track,
        title=f"Track {one.track}",
        first_utc=one.first_utc,
        last_utc=one.last_utc,
        seconds=one.last_time - one.first_time,
        about=one.camera,
    )


def _called(collection: Collection, text: str) -> list[int]:
    """The people of a number, or of names that contain a text; the first so many."""
    number = [int(text)] if text.isascii() and text.isdecimal() and len(text) < 19 else []
    lowered = text.casefold()
    named = [person for person, name in collection.names().items() if lowered in name.casefold()]
    return (number + sorted(named))[:_MOST_FOUND]


def _to_people(collection: Collection) -> Redirect:
    return Redirect(f"/{collection.number}/people")


def _asked(request: Request) -> dict[str, str]:
    return {name: request.text(name) for name in ("camera", "since", "until", "find", "order", "who")}


def _next_page(collection: Collection, request: Request, wanted: WantedPeople) -> str:
    asked: dict[str, Any] = {name: value for name, value in _asked(request).items() if value}
    return f"/{collection.number}/people?" + urlencode({**asked, "offset": wanted.offset + wanted.limit})

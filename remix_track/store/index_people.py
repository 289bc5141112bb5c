"""People and their tracklets in the index, a page at a time: nothing here reads all of a store.

Each function takes a connection to tables as `index_file` makes them: of a store's index, or of a run in memory.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from remix_track.store import layout

ORDERS = {
    "last": "last_utc DESC, person DESC",
    "first": "first_utc, person",
    "longest": "seconds DESC, person DESC",
    "most": "tracklets DESC, person DESC",
    "number": "person",
}
"""Orders of people by name, each read off an index of the table of people."""
_DAY = 86_400_000
_LOOKED_AT = 4000
"""Tracklets of a person among which the largest are looked for, so that a hundred thousand keep no page waiting."""


@dataclass(frozen=True, slots=True)
class WantedPeople:
    """Which people, and which page of them.

    Attributes:
        camera: only who was there; None: anywhere.
        since: only who was seen then or later.
        until: only who was seen before.
        people: only these numbers; None: all.
        undated: only what has no time of day.
        order: a key of `ORDERS`.
        offset, limit: the page.
    """

    camera: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    people: Sequence[int] | None = None
    undated: bool = False
    order: str = "last"
    offset: int = 0
    limit: int = 60


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person, as far as the tracklets that were wanted tell.

    Attributes:
        person: the number.
        tracklets: how many.
        cameras: how many saw the person.
        unsure: how many of the tracklets may be somebody else.
        seconds: for which the person was in sight, cameras added up.
        first_utc, last_utc: milliseconds since 1970; None where not known.
    """

    person: int
    tracklets: int
    cameras: int
    unsure: int
    seconds: float
    first_utc: int | None
    last_utc: int | None


@dataclass(frozen=True, slots=True)
class TrackletFacts:
    """A tracklet, and how sure it is whose it is.

    Attributes:
        job: key of its job.
        track: number there.
        camera: name.
        row: its row in the tables of the job.
        person: 0 where none is assigned.
        first_frame, last_frame: numbers in the source.
        first_time, last_time: seconds from the source's first frame.
        first_utc, last_utc: milliseconds since 1970; None where not known.
        boxes: how many it has.
        distance: mean cosine distance to the person's others; None where there are none.
        runner_up: the nearest other person; 0: none.
        runner_up_distance: likewise.
        sure: whether it is surely this person.
    """

    job: str
    track: int
    camera: str
    row: int
    person: int
    first_frame: int
    last_frame: int
    first_time: float
    last_time: float
    first_utc: int | None
    last_utc: int | None
    boxes: int
    distance: float | None
    runner_up: int
    runner_up_distance: float | None
    sure: bool


_TRACKLET = (
    "SELECT jobs.key, t.track, cameras.name, t.row, t.person, t.first_frame, t.last_frame, t.first_time, t.last_time, "
    "t.first_utc, t.last_utc, t.boxes, t.distance, t.runner_up, t.runner_up_distance, t.sure FROM {} AS t "
    "JOIN jobs ON jobs.id = t.job JOIN cameras ON cameras.id = t.camera"
)


class People:
    """Keeps the table of people as the tracklets are, while these are changed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Begin to note whose tracklets change."""
        self._connection = connection
        connection.execute("CREATE TEMP TABLE touched (person INTEGER PRIMARY KEY)")
        for name, event, people in (
            ("deleted", "DELETE ON main.tracklets", "(old.person)"),
            ("inserted", "INSERT ON main.tracklets WHEN new.person > 0", "(new.person)"),
            ("updated", "UPDATE OF person, sure ON main.tracklets", "(old.person), (new.person)"),
        ):
            connection.execute(
                f"CREATE TEMP TRIGGER {name} AFTER {event} BEGIN INSERT OR IGNORE INTO touched VALUES {people}; END"
            )

    def count_changed(self) -> None:
        """Count anew whose tracklets changed, and end; crops that were enrolled are no sightings."""
        seen = f"FILTER (WHERE camera != {_enrolled(self._connection)})"
        for statement in (
            *(f"DROP TRIGGER {name}" for name in ("deleted", "inserted", "updated")),
            "DELETE FROM touched WHERE person <= 0",
            "DELETE FROM people WHERE person IN (SELECT person FROM touched)",
            f"INSERT INTO people SELECT person, {_counted(seen)} FROM tracklets "
            "WHERE person > 0 AND person IN (SELECT person FROM touched) GROUP BY person",
            "DROP TABLE touched",
        ):
            self._connection.execute(statement)


def people_page(connection: sqlite3.Connection, wanted: WantedPeople) -> list[PersonFacts]:
    """A page of people; of those who were at a camera or at a time, only what was seen there and then counts."""
    return [PersonFacts(*row) for row in connection.execute(*people_query(connection, wanted))]


def people_query(connection: sqlite3.Connection, wanted: WantedPeople) -> tuple[str, list[int]]:
    """What `people_page` asks: of all people it reads the page only, along an index."""
    order = f"ORDER BY {ORDERS[wanted.order]} LIMIT {wanted.limit:d} OFFSET {wanted.offset:d}"
    rest, values = _among(wanted.people)
    if wanted.camera is None and wanted.since is None and wanted.until is None and not wanted.undated:
        columns = "person, tracklets, cameras, unsure, seconds, first_utc, last_utc"
        # The sign keeps SQLite from taking the index of this column instead of that of the order.
        return f"SELECT {columns} FROM people WHERE +tracklets > 0{rest} {order}", values
    where, more = _seen(connection, wanted)
    counted = _counted("", names=True)
    asked = f"SELECT person, {counted} FROM tracklets AS t WHERE person > 0 AND {where}{rest} GROUP BY person {order}"
    return asked, [*more, *values]


def person_facts(connection: sqlite3.Connection, person: int) -> PersonFacts | None:
    """One person; None where there is none of this number."""
    row = connection.execute("SELECT * FROM people WHERE person = ?", (person,)).fetchone()
    return PersonFacts(*row) if row else None


def number_of_people(connection: sqlite3.Connection) -> int:
    """All who were seen."""
    return int(connection.execute("SELECT count(*) FROM people WHERE tracklets > 0").fetchone()[0])


def cameras_of(connection: sqlite3.Connection, people: Iterable[int]) -> dict[int, list[str]]:
    """The cameras that saw each person, by name."""
    found: dict[int, list[str]] = {}
    for person in people:
        rows = connection.execute(
            "SELECT name FROM cameras WHERE name != ?2 AND id IN "
            "(SELECT camera FROM tracklets WHERE person = ?1 AND person > 0) "
            "ORDER BY name",
            (person, layout.ENROLLED),
        )
        found[person] = [name for (name,) in rows]
    return found


def camera_names(connection: sqlite3.Connection) -> list[str]:
    """All cameras that stand anywhere."""
    rows = connection.execute("SELECT name FROM cameras WHERE name != ? ORDER BY name", (layout.ENROLLED,))
    return [name for (name,) in rows]


def largest_tracklets(connection: sqlite3.Connection, person: int, count: int) -> list[TrackletFacts]:
    """The tracklets of a person with the most boxes, which have the best pictures."""
    some = f"(SELECT * FROM tracklets WHERE person = {person:d} AND person > 0 LIMIT {_LOOKED_AT})"
    rows = connection.execute(f"{_TRACKLET.format(some)} ORDER BY t.boxes DESC, t.id LIMIT {count:d}")
    return [_tracklet(row) for row in rows]


def tracklets_page(
    connection: sqlite3.Connection, person: int, wanted: WantedPeople | None = None
) -> list[TrackletFacts]:
    """A page of the tracklets of a person (0: of nobody), in the order of time.

    Args:
        connection: to the index.
        person: number.
        wanted: camera, times and page; its people and order do not count.
    """
    rows = connection.execute(*tracklets_query(connection, person, wanted or WantedPeople()))
    return [_tracklet(row) for row in rows]


def tracklets_query(connection: sqlite3.Connection, person: int, wanted: WantedPeople) -> tuple[str, list[int]]:
    """What `tracklets_page` asks, along the index of the person's tracklets by time."""
    where, values = _seen(connection, wanted)
    # The sign: a person has fewer tracklets than a camera. The words of partial indices have to be said.
    whose = f"t.person = {person:d}" + (" AND t.person > 0" if person else "")
    asked = (
        f"{_TRACKLET.format('tracklets')} WHERE {whose} AND {where.replace('t.camera', '+t.camera', 1)} "
        f"ORDER BY t.first_utc, t.id LIMIT {wanted.limit:d} OFFSET {wanted.offset:d}"
    )
    return asked, values


def days_of(connection: sqlite3.Connection, person: int) -> dict[int | None, int]:
    """The days (UTC, counted from 1970) on which tracklets of a person begin, and how many do; None: not known."""
    rows = connection.execute(
        f"SELECT first_utc / {_DAY}, count(*) FROM tracklets WHERE person = {person:d} AND person > 0 "
        f"AND camera != {_enrolled(connection)} GROUP BY 1 ORDER BY 1"
    )
    return dict(rows.fetchall())


def one_tracklet(connection: sqlite3.Connection, job: str, track: int) -> TrackletFacts | None:
    """One tracklet; None where there is none such."""
    row = connection.execute(
        f"{_TRACKLET.format('tracklets')} WHERE jobs.key = ? AND t.track = ?", (job, track)
    ).fetchone()
    return _tracklet(row) if row else None


def _tracklet(row: Sequence[Any]) -> TrackletFacts:
    return TrackletFacts(*(*row[:-1], bool(row[-1])))


def _counted(seen: str, *, names: bool = False) -> str:
    """What is counted of a group of tracklets; by its name, or so that a table takes it."""
    unsure = seen.replace(")", " AND NOT sure)") if seen else "FILTER (WHERE NOT sure)"
    counted = {
        "tracklets": f"count(*) {seen}",
        "cameras": f"count(DISTINCT camera) {seen}",
        "unsure": f"count(*) {unsure}",
        "seconds": f"coalesce(sum(last_time - first_time) {seen}, 0)",
        "first_utc": f"min(first_utc) {seen}",
        "last_utc": f"max(last_utc) {seen}",
    }
    return ", ".join(f"{value} AS {name}" if names else value for name, value in counted.items())


def _enrolled(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT id FROM cameras WHERE name = ?", (layout.ENROLLED,)).fetchone()
    return int(found[0]) if found else -1


def _among(people: Sequence[int] | None) -> tuple[str, list[int]]:
    if people is None:
        return "", []
    return f" AND person IN ({','.join('?' * len(people))})", list(people)


def _seen(connection: sqlite3.Connection, wanted: WantedPeople) -> tuple[str, list[int]]:
    """What tracklets of a camera and a time fulfil; both ends of the index by time are used."""
    cameras = dict(connection.execute("SELECT name, id FROM cameras WHERE name != ?", (layout.ENROLLED,)).fetchall())
    if wanted.camera is not None:
        cameras = {wanted.camera: cameras.get(wanted.camera, -1)}
    conditions, values = [f"t.camera IN ({','.join(map(str, cameras.values()))})"], list[int]()
    if wanted.since is not None:
        longest = connection.execute("SELECT max(longest) FROM cameras").fetchone()[0] or 0
        moment = round(wanted.since.timestamp() * 1000)
        conditions += ["t.last_utc >= ?", "t.first_utc >= ?"]
        values += [moment, moment - longest]
    if wanted.undated:
        conditions.append("t.first_utc IS NULL")
    if wanted.until is not None:
        conditions.append("t.first_utc < ?")
        values.append(round(wanted.until.timestamp() * 1000))
    return " AND ".join(conditions), values

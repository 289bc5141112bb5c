"""Whom tracklets are assigned to, from the rows in `people/` into the index, where only what is new is touched."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from remix_track.store.parquet import Column, Columns

PERSONS = (
    Column("job", "string"),
    Column("track", "int64"),
    Column("person", "int64"),
    Column("distance", "float", optional=True),
    Column("runner_up", "int64"),
    Column("runner_up_distance", "float", optional=True),
    Column("sure", "bool"),
)
"""What the index reads of the rows in `people/`, which may have more columns."""

_SAID = tuple(one.name for one in PERSONS[2:])
_UNSAID = {"person": 0, "distance": "NULL", "runner_up": 0, "runner_up_distance": "NULL", "sure": 0}
"""What is said of a tracklet, and what is in the index where nothing is."""


def set_all_people(connection: sqlite3.Connection, rows: Columns) -> None:
    """Have each tracklet belong to whom `rows` say, and to none where they say nothing; what is so is not touched."""
    connection.execute(
        f"CREATE TEMP TABLE said (job INTEGER, track INTEGER, {', '.join(_SAID)}, PRIMARY KEY (job, track)) "
        "WITHOUT ROWID"
    )
    connection.executemany(f"INSERT INTO said VALUES (?, ?{', ?' * len(_SAID)})", _numbered(connection, rows))
    is_said = "said.job = tracklets.job AND said.track = tracklets.track"
    connection.execute(
        f"UPDATE tracklets SET {', '.join(f'{one} = said.{one}' for one in _SAID)} FROM said "
        f"WHERE {is_said} AND ({_is_not([f'said.{one}' for one in _SAID])})"
    )
    connection.execute(
        f"UPDATE tracklets SET {', '.join(f'{one} = {_UNSAID[one]}' for one in _SAID)} "
        f"WHERE person > 0 AND NOT EXISTS (SELECT 1 FROM said WHERE {is_said})"
    )
    connection.execute("DROP TABLE said")


def set_people(connection: sqlite3.Connection, rows: Columns) -> None:
    """Have these tracklets belong to whom `rows` say."""
    asked = (
        f"UPDATE tracklets SET {', '.join(f'{one} = ?{3 + place}' for place, one in enumerate(_SAID))} "
        f"WHERE job = ?1 AND track = ?2 AND ({_is_not([f'?{3 + place}' for place in range(len(_SAID))])})"
    )
    connection.executemany(asked, _numbered(connection, rows))


def _is_not(values: Sequence[str]) -> str:
    """A condition: what is said of a tracklet is something else than these."""
    return " OR ".join(f"tracklets.{one} IS NOT {value}" for one, value in zip(_SAID, values, strict=True))


def _numbered(connection: sqlite3.Connection, rows: Columns) -> Iterator[tuple[Any, ...]]:
    """Number of the job, track, and what is said of each row whose job is there."""
    numbers = dict(connection.execute("SELECT key, id FROM jobs").fetchall())
    for job, track, *said in zip(*(_or_none(rows[one.name]) for one in PERSONS), strict=True):
        if job in numbers and said[0] >= 0:
            yield (numbers[job], track, *said)


def _or_none(values: NDArray[Any]) -> list[Any]:
    """As a list, with None for what is no number."""
    return [None if one != one else one for one in values.tolist()]

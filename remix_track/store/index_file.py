"""The file of the index: its schema, and connections that it is known to be ours at."""

import contextlib
import functools
import logging
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from remix_track.store import layout

VERSION = 2
FILE = "index.sqlite"
_WAIT = 60.0
"""Seconds for which others may write to it before that is an error."""

_SCHEMA = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE cameras (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, longest INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, stamp TEXT NOT NULL, "
    "camera INTEGER, source TEXT, problem TEXT, frames INTEGER, seconds REAL, boxes INTEGER, tracklets INTEGER, "
    "first_utc INTEGER, last_utc INTEGER, first INTEGER)",
    "CREATE TABLE tracklets (id INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL, track INTEGER NOT NULL, "
    "camera INTEGER NOT NULL, first_frame INTEGER NOT NULL, last_frame INTEGER NOT NULL, first_time REAL NOT NULL, "
    "last_time REAL NOT NULL, first_utc INTEGER, last_utc INTEGER, boxes INTEGER NOT NULL, "
    "person INTEGER NOT NULL DEFAULT 0, row INTEGER NOT NULL, distance REAL, runner_up INTEGER NOT NULL DEFAULT 0, "
    "runner_up_distance REAL, sure INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE people (person INTEGER PRIMARY KEY, tracklets INTEGER NOT NULL, cameras INTEGER NOT NULL, "
    "unsure INTEGER NOT NULL, seconds REAL NOT NULL, first_utc INTEGER, last_utc INTEGER)",
    "CREATE TABLE cells (first INTEGER PRIMARY KEY, job INTEGER NOT NULL, count INTEGER NOT NULL, "
    "known INTEGER NOT NULL, sum BLOB NOT NULL)",
    "CREATE INDEX cells_by_job ON cells (job)",
    "CREATE INDEX tracklets_by_time ON tracklets (camera, first_utc)",
    "CREATE INDEX tracklets_by_job ON tracklets (job, track)",
    "CREATE INDEX tracklets_by_person ON tracklets (person, first_utc, camera) WHERE person > 0",
    "CREATE INDEX tracklets_of_nobody ON tracklets (first_utc) WHERE person = 0",
    *(f"CREATE INDEX people_by_{one} ON people ({one})" for one in ("first_utc", "last_utc", "seconds", "tracklets")),
)
"""Tracklets of a job have numbers one after another, from `jobs.first` on; none is given twice.

`people` is counted from `tracklets`, so that a page of a list of people is read and not counted.
"""

_log = logging.getLogger(__name__)


class IndexPlace:
    """The folder of a store's index: the store, or a temporary folder where that cannot be written.

    Attributes:
        root: folder of the store.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @functools.cached_property
    def folder(self) -> Path:
        """Where the index lies; looked at when it is needed first."""
        if os.access(self.root, os.W_OK):
            return self.root
        _log.warning(
            "%s: cannot be written, so its index is made in a temporary folder, again at each start", self.root
        )
        return Path(self._temporary.name)

    @functools.cached_property
    def _temporary(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="remix-track-index-")


@contextlib.contextmanager
def connected(root: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the index in the folder `root`, whose tables are made where there are none.

    Raises:
        sqlite3.Error: it is damaged, or cannot be opened.
        InputError: it is a link that leads out of the store.
    """
    path = layout.inside(root, root / FILE)
    connection = sqlite3.connect(path, timeout=_WAIT, isolation_level=None)
    try:
        # What the schema of a foreign file says is not run; and what is deleted is written over.
        for pragma in ("trusted_schema=OFF", "journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        _prepare(connection, path)
        yield connection
    finally:
        connection.close()


def in_memory() -> sqlite3.Connection:
    """Empty tables in memory, which several threads may use one after another."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for statement in _SCHEMA:
        connection.execute(statement)
    return connection


def rebuild_advice(root: Path) -> str:
    """What to do where the index does not fit the folders."""
    return f"remix-track store {root} with `rebuild` makes it anew"


def meta(connection: sqlite3.Connection, name: str) -> str:
    """A value that was kept under a name; empty where there is none."""
    found = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return str(found[0]) if found else ""


def set_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep a value under a name."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables where there are none; those of another version are thrown away, with a line."""
    if _is_ours(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    if not _is_ours(connection):
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            _log.warning("%s: of another version, so it is made anew", path)
            _drop_all(connection)
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")


def _is_ours(connection: sqlite3.Connection) -> bool:
    if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        return False
    made = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL")}
    return made - {"CREATE TABLE sqlite_sequence(name,seq)"} == set(_SCHEMA)


def _drop_all(connection: sqlite3.Connection) -> None:
    chosen = "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
    for kind, name in connection.execute(chosen).fetchall():
        quoted = name.replace('"', '""')
        connection.execute(f'DROP {kind} "{quoted}"')

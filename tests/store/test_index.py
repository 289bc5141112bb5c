"""The index follows the folders: what is in it is what a store of the same folders made anew would have."""

import logging
import os
import shutil
import sqlite3
import tempfile
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.errors import InputError
from remix_track.store import open_store
from remix_track.store.index import Index, Wanted, _where
from remix_track.store.index_assignments import PERSONS
from remix_track.store.index_file import connected
from remix_track.store.index_people import tracklets_page
from remix_track.store.parquet import write_table
from tests.store.frames import frame, job, vector, write

pytest.importorskip("pyarrow")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    write(store, job("gate", start=NOON), [frame(k, [1, 2]) for k in range(1, 4)])
    write(store, job("yard", start=NOON + timedelta(hours=1)), [frame(1, [1]), frame(50, [1, 3])])
    return store


def keys(store, **wanted):
    """Camera and track of each; the cameras of these jobs differ."""
    found = store.tracklets(**wanted)
    assert list(found.job) == sorted(found.job)
    return sorted(zip((found.cameras[camera] for camera in found.camera), found.track.tolist(), strict=True))


def set_people(store, people):
    folder = store.path / "people"
    folder.mkdir(exist_ok=True)
    jobs, tracks, persons = zip(*((key, track, person) for (key, track), person in people.items()), strict=True)
    count = len(jobs)
    rows = {
        "job": np.array(jobs, object),
        "track": tracks,
        "person": persons,
        "distance": np.full(count, 0.125, np.float32),
        "runner_up": np.full(count, 99),
        "runner_up_distance": np.full(count, np.nan, np.float32),
        "sure": np.array([track != 3 for track in tracks]),
    }
    write_table(folder / "new", PERSONS, rows)
    (folder / "new").rename(folder / "people.parquet")


def test_jobs_that_come_change_and_go_are_followed(store):
    assert keys(store) == [("gate", 1), ("gate", 2), ("yard", 1), ("yard", 3)]
    write(store, job("door"), [frame(1, [7])])
    assert keys(store) == [("door", 7), ("gate", 1), ("gate", 2), ("yard", 1), ("yard", 3)]
    shutil.rmtree(store.path / "jobs" / job("gate").key)
    assert keys(store) == [("door", 7), ("yard", 1), ("yard", 3)]
    shutil.rmtree(store.path / "jobs" / job("door").key)
    write(store, job("door"), [frame(1, [8, 9])])
    assert keys(store) == [("door", 8), ("door", 9), ("yard", 1), ("yard", 3)]


def test_made_anew_it_is_the_same(store):
    write(store, job("door"), [frame(1, [7])])
    set_people(store, {(job("yard").key, 3): 5})
    before = store.tracklets()
    store.rebuild()
    after = store.tracklets()
    assert (before.jobs, before.cameras) == (after.jobs, after.cameras)
    for name in ("job", "track", "camera", "first_utc", "last_time", "boxes", "person", "row"):
        assert np.array_equal(getattr(before, name), getattr(after, name), equal_nan=name == "first_utc"), name


def test_people_are_those_of_the_file_as_it_is_now(store):
    gate, yard = job("gate").key, job("yard").key
    set_people(store, {(gate, 1): 4, (yard, 1): 4, (yard, 3): 9, ("gone", 1): 2})
    assert store.people() == {4: 2, 9: 1}
    assert keys(store, person=4) == [("gate", 1), ("yard", 1)]
    found = store.tracklets()
    assert dict(zip(found.keys(), found.person.tolist(), strict=True)) == {
        (gate, 1): 4, (gate, 2): 0, (yard, 1): 4, (yard, 3): 9
    }  # fmt: skip
    set_people(store, {(gate, 2): 9})
    assert store.people() == {9: 1}
    write(store, job("door"), [frame(1, [7])])
    set_people(store, {(gate, 2): 9, (job("door").key, 7): 1})
    assert store.people() == {9: 1, 1: 1}


def test_a_job_that_comes_after_its_person_was_said_gets_it(store):
    set_people(store, {(job("door").key, 7): 1})
    assert store.people() == {}
    write(store, job("door"), [frame(1, [7])])
    assert store.people() == {1: 1}


def test_the_hour_of_a_camera_is_what_touches_it(store):
    # Of the yard, track 1 is from 13:00:00 to 13:00:04.9, and track 3 at 13:00:04.9 only.
    start, end = NOON + timedelta(hours=1), NOON + timedelta(hours=1, seconds=4.9)
    moment = timedelta(milliseconds=1)
    assert keys(store, camera="yard", since=start, until=end) == [("yard", 1)]
    assert keys(store, camera="yard", since=start, until=end + moment) == [("yard", 1), ("yard", 3)]
    assert keys(store, camera="yard", since=end) == [("yard", 1), ("yard", 3)]
    assert keys(store, camera="yard", since=end + moment) == []
    assert keys(store, since=NOON, until=start) == [("gate", 1), ("gate", 2)]
    assert keys(store, since=NOON, until=start + moment) == [("gate", 1), ("gate", 2), ("yard", 1)]
    assert keys(store, camera="yard", until=start) == []


def test_it_finds_a_camera_by_time_through_its_index(store):
    assert len(store.tracklets()) == 4
    with connected(store.path) as connection:
        where, values = _where(connection, Wanted("yard", NOON, NOON + timedelta(hours=1)))
        (plan,) = connection.execute(f"EXPLAIN QUERY PLAN SELECT track FROM tracklets{where}", values).fetchall()
    assert "tracklets_by_time (camera=? AND first_utc>? AND first_utc<?)" in plan[3]


def test_facts_of_jobs(store):
    gate, yard = sorted(store.facts(), key=lambda one: one.camera)
    assert (gate.camera, gate.source, gate.problem, gate.frames, gate.boxes, gate.tracklets) == (
        "gate", "gate.mp4", "", 3, 6, 2
    )  # fmt: skip
    assert yard.first_utc == round((NOON + timedelta(hours=1)).timestamp() * 1000)
    assert yard.last_utc == yard.first_utc + 4900


@pytest.mark.parametrize("damage", ["text", "other", "version", "table", "cut"])
def test_an_index_that_is_damaged_or_of_another_version_is_made_anew_with_one_line(store, caplog, damage):
    before = keys(store)
    path = store.path / "index.sqlite"
    if damage == "text":
        path.write_text("no data base\n" * 1000)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        with sqlite3.connect(path) as connection:
            connection.execute({
                "other": "CREATE TRIGGER t AFTER INSERT ON jobs BEGIN DELETE FROM jobs; END",
                "version": "PRAGMA user_version=99",
                "table": "DROP TABLE tracklets",
            }[damage])  # fmt: skip
        connection.close()
    with caplog.at_level(logging.WARNING):
        assert keys(store) == before
    assert len(caplog.records) == 1
    assert "index.sqlite: " in caplog.text
    assert "made anew" in caplog.text


def test_an_index_that_cannot_be_opened_is_one_line(store):
    (store.path / "index.sqlite").mkdir()
    with pytest.raises(InputError, match=r"index\.sqlite: cannot be"):
        store.tracklets()


def test_two_who_refresh_at_the_same_time_agree(store):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: keys(open_store(store.path)), range(8)))
    assert found == [keys(store)] * 8


def test_what_another_process_took_in_while_one_waited_stays(store, monkeypatch):
    listed, keys_there = Index._folders, {job(name).key for name in ("gate", "yard", "door", "hall")}

    def late(index):
        found = listed(index)
        monkeypatch.setattr(Index, "_folders", listed)
        write(store, job("hall"), [frame(1, [8])])
        assert len(open_store(store.path).tracklets()) == 6
        return found

    write(store, job("door"), [frame(1, [7])])
    monkeypatch.setattr(Index, "_folders", late)
    store.refresh()
    with connected(store.path) as connection:
        assert {key for (key,) in connection.execute("SELECT key FROM jobs")} == keys_there


def counted(store):
    """The people as the index has them counted, and as a count of all tracklets has them."""
    with store.reading() as connection:
        kept = connection.execute("SELECT person, tracklets, cameras, first_utc, last_utc FROM people").fetchall()
        whole = connection.execute(
            "SELECT person, count(*), count(DISTINCT camera), min(first_utc), max(last_utc) FROM tracklets "
            "WHERE person > 0 GROUP BY person"
        ).fetchall()
    return kept, whole


def test_people_are_counted_as_their_tracklets_come_change_and_go(store):
    gate, yard = job("gate").key, job("yard").key
    for people in ({(gate, 1): 4, (yard, 1): 4, (yard, 3): 9}, {(gate, 1): 9, (yard, 3): 9}, {(gate, 2): 1}):
        set_people(store, people)
        kept, whole = counted(store)
        assert sorted(kept) == whole
        assert {row[0] for row in kept} == set(people.values())
    set_people(store, {(gate, 1): 4, (yard, 1): 4})
    shutil.rmtree(store.path / "jobs" / gate)
    kept, whole = counted(store)
    assert kept == whole == [(4, 1, 1, kept[0][3], kept[0][4])]
    write(store, job("gate", start=NOON), [frame(1, [1])])
    kept, whole = counted(store)
    assert kept == whole
    assert kept[0][1:3] == (2, 2)


def test_how_sure_a_tracklet_is_comes_from_the_file(store):
    set_people(store, {(job("gate").key, 1): 4, (job("yard").key, 3): 4})
    with store.reading() as connection:
        found = tracklets_page(connection, 4)
        assert [(one.camera, one.track, one.distance, one.runner_up, one.sure) for one in found] == [
            ("gate", 1, 0.125, 99, True), ("yard", 3, 0.125, 99, False)
        ]  # fmt: skip
        assert connection.execute("SELECT unsure FROM people").fetchall() == [(1,)]
    set_people(store, {(job("gate").key, 1): 4})
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM tracklets WHERE runner_up > 0").fetchone() == (1,)


def as_somebody_else(call):
    """Whether `call` is true in a process without the rights of root, which may write everywhere.

    What fails there is said on stderr. Modules that root alone may read have to be imported before.
    """
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            os._exit(0 if call() else 1)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def open_path(monkeypatch):
    """A folder that every user of this machine can enter, which pytest's own is not, with the temporary files in it."""
    with tempfile.TemporaryDirectory() as made:
        path = Path(made)
        path.chmod(0o755)
        (path / "tmp").mkdir()
        (path / "tmp").chmod(0o777)
        monkeypatch.setattr(tempfile, "tempdir", str(path / "tmp"))
        yield path


class Said(logging.Handler):
    """Keeps what is logged, whatever else hears it."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_store_that_cannot_be_written_is_listed_and_searched(open_path, capfd):
    folder = open_path / "S"
    store = open_store(folder, create=True)
    write(store, job("gate"), [frame(1, [1, 2])])
    write(store, job("yard"), [frame(1, [3])])
    expected = list(store.search(vector(3), 2).tracklets.keys())
    assert len(store.shadows().shadow) == 3
    assert main(["store", str(folder)]) == 0  # without root's rights there may be none to import, either
    capfd.readouterr()
    shutil.rmtree(folder / "jobs" / job("gate").key)  # so that the index that is there is behind
    write(store, job("gate"), [frame(1, [1, 2])])
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    def found():
        said = Said()
        logging.getLogger("remix_track.store.index_file").addHandler(said)
        closed = open_store(folder)
        assert not os.access(folder, os.W_OK)
        assert list(closed.search(vector(3), 2).tracklets.keys()) == expected
        assert len(closed.shadows().shadow) == 3
        assert main(["store", str(folder)]) == 0
        return sum("its index is made in a temporary folder" in line for line in said.lines) == 2

    assert as_somebody_else(found), capfd.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert "3 tracklets" in capfd.readouterr().out
    folder.chmod(0o755)

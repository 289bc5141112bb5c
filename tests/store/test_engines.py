"""faiss finds what our own search finds; DuckDB counts what is in the files."""

import numpy as np
import pytest

from remix_track.store import search, sketch
from remix_track.store.sql import connect
from tests.store.frames import vector
from tests.store.test_index import set_people
from tests.store.test_search import filled, same

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("engines") / "it's S")


def test_faiss_gives_the_same_answers(store, monkeypatch):
    pytest.importorskip("faiss", reason="faiss-cpu is not installed")
    from remix_track.store.faiss_search import FaissSearch

    monkeypatch.setattr(search, "AT_ONCE", 0)
    monkeypatch.setattr(sketch, "CELL", 1)
    nearest = FaissSearch(store)
    assert nearest.index.ntotal == 3 * 2 * 23
    for person in range(1, 15):
        query = vector(person, 9)
        ours, theirs = store.search(query), nearest.search(query)
        same(ours, theirs)
        assert (ours.compared, ours.unlikely) == (theirs.compared, theirs.unlikely)
    assert len(nearest.search(query, top=1000)) == nearest.index.ntotal


def test_duckdb_counts_what_is_in_the_files(store):
    pytest.importorskip("duckdb", reason="duckdb is not installed")
    found = store.tracklets()
    first = found.keys().__next__()
    set_people(store, {first: 7})
    made = connect(store)
    counted = made.execute(
        "SELECT camera, count(*) FROM tracklets JOIN jobs USING (job) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert counted == [(name, int((found.camera == place).sum())) for place, name in enumerate(found.cameras)]
    assert made.execute("SELECT sum(boxes) FROM tracklets").fetchone() == (int(found.boxes.sum()),)
    assert made.execute("SELECT count(*) FROM tracks").fetchone() == (int(found.boxes.sum()),)
    assert made.execute("SELECT job, track FROM tracklets WHERE person = 7").fetchall() == [first]
    hours = made.execute(
        "SELECT date_trunc('hour', first_utc) AS hour, count(*) FROM tracklets GROUP BY hour ORDER BY hour"
    ).fetchall()
    assert [count for _, count in hours] == [72, 72]
    assert np.ptp([hour.timestamp() for hour, _ in hours]) == 3600

"""Findings: of runs and their truth, and of stores."""

import shutil

import pytest

from remix_track.store import open_store
from remix_track.store.archive.failures import Failures
from tests.server.conftest import MARKUP
from tests.server.drawn_store import Client, keys_of
from tests.server.run_folders import two_runs


@pytest.fixture
def runs(tmp_path):
    pytest.importorskip("starlette")
    return two_runs(tmp_path)


def test_nothing_is_wrong_with_files_in_order(runs, pages):
    text = Client(runs.a).get("/1/doctor").text
    assert "Nothing is wrong" in text
    assert str(runs.a / "tracks.txt") in text
    assert "--gt" in text
    with_truth = Client(runs.a, truth=runs.truth).get("/1/doctor").text
    assert "gt.txt" in with_truth
    assert "--gt" not in with_truth
    assert "no source failed" in pages.get("/1/doctor").text


def test_faults_of_a_run_and_of_its_truth_errors_first(runs):
    pages = Client(runs.a, truth=runs.truth)
    with (runs.a / "tracks.txt").open("a") as file:
        file.write("3,1,10,10,20,50,1,-1,-1,-1\n")
    truth = runs.truth / "gate" / "gt" / "gt.txt"
    truth.write_text(truth.read_text() + "5,77,1,1,0,50,1,-1,-1,-1\n")
    text = pages.get("/1/doctor").text
    assert "id 1 twice in frame 3" in text
    assert "a box without area" in text
    assert text.index("twice") < text.index("without area")
    assert "1 error" in text
    assert "1 warning" in text


def test_of_linked_runs_each_is_looked_at(runs):
    folder = runs.a.parent
    (folder / "link.json").write_text("{}")
    text = Client(folder).get("/1/doctor").text
    assert "Nothing is wrong" in text
    assert all(str(run / "tracks.txt") in text for run in (runs.a, runs.b))
    with (runs.b / "tracks.txt").open("a") as file:
        file.write("3,1,10,10,20,50,1,-1,-1,-1\n")
    assert "1 error" in Client(folder).get("/1/doctor").text


def test_a_truth_of_other_sequences_is_one_line(runs):
    (runs.truth / "gate").rename(runs.truth / "hall")
    shutil.copytree(runs.truth / "hall", runs.truth / "yard")
    text = Client(runs.a, truth=runs.truth).get("/1/doctor").text
    assert "none of its 2 sequences" in text


def test_damaged_jobs_and_sources_that_failed(store, tmp_path):
    copy = tmp_path / "store"
    shutil.copytree(store.path, copy)
    key = keys_of(store)["yard"]
    (copy / "jobs" / key / "vectors.npy").write_bytes(b"no array")
    failures = Failures(copy)
    failures.keep("k", MARKUP, "it is no video")
    (copy / "failed" / "x.json").write_text("{")
    assert failures.count() == 2
    assert [one.reason for one in failures.all(9)] == ["it is no video"]
    open_store(copy).rebuild()
    pages = Client(copy)
    text = pages.get("/1/doctor").text
    assert "it is no video" in text
    assert MARKUP not in text
    assert "vectors.npy" in text
    assert "2 errors" in text

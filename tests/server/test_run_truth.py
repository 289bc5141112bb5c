"""A run against its truth, and what the doctor says of both."""

import json

import pytest

from remix_track.errors import InputError
from remix_track.eval.api import evaluate
from remix_track.server.run_truth import issues_of, rules_of, score_of, truth_of
from remix_track.trackers.pipeline.recorded_run import read_recorded_run

INFO = "[Sequence]\nname=gate\nimWidth=200\nimHeight=100\nseqLength=10\nframeRate=10\n"


def text(ids, flag=1):
    return "".join(f"{frame},{id_},10,10,20,50,{flag},-1,-1,-1\n" for frame, id_ in enumerate(ids, 1) if id_)


@pytest.fixture
def run(tmp_path):
    """One person whose id changes in frame 6."""
    folder = tmp_path / "runs" / "gate"
    folder.mkdir(parents=True)
    (folder / "tracks.txt").write_text(text([1] * 5 + [2] * 5))
    part = {"files": ["tracks.txt"], "first_frame": 1, "last_frame": 10, "frames": 10, "width": 200, "height": 100}
    (folder / "summary.json").write_text(json.dumps({"source": {"path": "gate.mp4", "fps": 10.0}, "parts": [part]}))
    return read_recorded_run(folder)


@pytest.fixture
def truth(tmp_path):
    for name, ids in (("gate", [7] * 10), ("yard", [7] * 9 + [0])):
        (tmp_path / "data" / name / "gt").mkdir(parents=True)
        (tmp_path / "data" / name / "gt" / "gt.txt").write_text(text(ids))
        (tmp_path / "data" / name / "seqinfo.ini").write_text(INFO)
    return tmp_path / "data"


def test_a_folder_a_sequence_its_file_and_a_file_alone_are_the_same_truth(run, truth, tmp_path):
    alone = tmp_path / "truth.txt"
    alone.write_text(text([7] * 10))
    expected = evaluate(truth / "gate", run.folder)["COMBINED"]
    for given in (truth, truth / "gate", truth / "gate" / "gt" / "gt.txt", alone):
        scored = score_of(run, truth_of(given, run))
        assert scored.problem == ""
        assert scored.numbers == expected
        assert scored.switches == ((6, 7, 1, 2),)


def test_a_folder_without_that_sequence_is_refused(run, truth):
    (truth / "gate").rename(truth / "hall")
    with pytest.raises(InputError, match="none of its 2 sequences"):
        truth_of(truth, run)
    (truth / "yard").rename(truth.parent / "elsewhere")
    assert truth_of(truth, run).name == "hall", "the only one"


def test_rules_are_those_that_the_name_says(run, truth):
    (truth / "gate").rename(truth / "MOT17-02-SDP")
    assert rules_of(truth_of(truth / "MOT17-02-SDP", run)).name == "mot17"
    assert rules_of(truth_of(truth / "yard", run)).name == "data"


def test_the_doctor_tells_of_every_fault_errors_first(run, truth):
    (run.folder / "tracks.txt").write_text(text([1] * 5) + "3,1,10,10,20,50,1,-1,-1,-1\n99,1,0,0,0,5,1,-1,-1,-1\n")
    issues = issues_of(run, truth_of(truth, run))
    assert [one.severity for one in issues] == ["error", "error", "warning"]
    told = "\n".join(map(str, issues))
    assert "frame 99 of a sequence of 10 frames" in told
    assert "id 1 twice in frame 3" in told
    assert "without area" in told
    problem = score_of(run, truth_of(truth, run)).problem
    assert "frame 99" in problem
    assert "id 1 twice" in problem


def test_nothing_is_said_of_files_in_order(run, truth):
    assert issues_of(run) == []
    assert issues_of(run, truth_of(truth, run)) == []


def test_a_truth_that_is_no_text_is_a_problem_and_no_error(run, tmp_path):
    (tmp_path / "gt.bin").write_bytes(b"\x00\xff" * 50)
    truth = truth_of(tmp_path / "gt.bin", run)
    assert score_of(run, truth).problem
    assert issues_of(run, truth)[0].severity == "error"

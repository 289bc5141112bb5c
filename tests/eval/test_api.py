"""Scores from Python: those of the command, and errors that name what was asked for."""

import json
import logging

import pytest

from remix_track import InputError, mot_text
from remix_track.cli.main import main
from remix_track.eval import evaluate, score_sequence


def rows(*boxes):
    return "".join(f"{frame},{id_},{left},10,20,40,1,1,1\n" for frame, id_, left in boxes)


@pytest.fixture
def root(tmp_path):
    """Two sequences; in the second the result changes its id, and misses a box."""
    for name, found in (("A", [(1, 1, 10), (2, 1, 12), (3, 1, 14)]), ("B", [(1, 1, 10), (2, 2, 12)])):
        (tmp_path / "data" / name / "gt").mkdir(parents=True)
        (tmp_path / "data" / name / "gt" / "gt.txt").write_text(rows((1, 1, 10), (2, 1, 12), (3, 1, 14)))
        (tmp_path / "results").mkdir(exist_ok=True)
        (tmp_path / "results" / f"{name}.txt").write_text(rows(*found))
    return tmp_path


@pytest.mark.parametrize("protocol", ["devkit", "motmetrics", "raw"])
def test_scores_are_those_that_the_command_writes(root, protocol, capsys):
    scores = evaluate(root / "data", root / "results", protocol=protocol)
    assert capsys.readouterr() == ("", "")
    words = ["eval", "--data", str(root / "data"), "--results", str(root / "results"), "--protocol", protocol]
    assert main([*words, "--json", str(root / "scores.json")]) == 0
    written = json.loads((root / "scores.json").read_text())
    assert {key: scores["COMBINED"][key] for key in ("MOTA", "IDsw", "FN", "Frames")} == {
        key: written["COMBINED"][key] for key in ("MOTA", "IDsw", "FN", "Frames")
    }
    assert list(scores["sequences"]) == list(written["sequences"]) == ["A", "B"]
    assert scores["protocol"] == written["protocol"]


def test_a_sequence_alone_is_scored_as_among_others(root):
    truth, results = root / "data" / "B" / "gt" / "gt.txt", root / "results" / "B.txt"
    alone = score_sequence(truth, results)
    assert alone == evaluate(root / "data", root / "results")["sequences"]["B"]
    assert (alone["IDsw"], alone["FN"]) == (1, 1)
    assert alone["MOTA"] == pytest.approx(100 / 3)
    assert score_sequence(mot_text.read(truth), mot_text.read(results)) == alone
    assert score_sequence(truth, results, frames=5)["Frames"] == 5
    with pytest.raises(InputError, match="frame"):
        score_sequence(truth, results, frames=2)


def test_doubts_go_to_the_log(root, caplog):
    (root / "results" / "A.txt").write_text(rows((1, 1, 10), (2, 1, 12)).replace(",1,1,1\n", ",1,-1,-1,-1\n"))
    with caplog.at_level(logging.INFO):
        evaluate(root / "data", root / "results")
    assert [record.name for record in caplog.records] == ["remix_track.eval.api"] * len(caplog.records)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"benchmark": "mot71"}, "`benchmark` 'mot71' is not known; did you mean 'mot17'"),
        ({"protocol": "devkitt"}, "`protocol` 'devkitt' is not known; did you mean 'devkit'"),
        ({"benchmark": "mot17", "classes": [1]}, "`classes`: MOT17 says itself what counts"),
    ],
)
def test_what_is_not_known_is_named(root, wrong, message):
    with pytest.raises(InputError, match=message):
        evaluate(root / "data", root / "results", **wrong)

"""`remix-track tune`: what it tries, holds out and leaves; and the criterion that needs no labels."""

from dataclasses import replace

import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.detections import Detections
from remix_track.eval.metrics.agreement import agreement
from remix_track.settings import build, read_toml
from remix_track.trackers.pipeline.benchmark_cache import CachedFrame
from remix_track.trackers.pipeline.benchmark_sequence import _turned
from remix_track.trackers.settings import TrackSettings
from tests.cli.test_eval import write_sequence
from tests.mot_scenes import mot_rows

pytest.importorskip("optuna")


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c"):
        write_sequence(tmp_path / "own", name)
    return tmp_path / "own"


def tune(*words: str) -> int:
    return main(["tune", "--data", "own", "--weights", "none", *words])


def test_it_holds_out_a_clip_and_leaves_settings_that_can_be_used(own, tmp_path, capsys):
    assert tune("--held-out", "c", "--trials", "3", "--output", "t", "--agreement") == 0
    said = capsys.readouterr()
    assert "trial 1 of 3: HOTA" in said.err
    assert "(the defaults)" in said.err
    assert "rank correlation" in said.out
    assert "held out: IDF1 " in said.out
    made = build(TrackSettings, read_toml(tmp_path / "t" / "tuned.toml"), "t")
    assert made.association.tracker == "remix"
    words = ["eval", "--data", "own", "--weights", "none", "--config", "t/tuned.toml", "--quiet", "--jobs", "1"]
    assert main(words) == 0
    # An earlier search goes on; one over other clips does not.
    assert tune("--held-out", "c", "--trials", "4", "--output", "t", "--agreement") == 0
    assert capsys.readouterr().err.count("trial ") == 1
    assert tune("--held-out", "b", "--trials", "5", "--output", "t", "--agreement") == 2
    assert "a search over other clips or settings" in capsys.readouterr().err


def test_without_labels_the_agreement_of_both_directions_is_the_criterion(own, capsys):
    for name in ("a", "b", "c"):
        (own / name / "gt" / "gt.txt").unlink()
    assert tune("--trials", "2", "--criterion", "agreement", "--output", "t") == 0
    said = capsys.readouterr()
    assert "trial 2 of 2: agreement " in said.err
    assert "no clip was held out" in said.out
    assert tune("--trials", "2") == 2
    assert "with ground truth" in capsys.readouterr().err


def test_what_cannot_be_tuned_is_refused(own, capsys):
    for words, reason in (
        (["--tracker", "deep-sort"], "leave it out to tune remix"),
        (["--trials", "1"], "--trials = 1"),
        (["--held-out", "*"], "none is left to tune on"),
        (["--held-out", "d"], "did you mean"),
        (["--output", "own"], "no search to go on with"),
    ):
        assert tune(*words) == 2
        assert reason in capsys.readouterr().err


def test_agreement_counts_boxes_that_both_runs_give_to_one_person():
    frames = np.repeat(np.arange(1, 11), 2)
    ids = np.tile([1, 2], 10)
    tlwh = np.array([[100 * one, 10 * frame, 20, 40] for frame, one in zip(frames, ids, strict=True)], np.float64)
    forwards = mot_rows(frames, ids, tlwh)
    assert agreement(forwards, replace(forwards, id=3 - ids), 10, 0) == 100
    # A track that breaks in the middle for one of the two: a quarter of the boxes is no longer of one person.
    broken = replace(forwards, id=np.where((ids == 1) & (frames > 5), 7, ids))
    assert agreement(forwards, broken, 10, 0) == 75
    # Who reports half of the sure detections cannot agree beyond a half.
    half = forwards[ids == 1]
    assert agreement(half, half, 10, 20) == 50
    assert agreement(half, half[:0], 10, 20) == 0


def test_backwards_the_camera_moves_back_and_frames_count_on():
    nothing = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    moves = [None, np.array([[1.0, 0.1, 5], [-0.1, 1, -3]]), None, np.array([[2.0, 0, 1], [0, 2, 1]])]
    turned = list(_turned(iter([CachedFrame(5 + n, nothing, one) for n, one in enumerate(moves)])))
    assert [one.frame for one in turned] == [5, 6, 7, 8]
    assert turned[0].camera is None
    assert turned[2].camera is None
    point = np.array([30.0, 40.0, 1.0])
    for there, back in ((moves[3], turned[1].camera), (moves[1], turned[3].camera)):
        assert there is not None
        assert back is not None
        np.testing.assert_allclose(back @ [*(there @ point), 1.0], point[:2])

"""The bench of trackers on given boxes: what it gives, and how it ranks."""

import json

import numpy as np
import pytest

from remix_track.eval.benchmarks import PRESETS
from tests.bench.on_boxes.clips import Clip
from tests.bench.on_boxes.contestants import contestants
from tests.bench.on_boxes.given import GivenClip
from tests.bench.on_boxes.ours import track
from tests.bench.on_boxes.table import markdown, ranks
from tests.mot_scenes import mot_rows

NO_TRUTH = mot_rows([], [], [])


@pytest.fixture
def drawn(tmp_path):
    """A folder as `clips` writes it: one person in frames 1, 2 and 4 of 4, and another in frame 4."""
    frame = np.array([1, 2, 4, 4])
    xyxy = np.array([[0, 0, 10, 20], [1, 0, 11, 20], [3, 0, 13, 20], [50, 0, 60, 20]], np.float32)
    np.savez(tmp_path / "boxes.npz", frame=frame, xyxy=xyxy, score=np.full(4, 0.9, np.float32))
    np.savez(tmp_path / "vectors-drawn.npz", vectors=np.eye(4, dtype=np.float32))
    facts = {"fps": 25, "frames": 4, "width": 64, "height": 32, "stride": 1, "pictures": None}
    (tmp_path / "clip.json").write_text(json.dumps(facts))
    return GivenClip.read(tmp_path)


def test_each_frame_has_its_own_boxes_and_vectors(drawn):
    frames = list(drawn.seen("drawn"))
    assert [len(frame.score) for frame in frames] == [1, 1, 0, 2]
    assert frames[3].xyxy[:, 0].tolist() == [3, 50]
    assert np.argmax(frames[3].vectors, axis=1).tolist() == [2, 3]
    assert frames[0].image.shape == (32, 64, 3)
    assert all(frame.vectors is None for frame in drawn.seen(None))


def test_our_tracker_goes_by_the_boxes_it_is_given(drawn):
    lines = track(Clip("drawn", drawn, NO_TRUTH, PRESETS["data"]), None, {"n_init": 1}).splitlines()
    assert [line.split(",")[:2] for line in lines] == [["1", "1"], ["2", "1"], ["4", "1"], ["4", "2"]]


def test_equal_trackers_share_the_better_rank():
    assert ranks([3.0, 5.0, 5.0, 1.0]) == [3, 1, 1, 4]


def test_the_table_says_where_a_tracker_is_furthest_behind():
    scores = {
        "steady": {"a": {"HOTA": 50.0}, "b": {"HOTA": 60.0}},
        "uneven": {"a": {"HOTA": 53.0}, "b": {"HOTA": 51.0}},
    }
    rows = markdown(scores, ["a", "b"]).splitlines()[2:]
    assert rows == [
        "| steady | 50.0 (2) | 60.0 (1) | 55.00 | 1.5 | 3.0 on a |",
        "| uneven | 53.0 (1) | 51.0 (2) | 52.00 | 1.5 | 9.0 on b |",
    ]


def test_peers_take_part_where_they_can():
    everybody = {who.name: who.appearance for who in contestants("osnet", {}, ["boxmot", "roboflow", "ultralytics"])}
    assert everybody["remix-track, shipped weights"] == "default"
    assert everybody["BoxMOT StrongSORT"] == "osnet"
    assert everybody["roboflow SORT"] is None
    by_motion = [who.name for who in contestants(None, {"n_init": 2}, ["boxmot"])]
    assert by_motion[:2] == ["remix-track", "remix-track, n_init 2"]
    assert "BoxMOT StrongSORT" not in by_motion  # it needs vectors
    assert not any(name.startswith("roboflow") for name in by_motion)

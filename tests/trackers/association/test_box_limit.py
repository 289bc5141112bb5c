"""A frame may claim any number of boxes; what is tracked and matched stays bounded, and one line says so."""

import logging
from typing import Any, cast

import numpy as np
import pytest

from remix_track.detections import Detections
from remix_track.errors import InputError
from remix_track.eval.matching.pairs import overlapping_pairs
from remix_track.mot_text import MotRows
from remix_track.trackers.association.frame_detections import MOST_BOXES, BoxLimit
from remix_track.trackers.frame import Frame
from remix_track.trackers.pipeline.detect_and_embed import DetectAndEmbed, FrameProcessor
from remix_track.trackers.stage_clock import StageClock
from remix_track.trackers.tracker import Tracker


def _grid(count, score):
    """Boxes of 20x40 that do not overlap."""
    place = np.arange(count)
    left, top = 30.0 * (place % 100), 50.0 * (place // 100)
    return Detections(np.stack([left, top, left + 20, top + 40], axis=1), score, np.zeros(count, int))


class _Crowd:
    """A detector that finds the same crowd in each frame."""

    name, dropped = "crowd", 0

    def __init__(self, found):
        self._found = found

    def __call__(self, frame):
        return self._found


def test_all_boxes_stay_up_to_the_limit(caplog):
    limit = BoxLimit(3)
    assert limit.best(np.array([0.1, 0.9, 0.5]), 1).tolist() == [0, 1, 2]
    assert (limit.left_out, limit.said, caplog.messages) == (0, "", [])


def test_the_best_scores_stay_in_order_and_one_line_says_so(caplog):
    limit = BoxLimit(3)
    assert limit.best(np.array([0.5, 0.9, 0.5, 0.1, 0.5]), 7).tolist() == [0, 1, 2]
    assert limit.best(np.array([0.1, 0.2, 0.3, 0.4]), 8).tolist() == [1, 2, 3]
    assert limit.left_out == 3
    assert caplog.messages == [
        "frame 7: 5 boxes; only the 3 with the best scores are tracked, here and in other frames"
    ]


@pytest.mark.parametrize("extra", [0, 1])
def test_the_tracker_keeps_the_best_and_counts_rows_as_given(extra, caplog):
    count = MOST_BOXES + extra
    score = np.full(count, 0.9)
    score[0] = 0.8  # the weakest is the one too many
    tracker = Tracker("none", camera_motion=False)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            tracks = tracker.update(_grid(count, score))
    assert len(tracks) == MOST_BOXES
    assert sorted(tracks.detection.tolist()) == list(range(extra, count))
    assert len(caplog.messages) == extra


def test_every_detector_is_bounded_before_people_are_embedded(caplog):
    score = np.linspace(0.5, 0.9, MOST_BOXES + 10)
    limit, looked = BoxLimit(), []

    def embed(image, xyxy):
        looked.append(len(xyxy))
        return np.ones((len(xyxy), 2), np.float32)

    crowd, clock, embedder = _Crowd(_grid(len(score), score)), StageClock("detect", "embed"), cast(Any, embed)
    processors = [FrameProcessor(crowd, embedder, min_confidence=0.5, clock=clock, limit=limit) for _ in range(2)]
    frame = Frame(4, np.zeros((8, 8, 3), np.uint8), 0.0)
    for process in processors:
        found = process(frame)
        assert found.score.min() == np.float32(score[10])
    assert looked == [MOST_BOXES, MOST_BOXES]
    assert len(caplog.messages) == 1
    assert DetectAndEmbed(processors[0]).dropped == 20


def _rows(count, *, frames=1, apart=0.0):
    row = np.arange(count * frames)
    tlwh = np.stack([apart * (row % count), row * 0.0, row * 0.0 + 10, row * 0.0 + 10], axis=1)
    whole, ones = row % count + 1, np.ones(len(row))
    return MotRows(row // count + 1, whole, tlwh, ones, whole, ones, row + 1)


def test_a_frame_of_too_many_boxes_is_refused_before_any_pair_is_made(monkeypatch):
    monkeypatch.setattr("remix_track.eval.matching.pairs._LARGEST_FRAME", 100)
    monkeypatch.setattr("remix_track.eval.matching.pairs._overlap", None)
    with pytest.raises(InputError, match="frame 1: 10 ground-truth boxes against 11 results are too many to match"):
        overlapping_pairs(_rows(10), _rows(11))


def test_pairs_of_all_frames_together_are_bounded(monkeypatch):
    monkeypatch.setattr("remix_track.eval.matching.pairs._MOST_PAIRS", 100)
    monkeypatch.setattr("remix_track.eval.matching.pairs._BOXES_AT_ONCE", 10)
    assert len(overlapping_pairs(_rows(5, frames=4), _rows(5, frames=4))) == 100
    assert len(overlapping_pairs(_rows(50, apart=20), _rows(50, apart=20))) == 50
    with pytest.raises(InputError, match="more than 100 pairs of ground truth and results overlap up to frame 5"):
        overlapping_pairs(_rows(5, frames=6), _rows(5, frames=6))


def test_the_table_of_people_and_tracks_is_bounded(monkeypatch):
    from remix_track.eval.metrics.identity import _most_overlap

    person, track = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    monkeypatch.setattr("remix_track.eval.metrics.identity._LARGEST_TABLE", 4)
    assert _most_overlap(person, track, 2, 2) == 2
    monkeypatch.setattr("remix_track.eval.metrics.identity._LARGEST_TABLE", 3)
    with pytest.raises(InputError, match="2 people against 2 tracks"):
        _most_overlap(person, track, 2, 2)

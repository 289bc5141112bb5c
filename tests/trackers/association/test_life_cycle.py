"""When tracks are confirmed: both sides of each number, and what is asked at other frame rates."""

import numpy as np
import pytest

from remix_track.detections import Detections
from remix_track.trackers.association.life_cycle import ByCount, ByScore, frames_to_confirm
from remix_track.trackers.tracker import Tracker

NOTHING = np.empty((0, 0, 3), np.uint8)


def first_reported(*scores, fps=30.0, **changes):
    """The frame, from 1, in which a person detected with these scores is reported first; None: never."""
    tracker = Tracker("none", fps=fps, **changes)
    for frame, score in enumerate(scores, 1):
        if len(tracker.update(Detections([[100, 100, 140, 200]], [score], [0]), NOTHING).ids):
            return frame
    return None


@pytest.mark.parametrize(
    ("scores", "frame"),
    [
        ((0.9, 0.9, 0.9), 2),  # 1.8 of 3 x 0.6
        ((0.89, 0.9, 0.9), 3),
        ((0.5, 0.5, 0.5, 0.7), 4),
        ((0.5, 0.5, 0.5, 0.69, 0.69), None),  # never once 0.7
        ((0.7,), None),  # two frames at least
    ],
)
def test_sure_tracks_are_confirmed_sooner_and_unsure_ones_later(scores, frame):
    assert first_reported(*scores) == frame


def test_by_count_it_is_the_third_frame_whatever_the_scores():
    for score in (0.5, 0.69, 0.99):
        assert first_reported(*[score] * 5, confirm_by_score=False) == 3
        assert first_reported(*[score] * 5, tracker="deep-sort") == 3


def test_scores_are_measured_from_min_confidence():
    assert first_reported(*[0.49] * 5, min_confidence=0.3) is None  # 0.5 is asked for once
    assert first_reported(*[0.5] * 5, min_confidence=0.3) == 3  # and 3 x 0.4, which are 1.2


@pytest.mark.parametrize(("scores", "frame"), [((0.5,), 1), ((0.4999, 0.4999), None)])
def test_n_init_one_confirms_at_once(scores, frame):
    assert first_reported(*scores, n_init=1) == frame


@pytest.mark.parametrize(
    ("n_init", "fps", "frames"),
    [(3, 60, 3), (3, 30, 3), (3, 15.01, 3), (3, 15, 2), (3, 1, 2), (1, 1, 1), (2, 5, 2), (5, 15, 3), (5, 7, 2)],
)
def test_it_takes_no_longer_where_frames_are_further_apart(n_init, fps, frames):
    assert frames_to_confirm(n_init, fps) == frames


@pytest.mark.parametrize(("fps", "frame"), [(30, 3), (10, 2)])
def test_a_tracker_of_ten_frames_a_second_confirms_by_two(fps, frame):
    assert first_reported(*[0.7] * 4, fps=fps) == frame
    assert first_reported(*[0.7] * 4, fps=fps, confirm_by_score=False) == frame


def test_rules_take_many_tracks_at_once():
    hits, total, best = np.array([1, 2, 3, 4]), np.array([0.9, 1.8, 1.5, 2.4]), np.array([0.9, 0.9, 0.5, 0.7])
    assert ByCount(3)(hits, total, best).tolist() == [False, False, True, True]
    assert ByScore(3, 0.5)(hits, total, best).tolist() == [False, True, False, True]


@pytest.mark.parametrize(("n_init", "frames"), [(3, 30), (2, 20)])
def test_low_scores_throughout_confirm_in_the_end(n_init, frames):
    hits = np.array([frames - 1, frames])
    assert ByScore(n_init, 0.5)(hits, hits * 0.55, np.full(2, 0.55)).tolist() == [False, True]

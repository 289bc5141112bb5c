"""What innovations say of a track: formulas against loops, both sides of their numbers, what tracks make of it."""

import numpy as np
import pytest

from remix_track.detections import Detections
from remix_track.trackers.association.kalman import lag_share, noise_factor, with_innovation
from remix_track.trackers.tracker import Tracker

NOTHING = np.empty((0, 0, 3), np.uint8)


def kept_after(*innovations):
    """What one track keeps after innovations, each a number for all four coordinates or four numbers."""
    kept = np.zeros((1, 3, 4))
    for innovation in innovations:
        kept = with_innovation(kept, np.full((1, 4), innovation, np.float64))
    return kept


def factor(kept):
    return noise_factor(kept, lag_share(kept))


def test_means_are_those_of_a_loop():
    given = np.random.default_rng(0).normal(size=(30, 2, 4))
    kept = np.zeros((2, 3, 4))
    for innovation in given:
        kept = with_innovation(kept, innovation)
    for track in range(2):
        for coordinate in range(4):
            square = product = last = 0.0
            for value in given[:, track, coordinate].tolist():
                square = 0.9 * square + 0.1 * value**2
                product = 0.9 * product + 0.1 * value * last
                last = value
            assert kept[track, :, coordinate] == pytest.approx([last, square, product])


def test_a_track_that_has_just_begun_is_as_the_model_says():
    kept = np.zeros((3, 3, 4))
    assert lag_share(kept).tolist() == [0, 0, 0]
    assert factor(kept).tolist() == [1, 1, 1]


def test_trembling_is_no_lag_and_drifting_is():
    assert lag_share(kept_after(*[2, -2] * 10)).tolist() == [0]
    assert factor(kept_after(*[2, -2] * 10)).tolist() == [1]
    assert lag_share(kept_after(*[2] * 20)).tolist() == [1]
    assert factor(kept_after(*[2] * 60)) == pytest.approx(4, abs=0.02)


@pytest.mark.parametrize(("product", "share"), [(0.26, 1.0), (0.25, 1.0), (0.24, 0.96), (0.0, 0.0), (-0.1, 0.0)])
def test_a_correlation_of_a_fourth_is_a_lag_as_a_whole(product, share):
    kept = np.stack([np.zeros(4), np.ones(4), np.full(4, product)])[None]
    assert lag_share(kept) == pytest.approx([share])


@pytest.mark.parametrize(("square", "expected"), [(0.5, 1), (1, 1), (1.1, 1.1), (99, 99), (100, 100), (101, 100)])
def test_noise_is_multiplied_by_one_to_a_hundred(square, expected):
    kept = np.stack([np.zeros(4), np.full(4, square), np.full(4, square)])[None].astype(float)
    assert factor(kept) == pytest.approx([expected])


def test_a_steady_coordinate_does_not_make_up_for_another():
    kept = np.stack([np.zeros(4), [5, 0, 0, 0], [5, 0, 0, 0]])[None].astype(float)
    assert factor(kept) == pytest.approx([2])


def boxes(middles, *, tremble=0.0):
    rng = np.random.default_rng(1)
    for middle in middles:
        left, top, right, bottom = np.array([middle - 20, 100, middle + 20, 200]) + rng.normal(0, tremble + 1e-9, 4)
        yield Detections([[left, top, right, bottom]], [0.9], [0])


def offs(middles, *, tremble=0.0, last_score=0.9, **changes):
    """How far the reported centre is from where somebody is, in every frame from the third on, and the ids."""
    tracker, off, ids = Tracker("none", fps=30, **changes), [], set()
    for number, (middle, seen) in enumerate(zip(middles, boxes(middles, tremble=tremble), strict=True), 1):
        score = last_score if number == len(middles) else 0.9
        tracks = tracker.update(Detections(seen.xyxy, [score], [0]), NOTHING)
        ids |= set(tracks.ids.tolist())
        off += [float(xyxy[[0, 2]].mean() - middle) for xyxy in tracks.xyxy]
    return np.array(off), ids


SWING = 300 + 60 * np.sin(np.arange(90) / 5)
"""Somebody runs to and fro, 12 pixels a frame at most."""


def test_who_turns_is_reported_where_they_are_detected():
    with_it, without = offs(SWING)[0], offs(SWING, lag_correction=False)[0]
    assert np.abs(with_it[30:]).mean() < 0.4 * np.abs(without[30:]).mean()


@pytest.mark.parametrize(("score", "drawn"), [(0.5, True), (0.4999, False)])
def test_an_unsure_detection_draws_no_box(score, drawn):
    """Half hidden people have low scores, and boxes that end where they are hidden."""
    with_it = offs(SWING[:40], last_score=score)[0]
    without = offs(SWING[:40], last_score=score, lag_correction=False)[0]
    assert (abs(with_it[-1]) < 0.5 * abs(without[-1])) == drawn


def test_trembling_boxes_are_smoothed_as_before():
    still = np.full(300, 300.0)
    with_it, without = offs(still, tremble=2.0)[0], offs(still, tremble=2.0, lag_correction=False)[0]
    assert np.abs(with_it).mean() < 1.1 * np.abs(without).mean()


@pytest.mark.parametrize(("changes", "kept"), [({}, True), ({"adaptive_noise": False}, False)])
def test_who_runs_to_and_fro_keeps_the_id(changes, kept):
    """Ever further, up to 17 pixels a frame where the box is 40 wide; the model of constant velocity alone loses it."""
    swing = 300 + 100 * np.minimum(1, np.arange(150) / 60) * np.sin(np.arange(150) / 6)
    assert (offs(swing, **changes)[1] == {1}) == kept

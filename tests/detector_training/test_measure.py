"""Recall, precision and average precision of detections."""

import math

import numpy as np
import pytest

from remix_track.detector_training.measure import Tally

PEOPLE = np.array([[0, 0, 10, 30], [50, 0, 60, 30]], np.float32)
NOBODY = np.zeros((0, 4), np.float32)


def tally(boxes, scores, people=PEOPLE, unknown=NOBODY):
    made = Tally()
    made.add(np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), people, unknown)
    return made


def test_each_person_is_found_once_by_the_surest():
    made = tally([[0, 0, 10, 30], [0, 1, 10, 30], [90, 0, 99, 30]], [0.6, 0.9, 0.3])
    found = made.found(0.5)
    assert (found.recall, found.precision) == (0.5, 0.5)
    assert made.found(0.7).precision == 1
    assert made.found(0.95).recall == 0
    assert math.isnan(made.found(0.95).precision)
    assert found.average == 0.5


def test_average_precision_takes_the_best_precision_at_each_recall():
    made = tally([[0, 0, 10, 30], [90, 0, 99, 30], [50, 0, 60, 30]], [0.9, 0.8, 0.7])
    assert made.found(0).average == pytest.approx((1 + 2 / 3) / 2)


def test_what_lies_on_someone_unknown_counts_as_nothing():
    made = tally([[50, 0, 60, 30], [0, 0, 10, 30]], [0.9, 0.8], PEOPLE[:1], PEOPLE[1:])
    assert (made.found(0).recall, made.found(0).precision) == (1, 1)


def test_without_people_there_is_nothing_to_recall():
    made = tally([[0, 0, 10, 30]], [0.9], NOBODY)
    assert math.isnan(made.found(0).recall)
    assert made.found(0).precision == 0
    assert made.calibration() == (1, 0)
    assert math.isnan(Tally().found(0).average)


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (2.5, -1.0), (0.5, 0.7)])
def test_calibration_finds_the_line_by_which_scores_lie(slope, offset):
    rng = np.random.default_rng(0)
    made = Tally()
    for odds in rng.normal(0, 1.5, 4000):
        right = rng.random() < 1 / (1 + math.exp(-(slope * odds + offset)))
        box = PEOPLE[:1] if right else PEOPLE[:1] + 500
        made.add(box, np.array([1 / (1 + math.exp(-odds))]), PEOPLE[:1], NOBODY)
    assert made.calibration() == pytest.approx((slope, offset), abs=0.15)

"""The clock adds up, keeps the order, and counts a stage that failed."""

import math

import pytest

from remix_track.trackers.stage_clock import StageClock


@pytest.fixture
def hand(monkeypatch):
    """A clock hand that the test moves."""
    now = [100.0]
    monkeypatch.setattr("remix_track.trackers.stage_clock.time.perf_counter", lambda: now[0])
    return now


def test_stages_add_up_in_the_order_they_were_named(hand):
    clock = StageClock("read", "detect", "write")
    for seconds in (0.25, 0.75):
        with clock("detect"):
            hand[0] += seconds
        with clock("read"):
            hand[0] += 0.5
    with clock("draw"):
        hand[0] += 2
    assert list(clock.seconds.items()) == [("read", 1.0), ("detect", 1.0), ("write", 0.0), ("draw", 2.0)]
    assert clock.milliseconds_per_frame(4) == {"read": 250.0, "detect": 250.0, "write": 0.0, "draw": 500.0}


def test_a_stage_that_fails_counts(hand):
    clock = StageClock()
    with pytest.raises(KeyError), clock("detect"):
        raise KeyError(hand.append(hand.pop() + 3))
    assert clock.seconds == {"detect": 3.0}


def test_no_frames_have_no_mean():
    assert math.isnan(StageClock("read").milliseconds_per_frame(0)["read"])

"""Two runs on one clock."""

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.server.recording import Boxes, Medium, Recording
from remix_track.server.run_pair import MOST_BOXES, RunClock, clocks_of, common_frames, compare


def run(ids, *, first=1, stride=1, fps=10.0, size=(200, 100), left=10.0):
    """One person who stands still, by the id in each frame; 0: no box. `fps` is that of the source."""
    places = np.flatnonzero(ids)
    box = np.array([left, 10, left + 20, 60], np.float32) * size[0] / 200
    frame = first + stride * places
    seconds = (frame - 1) / fps
    boxes = Boxes(frame, seconds, np.array(ids)[places], np.tile(box, (len(places), 1)), np.zeros(len(places), bool))
    last = first + stride * (len(ids) - 1)
    return Recording(
        key="1-tracks", title="a.mp4", camera="a", width=size[0], height=size[1], fps=fps / stride, first_frame=first,
        last_frame=last, first_seconds=(first - 1) / fps, last_seconds=(last - 1) / fps, start=None, medium=Medium(),
        boxes=boxes.between,
    )  # fmt: skip


def pairs(a, b):
    places_a, places_b = common_frames(*clocks_of(a, b))
    return list(zip(places_a.tolist(), places_b.tolist(), strict=True))


def told(marks):
    return [(round(one.seconds, 6), one.frame, one.change.kept, one.change.old, one.change.new) for one in marks]


def test_of_one_source_frames_of_the_same_number_stand_beside_each_other():
    assert pairs(run([1] * 5), run([1] * 3)) == [(0, 0), (1, 1), (2, 2)]
    assert pairs(run([1] * 5), run([1] * 5, first=3)) == [(2, 0), (3, 1), (4, 2)]


def test_every_third_frame_has_its_own_beside_it():
    thinned = run([1] * 3, stride=3)
    assert pairs(run([1] * 8), thinned) == [(0, 0), (3, 1), (6, 2)]
    assert pairs(thinned, run([1] * 8)) == [(0, 0), (1, 3), (2, 6)]


def test_too_many_boxes_are_not_even_read():
    def boxes(begin, end):
        raise AssertionError("they were read")

    many = dataclasses.replace(run([1] * 5), number_of_boxes=MOST_BOXES + 1, boxes=boxes)
    with pytest.raises(InputError, match="at most 10,000,000 can be compared"):
        compare(run([1] * 5), many)


@pytest.mark.parametrize(("fps", "other"), [(25, 30), (30, 29.97), (24, 60)])
def test_other_rates_pair_the_nearest_and_none_twice(fps, other):
    a, b = RunClock(1, 1, 300, fps), RunClock(1, 1, 300, other)
    places_a, places_b = common_frames(a, b)
    assert len(set(places_a.tolist())) == len(set(places_b.tolist())) == len(places_a) > 100
    apart = np.abs(a.seconds()[places_a] - b.seconds()[places_b])
    assert apart.max() <= min(a.step, b.step) / 2 + 1e-9
    # Against a loop: each frame of the slower one has the nearest of the faster one.
    slow, fast = (a, b) if a.step > b.step else (b, a)
    slow_places = places_a if slow is a else places_b
    fast_places = places_b if slow is a else places_a
    for place, near in zip(slow_places.tolist(), fast_places.tolist(), strict=True):
        gaps = np.abs(fast.seconds() - slow.seconds()[place])
        assert gaps[near] == pytest.approx(gaps.min(), abs=1e-9)


def test_a_change_is_told_in_seconds_and_frames_of_the_source():
    found = compare(run([1] * 6, first=11), run([5, 5, 5, 5, 8, 8], first=11))
    assert told(found.in_b) == [(1.4, 15, 1, 5, 8)]
    assert (found.in_a, found.frames, found.matched, found.reason) == ((), 6, 6, "")


def test_a_change_in_a_slower_run_of_half_the_size():
    found = compare(run([1] * 9), run([5, 7, 7], stride=3, size=(100, 50)))
    assert told(found.in_b) == [(0.3, 4, 1, 5, 7)]
    assert (found.frames, found.matched) == (3, 3)


def test_two_cameras_that_know_the_time_of_day_are_on_its_clock():
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    a = dataclasses.replace(run([1] * 20), start=noon)
    b = dataclasses.replace(run([1] * 20), start=noon + timedelta(seconds=1.5))
    assert pairs(a, b) == [(15 + place, place) for place in range(5)]
    assert [clock.begin for clock in clocks_of(b, a)] == [1.5, 0.0]
    assert pairs(a, dataclasses.replace(b, start=None)) == [(place, place) for place in range(20)]
    late = dataclasses.replace(run([1] * 10, first=11), start=noon)
    assert clocks_of(late, late)[0].begin == pytest.approx(1.0), "of one source its own seconds stay"
    tomorrow = dataclasses.replace(a, start=noon + timedelta(days=1))
    assert pairs(a, tomorrow) == [(place, place) for place in range(20)], "without a common time likewise"
    touching = dataclasses.replace(a, start=noon + timedelta(seconds=2))
    assert clocks_of(a, touching)[1].offset == 0
    assert clocks_of(a, dataclasses.replace(a, start=noon + timedelta(seconds=1.9)))[1].offset == pytest.approx(1.9)


def test_views_of_other_shape_or_other_places_are_not_compared():
    assert "not the same view" in compare(run([1] * 4), run([1, 2, 1, 2], size=(200, 150))).reason
    other = compare(run([1] * 4), run([1, 2, 1, 2], left=120.0))
    assert "two views" in other.reason
    assert other.in_b == ()
    assert compare(run([1] * 4), run([0] * 4)).reason == "", "no rows at all are no other view"
    assert "no frame" in compare(run([1] * 4), run([1] * 4, first=100)).reason


@pytest.mark.parametrize("seconds", [1e-6, 1e9])
def test_rates_that_cannot_be_are_refused(seconds):
    with pytest.raises(InputError, match="frames a second"):
        RunClock.of(dataclasses.replace(run([1] * 3), last_seconds=seconds))


def test_a_recording_that_claims_a_billion_frames_is_refused():
    claimed = dataclasses.replace(run([1] * 3), last_frame=10**9, last_seconds=1e8)
    with pytest.raises(InputError, match="at most"):
        RunClock.of(claimed)
    assert RunClock.of(run([1])).frames == 1

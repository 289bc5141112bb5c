"""Counts of people and tracklets over time, against a loop over steps."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.store import open_store
from remix_track.store.presence_counts import counts_between, counts_of
from tests.store.frames import frame, job, write


def counted(stretches, begin, end, step):
    first, last, person = np.array(stretches, np.int64).reshape(-1, 3).T
    found = counts_between(first, last, person, begin, end, step)
    return found.tracklets.tolist(), found.people.tolist()


def test_a_stretch_counts_in_every_step_that_it_touches():
    # first and last moment are part of it: 10 lies in the second step, 9 in the first
    assert counted([(3, 9, 1), (3, 10, 2)], 0, 30, 10) == ([2, 1, 0], [2, 1, 0])


def test_a_person_in_two_tracklets_of_a_step_is_one_and_strangers_are_not_people():
    assert counted([(0, 4, 1), (5, 12, 1), (6, 7, 0)], 0, 20, 10) == ([3, 1], [1, 1])


@pytest.mark.parametrize(
    ("first", "last", "there"), [(-5, -1, [0, 0]), (-5, 0, [1, 0]), (19, 40, [0, 1]), (20, 40, [0, 0])]
)
def test_what_lies_outside_is_cut_off(first, last, there):
    assert counted([(first, last, 3)], 0, 20, 10) == (there, there)


def test_the_last_step_may_end_later():
    assert counted([(24, 29, 1)], 0, 25, 10) == ([0, 0, 1], [0, 0, 1])


@pytest.mark.parametrize(("end", "step"), [(0, 1), (10, 0), (10, -1), (10_001, 1)])
def test_no_time_and_too_many_steps_are_refused(end, step):
    with pytest.raises(InputError, match="steps of time"):
        counted([], 0, end, step)
    assert counted([], 0, 10_000, 1)[0] == [0] * 10_000


@pytest.mark.parametrize("seed", range(4))
def test_against_a_loop(seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(-50, 400, 200)
    last = first + rng.integers(0, 120, 200)
    person = rng.integers(0, 12, 200)
    begin, end, step = 7, 310, 13
    tracklets, people = counted(list(zip(first, last, person, strict=True)), begin, end, step)
    for place in range(len(tracklets)):
        low = begin + place * step
        there = [row for row in range(200) if last[row] >= low and first[row] < low + step]
        assert tracklets[place] == len(there)
        assert people[place] == len({person[row] for row in there} - {0})


def test_of_a_store_by_the_clock(tmp_path):
    store = open_store(tmp_path / "store", create=True)
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)
    frames = [frame(n, [1, 2] if n <= 30 else [1], utc=noon + timedelta(seconds=(n - 1) / 10)) for n in range(1, 51)]
    write(store, job("gate", start=noon), frames)
    write(store, job("yard"), [frame(n, [1]) for n in range(1, 21)])
    begin = round(noon.timestamp() * 1000)
    found = counts_of(store.tracklets(), begin, begin + 6000, 1000)
    assert found.tracklets.tolist() == [2, 2, 2, 1, 1, 0], "that of the yard has no time of day"
    assert found.people.tolist() == [0] * 6
    assert found.begin.tolist() == [begin + 1000 * second for second in range(6)]

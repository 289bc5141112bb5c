"""The slab of galleries against plain lists, and distances of appearance against every pair compared."""

from collections import deque

import numpy as np
import pytest
from numpy.typing import NDArray

from remix_track.trackers.association.appearance_memory import FreeRows, Gallery
from remix_track.trackers.association.frame_detections import unit_rows
from remix_track.trackers.association.settings import DeepSortSettings
from tests.deep_sort_scenes import deep_sort, frame_of, memory, person


def units(rng: np.random.Generator, count: int, width: int = 8) -> NDArray[np.float32]:
    return unit_rows(rng.normal(size=(count, width)).astype(np.float32))


@pytest.mark.parametrize("budget", [1, 3, 20, None])
def test_remembers_what_plain_lists_remember(budget):
    rng = np.random.default_rng(0)
    galleries, free, naive = Gallery(budget), FreeRows(), dict[int, deque[NDArray[np.float32]]]()
    for _ in range(400):
        begun = free.take(int(rng.integers(0, 4)))
        galleries.open(begun)
        for row in begun.tolist():
            assert row not in naive
            naive[row] = deque(maxlen=budget)
        rows = np.array([row for row in naive if rng.random() < 0.7], np.intp)
        vectors = units(rng, len(rows))
        galleries.add(rows, vectors)
        for row, vector in zip(rows.tolist(), vectors, strict=True):
            naive[row].append(vector)
        ended = [row for row in naive if rng.random() < 0.04]
        free.release(np.array(ended, np.intp))
        for row in ended:
            del naive[row]
    live = np.array(list(naive), np.intp)
    assert len(live) > 20
    assert galleries.sizes(live).tolist() == [len(naive[row]) for row in live.tolist()]
    held = [row for row in naive if naive[row]]
    np.testing.assert_array_equal(galleries.newest(np.array(held)), [naive[row][-1] for row in held])
    queries = units(rng, 5)
    for row in held:
        np.testing.assert_array_equal(np.sort(galleries.vectors(row), axis=0), np.sort(np.stack(naive[row]), axis=0))
        nearest = [min(1 - float(np.dot(query, vector)) for vector in naive[row]) for query in queries]
        np.testing.assert_allclose(galleries.distances(row, queries), nearest, atol=1e-6)


def test_rows_of_ended_tracks_are_used_again():
    rng = np.random.default_rng(0)
    galleries, free = Gallery(10), FreeRows()
    for _ in range(200):
        rows = free.take(30)
        galleries.open(rows)
        galleries.add(rows, units(rng, 30))
        assert galleries.sizes(rows).tolist() == [1] * 30
        free.release(rows)
    assert len(galleries._slab) < 64


@pytest.mark.parametrize("by", ["end_tracks", "max_age"])
def test_ended_tracks_leave_their_rows_to_others(by):
    tracker = deep_sort(DeepSortSettings(max_age=1, n_init=1))
    for number in range(100):
        tracker.update(frame_of(person(0), person(500), embedding=np.eye(2, 8), class_id=[number, number]))
        if by == "end_tracks":
            tracker.end_tracks()
    assert tracker.update(frame_of(person(900), embedding=np.ones(8))).ids.tolist() == [201]
    assert len(memory(tracker)._slab) < 64


@pytest.mark.parametrize("limit", [0.05, 0.3, 0.9])
def test_distances_decide_as_the_smallest_distance_does(limit):
    rng = np.random.default_rng(1)
    galleries, rows = Gallery(6), np.arange(30)
    galleries.open(rows)
    people = rng.normal(size=(30, 8))
    for _ in range(9):
        galleries.add(rows, unit_rows((people + rng.normal(scale=0.6, size=people.shape)).astype(np.float32)))
    queries = unit_rows(people[:25].astype(np.float32))
    asked = (rng.random((30, 25)) < 0.015) | (np.eye(30, 25, dtype=np.bool_) & (rng.random(25) < 0.7))
    track, column = np.nonzero(asked)
    distance = galleries.pair_distances_within(limit, rows[track], queries, column)
    whole = np.array([galleries.distances(rows[t], queries[[c]]).item() for t, c in zip(track, column, strict=True)])
    np.testing.assert_array_equal(distance <= limit, whole <= limit)
    alone = (asked.sum(axis=1)[track] == 1) & (asked.sum(axis=0)[column] == 1)
    np.testing.assert_allclose(distance[~alone], whole[~alone], atol=1e-6)
    assert (distance >= whole - 1e-6).all()
    assert 5 < alone.sum() < len(track) - 5


def test_a_pair_in_nobody_s_way_is_compared_with_the_whole_gallery_where_the_newest_vector_is_too_far():
    galleries, rows = Gallery(100), np.arange(1)
    galleries.open(rows)
    for vector in np.eye(4, dtype=np.float32):
        galleries.add(rows, vector[None])
    first, pair = np.eye(4, dtype=np.float32)[:1], np.zeros(1, np.intp)
    assert galleries.pair_distances_within(0.2, rows, first, pair).item() == 0


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([3, 4], [0.6, 0.8]),
        ([3e30, 4e30], [0.6, 0.8]),
        ([3e-30, 4e-30], [0.6, 0.8]),
        ([0, 0], [0, 0]),
        ([np.nan, 1], [0, 0]),
        ([np.inf, 1], [0, 0]),
    ],
)
def test_unit_rows(row, expected):
    given = np.array([[1, 0], row], np.float32)
    before = given.copy()
    np.testing.assert_allclose(unit_rows(given), [[1, 0], expected], rtol=1e-6)
    np.testing.assert_array_equal(given, before)

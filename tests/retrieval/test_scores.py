"""Intervals, acceptance and pairs of cameras against loops."""

import math

import numpy as np
import pytest

from remix_track.data.crop_set import DISTRACTOR, JUNK
from remix_track.retrieval.ranking import Labelled, best_matches, dot_products, rank_gallery
from remix_track.retrieval.scores import (
    ROUNDS,
    accepted_pairs,
    accepted_share,
    between_cameras,
    camera_pairs,
    centred,
    judge,
    mean_interval,
)


def scene(seed=0, pictures=120, people=9, cameras=3, width=6):
    random = np.random.default_rng(seed)
    identity = random.integers(0, people, pictures)
    vectors = random.normal(size=(people, width))[identity] + random.normal(size=(pictures, width))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    identity[random.random(pictures) < 0.05] = JUNK
    identity[random.random(pictures) < 0.05] = DISTRACTOR
    return Labelled(vectors.astype(np.float32), identity, random.integers(0, cameras, pictures))


def part(of, rows):
    return Labelled(of.vectors[rows], of.identity[rows], of.camera[rows])


def test_the_interval_draws_whole_people():
    random = np.random.default_rng(1)
    people = np.repeat(np.arange(12), random.integers(1, 9, 12))
    values = np.repeat(random.random(12), np.bincount(people))
    values[3] = np.nan
    low, high = mean_interval(values, people)
    assert low < np.nanmean(values) < high
    drawn = []
    for _ in range(ROUNDS):
        chosen = np.concatenate([values[people == who] for who in random.integers(0, 12, 12)])
        drawn.append(np.nanmean(chosen))
    np.testing.assert_allclose((low, high), np.quantile(drawn, (0.025, 0.975)), atol=0.02)
    # As if every query were a person of its own: narrower, because queries of one person are not independent.
    narrow = mean_interval(values, np.arange(len(values)))
    assert narrow[1] - narrow[0] < 0.8 * (high - low)


def test_one_person_has_no_interval_and_none_has_none():
    assert mean_interval(np.array([0.2, 0.6]), np.array([4, 4])) == pytest.approx((0.4, 0.4))
    assert all(map(math.isnan, mean_interval(np.array([np.nan]), np.array([1]))))


def test_the_interval_is_the_same_twice_and_wider_for_a_larger_share():
    values, people = np.linspace(0, 1, 40), np.repeat(np.arange(10), 4)
    assert mean_interval(values, people) == mean_interval(values, people)
    wide, narrow = mean_interval(values, people, share=0.99), mean_interval(values, people, share=0.5)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_acceptance_lets_in_as_many_false_pairs_as_allowed_and_no_more():
    different = np.linspace(0, 0.99, 100)
    assert accepted_share(np.array([0.985, 0.975]), different, 0.01) == 0.5  # 0.99 may pass, 0.98 may not
    assert accepted_share(np.array([0.985, 0.975]), different, 0.02) == 1.0
    assert accepted_share(np.array([0.98]), different, 0.01) == 0.0  # as alike as a pair that must stay out
    assert math.isnan(accepted_share(np.array([1.0]), different, 0.009))  # one of a hundred is too many
    assert math.isnan(accepted_share(np.array([]), different, 0.5))


@pytest.mark.parametrize("seed", range(3))
def test_acceptance_in_blocks_equals_a_loop_over_pairs(seed):
    query, gallery = scene(seed, pictures=300), scene(seed + 50)
    same: list[float] = []
    different: list[float] = []
    for q in range(len(query)):
        for g in range(len(gallery)):
            if query.camera[q] == gallery.camera[g] or JUNK in (query.identity[q], gallery.identity[g]):
                continue
            one_person = query.identity[q] == gallery.identity[g] >= 0
            (same if one_person else different).append(float(query.vectors[q] @ gallery.vectors[g]))
    expected = [accepted_share(np.array(same), np.array(different), share) for share in (0.1, 0.01)]
    np.testing.assert_allclose(accepted_pairs(query, gallery, (0.1, 0.01)), expected, atol=2e-3)


def test_pairs_of_cameras_are_searches_of_their_own():
    query, gallery = scene(2, pictures=60), scene(3)
    found = camera_pairs(query, gallery)
    assert set(found) == {(a, b) for a in range(3) for b in range(3) if a != b}
    for (one, other), (precision, count) in found.items():
        asked, where = query.camera == one, gallery.camera == other
        there = asked & np.isin(query.identity, gallery.identity[where]) & (query.identity >= 0)
        expected = rank_gallery(part(query, there), part(gallery, where))
        assert (precision, count) == (expected.mean_average_precision, expected.evaluated)
        assert count == there.sum()


def test_a_set_searched_in_itself_is_searched_in_the_other_cameras():
    whole = scene(4, cameras=2)
    alike = between_cameras(dot_products(whole, whole), whole, whole)
    average = rank_gallery(whole, whole, alike).average_precision
    for camera in (0, 1):
        asked = np.asarray(whole.camera == camera)
        expected = rank_gallery(part(whole, asked), part(whole, ~asked)).average_precision
        np.testing.assert_allclose(average[asked], expected)
    shown = best_matches(whole, whole, np.arange(10), count=100, similarity=alike)
    cameras = whole.camera[shown]
    assert (cameras != whole.camera[:10, None])[shown >= 0].all()
    assert (shown < 0).any()


def test_what_is_told_of_a_search_and_what_not_of_a_re_ranked_one():
    whole = scene(5)
    told = judge(whole, whole).summary(("a", "b", "c"))
    assert told["map_interval"][0] < told["map"] < told["map_interval"][1]
    assert set(told["accepted"]) == {"0.01", "0.001"}
    assert {"query": "a", "gallery": "b"}.items() <= told["camera_pairs"][0].items()
    other = judge(whole, whole, by_vectors=False).summary(("a", "b", "c"))
    assert other["map"] == told["map"]
    assert other["camera_pairs"] == []
    assert all(map(math.isnan, other["accepted"].values()))


def test_centring_counts_pictures_once_whether_they_are_one_set_or_two():
    whole = scene(6)
    half = np.arange(len(whole)) % 2 == 0
    parts = part(whole, half), part(whole, ~half)
    one, same = centred(whole, whole, one_set=True)
    assert one is same
    first, second = centred(*parts, one_set=False)
    np.testing.assert_allclose(first.vectors, one.vectors[half], atol=1e-6)
    np.testing.assert_allclose(second.vectors, one.vectors[~half], atol=1e-6)
    assert (second.identity == whole.identity[~half]).all()

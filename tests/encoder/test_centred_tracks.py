"""Tracks of several videos without their cameras, and how near strangers come."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from remix_track.encoder.camera_centring import CameraCentring
from remix_track.encoder.centred_tracks import centre_videos
from remix_track.encoder.stranger_distance import FEWEST_PAIRS, stranger_distance, unlikely_distance
from remix_track.track_means import TrackMeans
from tests.encoder.test_camera_centring import scene


def video(mean, first=None):
    count = len(mean)
    begins = np.arange(1, count + 1) if first is None else np.asarray(first)
    return TrackMeans(np.arange(1, count + 1), begins, begins + 3, np.full(count, 4), np.asarray(mean, np.float32))


def videos(shared=12, alone=0, seed=0, cameras=2):
    vectors, camera, person = scene(shared, alone, seed=seed, cameras=cameras)
    rows = [np.flatnonzero(camera == one) for one in range(cameras)]
    return [video(vectors[one]) for one in rows], [person[one] for one in rows]


def test_each_video_is_a_camera_and_keeps_its_facts():
    made, _ = videos(shared=8, alone=3)
    centred = centre_videos(made)
    vectors = np.concatenate([one.mean for one in made])
    camera = np.repeat([0, 1], [len(one) for one in made])
    expected = CameraCentring.of(vectors, camera)
    np.testing.assert_allclose(np.concatenate([one.mean for one in centred.videos]), expected.tracks(vectors))
    assert centred.max_distance == stranger_distance(expected.tracks(vectors), camera)
    assert centred.kept == pytest.approx([expected.kept[camera == one].mean() for one in (0, 1)])
    for before, after in zip(made, centred.videos, strict=True):
        assert before.facts() == after.facts()
    np.testing.assert_array_equal(centred.stranger(vectors), expected.stranger(vectors))


def test_the_light_is_followed_by_time_and_not_by_the_order_of_ids():
    (first, second), _ = videos(shared=9)
    order = np.random.default_rng(0).permutation(len(first))
    shuffled = TrackMeans(first.ids, first.first_frame[order], first.last_frame[order], first.count, first.mean[order])
    plain, other = centre_videos([first, second]), centre_videos([shuffled, second])
    np.testing.assert_allclose(other.videos[0].mean, plain.videos[0].mean[order], atol=1e-6)


@pytest.mark.parametrize(
    "made",
    [
        [],
        [video(np.eye(16)[:9])],
        [video(np.eye(16)[:4]), video(np.eye(16)[:4])],  # sixteen pairs
        [video(np.eye(16)[:9]), video(np.empty((0, 16)))],
        [video(np.eye(16)[:9]), video(np.zeros((4, 16)))],
    ],
)
def test_what_cannot_be_calibrated_stays_as_it_is(made):
    centred = centre_videos(made)
    assert centred.max_distance is None
    assert set(centred.kept) <= {0.0}
    for before, after in zip(made, centred.videos, strict=True):
        assert after is before
    query = np.eye(16, dtype=np.float32)[:1]
    if made:
        np.testing.assert_array_equal(centred.stranger(query), query)


def test_twenty_pairs_are_enough_and_fewer_are_not():
    vectors, camera = strangers(5)
    assert stranger_distance(vectors[:9], camera[:9]) is not None
    assert FEWEST_PAIRS == 5 * 4
    vectors[0] = 0  # a track without appearance makes no pairs
    assert stranger_distance(vectors[:9], camera[:9]) is None


def strangers(count, seed=0):
    """So many people before each of two cameras, nobody twice, spread as centred vectors are."""
    vectors = np.random.default_rng(seed).normal(size=(2 * count, 32))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), np.repeat([0, 1], count)


def test_a_stranger_is_within_the_distance_of_one_track_in_ten():
    shares = []
    for seed in range(12):
        vectors, camera = strangers(40, seed)
        limit = stranger_distance(vectors, camera, false_share=0.1)
        distances = 1 - vectors[camera == 0] @ vectors[camera == 1].T
        shares.append((distances.min(axis=1) <= limit).mean())
    assert 0.02 < np.mean(shares) < 0.25


def test_the_distance_by_its_formula_and_how_it_moves():
    vectors, camera = strangers(15)
    pairs = [1 - float(vectors[i] @ vectors[j]) for i in range(30) for j in range(i) if camera[i] != camera[j]]
    median, above = np.quantile(pairs, (0.5, NormalDist().cdf(1)))
    limit = stranger_distance(vectors, camera, false_share=0.1)
    assert limit == pytest.approx(median + NormalDist().inv_cdf(0.1 / 15) * (above - median), abs=1e-6)
    wider = stranger_distance(vectors, camera, false_share=0.5)
    assert limit is not None
    assert wider is not None
    assert wider > limit
    # A third of the people come by the other camera too, which moves the lower half of the distances alone.
    vectors[15:20] = vectors[:5]
    again = stranger_distance(vectors, camera, false_share=0.1)
    assert again == pytest.approx(limit, abs=0.06)


def test_what_is_unlikely_for_strangers():
    random = np.random.default_rng(0)
    distances = 1 + 0.1 * random.normal(size=100_000)
    for strangers, share in ((1, 0.1), (50, 0.1), (50, 0.5)):
        limit = unlikely_distance(distances, strangers, false_share=share)
        assert limit is not None
        within = [(1 + 0.1 * random.normal(size=strangers) <= limit).sum() for _ in range(4000)]
        assert np.mean(within) == pytest.approx(share, abs=0.2 * share)
    assert unlikely_distance(distances[:19], 5) is None
    assert unlikely_distance(distances[:20], 5) is not None


@pytest.mark.parametrize(("shared", "alone"), [(20, 0), (10, 15)])
def test_people_are_linked_between_cameras_that_differ(shared, alone):
    def right(made, people, limit):
        """F1 of the pairs that are at most `limit` apart."""
        near = 1 - made[0].mean @ made[1].mean.T <= limit
        same = people[0][:, None] == people[1]
        return 2 * (near & same).sum() / (near.sum() + same.sum())

    before, after = [], []
    for seed in range(4):
        made, people = videos(shared, alone, seed)
        centred = centre_videos(made)
        assert centred.max_distance is not None
        before.append(max(right(made, people, limit) for limit in np.linspace(0, 1, 101)))
        after.append(right(centred.videos, people, centred.max_distance))
    assert np.mean(after) > 0.6
    assert np.mean(after) > np.mean(before) + 0.1, "against the best of all distances of vectors as they are"


def test_an_unknown_camera_is_compared_with_all_alike():
    made, people = videos(shared=30)
    centred = centre_videos(made)
    query = made[0].mean  # of the first camera, but that is not known
    alike = [query @ np.concatenate([one.mean for one in made]).T]
    alike.append(centred.stranger(query) @ np.concatenate([one.mean for one in centred.videos]).T)
    first = []
    for one in alike:
        one[np.arange(30), np.arange(30)] = -math.inf  # not the track itself
        first.append((np.concatenate(people)[one.argmax(axis=1)] == people[0]).mean())
    assert first[1] > first[0] + 0.2

"""Groups from sums and near pairs are those of agglomeration on all pairs; presence and centring as written."""

import numpy as np
import pytest

from remix_track.encoder.camera_centring import CameraCentring
from remix_track.store import nearest as nearest_module
from remix_track.store.centring import Centring, camera_blocks
from remix_track.store.groups import Groups
from remix_track.store.identification import Limits, is_sure
from remix_track.store.nearest import nearest, pairs_within
from remix_track.store.people_means import PeopleMeans
from remix_track.store.presence import Presence, Whereabouts
from remix_track.track_means import TrackMeans, unit
from remix_track.trackers.linking.across_videos import join_tracks


def presence(job, start, end, *, camera=None, clock=None, overlapping=(), window=np.inf):
    job = np.array(job, np.int64)
    camera = job if camera is None else np.array(camera)
    clock = 1 + job if clock is None else np.array(clock)
    together = np.eye(int(camera.max()) + 1, dtype=bool)
    for one, other in overlapping:
        together[one, other] = together[other, one] = True
    return Presence(job, camera, clock, np.array(start, float), np.array(end, float), together, window)


def excluded(*arguments, **others):
    """Whether rows 0 and 1 cannot be one person."""
    made = presence(*arguments, **others)
    first, second = Whereabouts.of(made, [0]), Whereabouts.of(made, [1])
    assert first.excludes(second, made) == second.excludes(first, made)
    return first.excludes(second, made)


def test_a_person_is_at_one_place_at_a_time():
    assert excluded([0, 0], [0, 5], [5, 9])  # a job: also in one frame
    assert not excluded([0, 0], [0, 5.1], [5, 9])
    assert not excluded([0, 1], [0, 0], [9, 9])  # two clocks
    assert excluded([0, 1], [0, 5], [7.1, 9], clock=[0, 0])
    assert not excluded([0, 1], [0, 5], [7, 9], clock=[0, 0])  # two seconds may be the clocks
    assert not excluded([0, 1], [0, 0], [9, 9], clock=[0, 0], overlapping=[(0, 1)])
    assert not excluded([0, 1], [0, 0], [9, 9], clock=[0, 0], camera=[0, 0])  # pieces of one recording
    assert excluded([0, 1], [0, 70], [9, 99], clock=[0, 0], window=60)
    assert not excluded([0, 1], [0, 69], [9, 99], clock=[0, 0], window=60)
    assert not excluded([0, 1], [0, 999], [9, 999], window=60)  # of other clocks nothing is known


def test_a_group_is_excluded_where_one_of_it_is():
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 300, 60)
    made = presence(rng.integers(0, 3, 60), start, start + rng.exponential(5, 60), clock=np.zeros(60, int))
    for _ in range(40):
        rows = rng.permutation(60)[:12]
        one, other = rows[:5], rows[5:]
        pairs = [made.exclude(int(row), other).any() for row in one]
        groups = Whereabouts.of(made, one), Whereabouts.of(made, other)
        assert groups[0].excludes(groups[1], made) == any(pairs) == groups[1].excludes(groups[0], made)


@pytest.mark.parametrize("limit", [0.1, 0.3, 0.6, 0.9])
def test_the_same_groups_as_on_all_pairs(limit):
    rng = np.random.default_rng(round(100 * limit))
    people = unit(rng.normal(size=(8, 6)))
    videos = []
    for _ in range(3):
        mean = unit(people[rng.integers(0, 8, 20)] + 0.2 * rng.normal(size=(20, 6))).astype(np.float32)
        first = rng.integers(0, 100, 20)
        videos.append(TrackMeans(np.arange(20), first, first + rng.integers(0, 9, 20), np.ones(20, int), mean))
    expected = np.concatenate(join_tracks(videos, limit))

    mean = np.concatenate([one.mean for one in videos])
    job = np.repeat([0, 1, 2], 20)
    first, last = (np.concatenate([getattr(one, name) for one in videos]) for name in ("first_frame", "last_frame"))
    made = presence(job, first, last)
    rows = {number: [number] for number in range(60)}

    def join(kept, gone):
        rows[kept] += rows.pop(gone)

    groups = Groups(
        dict(enumerate(mean)),
        dict.fromkeys(range(60), 1),
        may_join=lambda *two: not Whereabouts.of(made, rows[two[0]]).excludes(Whereabouts.of(made, rows[two[1]]), made),
        on_join=join,
    )
    groups.join([pair for pair in pairs_within(mean, mean, limit, 60) if pair[0] != pair[1]], limit)
    found = {frozenset(one) for one in rows.values()}
    assert found == {frozenset(np.flatnonzero(expected == number).tolist()) for number in set(expected.tolist())}
    assert 5 < len(found) < 60


def test_the_nearest_in_blocks(monkeypatch):
    monkeypatch.setattr(nearest_module, "BLOCK", 7)
    rng = np.random.default_rng(1)
    rows, columns = rng.normal(size=(10, 4)).astype(np.float32), rng.normal(size=(23, 4)).astype(np.float32)
    distance = 1 - rows @ columns.T
    number, far = nearest(rows, columns, 5)
    assert number.tolist() == np.argsort(distance, axis=1, kind="stable")[:, :5].tolist()
    np.testing.assert_allclose(far, np.sort(distance, axis=1)[:, :5], rtol=1e-6)
    assert set(pairs_within(rows, columns, 0.5, 30)) == set(zip(*np.nonzero(distance <= 0.5), strict=True))
    assert nearest(rows, columns[:3], 5)[0].shape == (10, 3)


def test_centring_in_blocks_is_that_of_all_at_once():
    rng = np.random.default_rng(2)
    camera = rng.integers(0, 3, 90)
    vectors = unit(rng.normal(size=(90, 5)) + 2 * rng.normal(size=(3, 5))[camera]).astype(np.float32)
    vectors[[4, 50]] = 0
    order = np.argsort(camera, kind="stable")
    expected = np.zeros_like(vectors)
    expected[order] = CameraCentring.of(vectors[order], camera[order]).tracks(vectors[order])
    blocks = camera_blocks(camera, np.zeros(90, np.int64), np.arange(90.0))
    centring = Centring.fit(blocks, camera, lambda rows: vectors[rows], 5)
    found = np.zeros_like(vectors)
    for rows in blocks:
        found[rows] = centring.block(vectors[rows])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(found - vectors).max() > 0.3
    last = np.flatnonzero(camera == 1)[-1:]
    np.testing.assert_allclose(centring.camera(vectors[last], 1), found[last], atol=1e-6)
    # Of an unknown camera only what all have in common is known.
    np.testing.assert_allclose(centring.camera(vectors[last], None), unit(vectors[last] - centring.mean), atol=1e-6)


def test_one_camera_is_left_as_it_is():
    vectors = unit(np.random.default_rng(3).normal(size=(9, 4))).astype(np.float32)
    blocks = camera_blocks(np.zeros(9, np.int64), np.zeros(9, np.int64), np.arange(9.0))
    centring = Centring.fit(blocks, np.zeros(9, np.int64), lambda rows: vectors[rows], 4)
    np.testing.assert_allclose(centring.block(vectors), vectors, atol=1e-6)


def test_means_grow_and_lose_people():
    means, expected = PeopleMeans(3), dict[int, np.ndarray]()
    rng = np.random.default_rng(4)
    for number in range(1, 150):
        vector = rng.normal(size=3).astype(np.float32)
        means.add(number, vector)
        means.add(number, vector, 3)
        expected[number] = vector / 2
    for number in (1, 77, 149):
        total, count = means.remove(number)
        np.testing.assert_allclose(total / count, expected.pop(number), rtol=1e-6)
    assert sorted(means.numbers.tolist()) == sorted(expected)
    for number, mean in zip(means.numbers.tolist(), means.means(), strict=True):
        np.testing.assert_allclose(mean, expected[number], rtol=1e-6)


def test_sure_is_who_is_twice_as_near_as_the_next():
    limits, nan = Limits(0.3, 0.5), float("nan")
    assert is_sure(0.2, 0.4, limits)
    assert not is_sure(0.21, 0.4, limits)
    assert is_sure(0.2, nan, limits)
    assert is_sure(nan, 0.51, limits)
    assert not is_sure(nan, 0.5, limits)

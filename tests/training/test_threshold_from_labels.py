"""The tracker's threshold against a naive loop."""

import numpy as np
import pytest

from remix_track.training.threshold_from_labels import calibrate


def scene(people=6, cameras=2, takes=3, spread=0.5, seed=0):
    random = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), cameras * takes)
    camera = np.tile(np.repeat(np.arange(cameras), takes), people)
    vectors = random.normal(size=(people, 8))[identity] + spread * random.normal(size=(len(identity), 8))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    order = random.permutation(len(identity))
    return unit[order], identity[order], camera[order]


def naive(unit, identity, camera):
    same: list[float] = []
    other: list[float] = []
    for i in range(len(unit)):
        nearest: dict[int, float] = {}
        for j in range(len(unit)):
            if i != j and camera[i] == camera[j] and identity[i] >= 0 and identity[j] >= 0:
                distance = 1 - float(unit[i] @ unit[j])
                nearest[identity[j]] = min(distance, nearest.get(identity[j], 9))
        for person, distance in nearest.items():
            (same if person == identity[i] else other).append(distance)
    return np.array(same), np.array(other)


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_the_threshold_is_the_one_at_which_least_goes_wrong(spread):
    unit, identity, camera = scene(spread=spread)
    identity[:3] = -1
    same, other = naive(unit, identity, camera)
    found = calibrate(unit, identity, camera)
    assert found is not None
    assert (found.crops, found.pairs) == (len(same), len(other))
    assert found.missed == pytest.approx((same > found.max_cosine_distance).mean())
    assert found.accepted == pytest.approx((other <= found.max_cosine_distance).mean())
    best = min((same > t).mean() + (other <= t).mean() for t in np.concatenate([same, other]) + 1e-9)
    assert found.missed + found.accepted == pytest.approx(best)


def test_people_who_are_well_apart_leave_nothing_wrong():
    found = calibrate(*scene(spread=0.01))
    assert found is not None
    assert found.missed == found.accepted == 0
    assert 0.001 < found.max_cosine_distance < 0.5


def test_without_pairs_there_is_no_threshold():
    unit, identity, camera = scene()
    assert calibrate(unit, np.arange(len(unit)), camera) is None
    assert calibrate(unit, np.zeros_like(identity), camera) is None
    assert calibrate(unit, np.full_like(identity, -1), camera) is None

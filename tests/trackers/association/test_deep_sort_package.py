"""The same answers as deep-sort-realtime with its gallery fault mended: ids, states and counts equal, boxes to 1e-6."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from deep_sort_realtime.deep_sort.linear_assignment import matching_cascade, min_cost_matching
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyah, xyxy_from_tlwh
from remix_track.detections import Detections
from remix_track.trackers.association.assignment import IMPOSSIBLE, assign, cascade
from remix_track.trackers.association.settings import DeepSortSettings
from tests.deep_sort_scenes import crowd, deep_sort, mended_package, package_tracks, street, table


def detections_of(rows: NDArray[np.float64], looks: NDArray[np.float64]) -> Detections:
    """MOT text rows as detections."""
    xyxy, people = xyxy_from_tlwh(rows[:, 2:6]).astype(np.float32), np.zeros(len(rows), np.int64)
    return Detections(xyxy, np.ones(len(rows), np.float32), people, looks.astype(np.float32))


def package_state(tracks: list[Any]) -> list[tuple[int, bool, int, int, int]]:
    return [(int(t.track_id), t.is_confirmed(), t.hits, t.age, t.time_since_update) for t in tracks]


def assert_same_answers(scene: Iterable[Detections], *, max_age: int = 30, **options: Any) -> int:
    """Run both over a scene and compare all they hold after every frame; gives the number of tracks begun."""
    package = mended_package(max_age=max_age, **options)
    adapter = deep_sort(DeepSortSettings(max_age=max_age, min_confidence=0, match_classes=False, **options))
    begun = 0
    for frame, detections in enumerate(scene):
        theirs = package_tracks(package, detections)
        adapter.update(detections)
        ours = table(adapter)
        names = ("number", "confirmed", "hits", "age", "time_since_update")
        assert list(zip(*(ours[name].tolist() for name in names), strict=True)) == package_state(theirs), frame
        if theirs:
            # A track in its first frame is float32 in the package, so its boxes are made from the means here.
            means = np.stack([track.mean.astype(np.float64) for track in theirs]).reshape(-1, 2, 4)
            np.testing.assert_allclose(ours["mean"], means, rtol=0, atol=1e-6)
            boxes, expected = tlwh_from_xyah(ours["mean"][:, 0]), tlwh_from_xyah(means[:, 0])
            np.testing.assert_allclose(boxes, expected, rtol=0, atol=1e-6)
            begun = max(begun, int(theirs[-1].track_id))
    return begun


@pytest.mark.parametrize("seed", range(8))
def test_a_crowd(seed):
    people = (3, 8, 20, 40)[seed % 4]
    options: dict[str, Any] = [{}, {"nn_budget": 5}, {"max_cosine_distance": 0.08}, {"n_init": 2}][seed // 2]
    begun = assert_same_answers(crowd(80, people, seed=seed, area=300 + 60 * people**0.5), **options)
    assert begun > people


def test_people_in_lanes_who_give_way_to_others():
    assert assert_same_answers(street(250, people=8, width=16, seed=4)) > 8


def test_a_frame_without_detections_and_a_crowd_that_appears_at_once():
    nobody = Detections.empty().with_embedding(np.empty((0, 16), np.float32))
    scene = list(crowd(40, 30, seed=9, area=500))
    assert_same_answers([*scene[:10], nobody, nobody, *scene[10:20], *[nobody] * 35, *scene[20:]])


def test_mot17_09_with_the_original_features(shared):
    found = np.load(shared("data/deep-sort-reference/MOT17-09-FRCNN.npy"), allow_pickle=False)
    frames = [found[found[:, 0] == frame] for frame in range(1, 526)]
    scene = [detections_of(rows, rows[:, 10:]) for rows in frames]
    assert assert_same_answers(scene[:200]) > 10


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["MOT17-02-FRCNN", "MOT17-04-FRCNN", "MOT17-09-DPM", "MOT17-13-FRCNN"])
def test_mot17_with_drawn_features(shared, name):
    found = np.loadtxt(shared("data/mot17/train") / name / "det" / "det.txt", delimiter=",")
    rng = np.random.default_rng(0)
    # Looks that change with the place in the image, so that neighbours are alike and nothing is certain.
    waves, noise = rng.normal(scale=0.01, size=(2, 32)), rng.normal(scale=0.3, size=(len(found), 32))
    looks = 0.3 + np.sin(found[:, 2:4] @ waves) + noise
    frames = [found[:, 0] == frame for frame in range(1, int(found[:, 0].max()) + 1)]
    assert assert_same_answers(detections_of(found[rows], looks[rows]) for rows in frames) > 50


@pytest.mark.parametrize("seed", range(30))
def test_assign_is_the_package_s_min_cost_matching(seed):
    rng = np.random.default_rng(seed)
    cost = rng.random((12, 9)) if seed % 2 else rng.choice([0.1, 0.2, 0.3, IMPOSSIBLE], size=(12, 9))
    rows, columns = rng.permutation(12)[: rng.integers(0, 13)], rng.permutation(9)[: rng.integers(0, 10)]
    matches, _, free = min_cost_matching(lambda *part: cost[np.ix_(*part[2:])], 0.25, None, None, rows, columns)
    ours = assign(cost, 0.25, rows, columns)
    assert list(zip(*(part.tolist() for part in ours[:2]), strict=True)) == matches
    assert ours[2].tolist() == list(free)


@pytest.mark.parametrize("seed", range(10))
def test_cascade_is_the_package_s(seed):
    rng = np.random.default_rng(seed)
    cost, ages = rng.random((20, 15)), rng.integers(1, 8, size=20)
    tracks = [SimpleNamespace(time_since_update=age) for age in ages.tolist()]
    matches, _, free = matching_cascade(lambda *part: cost[np.ix_(*part[2:])], 0.2, 30, tracks, range(15))
    ours = cascade(cost, 0.2, np.arange(20), ages, np.arange(15))
    assert list(zip(*(part.tolist() for part in ours[:2]), strict=True)) == matches
    assert ours[2].tolist() == list(free)

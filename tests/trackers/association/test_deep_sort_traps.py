"""The traps of deep-sort-realtime 1.3.2. Each test shows the bare package in the trap, and the adapter out of it.

When an `assert` under "the package" fails after an upgrade, the package has been mended: the way around it can go.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from remix_track.detections import Detections
from remix_track.trackers.association.settings import DeepSortSettings
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import (
    bare_package,
    deep_sort,
    frame_of,
    memory,
    package_boxes,
    package_tracks,
    person,
    table,
    with_released_gallery,
)

FRONT, BACK = np.eye(8, dtype=np.float32)[:2]


def remembered(adapter: Tracker) -> list[NDArray[np.float32]]:
    """The vectors that each track holds."""
    return [memory(adapter).vectors(row) for row in table(adapter)["memory"].tolist()]


def distinct(vectors) -> int:
    return len(np.unique(np.round(np.asarray(vectors), 6), axis=0))


def test_a_lost_track_keeps_its_hundred_distinct_vectors():
    rng = np.random.default_rng(0)
    look = rng.normal(size=64)
    frames = [frame_of(person(100), embedding=look + rng.normal(scale=0.05, size=64)) for _ in range(150)]
    frames += [Detections.empty().with_embedding(np.empty((0, 64), np.float32))] * 60

    package = bare_package(max_age=90)
    for detections in frames:
        package_tracks(package, detections)
    assert distinct(package.tracker.metric.samples["1"]) < 50

    adapter = deep_sort(DeepSortSettings(max_age=90))
    for detections in frames:
        adapter.update(detections)
    assert distinct(remembered(adapter)[0]) == 100


def test_a_person_who_comes_back_as_seen_at_first_keeps_the_id():
    frames = [frame_of(person(100), embedding=FRONT)] * 60 + [frame_of(person(100), embedding=BACK)] * 60
    frames += [Detections.empty().with_embedding(np.empty((0, 8), np.float32))] * 20
    frames += [frame_of(person(100), embedding=FRONT)] * 5

    package = bare_package()
    for detections in frames:
        tracks = package_tracks(package, detections)
    assert "1" not in package_boxes(tracks), "the package has forgotten the front"

    adapter = deep_sort()
    for detections in frames:
        people = adapter.update(detections)
    assert people.ids.tolist() == [1]


def test_released_keeps_the_fault_for_comparison():
    frames = [frame_of(person(100), embedding=FRONT)] * 60 + [frame_of(person(100), embedding=BACK)] * 60
    adapter = with_released_gallery(deep_sort())
    for detections in frames:
        adapter.update(detections)
    assert distinct(remembered(adapter)[0]) == 1


def test_rows_stay_together_when_a_box_has_no_area():
    frame = frame_of(person(50, width=0), person(100), person(500), embedding=np.eye(3))

    package = bare_package()
    for _ in range(3):
        tracks = package_tracks(package, frame)
    left = next(track for track in tracks if track.to_ltwh()[0] < 300)
    assert left.get_feature().tolist() == [1, 0, 0], "the vector of the box without area, moved to its neighbour"

    adapter = deep_sort()
    for _ in range(3):
        people = adapter.update(frame)
    assert people.detection.tolist() == [1, 2]
    np.testing.assert_allclose(people.xyxy, frame.xyxy[1:], atol=1e-3)
    assert people.embedding is not None
    assert people.embedding.tolist() == [[0, 1, 0], [0, 0, 1]]


def test_a_frame_without_people_is_a_frame():
    with pytest.raises(Exception, match="embeddings must be given"):
        bare_package().update_tracks([])

    adapter = deep_sort(DeepSortSettings(max_age=5))
    for _ in range(3):
        adapter.update(frame_of(person(100), embedding=FRONT))
    for _ in range(6):
        assert len(adapter.update(Detections.empty())) == 0
    assert not len(table(adapter)), "empty frames count towards max_age"


@pytest.mark.parametrize("poison", [0.0, np.nan, np.inf])
def test_a_vector_of_zeros_or_nan_is_no_appearance(poison):
    good = frame_of(person(100), person(300), embedding=np.stack([FRONT, BACK]))
    bad = frame_of(person(100), person(300), embedding=np.stack([np.full(8, poison), BACK]))

    package = bare_package()
    for _ in range(4):
        package_tracks(package, good)
    with pytest.raises(ValueError, match="invalid numeric"), np.errstate(all="ignore"):
        package_tracks(package, bad)

    adapter = deep_sort()
    for _ in range(4):
        adapter.update(good)
    for _ in range(4):
        people = adapter.update(bad)
    assert people.ids.tolist() == [1, 2]
    assert people.embedding is not None
    assert people.embedding[0].tolist() == [0] * 8
    assert [len(vectors) for vectors in remembered(adapter)] == [4, 8]


def test_a_long_lost_track_never_shows_a_box_turned_inside_out():
    # Somebody sinks behind a wall: the height is predicted to shrink on, through zero.
    sinking = [frame_of(person(100, height=200 - 12 * i), embedding=FRONT) for i in range(12)]
    nobody = Detections.empty().with_embedding(np.empty((0, 8), np.float32))

    package = bare_package(max_age=60)
    heights = []
    for detections in sinking + [nobody] * 50:
        heights += [track.to_ltwh()[3] for track in package_tracks(package, detections)]
    assert min(heights) < 0

    adapter = deep_sort(DeepSortSettings(max_age=60, max_coast=60))
    for detections in sinking:
        adapter.update(detections)
    coasting = [adapter.update(nobody) for _ in range(50)]
    assert len(coasting[0]) == 1
    assert len(coasting[-1]) == 0
    for people in coasting:
        assert np.isfinite(people.xyxy).all()
        assert (people.xyxy[:, 2:] > people.xyxy[:, :2]).all()
    assert np.isfinite(table(adapter)["mean"]).all()


def test_ids_are_integers_from_1_that_false_alarms_do_not_burn():
    def frames():
        for i in range(20):
            alarm = [person(400 + 90 * i % 1500)] if i % 2 == 0 else []
            yield frame_of(*alarm, *([person(100)] if i >= 5 else []), embedding=np.ones((len(alarm) + (i >= 5), 2)))

    package = bare_package()
    for detections in frames():
        tracks = package_tracks(package, detections)
    assert list(package_boxes(tracks)) == ["4"]

    for _ in range(2):
        adapter = deep_sort()
        for detections in frames():
            people = adapter.update(detections)
        assert people.ids.tolist() == [1], "another video, from 1 again"
        assert people.ids.dtype == np.int64


def test_a_person_does_not_become_a_car():
    walking = frame_of(person(100), embedding=FRONT, class_id=[0])
    driving = frame_of(person(100), embedding=FRONT, class_id=[2])

    package = bare_package()
    for detections in [walking] * 5 + [driving] * 5:
        tracks = package_tracks(package, detections)
    assert [(track.track_id, track.get_det_class()) for track in tracks] == [("1", 2)]

    adapter = deep_sort()
    for detections in [walking] * 5 + [driving] * 5:
        people = adapter.update(detections)
    assert people.ids.tolist() == [2]
    assert people.class_id.tolist() == [2]

    blind = deep_sort(DeepSortSettings(match_classes=False))
    for detections in [walking] * 5 + [driving] * 5:
        people = blind.update(detections)
    assert (people.ids.tolist(), people.class_id.tolist()) == ([1], [2])


def test_what_was_returned_does_not_change_later():
    frames = [frame_of(person(100 + 5 * i), embedding=FRONT) for i in range(20)]

    package = bare_package()
    returned = [package.update_tracks([([100 + 5 * i, 100, 40, 100], 0.9, 0)], embeds=[FRONT]) for i in range(20)]
    assert returned[5][0] is returned[-1][0]
    assert returned[5][0].to_ltwh()[0] > 190, "the package's track of frame 6 stands where frame 20 is"

    adapter = deep_sort()
    people = [adapter.update(detections) for detections in frames]
    assert abs(people[5].xyxy[0, 0] - 125) < 5
    kept = frames[19].xyxy.copy()
    people[19].xyxy[:] = 0
    assert (frames[19].xyxy == kept).all()
    assert adapter.update(frames[19]).xyxy[0, 0] > 190


def test_memory_of_a_track_is_bounded_by_default():
    rng = np.random.default_rng(0)
    frames = [frame_of(person(100), embedding=FRONT + rng.normal(scale=0.02, size=8)) for _ in range(400)]

    package = bare_package(nn_budget=None)  # the package's default
    for detections in frames:
        package_tracks(package, detections)
    assert len(package.tracker.metric.samples["1"]) > 400

    adapter, endless = deep_sort(), deep_sort(DeepSortSettings(nn_budget=None))
    for detections in frames:
        adapter.update(detections)
        endless.update(detections)
    assert len(remembered(adapter)[0]) == 100
    assert len(remembered(endless)[0]) == 400


def test_a_track_without_a_detection_is_not_reported():
    frames = [frame_of(person(100), embedding=FRONT)] * 5

    package = bare_package()
    for detections in frames:
        package_tracks(package, detections)
    assert len(package.update_tracks([], embeds=[])) == 1

    adapter = deep_sort()
    for detections in frames:
        adapter.update(detections)
    assert len(adapter.update(Detections.empty())) == 0


def test_max_age_means_the_same_time_at_any_frame_rate():
    def frames_survived(fps: float) -> int:
        adapter = deep_sort(DeepSortSettings(max_age=30), fps=fps)
        for _ in range(3):
            adapter.update(frame_of(person(100), embedding=FRONT))
        count = 0
        while len(table(adapter)):
            adapter.update(Detections.empty())
            count += 1
        return count - 1

    assert [frames_survived(fps) for fps in (10, 30, 60, 0.1)] == [10, 30, 60, 1]


def test_without_appearance_neighbours_do_not_swap():
    # Two people stand side by side, inside one another's gate; the detector lists them in turn left first, right first.
    side_by_side = [person(100), person(112)]
    frames = [frame_of(*side_by_side[:: 1 if i % 2 else -1]) for i in range(20)]

    package, places = bare_package(), set()
    for detections in frames:
        tracks = package_tracks(package, detections.with_embedding(np.ones((2, 8), np.float32)))
        places |= {(key, round(box[0] / 12)) for key, box in package_boxes(tracks).items()}
    assert len(places) > 2, "with constant vectors every pair costs the same"

    adapter, places = deep_sort(), set()
    for detections in frames:
        people = adapter.update(detections)
        places |= set(zip(people.ids.tolist(), np.round(people.xyxy[:, 0] / 12).tolist(), strict=True))
    assert len(places) == 2


def test_confirmed_at_once_when_one_frame_is_asked_for():
    frame = frame_of(person(100), embedding=FRONT)
    assert not package_tracks(bare_package(n_init=1), frame)[0].is_confirmed()
    assert len(deep_sort(DeepSortSettings(n_init=1)).update(frame)) == 1

"""What the Deep SORT adapter promises beside the package's traps: settings, costs, boxes, odd input, flat memory."""

import dataclasses
import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from remix_track.detections import Detections
from remix_track.errors import InputError
from remix_track.settings import build, read_toml
from remix_track.trackers.association.settings import DeepSortSettings
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import deep_sort, frame_of, person, street

FRONT, BACK, SIDE = np.eye(8, dtype=np.float32)[:3]


def confirmed(adapter: Tracker, frame: Detections) -> Tracker:
    for _ in range(3):
        adapter.update(frame)
    return adapter


# --- settings ---


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("max_cosine_distance", 0.0, "max_cosine_distance = 0.0; expected above 0, at most 2, or none"),
        ("max_cosine_distance", 2.5, "max_cosine_distance = 2.5; expected above 0, at most 2, or none"),
        ("nn_budget", 0, "nn_budget = 0; expected at least 1, or none"),
        ("max_age", 0, "max_age = 0; expected at least 1"),
        ("max_motion_age", 0, "max_motion_age = 0; expected at least 1, or none"),
        ("n_init", 0, "n_init = 0; expected at least 1"),
        ("max_iou_distance", 1.1, "max_iou_distance = 1.1; expected 0 to 1"),
        ("min_confidence", float("nan"), "min_confidence = nan; expected a finite number"),
        ("nms_max_overlap", 0.0, "nms_max_overlap = 0.0; expected above 0, at most 1"),
        ("max_coast", -1, "max_coast = -1; expected at least 0"),
        ("box", "yolo", "box = 'yolo'; expected 'kalman' or 'detector'"),
        ("box", "old", "box = 'old'; expected 'kalman' or 'detector'"),
    ],
)
def test_a_value_out_of_range_is_named(key, value, expected):
    with pytest.raises(InputError) as error:
        dataclasses.replace(DeepSortSettings(), **{key: value})
    assert str(error.value) == expected


@pytest.mark.parametrize("fps", [0, -25, float("nan"), float("inf")])
def test_a_frame_rate_that_is_none_is_refused(fps):
    with pytest.raises(InputError, match=r"^fps = .*; expected above 0$"):
        deep_sort(fps=fps)


def test_every_setting_has_help_for_the_command_line():
    assert all(field.metadata["help"] for field in dataclasses.fields(DeepSortSettings))


def test_the_published_settings_load_and_each_differs_from_the_default():
    values = read_toml(Path(__file__).parents[3] / "configs" / "deep_sort_paper.toml")
    published = build(DeepSortSettings, values["tracker"], "deep_sort_paper.toml")
    assert (published.max_age, published.min_confidence, published.max_coast) == (30, 0.3, 1)
    for key, value in values["tracker"].items():
        assert getattr(DeepSortSettings(), key) != value


def test_the_settings_are_there_without_the_heavy_packages():
    code = "import sys, remix_track.trackers.association.settings; print({'scipy', 'torch', 'cv2'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


# --- costs ---


def test_vectors_of_another_width_are_refused():
    adapter = confirmed(deep_sort(), frame_of(person(100), embedding=FRONT))
    with pytest.raises(ValueError, match="use one embedder per video"):
        adapter.update(frame_of(person(100), embedding=np.ones(5)))


def test_two_people_cross_and_keep_their_ids_by_motion():
    #   1 ->        <- 2          2 <-        -> 1
    #   frame 1                   frame 40
    adapter = deep_sort()
    for i in range(40):
        people = adapter.update(frame_of(person(100 + 10 * i), person(500 - 10 * i, top=110)))
        if i == 10:
            first, second = people.ids.tolist()
    assert people.xyxy[people.ids == first, 0].item() > 450
    assert people.xyxy[people.ids == second, 0].item() < 150


def test_appearance_is_inside_the_motion_gate():
    adapter = confirmed(deep_sort(), frame_of(person(100), embedding=FRONT))
    for _ in range(3):
        people = adapter.update(frame_of(person(900), embedding=FRONT))
    assert people.ids.tolist() == [2], "the same look on the other side of the image is somebody else"


def test_motion_alone_finds_nobody_after_max_motion_age_but_appearance_does():
    def id_after(gap: int, **settings) -> int:
        look = settings.pop("embedding", None)
        adapter = confirmed(deep_sort(DeepSortSettings(**settings)), frame_of(person(100), embedding=look))
        for _ in range(gap):
            adapter.update(Detections.empty())
        for _ in range(3):
            people = adapter.update(frame_of(person(100), embedding=look))
        return int(people.ids[0])

    assert id_after(29) == 1
    assert id_after(30) == 2
    assert id_after(30, max_motion_age=90) == 1
    assert id_after(89, embedding=FRONT) == 1
    assert id_after(90, embedding=FRONT) == 2


def test_in_one_frame_some_have_an_appearance_and_some_have_not():
    looks = np.stack([FRONT, BACK, SIDE])
    adapter = confirmed(deep_sort(), frame_of(person(100), person(130), person(160), embedding=looks))
    adapter.update(Detections.empty())
    hidden = np.stack([SIDE, FRONT, np.zeros(8)])
    people = adapter.update(frame_of(person(160), person(100), person(130), embedding=hidden))
    assert dict(zip(people.ids.tolist(), people.detection.tolist(), strict=True)) == {1: 1, 2: 2, 3: 0}


# --- what is reported ---


def test_box_of_the_filter_or_of_the_detector():
    frames = [frame_of(person(100 + 3 * (i % 2)), embedding=FRONT) for i in range(9)]
    boxes = {}
    for box in ("kalman", "detector"):
        adapter = deep_sort(DeepSortSettings(box=box))
        for detections in frames:
            people = adapter.update(detections)
        boxes[box] = people.xyxy
    np.testing.assert_array_equal(boxes["detector"], frames[-1].xyxy)
    assert 0.2 < abs(boxes["kalman"] - frames[-1].xyxy)[0, 0] < 3


def test_a_coasting_track_has_no_score_and_no_detection():
    adapter = confirmed(deep_sort(DeepSortSettings(max_coast=2)), frame_of(person(100), embedding=FRONT))
    seen = [adapter.update(Detections.empty().with_embedding(np.empty((0, 8), np.float32))) for _ in range(3)]
    assert [len(people) for people in seen] == [1, 1, 0]
    assert np.isnan(seen[0].score).all()
    assert seen[0].detection.tolist() == [-1]
    assert seen[0].embedding is not None
    assert seen[0].embedding.tolist() == [[0] * 8]


def test_rows_of_the_detections_behind_the_tracks():
    boxes = [person(100), person(300), person(500), person(700)]
    score = np.array([0.9, 0.2, -3, 0.8], np.float32)
    adapter = deep_sort(DeepSortSettings(min_confidence=0.5))
    for _ in range(3):
        people = adapter.update(frame_of(*boxes, embedding=2 * np.eye(4), score=score))
    assert people.detection.tolist() == [0, 3]
    np.testing.assert_array_equal(people.score, score[[0, 3]])
    assert people.embedding is not None
    np.testing.assert_array_equal(people.embedding, np.eye(4)[[0, 3]])


def test_suppression_keeps_the_stronger_box_of_each_class():
    boxes = [person(100), person(104), person(102)]
    adapter = deep_sort(DeepSortSettings(nms_max_overlap=0.6))
    for _ in range(3):
        people = adapter.update(frame_of(*boxes, score=[0.6, 0.9, 0.7], class_id=[0, 0, 2]))
    assert people.detection.tolist() == [1, 2]
    assert len(adapter.update(Detections.empty())) == 0


# --- odd input ---


def test_boxes_without_area_or_beyond_all_pictures_are_left_out():
    odd: list[list[float]] = [
        [100, 100, 100, 200],
        [100, 200, 140, 200],
        [0, 0, 3e38, 3e38],
        [-3e38, 0, 3e38, 10],
        [5, 5, 5 + 1e-5, 50],
    ]
    adapter = deep_sort()
    for _ in range(4):
        people = adapter.update(frame_of(*odd, person(300)))
    assert people.detection.tolist() == [5]


@pytest.mark.parametrize("seed", range(5))
def test_noise_in_never_breaks_and_never_comes_out(seed):
    rng = np.random.default_rng(seed)
    adapter = deep_sort(DeepSortSettings(max_coast=5, min_confidence=0.0, n_init=1, max_iou_distance=1.0))
    for _ in range(150):
        count = rng.integers(0, 8)
        size = 10.0 ** rng.uniform(-3, 6, size=(count, 2))
        corner = rng.choice([0.0, 100.0, -1e5, 9e5], size=(count, 2))
        vectors = rng.choice(
            [0.0, 1.0, np.nan, np.inf, 1e30, 1e-30], size=(count, 4), p=[0.2, 0.5, 0.1, 0.05, 0.1, 0.05]
        )
        xyxy = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
        score = rng.random(count).astype(np.float32)
        people = adapter.update(Detections(xyxy, score, rng.integers(0, 2, count), vectors.astype(np.float32)))
        assert np.isfinite(people.xyxy).all()
        assert (people.xyxy[:, 2:] >= people.xyxy[:, :2]).all()
        assert (np.diff(people.ids) > 0).all()
        assert people.embedding is not None
        assert np.isfinite(people.embedding).all()


# --- long runs ---


def assert_flat(frames: int, size: Callable[[Tracker], int]) -> None:
    """What the adapter holds does not grow after the first quarter of a run; `bench_deep_sort flat` has the time."""
    adapter = deep_sort()
    held = []
    for number, detections in enumerate(street(frames, people=30)):
        adapter.update(detections)
        if (number + 1) % (frames // 4) == 0:
            held.append(size(adapter))
    assert held[-1] < 1.3 * held[0]


def test_memory_stays_flat():
    assert_flat(1500, lambda adapter: len(pickle.dumps(adapter._life_cycle)))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_memory_stays_flat_over_20_000_frames():
    tracemalloc.start()
    try:
        assert_flat(20_000, lambda _: tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()

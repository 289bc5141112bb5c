"""What the remix tracker does that Deep SORT does not, part by part, each shown in a small scene."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from remix_track.detections import Detections
from remix_track.errors import InputError
from remix_track.trackers.association.deep_sort_tracker import deep_sort
from remix_track.trackers.association.frame_detections import FrameDetections
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import crowd, frame_of, memory, person, table

FRONT, BACK, SIDE = np.eye(8, dtype=np.float32)[:3]
NOTHING = np.empty((0, 0, 3), np.uint8)


def remix(fps: float = 30, **options) -> Tracker:
    """With `n_init` and `max_age` as for Deep SORT, everything else an option; confirmed by count alone."""
    options.setdefault("confirm_by_score", False)
    shared = {name: options.pop(name) for name in ("max_age", "n_init", "box", "min_confidence") if name in options}
    return Tracker.around(
        None,
        fps=fps,
        settings=DeepSortSettings(**shared),
        association=AssociationSettings(tracker="remix", **options),
    )


def between(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """A unit vector on the way from one to another."""
    mixed = (1 - share) * first + share * second
    return (mixed / np.linalg.norm(mixed)).astype(np.float32)


# --- settings ---


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("tracker", "sort", "tracker = 'sort'; expected 'deep-sort' or 'remix'; did you mean deep-sort?"),
        ("appearance_memory", "last", "appearance_memory = 'last'; expected 'mean' or 'gallery' or 'both'"),
        ("low_score", float("inf"), "low_score = inf; expected a finite number, or none"),
        ("mean_momentum", 1.5, "mean_momentum = 1.5; expected 0 to 1"),
        ("appearance_weight", -0.1, "appearance_weight = -0.1; expected 0 to 1"),
        ("max_low_iou_distance", float("nan"), "max_low_iou_distance = nan; expected 0 to 1"),
        ("gate_scale", -1.0, "gate_scale = -1.0; expected at least 0"),
    ],
)
def test_a_value_out_of_range_is_named(key, value, expected):
    with pytest.raises(InputError) as error:
        dataclasses.replace(AssociationSettings(tracker="remix"), **{key: value})
    assert str(error.value) == expected


def test_an_option_of_the_other_tracker_is_refused():
    message = "^low_score is an option of the remix tracker, but tracker is deep-sort; choose one$"
    with pytest.raises(InputError, match=message):
        AssociationSettings(tracker="deep-sort", low_score=0.2)


def test_every_option_has_help_for_the_command_line():
    assert all(field.metadata["help"] for field in dataclasses.fields(AssociationSettings))


def test_deep_sort_is_chosen_by_its_name_and_stays_what_it_was():
    chosen, plain = Tracker("none", tracker="deep-sort"), deep_sort(DeepSortSettings(), fps=30)
    for frame in crowd(60, people=10):
        chosen.update(frame)
        every = np.arange(len(frame))
        found = FrameDetections.of(frame, every, DeepSortSettings())
        plain.update(found.with_appearance(every, np.asarray(frame.embedding)))
        assert table(chosen).tobytes() == plain.tracks.tobytes()


# --- the second pass: low scores ---


def ids_behind_a_pillar(tracker: Tracker) -> list[int]:
    """One walks on; in frames 6 to 11 half hidden, with a score of 0.3."""
    ids: list[int] = []
    for frame in range(16):
        score = np.array([0.3 if 6 <= frame < 12 else 0.9], np.float32)
        ids += tracker.update(frame_of(person(100 + 5 * frame), score=score)).ids.tolist()
    return ids


def test_a_low_score_continues_a_track():
    assert ids_behind_a_pillar(remix()) == [1] * 14, "all frames but the two before it was confirmed"


def test_without_the_second_pass_the_frames_are_missing():
    assert ids_behind_a_pillar(remix(low_score=None)) == [1] * 8


def test_a_low_score_never_begins_a_track():
    tracker = remix()
    low = frame_of(person(100), score=np.array([0.3], np.float32))
    assert not any(len(tracker.update(low)) for _ in range(10))


def test_a_low_score_finds_nobody_again_who_was_not_seen_in_the_frame_before():
    tracker = remix()
    for _ in range(4):
        tracker.update(frame_of(person(100)))
    tracker.update(Detections.empty())
    assert not len(tracker.update(frame_of(person(100), score=np.array([0.3], np.float32))))


def test_what_covers_somebody_does_not_become_their_look():
    tracker = remix(appearance_memory="gallery")
    for _ in range(4):
        tracker.update(frame_of(person(100), embedding=FRONT))
    tracker.update(frame_of(person(100), embedding=BACK, score=np.array([0.3], np.float32)))
    (row,) = table(tracker)["memory"].tolist()
    assert memory(tracker).vectors(row)[:, 1].max() == 0


# --- look and overlap mixed ---


def after_swap(tracker: Tracker) -> list[int]:
    """Two side by side change places while nobody looks; the ids from left to right, which were 1 and 2.

    1 2  ->  . .  ->  2 1
    """
    both = [person(100), person(130)]
    for _ in range(5):
        tracker.update(frame_of(*both, embedding=[FRONT, BACK]))
    tracker.update(Detections.empty())
    seen = tracker.update(frame_of(*both, embedding=[BACK, FRONT]))
    return list(map(int, seen.ids[np.argsort(seen.xyxy[:, 0])]))


def test_look_decides_between_people_who_are_near():
    assert after_swap(remix()) == [2, 1]


def test_the_weight_decides_where_both_pairs_are_possible():
    """Two who look nearly alike stand almost in one place, and change places while nobody looks."""
    nearly = between(FRONT, SIDE, 0.38)
    assert 0.1 < 1 - nearly @ FRONT < 0.2

    def ids(weight: float) -> list[int]:
        tracker, both = remix(appearance_weight=weight), [person(100), person(110)]
        for _ in range(5):
            tracker.update(frame_of(*both, embedding=[FRONT, nearly]))
        tracker.update(Detections.empty())
        seen = tracker.update(frame_of(*both, embedding=[nearly, FRONT]))
        return list(map(int, seen.ids[np.argsort(seen.detection)]))

    assert ids(0.75) == [2, 1]
    assert ids(0.0) == [1, 2]


def test_overlap_keeps_a_track_whose_look_wavers():
    """A look between once and one and a half times the limit is forgiven where the box is in its place."""
    wavering = between(FRONT, SIDE, 0.465)
    assert 0.2 < 1 - wavering @ FRONT < 0.3
    tracker = remix()
    for _ in range(4):
        tracker.update(frame_of(person(100), embedding=FRONT))
    assert tracker.update(frame_of(person(102), embedding=wavering)).ids.tolist() == [1]


def test_overlap_does_not_make_up_for_another_look():
    tracker = remix()
    for _ in range(4):
        tracker.update(frame_of(person(100), embedding=FRONT))
    assert not len(tracker.update(frame_of(person(100), embedding=BACK)))


def test_somebody_alike_is_found_beyond_the_motion_gate_but_not_anywhere():
    def id_at(left: float, reach: float) -> int:
        tracker = remix(gate_scale=reach)
        for _ in range(6):
            tracker.update(frame_of(person(100), embedding=FRONT))
        for _ in range(3):
            seen = tracker.update(frame_of(person(left), embedding=FRONT))
        return int(seen.ids[0])

    assert id_at(150, reach=1) == 2
    assert id_at(150, reach=4) == 1
    assert id_at(900, reach=4) == 2


# --- what is remembered ---


def test_the_mean_follows_a_look_that_changes_slowly_and_forgets_a_single_one():
    tracker = remix(mean_momentum=0.5)
    for step in range(20):
        seen = tracker.update(frame_of(person(100), embedding=between(FRONT, BACK, step / 19)))
    assert seen.ids.tolist() == [1]
    (row,) = table(tracker)["memory"].tolist()
    assert memory(tracker).mean(np.array([row]))[0] @ BACK > 0.9


# --- motion ---


def width_after_a_gap(tracker: Tracker) -> float:
    """Somebody comes nearer, is not seen for 20 frames, and is expected how wide?"""
    for frame in range(10):
        tracker.update(frame_of(person(100, width=40 + frame, height=100 + 2.5 * frame)))
    for _ in range(20):
        tracker.update(Detections.empty())
    return float(table(tracker)["mean"][0, 0, 2])


def test_who_is_not_seen_keeps_their_size():
    assert width_after_a_gap(remix()) == pytest.approx(50, abs=1)
    assert width_after_a_gap(remix(keep_size=False)) > 60


def test_a_sure_detection_pulls_more():
    def jump(score: float) -> float:
        tracker = remix(score_noise=True)
        for _ in range(10):
            tracker.update(frame_of(person(100), score=np.array([score], np.float32)))
        return float(tracker.update(frame_of(person(110), score=np.array([score], np.float32))).xyxy[0, 0])

    assert jump(0.95) > jump(0.55) + 0.5


def test_velocities_change_faster_where_frames_are_further_apart():
    def lag(fps: float, **options) -> float:
        tracker = remix(fps, adaptive_noise=False, lag_correction=False, **options)
        for frame in range(12):
            left = 100 + max(0, frame - 8) * 8
            seen = tracker.update(frame_of(person(left)))
        return left - float(seen.xyxy[0, 0])

    assert lag(30) == lag(30, rate_noise=False)
    assert lag(10) < 0.9 * lag(10, rate_noise=False)


def test_the_camera_moves_and_people_are_expected_where_they_are():
    def ids(follow: bool) -> list[int]:
        tracker, seen = remix(), []
        for frame in range(10):
            shift = 60 * max(0, frame - 4)
            camera = np.array([[1, 0, 60 if frame > 4 else 0], [0, 1, 0]], np.float64) if follow else None
            seen = tracker.update(frame_of(person(100 + shift)), camera=camera).ids.tolist()
        return seen

    assert ids(follow=True) == [1]
    assert ids(follow=False) != [1]


# --- classes, memory, numbers ---


def test_classes_are_kept_apart():
    tracker = remix()
    for _ in range(4):
        tracker.update(frame_of(person(100), class_id=[0]))
    for _ in range(3):
        seen = tracker.update(frame_of(person(100), class_id=[1]))
    assert seen.ids.tolist() == [2]


def test_a_crowd_keeps_ids_unique_and_rows_its_own():
    tracker = remix()
    for frame in crowd(120, people=20):
        people = tracker.update(frame)
        assert len(set(people.ids.tolist())) == len(people)
        assert len(set(people.detection.tolist())) == len(people)
        assert np.isfinite(people.xyxy).all()


@pytest.mark.parametrize("memory", ["mean", "gallery", "both"])
def test_it_is_the_same_twice(memory):
    def run() -> list[list[int]]:
        tracker = remix(appearance_memory=memory)
        return [tracker.update(frame).ids.tolist() for frame in crowd(60, people=12)]

    assert run() == run()


# --- through Tracker ---


def test_tracker_takes_the_options_by_name():
    tracker = Tracker(weights="none", tracker="remix", low_score=0.2, n_init=1)
    low = Detections(np.array([person(100)], np.float32), np.array([0.25], np.float32), np.zeros(1, np.int64))
    sure = dataclasses.replace(low, score=np.array([0.9], np.float32))
    assert tracker.update(sure, NOTHING).ids.tolist() == [1]
    assert tracker.update(low, NOTHING).ids.tolist() == [1]
    assert not len(tracker.update(dataclasses.replace(low, score=np.array([0.15], np.float32)), NOTHING))


def test_tracker_embeds_only_what_is_sure():
    class Eye:
        max_cosine_distance = None

        def __call__(self, image, xyxy):
            self.asked = len(xyxy)
            return np.tile(FRONT, (len(xyxy), 1))

    eye: Any = Eye()
    tracker = Tracker.around(
        eye, fps=30, settings=DeepSortSettings(n_init=1), association=AssociationSettings(tracker="remix")
    )
    both = frame_of(person(100), person(300), score=np.array([0.9, 0.3], np.float32))
    tracker.update(both, np.zeros((480, 640, 3), np.uint8))
    assert eye.asked == 1
    assert (tracker.crops, tracker.crops_saved) == (1, 0)

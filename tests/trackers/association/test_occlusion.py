"""Who hides whom, and that the appearance of somebody half hidden forbids nothing."""

import numpy as np
import pytest

from remix_track.boxes import hidden_share
from remix_track.detections import Detections
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import frame_of, person

FRONT, BACK, SIDE = np.eye(8, dtype=np.float32)[:3]


def naive(box: np.ndarray, others: np.ndarray) -> float:
    """Pixel by pixel."""
    mask = np.zeros((300, 300), bool)
    left, top, width, height = box.astype(int)
    mask[top : top + height, left : left + width] = True
    best = 0.0
    for x, y, w, h in others.astype(int):
        if y + h > top + height:
            best = max(best, mask[y : y + h, x : x + w].sum() / mask.sum())
    return best


def test_the_share_is_that_of_pixels():
    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.integers(0, 150, (30, 2)), rng.integers(10, 120, (30, 2))], axis=1).astype(np.float64)
    assert hidden_share(boxes, boxes) == pytest.approx([naive(box, boxes) for box in boxes])


def test_the_lower_feet_are_in_front():
    """A hides behind B, by a quarter of it; B is whole.

    +--+
    | +|-+
    +-|+ |
      +--+
    """
    a, b = [0.0, 0.0, 40.0, 80.0], [20.0, 40.0, 40.0, 80.0]
    assert hidden_share(np.array([a, b]), np.array([a, b])) == pytest.approx([0.25, 0.0])


def test_equal_feet_hide_nothing_and_without_others_all_is_seen():
    both = np.array([[0.0, 0.0, 40.0, 80.0], [20.0, 0.0, 40.0, 80.0]])
    assert not hidden_share(both, both).any()
    assert not hidden_share(both, both[:0]).any()
    assert hidden_share(both[:0], both).shape == (0,)


def ids_of_one_of_another_look(*others: list[float], distance: float = 0.65) -> list[int]:
    """One stands still; in the last frame the crop at the same place is `distance` unlike, and others are there too."""
    tracker = Tracker.around(
        None, fps=30, settings=DeepSortSettings(max_cosine_distance=0.4), association=AssociationSettings()
    )
    for _ in range(8):
        tracker.update(frame_of(person(100), embedding=FRONT))
    look = (1 - distance) * FRONT + np.sqrt(1 - (1 - distance) ** 2) * BACK
    last = frame_of(person(100), *others, embedding=[look, *[SIDE for _ in others]])
    return list(map(int, tracker.update(last).ids))


def behind(share: float) -> list[float]:
    """Somebody in front of `person(100)`, 40 pixels wide, a pixel lower, who hides so much of them."""
    return person(140 - 40 * share, top=101)


def test_another_look_in_the_open_is_somebody_else():
    assert ids_of_one_of_another_look() == []
    assert ids_of_one_of_another_look(distance=0.59) == [1], "1.5 times 0.4 is forgiven where it stands as expected"


@pytest.mark.parametrize(("share", "expected"), [(0.08, []), (0.12, [1])])
def test_another_look_half_hidden_is_still_them(share, expected):
    assert ids_of_one_of_another_look(behind(share)) == expected


def test_who_is_in_front_is_judged_by_their_look():
    assert ids_of_one_of_another_look(person(120, top=99)) == []


def test_a_hidden_one_may_not_be_of_any_look_at_all():
    """0.75 of the look's distance in multiples of 1.5 x 0.4 is the cost, which may be 1: 0.8 here."""
    assert ids_of_one_of_another_look(behind(0.5), distance=0.79) == [1]
    assert ids_of_one_of_another_look(behind(0.5), distance=0.81) == []


def test_unsure_boxes_hide_nobody():
    tracker = Tracker.around(
        None, fps=30, settings=DeepSortSettings(max_cosine_distance=0.4), association=AssociationSettings()
    )
    for _ in range(8):
        tracker.update(frame_of(person(100), embedding=FRONT))
    both = frame_of(person(100), behind(0.5), embedding=[BACK * 0.95 + FRONT * 0.35, SIDE])
    unsure = Detections(both.xyxy, np.array([0.9, 0.3], np.float32), both.class_id, both.embedding)
    assert not len(tracker.update(unsure))

"""The camera's motion from boxes alone: what it follows, what it takes for chance, at each of its numbers."""

import numpy as np
import pytest

from remix_track.boxes import iou_tlwh
from remix_track.detections import Tracks
from remix_track.trackers.association import camera_from_boxes
from remix_track.trackers.association.camera_from_boxes import CameraFromBoxes
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import frame_of, person, table


def row_of_people(count: int) -> np.ndarray:
    """(N, 4) tlwh, side by side, none of which overlap."""
    return np.array([[100.0 * place, 50, 40, 100] for place in range(count)])


def after(frames: int, offset: np.ndarray, people: np.ndarray | None = None):
    """The last answer where detections are off their tracks by `offset` (N, 2) in each of so many frames."""
    camera, people = CameraFromBoxes(), row_of_people(len(offset)) if people is None else people
    moved = people + np.pad(offset, ((0, 0), (0, 2)))
    answers = [camera(people, moved) for _ in range(frames)]
    return answers[-1], camera


def test_what_all_boxes_are_off_is_the_camera_and_one_who_turns_changes_nothing():
    offset = np.array([[6.0, 0], [6.2, 0], [5.8, 0], [6.1, 0], [6, 0], [-9, 0]])
    shift, _ = after(20, offset)
    assert shift == pytest.approx([6.0, 0.0], abs=0.051)


def test_a_camera_moves_only_after_frames_that_agree():
    offset = np.full((6, 2), [6.0, 0])
    answers = [after(frames, offset)[0] for frames in (1, 2, 3)]
    # Each frame adds a tenth of 25: 2.5, 4.75, and 6.8, which is beyond MOVES.
    assert answers[:2] == [None, None]
    assert answers[2] == pytest.approx([6, 0])


def test_chance_is_seldom_a_camera():
    rng, camera, people, mean = np.random.default_rng(0), CameraFromBoxes(), row_of_people(10), np.zeros(2)
    taken = 0
    for _ in range(1000):
        moved = people + np.pad(rng.normal(0, 3, (10, 2)), ((0, 0), (0, 2)))
        taken += camera(people, moved) is not None
        mean += camera.evidence / 1000
    assert 1 < mean.max() < 2.5
    assert taken < 50, "one frame of twenty"


@pytest.mark.parametrize(("count", "expected"), [(3, None), (4, [6, 0])])
def test_three_pairs_do_not_tell(count, expected):
    shift, _ = after(20, np.full((count, 2), [6.0, 0]))
    assert shift == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(("along_y", "followed"), [(0.9, False), (1.1, True)])
def test_each_axis_is_followed_where_it_is_two_deviations_off(along_y, followed):
    """Of six pairs the deviation of the median is 1 / sqrt(6 - 2) of the scale: y is `along_y` = 2 d scale / 2."""
    scale = 1 / 1.4826
    spread = np.array([-3, -1, -1, 1, 1, 3]) * scale  # of which half are one scale off at most
    offset = np.stack([np.full(6, 6.0), along_y + spread], axis=1)
    shift, _ = after(20, offset)
    assert shift is not None
    assert shift[0] == pytest.approx(6)
    assert (shift[1] != 0) == followed


def test_pairs_overlap_by_a_tenth():
    for offset, told in ((32.0, True), (33.0, False)):
        people = row_of_people(6)
        overlap = iou_tlwh(people[:1], people[:1] + np.array([offset, 0, 0, 0]))[0, 0]
        assert (overlap > camera_from_boxes.LEAST_OVERLAP) == told
        shift, _ = after(20, np.full((6, 2), [offset, 0.0]))
        assert (shift is not None) == told


def test_of_a_crowd_so_many_are_asked_that_it_costs_no_time(monkeypatch):
    asked: list[int] = []

    def counted(expected: np.ndarray, tlwh: np.ndarray) -> np.ndarray:
        asked.append(len(expected))
        return iou_tlwh(expected, tlwh)

    monkeypatch.setattr(camera_from_boxes, "iou_tlwh", counted)
    for count in (64, 65, 500):
        after(1, np.zeros((count, 2)))
    assert asked == [64, 33, 63]


def test_boxes_in_whole_pixels_do_not_make_a_camera():
    """All of them a twentieth of a pixel off: without a least scale that were infinitely many deviations."""
    assert after(50, np.full((6, 2), 0.05))[0] is None


# --- in the tracker ---


def tracker(**changes) -> Tracker:
    return Tracker.around(None, fps=30, settings=DeepSortSettings(), association=AssociationSettings(**changes))


def ids_under_a_camera(tracking: Tracker, *, camera=None) -> list[int]:
    """Six people stand before a camera that rests, trembles, and then turns in jerks, while the last is hidden.

    Returns:
        the ids from left to right at the end, where all are to be seen again.
    """
    rng, place = np.random.default_rng(1), 0.0
    seen = Tracks.empty()
    for frame in range(41):
        step = 0.0 if frame < 10 else 8.0 * (-1) ** frame if frame < 20 else float(rng.choice([-6.0, 24.0]))
        place += step
        people = [person(200 + 100 * one + place) for one in range(5 if 20 <= frame < 40 else 6)]
        warp = None if camera is None else np.array([[1, 0, step], [0, 1, 0.0]])
        seen = tracking.update(frame_of(*people), None, warp)
    return list(map(int, seen.ids[np.argsort(seen.xyxy[:, 0])]))


def test_tracks_follow_a_camera_of_which_only_boxes_tell():
    assert ids_under_a_camera(tracker()) == [1, 2, 3, 4, 5, 6]
    assert ids_under_a_camera(tracker(camera_motion=False)) != [1, 2, 3, 4, 5, 6]


def test_what_is_said_of_the_camera_wins():
    tracking = tracker()
    assert ids_under_a_camera(tracking, camera="said") == [1, 2, 3, 4, 5, 6]
    assert not tracking._life_cycle._camera_from_boxes.evidence.any(), "boxes were not asked"


def test_who_is_hidden_is_moved_as_well():
    tracking = tracker()
    for _ in range(5):
        tracking.update(frame_of(*[person(200 + 100 * one) for one in range(6)]))
    for frame in range(1, 7):
        tracking.update(frame_of(*[person(200 + 100 * one + 8 * frame) for one in range(5)]))
    hidden = table(tracking)[5]
    assert hidden["time_since_update"] == 6
    assert hidden["mean"][0, 0] > 700 + 20, "three or four of six steps of eight pixels"


def test_tracks_that_end_together_take_the_camera_with_them():
    tracking = tracker()
    ids_under_a_camera(tracking)
    assert tracking._life_cycle._camera_from_boxes.evidence.any()
    tracking.end_tracks()
    assert not tracking._life_cycle._camera_from_boxes.evidence.any()

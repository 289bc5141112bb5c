"""Detections as other packages hold them: each gives what the package says of itself, or one `InputError`."""

from typing import Any

import numpy as np
import pytest
import torch

from remix_track import Detections, InputError, Tracker
from remix_track.foreign_detections import detections_of
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.detectors.quiet_ultralytics import quiet_ultralytics

XYXY = [[10.0, 20.0, 30.0, 80.0], [50.5, 20.0, 70.0, 81.25], [1.0, 2.0, 3.0, 4.0]]
SCORE = [0.9, 0.75, 0.3]
CLASS = [0, 2, 0]
ROWS = [[*box, score, number] for box, score, number in zip(XYXY, SCORE, CLASS, strict=True)]


def check(given, class_id=CLASS, score=SCORE):
    found = detections_of(given)
    assert isinstance(found, Detections)
    np.testing.assert_array_equal(found.xyxy, np.array(XYXY, np.float32))
    np.testing.assert_allclose(found.score, score, rtol=1e-6)
    assert found.class_id.tolist() == list(class_id)
    assert found.embedding is None


def test_ours_are_handed_back_as_they_are():
    ours = Detections(XYXY, SCORE, CLASS, np.eye(3))
    assert detections_of(ours) is ours


@pytest.mark.parametrize("kind", [list, tuple, np.array, np.float32, torch.tensor, lambda rows: torch.tensor(rows).T.T])
def test_arrays(kind):
    check(kind(ROWS))
    check(kind([row[:5] for row in ROWS]), class_id=[0, 0, 0])
    one = detections_of(kind(ROWS[:1]))
    assert (len(one), one.class_id.tolist()) == (1, [0])


@pytest.mark.parametrize("none", [[], (), [[]], np.empty((0, 6)), np.empty((0, 5)), np.array([]), torch.empty((0, 6))])
def test_any_empty_array_is_a_frame_without_detections(none):
    assert len(detections_of(none)) == 0


def test_supervision():
    sv = pytest.importorskip("supervision", reason="supervision is not installed; the extra supervision brings it")
    boxes, score, number = np.array(XYXY), np.array(SCORE, np.float32), np.array(CLASS)
    check(sv.Detections(boxes, confidence=score, class_id=number, tracker_id=np.array([4, 5, 6])))
    check(sv.Detections(boxes), class_id=[0, 0, 0], score=[1, 1, 1])
    assert len(detections_of(sv.Detections.empty())) == 0


def test_ultralytics():
    with quiet_ultralytics():
        results = pytest.importorskip("ultralytics.engine.results")
    image, names = np.zeros((90, 90, 3), np.uint8), {0: "person", 2: "car"}
    one = results.Results(image, "", names, boxes=torch.tensor(ROWS))
    for given in (one, [one], one.boxes, one.cpu().numpy()):
        check(given)
    assert len(detections_of(results.Results(image, "", names, boxes=torch.empty((0, 6))))) == 0
    # Its own trackers put an id between box and score.
    tracked = torch.tensor([[*row[:4], 7.0, *row[4:]] for row in ROWS])
    check(results.Results(image, "", names, boxes=tracked))


def test_turned_boxes_of_ultralytics_are_the_upright_ones_around_them():
    with quiet_ultralytics():
        results = pytest.importorskip("ultralytics.engine.results")
    #                      x   y   w   h  turn       score class
    turned = torch.tensor([[50, 40, 40, 20, np.pi / 2, 0.9, 0]], dtype=torch.float32)
    found = detections_of(results.Results(np.zeros((90, 90, 3), np.uint8), "", {0: "person"}, obb=turned))
    np.testing.assert_allclose(found.xyxy, [[40, 20, 60, 60]], atol=1e-4)


def test_results_without_boxes_are_refused():
    with quiet_ultralytics():
        results = pytest.importorskip("ultralytics.engine.results")
    one = results.Results(np.zeros((9, 9, 3), np.uint8), "", {0: "person"}, probs=torch.ones(1))
    with pytest.raises(InputError, match=r"^detections is of type Results; give remix_track.Detections\("):
        detections_of(one)


def test_torchvision():
    detection = pytest.importorskip("torchvision.models.detection")
    given = {"boxes": torch.tensor(XYXY, requires_grad=True), "scores": torch.tensor(SCORE), "labels": [0, 2, 0]}
    check(given)
    check([given])
    torch.manual_seed(0)
    model = detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=3).eval()
    answer = model([torch.rand(3, 64, 64)])
    found = detections_of(answer)
    assert len(found) == len(answer[0]["boxes"]) > 0
    np.testing.assert_array_equal(found.xyxy, answer[0]["boxes"].detach().numpy())
    np.testing.assert_array_equal(found.class_id, answer[0]["labels"].numpy())


REFUSED: dict[str, Any] = {
    "None": None,
    "a path": "boxes.txt",
    "bytes": b"12",
    "a number": 3,
    "an object": object(),
    "an iterator": iter(ROWS),
    "boxes alone": XYXY,
    "seven columns": np.zeros((2, 7)),
    "one row": ROWS[0],
    "a batch": [ROWS],
    "rows of two lengths": [ROWS[0], ROWS[1][:5]],
    "words": [["a"] * 6],
    "Deep SORT's tuples": [([1, 2, 3, 4], 0.9, "person")],
    "a dict without scores": {"boxes": XYXY, "labels": CLASS},
    "our keys": {"xyxy": XYXY},
    "two dicts": [{"boxes": XYXY, "scores": SCORE, "labels": CLASS}] * 2,
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_one_line_that_names_what_is_taken(name):
    with pytest.raises(InputError, match=r"^detections\b") as caught:
        detections_of(REFUSED[name])
    for kind in ("remix_track.Detections(", "supervision.Detections", "ultralytics", "torchvision", "(N, 6)"):
        assert kind in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_that_none_may_hold_are_refused_as_ours_are():
    with pytest.raises(InputError, match=r"^Detections.xyxy: row 1 .*corners in the wrong order"):
        detections_of([ROWS[0], [9, 2, 3, 4, 0.5, 0]])
    with pytest.raises(InputError, match=r"^Detections.class_id holds values that are no whole numbers"):
        detections_of([[1, 2, 3, 4, 0.5, 0.5]])


def motion_tracker(**association):
    settings = DeepSortSettings(n_init=1)
    return Tracker.around(None, fps=25, settings=settings, association=AssociationSettings(**association))


def test_a_tracker_takes_them():
    one, other = motion_tracker(), motion_tracker()
    for step in range(4):
        rows = np.array(ROWS)
        rows[:, [0, 2]] += step
        tracks = one.update(rows)
        assert tracks.ids.tolist() == other.update(Detections(rows[:, :4], rows[:, 4], rows[:, 5])).ids.tolist()
        assert tracks.detection.tolist() == [0, 1], "rows as they were given; the third has too low a score"


@pytest.mark.parametrize("kind", ["remix", "deep-sort"])
def test_reset_begins_a_new_video(kind):
    one = motion_tracker(tracker=kind)
    image, other_size = np.zeros((100, 100, 3), np.uint8), np.zeros((90, 120, 3), np.uint8)
    for given in (image, other_size):
        fresh = motion_tracker(tracker=kind)
        for step in range(3):
            rows = [[10 + step, 20, 30 + step, 80, 0.9, 0], [60, 20, 80, 80, 0.8, 0]]
            tracks, expected = one.update(rows, given), fresh.update(rows, given)
            assert tracks.ids.tolist() == expected.ids.tolist() == [1, 2]
            np.testing.assert_array_equal(tracks.xyxy, expected.xyxy)
        with pytest.raises(InputError, match=r"call reset\(\) for a new video"):
            one.update(rows, given[:50])
        one.reset()
        assert (one.crops, one.frame_width, one.clock.seconds["associate"]) == (0, None, 0)


def test_reset_forgets_how_wide_vectors_were():
    one = motion_tracker()
    for width in (4, 7):
        tracks = one.update(Detections([[10, 20, 30, 80]], [0.9], [0], np.ones((1, width))))
        assert tracks.embedding is not None
        assert (tracks.ids.tolist(), tracks.embedding.shape) == ([1], (1, width))
        one.reset()


@pytest.mark.parametrize(("fps", "id_"), [(None, 1), (30, 1), (3, 2)])
def test_reset_may_change_the_rate(fps, id_):
    """Ten frames without anybody are a third of a second at 30 frames a second, and more than `max_age` at 3."""
    one, box = motion_tracker(), [[10, 20, 30, 80, 0.9, 0]]
    one.update(box)
    one.reset(fps=fps)
    one.update(box)
    for _ in range(10):
        one.update([])
    assert one.update(box).ids.tolist() == [id_]


def test_a_rate_that_none_can_have_is_refused_and_changes_nothing():
    one, box = motion_tracker(), [[10, 20, 30, 80, 0.9, 0]]
    one.update(box)
    with pytest.raises(InputError, match="fps"):
        one.reset(fps=0)
    assert one.update([*box, [60, 20, 80, 80, 0.9, 0]]).ids.tolist() == [1, 2]

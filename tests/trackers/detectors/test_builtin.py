"""The detector that comes with the package: on both runtimes, at any size, against HOG."""

import numpy as np
import pytest

from remix_track import openvino_runtime
from remix_track.boxes import iou_xyxy, xyxy_from_tlwh
from remix_track.synthetic.scenes import StreetScene
from remix_track.trackers.detectors.builtin import SHIPPED, BuiltinDetector
from remix_track.trackers.detectors.hog import HogDetector
from remix_track.trackers.frame import Frame

LARGEST = 6_000_000


@pytest.fixture(scope="module")
def street():
    """Frames of a drawn street and the boxes of people of whom half shows."""
    scene = StreetScene(4, frames=60, people=8)
    made = []
    for number in (10, 25, 40, 55):
        rows = scene.rows(number)
        made.append((Frame(number, scene.render(number), 0.0), xyxy_from_tlwh(rows.tlwh[rows.visibility > 0.5])))
    return made


def right_and_wrong(detector, street):
    """People found by a box from 0.5 on, other such boxes, and people."""
    right = wrong = people = 0
    for frame, truth in street:
        found = detector(frame)
        overlap = iou_xyxy(found.xyxy[found.score >= 0.5], truth)
        hits = int((overlap.max(axis=0, initial=0) >= 0.5).sum())
        right, wrong, people = right + hits, wrong + len(overlap) - hits, people + len(truth)
    return right, wrong, people


def test_it_finds_more_people_than_hog_and_errs_as_rarely(street):
    right, wrong, people = right_and_wrong(BuiltinDetector(), street)
    hog_right, hog_wrong, _ = right_and_wrong(HogDetector(), street)
    assert right > 0.75 * people
    assert right > hog_right
    assert wrong <= max(hog_wrong, 1)


def test_boxes_are_those_of_people_best_first_and_inside(street):
    frame = street[0][0]
    detector = BuiltinDetector(conf=0.1)
    found = detector(frame)
    assert detector.class_names == {0: "person"}
    assert (found.class_id == 0).all()
    assert (np.diff(found.score) <= 0).all()
    assert found.score.min() > 0.1
    height, width = frame.image.shape[:2]
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= (width, height, width, height)).all()
    overlap = iou_xyxy(found.xyxy, found.xyxy)
    assert overlap[np.triu_indices(len(overlap), 1)].max(initial=0) < 0.65, (
        "one box a person, before boxes are cut at the border"
    )


def test_both_runtimes_give_the_same_boxes(street, monkeypatch):
    if not openvino_runtime.is_usable():
        pytest.skip("OpenVINO does not run here")
    on_openvino = BuiltinDetector()
    monkeypatch.setattr(openvino_runtime, "is_usable", lambda: False)
    on_onnx = BuiltinDetector()
    for frame, _ in street[:2]:
        one, other = (found[found.score > 0.6] for found in (on_openvino(frame), on_onnx(frame)))
        # They round to 8 bits at other places.
        assert iou_xyxy(one.xyxy, on_onnx(frame).xyxy).max(axis=1).min() > 0.95
        assert iou_xyxy(other.xyxy, on_openvino(frame).xyxy).max(axis=1).min() > 0.95


@pytest.mark.parametrize("size", [(1, 1), (40, 700), (360, 640), (33, 31)])
def test_frames_of_any_size_one_after_the_other(size, street):
    detector = BuiltinDetector(imgsz=320)
    for shape in (size, size[::-1], size):
        found = detector(Frame(1, np.full((*shape, 3), 90, np.uint8), 0.0))
        assert len(found) == 0
    assert len(detector(street[0][0])) > 0
    assert detector.dropped == 0


def test_the_file_is_small_and_has_its_card():
    assert SHIPPED.stat().st_size < LARGEST
    assert "PETS" in SHIPPED.with_suffix(".md").read_text()


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_nothing(threads, street):
    found = BuiltinDetector(threads=threads)(street[0][0])
    assert np.allclose(found.xyxy, BuiltinDetector(threads=1)(street[0][0]).xyxy, atol=0.05)


@pytest.mark.skipif(not openvino_runtime.is_usable(), reason="openvino does not run here")
def test_cameras_of_several_sizes_share_what_was_compiled(monkeypatch):
    compiled, made = openvino_runtime.compiled_exactly, list[str]()

    def counted(model, threads):
        made.append(str(model.input(0).partial_shape))
        return compiled(model, threads)

    monkeypatch.setattr(openvino_runtime, "compiled_exactly", counted)
    detector = BuiltinDetector(threads=1, imgsz=64)
    made.clear()
    wide, square = (Frame(1, np.full(shape, 90, np.uint8), 0.0) for shape in ((36, 64, 3), (64, 64, 3)))
    for frame in (wide, square, wide, square):
        detector(frame)
    assert len(made) == len(set(made)) <= 2

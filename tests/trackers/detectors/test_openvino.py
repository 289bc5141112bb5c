"""YOLO on OpenVINO: letterbox and suppression equal ultralytics', other models than YOLO11, falling back, no torch."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from remix_track import openvino_runtime
from remix_track.errors import InputError
from remix_track.trackers.detectors.letterbox import GREY, Letterbox
from remix_track.trackers.detectors.openvino_yolo import (
    Look,
    OpenVinoYolo,
    WrongBoxesError,
    YoloFacts,
    photographs,
    same_boxes,
)
from remix_track.trackers.detectors.quiet_ultralytics import quiet_ultralytics
from remix_track.trackers.detectors.suppression import sure, surest
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame

runs = pytest.mark.skipif(not openvino_runtime.is_usable(), reason="openvino does not run here")
SIZES = [(576, 768), (1080, 1920), (37, 911), (911, 37), (480, 640), (100, 100), (431, 333), (1, 50)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("size", [640, 100, 768])
def test_the_letterbox_equals_ultralytics(height, width, size):
    with quiet_ultralytics():
        from ultralytics.data.augment import LetterBox
        from ultralytics.utils.ops import scale_boxes
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    box = Letterbox.fit(height, width, size=size, stride=32)
    pixels = box.empty()
    box.fill(image, pixels)
    rounded = (size + 31) // 32 * 32
    expected = LetterBox(rounded, auto=True, stride=32)(image=image)
    np.testing.assert_array_equal(pixels[0], expected)
    assert {side % 32 for side in pixels.shape[1:3]} == {0}
    xyxy = np.random.default_rng(1).uniform(-30, rounded + 30, (20, 4)).astype(np.float32)
    theirs = scale_boxes(expected.shape[:2], xyxy.copy(), image.shape)
    np.testing.assert_allclose(box.to_frame(xyxy), theirs, atol=1e-3)


def test_padding_stays_grey_from_frame_to_frame():
    box = Letterbox.fit(60, 100, size=128, stride=32)
    pixels = box.empty()
    for value in (0, 255):
        box.fill(np.full((60, 100, 3), value, np.uint8), pixels)
        assert set(np.unique(pixels)) == {GREY, value}


def crowd(anchors, names, seed):
    rng = np.random.default_rng(seed)
    raw = np.empty((4 + names + 3, anchors), np.float32)
    raw[:2], raw[2:4] = rng.uniform(0, 200, (2, anchors)), rng.uniform(5, 90, (2, anchors))
    raw[4:] = rng.uniform(0, 1, (names + 3, anchors)) ** 4
    return raw


@pytest.mark.parametrize("classes", [None, [0], [1, 3]])
@pytest.mark.parametrize(("conf", "iou"), [(0.25, 0.7), (0.01, 0.45), (0.6, 0.2), (0.9999, 0.7)])
def test_suppression_equals_ultralytics(classes, conf, iou):
    import torch

    with quiet_ultralytics():
        from ultralytics.utils.nms import non_max_suppression
    for seed in range(3):
        raw = crowd(700, 4, seed)
        tensor = torch.from_numpy(raw.copy())[None]
        theirs = non_max_suppression(tensor, conf, iou, classes=classes, nc=4)[0].numpy()
        ours = surest(raw, 4, classes, conf=conf, iou=iou)
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert ours.dtype == np.float32


def test_suppression_leaves_at_most_300():
    raw = crowd(5000, 1, 0)
    raw[:2] *= 100
    assert len(surest(raw, 1, None, conf=0.0, iou=0.7)) == 300


def test_rows_without_overlaps_are_only_chosen_from():
    rows = np.array([[0, 0, 9, 9, 0.9, 0, 7], [0, 0, 9, 9, 0.8, 1, 7], [0, 0, 9, 9, 0.2, 0, 7]], np.float32)
    assert sure(rows, [0], conf=0.25)[:, 4].tolist() == pytest.approx([0.9])
    assert sure(rows, None, conf=0.25).shape == (2, 7), "what a task adds comes along"


def test_what_counts_as_the_same_boxes():
    exact = np.array([[0, 0, 50, 200, 0.9, 0], [60, 0, 90, 90, 0.55, 0]], np.float32)
    moved = exact + np.array([0.9, -0.9, 0, 0.9, 0.05, 0], np.float32)
    assert same_boxes(moved, exact, 0.5)
    assert same_boxes(exact[:1], exact, 0.5), "one near the least confidence may be missing"
    assert not same_boxes(exact[1:], exact, 0.5)
    assert not same_boxes(exact, exact[1:], 0.5)
    further = exact + np.array([1.5, 0, 0, 0, 0, 0], np.float32)
    assert not same_boxes(further, exact, 0.5)
    assert same_boxes(further, exact, 0.5, share=0.01), "1.5 of 200 pixels"
    assert not same_boxes(exact + np.array([0, 0, 0, 0, 0, 1], np.float32), exact, 0.5)
    assert same_boxes(exact[:0], exact[:0], 0.5)


def test_photographs_are_of_people_and_mirrored():
    made = photographs(96, 128)
    assert [one.shape for one in made] == [(96, 128, 3)] * 4
    np.testing.assert_array_equal(made[0][:, ::-1], made[1])


@pytest.fixture
def other(tmp_path):
    """A YOLO of another make, weights by chance, statistics those of the photographs, so that it finds boxes."""

    def make(name):
        import torch

        with quiet_ultralytics():
            from ultralytics import YOLO
        torch.manual_seed(0)
        model = YOLO(f"{name}.yaml", verbose=False).model
        head = model.model[-1]
        for branch in (head.cv3, getattr(head, "one2one_cv3", None) or []):
            for level in branch:
                torch.nn.init.normal_(level[-1].weight, std=0.05)
                torch.nn.init.constant_(level[-1].bias, -2.5)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        images = torch.from_numpy(np.stack(photographs(160, 160))).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            model.train()(images)
        torch.save({"model": model.eval(), "train_args": {}}, tmp_path / f"{name}.pt")
        return tmp_path / f"{name}.pt"

    return make


@runs
@pytest.mark.parametrize("name", ["yolov8n", "yolo11n-seg", "yolo26n"])
def test_other_models_give_torchs_boxes(other, name):
    path = other(name)
    image = photographs(120, 160)[0]
    options: dict[str, Any] = {"imgsz": 160, "conf": 0.1, "classes": [0, 1, 2]}
    exact = YoloDetector(path, YoloOptions(backend="torch", **options))(Frame(1, image, 0.0))
    found = YoloDetector(path, YoloOptions(backend="openvino", **options))(Frame(1, image, 0.0))
    assert len(exact) >= 2
    np.testing.assert_allclose(found.xyxy, exact.xyxy, atol=0.05)
    np.testing.assert_allclose(found.score, exact.score, atol=1e-3)
    np.testing.assert_array_equal(found.class_id, exact.class_id)


@runs
class TestFallingBack:
    @pytest.fixture
    def refusing(self, monkeypatch):
        def refuse(self, height, width):
            raise WrongBoxesError("OpenVINO finds other boxes than torch")

        monkeypatch.setattr("remix_track.trackers.detectors.openvino_yolo.OpenVinoYolo._open", refuse)

    def test_is_said_once_and_shows_in_the_name(self, shared, refusing, caplog):
        detector = YoloDetector(shared("weights/yolo11n.pt"), YoloOptions(imgsz=64))
        assert ", openvino " in detector.name
        for index in (1, 2):
            detector(Frame(index, np.zeros((48, 64, 3), np.uint8), 0.0))
        assert "openvino" not in detector.name
        assert [record.message for record in caplog.records] == [
            "yolo11n.pt: OpenVINO finds other boxes than torch, so it runs on torch"
        ]

    def test_is_refused_where_openvino_was_asked_for(self, shared, refusing):
        detector = YoloDetector(shared("weights/yolo11n.pt"), YoloOptions(imgsz=64, backend="openvino"))
        with pytest.raises(InputError, match=r"OpenVINO finds other boxes than torch; leave `detector_backend` out"):
            detector(Frame(1, np.zeros((48, 64, 3), np.uint8), 0.0))

    def test_what_openvino_cannot_take_is_the_same(self, shared, monkeypatch, caplog, tmp_path):
        def fail(model):
            raise RuntimeError("no such\nlayer")

        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setattr("remix_track.trackers.detectors.yolo_parts.split", fail)
        YoloDetector(shared("weights/yolo11n.pt"), YoloOptions(imgsz=64))(
            Frame(1, np.zeros((48, 64, 3), np.uint8), 0.0)
        )
        assert [record.message for record in caplog.records] == [
            "yolo11n.pt: OpenVINO does not take it (no such layer), so it runs on torch"
        ]


def test_a_head_that_is_not_yolos_is_named():
    import torch

    from remix_track.trackers.detectors.yolo_parts import Body

    network: Any = torch.nn.Module()
    network.model = [torch.nn.Identity(), torch.nn.Linear(2, 2)]
    with pytest.raises(TypeError, match="it ends in Linear, which is no head of YOLO"):
        Body(network)


def test_backends_that_cannot_be(shared, tmp_path, monkeypatch):
    exported = tmp_path / "m.onnx"
    exported.touch()
    with pytest.raises(InputError, match=r"m\.onnx: is computed by what it was exported for; leave `detector_backend`"):
        YoloDetector(exported, YoloOptions(backend="openvino"))
    monkeypatch.setattr(openvino_runtime, "is_usable", lambda: False)
    with pytest.raises(InputError, match="`detector_backend` openvino: it is not installed or does not run here"):
        YoloDetector(shared("weights/yolo11n.pt"), YoloOptions(backend="openvino"))


@runs
def test_fast_moves_boxes_by_little(shared):
    image = photographs(480, 640)[0]
    exact, fast = (
        YoloDetector(shared("weights/yolo11n.pt"), YoloOptions(imgsz=320, backend="openvino", precision=precision))(
            Frame(1, image, 0.0)
        )
        for precision in ("float32", "fast")
    )
    rows = [np.column_stack([one.xyxy, one.score, one.class_id]) for one in (fast, exact)]
    assert len(exact) >= 2
    assert same_boxes(rows[0], rows[1], 0.25, share=0.01)


LATER_START = """
import sys
from pathlib import Path
import numpy as np
from remix_track.trackers.detectors.find_detector import find_detector
from remix_track.trackers.detectors.yolo import YoloOptions
from remix_track.trackers.frame import Frame
detector = find_detector(sys.argv[1], YoloOptions(imgsz=64, classes=["person"]))
detector(Frame(1, np.zeros((48, 64, 3), np.uint8), 0.0))
assert ", openvino " in detector.name
print([name for name in ("torch", "ultralytics", "openvino_telemetry") if name in sys.modules])
"""


@runs
def test_a_later_start_needs_no_torch(shared, tmp_path):
    weights = shared("weights/yolo11n.pt")
    YoloDetector(weights, YoloOptions(imgsz=64))(Frame(1, np.zeros((48, 64, 3), np.uint8), 0.0))
    ran = subprocess.run(
        [sys.executable, "-c", LATER_START, str(weights)],
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
    assert list(tmp_path.iterdir()) == []


def test_frames_of_two_sizes_that_take_turns_find_their_networks_ready(monkeypatch):
    opened = []

    def open_(self, height, width):
        opened.append(height)
        return lambda image: image.shape[0]

    monkeypatch.setattr(OpenVinoYolo, "_open", open_)
    facts, look = YoloFacts({0: "person"}, 32, end_to_end=False), Look(640, 0.25, 0.7, [0])
    model = OpenVinoYolo("sha", "any.pt", facts, look, pytest.fail, threads=1)
    heights = [10, 20, 10, 20, 30, 40, 10, 50, 10, 20]
    assert [model(np.zeros((height, 8, 3), np.uint8)) for height in heights] == heights
    assert opened == [10, 20, 30, 40, 50, 20], "four are kept; the one that was longest unused goes"

"""Exports of other families: each finds the same people, its image prepared as it wants it; unknown ones are a line."""

from pathlib import Path

import numpy as np
import pytest

from remix_track import openvino_runtime
from remix_track.errors import InputError
from remix_track.trackers.detectors import exported_families
from remix_track.trackers.detectors.coco_names import CATEGORIES, NAMES
from remix_track.trackers.detectors.exported_runtime import Network
from remix_track.trackers.detectors.exported_yolo import ExportedYolo
from remix_track.trackers.detectors.letterbox import Letterbox
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame
from tests.encoder.test_onnx import INT64, entry, model, node, tensor, value_info
from tests.trackers.detectors.test_exported import CENTRED, MASKS, SCORES, SIDE, XYXY, by_class, says

CELLS = [(x, y, stride) for stride in (8, 16, 32) for y in range(SIDE // stride) for x in range(SIDE // stride)]
GRID = np.array(CELLS, np.float32)
WHOSE = [10, 30]
"""The cells that see the two people."""


def graph(outputs, notes=None, *, channel: int = 0, sizes: bool = False) -> bytes:
    """A network that gives these arrays; those of two parts, the first and so often the mean of a channel the second.

    With `sizes` it takes RT-DETR's second input, and gives boxes in shares of that.
    """
    pick = np.zeros((1, 3), np.float32)
    pick[0, channel] = 3
    nodes = [node("ReduceMean", ["images"], "m", axes=[2, 3], keepdims=0), node("Mul", ["m", "pick"], "p")]
    nodes.append(node("ReduceMean", ["p"], "mean", keepdims=0))
    tensors, results = [tensor("pick", pick)], []
    for name, given in outputs.items():
        first, second = given if isinstance(given, tuple) else (given, 0 * given)
        tensors += [
            tensor(f"a-{name}", np.asarray(first, np.float32)),
            tensor(f"b-{name}", np.asarray(second, np.float32)),
        ]
        scaled = sizes and name == "boxes"
        nodes += [node("Mul", ["mean", f"b-{name}"], f"c-{name}")]
        nodes += [node("Add", [f"a-{name}", f"c-{name}"], f"d-{name}" if scaled else name)]
        if scaled:
            nodes += [node("Cast", ["orig_target_sizes"], "s", to=1), node("Concat", ["s", "s"], "ss", axis=1)]
            nodes += [node("Mul", [f"d-{name}", "ss"], name)]
        results.append(value_info(name, np.shape(first)))
    inputs = [value_info("images", (1, 3, SIDE, SIDE))]
    inputs += [value_info("orig_target_sizes", (1, 2), INT64)] if sizes else []
    said = [entry(14, entry(1, key) + entry(2, str(value))) for key, value in (notes or {}).items()]
    return model(nodes, inputs, results, tuple(tensors)) + b"".join(said)


def logit(score):
    return np.log(np.asarray(score) / (1 - np.asarray(score)))


def yolox(*, raw: bool = True, names: int = 80, person: int = 0, anchors: int = 1):
    """Rows of YOLOX, or with three boxes to a cell of YOLOv5: any object, and the person's class."""
    rows = np.zeros((1, anchors * len(GRID), 5 + names), np.float32)
    grid = np.tile(GRID, (anchors, 1))
    rows[0, :, :2], rows[0, :, 2:4] = (grid[:, :2] + 0.5) * grid[:, 2:], grid[:, 2:]
    rows[0, WHOSE, :4] = CENTRED
    rows[0, WHOSE, 4], rows[0, WHOSE, 5 + person] = np.sqrt(SCORES), np.sqrt(SCORES)
    if raw:
        rows[0, :, :2] = rows[0, :, :2] / grid[:, 2:] - grid[:, :2]
        rows[0, :, 2:4] = np.log(rows[0, :, 2:4] / grid[:, 2:])
    return rows


def queries(names: int, person: int, count: int = 40):
    """Boxes in shares of the image and logits of a DETR."""
    boxes = np.tile(np.array([0.5, 0.5, 0.1, 0.1], np.float32), (1, count, 1))
    logits = np.full((1, count, names), -6, np.float32)
    boxes[0, [3, 7]], logits[0, [3, 7], person] = CENTRED / SIDE, logit(SCORES)
    return boxes, logits


@pytest.fixture
def write(tmp_path: Path):
    def put(outputs, notes=None, **how) -> Path:
        path = tmp_path / "model.onnx"
        path.write_bytes(graph(outputs, notes, **how))
        return path

    return put


def seen(path: Path, image=None, **options):
    detector = YoloDetector(path, YoloOptions(imgsz=SIDE, **options))
    image = np.full((SIDE, SIDE, 3), 90, np.uint8) if image is None else image
    return detector, detector(Frame(1, image, 0.0))


def same(found, person, boxes=XYXY):
    order = np.argsort(-found.score)
    np.testing.assert_allclose(found.xyxy[order], boxes, atol=1e-3)
    np.testing.assert_allclose(found.score[order], SCORES, atol=1e-5)
    assert found.class_id.tolist() == [person, person]


def refused(path: Path, **options) -> str:
    with pytest.raises(InputError) as caught:
        seen(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


def plain(colour) -> np.ndarray:
    """A frame of one colour (blue, green, red)."""
    return np.full((SIDE, SIDE, 3), colour, np.uint8)


@pytest.mark.parametrize("raw", [True, False])
def test_yolox(write, raw):
    detector, found = seen(write({"output": yolox(raw=raw)}))
    same(found, 0)
    assert detector.name.endswith(", taken for: yolox, COCO's 80 classes)")
    assert detector.class_names[79] == "toothbrush"


def test_yolox_sees_bgr_in_0_to_255_in_the_corner(write):
    rows, more = yolox(), np.zeros_like(yolox())
    rows[0, WHOSE[0], 4], more[0, WHOSE[0], 4] = 0, np.sqrt(SCORES[0]) / 200
    path = write({"output": (rows, more)}, channel=0)
    same(seen(path, plain([200, 0, 0]))[1], 0)
    # Half of the input is grey below the frame: (50 + 114) / 2 of the blue that is expected.
    wide = np.full((32, 64, 3), 50, np.uint8)
    _, found = seen(path, wide)
    np.testing.assert_allclose(found.score.min(), SCORES[0] * 82 / 200, atol=1e-3)
    np.testing.assert_allclose(found.xyxy[np.argmin(found.score)], XYXY[0].clip(0, [64, 32] * 2), atol=1e-3)
    _, found = seen(path, np.full((128, 64, 3), 200, np.uint8))
    assert found.xyxy[:, 3].max() == pytest.approx(112), "the frame is twice as large, and starts at the corner"


def test_a_letterbox_at_the_corner():
    box = Letterbox.at_corner(30, 100, 64, 64)
    assert (box.scaled_height, box.scaled_width, box.left, box.top) == (19, 64, 0, 0)
    pixels = box.empty(np.uint8)
    box.fill(np.full((30, 100, 3), 7, np.uint8), pixels)
    assert (pixels[0, :19] == 7).all()
    assert (pixels[0, 19:] == 114).all()
    np.testing.assert_allclose(box.to_frame(np.array([[0, 0, 64, 19]], np.float32)), [[0, 0, 100, 30]], atol=1e-3)


def test_yolov5(write):
    names = {"names": {number: f"n{number}" for number in range(4)} | {2: "person"}, "stride": 32}
    detector, found = seen(write({"output0": yolox(raw=False, names=4, person=2, anchors=3)}, names))
    same(found, 2)
    assert detector.name.endswith(", taken for: yolov5)")
    rows, more = yolox(raw=False, anchors=3), np.zeros((1, 3 * len(GRID), 85))
    rows[0, WHOSE[0], 4], more[0, WHOSE[0], 4] = 0, np.sqrt(SCORES[0])
    same(seen(write({"output0": (rows, more)}, channel=0), plain([0, 0, 255]))[1], 0)


def test_rf_detr(write):
    boxes, logits = queries(91, 1)
    detector, found = seen(write({"dets": boxes, "labels": logits}))
    same(found, 1)
    assert detector.name.endswith(", taken for: rf-detr, COCO's 91 classes)")
    assert (detector.class_names[1], detector.class_names[90], detector.class_names[12]) == (
        "person", "toothbrush", "class12",
    )  # fmt: skip


def test_rf_detr_sees_normalised_rgb_stretched(write):
    boxes, logits = queries(91, 1)
    more = np.zeros_like(logits)
    red = (200 / 255 - 0.485) / 0.229
    logits[0, 3, 1], more[0, 3, 1] = 0, logit(SCORES[0]) / red
    path = write({"dets": boxes, "labels": (logits, more)}, channel=0)
    same(seen(path, plain([0, 0, 200]))[1], 1)
    wide = np.tile(np.array([0, 0, 200], np.uint8), (32, 256, 1))
    same(seen(path, wide)[1], 1, XYXY * [4, 0.5, 4, 0.5])


def test_rt_detr_with_classes_apart(write):
    boxes, logits = queries(80, 0)
    more = np.zeros_like(logits)
    logits[0, 3, 0], more[0, 3, 0] = 0, logit(SCORES[0]) * 255 / 200
    detector, found = seen(write({"logits": (logits, more), "pred_boxes": boxes}), plain([0, 0, 200]))
    same(found, 0)
    assert detector.name.endswith(", taken for: rt-detr, COCO's 80 classes)")


PICKER = {"names": ["a", "b", "person"]}


def picker():
    """RT-DETR's own export: labels, boxes in shares of its second input, scores."""
    boxes = np.zeros((1, 40, 4), np.float32)
    boxes[0, [3, 7]] = XYXY / SIDE
    labels, scores = np.zeros((1, 40)), np.zeros((1, 40))
    labels[0, [3, 7]], scores[0, [3, 7]] = 2, SCORES
    return {"labels": labels, "boxes": boxes, "scores": scores}


def test_rt_detr_that_picks_boxes_itself(write):
    _, found = seen(write(picker(), PICKER, sizes=True), np.full((32, 128, 3), 90, np.uint8))
    same(found, 2, XYXY * [2, 0.5, 2, 0.5])


@pytest.mark.skipif(not openvino_runtime.is_usable(), reason="openvino does not run here")
def test_the_size_is_given_to_openvino_too(tmp_path):
    import yaml

    made = openvino_runtime.read_model(graph(picker(), sizes=True))
    folder = tmp_path / "model_openvino_model"
    folder.mkdir()
    openvino_runtime.openvino().save_model(made, folder / "model.xml", compress_to_fp16=False)
    (folder / "metadata.yaml").write_text(yaml.safe_dump(PICKER))
    same(seen(folder, np.full((32, 128, 3), 90, np.uint8))[1], 2, XYXY * [2, 0.5, 2, 0.5])


def test_masks_of_rf_detr_go_with_their_queries(write):
    boxes, logits = queries(91, 1)
    masks = np.full((1, 40, 16, 16), -1, np.float32)
    masks[0, 3, 5:13, 2:5] = 1
    _, found = seen(write({"dets": boxes, "labels": logits, "masks": masks}))
    same(found, 1)
    assert [len(mask) for mask in found.mask] == [1, 0]
    points = found.mask.polygons[0][0]
    np.testing.assert_allclose([*points.min(axis=0), *points.max(axis=0)], [8, 20, 20, 52], atol=1.01)


def test_masks_of_other_queries_do_not_matter(write):
    boxes, logits = queries(91, 1)
    masks = np.full((1, 40, 16, 16), np.inf, np.float32)
    masks[0, [3, 7]] = 1
    _, found = seen(write({"dets": boxes, "labels": logits, "masks": (masks, np.zeros_like(masks))}))
    assert [len(mask) for mask in found.mask] == [1, 1]


def test_masks_of_too_many_queries(write, monkeypatch):
    boxes, logits = queries(1, 0, 10_001)
    many = {"dets": boxes, "labels": logits, "masks": np.zeros((1, 10_001, 1, 1))}
    assert refused(write(many), classes=[0]) == "gives 10,001 masks, more than 10,000; export it with fewer queries"
    boxes, logits = queries(91, 1)
    path = write({"dets": boxes, "labels": logits, "masks": np.ones((1, 40, 16, 16))})
    monkeypatch.setattr(exported_families, "_MOST_QUERIES", 40)
    same(seen(path)[1], 1)
    monkeypatch.setattr(exported_families, "_MOST_QUERIES", 39)
    assert refused(path).startswith("gives 40 masks, more than 39;")


def later(first, then, notes=None):
    """A detector whose network gives other outputs for frames than at the start."""
    answers = iter([first, then])
    network = Network(lambda _: next(answers), notes or {}, 1, (SIDE, SIDE), np.float32)
    return ExportedYolo(
        Path("m.onnx"), conf=0.1, iou=0.7, imgsz=SIDE, device=None, threads=1, open_with=lambda *_: network
    )


@pytest.mark.parametrize(
    ("first", "then", "notes"),
    [
        ({"output": yolox()}, {"output": yolox()[:, :-1]}, None),
        ({"output": yolox()}, {"output": yolox(), "more": yolox()}, None),
        ({"o": by_class()}, {"o": by_class()[:0]}, says()),
        ({"o": by_class("segment"), "p": MASKS}, {"o": by_class("segment"), "p": MASKS[:0]}, says("segment")),
        ({"o": by_class("segment"), "p": MASKS}, {"o": by_class("segment"), "p": MASKS[:, :7]}, says("segment")),
        ({"o": by_class("segment"), "p": MASKS}, {"o": by_class("segment"), "p": MASKS[:, :, :0]}, says("segment")),
    ],
)
def test_outputs_that_change_are_one_line(first, then, notes):
    assert len(later(first, first, notes).find([plain(90)], None)[0].rows) == 2
    with pytest.raises(InputError, match=r"^m.onnx: gives outputs that cannot be read \(.+\); export it again$"):
        later(first, then, notes).find([plain(90)], None)


@pytest.mark.parametrize("of", ["ultralytics", "yolox"])
def test_outputs_for_no_image_are_one_line(write, of):
    path = write({"output": by_class()[:0]}, says()) if of == "ultralytics" else write({"output": yolox()[:0]})
    assert refused(path).startswith("gives outputs that cannot be read (index 0 is out of bounds")


def test_too_little_memory_is_not_the_files_fault(monkeypatch):
    detector = later({"o": by_class()}, {"o": by_class()}, says())

    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(detector, "_picked", full)
    with pytest.raises(MemoryError):
        detector(plain(90), None)


class TestSideFiles:
    def test_say_names_and_family(self, write):
        boxes, logits = queries(4, 2)
        path = write({"a": boxes, "b": logits})
        assert refused(path) == (
            "gives boxes and classes apart, a (1, 40, 4) and b (1, 40, 4), and does not say of which family; say it "
            "with `detector_family` rt-detr or rf-detr"
        )
        path.with_suffix(".toml").write_text('family = "rf-detr"\nnames = ["bag", "hat", "person"]\n')
        detector, found = seen(path)
        same(found, 2)
        assert "taken for" not in detector.name
        path.with_suffix(".toml").write_text('names = ["bag", "hat", "person", "dog"]\n')
        same(seen(path, family="rt-detr")[1], 2)

    def test_that_cannot_be_read_are_a_line(self, write):
        path = write({"output": yolox()})
        for text, said in [
            ("name = []", f"{path.with_suffix('.toml')}: unknown key 'name'; did you mean 'names'?"),
            ('family = "yolo9"', f"{path}: family 'yolo9' is none of ultralytics, rt-detr, rf-detr, yolox, yolov5"),
        ]:
            path.with_suffix(".toml").write_text(text)
            with pytest.raises(InputError) as caught:
                seen(path)
            assert str(caught.value) == said


def test_another_family_than_asked_for_and_unknown_ones(write):
    path = write({"output": yolox()})
    assert "which is no rf-detr; known are YOLO and RT-DETR of ultralytics" in refused(path, family="rf-detr")
    path = write({"a": np.zeros((1, 7)), "b": np.zeros((1, 5, 5, 5, 5))})
    message = refused(path)
    assert message.startswith("gives (1, 7) and (1, 5, 5, 5, 5); known are YOLO")
    for name in ("RT-DETR", "D-FINE", "RF-DETR", "YOLOX", "YOLOv5"):
        assert name in message


def test_coco():
    assert len(NAMES) == len(set(NAMES)) == len(CATEGORIES) == 80
    assert (CATEGORIES[1], CATEGORIES[62], CATEGORIES[90]) == ("person", "chair", "toothbrush")

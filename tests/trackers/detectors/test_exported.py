"""Exported detectors: every layout finds the same people, by what the file says of itself; all else is refused."""

from pathlib import Path

import numpy as np
import pytest

from remix_track import openvino_runtime
from remix_track.errors import InputError
from remix_track.trackers.detectors.exported_facts import facts_of
from remix_track.trackers.detectors.exported_yolo import ExportedYolo
from remix_track.trackers.detectors.letterbox import Letterbox
from remix_track.trackers.detectors.openvino_yolo import photographs
from remix_track.trackers.detectors.quiet_ultralytics import quiet_ultralytics
from remix_track.trackers.detectors.suppression import surest_turned
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame
from tests.encoder.test_onnx import entry, model, node, tensor, value_info

SIDE, ANCHORS, QUERIES = 64, 90, 70
XYXY = np.array([[6, 16, 22, 56], [42, 8, 54, 48]], np.float32)
SCORES = [0.9, 0.8]
CENTRED = np.column_stack([(XYXY[:, :2] + XYXY[:, 2:]) / 2, XYXY[:, 2:] - XYXY[:, :2]])
EXTRA = {"detect": 0, "segment": 8, "pose": 51, "obb": 1}
THREE = {0: "helmet", 1: "bag", 2: "person"}
MASKS = np.zeros((1, 8, 16, 16), np.float32)


def graph(*outputs, side: int | str = SIDE, batch: int | str = 1, notes: dict[str, object] | None = None) -> bytes:
    """A network that gives these arrays, whatever the image."""
    nodes = [node("ReduceMean", ["images"], "m", keepdims=0), node("Mul", ["m", "none"], "nothing")]
    names = [f"output{index}" for index in range(len(outputs))]
    nodes += [node("Add", ["nothing", f"c{name}"], name) for name in names]
    tensors = [tensor(f"c{name}", np.asarray(one, np.float32)) for name, one in zip(names, outputs, strict=True)]
    results = [value_info(name, np.shape(one)) for name, one in zip(names, outputs, strict=True)]
    tensors.append(tensor("none", np.zeros((), np.float32)))
    shape = value_info("images", (batch, 3, side, side))
    said = [entry(14, entry(1, key) + entry(2, str(value))) for key, value in (notes or {}).items()]
    return model(nodes, [shape], results, tuple(tensors)) + b"".join(said)


def says(task="detect", names=None, **more):
    notes = {"task": task, "stride": 32, "imgsz": [SIDE, SIDE], "names": names or {0: "person"}, **more}
    return {**notes, "kpt_shape": [17, 3]} if task == "pose" and "kpt_shape" not in more else notes


def by_class(task="detect", names=1, person=0):
    raw = np.zeros((1, 4 + names + EXTRA[task], ANCHORS), np.float32)
    raw[0, :4, :2], raw[0, 4 + person, :2] = CENTRED.T, SCORES
    raw[0, 4 + names :] = -7 if task == "segment" else 30 if task == "pose" else 0
    return raw


def picked(task="detect", person=0):
    rows = np.zeros((1, QUERIES, 6 + EXTRA[task]), np.float32)
    rows[0, :2, :4] = CENTRED if task == "obb" else XYXY
    rows[0, :2, 4], rows[0, :2, 5] = SCORES, person
    return rows


def queries(names=1, person=0, *, picks=False):
    """RT-DETR: boxes are shares of the image; a score for each class, or the best one and its class."""
    rows = np.random.default_rng(0).uniform(0.01, 0.2, (1, QUERIES, 6 if picks else 4 + names)).astype(np.float32)
    rows[0, :, :2] += 0.5
    if picks:
        rows[..., 5] = person
    rows[0, :2, :4] = CENTRED / SIDE
    rows[0, :2, 4 if picks else 4 + person] = SCORES
    return rows


@pytest.fixture
def write(tmp_path: Path):
    def put(*outputs, **how) -> Path:
        path = tmp_path / "model.onnx"
        path.write_bytes(graph(*outputs, **how))
        return path

    return put


def seen(path: Path, height: int = SIDE, width: int = SIDE, **options):
    detector = YoloDetector(path, YoloOptions(imgsz=SIDE, **options))
    return detector, detector(Frame(1, np.full((height, width, 3), 90, np.uint8), 0.0))


def refused(path: Path, **options) -> str:
    with pytest.raises(InputError) as caught:
        seen(path, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def masks_of(task):
    return [MASKS] if task == "segment" else []


class TestLayouts:
    def same(self, found, person=0, atol=1e-3):
        np.testing.assert_allclose(found.xyxy, XYXY, atol=atol)
        np.testing.assert_allclose(found.score, SCORES, atol=1e-3 if atol > 1e-3 else 1e-6)
        assert found.class_id.tolist() == [person, person]

    @pytest.mark.parametrize("names", [{0: "person"}, THREE, {i: str(i) for i in range(79)} | {79: "person"}])
    @pytest.mark.parametrize("task", EXTRA)
    def test_a_score_for_each_class(self, write, task, names):
        raw = by_class(task, len(names), len(names) - 1)
        for output in (raw, raw.transpose(0, 2, 1)):
            detector, found = seen(write(output, *masks_of(task), notes=says(task, names)))
            self.same(found, len(names) - 1)
            assert "taken for" not in detector.name

    @pytest.mark.parametrize("task", EXTRA)
    @pytest.mark.parametrize("said", [{}, {"end2end": True}, {"args": {"nms": True}}, {"args": {"nms": False}}])
    def test_boxes_that_the_model_picks(self, write, task, said):
        detector, found = seen(write(picked(task, 2), *masks_of(task), notes=says(task, THREE, **said)))
        self.same(found, 2)
        assert "taken for" not in detector.name

    @pytest.mark.parametrize("names", [{0: "person"}, {0: "bag", 1: "person"}, THREE])
    @pytest.mark.parametrize("picks", [False, True])
    @pytest.mark.parametrize("said", [{"head": "RTDETRDecoder"}, {"description": "Ultralytics rtdetr-l model"}, {}])
    def test_rt_detr(self, write, names, picks, said, caplog):
        person = len(names) - 1
        path = write(queries(len(names), person, picks=picks), notes=says(names=names, **said))
        detector, found = seen(path)
        self.same(found, person)
        assert ("taken for: RT-DETR" in detector.name) == (not said)
        assert ("RT-DETR" in caplog.text) == (not said)

    def test_frames_are_stretched_for_rt_detr_and_padded_for_yolo(self, write):
        _, found = seen(write(queries(), notes=says(head="RTDETRDecoder")), height=96, width=256)
        np.testing.assert_allclose(found.xyxy, XYXY * [4, 1.5, 4, 1.5], atol=1e-3)
        _, found = seen(write(by_class(), notes=says()), height=64, width=128)
        np.testing.assert_allclose(found.xyxy, (XYXY - [0, 16, 0, 16]).clip(0, [64, 32] * 2) * 2, atol=1e-3)

    def test_masks_may_be_cut_off(self, write):
        raw = np.concatenate([by_class(), np.full((1, 32, ANCHORS), -7, np.float32)], axis=1)
        self.same(seen(write(raw, notes=says("segment")))[1])
        rows = np.concatenate([picked(), np.full((1, QUERIES, 32), -7, np.float32)], axis=2)
        self.same(seen(write(rows, notes=says("segment")))[1])

    def test_shares_of_the_padded_input(self, write):
        raw = by_class()
        raw[0, :4] /= SIDE
        self.same(seen(write(raw, notes=says()))[1])
        rows = picked()
        rows[..., :4] /= SIDE
        self.same(seen(write(rows, notes=says(end2end=True)))[1])

    def test_turned_boxes_become_the_upright_ones_around_them(self, write):
        raw = by_class("obb")
        raw[0, 5] = np.pi / 2
        _, found = seen(write(raw, notes=says("obb")))
        np.testing.assert_allclose(found.xyxy[0], [0, 28, 34, 44], atol=1e-3)
        raw[0, 5] = np.pi / 4
        half = (16 + 40) / 2 / np.sqrt(2)
        np.testing.assert_allclose(
            seen(write(raw, notes=says("obb")))[1].xyxy[0], [0, 36 - half, 14 + half, 36 + half], atol=1e-3
        )

    def test_overlaps_are_merged_where_the_model_does_not(self, write):
        for task in EXTRA:
            raw = by_class(task)
            raw[0, :5, 5] = [*(CENTRED[0] + 1), 0.85]
            assert len(seen(write(raw, *masks_of(task), notes=says(task)))[1]) == 2
            assert len(seen(write(raw, *masks_of(task), notes=says(task)), iou=0.99)[1]) == 3

    def test_several_pictures_at_once_and_any_size(self, write):
        raw = by_class()
        self.same(seen(write(np.concatenate([raw, raw * 0]), batch=2, notes=says()))[1])
        self.same(seen(write(raw, side="side", batch="batch", notes=says()))[1])

    @pytest.mark.skipif(not openvino_runtime.is_usable(), reason="openvino does not run here")
    @pytest.mark.parametrize("task", EXTRA)
    def test_openvino(self, tmp_path, task):
        import yaml

        folder = tmp_path / "model_openvino_model"
        folder.mkdir()
        ov = openvino_runtime.openvino()
        ov.save_model(openvino_runtime.read_model(graph(by_class(task, 3, 2), *masks_of(task))), folder / "model.xml")
        (folder / "metadata.yaml").write_text(yaml.safe_dump(says(task, THREE)))
        self.same(seen(folder)[1], 2, atol=0.05)
        (folder / "metadata.yaml").write_text("task: classify\n")
        assert refused(folder) == "its task is classify, not to detect; give a YOLO detector"


class TestFilesThatDoNotSay:
    def test_names_and_task(self, write, caplog):
        path = write(by_class(names=4, person=3))
        assert "carries no class names; say which to track by number, such as `classes` 0" in refused(path)
        detector, found = seen(path, classes=[3])
        assert len(found) == 2
        assert detector.name.endswith(", taken for: task detect, 4 classes)")
        assert "does not say all about itself; taken for: task detect, 4 classes" in caplog.text

    def test_one_class_is_all_there_is(self, write):
        assert len(seen(write(by_class()))[1]) == 2
        assert len(seen(write(picked()), classes=[0])[1]) == 2

    @pytest.mark.parametrize("task", EXTRA)
    def test_the_task_follows_from_names(self, write, task):
        notes = {"names": THREE}
        for output in (by_class(task, 3, 2), picked(task, 2)):
            detector, found = seen(write(output, *masks_of(task), notes=notes))
            assert len(found) == 2
            assert detector.name.endswith(f", taken for: task {task})")

    @pytest.mark.parametrize(("task", "doubt"), [("obb", "1 class of turned boxes"), ("pose", "17 keypoints")])
    def test_what_is_in_doubt_is_asked_for(self, write, task, doubt):
        path = write(by_class(task))
        message = refused(path)
        assert doubt in message
        assert message.endswith("; say which with `detector_task` detect or segment or pose or obb")
        assert len(seen(path, task=task, classes=[0])[1]) == 2

    def test_a_task_that_the_file_contradicts(self, write):
        path = write(by_class("pose"), notes=says("pose"))
        assert refused(path, task="obb") == "its task is pose, not obb; leave `detector_task` out"
        assert len(seen(path, task="pose")[1]) == 2

    def test_yolov5_is_not_taken_for_turned_boxes(self, write):
        old = np.random.default_rng(0).uniform(0, 1, (1, 1000, 85)).astype(np.float32)
        old[..., :4] *= 64
        for notes in ({"names": {i: str(i) for i in range(80)}}, {}):
            assert "which fits no task" in refused(write(old, notes=notes), classes=[0])


class TestOutputsThatDoNotFit:
    @pytest.mark.parametrize(
        ("output", "notes", "message"),
        [
            (
                by_class("pose"),
                says(),
                "gives (1, 56, 90), which does not fit task detect with 1 name: that is (1, 5, boxes), (1, boxes, 5) "
                "or (1, boxes, 6); export it with ultralytics, which notes task and names in the file",
            ),
            (by_class(), says("pose"), "gives (1, 5, 90), which does not fit task pose with 1 name: that is (1, 56,"),
            (by_class("pose"), says("pose", kpt_shape=[4, 2]), "gives (1, 56, 90), which does not fit task pose"),
            (by_class(names=80), says(names=THREE), "gives (1, 84, 90), which does not fit task detect with 3 names"),
            (by_class("segment"), says("segment"), "gives (1, 13, 90), which does not fit task segment with 1 name"),
            (by_class(), says("classify"), "its task is classify, not to detect; give a YOLO detector"),
            (np.zeros((1, 1000)), None, "gives (1, 1000); known are YOLO and RT-DETR of ultralytics, (1, columns,"),
            (np.zeros((1, 300, 9)), says(), "gives (1, 300, 9), which does not fit task detect with 1 name"),
        ],
    )
    def test_columns(self, write, output, notes, message):
        assert message in refused(write(output, notes=notes))

    def test_two_outputs_of_boxes(self, write):
        assert "gives (1, 5, 90) and (1, 70, 6); known are YOLO" in refused(write(by_class(), picked(), notes=says()))

    @pytest.mark.parametrize("bad", [1.01, 40, -0.01, float("nan")])
    def test_scores(self, write, bad):
        for make, at in ((by_class, (0, 4, 7)), (picked, (0, 7, 4))):
            raw = make()
            raw[at] = bad
            path = write(raw, notes=says())
            assert f"gives a score of {bad:.4g}, outside 0..1" in refused(path)
        raw = by_class()
        raw[0, 4, 7] = 1 if bad > 0 else 0
        assert len(seen(write(raw, notes=says()))[1]) in (2, 3)

    @pytest.mark.parametrize("bad", [1, -1, 80])
    def test_classes(self, write, bad):
        rows = picked()
        rows[0, 1, 5] = bad
        assert f"gives class {bad}, but knows 1 from 0 on" in refused(write(rows, notes=says()))
        rows[0, 1, 4] = 0.1
        assert len(seen(write(rows, notes=says()))[1]) == 1, "what is left out may have any class"

    def test_half_a_class(self, write):
        rows = picked()
        rows[0, 0, 5] = 0.5
        assert "does not fit task detect" in refused(write(rows, notes=says()))
        assert "gives class 0.5, but knows 1" in refused(write(rows, notes=says(end2end=True)))

    def test_boxes_that_are_not_finite_are_dropped_and_counted(self, write):
        raw = by_class()
        raw[0, 2, 0] = np.inf
        detector, found = seen(write(raw, notes=says()))
        assert (len(found), detector.dropped) == (1, 1)


class TestNotes:
    @pytest.mark.parametrize(
        "notes",
        [
            {"names": "{0: 'a'"},
            {"names": "[" * 100_000},
            {"names": "{0: ['a']}"},
            {"names": "{1: 'a'}"},
            {"names": 7},
            {"kpt_shape": "[17]"},
            {"stride": "0"},
            {"stride": "a" * 2_000_000},
        ],
    )
    def test_that_cannot_be_read_are_one_line(self, notes):
        with pytest.raises(InputError, match=r"^x: cannot be read as the notes of a detector \(.*\); export it again$"):
            facts_of(Path("x"), notes)

    def test_names_are_shown_without_control_characters(self):
        assert facts_of(Path("x"), {"names": ["\x1b[31mperson"]}).names == {0: "[31mperson"}
        assert facts_of(Path("x"), {}).names is None
        for yes, no in (("True", "False"), ("true", "false")):
            notes = {"end2end": no, "args": "{'nms': %s}".replace("'", '"') % yes, "names": '{"0": "person"}'}
            assert facts_of(Path("x"), notes).picks
            assert not facts_of(Path("x"), notes | {"args": "null" if no == "false" else "None"}).picks

    def test_yaml_that_grows_without_end(self, tmp_path):
        bomb = "a: &a [x, x, x, x]\n" + "".join(
            f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        )
        import yaml

        with pytest.raises(InputError, match="its names are not numbers and texts"):
            facts_of(Path("x"), yaml.safe_load(bomb + "names: {0: *i}\n"))


@pytest.mark.parametrize(("height", "width"), [(576, 768), (37, 911), (911, 37), (431, 333), (1, 50)])
def test_letterboxes_of_fixed_size_equal_ultralytics(height, width):
    with quiet_ultralytics():
        from ultralytics.data.augment import LetterBox
        from ultralytics.utils.ops import scale_boxes
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    for sides in ((96, 160), (640, 640)):
        for box, how in (
            (Letterbox.inside(height, width, *sides), {"auto": False}),
            (Letterbox.stretched(height, width, *sides), {"auto": False, "scale_fill": True}),
        ):
            pixels = box.empty(np.uint8)
            box.fill(image, pixels)
            np.testing.assert_array_equal(pixels[0], LetterBox(sides, stride=32, **how)(image=image))
        xyxy = np.random.default_rng(1).uniform(-30, 700, (20, 4)).astype(np.float32)
        inside = Letterbox.inside(height, width, *sides)
        np.testing.assert_allclose(
            inside.to_frame(xyxy), scale_boxes(sides, xyxy.copy(), image.shape), atol=1e-3, rtol=1e-5
        )


@pytest.mark.parametrize("classes", [None, [0], [1, 2]])
@pytest.mark.parametrize(("conf", "iou"), [(0.25, 0.7), (0.05, 0.3), (0.6, 0.1)])
def test_suppression_of_turned_boxes_equals_ultralytics(classes, conf, iou):
    import torch

    with quiet_ultralytics():
        from ultralytics.utils.nms import non_max_suppression
        from ultralytics.utils.ops import xywhr2xyxyxyxy
    rng = np.random.default_rng(0)
    raw = np.empty((8, 400), np.float32)
    raw[:2], raw[2:4] = rng.uniform(0, 200, (2, 400)), rng.uniform(5, 90, (2, 400))
    raw[4:7], raw[7] = rng.uniform(0, 1, (3, 400)) ** 2, rng.uniform(-0.7, 2.3, 400)
    theirs = non_max_suppression(torch.from_numpy(raw.copy())[None], conf, iou, classes=classes, nc=3, rotated=True)[0]
    corners = xywhr2xyxyxyxy(torch.cat([theirs[:, :4], theirs[:, 6:]], 1))
    ours = surest_turned(raw[:4], raw[4:7], raw[7], classes, conf=conf, iou=iou)
    assert len(ours) > 5
    np.testing.assert_allclose(ours[:, :4], torch.cat([corners.amin(1), corners.amax(1)], 1), atol=1e-3)
    np.testing.assert_allclose(ours[:, 4:], theirs[:, 4:6], atol=1e-6)


EXPORTS = [
    ("yolo11n", {}),
    ("yolo11n", {"dynamic": True}),
    ("yolo11n-pose", {}),
    ("yolo11n-seg", {}),
    ("yolo11n-obb", {}),
    ("yolo11n-pose", {"nms": True}),
    ("yolo11n-obb", {"nms": True}),
    ("yolo26n", {"nms": False}),
    ("yolov10n", {"nms": False}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), EXPORTS)
def test_real_exports_give_ultralytics_boxes(tmp_path, monkeypatch, name, how):
    pytest.importorskip("onnx", reason="ultralytics exports with the onnx package (the extra `export`)")
    import torch

    torch.manual_seed(0)
    monkeypatch.chdir(tmp_path)
    with quiet_ultralytics():
        from ultralytics import YOLO

        made = YOLO(f"{name}.yaml", verbose=False)
        for level in made.model.model[-1].cv3:
            torch.nn.init.normal_(level[-1].weight, std=0.05)
            torch.nn.init.constant_(level[-1].bias, -2.5)
        file = made.export(format="onnx", imgsz=160, simplify=False, verbose=False, **how)
        path = tmp_path / Path(file).name
        theirs = YOLO(str(path), task=made.task)
        for image in (*photographs(120, 160), photographs(311, 200)[0]):
            ours = ExportedYolo(path, conf=0.1, iou=0.7, imgsz=160, device="cpu", threads=1)(image, None)
            result = theirs.predict(image, imgsz=160, conf=0.1, iou=0.7, verbose=False, device="cpu")[0]
            boxes = result.obb if made.task == "obb" else result.boxes
            rows = np.column_stack([boxes.xyxy.numpy(), boxes.conf.numpy(), boxes.cls.numpy()])
            rows[:, :4] = rows[:, :4].clip(0, [image.shape[1], image.shape[0]] * 2)
            assert len(ours) == len(rows)
            ours, rows = (one[np.lexsort(one.round(1).T)] for one in (ours, rows))
            np.testing.assert_allclose(ours, rows, atol=0.2 if made.task == "obb" else 1e-3)

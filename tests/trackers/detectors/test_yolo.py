"""YOLO through ultralytics: the same boxes, hostile files refused in one line, the process left as it was."""

import os
import pickle
import subprocess
import sys
import threading
import time
from typing import Any

import cv2
import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.trackers.detectors.quiet_ultralytics import quiet_ultralytics
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions, chosen_classes
from remix_track.trackers.frame import Frame
from tests.trackers.detectors.test_detectors import PETS_FRAMES, recall_and_precision
from tests.trackers.detectors.test_detectors import pets as pets  # the fixture


@pytest.fixture(scope="module")
def weights(shared):
    return shared("weights/yolo11n.pt")


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in another order end in other last bits; and two threads on a busy machine wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def blank():
    return Frame(1, np.full((96, 128, 3), 90, np.uint8), 0.0)


class TestBoxes:
    @pytest.mark.parametrize(("backend", "imgsz"), [("torch", 768), ("openvino", 768), ("openvino", 500)])
    def test_equal_those_of_ultralytics(self, weights, pets, backend, imgsz):
        detector = YoloDetector(weights, YoloOptions(imgsz=imgsz, device="cpu", backend=backend))
        from ultralytics import YOLO

        reference = YOLO(weights)
        for frame, _ in pets[::6]:
            theirs = reference(frame.image, imgsz=imgsz, classes=[0], conf=0.25, verbose=False, device="cpu")[0].boxes
            ours = detector(frame)
            assert len(ours) > 3
            exact = {"rtol": 0, "atol": 0} if backend == "torch" else {"rtol": 0, "atol": 0.01}
            np.testing.assert_allclose(ours.xyxy, theirs.xyxy.numpy(), **exact)
            np.testing.assert_allclose(ours.score, theirs.conf.numpy(), **exact)
            np.testing.assert_array_equal(ours.class_id, theirs.cls.numpy())
        assert (f", {backend} " in detector.name) == (backend == "openvino")

    def test_are_as_good_as_the_weights_are_known_to_be(self, weights, pets):
        assert len(pets) == len(PETS_FRAMES) == 20
        recall, precision = recall_and_precision(YoloDetector(weights), pets, 0.25)
        assert recall == pytest.approx(0.957, abs=0.01)
        assert precision == pytest.approx(0.925, abs=0.01)

    def test_none_is_fine(self, weights):
        assert len(YoloDetector(weights, YoloOptions(imgsz=128))(blank())) == 0

    def test_that_are_not_finite_are_dropped_and_counted(self, weights, monkeypatch):
        import torch

        detector = YoloDetector(weights, YoloOptions(imgsz=128, backend="torch"))
        rows = torch.tensor([[1.0, 2, 3, 4, 0.9, 0], [float("nan"), 2, 3, 4, 0.8, 0], [1, 2, float("inf"), 4, 0.7, 0]])

        class Result:
            boxes = type("Boxes", (), {"data": rows})

        monkeypatch.setattr(detector._on_torch()._model, "predict", lambda image, **options: [Result])
        assert detector(blank()).xyxy.tolist() == [[1, 2, 3, 4]]
        assert detector(blank()).score.tolist() == pytest.approx([0.9])
        assert detector.dropped == 4


def test_turned_boxes_of_a_pt_become_upright_ones_on_torch(tmp_path):
    import torch

    with quiet_ultralytics():
        from ultralytics import YOLO
    torch.manual_seed(0)
    made = YOLO("yolo11n-obb.yaml", verbose=False)
    for level in made.model.model[-1].cv3:
        torch.nn.init.normal_(level[-1].weight, std=0.05)
        torch.nn.init.constant_(level[-1].bias, -1.0)
    torch.save({"model": made.model.eval(), "train_args": {"task": "obb"}}, tmp_path / "turned.pt")
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    options: dict[str, Any] = {"imgsz": 160, "conf": 0.26, "device": "cpu"}
    detector = YoloDetector(tmp_path / "turned.pt", YoloOptions(classes=list(range(80)), **options))
    found = detector(Frame(1, image, 0.0))
    theirs = YOLO(tmp_path / "turned.pt").predict(image, verbose=False, **options)[0].obb
    assert len(found) == len(theirs) > 0
    np.testing.assert_array_equal(found.xyxy, theirs.xyxy.numpy())
    np.testing.assert_array_equal(found.score, theirs.conf.numpy())
    assert not detector.on_openvino
    with pytest.raises(InputError, match="turned boxes are computed on torch; leave `detector_backend` out"):
        YoloDetector(tmp_path / "turned.pt", YoloOptions(classes=[0], backend="openvino", imgsz=160))


def test_name_says_which_file(weights):
    import hashlib

    expected = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]
    assert YoloDetector(weights, YoloOptions(imgsz=64, backend="torch")).name == f"yolo11n.pt (sha256 {expected})"


def test_a_path_with_an_apostrophe_or_a_name_that_ultralytics_rewrites(weights, tmp_path):
    folder = tmp_path / "O'Brien's film"
    folder.mkdir()
    odd = folder / "yolov5n.pt"
    odd.symlink_to(weights)
    assert YoloDetector(odd, YoloOptions(imgsz=64)).classes == [0]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["O'Brien's film", "yolov5n.pt"]


class TestClasses:
    names = {0: "person", 1: "bicycle", 2: "car", 3: "truck"}  # noqa: RUF012

    def choose(self, wanted, names=None, tmp_path="m.pt"):
        return chosen_classes(wanted, names or self.names, tmp_path)

    def test_persons_by_default_wherever_they_stand(self):
        assert self.choose(()) == [0]
        assert self.choose((), {0: "dog", 7: "Person"}) == [7]

    def test_everything_when_the_model_knows_one_class_only(self):
        assert self.choose((), {0: "zebrafish"}) is None

    def test_numbers_names_and_both(self):
        assert self.choose(["Car", "0", 3]) == [0, 2, 3]

    @pytest.mark.parametrize(
        ("wanted", "names", "message"),
        [
            ((), {0: "cat", 1: "dog"}, "m.pt: has no class 'person'; choose with `classes` among 0 cat, 1 dog"),
            (["vans"], {0: "van", 1: "dog"}, "m.pt: has no class 'vans'; did you mean 'van'?"),
            (["9"], {0: "van", 1: "dog"}, "m.pt: has no class '9'; it knows 0 van, 1 dog"),
            (
                (),
                {i: f"class{i}" for i in range(999)},
                "m.pt: carries no class names; say which to track by number, such as `classes` 0",
            ),
        ],
    )
    def test_unknown_ones_are_named(self, wanted, names, message):
        with pytest.raises(InputError) as caught:
            self.choose(wanted, names)
        assert str(caught.value) == message

    def test_a_long_list_is_cut(self):
        with pytest.raises(InputError, match=r"11 thing11 and 68 more$"):
            self.choose((), {i: f"thing{i}" for i in range(80)})

    def test_reach_the_model(self, weights, pets):
        parked = YoloDetector(weights, YoloOptions(imgsz=320, classes=["car", "24"]))
        assert parked.classes == [2, 24]
        assert set(parked(pets[0][0]).class_id.tolist()) == {2}


class Evil:
    """A pickle that makes a folder when it is read."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


class TestFilesThatAreNoDetectors:
    def refused(self, path):
        with pytest.raises(InputError) as caught:
            YoloDetector(path, YoloOptions(imgsz=64))
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        return message.removeprefix(f"{path}: ")

    @pytest.mark.parametrize("protocol", [2, 4])
    def test_a_pt_that_would_run_a_program(self, tmp_path, protocol):
        import torch

        trace = tmp_path / "trace"
        torch.save({"model": Evil(trace)}, tmp_path / "evil.pt", pickle_protocol=protocol)
        message = self.refused(tmp_path / "evil.pt")
        if protocol == 2:
            assert (
                message
                == "asks for posix.mkdir, which is no part of a YOLO model and could run any program; not loaded"
            )
        (tmp_path / "raw.pt").write_bytes(pickle.dumps({"model": Evil(trace)}, protocol=2))
        self.refused(tmp_path / "raw.pt")
        assert not trace.exists()

    def test_is_refused_also_where_the_program_imported_ultralytics_before(self, tmp_path, monkeypatch):
        import torch
        from ultralytics.nn import tasks

        monkeypatch.setattr(tasks, "SAFE_LOAD", False)
        trace = tmp_path / "trace"
        torch.save({"model": Evil(trace)}, tmp_path / "evil.pt")
        assert "asks for posix.mkdir" in self.refused(tmp_path / "evil.pt")
        assert not trace.exists()

    def test_text_an_image_nothing_and_half_a_model(self, tmp_path, weights):
        other = "not a YOLO model that ultralytics can load; give YOLO weights (.pt, .onnx, an OpenVINO folder)"
        cut = "damaged or cut short; download or export it again"
        (tmp_path / "text.pt").write_text("1,-1,10,20,30,40\n" * 20)
        assert self.refused(tmp_path / "text.pt") == other
        (tmp_path / "image.pt").write_bytes(cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes())
        assert self.refused(tmp_path / "image.pt") == other
        (tmp_path / "empty.pt").touch()
        assert self.refused(tmp_path / "empty.pt") == cut
        (tmp_path / "half.pt").write_bytes(weights.read_bytes()[:1_000_000])
        assert self.refused(tmp_path / "half.pt") == cut

    def test_tensors_without_a_model(self, tmp_path, shared):
        import torch

        other = "not a YOLO model that ultralytics can load; give YOLO weights (.pt, .onnx, an OpenVINO folder)"
        torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "state.pt")
        assert self.refused(tmp_path / "state.pt") == other
        torch.save([1, 2], tmp_path / "list.pt")
        assert self.refused(tmp_path / "list.pt") == other
        torch.save({"model": torch.nn.Linear(2, 2)}, tmp_path / "linear.pt")
        self.refused(tmp_path / "linear.pt")

    def test_a_classifier(self, tmp_path):
        import torch
        from ultralytics.nn.tasks import ClassificationModel

        model = ClassificationModel("yolo11n-cls.yaml", nc=4, verbose=False)
        model.task = "classify"
        torch.save({"model": model, "train_args": {}}, tmp_path / "cls.pt")
        assert self.refused(tmp_path / "cls.pt") == "its task is classify, not to detect; give a YOLO detector"

    def test_missing_and_other_kinds_of_files(self, tmp_path):
        what = "give YOLO weights (.pt, .onnx, an OpenVINO folder)"
        assert self.refused(tmp_path / "no.pt") == f"no such file; {what}"
        (tmp_path / "film.mp4").touch()
        assert self.refused(tmp_path / "film.mp4") == f"not a detector; {what} or a det.txt"
        assert self.refused(tmp_path) == "a folder; OpenVINO models lie in one whose name ends in _openvino_model"
        (tmp_path / "x_openvino_model").mkdir()
        assert self.refused(tmp_path / "x_openvino_model").startswith("holds no OpenVINO model")

    def test_openvino_without_its_package(self, tmp_path, monkeypatch):
        folder = tmp_path / "x_openvino_model"
        folder.mkdir()
        (folder / "x.xml").touch()
        (folder / "x.bin").touch()
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        assert self.refused(folder) == "needs the openvino package; pip install openvino"

    def test_onnx_that_is_broken_or_another_network(self, tmp_path, shared):
        (tmp_path / "text.onnx").write_text("hello")
        assert self.refused(tmp_path / "text.onnx").startswith("not an ONNX file that this ONNX Runtime can run")
        other = self.refused(shared("weights/osnet_x0_25_msmt17.onnx"))
        assert other.startswith("gives (1, 512); known are YOLO and RT-DETR")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"conf": 1.5}, "conf = 1.5; expected 0 to 1"),
        ({"iou": -0.1}, "iou = -0.1; expected 0 to 1"),
        ({"imgsz": 0}, "imgsz = 0; expected 32 to 8,192"),
        ({"device": "cuda:9"}, "device 'cuda:9' cannot be used here; give cpu, cuda, cuda:0, mps, or nothing"),
        ({"device": "toaster"}, "device 'toaster' cannot be used here; give cpu, cuda, cuda:0, mps, or nothing"),
    ],
)
def test_options_that_cannot_be(weights, options, message):
    with pytest.raises(InputError) as caught:
        YoloDetector(weights, YoloOptions(**options))
    assert str(caught.value) == message


SIDE_EFFECTS = """
import os, sys
from pathlib import Path
import cv2, numpy as np, torch
cv2.setNumThreads(3)
torch.set_num_threads(3)
from PIL import Image
environment, options, open_image = dict(os.environ), np.get_printoptions(), Image.open
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame
detector = YoloDetector(Path(sys.argv[1]), YoloOptions(imgsz=64))
detector(Frame(1, np.zeros((48, 64, 3), np.uint8), 0.0))
assert torch.get_num_threads() == 3, torch.get_num_threads()
assert cv2.getNumThreads() == 3, cv2.getNumThreads()
assert dict(os.environ) == environment, set(os.environ.items()) ^ set(environment.items())
assert np.get_printoptions() == options
assert Image.open is open_image
from ultralytics.utils import AUTOINSTALL, ONLINE
from ultralytics.utils.events import events
assert not ONLINE and not AUTOINSTALL and not events.enabled
"""


def test_the_process_and_the_home_stay_as_they_were(weights, tmp_path):
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("YOLO_", "PYTEST", "XDG_"))}
    ran = subprocess.run(
        [sys.executable, "-c", SIDE_EFFECTS, str(weights)],
        cwd=here,
        env=quiet
        | {"HOME": str(home), "XDG_CACHE_HOME": str(tmp_path / "cache"), "MPLCONFIGDIR": str(tmp_path / "mpl")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert list(home.rglob("*")) == []
    assert list(here.rglob("*")) == []


def test_two_threads_leave_pillow_as_it_was():
    """What the first has changed is not what the second puts back."""
    from PIL import Image

    before = Image.open
    inside = threading.Event()

    def enter() -> None:
        inside.set()
        with quiet_ultralytics():
            pass

    second = threading.Thread(target=enter)
    with quiet_ultralytics():
        Image.open = lambda *arguments, **options: before(*arguments, **options)
        second.start()
        inside.wait()
        time.sleep(0.1)  # until it waits for us
    second.join()
    assert Image.open is before

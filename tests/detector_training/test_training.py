"""The training end to end, as small as it can be: it learns, goes on where it was stopped, and gives a detector."""

import dataclasses
import json
import sys

import numpy as np
import pytest
import torch

from remix_track.cli.train import main
from remix_track.detector_training.export import Rows, ask_for_packages, export
from remix_track.detector_training.network import PersonDetector
from remix_track.detector_training.run import calibrate, calibration_images, new_network, run
from remix_track.detector_training.settings import ComposeSettings, DetectorTraining, OptimiserSettings
from remix_track.detector_training.training import CHECKPOINT, images_of, train
from remix_track.errors import InputError
from remix_track.trackers.detectors.builtin import SAME_PERSON
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame
from tests.detector_training.scenes import material

TINY = DetectorTraining(
    compose=ComposeSettings(height=96, width=128, shortest=40, tallest=90, street_share=0, empty_share=0),
    optimiser=OptimiserSettings(steps=6, batch=3, warmup=2, rate=3e-3),
    checkpoint_every=3,
)


@pytest.fixture(scope="module")
def drawn():
    return material()


def begin() -> PersonDetector:
    torch.manual_seed(0)
    return new_network()


def test_it_learns_and_keeps_what_imagenet_taught_the_first_blocks(drawn, tmp_path):
    steps, network = [], begin()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    mean = train(network, drawn, TINY, tmp_path, lambda step, _: steps.append(step))
    assert [step.number for step in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1].box_loss < steps[0].box_loss
    after = mean.state_dict()
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert {name for name in before if name.startswith("blocks.3.")} <= kept
    assert {name for name in before if "running_mean" in name and name.startswith("blocks.")} <= kept
    assert "blocks.10.conv.0.weight" not in kept


def test_a_training_that_goes_on_is_the_unbroken_one(drawn, tmp_path):
    whole = train(begin(), drawn, TINY, tmp_path / "whole").state_dict()
    half = dataclasses.replace(TINY, checkpoint_every=3)

    class StopError(Exception):
        pass

    def stop(step, _):
        if step.number == 4:
            raise StopError

    with pytest.raises(StopError):
        train(begin(), drawn, half, tmp_path / "half", stop)
    assert torch.load(tmp_path / "half" / CHECKPOINT, weights_only=True)["step"] == 3
    numbers = []
    again = train(begin(), drawn, half, tmp_path / "half", lambda step, _: numbers.append(step.number)).state_dict()
    assert numbers == [4, 5, 6]
    assert all(torch.equal(whole[name], again[name]) for name in whole)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", {"step": 3}, {"network": {}, "step": 3}])
def test_a_damaged_checkpoint_is_one_line(drawn, tmp_path, content):
    file = tmp_path / CHECKPOINT
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    with pytest.raises(
        InputError, match=r"checkpoint\.pt: cannot be read as a checkpoint of .* remove it to begin anew$"
    ):
        train(begin(), drawn, TINY, tmp_path)


@pytest.mark.parametrize("side", ["height", "width"])
def test_sides_are_multiples_of_32(side):
    assert getattr(ComposeSettings(**{side: 288}), side) == 288
    with pytest.raises(InputError, match=rf"^{side} = 250; expected a multiple of 32, such as 256$"):
        ComposeSettings(**{side: 250})


@pytest.mark.parametrize(
    ("missing", "int8_images", "name"), [("onnx", 0, "export"), ("onnx", 1, "export"), ("nncf", 1, "int8")]
)
def test_packages_are_asked_for_before_anything_is_done(monkeypatch, tmp_path, missing, int8_images, name):
    pytest.importorskip("nncf")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError, match=rf"needs the package {missing}; pip install 'remix-track\[{name}\]'$"):
        run(DetectorTraining(int8_images=int8_images), tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_8_bit_integers_nncf_is_not_needed(monkeypatch):
    pytest.importorskip("onnx", reason="no onnx here; the extra export brings it")
    monkeypatch.setitem(sys.modules, "nncf", None)
    ask_for_packages(int8=False)


def test_the_file_gives_torchs_boxes_for_images_of_any_size(drawn, tmp_path):
    pytest.importorskip("onnx", reason="no onnx here; the extra export brings it")
    network = train(begin(), drawn, TINY, tmp_path)
    calibrate(network, 1.0, 4.0)
    export(network, tmp_path / "person.onnx", {"description": "a test"})
    assert (tmp_path / "person.onnx").stat().st_size < 6_000_000
    detector = YoloDetector(tmp_path / "person.onnx", YoloOptions(conf=0.01, iou=1.0, imgsz=128))
    assert detector.class_names == {0: "person"}
    for image in (drawn.places[0][:128, :128], drawn.streets[0].image[:96, :128]):
        found = detector(Frame(1, np.ascontiguousarray(image), 0.0))
        frame = dataclasses.replace(drawn.streets[0], image=np.ascontiguousarray(image))
        with torch.no_grad():
            rows = Rows(network)(images_of([frame]))[0].numpy()
        best = rows[:, rows[4].argmax()]
        assert found.score[0] == pytest.approx(best[4], abs=0.02)
        middle = (found.xyxy[0, :2] + found.xyxy[0, 2:]) / 2
        inside = (best[:2] - best[2:4] / 2 >= 0).all() and (best[:2] + best[2:4] / 2 <= image.shape[1::-1]).all()
        assert not inside or np.allclose(middle, best[:2], atol=1)


def test_scores_are_moved_along_a_line_of_log_odds():
    network = begin().eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = network(images)[0]
        calibrate(network, 2.0, -0.5)
        after = network(images)[0]
    assert torch.allclose(after, 2 * before - 0.5, atol=1e-4)


SETTINGS = """
int8_images = 0
[material]
drawn_places = 2
streets = 1
held_out_streets = 1
drawn_people = 3
[compose]
height = 64
width = 96
tallest = 60
[optimiser]
steps = 2
batch = 2
"""


def test_the_command_trains_measures_and_refuses_what_it_cannot_take(tmp_path, capsys):
    pytest.importorskip("onnx", reason="no onnx here; the extra export brings it")
    config, folder = tmp_path / "tiny.toml", tmp_path / "run"
    config.write_text(SETTINGS)
    assert main(["detector", "--config", str(config), "--output", str(folder), "--set", "seed=3"]) == 0
    said = capsys.readouterr().out
    assert "held-out drawn streets: recall" in said
    assert f"--detector {folder / 'person_detector.onnx'} --iou {SAME_PERSON}" in said
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["footage"]["recall"] is None, "there was none"
    assert 0 <= scores["streets"]["recall"] <= 1
    assert "seed = 3" in (folder / "settings.toml").read_text()
    assert main(["detector", "--resume", str(folder), "--quiet"]) == 0
    assert main(["detector", "--resume", str(folder), "--output", "x"]) == 2
    assert main(["detector", "--set", "material.photographs=nowhere", "--output", str(tmp_path / "none")]) == 2


def test_in_8_bit_integers_it_finds_the_same(drawn, tmp_path):
    pytest.importorskip("nncf")
    network = train(begin(), drawn, TINY, tmp_path)
    calibrate(network, 1.0, 4.0)
    images = calibration_images(drawn, dataclasses.replace(TINY, int8_images=4))
    assert [image.shape for image in images] == [(1, 3, 96, 128)] * 4
    export(network, tmp_path / "float.onnx", {})
    export(network, tmp_path / "int8.onnx", {}, images)
    assert (tmp_path / "int8.onnx").stat().st_size < 0.7 * (tmp_path / "float.onnx").stat().st_size
    looks = YoloOptions(conf=0.01, imgsz=128)
    frame = Frame(1, np.ascontiguousarray(drawn.streets[0].image[:96, :128]), 0.0)
    exact, near = (YoloDetector(tmp_path / name, looks)(frame) for name in ("float.onnx", "int8.onnx"))
    assert near.score[0] == pytest.approx(exact.score[0], rel=0.25)

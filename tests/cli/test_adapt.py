"""`remix-track adapt`: whose settings win, what is left, how it goes on, and what it says when it cannot."""

import json
import os
import signal

import numpy as np
import pytest
import torch

from remix_track.cli.main import main
from remix_track.cli.train_progress import TrainProgress
from remix_track.encoder.backbones import build_encoder
from remix_track.encoder.weights_card import WeightsCard
from remix_track.encoder.weights_file import load_weights, save_weights
from remix_track.errors import InputError
from remix_track.training import adapt
from remix_track.training.adapt_settings import adapt_settings, read_start
from tests.footage import write_video
from tests.training_scenes import picture

FRAMES = 60
SMALL = """
[sampling]
iterations_per_epoch = 3
multi_identities = 3
multi_images = 2
single_identities = 3
single_images = 2

[clusters]
k1 = 6
k2 = 2
min_samples = 2
eps = 0.7

[run]
epochs = 1
checkpoint_every = 1
threads = 1
device = "cpu"

[harvest]
every = 0.25
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Eight people who walk past a camera, labelled stripes, an encoder that knows nothing, and a settings file."""
    root = tmp_path_factory.mktemp("scene")
    images, lines = [], []
    colours = np.random.default_rng(0).integers(20, 250, (8, 2, 3))
    for frame in range(1, FRAMES + 1):
        image = np.full((240, 400, 3), 90, np.uint8)
        for number in range(8):
            left, top = 10 + 70 * (number % 4) + 2 * frame, 20 + 110 * (number // 4)
            image[top : top + 40, left : left + 30] = colours[number, 0]
            image[top + 40 : top + 80, left : left + 30] = colours[number, 1]
            lines.append(f"{frame},-1,{left + 1},{top + 1},30,80,0.9\n")
        images.append(image)
    write_video(root / "gate.mp4", images=images, rate=20)
    (root / "det.txt").write_text("".join(lines))
    for person in range(5):
        for camera in (1, 2):
            for take in range(3):
                name = f"{person + 1:04d}_c{camera}s1_{take:06d}_00.png"
                part = ("query" if take == 0 else "bounding_box_test") if person > 2 else "bounding_box_train"
                path = root / "people" / part / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(picture(person, 10 * camera + take, 64, 32))
    (root / "small.toml").write_text(SMALL)
    torch.manual_seed(0)
    card = WeightsCard("resnet18-ibn-a", 64, 32, 512, "noise", max_cosine_distance=0.5)
    save_weights(root / "w.safetensors", build_encoder(card.architecture).state_dict(), card)
    return root


def run(scene, output, *words):
    line = ["adapt", scene / "gate.mp4", "--weights", scene / "w.safetensors", "--output", output]
    line += ["--labelled", f"market-layout:{scene / 'people'}", "--config", scene / "small.toml"]
    line += ["--detector", scene / "det.txt", "--crops", scene / "crops", "--allowed-loss", "100"]
    return main([str(word) for word in [*line, *words]])


def test_it_is_stopped_goes_on_and_ends_as_if_it_had_not(scene, tmp_path, capsys, monkeypatch):
    assert run(scene, tmp_path / "whole.safetensors") == 0
    said = capsys.readouterr().out
    with monkeypatch.context() as patch:

        def interrupt(self, position):
            if position.stage == "joint" and position.step == 1:
                os.kill(os.getpid(), signal.SIGINT)

        patch.setattr(TrainProgress, "update", interrupt)
        assert run(scene, tmp_path / "cut.safetensors") == 130
    assert "stopped; the same command goes on from here" in capsys.readouterr().err
    assert not (tmp_path / "cut.safetensors").exists()
    assert run(scene, tmp_path / "cut.safetensors", "--set", "run.seed=3") == 2
    assert "cut-adapt: an adaptation with other settings is under way (seed = 3); delete" in capsys.readouterr().err
    assert run(scene, tmp_path / "cut.safetensors") == 0
    (whole, first), (cut, second) = (load_weights(tmp_path / f"{name}.safetensors") for name in ("whole", "cut"))
    assert whole == cut
    assert all(torch.equal(first[key], second[key]) for key in first)
    _, start = load_weights(scene / "w.safetensors")
    assert any(not torch.equal(first[key], start[key]) for key in first)
    # What it leaves and says: the old domain before and after, a threshold from the footage, where it comes from.
    facts = json.loads((tmp_path / "whole-adapt" / "adapt.json").read_text())
    ((folder, facts_of_it),) = facts["footage"].items()
    assert folder.startswith("gate-"), "the harvest's folder, as two videos may have one name"
    assert facts_of_it == {"video": "gate.mp4", "tracklets": 8, "crops": facts["calibration"]["crops"]}
    assert whole.max_cosine_distance == facts["calibration"]["max_cosine_distance"]
    assert whole.trained_on.endswith("adapted from w.safetensors: noise")
    before, after = (100 * facts["old_domain"][when]["map"] for when in ("before", "after"))
    assert f"people): mAP {before:.1f} before, {after:.1f} after" in said
    # A finished result is kept, and done again on demand; too much lost is said.
    assert run(scene, tmp_path / "cut.safetensors") == 2
    assert "cut.safetensors: there is something already" in capsys.readouterr().err
    assert run(scene, tmp_path / "cut.safetensors", "--overwrite", "--quiet", "--allowed-loss", "-200") == 1
    captured = capsys.readouterr()
    assert "points of mAP, more than --allowed-loss -200; the weights are written" in captured.err
    assert captured.out == ""


def test_what_cannot_be_adapted_is_one_line(scene, tmp_path, capsys):
    few = tmp_path / "few.txt"
    few.write_text("".join((scene / "det.txt").read_text().splitlines(keepends=True)[0::4]))
    nobody = tmp_path / "nobody.txt"
    nobody.write_text("")
    wrong = {
        "w2.onnx: weights are written as .safetensors": ["--output", tmp_path / "w2.onnx"],
        "cannot be trained further": ["--weights", "w.onnx"],
        "gone.safetensors: weights cannot be read": ["--weights", tmp_path / "gone.safetensors"],
        "no people found in 30 frames": ["--detector", nobody],
        "2 tracklets in 30 frames are too few to learn from; at least 8": ["--detector", few],
        "encoder.height is decided by the command": ["--set", "encoder.height=32"],
        "pretrain is decided by the command": ["--set", "pretrain=true"],
        "unknown key 'epoch'": ["--set", "run.epoch=3"],
        "a.mp4: no such file": [tmp_path / "a.mp4"],
        "none of bounding_box_train": ["--labelled", f"market-layout:{tmp_path / 'gone'}"],
    }
    for said, words in wrong.items():
        assert run(scene, tmp_path / "w2.safetensors", "--quiet", *words) == 2
        error = capsys.readouterr().err
        assert said in error, error
        assert error.count("\n") == 1
    assert not list(tmp_path.glob("w2*"))


def test_the_user_s_keys_win_over_the_command_s_defaults(scene):
    start = read_start(str(scene / "w.safetensors"))
    made = adapt_settings(
        start, {"multi_camera": ["folder:a"]}, {"run": {"epochs": 2}}, ["optimiser.warmup_epochs=3"], ""
    )
    assert (made.run.epochs, made.optimiser.warmup_epochs, made.optimiser.learning_rate) == (2, 3, 1e-4)
    assert (made.pretrain, made.joint, made.run.checkpoint_every) == (False, True, 20)
    assert (made.encoder.architecture, made.encoder.height, made.augmentation.padding) == ("resnet18-ibn-a", 64, 2)
    assert made.encoder.weights == str(scene / "w.safetensors")
    with pytest.raises(InputError, match=r"my\.toml: data\.target is decided by the command"):
        adapt_settings(start, {}, {"data": {"target": "folder:a"}}, [], "my.toml")
    assert made.encoder.frozen_batchnorm
    assert read_start("imagenet").encoder["weights"] == "imagenet"
    assert read_start("default").encoder == {
        "architecture": "mobilenet-v2", "height": 192, "width": 96, "even_light": True, "weights": "default"
    }  # fmt: skip


def test_two_runs_that_draw_at_once_both_go_on(tmp_path, monkeypatch):
    from remix_track.synthetic import dataset
    from remix_track.training.stopping import StopRequest

    def synthesize(folder, **words):
        if faster:
            folder.mkdir()
        raise InputError(f"{folder}: cannot be written (Directory not empty); give another folder")

    monkeypatch.setattr(dataset, "synthesize", synthesize)
    faster = True
    adapt.draw(tmp_path / "theirs", StopRequest())
    faster = False
    with pytest.raises(InputError, match="cannot be written"):
        adapt.draw(tmp_path / "none", StopRequest())


def test_without_labelled_people_they_are_drawn_once(scene, tmp_path, monkeypatch):
    from remix_track.synthetic import dataset
    from remix_track.training.stopping import StopRequest

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    drawn, folder = [], adapt.drawn_folder()

    def synthesize(folder, **words):
        drawn.append(words)
        folder.mkdir(parents=True)

    monkeypatch.setattr(dataset, "synthesize", synthesize)
    for _ in range(2):
        adapt.draw(folder, StopRequest())
    assert len(drawn) == 1
    assert drawn[0]["identities"] == 200
    start, videos, crops = read_start("default"), [str(scene / "gate.mp4")], tmp_path / "crops"

    def chosen(*labelled):
        return adapt.chosen_settings(start, videos, labelled, None, crops, folder, {}, (), "")

    assert chosen().data.multi_camera == (f"synthetic:{folder}",)
    assert chosen().data.target == f"synthetic-target:{folder}"
    # Labelled people without query and gallery leave the drawn ones to say what is forgotten.
    some = f"folder:{scene / 'people' / 'bounding_box_train'}"
    assert chosen(some).data.target == f"synthetic-target:{folder}"

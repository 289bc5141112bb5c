"""`calibrate` and `adapt` from Python: the examples of their docstrings run, and nothing is printed."""

import shutil

import pytest

import remix_track
from remix_track import InputError
from remix_track.data.crops import harvest
from remix_track.encoder.weights_file import load_weights
from remix_track.progress import Progress
from remix_track.settings import read_toml
from remix_track.trackers.detectors.public import PublicDetections
from remix_track.training import adapt, adapt_settings
from tests.cli.test_adapt import scene
from tests.test_public_interface import examples

__all__ = ["scene"]


@pytest.fixture
def footage(scene, tmp_path, monkeypatch):
    """Eight people who walk past a camera, found without a network, and few steps of training with few drawn people."""
    shutil.copyfile(scene / "gate.mp4", tmp_path / "footage.mp4")
    shutil.copyfile(scene / "w.safetensors", tmp_path / "w.safetensors")
    small = read_toml(scene / "small.toml")
    merged = {key: small.get(key, {}) for key in (*small, "joint")} | {"pretrain": False, "joint": True}
    for key, value in adapt_settings.ADAPTATION.items():
        merged[key] = {**value, **small.get(key, {})} if isinstance(value, dict) else value
    monkeypatch.setattr(adapt_settings, "ADAPTATION", merged)
    few = {"identities": 8, "target_identities": 4, "sequences": 0}
    monkeypatch.setattr(adapt, "DRAWN", adapt.DRAWN | few)
    monkeypatch.setattr(harvest, "find_detector", lambda *_, **__: PublicDetections(scene / "det.txt"))
    monkeypatch.setattr(harvest, "weights_at_hand", lambda _: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def example(documented):
    (code,) = examples(documented.__doc__)
    return code.replace('"default"', '"w.safetensors"')


def test_the_example_of_calibrate_runs(footage, capsys):
    names = {"remix_track": remix_track}
    exec(example(remix_track.calibrate), names)
    made = names["made"]
    assert capsys.readouterr().out == f"{made.max_cosine_distance} {made.weights} {made.histogram}\n"
    assert load_weights(made.weights)[0].max_cosine_distance == pytest.approx(made.max_cosine_distance)
    assert made.histogram.is_file()


def test_the_example_of_adapt_runs(footage, capsys):
    names = {"remix_track": remix_track}
    exec(example(remix_track.adapt), names)
    made = names["made"]
    assert capsys.readouterr().out == f"{made.weights} {made.lost} {made.calibration}\n"
    assert made.calibration is not None
    assert load_weights(made.weights)[0].max_cosine_distance == pytest.approx(made.calibration.max_cosine_distance)
    assert (made.folder / "adapt.json").is_file()
    assert made.lost == pytest.approx(100 * (made.before["map"] - made.after["map"]))


def test_progress_is_told_and_settings_are_taken_by_name(footage):
    told = list[Progress]()
    remix_track.calibrate(
        "footage.mp4", weights="w.safetensors", output="a.safetensors", every=0.25, on_progress=told.append
    )
    assert [at.stage for at in told] == sorted((at.stage for at in told), reverse=True)
    assert {at.stage for at in told} == {"footage", "crops"}
    assert told[-1].done == told[-1].total
    with pytest.raises(InputError, match=r"calibrate\(\): unknown key 'evry'; did you mean 'every'\?"):
        remix_track.calibrate("footage.mp4", weights="w.safetensors", output="b.safetensors", evry=0.25)
    with pytest.raises(InputError, match=r"`output` w2\.onnx: weights are written as \.safetensors"):
        remix_track.adapt("footage.mp4", weights="w.safetensors", output="w2.onnx")

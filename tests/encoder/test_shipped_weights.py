"""The weights that come with the package: small, whole, made by what their card says, and never written to."""

from pathlib import Path

import pytest
import torch

from remix_track.cli.train import main as remix_train
from remix_track.digests import sha256_of
from remix_track.encoder.shipped import SHIPPED, located
from remix_track.encoder.weights_file import load_weights
from remix_track.errors import InputError
from remix_track.training.run import _as_stored

CARD = SHIPPED.with_suffix(".md")


def test_the_file_is_small_and_says_what_made_it():
    card, state = load_weights(SHIPPED)
    assert SHIPPED.stat().st_size < 25e6
    assert card.max_cosine_distance is not None
    assert card.even_light
    assert card.trained_on.startswith("mean of: ")
    assert "ReMix, joint" in card.trained_on
    assert {one.dtype for one in state.values() if one.ndim == 4} == {torch.float16}


def test_the_model_card_lies_beside_it_and_agrees():
    text = CARD.read_text(encoding="utf-8")
    card, _ = load_weights(SHIPPED)
    assert f"`max_cosine_distance` {card.max_cosine_distance:.3f}" in text
    assert f"{SHIPPED.stat().st_size / 1e6:.1f} MB" in text
    assert f"{card.input_height}x{card.input_width}" in text
    assert "@@" not in text


def test_other_names_stay_as_they_are():
    assert located("default") == SHIPPED
    assert located("none") == "none"
    assert located(Path("w.onnx")) == Path("w.onnx")


def test_an_export_never_lands_in_the_package(tmp_path, capsys):
    before = sorted(SHIPPED.parent.iterdir())
    assert remix_train(["export", "default", "--format", "torchscript"]) == 2
    assert capsys.readouterr().err == "remix-train: default: these belong to the package; give --output FILE\n"
    out = tmp_path / "remix.torchscript.pt"
    assert remix_train(["export", "default", "--format", "torchscript", "--output", str(out)]) == 0
    assert len(sha256_of(out)) == 64
    assert sorted(SHIPPED.parent.iterdir()) == before


def test_numbers_that_float16_cannot_hold_are_refused(tmp_path):
    state = {"conv": torch.full((1, 1, 1, 1), 1e5), "norm": torch.tensor([1e5])}
    assert _as_stored(state, "float32", tmp_path) is state
    with pytest.raises(
        InputError, match=r"float16 cannot hold conv; the last checkpoint is whole: `resume` with run\."
    ):
        _as_stored(state, "float16", tmp_path)
    state["conv"] /= 10
    assert _as_stored(state, "float16", tmp_path)["norm"].dtype == torch.float32

"""The mean of several weights: number by number, with refusals and a threshold of its own."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from remix_track.cli import train
from remix_track.encoder.average_weights import average_weights
from remix_track.encoder.backbones import build_encoder
from remix_track.encoder.weights_card import WeightsCard
from remix_track.encoder.weights_file import load_weights, save_weights
from remix_track.errors import InputError

CARD = WeightsCard("resnet18-ibn-a", 64, 32, 512, "nothing", max_cosine_distance=0.3, config_hash="abc")


def _drawn(folder: Path, seed: int, card: WeightsCard = CARD) -> Path:
    torch.manual_seed(seed)
    path = folder / f"{seed}-{card.input_width}.safetensors"
    save_weights(path, build_encoder(card.architecture).state_dict(), card)
    return path


def test_each_number_is_the_mean_and_counts_stay(tmp_path: Path) -> None:
    paths = [_drawn(tmp_path, seed) for seed in range(3)]
    card = average_weights(paths, tmp_path / "mean.safetensors")
    stored, mean = load_weights(tmp_path / "mean.safetensors")
    states = [load_weights(path)[1] for path in paths]
    for key, values in mean.items():
        expected = sum(state[key].double() for state in states) / 3 if values.is_floating_point() else states[0][key]
        torch.testing.assert_close(values.double(), torch.as_tensor(expected).double(), atol=1e-6, rtol=1e-6)
    assert stored == card
    assert card.max_cosine_distance is None  # that of a part does not fit the mean
    assert card.trained_on == "mean of: nothing; nothing; nothing"


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    first, wider = _drawn(tmp_path, 0), _drawn(tmp_path, 1, replace(CARD, input_width=48))
    with pytest.raises(InputError, match="two or more"):
        average_weights([first], tmp_path / "mean.safetensors")
    with pytest.raises(InputError, match=r"1-48\.safetensors: network_input"):
        average_weights([first, wider], tmp_path / "mean.safetensors")
    assert not (tmp_path / "mean.safetensors").exists()


def test_the_command_measures_a_threshold_and_replaces_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, drawn = tmp_path / "mean.safetensors", tmp_path / "drawn"
    few = ["--identities", "6", "--cameras", "2", "--videos", "1", "--target-identities", "4"]
    assert train.main(["synthesize", str(drawn), *few]) == 0
    words = ["average", str(_drawn(tmp_path, 0)), str(_drawn(tmp_path, 1)), "--output", str(made)]
    assert train.main([*words, "--target", f"synthetic-target:{drawn}", "--device", "cpu"]) == 0
    assert "max_cosine_distance" in capsys.readouterr().out
    threshold = load_weights(made)[0].max_cosine_distance
    assert threshold is not None
    assert 0 < threshold < 2
    assert train.main(words) == 2
    assert "there is something already" in capsys.readouterr().err


def test_where_no_threshold_can_be_measured_nothing_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, alone = tmp_path / "mean.safetensors", tmp_path / "alone"
    (alone / "anna").mkdir(parents=True)
    for camera in ("1", "2"):
        cv2.imwrite(str(alone / "anna" / f"{camera}_0.png"), np.full((64, 32, 3), 90, np.uint8))
    words = ["average", str(_drawn(tmp_path, 0)), str(_drawn(tmp_path, 1)), "--output", str(made), "--device", "cpu"]
    assert train.main([*words, "--target", f"folder:{alone}"]) == 2
    assert "give another --target" in capsys.readouterr().err
    assert not made.exists(), "the same command with another target is possible"

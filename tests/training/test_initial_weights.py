"""What the encoder starts from: checkpoints of others, their prefixes and heads, and keys that do not fit."""

import pickle
from typing import Literal

import pytest
import torch

from remix_track.encoder.backbones import build_encoder
from remix_track.encoder.shipped import SHIPPED
from remix_track.encoder.weights_card import WeightsCard
from remix_track.encoder.weights_file import load_weights, save_weights
from remix_track.errors import InputError
from remix_track.training.initial_weights import load_initial_weights
from remix_track.training.train_settings import EncoderSettings

NAME: Literal["resnet18-ibn-a"] = "resnet18-ibn-a"


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return build_encoder(NAME).backbone.state_dict()


def load(path, **changes):
    torch.manual_seed(1)
    encoder = build_encoder(NAME)
    load_initial_weights(encoder, EncoderSettings(architecture=NAME, weights=str(path), **changes))
    return encoder.backbone.state_dict()


def save(tmp_path, values):
    torch.save(values, tmp_path / "weights.pth")
    return tmp_path / "weights.pth"


@pytest.mark.parametrize("prefix", ["", "module.", "module.encoder_q.", "backbone."])
@pytest.mark.parametrize("wrapped", [False, True])
def test_prefixes_wrappers_and_heads_of_others_are_known(tmp_path, state, prefix, wrapped):
    values = {prefix + key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    values |= {prefix + "fc.weight": torch.ones(1000, 512), prefix + "fc.bias": torch.ones(1000)}
    loaded = load(save(tmp_path, {"state_dict": values, "epoch": 3} if wrapped else values))
    assert all(torch.equal(loaded[key], state[key]) for key in state)


def test_missing_and_unexpected_keys_are_named_and_refused(tmp_path, state, caplog):
    values = {key: value for key, value in state.items() if key != "layer1.0.bn1.IN.weight"}
    path = save(tmp_path, values | {"layer9.weight": torch.ones(1)})
    with pytest.raises(InputError, match=r"missing: layer1.0.bn1.IN.weight; unexpected: layer9.weight; encoder.strict"):
        load(path)
    loaded = load(path, strict=False)
    assert torch.equal(loaded["conv1.weight"], state["conv1.weight"])
    assert "1 keys are missing: layer1.0.bn1.IN.weight" in caplog.text
    assert "1 keys are unexpected: layer9.weight" in caplog.text


def test_a_shape_that_differs_is_refused_whatever_is_said(tmp_path, state):
    path = save(tmp_path, {**state, "conv1.weight": torch.ones(64, 3, 3, 3)})
    with pytest.raises(InputError, match=r"conv1.weight has shape \(64, 3, 3, 3\), expected \(64, 3, 7, 7\)"):
        load(path, strict=False)


def test_our_own_weights_bring_their_neck(tmp_path):
    torch.manual_seed(5)
    encoder = build_encoder(NAME)
    torch.nn.init.uniform_(encoder.neck.weight)
    card = WeightsCard(NAME, 64, 32, 512, "nothing")
    save_weights(tmp_path / "ours.safetensors", encoder.state_dict(), card)
    other = build_encoder(NAME)
    load_initial_weights(other, EncoderSettings(architecture=NAME, weights=str(tmp_path / "ours.safetensors")))
    assert torch.equal(other.neck.weight, encoder.neck.weight)
    with pytest.raises(InputError, match=r"weights of resnet18-ibn-a, but encoder.architecture is mobilenet-v2"):
        load_initial_weights(other, EncoderSettings("mobilenet-v2", weights=str(tmp_path / "ours.safetensors")))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_files_that_are_no_state_dict_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read .*; check the path in encoder.weights"):
        load(tmp_path / "nowhere.pth")
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(print))
    with pytest.raises(InputError, match="cannot be read as a state dict that is safe to read"):
        load(tmp_path / "evil.pth")
    with pytest.raises(InputError, match="not a state dict; give"):
        load(save(tmp_path, [torch.ones(1)]))
    with pytest.raises(InputError, match="is there for mobilenet-v2 alone"):
        load("imagenet")


def test_default_is_what_comes_with_the_package():
    encoder = build_encoder("mobilenet-v2")
    load_initial_weights(encoder, EncoderSettings("mobilenet-v2", weights="default"))
    for name, tensor in load_weights(SHIPPED)[1].items():
        assert torch.equal(encoder.state_dict()[name], tensor.to(encoder.state_dict()[name].dtype)), name

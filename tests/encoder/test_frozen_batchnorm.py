"""Frozen batch statistics: keys and values stay, training moves scale and shift alone, batches do not mix."""

import copy

import pytest
import torch

from remix_track.encoder.backbones import FrozenBatchNorm2d, build_encoder, freeze_batchnorm
from remix_track.errors import InputError
from remix_track.training.method_settings import MomentumSettings
from remix_track.training.moco import MocoNetwork
from remix_track.training.momentum import MomentumNetwork
from remix_track.training.train_settings import EncoderSettings

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@pytest.fixture(params=["mobilenet-v2", "resnet18-ibn-a"])
def pair(request):
    """An encoder with statistics of its own, and the same with the backbone's frozen."""
    torch.manual_seed(0)
    plain = build_encoder(request.param)
    for name, buffer in plain.backbone.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
    frozen = copy.deepcopy(plain)
    freeze_batchnorm(frozen.backbone)
    return plain, frozen


def test_state_and_answers_are_those_of_eval(pair):
    plain, frozen = pair
    images = torch.randn(4, 3, 64, 32)
    assert list(frozen.state_dict()) == list(plain.state_dict())
    plain.load_state_dict(frozen.state_dict())
    with torch.inference_mode():
        assert torch.equal(frozen.eval()(images)[1], plain.eval()(images)[1])
        assert torch.allclose(frozen.train()(images)[0], plain.eval()(images)[0], atol=1e-5)


def test_no_picture_changes_another_ones_pooled_vector(pair):
    plain, frozen = pair
    images = torch.randn(4, 3, 64, 32)
    with torch.inference_mode():
        assert torch.allclose(frozen.train()(images)[0][:2], frozen.train()(images[:2])[0], atol=1e-4)
        assert not torch.allclose(plain.train()(images)[0][:2], plain.train()(images[:2])[0], atol=1e-2)


def test_training_moves_scale_and_shift_and_leaves_the_statistics(pair):
    _, frozen = pair
    before = copy.deepcopy(frozen.state_dict())
    optimiser = torch.optim.SGD([one for one in frozen.parameters() if one.requires_grad], lr=0.1)
    frozen.train()(torch.randn(4, 3, 64, 32))[1].square().sum().backward()
    optimiser.step()
    norms = [name for name, module in frozen.named_modules() if isinstance(module, FrozenBatchNorm2d)]
    assert len(norms) > 10
    after = frozen.state_dict()
    for name in norms:
        assert not torch.equal(after[f"{name}.bias"], before[f"{name}.bias"]), name
        assert all(torch.equal(after[f"{name}.{one}"], before[f"{name}.{one}"]) for one in STATISTICS), name
    assert not torch.equal(after["neck.running_mean"], before["neck.running_mean"])


@pytest.mark.parametrize("batchnorm", ["own", "ema", "copy"])
def test_the_momentum_encoder_keeps_them_too(pair, batchnorm):
    _, frozen = pair
    momentum = MomentumNetwork(frozen, MomentumSettings(batchnorm=batchnorm))
    momentum.keys(torch.randn(4, 3, 64, 32))
    momentum.update(frozen)
    for name, buffer in frozen.backbone.named_buffers():
        assert torch.equal(momentum.network.get_buffer(f"backbone.{name}"), buffer), name


def test_pre_training_keeps_them_too(pair):
    _, frozen = pair
    before = copy.deepcopy(dict(frozen.backbone.named_buffers()))
    MocoNetwork(frozen, 16).train()(torch.randn(4, 3, 64, 32))
    assert all(torch.equal(buffer, before[name]) for name, buffer in frozen.backbone.named_buffers())


def test_without_weights_there_is_nothing_to_keep():
    with pytest.raises(InputError, match="frozen_batchnorm = true keeps the statistics of weights, but there are none"):
        EncoderSettings(frozen_batchnorm=True)

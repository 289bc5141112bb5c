"""The momentum encoder after n steps is the closed form; BatchNorm does what the settings say."""

import copy

import pytest
import torch
from torch import nn

from remix_track.encoder.backbones import build_encoder
from remix_track.training.method_settings import MomentumSettings
from remix_track.training.momentum import MomentumNetwork


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))


def walk(network, steps, momentum):
    """Change the network at random for some steps, the momentum network behind it; every state it went through."""
    generator = torch.Generator().manual_seed(1)
    states = []
    for _ in range(steps):
        with torch.no_grad():
            for tensor in network.state_dict().values():
                if tensor.is_floating_point():
                    tensor.add_(0.1 * torch.rand(tensor.shape, generator=generator))
                else:
                    tensor.add_(1)
        momentum.update(network)
        states.append(copy.deepcopy(network.state_dict()))
    return states


@pytest.mark.parametrize("m", [0.0, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("batchnorm", ["own", "ema", "copy"])
def test_after_n_steps_it_is_the_closed_form(m, batchnorm):
    """w_n = m^n w_0 + (1 - m) sum_i m^(n-1-i) w'_i, in parameters, and in buffers where they are averaged."""
    network = small_network()
    first = copy.deepcopy(network.state_dict())
    momentum = MomentumNetwork(network, MomentumSettings(m, batchnorm))
    n = 7
    states = walk(network, n, momentum)
    parameters = {name for name, _ in network.named_parameters()}
    for name, found in momentum.network.state_dict().items():
        if name in parameters or (batchnorm == "ema" and found.is_floating_point()):
            expected = m**n * first[name].double()
            expected += (1 - m) * sum(m ** (n - 1 - i) * state[name].double() for i, state in enumerate(states))
        else:
            expected = first[name] if batchnorm == "own" else states[-1][name]
        torch.testing.assert_close(found.double(), expected.double(), rtol=1e-5, atol=1e-6)


def test_no_momentum_is_a_bit_exact_copy():
    network = small_network()
    momentum = MomentumNetwork(network, MomentumSettings(0, "copy"))
    walk(network, 3, momentum)
    for name, found in momentum.network.state_dict().items():
        assert torch.equal(found, network.state_dict()[name])


def test_no_gradient_arises_and_the_network_is_its_own():
    network = small_network()
    momentum = MomentumNetwork(network, MomentumSettings())
    images = torch.rand(4, 3, 8, 8)
    for made in (momentum.keys(images), momentum.embed(images)):
        assert not made.requires_grad
    network(images).sum().backward()
    momentum.update(network)
    assert all(p.grad is None and not p.requires_grad for p in momentum.network.parameters())
    mine, its = ({p.data_ptr() for p in n.parameters()} for n in (network, momentum.network))
    assert not mine & its


@pytest.mark.parametrize("batchnorm", ["own", "ema", "copy"])
def test_keys_use_the_statistics_that_the_settings_name(batchnorm):
    """Statistics of the batch with "own", so that a key depends on its neighbours; running ones otherwise."""
    momentum = MomentumNetwork(small_network(), MomentumSettings(batchnorm=batchnorm))
    generator = torch.Generator().manual_seed(2)
    images = torch.rand(4, 3, 8, 8, generator=generator)
    before = copy.deepcopy(momentum.network.state_dict())
    together = momentum.keys(images)
    halves = torch.cat([momentum.keys(images[:2]), momentum.keys(images[2:])])
    alone = torch.allclose(together, halves, atol=1e-6)
    same_buffers = torch.equal(before["1.running_mean"], momentum.network.state_dict()["1.running_mean"])
    assert alone == same_buffers == (batchnorm != "own")


def test_embeddings_do_not_depend_on_the_batch_and_leave_no_trace():
    momentum = MomentumNetwork(small_network(), MomentumSettings())
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    momentum.keys(images)
    before = copy.deepcopy(momentum.network.state_dict())
    together = momentum.embed(images)
    torch.testing.assert_close(together[:1], momentum.embed(images[:1]))
    assert all(torch.equal(before[name], found) for name, found in momentum.network.state_dict().items())


def test_it_follows_the_real_encoder():
    torch.manual_seed(0)
    encoder = build_encoder("resnet18-ibn-a")
    momentum = MomentumNetwork(encoder, MomentumSettings(0.9))
    with torch.no_grad():
        encoder.backbone.conv1.weight.add_(1)  # type: ignore[union-attr, operator]
    momentum.update(encoder)
    moved = encoder.backbone.conv1.weight - momentum.network.backbone.conv1.weight  # type: ignore[union-attr, operator]
    torch.testing.assert_close(moved, torch.full_like(moved, 0.9))
    pooled, necked = momentum.keys(torch.rand(2, 3, 32, 16))
    assert pooled.shape == necked.shape == (2, 512)

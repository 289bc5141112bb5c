"""The optimisers in one pass give what those in many passes give, whatever the memory format of the weights."""

import copy
import io

import pytest
import torch

from remix_track.encoder.backbones import build_encoder
from remix_track.training.optimisation import adam, pretraining_optimiser
from remix_track.training.train_settings import OptimiserSettings, PretrainingSettings


def encoder(seed=0):
    torch.manual_seed(seed)
    return build_encoder("mobilenet-v2").to(memory_format=torch.channels_last)


def teach(network, optimiser, steps, first=0):
    """Take steps on noise; the optimiser sees the gradients that autograd makes."""
    for step in range(first, first + steps):
        images = torch.randn(4, 3, 32, 16, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        network.train()(images.contiguous(memory_format=torch.channels_last))[1].square().mean().backward()
        yield [None if weight.grad is None else weight.grad.clone() for weight in network.parameters()]
        optimiser.step()


def made(kind, network):
    if kind == "joint":
        return adam(network, OptimiserSettings())
    return pretraining_optimiser(network, PretrainingSettings(optimiser=kind, learning_rate=0.01))


@pytest.mark.parametrize("kind", ["joint", "adam", "sgd"])
def test_one_pass_is_many_passes(kind):
    network, reference = encoder(), encoder()
    optimiser, plain = made(kind, network), made(kind, reference)
    for group in plain.param_groups:
        group["fused"], group["foreach"] = False, False
    for gradients in teach(network, optimiser, 3):
        for weight, gradient in zip(reference.parameters(), gradients, strict=True):
            weight.grad = gradient
        plain.step()
    for found, expected in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["joint", "sgd"])
def test_a_checkpoint_keeps_what_one_pass_needs(kind):
    """Saved and loaded in the middle, the run ends on the same bits; memory formats must come back for that."""
    network = encoder()
    optimiser = made(kind, network)
    list(teach(network, optimiser, 2))
    file = io.BytesIO()
    torch.save((network.state_dict(), optimiser.state_dict()), file)
    list(teach(network, optimiser, 2, first=2))
    file.seek(0)
    weights, state = torch.load(file, weights_only=True)
    again = encoder(seed=1)
    again.load_state_dict(copy.deepcopy(weights))
    resumed = made(kind, again)
    resumed.load_state_dict(state)
    list(teach(again, resumed, 2, first=2))
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))

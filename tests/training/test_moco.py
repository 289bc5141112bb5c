"""MoCo: the loss against a loop, the queue as a ring, and a step that learns."""

import math

import pytest
import torch
from torch.nn import functional as F

from remix_track.encoder.backbones import build_encoder
from remix_track.training.method_settings import MomentumSettings
from remix_track.training.moco import MocoNetwork, Queue, info_nce
from remix_track.training.momentum import MomentumNetwork


def units(rows, width=6, seed=0):
    return F.normalize(torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)), dim=1)


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_info_nce_equals_the_naive_loop(temperature):
    queries, keys, queue = units(5), units(5, seed=1), units(30, seed=2)
    values = info_nce(queries, keys, queue, temperature)
    for value, query, key in zip(values, queries, keys, strict=True):
        own = math.exp(float(query @ key) / temperature)
        against = sum(math.exp(float(query @ other) / temperature) for other in queue)
        assert float(value) == pytest.approx(-math.log(own / (own + against)), rel=1e-5)


@pytest.mark.parametrize("first_row", [0, 3])
def test_keys_of_the_batch_are_negatives_of_each_other(first_row):
    queries, batch, queue = units(5), units(9, seed=1), units(30, seed=2)
    keys = batch[first_row : first_row + 5]
    values = info_nce(queries, keys, queue, 0.2, batch, first_row)
    for row, (value, query) in enumerate(zip(values, queries, strict=True)):
        own = math.exp(float(query @ batch[first_row + row]) / 0.2)
        others = [one for place, one in enumerate(batch) if place != first_row + row]
        against = sum(math.exp(float(query @ other) / 0.2) for other in [*queue, *others])
        assert float(value) == pytest.approx(-math.log(own / (own + against)), rel=1e-5)


def test_info_nce_is_the_same_under_autocast_and_trains_queries_alone():
    queries, keys, queue = (units(4, seed=s).requires_grad_() for s in range(3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = info_nce(queries, keys, queue, 0.1)
    assert torch.equal(values, info_nce(queries, keys, queue, 0.1))
    values.sum().backward()
    assert queries.grad is not None
    assert keys.grad is None
    assert queue.grad is None


def test_a_push_between_loss_and_backward_changes_nothing():
    queue = Queue(8, 6, torch.Generator().manual_seed(0))
    grads = []
    for push in (False, True):
        queries = units(4).requires_grad_()
        values = info_nce(queries, units(4, seed=1), queue.vectors, 0.1)
        if push:
            queue.push(units(4, seed=3))
        values.sum().backward()
        grads.append(queries.grad)
    assert torch.equal(*grads)  # type: ignore[arg-type]


@pytest.mark.parametrize("sizes", [(4, 4, 4), (3, 3, 3, 3), (10,), (7, 12, 1), (20, 25), (1,) * 11])
def test_the_queue_holds_the_last_keys_however_they_come(sizes):
    """A ring of 10: the keys in the order of their age are the last 10 of noise and all that was pushed."""
    queue = Queue(10, 6, torch.Generator().manual_seed(0))
    history = queue.vectors.clone()
    for step, size in enumerate(sizes):
        keys = units(size, seed=step + 1)
        queue.push(keys)
        history = torch.cat([history, keys])
    position = int(queue.position)
    assert position == sum(sizes) % 10
    assert torch.equal(queue.vectors.roll(-position, dims=0), history[-10:])


def test_the_queue_starts_as_unit_noise_of_its_seed_and_is_part_of_the_state():
    first, same, other = (Queue(50, 6, torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert torch.equal(first.vectors, same.vectors)
    assert not torch.equal(first.vectors, other.vectors)
    torch.testing.assert_close(first.vectors.norm(dim=1), torch.ones(50))
    first.push(units(3))
    other.load_state_dict(first.state_dict())
    assert torch.equal(first.vectors, other.vectors)
    assert int(other.position) == 3


def test_half_precision_keys_fit_the_queue():
    queue = Queue(4, 6, torch.Generator().manual_seed(0))
    queue.push(units(2).bfloat16())
    assert queue.vectors.dtype == torch.float32
    torch.testing.assert_close(queue.vectors[:2], units(2), atol=1e-2, rtol=0)


def test_the_network_trains_the_encoder_s_own_backbone():
    torch.manual_seed(0)
    encoder = build_encoder("resnet18-ibn-a")
    network = MocoNetwork(encoder, 128)
    weights = [tensor.shape for name, tensor in network.head.state_dict().items() if name.endswith("weight")]
    assert weights == [(512, 512), (128, 512)]
    made = network(torch.rand(2, 3, 32, 16))
    assert made.shape == (2, 128)
    torch.testing.assert_close(made.norm(dim=1), torch.ones(2))
    names = {name.split(".")[0] for name in network.state_dict()}
    assert names == {"backbone", "head"}
    before = encoder.backbone.state_dict()["conv1.weight"].clone()
    made[0, 0].backward()
    torch.optim.SGD(network.parameters(), 1.0).step()
    assert not torch.equal(before, encoder.backbone.state_dict()["conv1.weight"])


class Toy(torch.nn.Module):
    """Stands for a network: vectors in, unit vectors out."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 16))

    def forward(self, pictures):
        return F.normalize(self.layers(pictures), dim=1)


def test_the_loss_rises_while_keys_replace_the_noise_and_then_falls():
    """Images of one kind (a common part and little of their own), seen twice with noise; 12 a step, a queue of 96."""
    torch.manual_seed(0)
    network = Toy()
    momentum = MomentumNetwork(network, MomentumSettings(0.9))
    queue = Queue(96, 16, torch.Generator().manual_seed(0))
    optimiser = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9)
    pictures = torch.randn(32) + 0.5 * torch.randn(240, 32)
    means = []
    for step in range(300):
        batch = pictures[step * 12 % 240 :][:12]
        queries, keys = (view + 0.1 * torch.randn(12, 32) for view in (batch, batch))
        queries, keys = network(queries), momentum.keys(keys)
        loss = info_nce(queries, keys, queue.vectors, 0.2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        momentum.update(network)
        queue.push(keys)
        means.append(float(loss.detach()))
    assert means[8] > means[0] + 1
    assert sum(means[-20:]) / 20 < means[8] - 1

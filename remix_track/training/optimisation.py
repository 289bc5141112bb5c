"""Optimisers and their learning rates, as functions of the step."""

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import nn

from remix_track.training.train_settings import OptimiserSettings, PretrainingSettings

FIRST_RATE = 0.01


def adam(network: nn.Module, settings: OptimiserSettings) -> torch.optim.Optimizer:
    """Adam over what can be trained (the neck's bias cannot).

    One pass over the numbers of each weight instead of ten: on one core a third of the time. It walks through weights,
    gradients and averages by their place in memory, so all must have one memory format: autograd gives gradients that
    of the weights, and checkpoints keep formats.
    """
    rate, decay = settings.learning_rate, settings.weight_decay
    return torch.optim.Adam(_trained(network), lr=rate, weight_decay=decay, fused=True)


def pretraining_optimiser(network: nn.Module, settings: PretrainingSettings) -> torch.optim.Optimizer:
    """SGD with momentum 0.9 (He et al., MoCo), or Adam; in one pass, see `adam`."""
    weights, rate, decay = _trained(network), settings.learning_rate, settings.weight_decay
    if settings.optimiser == "adam":
        return torch.optim.Adam(weights, lr=rate, weight_decay=decay, fused=True)
    return torch.optim.SGD(weights, lr=rate, momentum=0.9, weight_decay=decay, fused=True)


def joint_rate(settings: OptimiserSettings, step: int, steps_per_epoch: int, epochs: int) -> float:
    """The learning rate of one step, counted from 0 over the whole run."""
    warmup = min(settings.warmup_epochs, epochs) * steps_per_epoch
    if step < warmup:
        return settings.learning_rate * (FIRST_RATE + (1 - FIRST_RATE) * step / warmup)
    if settings.schedule == "constant":
        return settings.learning_rate
    return settings.learning_rate * _cosine(step - warmup, epochs * steps_per_epoch - warmup)


def pretraining_rate(settings: PretrainingSettings, step: int, steps: int) -> float:
    """The learning rate of one step of MoCo v2: half a cosine from the start to 0."""
    return settings.learning_rate * _cosine(step, steps)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step have this learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def autocast(device: torch.device, precision: Literal["float32", "bfloat16"]) -> AbstractContextManager[object]:
    """Where networks run in bfloat16, if that is wanted."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def _cosine(step: int, steps: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * step / max(steps, 1)))


def _trained(network: nn.Module) -> list[nn.Parameter]:
    return [weight for weight in network.parameters() if weight.requires_grad]

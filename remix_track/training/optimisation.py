"""Optimisers and their learning rates, as functions of the step."""

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from remix_track.errors import InputError
from remix_track.training.train_settings import OptimiserSettings, PretrainingSettings, TrainSettings

FIRST_RATE = 0.01
MOST_SKIPPED = 20
NARROWEST_BFLOAT16 = 32
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


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
    """The learning rate of one step of MoCo v2: a rise where one is wanted, then half a cosine to 0."""
    warmup = min(settings.warmup_steps, steps)
    if step < warmup:
        return settings.learning_rate * (FIRST_RATE + (1 - FIRST_RATE) * step / warmup)
    return settings.learning_rate * _cosine(step - warmup, steps - warmup)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step have this learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Where networks run in bfloat16 or float16, if that is wanted."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=_DTYPES[precision])


def check_precision(device: torch.device, settings: TrainSettings) -> None:
    """See that this device computes in `run.precision`, and computes right.

    Raises:
        InputError: it does not; another precision is named.
    """
    precision, width = settings.run.precision, settings.encoder.width
    if precision == "bfloat16" and device.type == "cpu" and width < NARROWEST_BFLOAT16:
        # oneDNN's convolutions with a stride give noise where their output is one pixel wide (torch 2.14, AMX).
        raise InputError(
            f"run.precision = bfloat16 goes wrong on a CPU with crops of {width} pixels' width (oneDNN, where a map is "
            f"one pixel wide); expected encoder.width of {NARROWEST_BFLOAT16} or more, or run.precision=float32"
        )
    if precision == "float16":
        try:
            with torch.no_grad(), autocast(device, precision):
                nn.Conv2d(3, 8, 3, device=device)(torch.ones(1, 3, 8, 8, device=device))
        except RuntimeError as error:
            raise InputError(
                f"run.precision = float16 does not work on this {device.type} ({str(error).splitlines()[0][:80]}); "
                "take bfloat16 or float32"
            ) from None


class LossScaler:
    """Backward pass and optimiser's step; with float16 the loss is scaled, so that small gradients do not become 0.

    A scale under which gradients overflow is halved and its step left out; after 2,000 good steps it is doubled.
    Source: Micikevicius et al., Mixed Precision Training, ICLR 2018, section 3.2.

    Args:
        device: of the gradients.
        precision: `run.precision`; with another than float16 nothing is scaled.
    """

    def __init__(self, device: torch.device, precision: str) -> None:
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "float16")
        self._skipped = 0

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss, a scalar."""
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def step(self, optimiser: torch.optim.Optimizer) -> bool:
        """Take the step, if the gradients are finite; whether it was taken.

        Raises:
            InputError: so many steps in a row were not that no smaller scale will help.
        """
        if not self._scaler.is_enabled():
            optimiser.step()
            return True
        before = self._scaler.get_scale()
        self._scaler.step(optimiser)
        self._scaler.update()
        self._skipped = self._skipped + 1 if self._scaler.get_scale() < before else 0
        if self._skipped >= MOST_SKIPPED:
            raise InputError(
                f"the gradients of {MOST_SKIPPED} steps in a row were not finite in float16; the last checkpoint is "
                "whole, so `resume` with a lower learning rate, or with run.precision=bfloat16 or float32"
            )
        return self._skipped == 0

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint; empty where nothing is scaled."""
        state = self._scaler.state_dict()
        return {**state, "skipped": self._skipped} if state else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint; one of a run in another precision says nothing, and the scale begins anew."""
        if state and self._scaler.is_enabled():
            self._skipped = state["skipped"]
            self._scaler.load_state_dict({key: value for key, value in state.items() if key != "skipped"})


def _cosine(step: int, steps: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * step / max(steps, 1)))


def _trained(network: nn.Module) -> list[nn.Parameter]:
    return [weight for weight in network.parameters() if weight.requires_grad]

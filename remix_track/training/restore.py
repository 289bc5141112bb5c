"""A checkpoint's state into networks and optimisers; one line says what does not fit."""

import dataclasses
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from remix_track.encoder.backbones import check_state
from remix_track.errors import InputError, parsing
from remix_track.training.checkpoint import FOLDER, Checkpoint
from remix_track.training.train_settings import EncoderSettings

ADVICE = "go on with the settings it was made with, or start a new run"


def refuse_other_encoder(checkpoint: Checkpoint, settings: EncoderSettings, where: str) -> None:
    """See that a run goes on with the encoder that it began with.

    Raises:
        InputError: a key of `[encoder]` is another one; those that are are named.
    """
    section = checkpoint.settings.get("encoder")
    before = dataclasses.asdict(EncoderSettings()) | (section if isinstance(section, dict) else {})
    now = dataclasses.asdict(settings)
    names = [name for name in now if before[name] != now[name]]
    if names:
        differ = "; ".join(f"{name} {before[name]!r} then, {now[name]!r} now" for name in names)
        raise InputError(
            f"{where}: the encoder is not that of the checkpoint ({differ}); go on without changing [encoder], or "
            "start a new run from its weights with encoder.weights"
        )


def restoring(checkpoint: Checkpoint, folder: Path) -> AbstractContextManager[None]:
    """Around what fills a run from a checkpoint of the run in `folder`."""
    return parsing(folder / FOLDER / checkpoint.name, "a checkpoint of this run", ADVICE)


def restore_network(network: nn.Module, state: Mapping[str, Any], name: str) -> None:
    """Fill a network.

    Raises:
        InputError: keys, shapes or values that are not the network's.
    """
    check_state(network, state, f"the checkpoint's {name}")
    network.load_state_dict(dict(state))


def restore_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Fill an optimiser; torch itself would take another method's state and stumble over it in the next step.

    Raises:
        ValueError: a state of another method or for other weights.
    """
    if [group.keys() for group in state["param_groups"]] != [group.keys() for group in optimiser.param_groups]:
        raise ValueError("the state is that of another optimiser")
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    for number, values in state["state"].items():
        for name, value in values.items():
            if isinstance(value, Tensor) and value.ndim and value.shape != weights[number].shape:
                raise ValueError(f"{name} of weight {number} has shape {tuple(value.shape)}")
    optimiser.load_state_dict(state)

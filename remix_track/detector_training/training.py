"""The training of the person detector: one loop."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from remix_track.detector_training.compose import compose
from remix_track.detector_training.losses import box_loss, score_loss, targets
from remix_track.detector_training.material import LabelledFrame, Material
from remix_track.detector_training.network import PersonDetector
from remix_track.detector_training.settings import DetectorTraining, OptimiserSettings
from remix_track.errors import parsing
from remix_track.output_files import atomic_write

CHECKPOINT = "checkpoint.pt"
_LARGEST_GRADIENT = 10.0


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to: its number from 1, and both losses."""

    number: int
    score_loss: float
    box_loss: float


def train(
    network: PersonDetector,
    material: Material,
    settings: DetectorTraining,
    folder: Path,
    on_step: Callable[[Step, PersonDetector], None] | None = None,
) -> PersonDetector:
    """Train, or go on from the checkpoint in `folder`; returns the network of mean weights.

    Args:
        network: to begin with; changed.
        material: what images are put together from.
        settings: all of them.
        folder: where checkpoints are written.
        on_step: called after each step with the mean network.

    Raises:
        InputError: a checkpoint that cannot be read, or is of another network.
    """
    how, size = settings.optimiser, settings.compose
    mean = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(_groups(network, how), betas=(0.9, 0.99))
    begun = _resume(folder / CHECKPOINT, network, mean, optimiser)
    network.train()
    for step in range(begun, how.steps):
        for group in optimiser.param_groups:
            group["lr"] = group["share"] * how.rate * _schedule(step, how)
        rng = np.random.default_rng([settings.seed, step])
        frames = [compose(rng, material, size) for _ in range(how.batch)]
        wanted = targets([one.people for one in frames], [one.unknown for one in frames], size.height, size.width)
        logits, sides = network(images_of(frames))
        of_score, of_box = score_loss(logits, wanted), box_loss(sides, wanted)
        optimiser.zero_grad()
        (of_score + how.box_share * of_box).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        optimiser.step()
        _average(mean, network, min(how.average, (step + 1) / (step + 10)))
        if (step + 1) % settings.checkpoint_every == 0 or step + 1 == how.steps:
            _save(folder / CHECKPOINT, step + 1, network, mean, optimiser)
        if on_step:
            on_step(Step(step + 1, of_score.item(), of_box.item()), mean)
    return mean


def images_of(frames: list[LabelledFrame]) -> Tensor:
    """Images of one size as the network takes them: RGB (B, 3, H, W) float32 in 0..1."""
    stacked = torch.from_numpy(np.stack([one.image[..., ::-1] for one in frames]))
    # In memory the channels stay last, as convolutions on a CPU want them.
    return stacked.permute(0, 3, 1, 2).float() / 255


def _groups(network: PersonDetector, how: OptimiserSettings) -> list[dict[str, Any]]:
    """Weights of filters decay, those of one number a channel do not; the backbone moves slowly."""
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name.startswith("blocks."), parameter.ndim > 1), []).append(parameter)
    return [
        {"params": some, "share": how.backbone_rate if slow else 1.0, "weight_decay": how.decay if decays else 0.0}
        for (slow, decays), some in groups.items()
    ]


def _schedule(step: int, how: OptimiserSettings) -> float:
    if step < how.warmup:
        return (step + 1) / how.warmup
    return 0.5 + 0.5 * math.cos(math.pi * (step - how.warmup) / max(how.steps - how.warmup, 1))


@torch.no_grad()
def _average(mean: PersonDetector, network: PersonDetector, kept: float) -> None:
    for slow, fast in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if slow.dtype.is_floating_point:
            slow.lerp_(fast, 1 - kept)


def _save(
    file: Path, step: int, network: PersonDetector, mean: PersonDetector, optimiser: torch.optim.Optimizer
) -> None:
    parts: dict[str, Any] = {"network": network, "mean": mean, "optimiser": optimiser}
    state = {"step": step, **{name: part.state_dict() for name, part in parts.items()}}
    with atomic_write(file) as path:
        torch.save(state, path)


def _resume(file: Path, network: PersonDetector, mean: PersonDetector, optimiser: torch.optim.Optimizer) -> int:
    """Steps that were made already: 0 where there is no checkpoint."""
    if not file.exists():
        return 0
    with parsing(file, "a checkpoint of this training", "remove it to begin anew"):
        state = torch.load(file, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        return int(state["step"])

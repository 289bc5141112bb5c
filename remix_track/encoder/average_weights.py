"""The mean of several weights: trainings that went out from one start, averaged number by number.

Networks that were trained further from the same weights, on different data or with different settings, lie in one
basin of the loss; their mean is as good as the better of them or better, at the cost of one network (Wortsman et al.,
Model soups, ICML 2022, section 3: the uniform soup).
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch

from remix_track.encoder.weights_card import WeightsCard, printable
from remix_track.encoder.weights_file import load_weights, save_weights
from remix_track.errors import InputError


def average_weights(files: Sequence[Path], output: Path, *, max_cosine_distance: float | None = None) -> WeightsCard:
    """Write the mean of weight files of one architecture and one input.

        average_weights([Path("a.safetensors"), Path("b.safetensors")], Path("mean.safetensors"))

    Args:
        files: two or more `.safetensors`; each counts alike. Numbers that are not floats are the first one's, and so
            is `even_light`, which has no weights.
        output: ends in `.safetensors`; replaced where it is there.
        max_cosine_distance: the threshold measured for the mean, whose distances are not those of its parts.

    Returns:
        The card of the mean.

    Raises:
        InputError: fewer than two files, one that cannot be read, or one of another architecture or input.
    """
    if len(files) < 2:
        raise InputError(f"{len(files)} weight files; a mean takes two or more")
    loaded = [load_weights(file) for file in files]
    cards, states = [card for card, _ in loaded], [state for _, state in loaded]
    for file, card in zip(files[1:], cards[1:], strict=True):
        for name in ("architecture", "network_input"):
            if getattr(card, name) != getattr(cards[0], name):
                raise InputError(
                    f"{file}: {name} {getattr(card, name)} is not that of {files[0]}, {getattr(cards[0], name)}; "
                    "give weights that went out from the same ones"
                )
    mean = {key: _mean([state[key] for state in states]) for key in states[0]}
    made = dataclasses.replace(
        cards[0],
        trained_on=printable("mean of: " + "; ".join(card.trained_on for card in cards)),
        max_cosine_distance=max_cosine_distance,
        config_hash="",
        git_revision="",
    )
    save_weights(output, mean, made)
    return made


def _mean(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Summed in float64 and stored as the first one is."""
    if not tensors[0].is_floating_point():
        return tensors[0]
    return torch.stack([one.double() for one in tensors]).mean(dim=0).to(tensors[0].dtype)

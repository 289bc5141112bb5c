"""Other projects' checkpoints (`.pth`) as tensors by the names of our backbones; nothing in them can run code."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.bounded_file import check_ordinary
from remix_track.errors import InputError, parsing

if TYPE_CHECKING:
    from torch import Tensor, nn

_WRAPPERS = ("state_dict", "model", "net")
_PREFIXES = ("module.", "encoder_q.", "base_encoder.", "backbone.", "base.")
_HEADS = ("fc.", "classifier.", "head.", "heads.")
_LEFT_OUT = ("encoder_k.", "momentum_encoder.", "queue", "predictor.", "pixel_mean", "pixel_std")
"""MoCo's whole state has the momentum encoder, the queue and the predictor beside the encoder that learns; FastReID's
has its normalisation, which the card says."""


def read_state(path: Path, advice: str = "check the path") -> "dict[str, Tensor]":
    """The tensors of a checkpoint, without the prefixes that Torchreid, MoCo, LUPerson and IBN-Net put before them.

    Args:
        path: of the file.
        advice: what to do where there is none.

    Raises:
        InputError: missing, not a file that torch can read without unpickling objects, or no state dict.
    """
    import torch

    check_ordinary(path, advice)
    with parsing(path, "a state dict that is safe to read"):
        values: Any = torch.load(path, map_location="cpu", weights_only=True)
    for name in _WRAPPERS:
        if isinstance(values, dict) and isinstance(values.get(name), dict):
            values = values[name]
    if not isinstance(values, dict):
        raise InputError(f"{path}: not a state dict; give a file with the backbone's tensors by name")
    tensors = {str(key): value for key, value in values.items() if isinstance(value, torch.Tensor)}
    return {_bare(key): one for key, one in tensors.items() if not key.removeprefix("module.").startswith(_LEFT_OUT)}


def fitted(state: "dict[str, Tensor]", backbone: "nn.Module") -> "dict[str, Tensor]":
    """The state as far as it concerns a backbone: heads of a training go; what may be absent is as it was."""
    expected = backbone.state_dict()
    # Checkpoints from before torch 0.4.1 do not count batches.
    counts = {key: value for key, value in expected.items() if key.endswith("num_batches_tracked")}
    # OSNet's fc is no head.
    return counts | {key: value for key, value in state.items() if key in expected or not key.startswith(_HEADS)}


def _bare(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key

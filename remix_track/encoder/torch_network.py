"""Our encoder on torch, made ready for inference."""

import copy
import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from remix_track.encoder.backbones import Encoder
from remix_track.errors import InputError


class TorchNetwork:
    """A `Network`: the vector behind the BN-neck, float32.

    Convolutions take up the BatchNorm behind them, and the memory format is channels last: together 2.6 times the
    module as it stands at 30 crops on two cores (MobileNetV2, 256x128). Small batches keep the maps in the cache: 16
    crops a call are faster than 64 on a CPU.

    Args:
        encoder: the trained encoder; it is copied, so that it can be trained on.
        device: where to compute.
    """

    def __init__(self, encoder: Encoder, device: torch.device) -> None:
        self.width = encoder.width
        self.largest_batch = 16 if device.type == "cpu" else 128
        self._device = device
        ready = copy.deepcopy(encoder).eval().requires_grad_(False)
        fuse_norms(ready)
        self._encoder = ready.to(device).to(memory_format=torch.channels_last)

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalised crops (B, 3, H, W) -> vectors (B, D)."""
        with torch.inference_mode():
            images = torch.from_numpy(batch).to(self._device, memory_format=torch.channels_last)
            _, necked = self._encoder(images)
            vectors: NDArray[np.float32] = necked.float().cpu().numpy()
            return vectors


def fuse_norms(module: nn.Module) -> None:
    """Fold each BatchNorm into the convolution that its parent names just before it, in place, in eval mode.

    In the backbones of this package modules are named in the order in which they run; that is what this rests on.
    """
    children = list(module.named_children())
    for (name, first), (norm_name, second) in itertools.pairwise(children):
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(first, second))
            setattr(module, norm_name, nn.Identity())
    for _, child in children:
        fuse_norms(child)


def choose_device(name: str) -> torch.device:
    """The device of that name (a number is that CUDA device); `auto` is CUDA, else Apple's MPS, else the CPU.

    Raises:
        InputError: no such device, or this torch cannot reach it.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(f"cuda:{name}" if name.isdigit() else name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise InputError(f"device {name!r} cannot be used by this torch; give auto, cpu, cuda or mps") from None
    return device

"""Our encoder on torch, made ready for inference."""

import copy
import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from remix_track.encoder.backbones import Encoder
from remix_track.encoder.precision import agree
from remix_track.errors import InputError


class Necked(nn.Module):
    """An encoder's vectors behind the BN-neck, and nothing else: what inference wants."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, H, W), normalised -> (B, D)."""
        necked: torch.Tensor = self.encoder(images)[1]
        return necked


class TorchNetwork:
    """A `Network`: the vector behind the BN-neck.

    Convolutions take up the BatchNorm behind them, and the memory format is channels last: together 2.6 times the
    module as it stands at 30 crops on two cores (MobileNetV2, 256x128). Small batches keep the maps in the cache: 16
    crops a call are faster than 64 on a CPU.

    Args:
        encoder: the trained encoder; it is copied, so that it can be trained on.
        device: where to compute.
        probe: normalised crops (B, 3, H, W). Where the device computes with 16-bit numbers, it does so if the vectors
            of these crops then agree with float32; without a probe it never does.
    """

    takes_pixels = False

    def __init__(self, encoder: Encoder, device: torch.device, probe: NDArray[np.float32] | None = None) -> None:
        self.width = encoder.width
        self.largest_batch = 16 if device.type == "cpu" else 128
        self._device = device
        ready = copy.deepcopy(encoder).eval().requires_grad_(False)
        fuse_norms(ready)
        self._encoder = ready.to(device).to(memory_format=torch.channels_last)
        self._half: torch.dtype | None = None
        if probe is not None and (half := _half_precision(device)) is not None:
            exact, self._half = self(probe), half
            if not agree(self(probe), exact):
                self._half = None
        precision = str(self._half or torch.float32).removeprefix("torch.")
        self.backend = f"torch {torch.__version__}, {device}, {precision}"

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalised crops (B, 3, H, W) -> vectors (B, D)."""
        with torch.inference_mode(), torch.autocast(self._device.type, self._half, enabled=self._half is not None):
            images = torch.from_numpy(batch).to(self._device, memory_format=torch.channels_last)
            _, necked = self._encoder(images)
            vectors: NDArray[np.float32] = necked.float().cpu().numpy()
            return vectors


def _half_precision(device: torch.device) -> torch.dtype | None:
    """The 16-bit numbers with which the device is faster; None where it is not."""
    if device.type == "cuda":
        return torch.float16
    if device.type == "cpu":
        knows = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return torch.bfloat16 if knows.get("amx_bf16") else None
    return None


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

"""Crops brought half of the way to one brightness, as the first step of an encoder."""

import math

import torch
from torch import Tensor

from remix_track.encoder.crops import IMAGENET_MEAN, IMAGENET_STD

_BRIGHTNESS = sum(IMAGENET_MEAN) / 3
_DARKEST, _BRIGHTEST = 0.02, 0.98
_BLACK = 1e-8


def even_light(images: Tensor) -> Tensor:
    """Raise the values of each image to a power, so that its mean nears ImageNet's.

    With a mean of m the values v in 0..1 become v ** sqrt(log 0.449 / log m): a power leaves black black and white
    white, and the root goes half of the way, because who wears black is darker than who wears white. Networks that
    learnt from drawn people see brightness in what is the camera's exposure.

    Args:
        images: (B, 3, H, W) float RGB, normalised with ImageNet's mean and std.

    Returns:
        The same shape, normalised likewise.
    """
    mean, std = (
        torch.tensor(numbers, dtype=images.dtype).view(1, 3, 1, 1).to(images.device, non_blocking=True)
        for numbers in (IMAGENET_MEAN, IMAGENET_STD)
    )
    values = (images * std + mean).clamp(_BLACK, 1)
    level = values.mean(dim=(1, 2, 3), keepdim=True).clamp(_DARKEST, _BRIGHTEST)
    exponent = (math.log(_BRIGHTNESS) / level.log()).sqrt()
    # OpenVINO's power of a tensor takes half as long again as a logarithm and an exponential.
    return ((values.log() * exponent).exp() - mean) / std

"""The views that training sees: which transforms, in which order, how often."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remix_track.data import transforms
from remix_track.encoder.crops import IMAGENET_MEAN, IMAGENET_STD
from remix_track.errors import InputError

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True, slots=True)
class AugmentationSettings:
    """How often and how much; 0 leaves a transform out. The defaults are this project's reading of ReMix's.

    Attributes:
        flip: probability of mirroring left to right.
        padding: pixels of black on each side before a crop of the input size.
        resized_crop: enlarge a random part instead of padding (MoCo).
        resized_crop_area: least and greatest share of the image in that part.
        blur: probability of a Gaussian blur.
        blur_sigma: its least and greatest standard deviation in pixels (MoCo v2).
        grayscale: probability of losing the colour.
        colour_jitter: probability of changing the colours; off, as clothes are told apart by them.
        colour_jitter_strength: of brightness, contrast, saturation, hue (MoCo v2).
        erasing: probability of random erasing; off, as it hurts transfer between data sets.

    Raises:
        InputError: a probability outside 0..1, or limits that are none.
    """

    flip: float = 0.5
    padding: int = 10
    resized_crop: bool = False
    resized_crop_area: tuple[float, ...] = (0.2, 1.0)
    blur: float = 0.5
    blur_sigma: tuple[float, ...] = (0.1, 2.0)
    grayscale: float = 0.2
    colour_jitter: float = 0.0
    colour_jitter_strength: tuple[float, ...] = (0.4, 0.4, 0.4, 0.1)
    erasing: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "blur", "grayscale", "colour_jitter", "erasing"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} = {getattr(self, name)} is no probability; expected 0 to 1")
        if not 0 <= self.padding <= 100:
            raise InputError(f"padding = {self.padding} is out of range; expected 0 to 100 pixels")
        for name, least, most in (("resized_crop_area", 0.01, 1.0), ("blur_sigma", 0.01, 10.0)):
            limits = getattr(self, name)
            if len(limits) != 2 or not least <= limits[0] <= limits[1] <= most:
                raise InputError(f"{name} = {list(limits)} does not fit; expected two numbers from {least} to {most}")
        if len(self.colour_jitter_strength) != 4 or not all(0 <= value <= 1 for value in self.colour_jitter_strength):
            raise InputError(
                f"colour_jitter_strength = {list(self.colour_jitter_strength)} does not fit; "
                "expected four numbers from 0 to 1: brightness, contrast, saturation, hue"
            )


MOCO_AUGMENTATION = AugmentationSettings(padding=0, resized_crop=True, erasing=0.5)
"""LUPerson's variant of MoCo v2: no colour jitter, random erasing (Fu et al., CVPR 2021)."""


def augment(
    pixels: "NDArray[np.uint8] | Tensor",
    settings: AugmentationSettings,
    generator: "Generator",
    mean: tuple[float, ...] = IMAGENET_MEAN,
    std: tuple[float, ...] = IMAGENET_STD,
) -> "Tensor":
    """One random view of each crop.

    Args:
        pixels: (B, H, W, 3) uint8 RGB, as `CropReader` gives them.
        settings: which transforms.
        generator: source of every choice, on the CPU.
        mean: of each channel, of values in 0..1.
        std: of each channel.

    Returns:
        (B, 3, H, W) float32, normalised, contiguous.
    """
    if not len(pixels):
        return plain_view(pixels, mean, std)
    # What only moves pixels comes first, on a quarter of the bytes.
    images = transforms.flip(_channels_first(pixels), settings.flip, generator)
    if not settings.resized_crop:
        images = transforms.pad_and_crop(images, settings.padding, generator)
    images = images.float().div_(255)
    if settings.resized_crop:
        images = transforms.random_resized_crop(images, settings.resized_crop_area, generator)
    if settings.colour_jitter:
        images = transforms.colour_jitter(images, settings.colour_jitter, settings.colour_jitter_strength, generator)
    if settings.grayscale:
        images = transforms.grayscale(images, settings.grayscale, generator)
    if settings.blur:
        images = transforms.gaussian_blur(images, settings.blur, settings.blur_sigma, generator)
    images = _normalised(images, mean, std)
    return transforms.erase(images, settings.erasing, generator) if settings.erasing else images


def plain_view(
    pixels: "NDArray[np.uint8] | Tensor",
    mean: tuple[float, ...] = IMAGENET_MEAN,
    std: tuple[float, ...] = IMAGENET_STD,
) -> "Tensor":
    """Each crop as it is: (B, H, W, 3) uint8 RGB -> (B, 3, H, W) float32, normalised, contiguous."""
    return _normalised(_channels_first(pixels).float().div_(255), mean, std)


def _channels_first(pixels: "NDArray[np.uint8] | Tensor") -> "Tensor":
    import torch

    batch = torch.from_numpy(pixels) if isinstance(pixels, np.ndarray) else pixels
    if batch.dtype != torch.uint8 or batch.ndim != 4 or batch.shape[3] != 3:
        raise ValueError(f"pixels are {tuple(batch.shape)} {batch.dtype}, expected (B, H, W, 3) uint8")
    return batch.permute(0, 3, 1, 2).contiguous()


def _normalised(images: "Tensor", mean: tuple[float, ...], std: tuple[float, ...]) -> "Tensor":
    shape = (1, 3, 1, 1)
    return (images - images.new_tensor(mean).view(shape)).div_(images.new_tensor(std).view(shape)).contiguous()

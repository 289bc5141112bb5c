"""The views that training sees: which transforms, in which order, how often."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remix_track.data import transforms
from remix_track.encoder.crops import IMAGENET_MEAN, IMAGENET_STD
from remix_track.errors import InputError
from remix_track.settings import check, setting

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
        InputError: a value that does not fit its field.
    """

    flip: float = setting(0.5, "probability of mirroring left to right", low=0, high=1)
    padding: int = setting(10, "pixels of black on each side before a crop of the input size", low=0, high=100)
    resized_crop: bool = setting(False, "enlarge a random part instead of padding")
    resized_crop_area: tuple[float, ...] = setting(
        (0.2, 1.0), "least and greatest share of the image in that part", low=0.01, high=1, lengths=(2,)
    )
    blur: float = setting(0.5, "probability of a Gaussian blur", low=0, high=1)
    blur_sigma: tuple[float, ...] = setting(
        (0.1, 2.0), "its least and greatest standard deviation in pixels", low=0.01, high=10, lengths=(2,)
    )
    grayscale: float = setting(0.2, "probability of losing the colour", low=0, high=1)
    colour_jitter: float = setting(0.0, "probability of changing the colours", low=0, high=1)
    colour_jitter_strength: tuple[float, ...] = setting(
        (0.4, 0.4, 0.4, 0.1), "of brightness, contrast, saturation, hue", low=0, high=1, lengths=(4,)
    )
    erasing: float = setting(0.0, "probability of random erasing", low=0, high=1)

    def __post_init__(self) -> None:
        check(self)
        for name in ("resized_crop_area", "blur_sigma"):
            least, most = getattr(self, name)
            if least > most:
                raise InputError(f"{name} = {[least, most]}; expected the smaller one first")


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
    import torch

    centre, spread = (
        transforms.beside(torch.tensor(numbers, dtype=images.dtype).view(1, 3, 1, 1), images) for numbers in (mean, std)
    )
    return (images - centre).div_(spread).contiguous()

"""Augmentation of whole batches in torch: every choice comes from one generator that is passed in.

Each function takes a batch and returns another of the same shape, changes some of its images and leaves its argument
alone. Numbers are drawn on the CPU whatever the images' device, so that a seed gives the same views everywhere. They
go to a GPU by copies that nothing waits for: small ones are taken up at once, so the numbers may be gone afterwards.
"""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor

# Luma of ITU-R BT.601, as libjpeg and PIL have it.
_LUMA = (0.299, 0.587, 0.114)


def flip(images: "Tensor", probability: float, generator: "Generator") -> "Tensor":
    """Mirror images left to right.

    Args:
        images: (B, 3, H, W), any dtype.
        probability: that an image is mirrored.
        generator: source of the choices.
    """
    import torch

    chosen = beside(_chosen(images, probability, generator), images)
    return torch.where(chosen.view(-1, 1, 1, 1), images.flip(-1), images)


def pad_and_crop(images: "Tensor", padding: int, generator: "Generator") -> "Tensor":
    """Shift each image by up to `padding` pixels in both directions; black comes in at the border.

    Args:
        images: (B, 3, H, W), any dtype.
        padding: pixels added on each side before the crop.
        generator: source of the choices.
    """
    import torch
    from torch.nn import functional as F

    if padding == 0:
        return images
    height, width = images.shape[-2:]
    padded = F.pad(images, (padding,) * 4)
    result = torch.empty_like(images)
    offsets = torch.randint(0, 2 * padding + 1, (len(images), 2), generator=generator).tolist()
    for image, source, (top, left) in zip(result, padded, offsets, strict=True):
        image.copy_(source[:, top : top + height, left : left + width])
    return result


def random_resized_crop(
    images: "Tensor", area: tuple[float, ...], generator: "Generator", ratio: tuple[float, ...] = (3 / 4, 4 / 3)
) -> "Tensor":
    """Enlarge a random part of each image to the full size, bilinearly.

    `ratio` is relative to the image's own proportions, which for a standing person keeps the part upright (torchvision
    means pixels: its default parts of a 256 x 128 crop are squares).

    Args:
        images: (B, 3, H, W) float.
        area: least and greatest share of the image, as 0.2, 1.
        generator: source of the choices.
        ratio: least and greatest width over height of the part, 1 being the image's own.
    """
    import torch
    from torch.nn import functional as F

    share = _uniform(len(images), area, generator)
    aspect = _uniform(len(images), (math.log(ratio[0]), math.log(ratio[1])), generator).exp()
    size = torch.stack([share.mul(aspect).sqrt(), share.div(aspect).sqrt()], dim=1).clamp_(max=1)  # (B, 2) x, y
    place = torch.rand(len(images), 2, generator=generator) * (1 - size)
    # Coordinates run from -1 to 1 over the image.
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = size[:, 0], size[:, 1]
    theta[:, :, 2] = 2 * place + size - 1
    grid = F.affine_grid(beside(theta.to(images.dtype), images), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def gaussian_blur(images: "Tensor", probability: float, sigma: tuple[float, ...], generator: "Generator") -> "Tensor":
    """Blur images, each with its own strength.

    Args:
        images: (B, 3, H, W) float; H and W greater than 3 times the greatest sigma.
        probability: that an image is blurred.
        sigma: least and greatest standard deviation in pixels.
        generator: source of the choices.
    """
    import torch
    from torch.nn import functional as F

    rows = _chosen(images, probability, generator).nonzero()[:, 0]
    deviation = beside(_uniform(len(images), sigma, generator)[rows], images)
    if not len(rows):
        return images
    rows = beside(rows, images)
    radius = math.ceil(3 * sigma[1])
    taps = torch.arange(-radius, radius + 1, device=images.device)
    kernel = torch.exp(-(taps**2) / (2 * deviation[:, None] ** 2))  # (R, taps)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).to(images.dtype)
    weight = kernel.repeat_interleave(3, dim=0)[:, None, None]  # (R * 3, 1, 1, taps)
    planes = F.pad(images[rows], (radius,) * 4, mode="reflect").flatten(0, 1)[None]  # (1, R * 3, H + 2r, W + 2r)
    planes = F.conv2d(planes, weight, groups=len(weight))
    planes = F.conv2d(planes, weight.transpose(2, 3), groups=len(weight))
    result = images.clone()
    result[rows] = planes.view(len(rows), 3, *images.shape[2:])
    return result


def grayscale(images: "Tensor", probability: float, generator: "Generator") -> "Tensor":
    """Take the colour out of images.

    Args:
        images: (B, 3, H, W) float RGB.
        probability: that an image loses its colour.
        generator: source of the choices.
    """
    import torch

    chosen = beside(_chosen(images, probability, generator), images)
    return torch.where(chosen.view(-1, 1, 1, 1), luma(images), images)


def colour_jitter(
    images: "Tensor", probability: float, strength: tuple[float, ...], generator: "Generator"
) -> "Tensor":
    """Change brightness, contrast, saturation and hue, in this order.

    Differs from torchvision: the order is fixed, and hue turns the colour plane of YIQ, which keeps the luma.

    Args:
        images: (B, 3, H, W) float RGB in 0..1.
        probability: that an image is changed.
        strength: of brightness, contrast and saturation (a factor in 1 - s .. 1 + s) and of hue (a share of a full
            turn in -s .. s); MoCo v2 has 0.4, 0.4, 0.4, 0.1.
        generator: source of the choices.
    """
    import torch

    chosen = beside(_chosen(images, probability, generator), images)
    draws = beside(torch.rand(4, len(images), 1, 1, 1, generator=generator).mul_(2).sub_(1), images)
    factors = [1 + limit * draw for limit, draw in zip(strength[:3], draws, strict=False)]
    changed = (images * factors[0]).clamp_(0, 1)
    changed = torch.lerp(luma(changed).mean(dim=(1, 2, 3), keepdim=True), changed, factors[1]).clamp_(0, 1)
    changed = torch.lerp(luma(changed), changed, factors[2]).clamp_(0, 1)
    changed = _turn_hue(changed, 2 * math.pi * strength[3] * draws[3]).clamp_(0, 1)
    return torch.where(chosen.view(-1, 1, 1, 1), changed, images)


def erase(images: "Tensor", probability: float, generator: "Generator") -> "Tensor":
    """Set a random rectangle of some images to 0: Random Erasing (Zhong et al., AAAI 2020), area 0.02 to 0.4.

    Args:
        images: (B, 3, H, W) float, normalised already, so that 0 is the mean colour.
        probability: that an image is erased in part.
        generator: source of the choices.
    """
    import torch

    height, width = images.shape[-2:]
    chosen = _chosen(images, probability, generator).tolist()
    area = _uniform(len(images), (0.02, 0.4), generator) * (height * width)
    aspect = _uniform(len(images), (math.log(0.3), math.log(1 / 0.3)), generator).exp()
    tall = (area * aspect).sqrt().round().clamp(1, height).long()
    wide = (area / aspect).sqrt().round().clamp(1, width).long()
    place = torch.rand(len(images), 2, generator=generator)
    top = (place[:, 0] * (height - tall + 1)).long().tolist()
    left = (place[:, 1] * (width - wide + 1)).long().tolist()
    result = images.clone()
    for row, (high, broad) in enumerate(zip(tall.tolist(), wide.tolist(), strict=True)):
        if chosen[row]:
            result[row, :, top[row] : top[row] + high, left[row] : left[row] + broad] = 0
    return result


def luma(images: "Tensor") -> "Tensor":
    """(B, 1, H, W) brightness of (B, 3, H, W) RGB images."""
    import torch

    weights = beside(torch.tensor(_LUMA, dtype=images.dtype), images)
    return (images * weights.view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def beside(tensor: "Tensor", images: "Tensor") -> "Tensor":
    """A small tensor of the CPU, on the device of the images."""
    return tensor.to(images.device, non_blocking=images.is_cuda)


def _turn_hue(images: "Tensor", angle: "Tensor") -> "Tensor":
    import torch

    to_yiq = torch.tensor([_LUMA, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)], dtype=images.dtype)
    y, i, q = torch.einsum("cd,bdhw->cbhw", beside(to_yiq, images), images)
    cos, sin = angle[:, 0].cos(), angle[:, 0].sin()
    turned = torch.stack([y, cos * i - sin * q, sin * i + cos * q])
    return torch.einsum("cd,dbhw->bchw", beside(torch.linalg.inv(to_yiq), images), turned)


def _chosen(images: "Tensor", probability: float, generator: "Generator") -> "Tensor":
    import torch

    return torch.rand(len(images), generator=generator) < probability  # on the CPU


def _uniform(count: int, limits: tuple[float, ...], generator: "Generator") -> "Tensor":
    import torch

    return torch.rand(count, generator=generator) * (limits[1] - limits[0]) + limits[0]

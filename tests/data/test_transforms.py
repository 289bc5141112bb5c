"""Augmentation: ranges, determinism, and each transform against a slow reference."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from remix_track.data import transforms
from remix_track.data.augmentation import MOCO_AUGMENTATION, AugmentationSettings, augment, plain_view
from remix_track.encoder.crops import IMAGENET_MEAN, IMAGENET_STD
from remix_track.errors import InputError

ALL_ON = AugmentationSettings(colour_jitter=0.8, erasing=0.5)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def crops(count: int = 6, height: int = 32, width: int = 16) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def floats(count: int = 6, height: int = 32, width: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=seeded(7))


def test_flip_is_exact_and_its_own_inverse():
    images = torch.from_numpy(crops()).permute(0, 3, 1, 2)
    assert torch.equal(transforms.flip(images, 1.0, seeded()), images.flip(3))
    assert torch.equal(transforms.flip(images, 0.0, seeded()), images)
    some = transforms.flip(images, 0.5, seeded())
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(some, images, strict=True)]
    kept = [torch.equal(a, b) for a, b in zip(some, images, strict=True)]
    assert any(mirrored)
    assert any(kept)
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert torch.equal(transforms.flip(some, 0.5, seeded()), images)


def test_pad_and_crop_is_a_shift_within_the_padding():
    images = torch.arange(1, 1 + 5 * 3 * 8 * 6).reshape(5, 3, 8, 6)
    shifted = transforms.pad_and_crop(images, 2, seeded())
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    places = []
    for row in range(5):
        fits = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if torch.equal(padded[row, :, top : top + 8, left : left + 6], shifted[row])
        ]
        assert len(fits) == 1
        places += fits
    assert len(set(places)) > 1
    assert transforms.pad_and_crop(images, 0, seeded()) is images


def test_every_shift_occurs():
    images = torch.zeros(400, 3, 8, 8)
    images[:, :, 4, 4] = 1
    shifted = transforms.pad_and_crop(images, 1, seeded())
    assert set(shifted[:, 0].nonzero()[:, 1].tolist()) == {3, 4, 5}
    assert set(shifted[:, 0].nonzero()[:, 2].tolist()) == {3, 4, 5}


def test_resized_crop_stays_inside_and_keeps_to_its_area():
    """On an image of its own coordinates, the corners of the result say which part was taken."""
    height, width, count = 64, 32, 300
    y = ((torch.arange(height) + 0.5) / height).view(1, 1, -1, 1).expand(count, 1, height, width)
    x = ((torch.arange(width) + 0.5) / width).view(1, 1, 1, -1).expand(count, 1, height, width)
    images = torch.cat([y, x, torch.ones_like(x)], dim=1)
    out = transforms.random_resized_crop(images, (0.2, 1.0), seeded())
    assert out.shape == images.shape
    assert out[:, :2].min() >= 0.5 / height - 1e-6
    assert out[:, :2].max() <= 1
    assert torch.allclose(out[:, 2], torch.ones(()))
    # Inner pixels, clear of the border's clamping: the step between them is the part's size.
    tall = (out[:, 0, 40, 16] - out[:, 0, 24, 16]) * height / 16
    wide = (out[:, 1, 32, 20] - out[:, 1, 32, 12]) * width / 8
    area, ratio = tall * wide, wide / tall
    assert area.min() > 0.2 * 0.85  # clamped to the full height or width, a part may lose some area
    assert area.max() <= 1 + 1e-5
    assert area.std() > 0.1
    assert ratio.min() > 0.74
    assert ratio.max() < 1.34
    whole = transforms.random_resized_crop(floats(), (1.0, 1.0), seeded(), ratio=(1.0, 1.0))
    assert torch.allclose(whole, floats(), atol=1e-5)


def test_blur_equals_scipys():
    images = floats(3)
    blurred = transforms.gaussian_blur(images, 1.0, (1.5, 1.5), seeded())
    for image, result in zip(images.double().numpy(), blurred.numpy(), strict=True):
        for channel, plane in zip(image, result, strict=True):
            expected = ndimage.gaussian_filter(channel, 1.5, mode="mirror", radius=5)
            np.testing.assert_allclose(plane, expected, atol=1e-6)


def test_blur_leaves_the_others_alone_and_varies():
    images = floats(40)
    blurred = transforms.gaussian_blur(images, 0.5, (0.1, 2.0), seeded())
    same = [torch.equal(a, b) for a, b in zip(images, blurred, strict=True)]
    assert 5 < sum(same) < 35
    roughness = blurred.diff(dim=3).abs().mean(dim=(1, 2, 3))[~torch.tensor(same)]
    assert roughness.max() > 2 * roughness.min()
    assert transforms.gaussian_blur(images, 0.0, (0.1, 2.0), seeded()) is images


def test_grayscale_is_luma():
    images = floats(3)
    grey = transforms.grayscale(images, 1.0, seeded())
    expected = 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]
    for channel in range(3):
        assert torch.allclose(grey[:, channel], expected, atol=1e-6)
    assert torch.equal(transforms.grayscale(images, 0.0, seeded()), images)


def test_colour_jitter_alone_of_each_kind():
    images = floats(20) * 0.4 + 0.2

    def jitter(*strength: float) -> torch.Tensor:
        return transforms.colour_jitter(images, 1.0, strength, seeded())

    assert torch.allclose(jitter(0, 0, 0, 0), images, atol=1e-5)
    factor = jitter(0.4, 0, 0, 0) / images
    assert torch.allclose(factor.amin(dim=(1, 2, 3)), factor.amax(dim=(1, 2, 3)), atol=1e-3)
    assert factor.min() >= 0.6 - 1e-4
    assert factor.max() <= 1.4 + 1e-4
    assert factor.std() > 0.1
    luma = transforms.luma
    assert torch.allclose(luma(jitter(0, 0.2, 0, 0)).mean(dim=(1, 2, 3)), luma(images).mean(dim=(1, 2, 3)), atol=1e-3)
    assert torch.allclose(luma(jitter(0, 0, 0.2, 0)), luma(images), atol=1e-3)
    turned = jitter(0, 0, 0, 0.05)
    assert torch.allclose(luma(turned), luma(images), atol=1e-3)
    assert (turned - images).abs().max() > 0.01
    assert torch.equal(transforms.colour_jitter(images, 0.0, (0.4, 0.4, 0.4, 0.1), seeded()), images)


def test_hue_turns_red_towards_another_colour_and_back():
    red = torch.tensor([0.6, 0.3, 0.3]).view(1, 3, 1, 1)
    there = transforms._turn_hue(red, torch.full((1, 1, 1, 1), 2.0))
    assert not torch.allclose(there, red, atol=0.05)
    assert torch.allclose(transforms._turn_hue(there, torch.full((1, 1, 1, 1), -2.0)), red, atol=1e-5)


def test_erasing_sets_one_rectangle_to_zero():
    images = torch.ones(200, 3, 40, 20)
    erased = transforms.erase(images, 1.0, seeded())
    for image in erased:
        hole = image[0] == 0
        rows, columns = hole.any(dim=1).nonzero()[:, 0], hole.any(dim=0).nonzero()[:, 0]
        assert hole.sum() == len(rows) * len(columns)
        assert len(rows) == rows[-1] - rows[0] + 1
        assert len(columns) == columns[-1] - columns[0] + 1
        assert 0.01 < hole.float().mean() < 0.45
        assert torch.equal(image[0], image[1])
    assert images.min() == 1
    assert torch.equal(transforms.erase(images, 0.0, seeded()), images)


@pytest.mark.parametrize("settings", [AugmentationSettings(), MOCO_AUGMENTATION, ALL_ON])
def test_views_are_normalised_deterministic_and_leave_the_crops_alone(settings):
    pixels = crops()
    before = pixels.copy()
    view = augment(pixels, settings, seeded(3))
    assert view.shape == (6, 3, 32, 16)
    assert view.dtype == torch.float32
    assert view.is_contiguous()
    least = min(-m / s for m, s in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True))
    most = max((1 - m) / s for m, s in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True))
    assert view.min() >= least - 1e-4
    assert view.max() <= most + 1e-4
    assert torch.equal(view, augment(torch.from_numpy(pixels), settings, seeded(3)))
    assert not torch.equal(view, augment(pixels, settings, seeded(4)))
    np.testing.assert_array_equal(pixels, before)


def test_one_generator_gives_two_different_views():
    generator = seeded()
    first, second = (augment(crops(), AugmentationSettings(), generator) for _ in range(2))
    assert not torch.equal(first, second)


def test_with_everything_off_a_view_is_plain():
    off = AugmentationSettings(flip=0, padding=0, blur=0, grayscale=0)
    pixels = crops()
    expected = (pixels / 255 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    np.testing.assert_allclose(plain_view(pixels).numpy(), expected.transpose(0, 3, 1, 2), atol=1e-5)
    assert torch.equal(augment(pixels, off, seeded()), plain_view(pixels))


def test_an_empty_batch_is_legal():
    assert augment(crops(0), ALL_ON, seeded()).shape == (0, 3, 32, 16)
    assert augment(crops(0), MOCO_AUGMENTATION, seeded()).shape == (0, 3, 32, 16)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flip": 1.5}, "flip = 1.5; expected 0 to 1"),
        ({"padding": -1}, "padding = -1; expected 0 to 100"),
        ({"blur_sigma": (2.0, 1.0)}, "blur_sigma = .*; expected the smaller one first"),
        ({"blur_sigma": (2.0, 10.1)}, "blur_sigma = 10.1; expected 0.01 to 10"),
        ({"resized_crop_area": (0.2,)}, "resized_crop_area = .*; expected a list of 2 numbers"),
        ({"colour_jitter_strength": (1, 1, 1)}, "expected a list of 4 numbers"),
    ],
)
def test_settings_out_of_range(change, message):
    with pytest.raises(InputError, match=message):
        AugmentationSettings(**change)


def test_pixels_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="expected \\(B, H, W, 3\\) uint8"):
        plain_view(torch.zeros(2, 3, 8, 8, dtype=torch.uint8))

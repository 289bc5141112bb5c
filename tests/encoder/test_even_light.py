"""Crops brought half of the way to one brightness: the formula, what it is for, and that it goes with the weights."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from remix_track.encoder.average_weights import average_weights
from remix_track.encoder.backbones import build_encoder
from remix_track.encoder.crops import IMAGENET_MEAN, IMAGENET_STD
from remix_track.encoder.even_light import even_light
from remix_track.encoder.weights_card import WeightsCard
from remix_track.encoder.weights_file import load_encoder, save_weights
from remix_track.errors import InputError

NAME = "mobilenet-v2"
CARD = WeightsCard(NAME, 64, 32, 1280, "noise", even_light=True)
MEAN, STD = (torch.tensor(numbers).view(1, 3, 1, 1) for numbers in (IMAGENET_MEAN, IMAGENET_STD))


def normalised(values: torch.Tensor) -> torch.Tensor:
    return (values - MEAN) / STD


def test_values_are_raised_to_the_root_of_the_ratio_of_logarithms():
    values = (
        torch.rand(6, 3, 12, 8, generator=torch.Generator().manual_seed(0))
        * torch.linspace(0.1, 1, 6)[:, None, None, None]
    )
    made = even_light(normalised(values)) * STD + MEAN
    for one, out in zip(values.double().numpy(), made.numpy(), strict=True):
        exponent = math.sqrt(math.log(np.mean(IMAGENET_MEAN)) / math.log(one.mean()))
        np.testing.assert_allclose(out, one**exponent, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0, sum(IMAGENET_MEAN) / 3])
def test_black_white_and_the_middle_stay(value):
    images = normalised(torch.full((2, 3, 8, 4), value))
    torch.testing.assert_close(even_light(images), images, atol=0.01, rtol=0)  # the root of a rounding error of black


def test_dark_and_bright_images_of_one_person_come_nearer_and_keep_their_order():
    person = torch.rand(1, 3, 16, 8, generator=torch.Generator().manual_seed(1))
    dark, bright = (even_light(normalised(person**exponent)) * STD + MEAN for exponent in (2.0, 0.5))
    apart = (person**0.5).mean() - (person**2).mean()
    assert 0 < bright.mean() - dark.mean() < 0.7 * apart


def test_each_image_is_on_its_own_and_the_argument_stays():
    images = normalised(torch.rand(3, 3, 8, 4))
    before = images.clone()
    together = even_light(images)
    assert torch.equal(images, before)
    for row in range(3):
        torch.testing.assert_close(together[row : row + 1], even_light(images[row : row + 1]))


def test_it_goes_with_the_weights(tmp_path):
    torch.manual_seed(0)
    plain, light = build_encoder(NAME).eval(), build_encoder(NAME, even_light=True).eval()
    light.load_state_dict(plain.state_dict())
    save_weights(tmp_path / "light.safetensors", plain.state_dict(), CARD)
    save_weights(tmp_path / "plain.safetensors", plain.state_dict(), dataclasses.replace(CARD, even_light=False))
    images = normalised(torch.rand(2, 3, 64, 32) ** 2)
    with torch.inference_mode():
        card, read = load_encoder(tmp_path / "light.safetensors")
        assert card.even_light
        torch.testing.assert_close(read.eval()(images)[1], light(images)[1])
        torch.testing.assert_close(read(images)[1], plain(even_light(images))[1])
        likeness = F.cosine_similarity(
            load_encoder(tmp_path / "plain.safetensors")[1].eval()(images)[1], read(images)[1]
        )
    assert likeness.max() < 0.9999
    for names in (("light", "plain"), ("plain", "light")):
        mean = average_weights([tmp_path / f"{name}.safetensors" for name in names], tmp_path / "mean.safetensors")
        assert mean.even_light == (names[0] == "light")


@pytest.mark.parametrize("change", [{"mean": (0.5, 0.5, 0.5)}, {"std": (1, 1, 1)}, {"channel_order": "BGR"}])
def test_other_inputs_are_refused(change):
    with pytest.raises(InputError, match="even_light goes with RGB and ImageNet's mean and std alone"):
        dataclasses.replace(CARD, **change)

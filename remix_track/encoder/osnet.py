"""OSNet: a small network whose blocks look at a person at four scales at once.

Source: Zhou et al., Omni-Scale Feature Learning for Person Re-Identification, ICCV 2019, figures 3 to 5 and table 1.
State keys as in the checkpoints of Torchreid, so that those can be read.
"""

from collections import OrderedDict
from typing import cast

import torch
from torch import Tensor, nn

_CHANNELS = 64, 256, 384, 512
_FEATURES = 512
_REDUCTION = 16
_SCALES = "abcd"
"""Names of the four streams: as many 3x3 convolutions as their place."""


class OSNet(nn.Module):
    """The backbone with the layer behind its pooling, which is part of what its checkpoints learnt.

    Args:
        width: factor of the channels: 1 or 0.25.
    """

    def __init__(self, width: float) -> None:
        super().__init__()
        first, second, third, last = (int(width * channels) for channels in _CHANNELS)
        self.conv1 = _convolution(3, first, 7, stride=2)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.conv2 = nn.Sequential(OmniScale(first, second), OmniScale(second, second), _halved(second))
        self.conv3 = nn.Sequential(OmniScale(second, third), OmniScale(third, third), _halved(third))
        self.conv4 = nn.Sequential(OmniScale(third, last), OmniScale(last, last))
        self.conv5 = _convolution(last, last, 1)
        self.fc = nn.Sequential(nn.Linear(last, _FEATURES), nn.BatchNorm1d(_FEATURES), nn.ReLU())
        self.width = _FEATURES

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, 3, H, W) -> (B, 512, 1, 1), pooled already."""
        x = self.maxpool(self.conv1(x))
        x = self.conv4(self.conv3(self.conv2(x)))
        pooled = self.conv5(x).mean(dim=(2, 3))
        return cast(Tensor, self.fc(pooled)[:, :, None, None])


class OmniScale(nn.Module):
    """Four streams of growing reach, weighed channel by channel by one gate that they share, and a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        middle = outputs // 4
        self.conv1 = _convolution(inputs, middle, 1)
        self.conv2a = _light(middle)
        for depth, name in enumerate(_SCALES[1:], 2):
            setattr(self, f"conv2{name}", nn.Sequential(*(_light(middle) for _ in range(depth))))
        self.gate = Gate(middle)
        self.conv3 = _convolution(middle, outputs, 1, relu=False)
        self.downsample = None if inputs == outputs else _convolution(inputs, outputs, 1, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (B, inputs, H, W) -> (B, outputs, H, W)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.conv1(x)
        streams = [getattr(self, f"conv2{name}")(x) for name in _SCALES]
        mixed = torch.stack([self.gate(stream) for stream in streams]).sum(dim=0)
        return torch.relu(self.conv3(mixed) + shortcut)


class Gate(nn.Module):
    """How much each channel of a stream counts, 0 to 1, by what the whole image shows in it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // _REDUCTION, 1)
        self.fc2 = nn.Conv2d(channels // _REDUCTION, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (B, C, H, W) -> the same shape."""
        seen = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(seen))))


def _convolution(inputs: int, outputs: int, size: int, *, stride: int = 1, relu: bool = True) -> nn.Sequential:
    layers: list[tuple[str, nn.Module]] = [
        ("conv", nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)),
        ("bn", nn.BatchNorm2d(outputs)),
    ]
    return nn.Sequential(OrderedDict([*layers, ("relu", nn.ReLU())] if relu else layers))


def _light(channels: int) -> nn.Sequential:
    """A 3x3 convolution in two factors: over the channels, then over the place."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, channels, 1, bias=False),
            conv2=nn.Conv2d(channels, channels, 3, 1, 1, groups=channels, bias=False),
            bn=nn.BatchNorm2d(channels),
            relu=nn.ReLU(),
        )
    )


def _halved(channels: int) -> nn.Sequential:
    return nn.Sequential(_convolution(channels, channels, 1), nn.AvgPool2d(2, 2))


def osnet_x1_0() -> OSNet:
    """2.2 million parameters."""
    return OSNet(1.0)


def osnet_x0_25() -> OSNet:
    """0.2 million parameters."""
    return OSNet(0.25)

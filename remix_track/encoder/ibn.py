"""ResNets whose early blocks normalise half their channels per image, and the plain ResNet50 beside them."""

from typing import cast

import torch
from torch import Tensor, nn


class IBN(nn.Module):
    """InstanceNorm on the first half of the channels, BatchNorm on the second.

    Instance statistics drop what a camera adds to an image (light, colour cast), batch statistics keep what tells
    people apart. The InstanceNorm is affine and keeps no running statistics.

    Source: Pan et al., Two at Once (IBN-Net), ECCV 2018, figure 3(b); state keys as in the authors' checkpoints.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.instance_channels = channels // 2
        self.IN = nn.InstanceNorm2d(self.instance_channels, affine=True)
        self.BN = nn.BatchNorm2d(channels - self.instance_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (B, C, H, W) -> the same shape, channels last."""
        first, second = x[:, : self.instance_channels], x[:, self.instance_channels :]
        # On a CPU BatchNorm is slow on half a map in place, and a map of mixed formats is copied by every later layer.
        normed = self.IN(first).contiguous(memory_format=torch.channels_last)
        return torch.cat([normed, self.BN(second.contiguous(memory_format=torch.channels_last))], dim=1)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al., CVPR 2016, figure 5 left); IBN after the first one."""

    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int, *, ibn: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = IBN(planes) if ibn else nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inputs, planes, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (B, inputs, H, W) -> (B, planes, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return cast(Tensor, self.relu(x + shortcut))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions and a shortcut (He et al., figure 5 right); IBN after the first one.

    Differs from He et al.: the stride is on the 3x3 convolution, as in the authors' IBN checkpoints and torchvision.
    """

    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int, *, ibn: bool) -> None:
        super().__init__()
        outputs = planes * self.expansion
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = IBN(planes) if ibn else nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (B, inputs, H, W) -> (B, 4 planes, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        return cast(Tensor, self.relu(x + shortcut))


class ResNetIBN(nn.Module):
    """A ResNet with IBN-a in every block of layers 1 to 3, plain layer 4, last stride 1, without a classifier.

    Stride 1 in layer 4 doubles the last map (16x8 for 256x128 images) at no cost in weights: a person is tall and
    narrow (Luo et al., Bag of Tricks, CVPRW 2019, section 3.5). State keys as in `resnet50_ibn_a-d9d0bb7b.pth`.

    Args:
        block: the block of all layers.
        depths: blocks in layers 1 to 4.
        ibn: off leaves a plain ResNet, with the state keys of torchvision's.
        last_stride: of layer 4.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, int, int, int],
        *,
        ibn: bool = True,
        last_stride: int = 1,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        grow = block.expansion
        self.layer1 = _layer(block, 64, 64, depths[0], stride=1, ibn=ibn)
        self.layer2 = _layer(block, 64 * grow, 128, depths[1], stride=2, ibn=ibn)
        self.layer3 = _layer(block, 128 * grow, 256, depths[2], stride=2, ibn=ibn)
        self.layer4 = _layer(block, 256 * grow, 512, depths[3], stride=last_stride, ibn=False)
        self.width = 512 * grow

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, 3, H, W) -> feature map (B, width, H / 16, W / 16), or half that with a last stride of 2."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        return cast(Tensor, self.layer4(self.layer3(x)))


def resnet50_ibn_a() -> ResNetIBN:
    """13 IBN bottlenecks (3 + 4 + 6), then 3 plain ones; 2048 channels."""
    return ResNetIBN(Bottleneck, (3, 4, 6, 3))


def resnet18_ibn_a() -> ResNetIBN:
    """6 IBN blocks (2 + 2 + 2), then 2 plain ones; 512 channels."""
    return ResNetIBN(BasicBlock, (2, 2, 2, 2))


def resnet50() -> ResNetIBN:
    """16 plain bottlenecks, last stride 1; 2048 channels."""
    return ResNetIBN(Bottleneck, (3, 4, 6, 3), ibn=False)


def resnet50_stride_2() -> ResNetIBN:
    """The same with the last stride of torchvision's, which Torchreid's `resnet50` was trained with."""
    return ResNetIBN(Bottleneck, (3, 4, 6, 3), ibn=False, last_stride=2)


def _layer(
    block: type[BasicBlock] | type[Bottleneck], inputs: int, planes: int, depth: int, *, stride: int, ibn: bool
) -> nn.Sequential:
    first = block(inputs, planes, stride, ibn=ibn)
    return nn.Sequential(first, *(block(planes * block.expansion, planes, 1, ibn=ibn) for _ in range(depth - 1)))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

"""MobileNetV2 (Sandler et al., CVPR 2018), the smallest of the backbones."""

from typing import cast

from torch import Tensor, nn

# Sandler et al., MobileNetV2, CVPR 2018, Table 2: expansion t, output channels c, repeats n, first stride s.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise 3x3, project 1x1; the input is added where nothing changed its shape.

    Source: Sandler et al., MobileNetV2, CVPR 2018, section 3.3 and Table 1.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        expand = _conv_relu(inputs, hidden, kernel=1) if expansion > 1 else []
        depthwise = _conv_relu(hidden, hidden, kernel=3, stride=stride, groups=hidden)
        project = [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.conv = nn.Sequential(*expand, *depthwise, *project)
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        made = cast(Tensor, self.conv(x))
        return x + made if self.adds_input else made


class MobileNetV2(nn.Module):
    """The convolutional part of MobileNetV2 at width 1, without a classifier.

    The state's keys are those of the first public port (`features.0.0.weight`, `features.1.conv.0.weight`, ...),
    so that its ImageNet checkpoints load as they are; torchvision names its blocks otherwise.
    """

    width = 1280

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = [nn.Sequential(*_conv_relu(3, 32, kernel=3, stride=2))]
        inputs = 32
        for expansion, outputs, repeats, first_stride in STAGES:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(inputs, outputs, first_stride if repeat == 0 else 1, expansion))
                inputs = outputs
        blocks.append(nn.Sequential(*_conv_relu(inputs, self.width, kernel=1)))
        self.features = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, 3, H, W) -> feature map (B, 1280, H / 32, W / 32)."""
        return cast(Tensor, self.features(x))


def _conv_relu(inputs: int, outputs: int, *, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True)]

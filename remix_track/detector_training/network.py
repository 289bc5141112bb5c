"""The person detector: MobileNetV2, a small feature pyramid, and one head at stride 8 for score and box."""

from typing import cast

import torch
from torch import Tensor, nn

from remix_track.encoder.mobilenet import MobileNetV2

STRIDE = 8
"""Pixels of the image to a cell of the output."""
_TAPS = {6: 32, 13: 96, 17: 320}
"""Blocks of MobileNetV2 at strides 8, 16 and 32 whose outputs are used, and their channels."""
_FROZEN = 4
"""Blocks whose weights stay those of ImageNet: edges and colours, half of the work, and what drawings would spoil."""
_REACH = 16.0
"""Pixels from a cell's middle to each side of a box where the network gives 0."""
_RARE = -4.6
"""Bias of the score: one cell in a hundred, as RetinaNet begins."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class PersonDetector(nn.Module):
    """Score and box of a person for each cell of 8x8 pixels, one person at most.

    Head after Zhou et al., "Objects as Points", 2019, and Liu et al., "Training-Time-Friendly Network", AAAI 2020: the
    score is a heat map whose peaks are the middles of people, the box four distances. Pyramid after Lin et al., CVPR
    2017, with separable convolutions.

    Args:
        backbone: its batch statistics are kept, and so are the weights of its first blocks.
        width: channels of pyramid and head.
    """

    def __init__(self, backbone: MobileNetV2, width: int = 96) -> None:
        super().__init__()
        self.blocks = backbone.features[: max(_TAPS) + 1]
        self.lateral = nn.ModuleList([nn.Conv2d(channels, width, 1) for channels in _TAPS.values()])
        self.merge = nn.ModuleList([_separable(width, 3) for _ in range(len(_TAPS) - 1)])
        self.head = nn.Sequential(_separable(width, 5), _separable(width, 5))
        self.score = nn.Conv2d(width, 1, 1)
        self.sides = nn.Conv2d(width, 4, 1)
        nn.init.constant_(cast(Tensor, self.score.bias), _RARE)
        for layer in (self.score, self.sides):
            nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(cast(Tensor, self.sides.bias))
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)
        for frozen in self.blocks[:_FROZEN]:
            frozen.requires_grad_(False)

    def train(self, mode: bool = True) -> "PersonDetector":
        """As of `Module`; the backbone's batch statistics stay those of ImageNet."""
        super().train(mode)
        self.blocks.eval()
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """RGB images (B, 3, H, W) in 0..1 -> score logits (B, H/8, W/8), pixels to each side (B, 4, H/8, W/8)."""
        x = (images - self.mean) / self.std
        found = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in _TAPS:
                found.append(x)
        maps = [lateral(one) for lateral, one in zip(self.lateral, found, strict=True)]
        x = maps.pop()
        for merge in self.merge:
            # Nearest neighbour by a factor: the same in every runtime.
            x = merge(nn.functional.interpolate(x, scale_factor=2.0, mode="nearest") + maps.pop())
        x = self.head(x)
        return self.score(x)[:, 0], _REACH * torch.exp(self.sides(x).clamp(-4, 4))


def boxes_of(sides: Tensor) -> Tensor:
    """Distances (B, 4, h, w) to left, top, right, bottom -> corners (B, 4, h, w) in pixels."""
    height, width = sides.shape[2:]
    x = STRIDE * (torch.arange(width, dtype=sides.dtype) + 0.5)
    y = STRIDE * (torch.arange(height, dtype=sides.dtype) + 0.5)
    middle = torch.stack([x.expand(height, width), y[:, None].expand(height, width)])
    return torch.cat([middle - sides[:, :2], middle + sides[:, 2:]], dim=1)


def _separable(width: int, kernel: int) -> nn.Sequential:
    """Depthwise, then across channels."""
    return nn.Sequential(
        nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width, bias=False),
        nn.BatchNorm2d(width),
        nn.Conv2d(width, width, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )

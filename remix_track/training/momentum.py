"""The momentum encoder: weights that are an exponential moving average of another network's, and its BatchNorms."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from remix_track.training.method_settings import MomentumSettings


class MomentumNetwork:
    """A copy of a network that follows it slowly and never sees a gradient.

    It makes the pseudo labels, the centroids and the keys of the losses, and it alone is used at inference (Mamedov et
    al., ReMix, WACV 2025). The coefficient and what happens to BatchNorm are this project's reading; see
    `MomentumSettings`. Several processes hold equal copies where the network has SyncBatchNorm, or where the running
    statistics are averaged after each step; see `Processes`.

    Args:
        network: what to follow; the copy starts with its weights.
        settings: coefficient and BatchNorm.

    Attributes:
        network: the copy; its state goes into checkpoints and weight files.
    """

    def __init__(self, network: nn.Module, settings: MomentumSettings) -> None:
        self.settings = settings
        self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take a step towards `network`: w <- m w + (1 - m) w', once after each step of the optimiser.

        Args:
            network: the followed one itself, not what DistributedDataParallel or `torch.compile` wrap around it.
        """
        step = 1 - self.settings.coefficient
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), step)
        if self.settings.batchnorm == "own":
            return
        buffers = dict(network.named_buffers())
        for name, kept in self.network.named_buffers():
            if self.settings.batchnorm == "ema" and kept.is_floating_point():
                kept.lerp_(buffers[name], step)
            else:
                kept.copy_(buffers[name])

    @torch.no_grad()
    def keys(self, images: Tensor) -> Any:
        """What the network gives for a batch of training images (B, 3, H, W), with BatchNorm as the settings say."""
        return self.network.train(self.settings.batchnorm == "own")(images)

    @torch.no_grad()
    def embed(self, images: Tensor) -> Any:
        """What the network gives for any images (B, 3, H, W), each for itself: the running statistics are used."""
        return self.network.eval()(images)

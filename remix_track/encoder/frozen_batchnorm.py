"""BatchNorm with fixed statistics, for fine-tuning on little data."""

from torch import Tensor, nn
from torch.nn import functional as F


class FrozenBatchNorm2d(nn.Module):
    """A BatchNorm that normalises by the running statistics it has, in training too; scale and shift are learnt.

    Its state has the keys of `nn.BatchNorm2d`. It is none, so that nothing makes a SyncBatchNorm of it.

    Args:
        norm: whose parameters and statistics it takes over.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.eps = norm.eps
        self.weight, self.bias = norm.weight, norm.bias
        for name, buffer in norm.named_buffers():
            self.register_buffer(name, buffer)

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (B, C, H, W) -> the same shape."""
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


def freeze_batchnorm(network: nn.Module) -> None:
    """Put a `FrozenBatchNorm2d` in the place of each BatchNorm2d, in place; the state stays as it is.

    Of a network that has seen a million photographs the statistics are worth more than those of some thousand crops of
    another kind, and batches that mix two kinds of crops have statistics that fit neither.
    """
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, FrozenBatchNorm2d(child))

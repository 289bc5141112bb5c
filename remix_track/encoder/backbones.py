"""The encoder: a backbone by name, average pooling, BN-neck. Training and tracking build the same module here."""

import difflib
from collections.abc import Callable, Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from remix_track.encoder.even_light import even_light
from remix_track.encoder.ibn import ResNetIBN, resnet18_ibn_a, resnet50, resnet50_ibn_a, resnet50_stride_2
from remix_track.encoder.mobilenet import MobileNetV2
from remix_track.encoder.osnet import OSNet, osnet_x0_25, osnet_x1_0
from remix_track.errors import InputError

Backbone = ResNetIBN | MobileNetV2 | OSNet
BACKBONES: dict[str, Callable[[], Backbone]] = {
    "resnet50-ibn-a": resnet50_ibn_a,
    "resnet18-ibn-a": resnet18_ibn_a,
    "mobilenet-v2": MobileNetV2,
    "resnet50": resnet50,
    "resnet50-stride-2": resnet50_stride_2,
    "osnet-x1.0": osnet_x1_0,
    "osnet-x0.25": osnet_x0_25,
}


class Encoder(nn.Module):
    """Images in, one appearance vector each out: before the BN-neck and after it.

    The neck is a BatchNorm whose bias stays 0 (Luo et al., Bag of Tricks, CVPRW 2019, section 3.6): metric losses see
    the pooled vector, classification-like losses and inference the one behind the neck. A fresh neck in eval mode
    only scales, so the unit vectors of an ImageNet backbone are not changed by it.

    Args:
        backbone: images to feature maps.
        even_light: bring the images half of the way to one brightness first; see `even_light.even_light`.
    """

    def __init__(self, backbone: Backbone, *, even_light: bool = False) -> None:
        super().__init__()
        self.even_light = even_light
        self.backbone = backbone
        self.width = backbone.width
        self.neck = nn.BatchNorm1d(self.width)
        self.neck.bias.requires_grad_(False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, H, W), normalised -> pooled (B, D), necked (B, D); neither has unit length."""
        images = even_light(images) if self.even_light else images
        pooled = self.backbone(images).mean(dim=(2, 3))  # (B, D, h, w) -> (B, D)
        return pooled, self.neck(pooled)


def build_encoder(architecture: str, *, even_light: bool = False) -> Encoder:
    """A freshly initialised encoder: one of `BACKBONES`, D = 512 to 2048.

    Convolutions get He's normal initialisation (fan out), drawn from torch's default generator.

    Raises:
        InputError: no such architecture; the nearest one is named.
    """
    if architecture not in BACKBONES:
        near = difflib.get_close_matches(architecture, BACKBONES, n=1, cutoff=0)
        raise InputError(f"architecture {architecture[:60]!r} is not known; did you mean {near[0]!r}?")
    encoder = Encoder(BACKBONES[architecture](), even_light=even_light)
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return encoder


def check_state(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """See that `state` has exactly the keys and shapes of the module; nothing is loaded.

    Raises:
        InputError: keys missing or unexpected, shapes that differ, or values that are not finite; they are named.
    """
    expected = module.state_dict()
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected]
    if missing or unexpected:
        raise InputError(f"{where}: other weights than the architecture has; {_named(missing, unexpected)}")
    for key, tensor in state.items():
        if tensor.shape != expected[key].shape:
            shapes = f"{tuple(tensor.shape)}, expected {tuple(expected[key].shape)}"
            raise InputError(f"{where}: {key} has shape {shapes}; take the weights of this architecture")
        if tensor.is_floating_point() != expected[key].is_floating_point() or tensor.is_complex():
            raise InputError(f"{where}: {key} has type {tensor.dtype}, expected {expected[key].dtype}")
        if not tensor.isfinite().all():
            raise InputError(f"{where}: {key} holds NaN or infinite values; the training went wrong")


def _named(missing: list[str], unexpected: list[str]) -> str:
    parts = []
    for kind, keys in (("missing", missing), ("unexpected", unexpected)):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            parts.append(f"{kind}: {', '.join(key[:80] for key in keys[:3])}{more}")
    return "; ".join(parts)


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

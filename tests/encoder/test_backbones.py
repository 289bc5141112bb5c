"""Backbones: the published structure, the published key names, parity with torchvision."""

import pytest
import torch
import torchvision
from torch import nn

from remix_track.encoder.backbones import BACKBONES, build_encoder, check_state
from remix_track.encoder.ibn import IBN, BasicBlock, Bottleneck
from remix_track.encoder.torch_network import TorchNetwork, fuse_norms
from remix_track.errors import InputError

PLAIN = {"resnet50-ibn-a": torchvision.models.resnet50, "resnet18-ibn-a": torchvision.models.resnet18}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def ibn_blocks(encoder: nn.Module) -> list[str]:
    return [name for name, module in encoder.named_modules() if isinstance(module, IBN)]


@pytest.mark.parametrize(
    ("architecture", "per_layer", "width", "stride"),
    [("resnet50-ibn-a", (3, 4, 6), 2048, 16), ("resnet18-ibn-a", (2, 2, 2), 512, 16), ("mobilenet-v2", (), 1280, 32)],
)
def test_structure(architecture, per_layer, width, stride):
    encoder = build_encoder(architecture).eval()
    expected = [f"backbone.layer{i + 1}.{j}.bn1" for i, depth in enumerate(per_layer) for j in range(depth)]
    assert ibn_blocks(encoder) == expected
    assert encoder.width == width
    with torch.inference_mode():
        assert encoder.backbone(torch.randn(2, 3, 64, 32)).shape == (2, width, 64 // stride, 32 // stride)
        pooled, necked = encoder(torch.randn(2, 3, 64, 32))
    assert pooled.shape == necked.shape == (2, width)


@pytest.mark.parametrize("architecture", sorted(PLAIN))
def test_keys_are_those_of_the_public_checkpoints(architecture):
    """Keys are torchvision's, and in layers 1 to 3 `bn1.IN.*` (affine only) and `bn1.BN.*` in the place of `bn1.*`."""
    expected = set()
    for key in PLAIN[architecture]().state_dict():
        parts = key.split(".")
        if parts[0] in ("layer1", "layer2", "layer3") and parts[2] == "bn1":
            stem, last = ".".join(parts[:3]), parts[3]
            expected.add(f"{stem}.BN.{last}")
            if last in ("weight", "bias"):
                expected.add(f"{stem}.IN.{last}")
        elif parts[0] != "fc":
            expected.add(key)
    assert set(build_encoder(architecture).backbone.state_dict()) == expected


@pytest.mark.parametrize("architecture", sorted(PLAIN))
def test_with_plain_norms_it_computes_what_torchvision_does(architecture):
    encoder = build_encoder(architecture)
    for module in encoder.modules():
        if isinstance(module, BasicBlock | Bottleneck) and isinstance(module.bn1, IBN):
            module.bn1 = nn.BatchNorm2d(module.conv1.out_channels)
    plain = PLAIN[architecture]().eval()
    first = plain.layer4[0]
    for conv in (first.conv1, first.conv2, first.downsample[0]):
        conv.stride = (1, 1)
    plain.fc = nn.Identity()
    for name, value in plain.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_(0, 0.1)
    encoder.backbone.load_state_dict(plain.state_dict())
    images = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        pooled, _ = encoder.eval()(images)
        torch.testing.assert_close(pooled, plain(images), rtol=1e-4, atol=1e-4)


def test_ibn_is_instance_norm_on_the_first_half_and_batch_norm_on_the_second():
    layer = IBN(7).train()
    nn.init.uniform_(layer.IN.weight)
    nn.init.uniform_(layer.BN.bias)
    x = torch.randn(4, 7, 5, 3)
    out = layer(x)
    for channel in range(3):
        for image in range(4):
            plane = x[image, channel]
            scaled = (plane - plane.mean()) / (plane.var(correction=0) + 1e-5).sqrt() * layer.IN.weight[channel]
            torch.testing.assert_close(out[image, channel], scaled)
    for channel in range(3, 7):
        planes = x[:, channel]
        scaled = (planes - planes.mean()) / (planes.var(correction=0) + 1e-5).sqrt() + layer.BN.bias[channel - 3]
        torch.testing.assert_close(out[:, channel], scaled)


def test_ibn_keeps_no_statistics_of_single_pictures():
    assert not [key for key, _ in IBN(8).named_buffers() if key.startswith("IN")]


def test_mobilenet_computes_what_torchvision_does():
    plain = torchvision.models.mobilenet_v2().eval()
    encoder = build_encoder("mobilenet-v2")
    # Same tensors in the same order under other names.
    renamed = zip(encoder.backbone.state_dict(), plain.features.state_dict().values(), strict=True)
    encoder.backbone.load_state_dict(dict(renamed))
    images = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        pooled, _ = encoder.eval()(images)
        torch.testing.assert_close(pooled, plain.features(images).mean((2, 3)))


@pytest.mark.parametrize("architecture", sorted(BACKBONES))
def test_neck_bias_is_frozen_and_a_fresh_neck_keeps_the_direction(architecture):
    encoder = build_encoder(architecture).eval()
    assert [name for name, value in encoder.named_parameters() if not value.requires_grad] == ["neck.bias"]
    with torch.inference_mode():
        pooled, necked = encoder(torch.randn(2, 3, 64, 32))
    torch.testing.assert_close(nn.functional.normalize(pooled), nn.functional.normalize(necked))


@pytest.mark.parametrize("architecture", sorted(BACKBONES))
def test_inference_form_gives_the_vectors_of_the_module(architecture):
    encoder = build_encoder(architecture)
    with torch.no_grad():
        for _ in range(3):  # running statistics worth folding
            encoder.train()(torch.randn(4, 3, 64, 32))
    images = torch.randn(3, 3, 64, 32)
    network = TorchNetwork(encoder, torch.device("cpu"))
    with torch.inference_mode():
        _, necked = encoder.eval()(images)
    torch.testing.assert_close(torch.from_numpy(network(images.numpy())), necked, rtol=1e-3, atol=1e-3)
    assert all(value.requires_grad for name, value in encoder.named_parameters() if name != "neck.bias")


@pytest.mark.parametrize("architecture", sorted(BACKBONES))
def test_every_norm_behind_a_convolution_is_folded_but_ibn(architecture):
    encoder = build_encoder(architecture).eval()
    fuse_norms(encoder)
    left = [name for name, module in encoder.named_modules() if isinstance(module, nn.BatchNorm2d)]
    assert left == [f"{name}.BN" for name in ibn_blocks(encoder)]


def test_unknown_architectures_name_the_nearest():
    with pytest.raises(InputError, match="architecture 'resnet50_ibn' is not known; did you mean 'resnet50-ibn-a'"):
        build_encoder("resnet50_ibn")


def test_states_that_do_not_fit_are_named():
    encoder = build_encoder("mobilenet-v2")
    good = encoder.state_dict()

    def refuse(state, message):
        with pytest.raises(InputError, match=message):
            check_state(encoder, state, "w")

    check_state(encoder, good, "w")
    less = {key: value for key, value in good.items() if not key.startswith("neck.")}
    refuse(
        less,
        "w: other weights than the architecture has; missing: neck.weight, neck.bias, neck.running_mean and 2 more",
    )
    refuse({**good, "fc.weight": torch.zeros(1)}, "unexpected: fc.weight$")
    refuse({**good, "neck.weight": torch.zeros(9)}, r"w: neck.weight has shape \(9,\), expected \(1280,\)")
    refuse({**good, "neck.weight": torch.full((1280,), torch.nan)}, "neck.weight holds NaN or infinite values")
    refuse(
        {**good, "neck.weight": torch.zeros(1280, dtype=torch.int8)},
        "neck.weight has type torch.int8, expected torch.float32",
    )
    refuse({**good, "neck.weight": torch.zeros(1280, dtype=torch.complex64)}, "neck.weight has type torch.complex64")

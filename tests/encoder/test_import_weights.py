"""Others' checkpoints as weights of ours: OSNet and plain ResNet50, by the names that Torchreid and MoCo write."""

import pickle
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch.nn import functional as F

from remix_track.cli.train import main
from remix_track.encoder.backbones import BACKBONES, build_encoder
from remix_track.encoder.load import load_embedder
from remix_track.encoder.osnet import Gate, OmniScale
from remix_track.encoder.torch_network import fuse_norms
from remix_track.encoder.weights_file import load_weights, read_card
from remix_track.training.initial_weights import load_initial_weights
from remix_track.training.train_settings import EncoderSettings

NEW = ("osnet-x0.25", "osnet-x1.0", "resnet50", "resnet50-stride-2")


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def checkpoint(path, architecture="osnet-x0.25", prefix="", wrapper=None, **more):
    """A file as a training of others leaves it, heads and all, and the backbone's state."""
    backbone = build_encoder(architecture).backbone
    state = {prefix + key: value for key, value in backbone.state_dict().items()}
    state |= {prefix + "classifier.weight": torch.zeros(7, 5)} | more
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, path)
    return backbone.state_dict()


@pytest.mark.parametrize(
    ("architecture", "width", "stride"),
    [("osnet-x0.25", 512, 0), ("osnet-x1.0", 512, 0), ("resnet50", 2048, 16), ("resnet50-stride-2", 2048, 32)],
)
def test_structure(architecture, width, stride):
    encoder = build_encoder(architecture).eval()
    assert encoder.width == width
    with torch.inference_mode():
        made = encoder.backbone(torch.randn(2, 3, 64, 32))
        assert made.shape == (2, width, 64 // stride if stride else 1, 32 // stride if stride else 1)
        assert encoder(torch.randn(2, 3, 64, 32))[1].shape == (2, width)


def test_osnet_has_the_published_number_of_parameters():
    """2.2 million at full width (table 1 of the paper); the classifier is not counted."""
    counts = [sum(one.numel() for one in build_encoder(name).backbone.parameters()) for name in NEW[:2]]
    assert counts[0] == pytest.approx(0.2e6, rel=0.05)
    assert counts[1] == pytest.approx(2.2e6, rel=0.05)


def test_an_omni_scale_block_by_the_formulas_of_the_paper():
    """Y = x + F(sum over t of gate(x_t) * x_t), with x_t behind t light convolutions; one gate for all."""
    block: Any = OmniScale(32, 64).eval()
    x = torch.randn(1, 32, 6, 5)
    squeezed = block.conv1(x)
    total = torch.zeros(1, 16, 6, 5)
    for depth, name in enumerate("abcd", 1):
        stream = squeezed
        layers = [block.conv2a] if depth == 1 else getattr(block, f"conv2{name}")
        assert len(list(layers)) == (depth if depth > 1 else 1)
        for light in layers:
            first = F.conv2d(stream, light.conv1.weight)
            stream = torch.stack(
                [F.conv2d(first[:, c : c + 1], light.conv2.weight[c : c + 1], padding=1)[:, 0] for c in range(16)], 1
            )
            stream = light.bn(stream).clamp(min=0)
        means = torch.tensor([[float(stream[0, c].mean()) for c in range(16)]])
        hidden = (means @ block.gate.fc1.weight[:, :, 0, 0].T + block.gate.fc1.bias).clamp(min=0)
        weight = torch.sigmoid(hidden @ block.gate.fc2.weight[:, :, 0, 0].T + block.gate.fc2.bias)
        total += weight[:, :, None, None] * stream
    expected = (block.conv3(total) + block.downsample(x)).clamp(min=0)
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)
    assert OmniScale(64, 64).downsample is None
    assert Gate(64).fc1.weight.shape == (4, 64, 1, 1)


def test_plain_resnet50_is_torchvisions():
    theirs = torchvision.models.resnet50(weights=None).eval()
    state = {key: value for key, value in theirs.state_dict().items() if not key.startswith("fc.")}
    images = torch.randn(2, 3, 64, 32)
    theirs.fc = torch.nn.Identity()
    for architecture in ("resnet50", "resnet50-stride-2"):
        encoder = build_encoder(architecture).eval()
        assert set(encoder.backbone.state_dict()) == set(state)
        encoder.backbone.load_state_dict(state)
        with torch.inference_mode():
            same = torch.allclose(encoder(images)[0], theirs(images), rtol=1e-4, atol=1e-5)
        assert same == (architecture == "resnet50-stride-2")


@pytest.mark.parametrize("architecture", NEW)
def test_norms_that_are_fused_into_convolutions_change_nothing(architecture):
    encoder = build_encoder(architecture).eval()
    images = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        plain = encoder(images)[1]
        fuse_norms(encoder)
        fused = encoder(images)[1]
    torch.testing.assert_close(fused, plain, rtol=1e-3, atol=1e-3 * float(plain.abs().max()))


def test_the_real_osnet_has_the_vectors_of_its_onnx_file(shared, tmp_path, capsys):
    path = shared("weights/osnet_x0_25_msmt17.pth")
    out = tmp_path / "osnet.safetensors"
    assert main(["import", str(path), "--output", str(out), "--trained-on", "MSMT17"]) == 0
    assert "osnet-x0.25, 256x128, vectors of 512 numbers" in capsys.readouterr().out
    assert read_card(out).trained_on == "MSMT17"
    image = np.random.default_rng(0).integers(0, 256, (120, 90, 3), dtype=np.uint8)
    boxes = np.array([[0, 0, 40, 100], [20, 10, 80, 119]], np.float32)
    vectors = []
    for embedder in (
        load_embedder(out, backend="torch", device="cpu"),
        load_embedder(path.with_suffix(".onnx"), backend="onnxruntime", device="cpu"),
    ):
        assert embedder is not None
        vectors.append(embedder(image, boxes))
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "prefix", "wrapper"),
    [
        ("osnet-x0.25", "module.", None),  # Torchreid
        ("osnet-x1.0", "", "state_dict"),
        ("resnet50", "module.encoder_q.", "state_dict"),  # MoCo, LUPerson
        ("resnet50", "backbone.", "model"),  # FastReID
        ("resnet18-ibn-a", "module.", "state_dict"),
    ],
)
def test_a_checkpoint_is_recognised_and_kept_bit_for_bit(tmp_path, capsys, architecture, prefix, wrapper):
    path = tmp_path / "theirs.pth"
    state = checkpoint(path, architecture, prefix, wrapper)
    assert main(["import", str(path)]) == 0
    assert f"theirs.safetensors: {architecture}, 256x128" in capsys.readouterr().out
    card, ours = load_weights(tmp_path / "theirs.safetensors")
    assert (card.architecture, card.max_cosine_distance) == (architecture, None)
    for key, value in state.items():
        assert torch.equal(ours[f"backbone.{key}"], value), key


@pytest.mark.parametrize(("learns", "follows"), [("encoder_q", "encoder_k"), ("base_encoder", "momentum_encoder")])
def test_of_mocos_whole_state_who_learns_is_taken(tmp_path, learns, follows):
    path, out = tmp_path / "moco.pth", tmp_path / "w.safetensors"
    state = checkpoint(path, "resnet50", f"module.{learns}.", "state_dict")
    saved = torch.load(path, weights_only=True)
    saved["state_dict"] |= {f"module.{follows}.{key}": value + 1 for key, value in state.items()}
    saved["state_dict"] |= {"module.queue": torch.zeros(128, 8), "module.queue_ptr": torch.zeros(1)}
    torch.save(saved, path)
    assert main(["import", str(path), "--output", str(out)]) == 0
    ours = load_weights(out)[1]
    for key, value in state.items():
        assert torch.equal(ours[f"backbone.{key}"], value), key


def test_fastreids_normalisation_is_no_weight_and_a_name_may_hold_anything(tmp_path):
    path = tmp_path / "fast\u00a0reid.pth"
    state = checkpoint(path, "resnet18-ibn-a", "backbone.", "model")
    saved = torch.load(path, weights_only=True)
    saved["model"] |= {"pixel_mean": torch.zeros(1, 3, 1, 1), "module.pixel_std": torch.zeros(1, 3, 1, 1)}
    torch.save(saved, path)
    assert main(["import", str(path)]) == 0
    card, ours = load_weights(path.with_suffix(".safetensors"))
    assert card.trained_on == "not said (fastreid.pth)"
    assert set(ours) >= {f"backbone.{key}" for key in state}


def test_stride_and_size_can_be_said(tmp_path):
    path, out = tmp_path / "theirs.pth", tmp_path / "w.safetensors"
    checkpoint(path, "resnet50")
    words = ["--architecture", "resnet50-stride-2", "--height", "384", "--width", "192"]
    assert main(["import", str(path), "--output", str(out), *words]) == 0
    card = read_card(out)
    assert (card.architecture, card.input_height, card.input_width) == ("resnet50-stride-2", 384, 192)
    assert main(["import", str(path), "--output", str(out)]) == 2, "nothing is overwritten"


def test_what_is_no_such_checkpoint_is_one_line(tmp_path, capsys):
    pickled, other, narrow = (tmp_path / f"{name}.pth" for name in ("pickled", "other", "narrow"))
    pickled.write_bytes(pickle.dumps(print))
    torch.save({"weight": torch.zeros(3)}, other)
    checkpoint(narrow, "osnet-x0.25", **{"conv1.conv.weight": torch.zeros(15, 3, 7, 7)})
    said = {
        pickled: "cannot be read as a state dict that is safe to read",
        other: "its tensors fit none of resnet50-ibn-a",
        narrow: "osnet-x0.25 is the nearest",
        tmp_path / "gone.pth": "gone.pth",
    }
    for path, words in said.items():
        assert main(["import", str(path)]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
        assert not path.with_suffix(".safetensors").exists()
    assert main(["import", str(narrow), "--architecture", "osnet-x0.25"]) == 2
    assert "conv1.conv.weight has shape (15, 3, 7, 7)" in capsys.readouterr().err
    assert main(["import", str(narrow), "--architecture", "osnet-x0"]) == 2
    assert "did you mean 'osnet-x" in capsys.readouterr().err


def test_training_starts_from_such_a_checkpoint_and_keeps_osnets_fc(tmp_path):
    path = tmp_path / "theirs.pth"
    state = checkpoint(path, "osnet-x0.25", "module.")
    encoder = build_encoder("osnet-x0.25")
    load_initial_weights(encoder, EncoderSettings(architecture="osnet-x0.25", weights=str(path)))
    for key, value in encoder.backbone.state_dict().items():
        assert torch.equal(value, state[key])
    assert {"fc.0.weight", "fc.1.running_var"} <= set(state)


def test_every_architecture_can_be_a_setting():
    for name in BACKBONES:
        assert EncoderSettings(architecture=name).architecture == name  # type: ignore[arg-type]

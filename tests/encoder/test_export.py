"""Exports give torch's vectors for any number of crops, or are not kept."""

import importlib.util
import json

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from remix_track.cli.train import main
from remix_track.encoder import export
from remix_track.encoder.backbones import build_encoder
from remix_track.encoder.crops import IMAGENET_MEAN, IMAGENET_STD
from remix_track.encoder.onnx_network import read_side_file
from remix_track.encoder.weights_card import METADATA_KEY, WeightsCard
from remix_track.encoder.weights_file import save_weights
from remix_track.errors import InputError


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "even light"])
def trained(request, tmp_path_factory):
    """Weights with statistics and a neck that are not those of a fresh network."""
    torch.manual_seed(0)
    encoder = build_encoder("mobilenet-v2", even_light=request.param)
    for _ in range(3):
        encoder.train()(torch.randn(4, 3, 64, 32) + 0.3)
    torch.nn.init.uniform_(encoder.neck.weight, 0.5, 1.5)
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    card = WeightsCard("mobilenet-v2", 64, 32, 1280, "noise", even_light=request.param, max_cosine_distance=0.3)
    save_weights(path, encoder.state_dict(), card)
    return path, encoder.eval()


@pytest.mark.filterwarnings("ignore:.torch.jit.load. is deprecated")
def test_torchscript_takes_any_number_of_crops(trained, tmp_path):
    path, encoder = trained
    assert export.export_weights(path, tmp_path / "w.pt", "torchscript") < 1e-4
    extra = {"card.json": ""}
    network = torch.jit.load(str(tmp_path / "w.pt"), _extra_files=extra)
    assert json.loads(json.loads(extra["card.json"])[METADATA_KEY])["max_cosine_distance"] == 0.3
    images = torch.randn(7, 3, 64, 32)
    with torch.no_grad():
        torch.testing.assert_close(network(images), F.normalize(encoder(images)[1], dim=1), rtol=0, atol=1e-4)


def test_onnx_goes_into_the_tracker_with_its_threshold(trained, tmp_path):
    from remix_track.encoder.load import load_embedder

    path, encoder = trained
    if importlib.util.find_spec("onnx") is None:
        with pytest.raises(InputError, match=r"needs the package onnx; pip install 'remix-track\[export\]'"):
            export.export_weights(path, tmp_path / "w.onnx", "onnx")
        assert not list(tmp_path.iterdir())
        pytest.skip("the package onnx is not installed")
    assert export.export_weights(path, tmp_path / "w.onnx", "onnx") < 1e-4
    ours, onnx = load_embedder(path, device="cpu"), load_embedder(tmp_path / "w.onnx")
    assert ours is not None
    assert onnx is not None
    assert onnx.max_cosine_distance == 0.3
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    boxes = np.array([[10, 10, 60, 150], [50, 20, 90, 190], [0, 0, 30, 80]], np.float32)
    made, wanted = onnx(image, boxes), ours(image, boxes)
    # Each takes 16 bits where that was faster when it was made ready, so one may and the other not.
    if all(embedder.description["backend"].endswith("float32") for embedder in (ours, onnx)):
        np.testing.assert_allclose(made, wanted, atol=1e-4)
    assert (made * wanted).sum(axis=1).min() > 0.999
    exact = load_embedder(tmp_path / "w.onnx", backend="onnxruntime", device="cpu")
    assert exact is not None
    corners = boxes.astype(int).tolist()
    crops = np.stack([cv2.resize(image[top:bottom, left:right], (32, 64)) for left, top, right, bottom in corners])
    planes = ((crops[..., ::-1] / 255 - IMAGENET_MEAN) / IMAGENET_STD).transpose(0, 3, 1, 2)
    with torch.no_grad():
        by_torch = F.normalize(encoder(torch.tensor(planes, dtype=torch.float32))[1], dim=1).numpy()
    np.testing.assert_allclose(exact(image, boxes), by_torch, atol=1e-4)


def test_nothing_is_replaced_unless_that_was_asked_for(trained, tmp_path, capsys):
    out, beside = tmp_path / "w.onnx", tmp_path / "w.toml"
    beside.write_text("mine")
    words = ["export", str(trained[0]), "--output", str(out)]
    if importlib.util.find_spec("onnx") is None:
        pytest.skip("the package onnx is not installed")
    assert main(words) == 2
    assert "w.toml: there is something already; give another --output, or --overwrite" in capsys.readouterr().err
    assert beside.read_text() == "mine"
    assert not out.exists()
    assert main([*words, "--overwrite"]) == 0
    assert "max_cosine_distance = 0.3" in beside.read_text()
    assert main(words) == 2
    assert "w.onnx: there is something already" in capsys.readouterr().err
    # Another form of the same weights goes beside it.
    if importlib.util.find_spec("openvino") is not None:
        assert main([*words[:3], str(tmp_path / "w.xml"), "--format", "openvino"]) == 0


def test_openvino_has_its_threshold_and_any_number_of_crops(trained, tmp_path, monkeypatch):
    path, encoder = trained
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(InputError, match="needs the package openvino: pip install openvino"):
            export.export_weights(path, tmp_path / "w.xml", "openvino")
    openvino = pytest.importorskip("openvino")
    with pytest.raises(InputError, match=r"w\.ov: OpenVINO models are named \.xml"):
        export.export_weights(path, tmp_path / "w.ov", "openvino")
    assert not list(tmp_path.iterdir())
    assert export.export_weights(path, tmp_path / "w.xml", "openvino") < 1e-5
    assert sorted(one.name for one in tmp_path.iterdir()) == ["w.bin", "w.toml", "w.xml"]
    assert read_side_file(tmp_path / "w.xml").max_cosine_distance == 0.3
    model = openvino.Core().read_model(tmp_path / "w.xml")
    card = json.loads(model.get_rt_info(METADATA_KEY).astype(str))
    assert (card["input_height"], card["max_cosine_distance"]) == (64, 0.3)
    assert model.input(0).get_any_name() == "images"
    assert model.input(0).get_partial_shape().to_string() == "[?,3,64,32]"
    network = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    images = torch.randn(7, 3, 64, 32)
    with torch.no_grad():
        wanted = F.normalize(encoder(images)[1], dim=1).numpy()
    np.testing.assert_allclose(network(images.numpy())[0], wanted, atol=1e-5)


def test_an_openvino_model_that_is_refused_leaves_nothing(trained, tmp_path, monkeypatch):
    def write(network, images, card, path, constants):
        path.write_text("graph")
        constants.write_bytes(b"weights")

    monkeypatch.setattr(export, "_refuse_missing", lambda path, form: None)
    monkeypatch.setattr(export, "_write_openvino", write)
    monkeypatch.setattr(export, "_run_openvino", lambda path, constants, images: np.zeros((5, 1280), np.float32))
    with pytest.raises(InputError, match="it is not kept"):
        export.export_weights(trained[0], tmp_path / "w.xml", "openvino")
    assert not list(tmp_path.iterdir())


def test_a_file_whose_vectors_differ_is_not_kept(trained, tmp_path, monkeypatch):
    real = export._run_torchscript
    monkeypatch.setattr(export, "_run_torchscript", lambda *arguments: real(*arguments) + 2e-4)
    with pytest.raises(InputError, match=r"differ from torch's by 2\..e-04; it is not kept"):
        export.export_weights(trained[0], tmp_path / "w.pt", "torchscript")
    assert not list(tmp_path.iterdir())

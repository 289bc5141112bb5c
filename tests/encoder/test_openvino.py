"""OpenVINO: torch's vectors in any batch, precision held to float32, no torch and no telemetry at a later start."""

import hashlib
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from remix_track import openvino_runtime
from remix_track.encoder.backbones import build_encoder
from remix_track.encoder.backend import choose_backend
from remix_track.encoder.load import load_embedder
from remix_track.encoder.precision import agree, drawn_people
from remix_track.encoder.weights_card import WeightsCard
from remix_track.encoder.weights_file import save_weights
from remix_track.errors import InputError
from tests.encoder.test_onnx import POOL, entry, node, pooling, value_info, write

pytestmark = pytest.mark.skipif(not openvino_runtime.is_usable(), reason="openvino does not run here")
PEOPLE = drawn_people(128, 64)
STREET = np.concatenate(PEOPLE[:6], axis=1)
BOXES = np.array([[64 * i, 0, 64 * i + 64, 128] for i in range(6)], np.float32)


def loaded(weights, **flags):
    embedder = load_embedder(weights, device="cpu", **flags)
    assert embedder is not None
    return embedder


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """ResNet18-IBN-a as it begins, with statistics that are not those of a fresh BatchNorm."""
    torch.manual_seed(0)
    encoder = build_encoder("resnet18-ibn-a")
    encoder.train()
    with torch.no_grad():
        encoder(torch.randn(8, 3, 64, 32))
    path = tmp_path_factory.mktemp("weights") / "ours.safetensors"
    save_weights(path, encoder.state_dict(), WeightsCard("resnet18-ibn-a", 128, 64, 512, "chance"))
    return path


class TestVectors:
    @pytest.mark.parametrize("weights", ["default", "ours"])
    def test_are_those_of_torch_alone_and_in_company(self, weights, ours):
        name = ours if weights == "ours" else weights
        exact = loaded(name, backend="torch")
        vectors = loaded(name, backend="openvino")(STREET, BOXES)
        assert (vectors * exact(STREET, BOXES)).sum(axis=1).min() > 0.999
        alone = np.concatenate([loaded(name, backend="openvino")(STREET, box[None]) for box in BOXES[:2]])
        assert (vectors[:2] * alone).sum(axis=1).min() > 0.9999

    def test_of_more_crops_than_a_batch_holds_come_in_order(self, ours):
        embedder = loaded(ours, backend="openvino")
        many = embedder(STREET, np.tile(BOXES, (4, 1)))
        np.testing.assert_allclose(many, np.tile(embedder(STREET, BOXES), (4, 1)), atol=0.02)

    def test_follow_size_order_and_normalisation(self, ours):
        flags = {"input_size": (96, 40), "channel_order": "BGR", "mean": (0.3, 0.4, 0.6), "std": (0.2, 0.3, 0.25)}
        exact = loaded(ours, backend="torch", **flags)(STREET, BOXES)
        vectors = loaded(ours, backend="openvino", **flags)(STREET, BOXES)
        assert (vectors * exact).sum(axis=1).min() > 0.999


class TestPrecision:
    """Where the CPU computes with 16 bits, a network that suffers from it is computed in float32."""

    def test_of_agreeing_vectors(self):
        rng = np.random.default_rng(0)
        exact = rng.normal(size=(5, 64)).astype(np.float32)
        assert agree(exact * 3, exact)
        turned = exact.copy()
        turned[3] = np.roll(turned[3], 1)
        assert not agree(turned, exact)
        assert not agree(np.where(np.arange(5)[:, None] == 2, np.nan, exact), exact)
        assert not agree(np.where(np.arange(5)[:, None] == 2, 0, exact), exact)

    def test_drawn_people_are_people_and_always_the_same(self):
        assert PEOPLE.shape == (12, 128, 64, 3)
        # What is kept in caches was compared on these pixels. The renderer may go on; they stay.
        assert hashlib.sha256(PEOPLE.tobytes()).hexdigest().startswith("cadc082c6e3c29bb")
        assert all(crop.std() > 10 for crop in PEOPLE)
        assert len({crop.tobytes() for crop in PEOPLE}) == 12

    def test_falls_back_to_float32_and_then_to_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        path = write(tmp_path, pooling())
        model = openvino_runtime.read_model(path.read_bytes())
        asked: list[object] = []

        def tried(answers):
            def accept(network):
                asked.append(network)
                return answers.pop(0)

            asked.clear()
            made = openvino_runtime.Compilation(model, {}, accept)
            return openvino_runtime.compiled("net", {"test": 1}, lambda: made, 1)

        real, answers = openvino_runtime.precision_of, ["bfloat16"]
        monkeypatch.setattr(
            openvino_runtime, "precision_of", lambda network: answers.pop() if answers else real(network)
        )
        assert tried([False, False]) is None
        assert len(asked) == 2
        answers.append("bfloat16")
        ready = tried([False, True])
        assert (ready.precision, ready.kept) == ("float32", False)
        again = tried([])
        assert (again.precision, again.kept, asked) == ("float32", True, [])

    @pytest.mark.parametrize(("faster", "precision"), [(0, "bfloat16"), (1, "float32")])
    def test_takes_16_bits_only_where_they_are_faster(self, tmp_path, monkeypatch, faster, precision):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        made = openvino_runtime.Compilation(
            openvino_runtime.read_model(write(tmp_path, pooling()).read_bytes()), {}, lambda network: True
        )
        of_16_bits = list[object]()

        def said(network):
            of_16_bits.append(network)
            return "bfloat16" if network is of_16_bits[0] else "float32"

        monkeypatch.setattr(openvino_runtime, "precision_of", said)
        monkeypatch.setattr(openvino_runtime, "fastest", lambda networks: networks[faster])
        ready = openvino_runtime.compiled("net", {"test": 2}, lambda: made, 1)
        assert ready is not None
        assert ready.precision == precision

    def test_finding_the_fastest_leaves_the_arrays_of_earlier_requests_alone(self, tmp_path):
        network = openvino_runtime.compiled_exactly(
            openvino_runtime.read_model(write(tmp_path, pooling()).read_bytes()), 1
        )
        shape = [side.get_length() if side.is_static else 12 for side in network.input(0).partial_shape]
        shared = np.ones(shape, np.float32)
        network.create_infer_request().infer({0: shared}, share_inputs=True)
        openvino_runtime.fastest([network])
        assert (shared == 1).all()

    def test_the_fastest_of_several_networks_is_found(self, tmp_path):
        model = openvino_runtime.read_model(write(tmp_path, pooling()).read_bytes())
        quick, slow = (openvino_runtime.compiled_exactly(model, 1) for _ in range(2))

        class Slow:
            inputs = slow.inputs

            def create_infer_request(self):
                request = slow.create_infer_request()

                def infer(*given, **how):
                    time.sleep(0.02)
                    return request.infer(*given, **how)

                return SimpleNamespace(infer=infer)

        assert openvino_runtime.fastest([Slow(), quick]) is quick


class TestOwnFiles:
    def exported(self, weights, folder):
        from remix_track.encoder.export import export_weights

        export_weights(weights, folder / "w.xml", "openvino")
        return folder / "w.xml"

    def test_of_openvino_give_the_same_vectors(self, ours, tmp_path):
        embedder = loaded(self.exported(ours, tmp_path))
        exact = loaded(ours, backend="torch")(STREET, BOXES)
        assert (embedder(STREET, BOXES) * exact).sum(axis=1).min() > 0.999
        assert embedder.description["architecture"] == "openvino"
        assert embedder.description["input"] == "128x64 RGB"
        assert embedder.description["trained_on"] == "chance"

    def test_run_on_openvino_only(self, ours, tmp_path):
        with pytest.raises(InputError, match=r"w\.xml: runs on openvino, not on torch; leave `backend` out"):
            loaded(self.exported(ours, tmp_path), backend="torch")

    def test_without_their_constants_or_damaged_are_refused(self, ours, tmp_path):
        path = self.exported(ours, tmp_path)
        text = path.read_text()
        path.write_text(text[: len(text) // 2])
        with pytest.raises(InputError, match=r"w\.xml: not a model that OpenVINO reads \(") as caught:
            loaded(path)
        assert "\n" not in str(caught.value)
        path.write_text(text)
        path.with_suffix(".bin").write_bytes(path.with_suffix(".bin").read_bytes()[:1000])
        with pytest.raises(InputError, match=r"w\.xml: not a model that OpenVINO reads \("):
            loaded(path)
        path.with_suffix(".bin").unlink()
        with pytest.raises(InputError, match=r"w\.bin: weights cannot be read"):
            loaded(path)

    def test_that_are_another_network_are_refused(self, tmp_path):
        ov = openvino_runtime.openvino()
        cases = {
            "two": (pooling(nodes=[*POOL, node("Relu", ["x"], "z")], outputs=[
                value_info("y", ("b", 3)), value_info("z", ("b", 3, 32, 16))]), "has 1 inputs and 2 outputs"),
            "grey": (pooling(("b", 1, 32, 16)), r"takes input of shape \[\?,1,32,16\]; expected \(batch, 3"),
            "open": (pooling(("b", 3, "h", "w")), "leaves its input height open; give `input_size`"),
        }  # fmt: skip
        for name, (content, message) in cases.items():
            model = openvino_runtime.read_model(content)
            ov.save_model(model, tmp_path / f"{name}.xml", compress_to_fp16=False)
            if not (tmp_path / f"{name}.bin").stat().st_size:
                (tmp_path / f"{name}.bin").write_bytes(b"\0")
            with pytest.raises(InputError, match=message):
                loaded(tmp_path / f"{name}.xml")


class TestChoice:
    def choose(self, wanted="auto", able=("torch", "openvino"), *, gpu=False):
        return choose_backend(wanted, able, "w", gpu=gpu)

    def test_is_openvino_on_a_cpu_and_their_own_on_a_gpu(self):
        assert self.choose() == "openvino"
        assert self.choose(gpu=True) == "torch"
        assert self.choose(able=("onnxruntime", "openvino")) == "openvino"
        assert self.choose("openvino", gpu=True) == "openvino"
        assert self.choose("torch") == "torch"

    def test_without_openvino_is_their_own(self, monkeypatch):
        monkeypatch.setattr(openvino_runtime, "is_usable", lambda: False)
        assert self.choose() == "torch"
        with pytest.raises(InputError, match="w: openvino is not installed or does not run on this CPU; pip install"):
            self.choose("openvino")
        with pytest.raises(InputError, match="openvino is not installed"):
            self.choose(able=("openvino",))

    def test_that_the_weights_cannot_run_on_is_refused(self):
        with pytest.raises(InputError, match="w: runs on torch or openvino, not on onnxruntime; leave `backend` out"):
            self.choose("onnxruntime")

    def test_other_vectors_than_torchs_go_to_torch_with_a_word(self, ours, tmp_path, monkeypatch, caplog):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setattr("remix_track.encoder.openvino_network.agree", lambda vectors, exact: False)
        assert loaded(ours, input_size=(64, 32)).description["backend"].startswith("torch ")
        assert [record.message for record in caplog.records] == [
            "ours.safetensors: OpenVINO computes other vectors than torch, so it runs on torch"
        ]


def test_torch_takes_16_bits_where_they_agree(ours):
    from remix_track.encoder.torch_network import TorchNetwork
    from remix_track.encoder.weights_file import load_encoder

    encoder = load_encoder(ours)[1]
    crops = np.random.default_rng(0).normal(size=(4, 3, 128, 64)).astype(np.float32)
    exact = TorchNetwork(encoder, torch.device("cpu"))
    assert exact.backend.endswith("cpu, float32")
    network = TorchNetwork(encoder, torch.device("cpu"), crops)
    assert agree(network(crops), exact(crops))


LATER_START = """
import sys
import numpy as np
from remix_track.encoder.load import load_embedder
embedder = load_embedder(sys.argv[1], device="cpu")
assert embedder(np.zeros((64, 64, 3), np.uint8), np.array([[0, 0, 32, 64]], np.float32)).shape == (1, embedder.width)
assert embedder.description["backend"].startswith("openvino ")
print([name for name in ("torch", "onnxruntime", "ultralytics", "openvino_telemetry") if name in sys.modules])
"""


def test_a_later_start_needs_neither_torch_nor_a_word_to_its_makers(ours, tmp_path):
    loaded(ours)
    environment = os.environ | {"HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", LATER_START, str(ours)], env=environment, capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
    assert list(tmp_path.iterdir()) == []


def test_hostile_onnx_is_stopped_by_onnxruntime_before_openvino_sees_it(tmp_path, monkeypatch):
    monkeypatch.setattr(openvino_runtime, "read_model", SimpleNamespace)
    with pytest.raises(InputError, match="not an ONNX file that this ONNX Runtime can run"):
        loaded(write(tmp_path, entry(1, 8) + b"nonsense"), backend="openvino")


def test_pictures_are_cut_as_for_the_other_runtimes():
    """Crops of odd sizes and at the border: the same pixels go into either network."""
    rng = np.random.default_rng(1)
    image = np.asarray(cv2.resize(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8), (320, 240)), np.uint8)
    boxes = np.array([[-9, -9, 31, 77], [100.5, 20.5, 131.2, 99.9], [300, 200, 400, 300]], np.float32)
    vectors = loaded("default", backend="openvino")(image, boxes)
    assert (vectors * loaded("default", backend="torch")(image, boxes)).sum(axis=1).min() > 0.999

"""ONNX weights: parity with torch on graphs written here byte by byte, and every graph that is no re-ID network."""

import ctypes
import hashlib
import os
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from remix_track.encoder.load import load_embedder
from remix_track.errors import InputError
from remix_track.machine import usable_cores

BOXES = np.array([[10, 20, 60, 150], [-30, -40, 50, 100], [280, 150, 900, 900], [100.4, 10.2, 140.6, 90.9]], np.float32)
FLOAT, INT64, FLOAT16 = 1, 7, 10


# Protocol buffers by hand: the onnx package is not a dependency, and hostile files need bytes that it would refuse.


def varint(number: int) -> bytes:
    out = b""
    number &= 2**64 - 1
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def entry(field: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(field << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def value_info(name: str, shape: tuple[int | str, ...], kind: int = FLOAT) -> bytes:
    dims = b"".join(entry(1, entry(1 if isinstance(side, int) else 2, side)) for side in shape)
    return entry(1, name) + entry(2, entry(1, entry(1, kind) + entry(2, dims)))


def attribute(name: str, value: int | list[int]) -> bytes:
    if isinstance(value, int):
        return entry(5, entry(1, name) + entry(3, value) + entry(20, 2))
    return entry(5, entry(1, name) + b"".join(entry(8, item) for item in value) + entry(20, 7))


def node(operator: str, inputs: list[str], output: str, **attributes: int | list[int]) -> bytes:
    named = b"".join(attribute(name, value) for name, value in attributes.items())
    return b"".join(entry(1, name) for name in inputs) + entry(2, output) + entry(4, operator) + named


def tensor(name: str, value: NDArray[np.generic]) -> bytes:
    kind = INT64 if value.dtype == np.int64 else FLOAT
    return (
        b"".join(entry(1, side) for side in value.shape) + entry(2, kind) + entry(8, name) + entry(9, value.tobytes())
    )


def external_tensor(name: str, shape: tuple[int, ...], **where: str) -> bytes:
    pairs = b"".join(entry(13, entry(1, key) + entry(2, value)) for key, value in where.items())
    return b"".join(entry(1, side) for side in shape) + entry(2, FLOAT) + entry(8, name) + pairs + entry(14, 1)


def model(nodes: list[bytes], inputs: list[bytes], outputs: list[bytes], tensors: tuple[bytes, ...] = ()) -> bytes:
    parts = [(1, nodes), (5, tensors), (11, inputs), (12, outputs)]
    graph = entry(2, "g") + b"".join(entry(field, item) for field, items in parts for item in items)
    return entry(1, 8) + entry(8, entry(1, "") + entry(2, 13)) + entry(7, graph)


POOL = [node("GlobalAveragePool", ["x"], "p"), node("Flatten", ["p"], "y")]
OPEN = ("b", 3, 32, 16)


def pooling(shape: tuple[int | str, ...] = OPEN, **changes) -> bytes:
    return model(
        **{"nodes": POOL, "inputs": [value_info("x", shape)], "outputs": [value_info("y", ("b", 3))], **changes}
    )


def write(folder: Path, content: bytes, name: str = "net.onnx") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def picture() -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (320, 240)), np.uint8)


def loaded(path: Path, **flags):
    embedder = load_embedder(path, **flags)
    assert embedder is not None
    return embedder


@pytest.fixture
def small(tmp_path):
    """A convolution, ReLU, pooling: the file, and the same network in torch."""
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(3, 7, 3, 2, 1)
    weight, bias = (value.detach().numpy() for value in conv.parameters())
    nodes = [
        node("Conv", ["x", "w", "c"], "h", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Relu", ["h"], "r"),
        node("GlobalAveragePool", ["r"], "p"),
        node("Flatten", ["p"], "y"),
    ]
    tensors = (tensor("w", weight), tensor("c", bias))

    def make(shape=OPEN):
        return write(tmp_path, model(nodes, [value_info("x", shape)], [value_info("y", (shape[0], 7))], tensors))

    return make, lambda images: conv(images).relu().mean((2, 3))


def by_torch(network, *, order="RGB", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)) -> NDArray[np.float32]:
    vectors = []
    for x1, y1, x2, y2 in ((10, 20, 60, 150), (0, 0, 50, 100), (280, 150, 320, 240), (100, 10, 141, 91)):
        crop = cv2.resize(picture()[y1:y2, x1:x2], (16, 32))
        crop = crop[..., ::-1] if order == "RGB" else crop
        planes = ((crop / 255 - mean) / std).transpose(2, 0, 1)[None]
        with torch.inference_mode():
            vectors.append(network(torch.tensor(planes, dtype=torch.float32)))
    return torch.nn.functional.normalize(torch.cat(vectors)).numpy()


def assert_same_people(embedder, expected):
    """Equal vectors, or, where a CPU rounds to 16 bits, vectors of the same direction."""
    vectors = embedder(picture(), BOXES)
    if embedder.description["backend"].endswith("float32"):
        np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert (vectors * expected).sum(axis=1).min() > 0.999


BOTH = pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])


@BOTH
def test_equals_torch(small, backend):
    make, network = small
    path = make()
    embedder = loaded(path, backend=backend)
    assert_same_people(embedder, by_torch(network))
    assert embedder.description.pop("backend").startswith(f"{backend} ")
    assert embedder.width == 7
    assert embedder.max_cosine_distance is None
    assert embedder.description == {
        "name": "net.onnx",
        "file": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "architecture": "onnx",
        "trained_on": "",
        "input": "32x16 RGB",
        "width": 7,
    }


@BOTH
@pytest.mark.parametrize("batch", [1, 3, 4, 9])
def test_a_fixed_batch_is_filled_up(small, batch, backend):
    make, network = small
    assert_same_people(loaded(make((batch, 3, 32, 16)), backend=backend), by_torch(network))


@BOTH
def test_the_side_file_describes_the_input_and_flags_win(small, tmp_path, backend):
    make, network = small
    path = make()
    (tmp_path / "net.toml").write_text(
        'trained_on = "toys"\nmax_cosine_distance = 0.4\n'
        'channel_order = "BGR"\nmean = [0.5, 0.4, 0.3]\nstd = [0.2, 0.3, 1]\n'
    )
    embedder = loaded(path, backend=backend)
    assert_same_people(embedder, by_torch(network, order="BGR", mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 1)))
    assert embedder.max_cosine_distance == 0.4
    assert embedder.description["trained_on"] == "toys"
    rgb = {"channel_order": "RGB", "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    assert_same_people(loaded(path, backend=backend, **rgb), by_torch(network))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chanel_order = 'RGB'", "net.toml: unknown key 'chanel_order'; did you mean 'channel_order'"),
        ("mean = [1, 2]", "mean .* does not fit; expected three numbers"),
        ("input_height = 4.5", "net.toml: input_height = 4.5; expected"),
        ("input_height = 64", "net.onnx: its input height is 32, not 64; leave the input size out"),
        ("max_cosine_distance = 7.0", "max_cosine_distance 7.0 is out of range"),
        ("trained_on = '''\n\nx\ny'''", "trained_on does not fit"),
        ("= =", "net.toml: cannot be read as TOML"),
    ],
)
def test_side_files_that_do_not_fit_are_refused(tmp_path, text, message):
    path = write(tmp_path, pooling())
    (tmp_path / "net.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        load_embedder(path)


def test_open_input_sizes_are_the_users_to_give(tmp_path):
    path = write(tmp_path, pooling(("b", 3, "h", "w")))
    with pytest.raises(InputError, match="leaves its input height open; give `input_size`, such as 256x128"):
        load_embedder(path)
    assert loaded(path, input_size=(64, 40)).description["input"] == "64x40 RGB"
    (tmp_path / "net.toml").write_text("input_height = 96\ninput_width = 48\n")
    assert loaded(path).description["input"] == "96x48 RGB"


def test_another_size_than_the_graphs_is_refused(tmp_path):
    with pytest.raises(InputError, match="its input width is 16, not 64; leave the input size out"):
        load_embedder(write(tmp_path, pooling()), input_size=(32, 64))


SHAPE = tensor("s", np.array([1, 6], np.int64))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an ONNX file that this ONNX Runtime can run"),
        (b"hello world" * 10, "not an ONNX file that this ONNX Runtime can run"),
        (pooling()[:-9], "not an ONNX file that this ONNX Runtime can run"),
        (pooling(nodes=[node("Nonsense", ["x"], "y")]), "not an ONNX file that this ONNX Runtime can run"),
        (
            pooling(
                nodes=[node("Add", ["x", "z"], "a"), *[n.replace(b"\x0a\x01x", b"\x0a\x01a") for n in POOL]],
                inputs=[value_info("x", OPEN), value_info("z", OPEN)],
            ),
            r"has 2 inputs and 1 outputs \(x, z, y\); expected one of each",
        ),
        (pooling(outputs=[value_info("p", ("b", 3, 1, 1)), value_info("y", ("b", 3))]), "has 1 inputs and 2 outputs"),
        (pooling(("b", 3, 32)), r"takes input of shape \['b', 3, 32\]; expected \(batch, 3, height, width\)"),
        (pooling(("b", 32, 16, 3)), "it is NHWC; export it as NCHW"),
        (pooling(("b", 1, 32, 16)), "it does not take colour images"),
        (pooling(("b", 3, 32, 10**7)), "input width 10000000 is out of range; expected 8 to 1024 pixels"),
        (pooling((5000, 3, 32, 16)), "takes 5000 crops at once, expected at most 1024"),
        (
            pooling(inputs=[value_info("x", OPEN, FLOAT16)], outputs=[value_info("y", ("b", 3), FLOAT16)]),
            r"works on tensor\(float16\); expected tensor\(float\): export it in float32",
        ),
        (
            pooling(nodes=[node("GlobalAveragePool", ["x"], "y")], outputs=[value_info("y", ("b", 3, 1, 1))]),
            r"gives \(2, 3, 1, 1\) for 2 crops; expected \(B, D\)",
        ),
        (
            pooling(nodes=[*POOL[:1], node("Reshape", ["p", "s"], "y")], tensors=(SHAPE,)),
            "has no batch axis: 2 crops give 1 vectors; export it with one",
        ),
        (
            pooling(nodes=[*POOL[:1], node("Reshape", ["p", "s"], "y")], tensors=(tensor("s", np.array([5, 7])),)),
            r"the network fails on 2 crops of 32x16 \(",
        ),
    ],
)
def test_graphs_that_are_no_network_are_refused(tmp_path, capfd, caplog, content, message):
    caplog.set_level("INFO", "remix_track.openvino_runtime")
    path = write(tmp_path, content)
    with pytest.raises(InputError, match=message) as caught:
        load_embedder(path)
    assert "\n" not in str(caught.value)
    assert caplog.messages == []
    assert capfd.readouterr() == ("", ""), "ONNX Runtime's own log must stay silent"


SECRET = np.array([[7, 8, 9]], np.float32)


@pytest.mark.parametrize("location", ["beside.bin", "../secret.bin", "{absolute}", "link.bin", "memory"])
def test_weights_outside_the_file_are_never_read(tmp_path, location, monkeypatch):
    """Given such a file by its path, ONNX Runtime 1.22 reads all five; 1.24 still the first."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(SECRET.tobytes())
    (folder / "beside.bin").write_bytes(SECRET.tobytes())
    (folder / "link.bin").symlink_to("../secret.bin")
    monkeypatch.chdir(folder)
    address = SECRET.ctypes.data_as(ctypes.c_void_p).value
    if location == "memory":
        where = {"location": "*/_ORT_MEM_ADDR_/*", "offset": str(address), "length": "12"}
    else:
        where = {"location": location.format(absolute=tmp_path / "secret.bin"), "offset": "0", "length": "12"}
    nodes = [*POOL[:1], node("Flatten", ["p"], "f"), node("Add", ["f", "w"], "y")]
    path = write(folder, pooling(nodes=nodes, tensors=(external_tensor("w", (1, 3), **where),)))
    with pytest.raises(InputError, match=r"net\.onnx: "):
        load_embedder(path)


def test_weights_in_another_file_say_what_to_do(tmp_path):
    nodes = [*POOL[:1], node("Flatten", ["p"], "f"), node("Add", ["f", "w"], "y")]
    outside = external_tensor("w", (1, 3), location="net.onnx.data", offset="0", length="12")
    (tmp_path / "net.onnx.data").write_bytes(SECRET.tobytes())
    with pytest.raises(InputError, match="its weights lie in another file; save it as one file"):
        load_embedder(write(tmp_path, pooling(nodes=nodes, tensors=(outside,))))


def test_threads_are_bounded_to_the_cores_of_this_process():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_osnet_from_its_file(shared):
    path = shared("weights/osnet_x0_25_msmt17.onnx")
    embedder = loaded(path, backend="onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    crop = cv2.cvtColor(cv2.resize(picture()[20:150, 10:60], (128, 256)), cv2.COLOR_BGR2RGB)
    planes = ((crop / 255 - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)
    expected = session.run(None, {"input": planes})[0][0]
    vector = embedder(picture(), BOXES)[0]
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-4)
    assert embedder.description["input"] == "256x128 RGB"
    assert embedder.width == 512

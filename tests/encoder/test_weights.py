"""Weight files: what is written comes back, what is hostile is refused in one line."""

import dataclasses
import hashlib
import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from remix_track.encoder.backbones import build_encoder
from remix_track.encoder.load import load_embedder
from remix_track.encoder.weights_card import METADATA_KEY, WeightsCard
from remix_track.encoder.weights_file import load_weights, save_weights
from remix_track.errors import InputError

CARD = WeightsCard(
    architecture="resnet18-ibn-a",
    input_height=64,
    input_width=32,
    embedding_width=512,
    trained_on="nothing: random weights of a test",
    channel_order="BGR",
    mean=(0.1, 0.2, 0.3),
    std=(0.4, 0.5, 0.6),
    max_cosine_distance=0.37,
    config_hash="abc",
    git_revision="def",
)


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return build_encoder(CARD.architecture).state_dict()


@pytest.fixture(scope="module")
def written(tmp_path_factory, state) -> Path:
    path: Path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(path, state, CARD)
    return path


def with_card(source: Path, target: Path, card: object) -> Path:
    """`source` with another text in the place of its card."""
    data = source.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    if card is None:
        del header["__metadata__"]
    else:
        header["__metadata__"] = {METADATA_KEY: card if isinstance(card, str) else json.dumps(card)}
    text = json.dumps(header).encode()
    target.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])
    return target


def values(**changes: object) -> dict[str, object]:
    return {**dataclasses.asdict(CARD), **changes}


def test_what_is_written_comes_back(written, state):
    card, loaded = load_weights(written)
    assert card == CARD
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], state[key]) for key in state)


def test_float16_on_disk_is_read(tmp_path, state):
    half = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    path = tmp_path / "half.safetensors"
    save_weights(path, half, CARD)
    _, loaded = load_weights(path)
    assert loaded["backbone.conv1.weight"].dtype == torch.float16
    embedder = load_embedder(path, device="cpu")
    assert embedder is not None
    assert np.isfinite(embedder(np.zeros((99, 99, 3), np.uint8), np.array([[0, 0, 50, 90]], np.float32))).all()


def test_the_tracker_gets_what_the_card_says(written, state):
    embedder = load_embedder(written, device="cpu")
    assert embedder is not None
    assert embedder.max_cosine_distance == 0.37
    assert embedder.width == 512
    assert embedder.description == {
        "name": "small.safetensors",
        "file": str(written),
        "sha256": hashlib.sha256(written.read_bytes()).hexdigest(),
        "architecture": "resnet18-ibn-a",
        "trained_on": "nothing: random weights of a test",
        "input": "64x32 BGR",
        "width": 512,
        "backend": embedder.description["backend"],
    }
    # A grey image of 32 x 64 is its own crop: the vector must be the encoder's own.
    image = np.full((64, 32, 3), 128, np.uint8)
    encoder = build_encoder(CARD.architecture).eval()
    encoder.load_state_dict(state)
    pixel = (128 / 255 - np.array(CARD.mean)) / np.array(CARD.std)
    with torch.inference_mode():
        _, necked = encoder(torch.tensor(pixel, dtype=torch.float32)[None, :, None, None].expand(1, 3, 64, 32))
    vector = embedder(image, np.array([[0, 0, 32, 64]], np.float32))[0]
    # Numbers of 16 bits, where the CPU has them, leave the direction.
    assert vector @ torch.nn.functional.normalize(necked)[0].numpy() > 0.9995


def test_a_failed_write_leaves_the_old_file(tmp_path, written, state, monkeypatch):
    path = tmp_path / "w.safetensors"
    path.write_bytes(written.read_bytes())

    def full(tensors, filename, metadata):
        Path(filename).write_bytes(b"half a fi")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(InputError, match=r"w.safetensors: cannot be written \(No space left on device\)"):
        save_weights(path, state, CARD)
    assert path.read_bytes() == written.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_what_would_not_load_is_not_written(tmp_path, state):
    path = tmp_path / "w.safetensors"
    with pytest.raises(InputError, match=r"missing: backbone.conv1.weight"):
        save_weights(path, {}, CARD)
    with pytest.raises(InputError, match=r"embedding_width 100, but resnet18-ibn-a has 512"):
        save_weights(path, state, dataclasses.replace(CARD, embedding_width=100))
    with pytest.raises(InputError, match=r"w\.pt: weights are written as \.safetensors"):
        save_weights(tmp_path / "w.pt", state, CARD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_height": 4}, "input height 4 is out of range; expected 8 to 1024 pixels"),
        ({"input_width": 10**12}, "input width 1000000000000 is out of range"),
        ({"input_height": "64"}, "input_height = '64'; expected a whole number"),
        ({"channel_order": "rgb"}, "channel_order = 'rgb'; expected 'RGB' or 'BGR'"),
        ({"std": [1, 1, 0]}, "std .* does not fit; expected three numbers above 0"),
        ({"std": [1, 1]}, "std .* does not fit; expected three numbers"),
        ({"mean": [1, 1, float("nan")]}, "mean = nan; expected a finite number"),
        ({"mean": "abc"}, "mean = 'abc'; expected"),
        ({"embedding_width": 0}, "embedding_width 0 is out of range"),
        ({"embedding_width": 10**30}, "embedding_width = a number of 100 bits; expected"),
        ({"embedding_width": 99}, "embedding_width 99, but resnet18-ibn-a has 512"),
        ({"max_cosine_distance": 3.0}, "max_cosine_distance 3.0 is out of range; expected above 0, up to 2"),
        ({"max_cosine_distance": float("nan")}, "max_cosine_distance = nan; expected"),
        ({"trained_on": "\x1b[2J"}, "trained_on does not fit; expected one printable line"),
        ({"trained_on": "x" * 3000}, "trained_on does not fit"),
        ({"architecture": "resnet18_ibn"}, "architecture 'resnet18_ibn' is not known; did you mean 'resnet18-ibn-a'"),
        ({"architecture": "x" * 1999}, "architecture 'x{60}' is not known"),
        (
            {"architecture": "mobilenet-v2", "embedding_width": 1280},
            "other weights than the architecture has; missing: ",
        ),
        ({"format_version": 2}, "format version 2, but this release reads 1; update remix-track"),
        ({"format_version": True}, "format version True"),
        ({"surprise": 1}, "unknown key 'surprise'"),
    ],
)
def test_hostile_cards_are_refused(tmp_path, written, changes, message):
    path = with_card(written, tmp_path / "w.safetensors", values(**changes))
    with pytest.raises(InputError, match=message) as caught:
        load_weights(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (None, "has no card of remix-track"),
        ("{", "cannot be read as weights whose card is JSON"),
        ("[" * 100_000, "cannot be read as weights whose card is JSON"),
        ("9" * 10_000, "cannot be read as weights whose card is JSON"),
        ("[]", "format version None"),
        ("{}", "format version None"),
        ({"format_version": 1}, "its card lacks architecture, input_height, input_width, embedding_width, trained_on"),
    ],
)
def test_files_without_a_whole_card_are_refused(tmp_path, written, card, message):
    with pytest.raises(InputError, match=message):
        load_weights(with_card(written, tmp_path / "w.safetensors", card))


def header(entries: object, size: int | None = None) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        header({}, size=2**62),
        header({}, size=100),
        b"\x04" + b"\x00" * 7 + b"abcd",
        header({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}}) + b"\x00" * 8,
        header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}) + b"\x00" * 4,
        header({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}) + b"\x00" * 8,
        header({"__metadata__": {"remix_track": 5}}),
        pickle.dumps({"a": 1}),
    ],
)
def test_files_that_are_not_safetensors_are_refused(tmp_path, content):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"w.safetensors: cannot be read as a whole safetensors file \(.*\); copy or write it again"
    ):
        load_weights(path)


def test_truncated_files_are_refused(tmp_path, written):
    data = written.read_bytes()
    path = tmp_path / "w.safetensors"
    for length in (len(data) - 1, len(data) // 2, 1000, 9):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match="cannot be read as a whole safetensors file"):
            load_weights(path)


def test_folders_and_giants_are_refused(tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(InputError, match="not a file"):
        load_weights(tmp_path / "folder.safetensors")
    giant = tmp_path / "giant.safetensors"
    with giant.open("wb") as file:
        file.truncate(3 * 2**30)  # a sparse file: no disk is used
    with pytest.raises(InputError, match=r"3.0 GiB is too large for an encoder"):
        load_weights(giant)

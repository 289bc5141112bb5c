"""Files from outside: whatever is in them, a reader gives its answer or one `InputError`; a cache has nothing there."""

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from remix_track import mot_text, settings
from remix_track.bounded_file import MOST_TEXT, read_bounded
from remix_track.compiled_cache import keep, recall
from remix_track.data.crops.tracklet_crops import embed_crop
from remix_track.data.readers.crop_table import read_crop_table
from remix_track.data.readers.key_list import read_keys
from remix_track.data.readers.msmt17 import _read_list
from remix_track.data.readers.tar_store import index_shards
from remix_track.detections import Detections
from remix_track.digests import key_of
from remix_track.encoder.foreign_state import read_state
from remix_track.encoder.load import load_embedder
from remix_track.encoder.weights_file import load_weights, read_card
from remix_track.errors import InputError
from remix_track.eval.files import saved
from remix_track.interop.formats import FORMATS, read_annotations
from remix_track.npz_file import read_arrays
from remix_track.retrieval.track_vectors import read_track_vectors
from remix_track.setting_values import parse
from remix_track.studies.study_file import read_studies
from remix_track.terminal_text import printable
from remix_track.trackers.pipeline.benchmark_cache import CachedFrame, CacheWriter, replay
from remix_track.trackers.sources.listing import expand_sources
from remix_track.training.checkpoint import Checkpoint, load_checkpoint
from remix_track.training.run_log import read_log
from tests.encoder.test_onnx import pooling
from tests.interop.test_formats import video

VECTORS = {
    "ids": np.array([1]),
    "embedding": np.ones((1, 64), np.float32),
    "count": np.array([1]),
    "first_frame": np.array([1]),
    "last_frame": np.array([1]),
    "weights": np.str_("x"),
    "sha256": np.str_("y"),
    "input": np.str_("z"),
}


def npz(**arrays):
    written = io.BytesIO()
    np.savez_compressed(written, **{**VECTORS, **arrays})
    return written.getvalue()


def checkpoint():
    written = io.BytesIO()
    made = Checkpoint(
        "joint", 1, 2, {}, {}, {"encoder": {"w": torch.ones(3)}, "momentum": {}, "optimiser": {}}, {}, {}, 0
    )
    torch.save({name: getattr(made, name) for name in Checkpoint.__slots__}, written)
    return written.getvalue()


def shard():
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for number in range(3):
            entry = tarfile.TarInfo(f"a/{number}.jpg")
            entry.size = 700
            tar.addfile(entry, io.BytesIO(bytes(700)))
    return written.getvalue()


def weights(tmp_path):
    save_file({"a": torch.ones(4)}, tmp_path / "made", {"remix_track": json.dumps({"format_version": 1})})
    return (tmp_path / "made").read_bytes()


READERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "a.toml": (lambda _: b'[tracker]\nmax_age = 30 # x\nmean = [1.5, 2.5]\ns = "x"\n', settings.read_toml),
    "study.toml": (lambda _: b"[study.a.cells]\nb = {run.epochs = 2}\n", read_studies),
    "eval.json": (lambda _: b'{"sequences": {"a": {"MOTA": 1.5}}, "COMBINED": {"MOTA": null}}', saved.load),
    "embeddings.npz": (lambda _: npz(), read_track_vectors),
    "keys.pkl": (lambda _: pickle.dumps({"v": ["a", "b"], "w": ["c"]}, 4), read_keys),
    "w.safetensors": (weights, load_weights),
    "card.safetensors": (weights, read_card),
    "joint-00001-0000002.pt": (lambda _: checkpoint(), load_checkpoint),
    "backbone.pth": (lambda _: checkpoint(), read_state),
    "shard.tar": (lambda _: shard(), lambda path: index_shards([path])),
    "net.onnx": (lambda _: pooling(), lambda path: load_embedder(path, backend="onnxruntime")),
    "crops.csv": (lambda _: b'path,identity,camera\n"a.jpg",1,2\n', read_crop_table),
    "like.jpg": (lambda _: b"\xff\xd8\xff\xe0" + bytes(99), lambda path: embed_crop(path, None)),  # type: ignore[arg-type]
    "list_train.txt": (lambda _: b"0000/0000_0_01_1.jpg 0\n", _read_list),
    "list.txt": (lambda _: b"rtsp://camera/1\n# two\n0\n", lambda path: expand_sources([], path)),
    "gt.zip": (lambda _: FORMATS["cvat"].write(video()), read_annotations),
    "annotations.xml": (lambda _: FORMATS["cvat-xml"].write(video()), read_annotations),
    "coco.json": (lambda _: FORMATS["coco"].write(video()), lambda path: read_annotations(path, "coco")),
    "kitti.txt": (lambda _: FORMATS["kitti"].write(video()), lambda path: read_annotations(path, "kitti")),
    "tasks.json": (lambda _: FORMATS["label-studio"].write(video()), read_annotations),
    "tracks.txt": (lambda _: b"1,2,3,4,5,6,0.5\n2,2,3,4,5,6,0.5\n", mot_text.read),
}
DEEP = {
    "arrays": b"[" * 100_000,
    "a TOML array": b"a = " + b"[" * 5_000 + b"]" * 5_000,
    "a dotted key": b"a." * 300_000 + b"a = 1",
    "a dotted table": b"[" + b"a . " * 100_000 + b"a]",
    "inline tables": b"a = " + b"{a = " * 5_000 + b"1" + b"}" * 5_000,
    "objects": b'{"a":' * 100_000,
    "digits": b"a = " + b"9" * 5_000,
    "more digits": b'{"sequences": ' + b"9" * 5_000 + b"}",
    "a long key": b"a" * 900_000 + b" = 1",
    "nothing": b"",
    "zeros": bytes(5_000),
    "not UTF-8": b"\xff\xfe" + b"a\0" * 99,
}


def mutations(content, count=40):
    rng = np.random.default_rng(len(content))
    for _ in range(count):
        made = bytearray(content)
        for place in rng.integers(0, len(made), rng.integers(1, 6)):
            made[place] = rng.integers(0, 256)
        yield bytes(made)
        yield content[: rng.integers(0, len(content))]


@pytest.mark.parametrize("name", READERS)
@pytest.mark.filterwarnings("ignore")
def test_a_reader_gives_an_answer_or_an_input_error(name, tmp_path):
    valid, read = READERS[name]
    path = tmp_path / name
    for content in [*DEEP.values(), *mutations(valid(tmp_path))]:
        path.write_bytes(content)
        said = ""
        try:
            read(path)
        except InputError as error:
            said = printable(error)
        assert len(said) < 1_000


@pytest.mark.parametrize("name", READERS)
def test_a_reader_waits_for_no_pipe(name, tmp_path):
    _, read = READERS[name]
    path = tmp_path / name
    os.mkfifo(path)
    with pytest.raises(InputError, match="not a"):
        read(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="not a"):
        read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError):
        read(path)


def test_a_small_file_is_an_ordinary_one_of_a_megabyte(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * MOST_TEXT)
    assert len(read_bounded(path)) == MOST_TEXT
    path.write_bytes(b"x" * (MOST_TEXT + 1))
    with pytest.raises(InputError, match=r"a: larger than 1 MB; give less"):
        read_bounded(path, advice="give less")
    for name in ("gone", "a/b", "\0", "x" * 300):
        with pytest.raises(InputError, match="cannot be read"):
            read_bounded(tmp_path / name)


def test_settings_nest_as_deep_as_stated_and_no_deeper(tmp_path):
    path = tmp_path / "a.toml"
    for levels, fits in ((32, True), (33, False)):
        for text in (
            "a = " + "[" * levels + "]" * levels,
            ".".join("a" * levels) + " = 1",
            "[" * 1 + ".".join("a" * levels) + "]",
            "a = " + "{a = " * levels + "1" + "}" * levels,
        ):
            path.write_text(text)
            if fits:
                assert settings.read_toml(path)
            else:
                with pytest.raises(InputError, match=r"a.toml: cannot be read as TOML \(nests more than 32"):
                    settings.read_toml(path)
    # Neither strings nor comments nest, nor are the numbers of a long list a dotted key.
    path.write_text(f'a = \'{"[" * 99}\' # {"[" * 99}\nb = """{"a." * 99}"""\nc = [{", ".join(["1.5"] * 99)}]\n')
    assert len(settings.read_toml(path)["c"]) == 99


@pytest.mark.parametrize("text", ["1" * 400, "0x" + "f" * 5_000, "1e999", "inf", "nan", str(2**63)])
def test_numbers_beyond_counting_are_one_line(text, tmp_path):
    from remix_track.trackers.settings import TrackSettings

    path = tmp_path / "a.toml"
    for key in ("max_iou_distance", "max_age", "nn_budget"):
        path.write_text(f"[tracker]\n{key} = {text}\n")
        with pytest.raises(InputError, match=f"{key} = .*; expected") as refused:
            settings.build(TrackSettings, settings.read_toml(path), str(path))
        assert len(str(refused.value)) < 500
    for hint in (int, int | None, *([float] if text != str(2**63) else [])):
        with pytest.raises(InputError, match="; expected"):
            parse(text, hint, "--flag")
    assert parse(str(2**63 - 1), int, "--flag") == 2**63 - 1


def header(shape, kind="<f4"):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (64 - (10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (header("(800000000000, 1280)") + bytes(16), "ask for more than 1 MB"),
        (header(f"({2**62}, {2**62})"), "ask for more than 1 MB"),
        (header("(100, 1280)") + bytes(16), "asks for 512,000 bytes, and the file has 16"),
        (header("(2,)") + bytes(16), "asks for 8 bytes, and the file has 16"),
        (header(f"({2**62},)", "<U0"), "without size"),
        (header("(2,)", "|O") + bytes(16), "Python objects"),
    ],
)
def test_the_bound_of_arrays_is_what_their_headers_ask_for(array, why, tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("embedding.npy", array)
    with pytest.raises(ValueError, match=why):
        read_arrays(path, ["embedding"], 1_000_000)
    with pytest.raises(InputError, match=r"cannot be read as the embeddings.npz of remix-track"):
        read_track_vectors(path)


def test_arrays_are_those_that_were_written(tmp_path):
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.zeros((0, 5), np.float32),
        "c": np.array(["x", ""]),
        "d": np.array(3),
    }
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    found = read_arrays(tmp_path / "a.npz", [*arrays, "missing"], 1_000)
    assert list(found) == [*arrays]
    for name, array in found.items():
        np.testing.assert_array_equal(array, arrays[name])


def test_keys_that_hold_themselves_or_each_other_many_times_take_no_time(tmp_path):
    path = tmp_path / "keys.pkl"
    doubled: list[object] = []
    for _ in range(60):
        doubled = [doubled, doubled]
    loop: dict[str, object] = {}
    loop["keys"] = loop
    endless: list[object] = []
    endless.append(endless)
    bombs = [doubled, [doubled], {"keys": doubled}, {1: doubled}, loop, endless]
    for bomb in [*bombs, {"keys": {"keys": endless}}]:
        path.write_bytes(pickle.dumps(bomb))
        with pytest.raises(InputError, match=r"keys.pkl: ") as refused:
            read_keys(path)
        assert len(str(refused.value)) < 300
    # Numbers that are all one to Python's hash, unless they are longer than a machine's.
    path.write_bytes(pickle.dumps({f"k{number}": number * (2**61 - 1) for number in range(20_000)}))
    assert len(read_keys(path)) == 20_000
    path.write_bytes(pickle.dumps({number * (2**61 - 1): f"k{number}" for number in range(20_000)}))
    assert len(read_keys(path)) == 20_000


class TestCaches:
    SEEN = CachedFrame(1, Detections(np.array([[0, 0, 5, 9]]), np.ones(1), np.zeros(1), np.ones((1, 4))))

    def written(self, cache, key="k"):
        recording = CacheWriter(cache, key)
        recording.append(self.SEEN)
        recording.append(self.SEEN._replace(frame=2))
        recording.finish(["note"])

    def test_every_damaged_byte_of_what_was_seen_means_that_nothing_is_there(self, tmp_path):
        for name in ("boxes.npz", "embeddings.f32"):
            self.written(tmp_path)
            content = (tmp_path / "k" / name).read_bytes()
            step = 7 if name == "boxes.npz" else 1
            for place in range(0, len(content), step):
                if not (tmp_path / "k").is_dir():
                    self.written(tmp_path)
                damaged = bytearray(content)
                damaged[place] ^= 0x10
                (tmp_path / "k" / name).write_bytes(damaged)
                found = replay(tmp_path, "k")
                if found is not None:
                    # A byte that no reader looks at, as the times of a zip's members.
                    assert name == "boxes.npz"
                    frames, notes = list(found[0]), found[1]
                    assert notes == ["note"]
                    assert [frame.frame for frame in frames] == [1, 2]
                    np.testing.assert_array_equal(frames[1].detections.embedding, np.ones((1, 4)))
                    np.testing.assert_array_equal(frames[1].detections.xyxy, self.SEEN.detections.xyxy)
                else:
                    assert not (tmp_path / "k").exists()

    def test_whatever_is_wrong_with_an_entry_it_is_made_again(self, tmp_path):
        for change in (
            lambda folder: (folder / "embeddings.f32").unlink(),
            lambda folder: (folder / "embeddings.f32").write_bytes(bytes(4)),
            lambda folder: (folder / "embeddings.f32").open("ab").write(bytes(4)),
            lambda folder: (folder / "boxes.npz").write_bytes(npz()),
            lambda folder: (folder / "boxes.npz").write_bytes(b""),
            lambda folder: ((folder / "boxes.npz").unlink(), (folder / "boxes.npz").mkdir()),
        ):
            self.written(tmp_path)
            assert replay(tmp_path, "k") is not None
            change(tmp_path / "k")
            assert replay(tmp_path, "k") is None
        assert replay(tmp_path, "never") is None
        self.written(tmp_path)
        found = replay(tmp_path, "k")
        assert found is not None
        assert found[1] == ["note"]

    def test_every_damaged_byte_of_a_compiled_network_too(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        key = key_of({"a": 1})
        keep(key, {"width": 3, "more": {"a": [1, 2.5]}}, b"network" * 9)
        path = tmp_path / "remix-track" / "compiled" / key
        content = path.read_bytes()
        for place in range(len(content)):
            damaged = bytearray(content)
            damaged[place] ^= 0x01
            path.write_bytes(damaged)
            assert recall(key) is None
        for content_of in DEEP.values():
            path.write_bytes(content.splitlines(keepends=True)[0] + content_of)
            assert recall(key) is None
        path.write_bytes(content)
        assert recall(key) == ({"width": 3, "more": {"a": [1, 2.5]}}, b"network" * 9)


def test_a_log_ends_where_it_is_no_log_any_more(tmp_path):
    good = b'{"event": "start"}\n'
    for broken in (*DEEP.values(), b"[1]", b"1", b'{"event"', b"\xff"):
        (tmp_path / "log.jsonl").write_bytes(good + broken + b"\n" + good)
        assert read_log(tmp_path) == [{"event": "start"}]

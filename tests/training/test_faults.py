"""What goes wrong in the night: a line that says so, exit code 2, and a checkpoint from which the run goes on."""

import dataclasses
import json
import os
import subprocess
import sys
import textwrap

import pytest
import torch

from remix_track.data.decoding import CropReader
from remix_track.encoder.backbones import BACKBONES
from remix_track.errors import InputError
from remix_track.training import reading
from remix_track.training import run as run_module
from remix_track.training.checkpoint import load_checkpoint, newest_checkpoint
from remix_track.training.run import run_training
from remix_track.training.stopping import StopRequest
from tests.training_scenes import TinyBackbone, small_data, small_run, small_settings

SETTINGS = small_settings(run=small_run(checkpoint_every=1, keep=100, epochs=1))


@pytest.fixture(autouse=True, scope="module")
def _tiny_encoder_on_one_thread():
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "tiny", TinyBackbone)
        patch.setattr(run_module, "open_training_data", lambda settings, **watched: small_data())
        patch.setattr(run_module, "write_report", lambda *arguments: None)  # a second of matplotlib each
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    run_training(SETTINGS, lambda: folder, stop=StopRequest())
    return load_checkpoint(newest_checkpoint(folder)).state


def goes_on(folder, unbroken):
    resumed = load_checkpoint(newest_checkpoint(folder))
    run_training(SETTINGS, lambda: folder, resumed=resumed, stop=StopRequest())
    state = load_checkpoint(newest_checkpoint(folder)).state
    return all(torch.equal(state["momentum"][name], value) for name, value in unbroken["momentum"].items())


# Pre-training reads 3 x 8 images, labelling 24 + 48, a step 10; threads read a few batches ahead.
@pytest.mark.parametrize(
    ("place", "stage", "error"),
    [(23, "pretrain", MemoryError()), (60, "pretrain", RuntimeError("broke\nat length")), (115, "joint", KeyError(3))],
)
def test_a_thread_that_dies_is_one_line_and_the_run_goes_on(tmp_path, monkeypatch, unbroken, place, stage, error):
    read, calls = CropReader.read, []

    def dies(self, row):
        calls.append(row)
        if len(calls) == place:
            raise error
        return read(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(CropReader, "read", dies)
        # One thread, so that it is the same image every time; it reads as few batches ahead as it may.
        patch.setattr(reading, "reading_threads", lambda wanted: 1)
        patch.setattr(reading, "AHEAD", 0)
        patch.setattr("remix_track.training.context.reading_threads", lambda wanted: 1)
        with pytest.raises(InputError) as raised:
            run_training(SETTINGS, lambda: tmp_path, stop=StopRequest())
    line = str(raised.value)
    assert line.startswith(f"a reading thread failed ({type(error).__name__}: ")
    assert line.endswith("the last checkpoint is whole, go on with `resume`")
    assert "\n" not in line
    assert load_checkpoint(newest_checkpoint(tmp_path)).stage == stage
    assert goes_on(tmp_path, unbroken)


def test_no_thread_to_be_had_is_one_line_too():
    def never(task):
        return task

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("threading.Thread.start", lambda self: (_ for _ in ()).throw(RuntimeError("can't start new thr")))
        with pytest.raises(InputError, match=r"a reading thread failed \(RuntimeError: can't start new thr"):
            list(reading.ahead([1, 2], never, 2))


def test_weights_on_a_full_disk_are_one_line_and_the_run_ends_later(tmp_path, monkeypatch, unbroken):
    import safetensors.torch

    def full(*arguments):
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.torch, "save_file", full)
        with pytest.raises(InputError, match=r"remix.safetensors: cannot be written \(.*No space left.*\); make room"):
            run_training(SETTINGS, lambda: tmp_path, stop=StopRequest())
    assert not list(tmp_path.glob("*.safetensors"))
    assert goes_on(tmp_path, unbroken)
    assert (tmp_path / "remix.safetensors").is_file()


@pytest.fixture
def half_way(tmp_path, unbroken):
    """Checkpoints in the middle of each stage, by stage."""
    run_training(SETTINGS, lambda: tmp_path, stop=StopRequest())
    names = {"pretrain": "pretrain-00000-0000002.pt", "joint": "joint-00000-0000002.pt"}
    return {stage: load_checkpoint(tmp_path / "checkpoints" / name) for stage, name in names.items()}


@pytest.mark.parametrize("stage", ["pretrain", "joint"])
@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("encoder", {"architecture": "resnet18-ibn-a"}, "architecture 'tiny' then, 'resnet18-ibn-a' now"),
        ("encoder", {"height": 64, "width": 32}, "height 32 then, 64 now; width 16 then, 32 now"),
        (
            "encoder",
            {"weights": "imagenet", "frozen_batchnorm": True},
            "weights '' then, 'imagenet' now; frozen_batchn",
        ),
    ],
)
def test_resuming_with_another_encoder_is_one_line(tmp_path, half_way, stage, section, change, message):
    changed = dataclasses.replace(getattr(SETTINGS, section), **change)
    with pytest.raises(InputError) as raised:
        run_training(
            dataclasses.replace(SETTINGS, **{section: changed}),
            lambda: tmp_path,
            resumed=half_way[stage],
            stop=StopRequest(),
        )
    assert "the encoder is not that of the checkpoint (" in str(raised.value)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("moco", {"projection": 4}, "the checkpoint's encoder: head.2.weight has shape"),
        ("moco", {"queue_size": 9}, "the checkpoint's queue: vectors has shape"),
        ("pretraining", {"optimiser": "sgd"}, "the state is that of another optimiser"),
    ],
)
def test_resuming_pretraining_with_another_shape_is_one_line(tmp_path, half_way, section, change, message):
    changed = dataclasses.replace(getattr(SETTINGS, section), **change)
    settings = dataclasses.replace(SETTINGS, **{section: changed})
    with pytest.raises(InputError) as raised:
        run_training(settings, lambda: tmp_path, resumed=half_way["pretrain"], stop=StopRequest())
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def without(state, name):
    del state[name]


def too_wide(state):
    state["state"][0]["exp_avg"] = torch.zeros(3, 3)


@pytest.mark.parametrize(
    ("part", "break_it", "message"),
    [
        ("encoder", lambda state: without(state, "backbone.conv1.weight"), "missing: backbone.conv1.weight"),
        ("momentum", lambda state: state.update(extra=torch.ones(2)), "unexpected: extra"),
        ("encoder", lambda state: state.update({"backbone.conv1.weight": 3}), "cannot be read as a checkpoint of this"),
        ("optimiser", lambda state: without(state, "param_groups"), "cannot be read as a checkpoint of this run"),
        ("optimiser", too_wide, "exp_avg of weight 0 has shape (3, 3)"),
    ],
)
def test_a_checkpoint_whose_state_does_not_fit_is_one_line(tmp_path, half_way, part, break_it, message):
    break_it(half_way["joint"].state[part])
    with pytest.raises(InputError) as raised:
        run_training(SETTINGS, lambda: tmp_path, resumed=half_way["joint"], stop=StopRequest())
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("multi_rows", torch.full((24,), 99)),
        ("multi_rows", torch.zeros(24)),
        ("single_rows", torch.zeros(3, dtype=torch.int64)),
        ("multi_identity", torch.full((24,), -1)),
        ("centroids", torch.zeros(2, 24)),
        ("camera_vectors", torch.zeros(12, 7)),
    ],
)
def test_pseudo_labels_of_other_data_are_one_line(tmp_path, half_way, name, value):
    assert len(half_way["joint"].epoch_labels["multi_rows"]) == 24
    half_way["joint"].epoch_labels[name] = value
    with pytest.raises(InputError, match="its pseudo labels are those of other data or another encoder"):
        run_training(SETTINGS, lambda: tmp_path, resumed=half_way["joint"], stop=StopRequest())
    del half_way["joint"].epoch_labels[name]
    with pytest.raises(
        InputError, match=rf"joint-00000-0000002.pt: cannot be read as a checkpoint of this run .*{name}"
    ):
        run_training(SETTINGS, lambda: tmp_path, resumed=half_way["joint"], stop=StopRequest())


FULL = """
    import contextlib, io, json, resource, sys
    from pathlib import Path
    from tests.training_scenes import *
    from remix_track.cli import train
    from remix_track.encoder.backbones import BACKBONES
    from remix_track.training import run as run_module
    from remix_track.training.checkpoint import load_checkpoint

    BACKBONES["tiny"] = TinyBackbone
    run_module.open_training_data = lambda settings, **watched: small_data()
    run_module.write_report = lambda *arguments: None
    settings = small_settings(pretrain=False, run=small_run(epochs=1, checkpoint_every=1))
    train.changed = lambda *arguments: settings

    def fill(most):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    class Progress(train.TrainProgress):
        def update(self, position):
            if (position.doing, position.step) == when:
                fill(most)

    train.TrainProgress = Progress
    root, told = Path(sys.argv[1]), []
    for number, (doing, step, most) in enumerate(json.loads(sys.argv[2])):
        folder, words, when = root / str(number), io.StringIO(), (doing, step)
        if not doing:
            fill(most)
        with contextlib.redirect_stderr(words):
            code = train.main(["--quiet", "--output", str(folder)])
        fill(resource.RLIM_INFINITY)
        whole = [load_checkpoint(path).step for path in sorted(folder.glob("checkpoints/*.pt"))]
        hidden = [path.name for path in folder.rglob(".*") if path.name != ".remix-track"]
        again = train.main(["--quiet", "--resume", str(folder)]) if whole else None
        told.append([code, words.getvalue(), whole, hidden, again, (folder / "remix.safetensors").is_file()])
    print(json.dumps(told))
"""


def test_a_full_disk_is_one_line_whatever_is_being_written(tmp_path):
    """The kernel refuses to let files grow: the settings, the log, a checkpoint."""
    cases = [("", 0, 300), ("embedding", 0, 1000), ("training", 1, 30_000)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path), json.dumps(cases)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    settings, log, checkpoint = json.loads(run.stdout.splitlines()[-1])
    for code, words, _, hidden, _, _ in (settings, log, checkpoint):
        assert code == 2
        assert words.startswith(f"remix-train: {tmp_path}/")
        assert words.count("\n") == 1
        assert hidden == []
    assert "0/config.toml: cannot be written (File too large)" in settings[1]
    assert "1/log.jsonl: cannot be written (File too large); make room and --resume" in log[1]
    assert "joint-00000-0000002.pt: cannot be written, the disk may be full" in checkpoint[1]
    assert (settings[2], log[2], checkpoint[2]) == ([], [], [1])
    assert checkpoint[4:] == [0, True]

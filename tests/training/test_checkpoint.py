"""Checkpoints: whole or not there, kept to the last few, read without running anything."""

import dataclasses
import pickle

import pytest
import torch

from remix_track.errors import InputError
from remix_track.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)
from remix_track.training.run_log import RunLog, read_log


def checkpoint(stage="joint", epoch=0, step=0, **changes):
    weights = {"weight": torch.arange(6.0).view(2, 3)}
    made = Checkpoint(
        stage=stage,
        epoch=epoch,
        step=step,
        settings={"joint": True, "run": {"seed": 3}, "data": {"multi_camera": ("folder:x",)}},
        data={"multi_camera_images": 5},
        state={"encoder": weights, "momentum": dict(weights), "optimiser": {"state": {0: {"step": torch.tensor(1.0)}}}},
        epoch_labels={"rows": torch.arange(4)},
        best={"map": 0.5},
        log_lines=7,
    )
    return dataclasses.replace(made, **changes)


def names(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_what_is_read_is_what_was_written(tmp_path):
    written = checkpoint(epoch=2, step=5)
    read = load_checkpoint(save_checkpoint(tmp_path, written, keep=2))
    assert (read.stage, read.epoch, read.step, read.best, read.log_lines) == ("joint", 2, 5, {"map": 0.5}, 7)
    assert read.settings == written.settings
    assert torch.equal(read.state["encoder"]["weight"], written.state["encoder"]["weight"])
    assert torch.equal(read.epoch_labels["rows"], torch.arange(4))


def test_the_last_few_and_the_best_stay(tmp_path):
    save_checkpoint(tmp_path, checkpoint("pretrain", 99, 0), keep=3)
    save_checkpoint(tmp_path, checkpoint(epoch=0), keep=3, best=True)
    for epoch, step in ((0, 10), (0, 9), (1, 0), (10, 0)):
        save_checkpoint(tmp_path, checkpoint(epoch=epoch, step=step), keep=3)
    assert names(tmp_path) == ["best.pt", "joint-00000-0000010.pt", "joint-00001-0000000.pt", "joint-00010-0000000.pt"]
    assert newest_checkpoint(tmp_path).name == "joint-00010-0000000.pt"


def test_joint_training_is_newer_than_pretraining(tmp_path):
    save_checkpoint(tmp_path, checkpoint("joint", 0, 0), keep=5)
    save_checkpoint(tmp_path, checkpoint("pretrain", 200, 0), keep=5)
    assert newest_checkpoint(tmp_path).name.startswith("joint")


@pytest.mark.parametrize("part", ["encoder", "momentum"])
def test_weights_that_are_not_finite_are_refused_and_the_file_before_stays(tmp_path, part):
    save_checkpoint(tmp_path, checkpoint(), keep=1)
    broken = checkpoint(step=3)
    broken.state[part]["weight"] = torch.tensor([1.0, float("nan")])
    with pytest.raises(InputError, match=rf"{part} weight is not finite at joint epoch 1, step 3; the checkpoint befo"):
        save_checkpoint(tmp_path, broken, keep=1)
    assert names(tmp_path) == ["joint-00000-0000000.pt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("PytorchStreamWriter failed")])
def test_a_full_disk_leaves_the_file_before_and_nothing_half(tmp_path, monkeypatch, error):
    save_checkpoint(tmp_path, checkpoint(), keep=1)

    def full(values, path):
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(InputError, match=r"joint-00000-0000004\.pt: cannot be written"):
        save_checkpoint(tmp_path, checkpoint(step=4), keep=1)
    assert names(tmp_path) == ["joint-00000-0000000.pt"]


def test_a_file_that_is_cut_off_says_so(tmp_path):
    path = save_checkpoint(tmp_path, checkpoint(), keep=1)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match="cannot be read as a whole checkpoint"):
        load_checkpoint(path)


class Evil:
    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_in_a_checkpoint_is_run(tmp_path, capsys, protocol):
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Evil(), protocol))
    with pytest.raises(InputError, match="cannot be read as a whole checkpoint"):
        load_checkpoint(path)
    torch.save({"format_version": 1, "state": Evil()}, path)
    with pytest.raises(InputError, match="cannot be read as a whole checkpoint"):
        load_checkpoint(path)
    assert "run" not in capsys.readouterr().out


def test_other_files_and_versions_are_named(tmp_path):
    torch.save({"weights": torch.ones(2)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="not a checkpoint of remix-train"):
        load_checkpoint(tmp_path / "other.pt")
    path = save_checkpoint(tmp_path, checkpoint(format_version=9), keep=1)
    with pytest.raises(InputError, match="format version 9, but this release reads 1"):
        load_checkpoint(path)
    with pytest.raises(InputError, match="holds no checkpoint; give `resume` the folder of a run"):
        newest_checkpoint(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", {}), ("state", 3), ("state", {"encoder": {}, "momentum": {}, "optimiser": 1}), ("settings", 3),
        ("settings", {"run": {3: 4}}), ("settings", {3: 4}), ("epoch", -1), ("epoch", 1.5), ("step", True),
        ("log_lines", None), ("stage", "later"), ("stage", []), ("data", {"multi_camera_images": "5"}),
        ("epoch_labels", {"multi_rows": [1, 2]}), ("best", {"map": "high"}), ("best", None),
    ],
)  # fmt: skip
def test_a_checkpoint_of_other_contents_is_one_line(tmp_path, name, value):
    path = save_checkpoint(tmp_path, checkpoint(), keep=1)
    values = torch.load(path, weights_only=True)
    torch.save({**values, name: value}, path)
    with pytest.raises(InputError) as raised:
        load_checkpoint(path)
    assert str(raised.value).startswith(f"{path}: not a checkpoint of remix-train ({name} is not what it writes); give")


def test_a_resumed_log_goes_on_where_the_checkpoint_was(tmp_path):
    log = RunLog(tmp_path)
    for number in range(5):
        log.write("step", number=number, loss=float("nan"))
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"event": "st')
    log = RunLog(tmp_path, lines=3)
    assert log.lines == 3
    log.write("step", number=30)
    assert [one["number"] for one in read_log(tmp_path)] == [0, 1, 2, 30]
    assert read_log(tmp_path)[0]["loss"] is None

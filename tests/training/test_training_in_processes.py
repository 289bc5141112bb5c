"""Several processes train as one: the same labels, losses and weights; what befalls one befalls all; resuming."""

import contextlib
import dataclasses
import itertools
import json
import math
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from remix_track.data.sampling import SamplingSettings
from remix_track.encoder.backbones import BACKBONES, Encoder
from remix_track.errors import InputError
from remix_track.training import joint_training
from remix_track.training import run as run_module
from remix_track.training.checkpoint import load_checkpoint, newest_checkpoint
from remix_track.training.losses import instance_loss
from remix_track.training.method_settings import CentroidSettings, MomentumSettings
from remix_track.training.moco import MocoNetwork
from remix_track.training.processes import joined
from remix_track.training.run import run_training
from remix_track.training.run_log import read_log
from remix_track.training.stopping import Stopped, StopRequest
from remix_track.training.train_settings import OptimiserSettings
from tests.training_scenes import TinyBackbone, picture, small_data, small_run, small_settings

SMALL = OptimiserSettings(learning_rate=1e-3, warmup_epochs=1)
# 3 x 3 and 2 x 3 images: neither half splits evenly.
UNEVEN = SamplingSettings(
    iterations_per_epoch=2, multi_identities=3, multi_images=3, single_identities=2, single_images=3
)
CASES = {
    "even": small_settings(
        moco=dataclasses.replace(small_settings().moco, batch_negatives=True),
        pretraining=dataclasses.replace(small_settings().pretraining, one_video_share=0.5),
        run=small_run(checkpoint_every=1, keep=100, evaluate_every=1),
    ),
    "uneven": small_settings(
        pretrain=False,
        sampling=UNEVEN,
        centroids=CentroidSettings(momentum=0.5),
        momentum=MomentumSettings(coefficient=0.9, batchnorm="ema"),
        optimiser=dataclasses.replace(SMALL, accumulation=2),
    ),
}


def eval_mode(self, mode=True):
    """`train` of a network whose BatchNorm always takes its running statistics."""
    return nn.Module.train(self, False)


@contextlib.contextmanager
def small_world(*, batchnorm_in_eval_mode=True):
    """Runs of this process read the small data through the tiny encoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "tiny", TinyBackbone)
        patch.setattr(run_module, "open_training_data", lambda settings, **watched: small_data())
        patch.setattr(run_module, "write_report", lambda *arguments: None)  # a second of matplotlib each
        if batchnorm_in_eval_mode:
            patch.setattr(Encoder, "train", eval_mode)
            patch.setattr(MocoNetwork, "train", eval_mode)
        yield patch


def train(settings, folder, *, stop_after=None, resume=False):
    stop, shown = StopRequest(), []

    def show(position):
        shown.append(position)
        if len(shown) == stop_after:
            stop.ask(signal.SIGTERM)

    resumed = load_checkpoint(newest_checkpoint(folder)) if resume else None
    return run_training(settings, lambda: folder, resumed=resumed, stop=stop, show=show)


def one_of_two(rank, port, folder):
    """All that two processes do in these tests, one thing after another; what came of it goes into a file."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    said = {}

    def told(name, work):
        try:
            said[name] = ["no error", work()]
        except (InputError, Stopped) as error:
            said[name] = [type(error).__name__, str(error)]
        (folder / f"{rank}.json").write_text(json.dumps(said))

    def all_cases():
        with joined("auto") as processes, pytest.MonkeyPatch.context() as patch:
            # To meet anew for each run would need a free port for each.
            patch.setattr(run_module, "joined", lambda device: contextlib.nullcontext(processes))
            told("meetings", lambda: meetings(processes))
            for name, work in WORK.items():
                with small_world(batchnorm_in_eval_mode=name != "bfloat16") as world:
                    told(name, lambda work=work, world=world, name=name: work(world, rank, folder / name))
            with small_world():
                killed(rank, folder / "killed")

    told("killed", all_cases)


def meetings(processes):
    gathered = processes.gather(torch.full((processes.rank * 2, 3), float(processes.rank), requires_grad=True))
    return [
        list(gathered.shape),
        processes.all_max(7 - processes.rank),
        processes.on_rank_0(lambda: f"from {processes.rank}"),
        processes.gather(torch.tensor([processes.rank == 0])).tolist(),
    ]


def nan_loss(patch, rank, folder):
    """A loss that is nan in the second process alone, in the second epoch."""
    calls = []

    def broken(*arguments):
        calls.append(1)
        return instance_loss(*arguments) * (math.nan if rank == 1 and len(calls) == 5 else 1)

    patch.setattr(joint_training, "instance_loss", broken)
    train(small_settings(pretrain=False), folder)


def no_images(patch, rank, folder):
    """Images that go away after they were embedded, in the second process alone."""
    data = small_data()
    patch.setattr(run_module, "open_training_data", lambda settings, **watched: data)
    label = joint_training._Training.label

    def then_gone(self):
        labels = label(self)
        if rank == 1:
            data.labelled.store.broken |= set(range(len(data.labelled)))
        return labels

    patch.setattr(joint_training._Training, "label", then_gone)
    train(small_settings(pretrain=False), folder)


def full_disk(patch, rank, folder):
    """No room for the third checkpoint; the first process writes."""
    saved, save = [], torch.save

    def full(values, path, **options):
        saved.extend([path] if isinstance(path, Path) else [])
        if len(saved) == 3:
            raise OSError(28, "No space left on device")
        save(values, path, **options)

    patch.setattr(torch, "save", full)
    train(small_settings(pretrain=False, run=small_run(checkpoint_every=1)), folder)


def killed(rank, folder):
    """The second process is killed in the joint training."""

    def show(position):
        if rank == 1 and position.stage == "joint" and position.step == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    run_training(CASES["even"], lambda: folder, stop=StopRequest(), show=show)


def as_it_is(patch, rank, folder):
    train(CASES[folder.name], folder)


def stopped(patch, rank, folder):
    """The second process alone is asked to stop, in the joint training."""
    train(CASES["even"], folder, stop_after=9 if rank == 1 else None)


def resumed(patch, rank, folder):
    """The two go on with the stopped run; a copy is left for one process."""
    before = folder.with_name("stopped")
    if rank == 0:
        shutil.copytree(before, folder.with_name("stopped by two"))
    train(CASES["even"], before, resume=True)


def in_bfloat16(patch, rank, folder):
    """In train mode: each process with the statistics of its part."""
    wide = dataclasses.replace(CASES["even"].encoder, width=32)
    train(small_settings(encoder=wide, run=small_run(epochs=1, precision="bfloat16")), folder)


WORK = {
    **dict.fromkeys(CASES, as_it_is),
    "stopped": stopped,
    "resumed": resumed,
    "bfloat16": in_bfloat16,
    "nan": nan_loss,
    "pictures": no_images,
    "disk": full_disk,
}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The folder in which two processes did `one_of_two`."""
    folder = tmp_path_factory.mktemp("two")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=one_of_two, args=(rank, port, folder)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(600)
        worker.kill()
    assert workers[0].exitcode == 0
    assert workers[1].exitcode == -signal.SIGKILL
    return folder


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """The folder of the same runs by one process."""
    folder = tmp_path_factory.mktemp("one")
    before = torch.get_num_threads()
    with small_world():
        for name, settings in CASES.items():
            train(settings, folder / name)
    torch.set_num_threads(before)
    return folder


def said(two: Path, name: str) -> list[list[str]]:
    return [json.loads((two / f"{rank}.json").read_text()).get(name) for rank in range(2)]


def last_state(folder):
    return load_checkpoint(newest_checkpoint(folder)).state


def assert_near(first, second, path=""):
    assert first.keys() == second.keys()
    for key, value in first.items():
        if isinstance(value, dict):
            assert_near(value, second[key], f"{path}/{key}")
        elif isinstance(value, torch.Tensor):
            np.testing.assert_allclose(value, second[key], rtol=2e-3, atol=2e-6, err_msg=f"{path}/{key}")
        elif isinstance(value, list):
            assert_near(dict(enumerate(value)), dict(enumerate(second[key])), f"{path}/{key}")
        elif isinstance(value, float):
            assert second[key] == pytest.approx(value, rel=1e-4, abs=1e-6), f"{path}/{key}"
        else:
            assert second[key] == value, f"{path}/{key}"


def assert_same_log(first, second):
    assert len(first) == len(second) > 6
    for expected, found in zip(first[1:], second[1:], strict=True):
        assert_near(expected, found)


def test_they_tell_each_other(two):
    first, second = said(two, "meetings")
    assert first == second == ["no error", [[2, 3], 7, "from 0", [True, False]]]


@pytest.mark.parametrize("case", CASES)
def test_labels_and_losses_are_those_of_one_process(one, two, case):
    assert said(two, case) == [["no error", None]] * 2
    assert_same_log(read_log(one / case), read_log(two / case))


@pytest.mark.parametrize("case", CASES)
def test_weights_and_gradients_are_those_of_one_process(one, two, case):
    """Adam's averages and MoCo's queue are part of a checkpoint, so gradients and keys are compared too."""
    names = sorted(path.name for path in (one / case / "checkpoints").iterdir())
    assert names == sorted(path.name for path in (two / case / "checkpoints").iterdir())
    for name in names:
        mine, other = (load_checkpoint(folder / case / "checkpoints" / name) for folder in (one, two))
        assert_near(mine.state, other.state)
        assert_near(mine.epoch_labels, other.epoch_labels)


def test_a_stop_asked_of_one_stops_all_and_any_number_goes_on(one, two):
    assert said(two, "stopped") == [["Stopped", "stopped by SIGTERM"]] * 2
    assert said(two, "resumed") == [["no error", None]] * 2
    alone = two / "stopped by two"
    assert load_checkpoint(newest_checkpoint(alone)).stage == "joint"
    before = torch.get_num_threads()
    with small_world():
        train(CASES["even"], alone, resume=True)
    torch.set_num_threads(before)
    for folder in (alone, two / "stopped"):
        assert_near(last_state(one / "even"), last_state(folder))
        assert_same_log(read_log(one / "even"), read_log(folder))


def test_processes_hold_one_network_in_train_mode_too(two):
    """Their statistics differ within a step; the momentum encoder's are averaged, so labels and scores are right."""
    assert said(two, "bfloat16") == [["no error", None]] * 2
    assert all(one["total"] is not None for one in read_log(two / "bfloat16") if one["event"] == "step")


@pytest.mark.parametrize(
    ("fault", "message", "last"),
    [
        ("nan", "the loss is nan at epoch 2, step 2; the last checkpoint is whole", "joint-00001-0000000.pt"),
        ("pictures", "process 1 of 2: image 5: neither this identity nor another has an image", None),
        ("disk", "joint-00001-0000000.pt: cannot be written (No space left on device)", "joint-00000-0000002.pt"),
    ],
)
def test_what_befalls_one_ends_all_with_the_same_line(two, fault, message, last):
    first, second = said(two, fault)
    assert first == second
    assert first[0] == "InputError"
    assert message in first[1]
    assert "\n" not in first[1]
    if last:
        assert newest_checkpoint(two / fault).name == last
        assert load_checkpoint(newest_checkpoint(two / fault)).stage == "joint"


def test_who_is_left_by_a_killed_process_says_so_and_ends(two):
    (kind, line), nothing = said(two, "killed")
    assert nothing is None
    assert kind == "InputError"
    assert line.startswith("process 0 of 2: another process ended or does not answer (")
    assert line.endswith("; the last checkpoint is whole, go on with `resume`")
    assert load_checkpoint(newest_checkpoint(two / "killed")).step == 2


@pytest.mark.slow
def test_torchrun_trains_stops_and_goes_on(tmp_path):
    """As a user starts it; stopped by Ctrl-C, then resumed by one process. torchrun adds words of its own."""
    root = tmp_path / "crops"
    for person, camera, number in itertools.product(range(6), (1, 2), range(3)):
        name = f"{person + 1:04d}_c{camera}s1_{number:06d}_00.png"
        path = root / "multi_camera/bounding_box_train" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(person, 10 * camera + number, 64, 32))
    config = Path(__file__).parents[2] / "configs/tiny_test.toml"
    chosen = [f"data.multi_camera=synthetic:{root}", "pretrain=false", "joint=false", "run.epochs=500"]
    chosen += ["encoder.architecture=mobilenet-v2", "run.evaluate_every=0"]
    words = ["-m", "remix_track.cli.train", "--config", config, "--output", tmp_path / "run"]
    words += [word for setting in chosen for word in ("--set", setting)]
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.Popen(
        [*start, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    log = tmp_path / "run/log.jsonl"
    deadline = time.monotonic() + 400
    while not (log.exists() and '"step"' in log.read_text()):
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.2)
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=300)
    assert said.count("remix-train: stopped; go on with: remix-train --resume") == 1
    assert list((tmp_path / "run/checkpoints").glob("*.pt"))
    words = ["--resume", str(tmp_path / "run"), "--set", "run.epochs=1", "--quiet"]
    resumed = subprocess.run(
        [sys.executable, "-m", "remix_track.cli.train", *words], capture_output=True, text=True, env=environment
    )
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "run/remix.safetensors").is_file()

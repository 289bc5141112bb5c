"""The training loop: what an epoch is made of, what it changes, and that a resumed run is the unbroken one."""

import dataclasses
import math
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from remix_track.encoder.backbones import BACKBONES
from remix_track.encoder.load import load_embedder
from remix_track.encoder.weights_file import load_weights
from remix_track.errors import InputError
from remix_track.settings import build, read_toml
from remix_track.studies.study_file import read_studies
from remix_track.training import joint_training
from remix_track.training import run as run_module
from remix_track.training.checkpoint import load_checkpoint, newest_checkpoint
from remix_track.training.context import Run
from remix_track.training.losses import instance_loss
from remix_track.training.method_settings import CentroidSettings, ClusterSettings
from remix_track.training.processes import Processes
from remix_track.training.run import run_training
from remix_track.training.run_log import read_log
from remix_track.training.stopping import Stopped, StopRequest
from remix_track.training.train_settings import OptimiserSettings, RunSettings, TrainSettings
from tests.training_scenes import TinyBackbone, labelled, small_data, small_run, small_settings

BUSY = {"checkpoint_every": 2, "evaluate_every": 1, "keep": 100}
WIDE = dataclasses.replace(small_settings().encoder, width=32)


@pytest.fixture(autouse=True, scope="module")
def _tiny_encoder_on_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "tiny", TinyBackbone)
        yield
    torch.set_num_threads(before)


@pytest.fixture
def data(monkeypatch):
    """The data that runs of this test read; change it before the run."""
    found = small_data()
    holder = {"data": found}
    monkeypatch.setattr(run_module, "open_training_data", lambda settings, **_: holder["data"])
    return holder


def train(settings, folder, *, stop_after=None, resume=False, kill_after=None):
    """Run; `stop_after` asks for a stop after so many shown positions, `kill_after` raises there and then."""
    stop, shown = StopRequest(), []

    def show(position):
        shown.append(position)
        if stop_after is not None and len(shown) == stop_after:
            stop.ask(signal.SIGTERM)
        if kill_after is not None and len(shown) == kill_after:
            raise KilledError

    resumed = load_checkpoint(newest_checkpoint(folder)) if resume else None
    outcome = run_training(settings, lambda: folder, resumed=resumed, stop=stop, show=show)
    return outcome, shown


class KilledError(Exception):
    pass


def final_state(folder):
    return load_checkpoint(newest_checkpoint(folder)).state


def assert_same(first, second):
    assert first.keys() == second.keys()
    for key, value in first.items():
        if isinstance(value, dict):
            assert_same(value, second[key])
        elif isinstance(value, torch.Tensor):
            assert torch.equal(value, second[key]), key
        elif isinstance(value, list):
            assert_same(dict(enumerate(value)), dict(enumerate(second[key])))
        else:
            assert value == second[key], key


def test_a_run_ends_in_weights_that_the_tracker_takes(data, tmp_path):
    outcome, shown = train(small_settings(), tmp_path / "run")
    embedder = load_embedder(outcome.weights, device="cpu")
    assert embedder is not None
    assert embedder.width == 24
    assert embedder.max_cosine_distance == pytest.approx(outcome.calibration.max_cosine_distance)
    image = np.random.default_rng(0).integers(0, 256, (80, 60, 3), np.uint8)
    vectors = embedder(image, np.array([[5, 5, 30, 70]], np.float32))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1], abs=1e-5)
    assert {"remix.safetensors", "config.toml", "log.jsonl", "report.md", "curves.png"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }
    assert {position.stage for position in shown} == {"pretrain", "joint"}
    assert set(outcome.scores) >= {"rank1", "map"}


def test_weights_in_float16_are_half_the_size_and_what_was_scored(data, tmp_path):
    settings = small_settings(run=RunSettings(epochs=1, threads=1))
    halved = dataclasses.replace(settings, run=dataclasses.replace(settings.run, stored="float16"))
    for name, one in (("whole", settings), ("half", halved)):
        train(one, tmp_path / name)
    whole, half = (load_weights(tmp_path / name / "remix.safetensors")[1] for name in ("whole", "half"))
    kinds = {one.dtype for one in half.values() if one.ndim == 4}, {one.dtype for one in half.values() if one.ndim == 1}
    assert kinds == ({torch.float16}, {torch.float32})
    assert all(torch.equal(half[name], one.half() if one.ndim == 4 else one) for name, one in whole.items())
    loaded = load_embedder(tmp_path / "half" / "remix.safetensors", device="cpu")
    assert loaded is not None


def test_the_weights_are_the_momentum_encoders(data, tmp_path):
    from remix_track.encoder.weights_file import load_weights

    outcome, _ = train(small_settings(), tmp_path / "run")
    _, written = load_weights(outcome.weights)
    state = final_state(tmp_path / "run")
    assert_same(dict(written), dict(state["momentum"]))
    assert not torch.equal(written["backbone.conv1.weight"], state["encoder"]["backbone.conv1.weight"])


@pytest.mark.parametrize("place", [1, 2, 3, 4, 5, 7, 8, 9, 11, 12])
def test_a_run_stopped_anywhere_and_resumed_is_the_unbroken_one(data, tmp_path, place, unbroken):
    """Positions 1 to 3 are pre-training, the rest embedding, steps and evaluations of the joint training."""
    settings = small_settings(run=small_run(**BUSY))
    with pytest.raises(Stopped) as stopped:
        train(settings, tmp_path, stop_after=place)
    assert stopped.value.signal == signal.SIGTERM
    resumed, _ = train(settings, tmp_path, resume=True)
    assert_same(final_state(tmp_path), unbroken["state"])
    assert read_log(tmp_path) == unbroken["log"]
    assert resumed.weights.read_bytes() == unbroken["weights"]


@pytest.mark.parametrize("place", [2, 6, 8, 10, 13])
def test_a_run_killed_anywhere_and_resumed_is_the_unbroken_one(data, tmp_path, place, unbroken):
    settings = small_settings(run=small_run(**BUSY))
    with pytest.raises(KilledError):
        train(settings, tmp_path, kill_after=place)
    if not list(tmp_path.glob("checkpoints/*.pt")):
        pytest.fail("nothing to resume")
    train(settings, tmp_path, resume=True)
    assert_same(final_state(tmp_path), unbroken["state"])
    assert read_log(tmp_path) == unbroken["log"]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The run that others are held to."""
    folder = tmp_path_factory.mktemp("unbroken")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "open_training_data", lambda settings, **_: small_data())
        outcome, shown = train(small_settings(run=small_run(**BUSY)), folder)
    assert [position.doing for position in shown].count("training") == 9
    return {"state": final_state(folder), "log": read_log(folder), "weights": outcome.weights.read_bytes()}


def test_another_seed_is_another_run(data, tmp_path, unbroken):
    train(small_settings(run=small_run(**BUSY, seed=1)), tmp_path)
    losses = [[one["total"] for one in log if one["event"] == "step"] for log in (read_log(tmp_path), unbroken["log"])]
    assert all(mine != other for mine, other in zip(*losses, strict=True))


def test_moving_centroids_and_accumulation_resume_exactly_too(data, tmp_path):
    settings = small_settings(
        pretrain=False,
        centroids=CentroidSettings(momentum=0.5),
        optimiser=OptimiserSettings(learning_rate=1e-3, warmup_epochs=1, accumulation=2, schedule="cosine"),
        run=small_run(epochs=1),
    )
    train(settings, tmp_path / "whole")
    with pytest.raises(Stopped):
        train(settings, tmp_path / "parts", stop_after=4)
    assert load_checkpoint(newest_checkpoint(tmp_path / "parts")).step == 2
    train(settings, tmp_path / "parts", resume=True)
    assert_same(final_state(tmp_path / "parts"), final_state(tmp_path / "whole"))


def test_without_the_joint_half_single_camera_data_takes_no_part(data, tmp_path):
    settings = small_settings(pretrain=False, joint=False)
    train(settings, tmp_path / "with")
    data["data"] = dataclasses.replace(data["data"], single=None)
    train(settings, tmp_path / "without")
    assert_same(final_state(tmp_path / "with"), final_state(tmp_path / "without"))
    steps = [one for one in read_log(tmp_path / "with") if one["event"] == "step"]
    assert all(one["instance/single"] is None and one["centroid/single"] is None for one in steps)
    assert all(one["instance/multi"] is not None for one in steps)


def test_an_epoch_of_outliers_learns_from_labelled_data(data, tmp_path):
    nothing = ClusterSettings(k1=6, k2=2, min_samples=100)
    train(small_settings(pretrain=False, clusters=nothing), tmp_path / "outliers")
    train(small_settings(pretrain=False, joint=False), tmp_path / "labelled")
    records = [one for one in read_log(tmp_path / "outliers") if one["event"] == "labels"]
    assert [one["clusters"] for one in records] == [0, 0]
    assert records[0]["outliers"] == 48
    assert_same(final_state(tmp_path / "outliers"), final_state(tmp_path / "labelled"))


def test_people_of_one_camera_and_one_image_are_legal(data, tmp_path):
    data["data"] = dataclasses.replace(data["data"], labelled=labelled(people=5, cameras=1, takes=1), target=None)
    outcome, _ = train(small_settings(pretrain=False, run=small_run(epochs=1)), tmp_path)
    assert outcome.scores == {}
    assert outcome.calibration is None
    embedder = load_embedder(outcome.weights, device="cpu")
    assert embedder is not None
    assert embedder.max_cosine_distance is None


def test_pictures_that_cannot_be_read_are_left_out(data, tmp_path, caplog):
    data["data"].labelled.store.broken |= {0, 1, 2, 3, 9}  # all of the first person, one of the third
    data["data"].single.store.broken |= {7}
    train(small_settings(run=small_run(epochs=1)), tmp_path)
    assert "image 9: a bad image" in caplog.text
    records = [one for one in read_log(tmp_path) if one["event"] == "labels"]
    assert records[0]["images"] == 47


def test_a_loss_that_is_not_finite_ends_the_run_and_leaves_its_checkpoint(data, tmp_path, monkeypatch):
    settings = small_settings(pretrain=False, run=small_run(epochs=2))
    real, calls = instance_loss, []

    def broken(*arguments):
        calls.append(1)
        return real(*arguments) * (math.nan if len(calls) == 5 else 1)

    monkeypatch.setattr(joint_training, "instance_loss", broken)
    with pytest.raises(InputError, match=r"the loss is nan at epoch 2, step 2; the last checkpoint is whole"):
        train(settings, tmp_path / "broken")
    assert newest_checkpoint(tmp_path / "broken").name == "joint-00001-0000000.pt"
    monkeypatch.setattr(joint_training, "instance_loss", real)
    train(settings, tmp_path / "broken", resume=True)
    train(settings, tmp_path / "whole")
    assert_same(final_state(tmp_path / "broken"), final_state(tmp_path / "whole"))


def test_gradients_reach_the_encoder_alone_and_the_momentum_encoder_is_the_average(data, tmp_path, monkeypatch):
    seen = {}

    class Watched(joint_training._Training):
        def take_step(self, batches, labels, rate):
            before = {name: value.clone() for name, value in self.momentum.network.named_parameters()}
            values = super().take_step(batches, labels, rate)
            seen["grads"] = [weight.grad for weight in self.momentum.network.parameters()]
            seen["trained"] = [weight.grad for weight in self.encoder.parameters() if weight.requires_grad]
            for name, own in self.momentum.network.named_parameters():
                followed = dict(self.encoder.named_parameters())[name]
                torch.testing.assert_close(own, 0.9 * before[name] + 0.1 * followed, rtol=1e-5, atol=1e-7)
            return values

    monkeypatch.setattr(joint_training, "_Training", Watched)
    train(small_settings(pretrain=False, run=small_run(epochs=1)), tmp_path)
    assert all(grad is None for grad in seen["grads"])
    assert all(grad is not None and grad.isfinite().all() for grad in seen["trained"])


def test_bfloat16_runs(data, tmp_path):
    settings = small_settings(run=small_run(epochs=1, precision="bfloat16"))
    outcome, _ = train(dataclasses.replace(settings, encoder=WIDE), tmp_path)
    assert math.isfinite(outcome.scores["map"])


def test_bfloat16_is_refused_where_convolutions_go_wrong(data, tmp_path):
    with pytest.raises(InputError, match="bfloat16 goes wrong on a CPU with crops of 16 pixels' width"):
        train(small_settings(run=small_run(precision="bfloat16")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_other_data_is_refused_on_resume(data, tmp_path):
    settings = small_settings(pretrain=False, run=small_run(epochs=1))
    train(settings, tmp_path)
    data["data"] = dataclasses.replace(data["data"], labelled=labelled(people=7))
    with pytest.raises(InputError, match=r"multi_camera_people 6 then, 7 now"):
        train(settings, tmp_path, resume=True)


def test_pretraining_hands_its_backbone_over(data, tmp_path):
    train(small_settings(run=small_run(keep=100)), tmp_path)
    checkpoints = tmp_path / "checkpoints"
    pretrained = load_checkpoint(checkpoints / "pretrain-00001-0000000.pt").state["encoder"]
    settings = small_settings(run=small_run(keep=100))
    fresh = run_module.make_encoder(settings, torch.device("cpu")).state_dict()
    assert not torch.equal(pretrained["backbone.conv1.weight"], fresh["backbone.conv1.weight"])
    # A single small step later the joint encoder is still near what pre-training left, not near what it began with.
    joint = load_checkpoint(checkpoints / "joint-00001-0000000.pt").state["encoder"]["backbone.conv2.weight"]
    left = pretrained["backbone.conv2.weight"]
    assert (joint - left).norm() < (joint - fresh["backbone.conv2.weight"]).norm()


def test_defaults_are_the_papers():
    settings = small_settings()
    assert (settings.losses.instance_temperature_multi, settings.losses.instance_temperature_single) == (0.1, 0.2)
    assert (settings.losses.centroid_temperature_multi, settings.losses.centroid_temperature_single) == (0.5, 0.6)
    assert RunSettings().epochs == 100


def run_of(**changes):
    run = Run(small_settings(run=small_run(**changes)), small_data(), Path(), torch.device("cpu"), None, StopRequest())
    run.saved = 0.0
    return run


@pytest.mark.parametrize(
    ("changes", "minutes", "expected"),
    [
        ({}, 19.9, []),
        ({}, 20, [1, 2, 3, 4]),
        ({"checkpoint_minutes": 0}, 1e6, []),
        ({"checkpoint_minutes": 0.5}, 0.49, []),
        ({"checkpoint_minutes": 0.5}, 0.5, [1, 2, 3, 4]),
        ({"checkpoint_every": 2}, 0, [2, 4]),
        ({"checkpoint_every": 2, "checkpoint_minutes": 0}, 1e6, [2, 4]),
        ({"checkpoint_every": 2, "checkpoint_minutes": 3}, 3, [1, 2, 3, 4]),
    ],
)
def test_checkpoints_go_by_the_clock_and_by_steps(monkeypatch, changes, minutes, expected):
    """But not at an epoch's last step, which has one anyway."""
    run = run_of(**changes)
    monkeypatch.setattr("remix_track.training.context.time.monotonic", lambda: 60.0 * minutes)
    assert [step for step in range(1, 6) if run.checkpoint_is_due(step, 5)] == expected


def test_a_process_that_does_not_write_goes_by_the_clock_of_the_first(monkeypatch):
    run = run_of()
    monkeypatch.setattr("remix_track.training.context.time.monotonic", lambda: 1e6)
    asked = []

    def all_max(self, number):
        asked.append(bool(number))
        return 1

    run.processes = Processes(rank=1, count=2)
    monkeypatch.setattr(Processes, "all_max", all_max)
    assert run.checkpoint_is_due(1, 5)
    assert asked == [False]


def test_no_paper_config_writes_a_checkpoint_every_few_steps():
    """LUPerson has 16,328 steps of 256 images an epoch."""
    for path in (Path(__file__).parents[2] / "configs").glob("*.toml"):
        if path.stem in ("remix_msmt17_luperson", "remix_market1501", "multi_source_protocol2"):
            settings = build(TrainSettings, read_toml(path), path.name)
            assert (settings.run.checkpoint_every, settings.run.checkpoint_minutes, settings.run.keep) == (0, 20, 2)
            assert (settings.clusters.scope, settings.clusters.k1, settings.clusters.k1_share) == ("pool", 30, 0.25)


def test_what_was_published_is_trained_as_before():
    """Defaults that changed since are written out where figures hang on them."""
    configs = Path(__file__).parents[2] / "configs"
    published = [build(TrainSettings, read_toml(configs / f"{name}.toml"), name) for name in ("shipped_weights",)]
    studies = read_studies(configs / "grid_cpu.toml").studies
    published += [cell.settings for study in studies for cell in study.cells if "over a pool" not in cell.name]
    for settings in published:
        assert (settings.clusters.scope, settings.clusters.k1_share) == ("video", 1)
        assert settings.clusters.k1 == 10


def test_videos_that_became_one_identity_are_warned_of_once_an_epoch(data, tmp_path, caplog):
    merging = ClusterSettings(scope="video", k1=12, k2=12, k1_share=1, min_samples=2, eps=0.99)
    train(small_settings(pretrain=False, clusters=merging), tmp_path / "merged")
    said = [one.getMessage() for one in caplog.records if "became one identity each" in one.getMessage()]
    assert [line.partition(";")[0] for line in said] == [
        f"epoch {epoch}: 4 of 4 videos became one identity each" for epoch in (1, 2)
    ]
    assert [one["whole_videos"] for one in read_log(tmp_path / "merged") if one["event"] == "labels"] == [4, 4]

"""The field's baseline: its losses against naive loops, what it trains, and that a resumed run is the unbroken one."""

import contextlib
import copy
import dataclasses
import math
import signal

import pytest
import torch

from remix_track.encoder.backbones import BACKBONES, build_encoder
from remix_track.encoder.weights_file import load_weights
from remix_track.errors import InputError
from remix_track.training import baseline
from remix_track.training import run as run_module
from remix_track.training.baseline import batch_hard_triplet, labelled_alone, smoothed_cross_entropy, train_baseline
from remix_track.training.batches import mixed_batches
from remix_track.training.checkpoint import load_checkpoint, newest_checkpoint
from remix_track.training.context import Run
from remix_track.training.method_settings import BaselineSettings
from remix_track.training.processes import Processes
from remix_track.training.run import run_training
from remix_track.training.run_log import read_log
from remix_track.training.stopping import Stopped, StopRequest
from remix_track.training.train_settings import OptimiserSettings, TrainSettings
from tests.training_scenes import TinyBackbone, small_data, small_run, small_settings


@pytest.fixture(autouse=True)
def _tiny_encoder_and_data(monkeypatch):
    monkeypatch.setitem(BACKBONES, "tiny", TinyBackbone)
    monkeypatch.setattr(run_module, "open_training_data", lambda settings, **_: small_data())


def settings(**changes):
    run = small_run(epochs=2, checkpoint_every=2, evaluate_every=1, keep=100)
    return small_settings(pretrain=False, joint=False, method="baseline", run=run, **changes)


def train(chosen, folder, *, stop_after=None, resume=False):
    stop, shown = StopRequest(), []

    def show(position):
        shown.append(position)
        if stop_after is not None and len(shown) == stop_after:
            stop.ask(signal.SIGTERM)

    resumed = load_checkpoint(newest_checkpoint(folder)) if resume else None
    return run_training(chosen, lambda: folder, resumed=resumed, stop=stop, show=show), shown


def randoms(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_the_cross_entropy_equals_the_naive_loop(smoothing):
    logits, identity = randoms(6, 4), torch.tensor([0, 3, 1, 1, 2, 0])
    values = smoothed_cross_entropy(logits, identity, smoothing)
    for value, row, own in zip(values, logits.tolist(), identity.tolist(), strict=True):
        total = sum(math.exp(one) for one in row)
        wanted = 0.0
        for person, one in enumerate(row):
            target = (1 - smoothing) * (person == own) + smoothing / 4
            wanted -= target * math.log(math.exp(one) / total)
        assert float(value) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("identity", [[0, 0, 1, 1, 2, 2], [0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 1], [2, 2, 2, 2, 2, 2]])
@pytest.mark.parametrize("margin", [0.0, 0.3, 5.0])
def test_the_triplet_loss_equals_the_naive_loop(identity, margin):
    vectors = randoms(6, 5)
    values = batch_hard_triplet(vectors, torch.tensor(identity), margin)
    for row in range(6):
        distances = [math.dist(vectors[row].tolist(), other.tolist()) for other in vectors]
        same = [distances[other] for other in range(6) if identity[other] == identity[row]]
        others = [distances[other] for other in range(6) if identity[other] != identity[row]]
        wanted = max(0.0, max(same) - min(others) + margin) if others else 0.0
        assert float(values[row]) == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_the_farthest_of_a_person_is_pulled_and_the_nearest_of_another_is_pushed():
    vectors = torch.tensor([[0.0, 0], [3, 0], [1, 0], [0, 4], [0, 9]], requires_grad=True)
    loss = batch_hard_triplet(vectors, torch.tensor([0, 0, 0, 1, 2]), 5.0)[0]
    assert float(loss.detach()) == 3 - 4 + 5
    loss.backward()
    assert vectors.grad is not None
    assert vectors.grad.tolist() == [[-1, 1], [1, 0], [0, 0], [0, -1], [0, 0]]


def test_gradients_are_numbers_where_images_are_equal():
    vectors = torch.ones(4, 3, requires_grad=True)
    batch_hard_triplet(vectors, torch.tensor([0, 0, 1, 1]), 0.3).sum().backward()
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()


def test_both_losses_are_computed_in_float32_under_autocast():
    vectors, identity = randoms(6, 5), torch.tensor([0, 0, 1, 1, 2, 2])
    half = vectors.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = batch_hard_triplet(half, identity, 0.3), smoothed_cross_entropy(half, identity, 0.1)
    assert all(value.dtype == torch.float32 for value in values)
    assert torch.equal(values[0], batch_hard_triplet(half.float(), identity, 0.3))
    assert torch.equal(values[1], smoothed_cross_entropy(half.float(), identity, 0.1))


def test_its_labels_are_the_people_of_the_set():
    labels = labelled_alone(small_data().labelled)
    assert labels.people == 6
    assert labels.multi_identity.tolist() == [person for person in range(6) for _ in range(4)]
    assert len(labels.single_rows) == 0


def test_it_learns_and_writes_the_encoder_itself(tmp_path):
    chosen = settings(optimiser=OptimiserSettings(learning_rate=0.01, warmup_epochs=0))
    chosen = dataclasses.replace(chosen, sampling=dataclasses.replace(chosen.sampling, iterations_per_epoch=40))
    outcome, shown = train(chosen, tmp_path)
    steps = [one for one in read_log(tmp_path) if one["event"] == "step"]
    assert steps[-1]["classification"] < 0.8 * steps[0]["classification"]
    assert steps[-1]["total"] == pytest.approx(steps[-1]["classification"] + steps[-1]["triplet"], rel=1e-6)
    state = load_checkpoint(newest_checkpoint(tmp_path)).state
    written = load_weights(outcome.weights)[1]
    assert all(torch.equal(value, state["encoder"][f"encoder.{name}"]) for name, value in written.items())
    assert state["encoder"]["classifier.weight"].shape == (6, 24)
    assert {position.stage for position in shown} == {"baseline"}
    report = (tmp_path / "report.md").read_text()
    assert "| triplet |" in report
    assert "| instance/multi |" not in report
    card = load_weights(outcome.weights)[0]
    assert "classification and triplet loss, labelled data alone, 2 epochs" in card.trained_on


def test_a_step_has_the_gradients_of_the_mean_of_its_batches(tmp_path):
    chosen = settings(
        optimiser=OptimiserSettings(accumulation=2),
        baseline=BaselineSettings(smoothing=0.3, margin=0.7, triplet_weight=0.6),
    )
    run = Run(chosen, small_data(), tmp_path, torch.device("cpu"), None, StopRequest())
    torch.manual_seed(0)
    training = baseline._Baseline(run, build_encoder("tiny"))
    with contextlib.closing(mixed_batches(run, training.labels, 0, 0)) as drawn:
        batches = [next(drawn) for _ in range(2)]
    network = copy.deepcopy(training.network).train()
    training.network.eval()
    means = training.take_step(iter(batches), 0.0)
    losses = []
    for batch in batches:
        pooled, necked = network.encoder(batch.views)
        logits, unit = necked @ network.classifier.weight.T, pooled / pooled.norm(dim=1, keepdim=True)
        identity = batch.labels.identity
        classification = smoothed_cross_entropy(logits, identity, 0.3).mean()
        losses.append(classification + 0.6 * batch_hard_triplet(unit, identity, 0.7).mean())
    total = torch.stack(losses).mean()
    total.backward()
    assert means["total"] == pytest.approx(float(total.detach()), rel=1e-5)
    for (name, one), other in zip(training.network.named_parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-7, msg=name)
    assert [group["lr"] for group in training.optimiser.param_groups] == [0.0] * len(training.optimiser.param_groups)


def test_a_loss_that_is_not_finite_ends_it_before_its_step(tmp_path, monkeypatch):
    asked = []

    def broken(*arguments):
        asked.append(1)
        return smoothed_cross_entropy(*arguments) * (math.nan if len(asked) == 3 else 1)

    monkeypatch.setattr(baseline, "smoothed_cross_entropy", broken)
    with pytest.raises(InputError, match=r"the loss is nan at epoch 1, step 3; the last checkpoint is whole, so `res"):
        train(settings(), tmp_path)
    checkpoint = load_checkpoint(newest_checkpoint(tmp_path))
    assert (checkpoint.epoch, checkpoint.step) == (0, 2)


def test_the_triplet_loss_is_on_vectors_of_unit_length(tmp_path, monkeypatch):
    lengths = []

    def watched(vectors, identity, margin):
        lengths.append(vectors.detach().norm(dim=1))
        return batch_hard_triplet(vectors, identity, margin)

    monkeypatch.setattr(baseline, "batch_hard_triplet", watched)
    train(settings(), tmp_path)
    assert torch.cat(lengths).numpy() == pytest.approx(1.0, abs=1e-5)


def test_the_weight_of_the_triplet_loss_counts(tmp_path):
    for weight in (0.0, 2.0):
        chosen = settings()
        chosen = dataclasses.replace(chosen, baseline=dataclasses.replace(chosen.baseline, triplet_weight=weight))
        train(chosen, tmp_path / str(weight))
        step = next(one for one in read_log(tmp_path / str(weight)) if one["event"] == "step")
        assert step["total"] == pytest.approx(step["classification"] + weight * step["triplet"], rel=1e-6)


@pytest.fixture(scope="module")
def unbroken():
    """Log and weights of a run that was not stopped."""
    return {}


@pytest.mark.parametrize("place", [1, 3, 4, 6])
def test_a_stopped_and_resumed_run_is_the_unbroken_one(unbroken, tmp_path, tmp_path_factory, place):
    if not unbroken:
        folder = tmp_path_factory.mktemp("unbroken")
        train(settings(), folder)
        unbroken.update(log=read_log(folder), weights=(folder / "remix.safetensors").read_bytes())
    with pytest.raises(Stopped):
        train(settings(), tmp_path, stop_after=place)
    train(settings(), tmp_path, resume=True)
    assert read_log(tmp_path) == unbroken["log"]
    assert (tmp_path / "remix.safetensors").read_bytes() == unbroken["weights"]


def test_single_camera_data_and_several_processes_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"method = 'baseline' learns from labelled data alone, but joint = true"):
        TrainSettings(method="baseline")
    run = Run(settings(), small_data(), tmp_path, torch.device("cpu"), None, StopRequest())
    run.processes = Processes(0, 2, 2)
    with pytest.raises(InputError, match=r"method = 'baseline' trains in one process, but 2 were started"):
        train_baseline(run, build_encoder("tiny"))

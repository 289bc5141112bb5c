"""Pre-training's probe: when it is taken, what is kept, when it ends, and that a resumed run is the unbroken one."""

import dataclasses
import math
import signal

import numpy as np
import pytest
import torch

from remix_track.data.augmentation import AugmentationSettings
from remix_track.encoder.backbones import BACKBONES, build_encoder
from remix_track.encoder.weights_file import load_weights
from remix_track.errors import InputError
from remix_track.studies.shared_pretraining import pretraining_cell
from remix_track.studies.study_file import Cell
from remix_track.training import pretrain as pretrain_module
from remix_track.training import run as run_module
from remix_track.training.checkpoint import load_checkpoint, newest_checkpoint
from remix_track.training.context import Run
from remix_track.training.evaluation import evaluate_encoder
from remix_track.training.optimisation import pretraining_rate
from remix_track.training.probe import BestBackbone, probe_backbone
from remix_track.training.run import run_training
from remix_track.training.run_log import read_log
from remix_track.training.stopping import Stopped, StopRequest
from remix_track.training.train_settings import EncoderSettings, PretrainingSettings, TrainSettings
from tests.training_scenes import TinyBackbone, small_data, small_run, small_settings

ALONE = small_run(epochs=0, checkpoint_every=2, keep=100)


@pytest.fixture(autouse=True)
def _tiny_encoder_and_data(monkeypatch):
    monkeypatch.setitem(BACKBONES, "tiny", TinyBackbone)
    monkeypatch.setattr(run_module, "open_training_data", lambda settings, **_: small_data())


@pytest.fixture
def probes(monkeypatch):
    """Scores that the probes give, one after another, in the place of real ones; and the states they were given."""
    scores: list[float] = []
    states = []

    def probe(plan, encoder, target):
        states.append({name: value.clone() for name, value in encoder.backbone.state_dict().items()})
        return {"rank1": scores[len(states) - 1], "map": 0.5}

    monkeypatch.setattr(pretrain_module, "probe_backbone", probe)
    return scores, states


def settings(run=ALONE, **changes):
    base = small_settings().pretraining
    return small_settings(run=run, pretraining=dataclasses.replace(base, epochs=2, **changes))


def train(chosen, folder, *, stop_after=None, resume=False):
    stop, shown = StopRequest(), []

    def show(position):
        shown.append(position)
        if stop_after is not None and len(shown) == stop_after:
            stop.ask(signal.SIGTERM)

    resumed = load_checkpoint(newest_checkpoint(folder)) if resume else None
    return run_training(chosen, lambda: folder, resumed=resumed, stop=stop, show=show), shown


def log(folder, event):
    return [one for one in read_log(folder) if one["event"] == event]


def backbone(folder):
    state = load_weights(folder / "remix.safetensors")[1]
    return {name.removeprefix("backbone."): value for name, value in state.items() if name.startswith("backbone.")}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in second)


def test_probes_come_at_the_start_at_every_so_many_steps_and_at_the_end(probes, tmp_path):
    scores, states = probes
    scores += [0.1, 0.2, 0.3, 0.4]
    train(settings(probe_every=2), tmp_path / "a")
    assert [one["steps"] for one in log(tmp_path / "a", "probe")] == [0, 2, 4, 6]
    assert same(states[-1], backbone(tmp_path / "a"))
    states.clear()
    train(settings(probe_every=4), tmp_path / "b")
    assert [one["steps"] for one in log(tmp_path / "b", "probe")] == [0, 4, 6]
    assert log(tmp_path / "b", "probe")[1] == {
        "event": "probe", "stage": "pretrain", "steps": 4, "rank1": 0.2, "map": 0.5,
    }  # fmt: skip


def test_the_best_backbone_is_kept_a_tie_keeps_the_earlier(probes, tmp_path):
    scores, states = probes
    scores += [0.1, 0.3, 0.2, 0.3]
    train(settings(probe_every=2), tmp_path)
    assert same(states[1], backbone(tmp_path))
    assert not same(states[3], backbone(tmp_path))
    note = log(tmp_path, "note")[-1]["text"]
    assert note == (
        "kept the backbone after 2 of 6 steps: Rank-1 of the probe 30.0, at the start 10.0, at the end 30.0"
    )
    report = (tmp_path / "report.md").read_text()
    assert f"\n## Probes of pre-training\n\nK{note[1:]}.\n" in report
    assert "\n| 0 | 10.0 | 50.0 |\n| 2 | 30.0 | 50.0 |\n" in report


@pytest.mark.parametrize(("patience", "taken"), [(0, 7), (1, 3), (2, 5), (3, 7)])
def test_it_ends_when_the_probe_has_not_risen_for_so_many_probes(probes, tmp_path, patience, taken):
    scores, states = probes
    scores += [0.1, 0.2, 0.2, 0.3, 0.1, 0.3, 0.4]
    if patience == 2:
        scores[3] = 0.2
        scores[4] = 0.2
        taken = 4
    train(settings(probe_every=1, patience=patience), tmp_path)
    assert len(states) == taken
    assert ("without a new best" in log(tmp_path, "note")[-1]["text"]) == (taken < 7)


def test_a_pre_training_that_never_rises_is_said_and_leaves_the_start(probes, tmp_path, caplog):
    scores, states = probes
    scores += [0.3, 0.2, 0.1, 0.25]
    train(settings(probe_every=2), tmp_path)
    assert same(states[0], backbone(tmp_path))
    said = (
        "pre-training never rose above its start: the probe fell from 30.0 to 25.0, so the backbone is the one before "
        "its first step"
    )
    assert log(tmp_path, "note")[-1]["text"] == said
    assert said in [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]


def test_without_probes_or_without_a_target_the_last_backbone_stays(tmp_path, monkeypatch):
    train(settings(), tmp_path / "a")
    assert not log(tmp_path / "a", "probe")
    data = dataclasses.replace(small_data(), target=None)
    monkeypatch.setattr(run_module, "open_training_data", lambda settings, **_: data)
    train(settings(probe_every=2), tmp_path / "b")
    assert not log(tmp_path / "b", "probe")
    assert same(backbone(tmp_path / "a"), backbone(tmp_path / "b"))


def test_probes_change_nothing_in_a_pre_training_that_rises(probes, tmp_path):
    scores, _ = probes
    scores += [0.1, 0.2, 0.3, 0.4]
    train(settings(probe_every=2), tmp_path / "a")
    train(settings(), tmp_path / "b")
    assert same(backbone(tmp_path / "a"), backbone(tmp_path / "b"))


def test_a_real_probe_changes_no_step(tmp_path):
    for every in (0, 1):
        train(settings(probe_every=every), tmp_path / str(every))
    assert log(tmp_path / "0", "step") == log(tmp_path / "1", "step")


def test_the_probe_is_rank_1_of_the_pooled_vectors(tmp_path):
    train(settings(probe_every=2), tmp_path)
    state = load_weights(tmp_path / "remix.safetensors")[1]
    encoder = build_encoder("tiny")
    encoder.load_state_dict(state)
    target = small_data().target
    assert target is not None
    plan = Run(settings(), small_data(), tmp_path, torch.device("cpu"), None, StopRequest()).embed_plan
    encoder.train()
    found = probe_backbone(plan, encoder, target)
    assert same(state, encoder.state_dict()), "batch statistics are left as they are"
    # A fresh neck only scales, so vectors behind it find the same.
    scores = evaluate_encoder(plan, encoder, target)
    assert found == {name: pytest.approx(scores[name]) for name in ("rank1", "map")}
    best = max(log(tmp_path, "probe"), key=lambda one: one["rank1"])
    assert found["rank1"] == best["rank1"]
    # The neck takes no part: its state changes nothing.
    encoder.neck.weight.data.zero_()
    assert probe_backbone(plan, encoder, target) == found
    assert log(tmp_path, "evaluation")[-1]["map"] == scores["map"]


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 1, 5), (0.5, 4, 7), (1.0, 8, 8)])
def test_a_share_of_a_batch_is_read_from_one_video(tmp_path, monkeypatch, share, least, most):
    data, taken = small_data(), []
    read = data.unlabelled.store.read

    def watched(row):
        taken.append(row)
        return read(row)

    monkeypatch.setattr(data.unlabelled.store, "read", watched)
    monkeypatch.setattr(run_module, "open_training_data", lambda settings, **_: data)
    chosen = small_settings(run=ALONE).pretraining
    chosen = dataclasses.replace(chosen, iterations_per_epoch=1, one_video_share=share)
    train(small_settings(run=ALONE, pretraining=chosen), tmp_path)
    assert len(taken) == len(set(taken)) == 8
    assert least <= np.bincount(data.unlabelled.video_of(np.array(taken))).max() <= most


def test_keys_of_the_batch_are_negatives_where_they_are_to_be(tmp_path):
    losses = []
    for chosen in (False, True):
        moco = dataclasses.replace(small_settings().moco, batch_negatives=chosen)
        train(dataclasses.replace(settings(), moco=moco), tmp_path / str(chosen))
        losses.append(log(tmp_path / str(chosen), "step")[0]["total"])
    # Of 8 images; before the first step each has the queue's 16 keys of noise against it, and its batch is more alike.
    assert losses[1] > losses[0] + 0.1


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """By settings' name, the log and weights of a run that was not stopped."""
    return {}


@pytest.mark.parametrize(("place", "patience"), [(1, 0), (2, 0), (4, 0), (5, 1), (6, 1), (9, 0)])
def test_a_stopped_and_resumed_run_is_the_unbroken_one(
    unbroken, tmp_path, tmp_path_factory, place, patience, monkeypatch
):
    """Positions are probes and steps of pre-training, then those of an epoch of joint training."""

    def probe(plan, encoder, target):
        # Some number that the weights decide, and that rises and falls.
        plan.stop.check()
        return {"rank1": float(encoder.backbone.conv1.weight.detach().double().sum()) * 1000 % 1, "map": 0.5}

    monkeypatch.setattr(pretrain_module, "probe_backbone", probe)
    chosen = settings(small_run(epochs=1, checkpoint_every=2, keep=100), probe_every=2, patience=patience)
    if patience not in unbroken:
        folder = tmp_path_factory.mktemp("unbroken")
        train(chosen, folder)
        unbroken[patience] = read_log(folder), (folder / "remix.safetensors").read_bytes()
        assert ("ended after" in log(folder, "note")[-1]["text"]) == (patience > 0)
    with pytest.raises(Stopped):
        train(chosen, tmp_path, stop_after=place)
    train(chosen, tmp_path, resume=True)
    assert read_log(tmp_path) == unbroken[patience][0]
    assert (tmp_path / "remix.safetensors").read_bytes() == unbroken[patience][1]


def test_pre_training_alone_then_joint_training_from_its_file_is_both_in_one_run(tmp_path):
    """What lets the cells of a study share a pre-training."""
    joint = settings(small_run(epochs=2), probe_every=2)
    _, shown = train(joint, tmp_path / "whole")
    # The probe's score is not the encoder's that the joint training shows.
    assert all(math.isnan(one.score) == (one.stage == "joint") for one in shown if one.doing == "training")
    alone = pretraining_cell(Cell("whole", (), joint))
    assert alone is not None
    train(alone.settings, tmp_path / "first")
    encoder = dataclasses.replace(joint.encoder, weights=str(tmp_path / "first/remix.safetensors"))
    train(dataclasses.replace(joint, pretrain=False, encoder=encoder), tmp_path / "second")
    states = [load_weights(tmp_path / name / "remix.safetensors")[1] for name in ("whole", "second")]
    assert same(*states)


def test_no_epoch_and_no_pre_training_is_nothing_to_do():
    with pytest.raises(InputError, match=r"run\.epochs = 0 is pre-training alone, but pretrain = false"):
        TrainSettings(pretrain=False, run=small_run(epochs=0))


def test_a_blur_that_the_crops_are_too_small_for_is_refused_at_once():
    small, wide = EncoderSettings(height=64, width=24), AugmentationSettings(blur_sigma=(0.1, 8))
    with pytest.raises(InputError, match=r"^augmentation\.blur_sigma up to 8 .* 64x24; expected 7\.6 at most"):
        TrainSettings(encoder=small, augmentation=wide)
    TrainSettings(encoder=small, augmentation=AugmentationSettings(blur_sigma=(0.1, 7.6)))
    TrainSettings(encoder=small, augmentation=dataclasses.replace(wide, blur=0.0))


def test_patience_needs_probes():
    with pytest.raises(InputError, match="patience = 3 counts probes, but probe_every is 0"):
        PretrainingSettings(patience=3)


def test_the_rate_rises_and_then_falls_along_a_cosine():
    chosen = PretrainingSettings(learning_rate=0.1, warmup_steps=10)
    rates = [pretraining_rate(chosen, step, 50) for step in range(51)]
    assert rates[0] == pytest.approx(0.001)
    assert rates[5] == pytest.approx(0.1 * (0.01 + 0.99 / 2))
    assert rates[10] == pytest.approx(0.1)
    assert rates[30] == pytest.approx(0.05)
    assert rates[50] == pytest.approx(0, abs=1e-12)
    plain = PretrainingSettings(learning_rate=0.1)
    assert [pretraining_rate(plain, step, 4) for step in (0, 2)] == pytest.approx([0.1, 0.05])
    assert all(0 < pretraining_rate(chosen, step, 7) <= 0.1 for step in range(7))


def test_an_empty_best_backbone_survives_a_checkpoint():
    one, other = BestBackbone(), BestBackbone()
    assert one.state_dict() == {}
    other.load_state_dict(one.state_dict(), torch.device("cpu"))
    assert other.step == -1
    assert math.isnan(other.best)

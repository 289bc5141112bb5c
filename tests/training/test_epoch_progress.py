"""What a training of epochs says on its way: its rate, when it is scored, and which score is the best."""

import dataclasses

import pytest
import torch
from torch import nn

from remix_track.training import epoch_progress
from remix_track.training.context import Run
from remix_track.training.epoch_progress import EpochProgress
from remix_track.training.optimisation import joint_rate
from remix_track.training.stopping import StopRequest
from remix_track.training.train_settings import OptimiserSettings
from tests.training_scenes import small_data, small_run, small_settings


def progress(folder, every, show=lambda position: None):
    optimiser = OptimiserSettings(warmup_epochs=2, schedule="cosine")
    settings = small_settings(run=small_run(epochs=5, evaluate_every=every), optimiser=optimiser)
    return EpochProgress(Run(settings, small_data(), folder, torch.device("cpu"), None, StopRequest(), show), "joint")


def test_the_rate_is_that_of_all_steps_so_far(tmp_path):
    at = progress(tmp_path, 0)
    for done in range(15):
        assert (at.epoch, at.step) == divmod(done, 3)
        assert at.rate == joint_rate(at.run.settings.optimiser, done, 3, 5)
        at.step += 1
        if at.step == at.steps:
            at.end_epoch()


@pytest.mark.parametrize(("every", "scored"), [(0, [5]), (1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (9, [5])])
def test_it_is_scored_every_so_many_epochs_and_at_the_end_and_a_tie_is_not_better(tmp_path, monkeypatch, every, scored):
    scores = dict(zip(scored, [0.2, 0.3, 0.1, 0.3, 0.4], strict=False))
    shown: list[tuple[str, int]] = []
    at = progress(tmp_path, every, lambda position: shown.append((position.doing, position.epoch)))

    def score(plan, network, target):
        return {"map": scores[at.epoch + 1], "rank1": 0.5}

    monkeypatch.setattr(epoch_progress, "evaluate_encoder", score)
    best = []
    for epoch in range(1, 6):
        if at.score(nn.Identity()):
            best.append(epoch)
            assert at.run.best == {"map": scores[epoch], "rank1": 0.5, "epoch": epoch}
        assert epoch not in scored or at.run.score == scores[epoch]
        at.end_epoch()
    assert shown == [("evaluating", epoch) for epoch in scored]
    assert best == [one for one in scored if all(scores[one] > scores[other] for other in scored if other < one)]


def test_without_a_target_there_is_no_score(tmp_path):
    at = progress(tmp_path, 1)
    at.run.data = dataclasses.replace(at.run.data, target=None)
    assert not at.score(nn.Identity())

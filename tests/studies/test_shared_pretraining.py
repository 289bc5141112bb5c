"""Which of a cell's settings decide about its pre-training, and so with which cells it shares one."""

import dataclasses
from typing import Any

import pytest

from remix_track.data.augmentation import AugmentationSettings
from remix_track.data.crops.tracklets import HarvestSettings
from remix_track.data.sampling import SamplingSettings
from remix_track.studies.shared_pretraining import pretraining_cell
from remix_track.studies.study_file import Cell
from remix_track.training.method_settings import (
    BaselineSettings,
    CentroidSettings,
    ClusterSettings,
    LossSettings,
    MocoSettings,
    MomentumSettings,
)
from remix_track.training.train_settings import (
    DataSettings,
    DrawnSettings,
    EncoderSettings,
    OptimiserSettings,
    PretrainingSettings,
    RunSettings,
    TrainSettings,
)

DECIDES: dict[str, Any] = {
    "data": DataSettings(workers=3),
    "drawn": DrawnSettings(identities=3),
    "harvest": HarvestSettings(rate=5.0),
    "encoder": EncoderSettings(height=64),
    "moco": MocoSettings(queue_size=16),
    "pretraining": PretrainingSettings(one_video_share=0.5),
    "pretraining_augmentation": AugmentationSettings(padding=3),
    "run": RunSettings(seed=4),
}
LEAVES: dict[str, Any] = {
    "joint": False,
    "sampling": SamplingSettings(multi_images=3),
    "clusters": ClusterSettings(eps=0.4),
    "centroids": CentroidSettings(momentum=0.5),
    "losses": LossSettings(centroid_query="unit"),
    "momentum": MomentumSettings(coefficient=0.5),
    "baseline": BaselineSettings(margin=0.1),
    "optimiser": OptimiserSettings(learning_rate=0.1),
    "augmentation": AugmentationSettings(padding=3),
    "run": RunSettings(epochs=7, evaluate_every=1, weights="best", stored="float16"),
}
BASE = TrainSettings()


def pretraining(**changes):
    found = pretraining_cell(Cell("a", (), dataclasses.replace(BASE, **changes)))
    assert found is not None
    return found.settings


def test_all_settings_are_here():
    """One that is new decides, or leaves a pre-training as it is: `shared_pretraining` has to be told."""
    assert {*DECIDES, *LEAVES, "pretrain", "method"} == {field.name for field in dataclasses.fields(TrainSettings)}


@pytest.mark.parametrize("name", DECIDES)
def test_what_decides_about_a_pre_training_is_its_own(name):
    assert getattr(BASE, name) != DECIDES[name]
    made = pretraining(**{name: DECIDES[name]})
    assert made != pretraining()
    expected = dataclasses.replace(DECIDES[name], epochs=0) if name == "run" else DECIDES[name]
    assert getattr(made, name) == expected


@pytest.mark.parametrize("name", LEAVES)
def test_cells_that_differ_in_the_rest_share_one(name):
    assert getattr(BASE, name) != LEAVES[name]
    assert pretraining(**{name: LEAVES[name]}) == pretraining()


def test_the_baseline_shares_it_too():
    assert pretraining(method="baseline", joint=False) == pretraining()


def test_a_cell_without_a_joint_training_or_without_a_pre_training_needs_none():
    for changes in ({"pretrain": False}, {"run": RunSettings(epochs=0)}):
        assert pretraining_cell(Cell("a", (), dataclasses.replace(BASE, **changes))) is None

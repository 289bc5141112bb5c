"""A share of the labelled people is embedded anew in an epoch; the others keep their centroids."""

import numpy as np
import pytest
import torch

from remix_track.data.crop_set import Crop, crop_set
from remix_track.encoder.backbones import BACKBONES
from remix_track.training import run as run_module
from remix_track.training.checkpoint import load_checkpoint, newest_checkpoint
from remix_track.training.embedding import embed_rows
from remix_track.training.epoch_labels import make_labels
from remix_track.training.method_settings import CentroidSettings
from remix_track.training.refresh import people_to_embed, with_kept
from remix_track.training.run import run_training
from remix_track.training.run_log import read_log
from remix_track.training.stopping import Stopped, StopRequest
from tests.training_scenes import MemoryStore, TinyBackbone, small_data, small_run, small_settings

NOBODY = np.empty(0, np.int64), torch.zeros(0, 4), np.empty(0, np.int64)


@pytest.mark.parametrize(("share", "each"), [(0.25, 3), (0.3, 3), (1e-6, 1), (0.5, 5), (0.99, 10), (0.0, 0)])
def test_everybody_has_a_turn_and_none_has_two_before(share, each):
    """Ten people: ceil(share * 10) in each epoch after the first, in a circle."""
    times = np.zeros(10, np.int64)
    assert people_to_embed(10, share, 3, 0).all()
    for epoch in range(1, 41):
        chosen = people_to_embed(10, share, 3, epoch)
        assert chosen.sum() == each
        times += chosen
        assert times.max() - times.min() <= 1
    assert times.sum() == 40 * each


def test_who_it_is_depends_on_seed_and_epoch_alone():
    turns = [[tuple(people_to_embed(50, 0.2, seed, epoch)) for epoch in range(1, 6)] for seed in (0, 0, 1)]
    assert turns[0] == turns[1] != turns[2]
    assert len(set(turns[0])) == 5
    assert people_to_embed(50, 1, 0, 7).all()


def scene(generator):
    """Seven people before up to three cameras, in mixed order; two pseudo identities."""
    crops = [Crop(f"{person}", f"c{camera}") for person in range(7) for camera in range(1 + person % 3) for _ in "ab"]
    crops = [crops[row] for row in generator.permutation(len(crops))]
    return crop_set("made up", MemoryStore([b""] * len(crops)), crops)


def naive(crops, rows, vectors):
    """Centroids by person and by (person, camera), one after another."""
    unit = torch.nn.functional.normalize(vectors, dim=1)
    identity, camera = crops.identity[rows], crops.camera[rows]

    def mean(chosen):
        return torch.nn.functional.normalize(unit[torch.from_numpy(chosen)].mean(dim=0), dim=0)

    people = sorted(set(identity.tolist()))
    pairs = sorted(set(zip(identity.tolist(), camera.tolist(), strict=True)))
    return {p: mean(identity == p) for p in people}, {p: mean((identity == p[0]) & (camera == p[1])) for p in pairs}


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 1.0])
@pytest.mark.parametrize("unreadable", [(), (0, 5, 9)])
def test_others_keep_their_centroids_and_numbers_follow_the_people(share, unreadable):
    generator = np.random.default_rng(4)
    crops = scene(generator)
    torch.manual_seed(0)
    old, new = torch.randn(len(crops), 4), torch.randn(len(crops), 4)
    everyone, readable = np.arange(len(crops)), np.ones(len(crops), np.bool_)
    gone = 6
    readable[list(unreadable)] = False
    readable[crops.identity == gone] = False
    before = make_labels(crops, old, readable, *NOBODY)
    anew = people_to_embed(7, share, 2, 3)
    rows = everyone[anew[crops.identity]]
    single = np.array([3, 4, 5, 8]), torch.randn(4, 4), np.array([0, 1, -1, 1])
    fresh = make_labels(crops, new[rows], readable[rows], *single, embedded=rows)
    joined = with_kept(fresh, before, crops, anew)

    seen = everyone[readable]
    vectors = torch.where(torch.from_numpy(anew[crops.identity])[:, None], new, old)
    people, pairs = naive(crops, seen, vectors[seen])
    np.testing.assert_array_equal(joined.multi_rows, seen)
    names = sorted(people)
    assert [names[number] for number in joined.multi_identity] == crops.identity[seen].tolist()
    np.testing.assert_array_equal(joined.multi_camera, crops.camera[seen])
    torch.testing.assert_close(joined.centroids[: joined.people], torch.stack([people[name] for name in names]))
    torch.testing.assert_close(joined.centroids[joined.people :], fresh.centroids[-2:])
    assert joined.single_identity.tolist() == [joined.people, joined.people + 1, joined.people + 1]
    found = zip(joined.cameras.identity.tolist(), joined.cameras.camera.tolist(), strict=True)
    assert [(names[identity], camera) for identity, camera in found] == sorted(pairs)
    torch.testing.assert_close(joined.cameras.vectors, torch.stack([pairs[pair] for pair in sorted(pairs)]))
    joined.check(len(crops), 9, 4)
    whole = make_labels(crops, vectors, readable, *single)
    assert torch.equal(joined.centroids, whole.centroids)
    np.testing.assert_array_equal(joined.single_identity, whole.single_identity)


@pytest.fixture
def tiny(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setitem(BACKBONES, "tiny", TinyBackbone)
    monkeypatch.setattr(run_module, "open_training_data", lambda settings, **_: small_data())
    monkeypatch.setattr(run_module, "write_report", lambda *arguments: None)
    yield
    torch.set_num_threads(before)


def settings(share, momentum=0.5):
    run = small_run(epochs=3, checkpoint_every=2, keep=100)
    return small_settings(pretrain=False, run=run, centroids=CentroidSettings(momentum, share))


def train(chosen, folder, stop_after=None):
    stop, shown = StopRequest(), []

    def show(position):
        shown.append(position)
        if len(shown) == stop_after:
            stop.ask(15)

    resumed = load_checkpoint(newest_checkpoint(folder)) if folder.exists() else None
    run_training(chosen, lambda: folder, resumed=resumed, stop=stop, show=show)
    return shown


def momentum_of(folder):
    return load_checkpoint(newest_checkpoint(folder)).state["momentum"]


def test_a_run_with_a_share_stopped_anywhere_is_the_unbroken_one(tiny, tmp_path):
    shown = train(settings(0.4), tmp_path / "whole")
    for place in range(2, len(shown), 3):
        folder = tmp_path / f"stopped-{place}"
        with pytest.raises(Stopped):
            train(settings(0.4), folder, stop_after=place)
        train(settings(0.4), folder)
        for name, value in momentum_of(tmp_path / "whole").items():
            assert torch.equal(value, momentum_of(folder)[name]), (place, name)
        assert read_log(folder) == read_log(tmp_path / "whole")


@pytest.mark.parametrize(("share", "expected"), [(1.0, [24, 24, 24]), (0.4, [24, 12, 12]), (0.0, [24])])
def test_only_the_share_is_embedded(tiny, tmp_path, monkeypatch, share, expected):
    """Six people of four images each: three of them after the first epoch."""
    real, read = embed_rows, []

    def embed(plan, network, store, rows):
        if len(store) == 24:
            read.append(len(rows))
        return real(plan, network, store, rows)

    monkeypatch.setattr("remix_track.training.joint_training.embed_rows", embed)
    train(settings(share), tmp_path / "run")
    assert read == expected

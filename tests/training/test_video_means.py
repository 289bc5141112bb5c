"""Videos taken out of a pool: the formula, whom it helps, and who must not be lost by it."""

import numpy as np
import pytest
import torch

from remix_track.errors import InputError
from remix_track.training import neighbours
from remix_track.training import pseudo_labels as pseudo_labels_module
from remix_track.training.method_settings import ClusterSettings
from remix_track.training.pseudo_labels import pseudo_labels
from remix_track.training.video_means import without_videos
from tests.training.test_pseudo_labels import crops

CENTRED = ClusterSettings(centred=True)


def some(people=4, videos=3, seed=0):
    """Crops of videos 5, 10, ... in mixed order, their people as labels; the last person has no identity."""
    embeddings, video, person = crops(videos=videos, people=people, each=5, width=6, seed=seed)
    return 3 * embeddings, 5 * (video + 1), np.where(person == person.max(), -1, person)


@pytest.mark.parametrize("people", [3, 4])
def test_equals_the_mean_of_the_means_by_loops(people):
    """With three people the last video shows two identities, which are enough."""
    embeddings, video, labels = some(people)
    units = (embeddings / embeddings.norm(dim=1, keepdim=True)).double().numpy()
    found = without_videos(embeddings, video, labels).numpy() / neighbours.STEPS
    for row, where in enumerate(video):
        own = [units[labels == one].mean(axis=0) for one in np.unique(labels[(video == where) & (labels >= 0)])]
        np.testing.assert_allclose(found[row], units[row] - np.mean(own, axis=0), atol=1e-7)


def test_who_is_alone_in_a_video_is_not_its_light():
    embeddings, video, labels = some()
    alone = video == 10
    labels[alone] = labels[alone].min()
    found = without_videos(embeddings, video, labels) / neighbours.STEPS
    units = embeddings.double() / embeddings.double().norm(dim=1, keepdim=True)
    taken = units - found
    others = np.mean([taken[video == where][0].numpy() for where in (5, 15)], axis=0)
    np.testing.assert_allclose(taken[alone].numpy(), np.broadcast_to(others, (alone.sum(), 6)), atol=1e-7)


@pytest.mark.parametrize("known", [0, 1])
def test_one_video_is_left_as_it_is(known):
    embeddings, video, labels = some(videos=2)
    labels[video != 5 * known] = -1
    assert without_videos(embeddings, video, labels) is embeddings


def test_the_bits_do_not_depend_on_the_order_of_the_crops(monkeypatch):
    embeddings, video, labels = some(people=5, videos=4)
    expected = without_videos(embeddings, video, labels)
    order = np.random.default_rng(1).permutation(len(video))
    monkeypatch.setattr(neighbours, "_BLOCK", 7 * 6)
    found = without_videos(embeddings[order], video[order], labels[order])
    assert torch.equal(found, expected[order])


def test_a_video_s_identities_are_those_it_shows_by_itself(monkeypatch):
    """In the pool its people are taken for one another, which is why their mean is subtracted."""
    embeddings, video, _ = crops(videos=2, people=10, each=8, place=2.0, noise=0.8)
    asked = []

    def watched(embeddings, video, labels):
        asked.append(labels)
        return without_videos(embeddings, video, labels)

    monkeypatch.setattr(pseudo_labels_module, "without_videos", watched)
    pseudo_labels(embeddings, video, CENTRED)
    in_pool = pseudo_labels(embeddings, video, ClusterSettings()).labels
    alike = []
    for where in range(2):
        rows = video == where
        alone = pseudo_labels(embeddings[torch.from_numpy(rows)], video[rows], ClusterSettings(scope="video")).labels
        pairs = alone[:, None] == alone
        np.testing.assert_array_equal(asked[0][rows][:, None] == asked[0][rows], pairs)
        alike.append(np.array_equal(in_pool[rows][:, None] == in_pool[rows], pairs))
    assert not all(alike)


@pytest.mark.parametrize("videos", [2, 4])
def test_people_of_one_light_are_told_apart(videos):
    before, after = [], []
    for seed in range(2):
        embeddings, video, person = crops(videos=videos, people=10, each=8, place=2.0, noise=0.8, seed=seed)
        before.append(pseudo_labels(embeddings, video, ClusterSettings(), person).report)
        after.append(pseudo_labels(embeddings, video, CENTRED, person).report)
    purity = [np.mean([one.purity for one in reports]) for reports in (before, after)]
    assert purity[1] > purity[0] + 0.2
    assert np.mean([one.completeness for one in after]) > np.mean([one.completeness for one in before]) - 0.02


def test_who_is_alone_before_a_camera_is_found_as_before():
    embeddings, video, person = crops(videos=8, people=10, each=8, place=2.0, noise=0.8)
    kept = (video % 2 == 0) | (person % 10 == 0)
    found = pseudo_labels(embeddings[torch.from_numpy(kept)], video[kept], CENTRED).labels
    for where in (1, 3, 5, 7):
        assert len(np.unique(found[video[kept] == where])) == 1
        assert found[video[kept] == where][0] >= 0


def test_one_video_is_clustered_as_without_it():
    embeddings, video, _ = crops(videos=1, people=6, each=10)
    plain, centred = (pseudo_labels(embeddings, video, one).labels for one in (ClusterSettings(), CENTRED))
    np.testing.assert_array_equal(plain, centred)


@pytest.mark.parametrize("others", [{"scope": "video"}, {"distance": "cosine", "eps": 0.3}])
def test_only_a_pool_has_videos_to_take_out(others):
    with pytest.raises(InputError, match="let scope be pool"):
        ClusterSettings(centred=True, **others)


def test_crops_of_known_tracklets_are_clustered_as_they_are():
    """Their distances are within one camera, where the limit of vectors as they are holds."""
    embeddings, video, _ = crops(videos=3, people=6, each=8, place=2.0)
    tracklet = np.stack([np.arange(len(video)) // 4, np.arange(len(video))], axis=1)
    tracklet[video > 0] = -1
    both = [
        pseudo_labels(embeddings, video, ClusterSettings(tracklets=True, centred=one), None, tracklet).labels
        for one in (False, True)
    ]
    same = [one[video == 0][:, None] == one[video == 0] for one in both]  # others are numbered between them
    np.testing.assert_array_equal(*same)
    assert not same[0].all()

"""Pseudo labels: the sparse graph agrees with a plain table to the bit; distances by the book; clusters are right."""

import math

import numpy as np
import pytest
import torch
from scipy import sparse

from remix_track.errors import InputError
from remix_track.training import jaccard
from remix_track.training.cluster_report import report_clusters
from remix_track.training.jaccard import jaccard_graph
from remix_track.training.method_settings import ClusterSettings
from remix_track.training.neighbours import to_grid
from remix_track.training.pseudo_labels import pseudo_labels
from tests.training.dense_jaccard import dense_jaccard, dense_labels


def crops(videos=6, people=3, each=12, noise=1.0, place=0.7, width=64, seed=0):
    """Embeddings, video and person of a shuffled set; videos differ by `place`, people by 1, crops by `noise`."""
    rng = np.random.default_rng(seed)
    person = rng.permutation(np.repeat(np.arange(videos * people), each))
    video = person // people
    looks = rng.normal(size=(videos * people, width)) + place * rng.normal(size=(videos, width)).repeat(people, axis=0)
    embeddings = looks[person] + noise * rng.normal(size=(len(person), width))
    return torch.tensor(embeddings, dtype=torch.float32), video, person


def sparse_as_dense(grid, k1, k2, eps=1 - 1e-9, video=None):
    graph = jaccard_graph(grid, k1, k2, eps, np.zeros(len(grid), np.int64) if video is None else video).tocoo()
    apart = np.ones(graph.shape)
    apart[graph.row, graph.col] = graph.data
    return apart


def textbook_jaccard(embeddings, k1, k2):
    """Zhong et al. in floating point, image by image."""
    units = (embeddings / embeddings.norm(dim=1, keepdim=True)).double().numpy()
    squared = 2 - 2 * units @ units.T
    np.fill_diagonal(squared, 0)
    ranks = squared.argsort(axis=1, kind="stable")

    def reciprocal(i, k):
        return {j for j in ranks[i, :k] if i in ranks[j, :k]}

    weights = np.zeros_like(squared)
    for i in range(len(units)):
        members = reciprocal(i, k1)
        grown = set(members)
        for member in members:
            half = reciprocal(member, k1 // 2 + 1)
            if len(half & members) > 2 / 3 * len(half):
                grown |= half
        columns = sorted(grown)
        weights[i, columns] = np.exp(-squared[i, columns]) / np.exp(-squared[i, columns]).sum()
    weights = np.array([weights[ranks[i, :k2]].mean(axis=0) for i in range(len(units))])
    smaller = np.minimum(weights[:, None], weights).sum(axis=2)
    return 1 - smaller / np.maximum(weights[:, None], weights).sum(axis=2)


# --- the distance ---


@pytest.mark.parametrize(("k1", "k2"), [(30, 6), (15, 3), (7, 1), (2, 2)])
@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_the_reference_is_the_textbook(k1, k2, noise):
    embeddings, _, _ = crops(noise=noise)
    found = dense_jaccard(to_grid(embeddings), k1, k2)
    np.testing.assert_allclose(found, textbook_jaccard(embeddings, k1, k2), atol=1e-5)


@pytest.mark.parametrize(("k1", "k2"), [(30, 6), (15, 3), (7, 1), (2, 2)])
@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_sparse_is_dense_to_the_bit(k1, k2, noise):
    grid = to_grid(crops(noise=noise)[0])
    np.testing.assert_array_equal(sparse_as_dense(grid, k1, k2), dense_jaccard(grid, k1, k2))


def test_sparse_is_dense_with_equal_pictures():
    embeddings, _, _ = crops(videos=3)
    grid = to_grid(torch.cat([embeddings, embeddings[::2], embeddings[:5]]))
    np.testing.assert_array_equal(sparse_as_dense(grid, 12, 3), dense_jaccard(grid, 12, 3))
    same = to_grid(torch.ones(20, 4))
    np.testing.assert_array_equal(sparse_as_dense(same, 8, 3), dense_jaccard(same, 8, 3))


@pytest.mark.parametrize("count", [1, 2, 5, 28])
def test_sparse_is_dense_for_fewer_images_than_k1(count):
    grid = to_grid(crops()[0][:count])
    np.testing.assert_array_equal(sparse_as_dense(grid, 30, 6), dense_jaccard(grid, 30, 6))


def test_sparse_does_not_depend_on_blocks(monkeypatch):
    grid = to_grid(crops()[0])
    expected = dense_jaccard(grid, 15, 4)
    for work, accumulators in ((1, 1), (500, 10_000), (10**9, 700)):
        monkeypatch.setattr(jaccard, "_WORK", work)
        monkeypatch.setattr(jaccard, "_ACCUMULATORS", accumulators)
        np.testing.assert_array_equal(sparse_as_dense(grid, 15, 4), expected)


@pytest.mark.parametrize("count", [2000, pytest.param(8000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_sparse_is_dense_at_size(count):
    """Distances and labels, at the sizes that the project promises."""
    embeddings, video, _ = crops(videos=count // 80, people=4, each=20, width=256)
    grid = to_grid(embeddings)
    dense = dense_jaccard(grid, 30, 6)
    graph = jaccard_graph(grid, 30, 6, 1 - 1e-9, np.zeros(count, np.int64)).tocoo()
    assert graph.nnz == (dense < 1).sum()
    np.testing.assert_array_equal(graph.data, dense[graph.row, graph.col])
    settings = ClusterSettings(scope="pool")
    labels = pseudo_labels(embeddings, video, settings).labels
    np.testing.assert_array_equal(labels, dense_labels(embeddings, video, settings).labels)


def test_only_near_pairs_of_one_video_are_kept():
    embeddings, video, _ = crops()
    grid = to_grid(embeddings)
    dense = dense_jaccard(grid, 15, 4)
    kept = (dense <= 0.4) & (video[:, None] == video)
    assert 0 < kept.sum() < (dense <= 0.4).sum() + 1
    np.testing.assert_array_equal(sparse_as_dense(grid, 15, 4, 0.4, video), np.where(kept, dense, 1))


def test_a_graph_that_would_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(jaccard, "LARGEST_GRAPH", 1000)
    embeddings, video, _ = crops()
    for distance in ("jaccard", "cosine"):
        settings = ClusterSettings(distance=distance, eps=0.99)
        with pytest.raises(InputError, match=r"more than 1,000 pairs of crops are within eps; lower eps"):
            pseudo_labels(embeddings, np.zeros_like(video), settings)


# --- labels ---

DISTANCES = [("jaccard", 0.5), ("jaccard", 0.8), ("cosine", 0.4), ("cosine", 0.75)]


@pytest.mark.parametrize(("distance", "eps"), DISTANCES)
@pytest.mark.parametrize("scope", ["video", "pool"])
@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_sparse_and_dense_labels_are_the_same(distance, eps, scope, noise):
    embeddings, video, _ = crops(noise=noise)
    settings = ClusterSettings(scope=scope, distance=distance, eps=eps, k1=15)
    labels = pseudo_labels(embeddings, video, settings).labels
    np.testing.assert_array_equal(labels, dense_labels(embeddings, video, settings).labels)


def test_per_video_is_the_pool_where_videos_are_far_apart():
    """With neighbours from one's own video alone there is nothing that the pool adds."""
    embeddings, video, person = crops(place=30, each=20)
    per_video, pool = (ClusterSettings(scope=scope, k1_share=1) for scope in ("video", "pool"))
    first = pseudo_labels(embeddings, video, per_video, person)
    assert first.report.clusters > 0
    np.testing.assert_array_equal(pseudo_labels(embeddings, video, pool).labels, first.labels)
    for settings in (per_video, pool):
        np.testing.assert_array_equal(dense_labels(embeddings, video, settings).labels, first.labels)


@pytest.mark.parametrize("eps", [0.4, 0.75])
def test_with_the_cosine_distance_per_video_is_the_pool(eps):
    embeddings, video, _ = crops(noise=1.2, place=0)
    per_video, pool = (ClusterSettings(distance="cosine", eps=eps, scope=scope) for scope in ("video", "pool"))
    labels = pseudo_labels(embeddings, video, per_video).labels
    np.testing.assert_array_equal(labels, pseudo_labels(embeddings, video, pool).labels)
    np.testing.assert_array_equal(labels, dense_labels(embeddings, video, pool).labels)


def test_a_video_is_clustered_as_if_it_were_alone():
    embeddings, video, _ = crops(noise=1.5)
    settings = ClusterSettings(scope="video", k1=15)
    labels = pseudo_labels(embeddings, video, settings).labels
    for name in np.unique(video):
        rows = video == name
        alone = pseudo_labels(embeddings[rows], video[rows], settings).labels
        assert len({*zip(alone, labels[rows], strict=True)}) == len({*alone}) == len({*labels[rows]})
        np.testing.assert_array_equal(alone < 0, labels[rows] < 0)


@pytest.mark.parametrize("scope", ["video", "pool"])
@pytest.mark.parametrize("distance", ["jaccard", "cosine"])
def test_no_identity_spans_two_videos_even_of_the_same_people(scope, distance):
    embeddings, _, _ = crops(videos=1, people=3, each=60, noise=0.3)
    video = np.arange(len(embeddings)) % 3
    found = pseudo_labels(embeddings, video, ClusterSettings(scope=scope, distance=distance))
    assert found.report.clusters == 9
    assert all(len(np.unique(video[found.labels == label])) == 1 for label in range(9))


@pytest.mark.parametrize("scope", ["video", "pool"])
def test_people_who_can_be_told_apart_are(scope):
    embeddings, video, person = crops(each=20)
    found = pseudo_labels(embeddings, video, ClusterSettings(scope=scope), person)
    assert found.report.clusters == 18
    assert found.report.purity == found.report.completeness == 1
    assert (found.report.smallest, found.report.median, found.report.largest) == (20, 20, 20)


def test_labels_are_numbered_by_first_appearance():
    """In any order of the crops, whether the first one is an outlier or not; the outliers stay the same."""
    embeddings, video, _ = crops(noise=1.2, place=0)
    settings = ClusterSettings(distance="cosine", eps=0.55)
    outlier = pseudo_labels(embeddings, video, settings).labels < 0
    assert 0 < outlier.sum() < len(video)
    for first in (int(outlier.argmax()), int(outlier.argmin())):
        rows = np.roll(np.arange(len(video)), -first)
        labels = pseudo_labels(embeddings[rows], video[rows], settings).labels
        np.testing.assert_array_equal(labels < 0, outlier[rows])
        names = list(dict.fromkeys(labels[labels >= 0].tolist()))
        assert names == list(range(len(names)))


def test_an_epoch_of_outliers_is_legal():
    embeddings, video, person = crops(noise=3)
    found = pseudo_labels(embeddings, video, ClusterSettings(distance="cosine", eps=0.01), person)
    assert (found.labels == -1).all()
    assert (found.report.clusters, found.report.outliers) == (0, len(person))
    assert math.isnan(found.report.purity)
    assert found.report.completeness == 0
    assert math.isnan(found.report.median)


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("scope", ["video", "pool"])
@pytest.mark.parametrize("label", [pseudo_labels, dense_labels])
def test_fewer_crops_than_make_an_identity_are_outliers(count, scope, label):
    settings = ClusterSettings(scope=scope)
    found = label(torch.ones(count, 8), np.zeros(count, np.int64), settings)
    assert found.labels.tolist() == [-1] * count
    assert found.report.videos == min(count, 1)


def test_equal_pictures_are_one_identity():
    """Zero distances must not get lost in the sparse graph."""
    for distance in ("jaccard", "cosine"):
        settings = ClusterSettings(distance=distance, eps=0.1, k1_share=1)
        found = pseudo_labels(torch.ones(9, 8), np.zeros(9, np.int64), settings)
        assert found.labels.tolist() == [0] * 9


def test_few_crops_of_a_person_need_a_smaller_k1_than_30_and_get_it():
    """Five people with 8 crops: 30 nearest of 40 crops are nearly all of them, and everybody becomes one."""
    embeddings, video, person = crops(people=5, each=8)
    wide = pseudo_labels(embeddings, video, ClusterSettings(scope="video", k1=30, k1_share=1), person).report
    assert wide.purity < 0.5
    assert wide.whole_videos > 0
    for label in (pseudo_labels, dense_labels):
        held = label(embeddings, video, ClusterSettings(scope="video"), person).report
        assert held.purity == held.completeness == 1
        assert held.whole_videos == 0


@pytest.mark.parametrize(
    ("images", "k1"), [(1000, 30), (120, 30), (119, 29), (80, 20), (40, 10), (28, 7), (27, 6), (12, 6), (0, 6)]
)
def test_k1_is_held_to_a_quarter_of_a_video_but_not_below_six(images, k1):
    fitting = ClusterSettings().fitting(images)
    assert (fitting.k1, fitting.k2) == (k1, 6)
    assert ClusterSettings(k1=4, k2=4).fitting(images).k1 == 4
    assert ClusterSettings(k1_share=1).fitting(images).k1 == 30
    assert ClusterSettings(min_samples=9).fitting(12).k1 == 9


@pytest.mark.parametrize(("scope", "expected"), [("pool", [(30, 6)]), ("video", [(6, 6), (10, 6), (30, 6)])])
def test_k1_goes_by_what_is_clustered_together(monkeypatch, scope, expected):
    """Videos of 8, 40 and 400 crops."""
    seen = []

    def graph(grid, k1, k2, eps, video):
        seen.append((k1, k2))
        return sparse.eye_array(len(grid), format="csr")

    monkeypatch.setattr("remix_track.training.pseudo_labels.jaccard_graph", graph)
    pseudo_labels(torch.randn(448, 8), np.repeat([0, 1, 2], [8, 40, 400]), ClusterSettings(scope=scope))
    assert seen == expected


def test_a_video_that_became_one_identity_is_counted():
    """Video 9 is merged but for an outlier, 4 has two clusters, 5 a small one among outliers, 6 a single crop."""
    labels = np.array([0, 0, 0, -1, 1, 1, 1, 2, 2, 3, 3, -1, -1, 4])
    video = np.array([9, 9, 9, 9, 4, 4, 4, 4, 4, 5, 5, 5, 5, 6])
    assert report_clusters(labels, video).whole_videos == 1
    assert report_clusters(np.full(3, -1), np.zeros(3, np.int64)).whole_videos == 0
    assert report_clusters(np.empty(0, np.int64), np.empty(0, np.int64)).whole_videos == 0


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="4 embeddings, 3 videos; expected one of each per image"):
        pseudo_labels(torch.ones(4, 8), np.zeros(3, np.int64), ClusterSettings())


# --- the report ---


def test_the_report_counts_purity_and_completeness():
    """Cluster 0 holds a a b, cluster 1 b b, and a and c are outliers; c of another video is somebody else."""
    labels = np.array([0, 0, 0, 1, 1, -1, -1])
    hidden = np.array([7, 7, 8, 8, 8, 7, 7])
    video = np.array([0, 0, 0, 0, 0, 0, 5])
    report = report_clusters(labels, video, hidden)
    assert report.purity == 4 / 5
    assert report.completeness == 4 / 7
    assert (report.images, report.videos, report.clusters, report.outliers) == (7, 2, 2, 2)
    line = "7 crops of 2 videos: 2 identities, 2 outliers, sizes 2 to 3, median 2.5, purity 0.800, completeness 0.571"
    assert str(report) == line


def test_without_the_truth_the_report_says_nothing_about_it():
    report = report_clusters(np.array([0, 0, -1]), np.zeros(3, np.int64))
    assert math.isnan(report.purity)
    assert str(report) == "3 crops of 1 videos: 1 identities, 1 outliers, sizes 2 to 2, median 2"

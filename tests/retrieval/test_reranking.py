"""Sparse re-ranking against a dense reference written from the paper's equations with Python sets."""

import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.retrieval.ranking import dot_products, rank_gallery
from remix_track.retrieval.reranking import RerankingSettings, reranked
from tests.retrieval.test_ranking import labelled, scene, unit


def dense(query, gallery, k1, k2, weight, rows=None):
    vectors = np.concatenate([query, gallery]).astype(np.float64)
    total = len(vectors)
    distance = np.maximum(2 - 2 * vectors @ vectors.T, 0)
    np.fill_diagonal(distance, 0)
    distance /= distance.max(axis=1, keepdims=True)
    ranks = np.argsort(distance, axis=1, kind="stable")

    def reciprocal(p, k):
        return {g for g in ranks[p, : k + 1] if p in ranks[g, : k + 1]}

    encoding = np.zeros((total, total))
    for p in range(total):
        own = reciprocal(p, k1)
        members = set(own)
        for q in own:
            other = reciprocal(q, round(k1 / 2))
            if len(own & other) > 2 / 3 * len(other):
                members |= other
        for g in members:
            encoding[p, g] = np.exp(-distance[p, g])
        encoding[p] /= encoding[p].sum()
    encoding = np.stack([encoding[ranks[p, :k2]].mean(axis=0) for p in range(total)])
    rows = range(len(query)) if rows is None else rows
    final = np.empty((len(rows), len(gallery)))
    for q in rows:
        for g in range(len(gallery)):
            a, b = encoding[q], encoding[len(query) + g]
            jaccard = 1 - np.minimum(a, b).sum() / np.maximum(a, b).sum()
            final[q, g] = (1 - weight) * jaccard + weight * distance[q, len(query) + g]
    return final


@pytest.mark.parametrize(
    ("seed", "k1", "k2", "weight"), [(0, 20, 6, 0.3), (1, 20, 6, 0.3), (2, 7, 1, 0.0), (3, 5, 3, 0.5), (4, 200, 6, 0.3)]
)
def test_sparse_equals_dense(seed, k1, k2, weight):
    query, gallery = scene(seed, queries=30, gallery=30 if k1 == 200 else 120, width=16)
    similarity = reranked(query, gallery, RerankingSettings(k1, k2, weight))
    got = np.concatenate([similarity(slice(0, 13)), similarity(slice(13, 999))])
    np.testing.assert_allclose(-got, dense(query.vectors, gallery.vectors, k1, k2, weight), atol=2e-5)


def test_of_one_set_every_image_counts_once():
    _, images = scene(0, queries=30, gallery=120, width=16)
    similarity = reranked(images, images, RerankingSettings(7, 3, 0.3), one_set=True)
    got = np.concatenate([similarity(slice(0, 13)), similarity(slice(13, 999))])
    # The reference takes queries beside a gallery: with none, all rows are the gallery's.
    nobody = images.vectors[:0]
    wanted = dense(nobody, images.vectors, 7, 3, 0.3, rows=range(len(images)))
    np.testing.assert_allclose(-got, wanted, atol=2e-5)
    assert not np.allclose(got, reranked(images, images, RerankingSettings(7, 3, 0.3))(slice(None)), atol=0.01)


def test_blocks_do_not_show(monkeypatch):
    query, gallery = scene(0, queries=30, gallery=120)
    whole = reranked(query, gallery)(slice(None))
    monkeypatch.setattr("remix_track.retrieval.reranking.BLOCK", 7)
    np.testing.assert_allclose(reranked(query, gallery)(slice(None)), whole, atol=1e-5)


def test_strangers_are_at_jaccard_distance_one():
    """Two tight groups far apart: across them only the original distance is left."""
    random = np.random.default_rng(0)
    looks = np.eye(8)[np.repeat([0, 1], 30)] + 0.01 * random.normal(size=(60, 8))
    who = np.repeat([0, 1], 30)
    query = labelled(unit(looks[::10]), who[::10], np.zeros(6))
    gallery = labelled(unit(looks), who, np.ones(60))
    similarity = reranked(query, gallery, RerankingSettings(original_weight=0.0))(slice(None))
    across = query.identity[:, None] != gallery.identity
    assert (similarity[across] == -1).all()
    assert (similarity[~across] > -1).all()


def test_it_helps_where_neighbourhoods_are_clear():
    query, gallery = scene(3, queries=60, gallery=600, width=24, noise=0.9)
    before = rank_gallery(query, gallery).mean_average_precision
    after = rank_gallery(query, gallery, reranked(query, gallery)).mean_average_precision
    assert after > before + 0.02


def test_identical_images_are_legal():
    same = labelled(unit(np.ones((5, 3))), np.arange(5), np.zeros(5))
    similarity = reranked(same, same)(slice(None))
    assert np.isfinite(similarity).all()
    assert dot_products(same, same)(slice(None)).shape == similarity.shape


@pytest.mark.parametrize("change", [{"k1": 0, "k2": 2}, {"k2": 0}, {"original_weight": 1.5}, {"k1": 10_000}])
def test_settings_out_of_range(change):
    with pytest.raises(InputError, match=r"^\w+ = .*; expected"):
        RerankingSettings(**change)


def test_widths_must_agree():
    one, other = (labelled(np.ones((2, width)), np.zeros(2), np.zeros(2)) for width in (2, 3))
    with pytest.raises(InputError, match="differ in length"):
        reranked(one, other)

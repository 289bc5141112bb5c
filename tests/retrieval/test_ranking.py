"""Rank-k, mAP and mINP against a loop that follows the rules word by word, and against scikit-learn."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from remix_track.data.crop_set import DISTRACTOR, JUNK
from remix_track.errors import InputError
from remix_track.retrieval.ranking import Labelled, best_matches, dot_products, rank_gallery
from remix_track.retrieval.similarity import similarity_histogram


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def labelled(vectors, identity, camera):
    return Labelled(np.asarray(vectors, np.float32), np.asarray(identity, np.int32), np.asarray(camera, np.int16))


def scene(seed=0, queries=40, gallery=400, people=12, cameras=4, width=8, noise=1.0):
    random = np.random.default_rng(seed)
    looks = random.normal(size=(people, width))
    identity = random.integers(0, people, queries + gallery)
    vectors = unit(looks[identity] + noise * random.normal(size=(queries + gallery, width)))
    camera = random.integers(0, cameras, queries + gallery)
    identity[queries:][random.random(gallery) < 0.1] = JUNK
    identity[queries:][random.random(gallery) < 0.1] = DISTRACTOR
    half = slice(queries), slice(queries, None)
    return tuple(labelled(vectors[part], identity[part], camera[part]) for part in half)


def brute_force(query, gallery, similarity):
    """One query after the other, one gallery image after the other."""
    results = []
    for q in range(len(query)):
        kept = []
        for g in range(len(gallery)):
            if gallery.identity[g] == JUNK:
                continue
            if gallery.identity[g] == query.identity[q] and gallery.camera[g] == query.camera[q]:
                continue
            kept.append((-float(similarity[q, g]), g))
        kept.sort()
        hits, precision, ranks = 0, [], []
        for rank, (_, g) in enumerate(kept, 1):
            if gallery.identity[g] == query.identity[q] and query.identity[q] >= 0:
                hits += 1
                precision.append(hits / rank)
                ranks.append(rank)
        results.append((sum(precision) / hits, hits / ranks[-1], ranks[0]) if hits else (np.nan,) * 3)
    return np.array(results).T


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [None, 8])
def test_equals_the_brute_force_loop(seed, levels):
    query, gallery = scene(seed)
    similarity = dot_products(query, gallery)(slice(None))
    if levels:
        # Many ties, to be broken by gallery order.
        similarity = np.round(similarity * levels).astype(np.float32)
    result = rank_gallery(query, gallery, lambda rows: similarity[rows])
    precision, penalty, first = brute_force(query, gallery, similarity)
    np.testing.assert_allclose(result.average_precision, precision, rtol=1e-12)
    np.testing.assert_allclose(result.inverse_penalty, penalty, rtol=1e-12)
    np.testing.assert_array_equal(result.first_hit, first)
    summary = result.summary()
    assert summary["map"] == pytest.approx(np.nanmean(precision))
    assert summary["minp"] == pytest.approx(np.nanmean(penalty))
    for k in (1, 5, 10):
        assert summary[f"rank{k}"] == pytest.approx((first[np.isfinite(first)] <= k).mean())


def test_equals_scikit_learn_where_nothing_ties():
    query, gallery = scene(5)
    similarity = dot_products(query, gallery)(slice(None))
    result = rank_gallery(query, gallery)
    for q in range(len(query)):
        same = gallery.identity == query.identity[q]
        kept = (gallery.identity != JUNK) & ~(same & (gallery.camera == query.camera[q]))
        assert len(np.unique(similarity[q, kept])) == kept.sum()
        expected = average_precision_score(same[kept], similarity[q, kept])
        assert result.average_precision[q] == pytest.approx(expected, abs=1e-12)


def toy(gallery_rows, query_identity=1, query_camera=0):
    """A query and a gallery of (likeness, identity, camera)."""
    likeness = np.array([[row[0] for row in gallery_rows]], np.float32)
    query = labelled(np.ones((1, 1)), np.array([query_identity]), np.array([query_camera]))
    identity, camera = (np.array([row[i] for row in gallery_rows]) for i in (1, 2))
    gallery = labelled(np.ones((len(gallery_rows), 1)), identity, camera)
    return rank_gallery(query, gallery, lambda rows: likeness[rows])


def test_the_rules_one_by_one():
    # Same identity, same camera: not there, however alike. Junk: not there. A distractor: there, and wrong.
    result = toy([(0.99, 1, 0), (0.98, JUNK, 1), (0.97, DISTRACTOR, 1), (0.9, 1, 1), (0.8, 2, 0), (0.7, 1, 2)])
    assert result.first_hit.tolist() == [2]
    assert result.average_precision.tolist() == [pytest.approx((1 / 2 + 2 / 4) / 2)]
    assert result.inverse_penalty.tolist() == [pytest.approx(2 / 4)]
    assert (result.rank(1), result.rank(5)) == (0.0, 1.0)


def test_ties_go_by_gallery_order():
    assert toy([(0.5, 2, 1), (0.5, 1, 1)]).first_hit.tolist() == [2]
    assert toy([(0.5, 1, 1), (0.5, 2, 1)]).first_hit.tolist() == [1]


def test_queries_that_nothing_can_match_are_skipped_and_counted(caplog):
    result = toy([(0.9, 1, 0), (0.8, 2, 1)])
    assert (result.evaluated, result.skipped) == (0, 1)
    assert np.isnan([result.rank(1), result.mean_average_precision, result.mean_inverse_penalty]).all()
    assert "1 of 1 queries have no true match" in caplog.text
    # A distractor as a query finds nobody, not even other distractors.
    assert toy([(0.9, DISTRACTOR, 1)], query_identity=DISTRACTOR).skipped == 1


def test_best_matches_keep_the_rules():
    query = labelled(np.array([[1.0, 0.0]]), np.array([1]), np.array([0]))
    angles = np.array([0.0, 0.1, 0.2, 0.3])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    gallery = labelled(vectors, np.array([1, JUNK, 2, 1]), np.array([0, 1, 0, 1]))
    assert best_matches(query, gallery, np.array([0]), 3).tolist() == [[2, 3, -1]]


def test_hostile_input():
    good = labelled(np.ones((2, 3)), np.zeros(2), np.zeros(2))
    with pytest.raises(InputError, match="NaN or infinity"):
        labelled(np.array([[np.nan, 1.0]]), np.zeros(1), np.zeros(1))
    with pytest.raises(InputError, match="expected \\(N, D\\)"):
        labelled(np.ones((2, 3)), np.zeros(3), np.zeros(2))
    with pytest.raises(InputError, match="vectors of queries and gallery are 3 and 2 long"):
        rank_gallery(good, labelled(np.ones((2, 2)), np.zeros(2), np.zeros(2)))


def test_histogram_counts_every_pair_once():
    query, gallery = scene(1, queries=300, gallery=50)
    histogram = similarity_histogram(query, gallery)
    similarity = dot_products(query, gallery)(slice(None))
    same, different = [], []
    for q in range(len(query)):
        for g in range(len(gallery)):
            if JUNK in (query.identity[q], gallery.identity[g]):
                continue
            if gallery.identity[g] != query.identity[q]:
                different.append(similarity[q, g])
            elif gallery.camera[g] != query.camera[q]:
                same.append(similarity[q, g])
    assert histogram.same.sum() == len(same)
    assert histogram.different.sum() == len(different)
    np.testing.assert_allclose(histogram.same, np.histogram(same, histogram.edges)[0], atol=2)
    np.testing.assert_allclose(histogram.different, np.histogram(different, histogram.edges)[0], atol=2)
    assert 0 < histogram.overlap < 1


# VmHWM, as ru_maxrss begins with what the parent held.
MEASURE = r"""
import re
from pathlib import Path
import numpy as np
from remix_track.retrieval.ranking import Labelled, rank_gallery
random = np.random.default_rng(0)
def part(n):
    vectors = random.standard_normal((n, 2048), dtype=np.float32)
    for row in vectors:
        row /= np.linalg.norm(row)
    return Labelled(vectors, random.integers(0, 3060, n).astype(np.int32), random.integers(0, 15, n).astype(np.int16))
evaluated = rank_gallery(part(11_659), part(82_161)).evaluated
print(evaluated, re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
def test_the_size_of_msmt17_stays_under_4_gb():
    run = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    evaluated, peak_kib = map(int, run.stdout.split())
    assert evaluated == 11_659
    assert peak_kib * 1024 < 4e9

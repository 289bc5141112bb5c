"""Clusters of tracklets: average linkage against a naive loop, people seen together, and tracklets of two people."""

import numpy as np
import pytest
import torch

from remix_track.data.crops.harvest_cache import crop_name, tracklet_and_frame
from remix_track.data.name_table import NameTable
from remix_track.data.readers.fewer_videos import fewer_videos
from remix_track.data.readers.video_set import VideoSet, join_video_sets
from remix_track.training import tracklet_clusters
from remix_track.training.method_settings import ClusterSettings
from remix_track.training.pseudo_labels import pseudo_labels
from remix_track.training.tracklet_clusters import (
    break_tracklets,
    cluster_tracklets,
    link_tracklets,
    seen_together,
    widest_break,
)
from tests.training_scenes import MemoryStore

TRACKLETS = ClusterSettings(tracklets=True, scope="video", k1=10, k2=4)


def at(*degrees):
    """Unit vectors (N, 2); the cosine distance of two is 1 - cos of their angle."""
    angle = np.radians(np.array(degrees, np.float64))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def apart(degrees):
    return 1 - np.cos(np.radians(degrees))


def partition(labels):
    return {frozenset(np.flatnonzero(labels == one).tolist()) for one in np.unique(labels)}


def naive_link(means, spans, eps):
    """Merge the two nearest clusters that may be one, until none are within `eps`; every mean is made anew."""
    clusters = [[row] for row in range(len(means))]

    def may(a, b):
        return not any(spans[i][0] <= spans[j][1] and spans[j][0] <= spans[i][1] for i in a for j in b)

    while True:
        pairs = [
            (np.mean([1 - means[i] @ means[j] for i in a for j in b]), x, y)
            for x, a in enumerate(clusters)
            for y, b in enumerate(clusters[:x])
            if may(a, b)
        ]
        if not pairs or min(pairs)[0] > eps:
            return {frozenset(one) for one in clusters}
        _, x, y = min(pairs)
        clusters[y] += clusters.pop(x)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("eps", [0.1, 0.4, 0.9])
def test_linking_is_the_naive_loop(seed, eps):
    rng = np.random.default_rng(seed)
    looks = rng.normal(size=(6, 5))[rng.integers(0, 6, 24)] + 0.4 * rng.normal(size=(24, 5))
    means = looks / np.linalg.norm(looks, axis=1, keepdims=True)
    first = rng.integers(0, 200, 24)
    spans = np.stack([first, first + rng.integers(0, 40, 24)], axis=1)
    assert seen_together(spans).any()
    found = link_tracklets(means, spans, eps)
    assert partition(found) == naive_link(means, spans, eps)
    assert sorted(set(found.tolist())) == list(range(found.max() + 1))


def test_both_sides_of_the_threshold():
    spans = np.array([[0, 9], [20, 29]])
    means = at(0, 30)
    assert len(partition(link_tracklets(means, spans, apart(30.1)))) == 1
    assert len(partition(link_tracklets(means, spans, apart(29.9)))) == 2


@pytest.mark.parametrize(("second", "people"), [(9, 2), (10, 1)])
def test_tracklets_seen_together_are_never_one_however_alike(second, people):
    spans = np.array([[0, 9], [second, 20]])  # frame 9 shows both, or the first alone
    assert len(partition(link_tracklets(at(0, 0), spans, 1.9))) == people


def test_a_third_tracklet_joins_one_of_two_who_are_seen_together():
    #   0 |----|         2 is as near to both; merged with one, it is forbidden to the other
    #   1   |----|
    #   2           |----|
    spans = np.array([[0, 9], [5, 15], [30, 39]])
    assert partition(link_tracklets(at(0, 20, 9), spans, 1.0)) == {frozenset({0, 2}), frozenset({1})}


def test_a_tracklet_of_two_people_is_cut_where_they_change():
    tracklet, frame = np.repeat([7, 3], 8), np.tile(np.arange(8), 2)
    unit = at(0, 2, 0, 1, 0, 70, 71, 70, *[35] * 8)
    piece = break_tracklets(unit, tracklet, frame, 0.35)
    assert partition(piece) == {frozenset(range(5)), frozenset(range(5, 8)), frozenset(range(8, 16))}
    assert len(partition(break_tracklets(unit, tracklet, frame, apart(71)))) == 2
    mixed = np.random.default_rng(0).permutation(16)
    again = break_tracklets(unit[mixed], tracklet[mixed], frame[mixed], 0.35)
    np.testing.assert_array_equal(again, piece[mixed])


@pytest.mark.parametrize("degrees", [25, 60])
def test_the_widest_break_is_the_naive_loop(degrees):
    rng = np.random.default_rng(degrees)
    unit = at(*rng.normal(0, 5, 6), *rng.normal(degrees, 5, 5))
    naive = []
    for cut in range(2, 10):
        before, after = unit[:cut].mean(axis=0), unit[cut:].mean(axis=0)
        naive.append(1 - before @ after / np.linalg.norm(before) / np.linalg.norm(after))
    cut, distance = widest_break(unit)
    assert cut == int(np.argmax(naive)) + 2
    assert distance == pytest.approx(max(naive))
    assert widest_break(unit[:3]) == (0, 0.0)


def test_two_exchanges_give_three_pieces_and_one_bad_crop_none():
    one = np.zeros(16, np.int64)
    back = at(*[0] * 4, *[90] * 8, *[0] * 4)
    assert len(partition(break_tracklets(back, one, np.arange(16), 0.35))) == 3
    bad = at(*[0] * 8, 60, *[0] * 7)
    assert len(partition(break_tracklets(bad, one, np.arange(16), 0.35))) == 1


def test_an_identity_of_few_crops_is_dropped():
    tracklet, frame = np.array([0, 0, 0, 0, 1, 1, 1]), np.arange(7)
    unit = at(0, 0, 0, 0, 90, 90, 90)
    assert cluster_tracklets(unit, tracklet, frame, TRACKLETS).tolist() == [0, 0, 0, 0, -1, -1, -1]
    together = cluster_tracklets(at(*[0] * 7), tracklet, frame, TRACKLETS)
    assert together.tolist() == [0] * 7


def test_a_long_video_is_cut_in_time(monkeypatch):
    monkeypatch.setattr(tracklet_clusters, "MOST_TRACKLETS", 3)
    tracklet = np.repeat(np.arange(6)[::-1], 4)
    found = cluster_tracklets(at(*[0] * 24), tracklet, 10 * tracklet + np.tile(np.arange(4), 6), TRACKLETS)
    assert partition(found) == {frozenset(range(12)), frozenset(range(12, 24))}


def street(rng, people=5, walks=3, each=6, noise=0.6):
    """Crops of people who come several times, two at once: vectors, tracklet and frame, person."""
    looks = rng.normal(size=(people, 32))
    tracklet = np.repeat(np.arange(people * walks), each)
    person = tracklet % people
    frame = tracklet // 2 * 100 + np.tile(np.arange(each), people * walks)
    vectors = looks[person] + noise * rng.normal(size=(len(person), 32))
    return torch.tensor(vectors, dtype=torch.float32), np.stack([tracklet, frame], axis=1), person


def test_people_who_come_again_are_one_identity_and_crops_of_unknown_tracklet_go_on_as_before():
    vectors, places, person = street(np.random.default_rng(0))
    video = np.zeros(len(person), np.int64)
    alone = pseudo_labels(vectors, video, TRACKLETS, person, places)
    assert (alone.report.clusters, alone.report.purity, alone.report.completeness) == (5, 1.0, 1.0)
    drawn, _, other = street(np.random.default_rng(1), noise=0.2)
    before = pseudo_labels(drawn, video, TRACKLETS, other)
    both = pseudo_labels(
        torch.cat([drawn, vectors]), np.concatenate([video, video + 1]), TRACKLETS, None,
        np.concatenate([np.full_like(places, -1), places]),
    ).labels  # fmt: skip
    kept = before.labels
    assert partition(both[: len(kept)][kept >= 0]) == partition(kept[kept >= 0])
    np.testing.assert_array_equal(both[: len(kept)] < 0, kept < 0)
    assert partition(both[len(kept) :]) == partition(alone.labels)
    assert not set(both[: len(kept)].tolist()) & set(both[len(kept) :].tolist())


def test_tracklets_are_left_alone_unless_asked_for():
    vectors, places, person = street(np.random.default_rng(0))
    video = np.zeros(len(person), np.int64)
    plain = ClusterSettings(scope="video", k1=10, k2=4)
    expected = pseudo_labels(vectors, video, plain, person).labels
    np.testing.assert_array_equal(pseudo_labels(vectors, video, plain, person, places).labels, expected)


def test_tracklet_and_frame_go_with_their_crops():
    assert tracklet_and_frame("a/" + crop_name(12, 345)) == (12, 345)
    places = np.stack([np.arange(20) // 4, np.arange(20)], axis=1)
    store = MemoryStore([b"%d" % row for row in range(20)])
    names, offsets = NameTable.of([b"a", b"b"]), np.array([0, 8, 20])
    known = VideoSet("footage", store, offsets, names, None, places)
    unknown = VideoSet("drawn", store, offsets, names)
    both = join_video_sets([unknown, known]).tracklet_frame
    np.testing.assert_array_equal(both, np.concatenate([np.full((20, 2), -1), places]))
    assert join_video_sets([unknown, unknown]).tracklet_frame is None
    part = fewer_videos(known, 0, 10, 0)
    rows = [int(part.store.read(row)) for row in range(10)]
    np.testing.assert_array_equal(part.tracklet_frame, places[rows])
    assert fewer_videos(unknown, 0, 10, 0).tracklet_frame is None
    with pytest.raises(ValueError, match="tracklet_frame"):
        VideoSet("footage", store, offsets, names, None, places[:, :1])

"""Tracks to people: nearest first, never two at one time in one video, not even by a chain of likeness."""

import itertools

import numpy as np
import pytest

from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.trackers.frame import Frame, TrackedFrame
from remix_track.trackers.linking import across_videos
from remix_track.trackers.linking.across_videos import TrackLooks, agglomerate, join_tracks
from remix_track.trackers.linking.replay import Recording


def looks(*tracks):
    """Tracks as (video, first, last, degrees): unit vectors in a plane."""
    angle = np.radians([track[3] for track in tracks])
    video, first, last = (np.array([track[column] for track in tracks], np.int64) for column in range(3))
    return TrackLooks(video, first, last, np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32))


def degrees(angle):
    return 1 - float(np.cos(np.radians(angle)))


def test_the_same_person_in_two_videos_and_lost_and_found_in_one():
    """Video 0: A---A   B---B, video 1: B A; nobody else is like them."""
    people = join_tracks(
        looks((0, 1, 9, 0), (0, 20, 30, 80), (1, 1, 9, 84), (0, 40, 50, 3), (1, 5, 9, 150)), degrees(8)
    )
    assert people.tolist() == [0, 1, 1, 0, 2]


def test_two_at_one_time_are_never_one_person():
    assert join_tracks(looks((0, 1, 9, 0), (0, 9, 20, 1)), 2).tolist() == [0, 1]
    assert join_tracks(looks((0, 1, 9, 0), (0, 10, 20, 1)), 2).tolist() == [0, 0]
    assert join_tracks(looks((0, 1, 9, 0), (1, 1, 9, 1)), 2).tolist() == [0, 0]


def test_no_chain_joins_two_at_one_time():
    """C of the other video is like both A and B; it goes to the nearer one, and takes the other's place."""
    assert join_tracks(looks((0, 1, 9, 0), (0, 5, 20, 6), (1, 1, 9, 4)), 2).tolist() == [0, 1, 1]


def test_likeness_is_the_mean_of_all_pairs():
    """Each is near to the next, and the ends are far: a chain breaks where the mean is too far."""
    chain = looks((0, 1, 1, 0), (1, 1, 1, 10), (2, 1, 1, 21), (3, 1, 1, 32))
    assert join_tracks(chain, degrees(12)).tolist() == [0, 0, 1, 1]


def test_who_has_no_look_stays_alone():
    tracks = looks((0, 1, 9, 0), (1, 1, 9, 0), (2, 1, 9, 0))
    tracks.mean[1] = 0
    assert join_tracks(tracks, 2).tolist() == [0, 1, 0]
    nobody = np.empty(0, np.int64)
    assert join_tracks(TrackLooks(nobody, nobody, nobody, np.empty((0, 0), np.float32)), 1).tolist() == []


def naive(distance, limit):
    """Groups as sets, every mean taken anew over all pairs."""
    groups = [{row} for row in range(len(distance))]
    while True:
        pairs = [
            (np.mean([distance[i, j] for i in a for j in b]), x, y)
            for (x, a), (y, b) in itertools.combinations(enumerate(groups), 2)
        ]
        if not pairs or min(pairs)[0] > limit:
            return {frozenset(group) for group in groups}
        _, x, y = min(pairs)
        groups[x] |= groups.pop(y)


@pytest.mark.parametrize("seed", range(6))
def test_agglomeration_against_a_naive_one(seed):
    random = np.random.default_rng(seed)
    distance = random.random((24, 24)).astype(np.float32)
    distance = np.maximum(distance, distance.T)
    apart = random.random((24, 24)) < 0.2
    distance[apart | apart.T] = np.inf
    np.fill_diagonal(distance, np.inf)
    wanted = naive(distance.copy(), 0.55)
    group = agglomerate(distance, 0.55)
    assert {frozenset(np.flatnonzero(group == one).tolist()) for one in np.unique(group)} == wanted
    assert 1 < len(wanted) < 24


def test_too_many_tracks_are_one_line(monkeypatch):
    monkeypatch.setattr(across_videos, "MOST_TRACKS", 1)
    with pytest.raises(InputError, match="2 tracks are too many to link at once; expected at most 1"):
        join_tracks(looks((0, 1, 9, 0), (1, 1, 9, 0)), 1)


def tracked(index, ids, vectors, seen=True):
    count = len(ids)
    rows = np.arange(count) if seen else np.full(count, -1)
    xyxy = np.array([[10 * id_, 0, 10 * id_ + 5, 20] for id_ in ids], np.float32).reshape(count, 4)
    tracks = Tracks(
        np.array(ids), xyxy, np.ones(count, np.float32), np.zeros(count, np.int64), rows, np.array(vectors, np.float32)
    )
    return TrackedFrame(index, np.zeros((1, 1, 3), np.uint8), index / 10, tracks)


def test_a_recording_gives_the_same_frames_with_other_ids():
    recording = Recording()
    recording.add(tracked(3, [1, 4], [[1, 0], [0, 1]]))
    recording.add(tracked(5, [], np.empty((0, 2))))
    recording.add(tracked(7, [1], [[0, 1]]))
    recording.add(tracked(9, [4], [[1, 0]], seen=False))
    summaries = recording.summaries()
    assert [(id_, one.first, one.last, one.boxes) for id_, one in summaries.items()] == [(1, 3, 7, 2), (4, 3, 9, 2)]
    np.testing.assert_allclose(summaries[1].mean, [0.5**0.5, 0.5**0.5], atol=1e-6)
    np.testing.assert_allclose(summaries[4].mean, [0, 1])  # a box without a detection shows nobody
    frames = list(recording.replay({1: 9, 4: 2}))
    assert [(frame.index, frame.time, frame.ids.tolist()) for frame in frames] == [
        (3, 0.3, [2, 9]), (5, 0.5, []), (7, 0.7, [9]), (9, 0.9, [2])
    ]  # fmt: skip
    assert frames[0].xyxy[:, 0].tolist() == [40, 10]
    assert frames[0].embeddings is not None
    np.testing.assert_allclose(frames[0].embeddings[0], [0, 1])
    pictures = (Frame(index, np.full((2, 2, 3), index, np.uint8), 0.0) for index in (3, 4, 7))
    again = list(recording.replay({1: 1, 4: 1}, pictures))
    assert [(frame.index, int(frame.image[0, 0, 0])) for frame in again] == [(3, 3), (7, 7)]

"""Tracks to people: nearest first, never two at one time in one video, not even by a chain of likeness."""

import dataclasses
import itertools

import numpy as np
import pytest

from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.track_means import TrackMeans
from remix_track.trackers.frame import Frame, TrackedFrame
from remix_track.trackers.linking import across_videos
from remix_track.trackers.linking.across_videos import agglomerate, join_tracks
from remix_track.trackers.linking.finished_video import FinishedVideo, VideoCollector


def video(*tracks):
    """Tracks of one video as (first, last, degrees): unit vectors in a plane."""
    first, last, _ = np.array(tracks, np.int64).reshape(-1, 3).T
    angle = np.radians([track[2] for track in tracks])
    mean = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    return TrackMeans(1 + np.arange(len(tracks)), first, last, 1 + last - first, mean)


def people(videos, limit):
    return [numbers.tolist() for numbers in join_tracks(videos, limit)]


def degrees(angle):
    return 1 - float(np.cos(np.radians(angle)))


def test_the_same_person_in_two_videos_and_lost_and_found_in_one():
    """Video 0: A---A   B---B, video 1: B A; nobody else is like them."""
    videos = [video((1, 9, 0), (20, 30, 80), (40, 50, 3)), video((1, 9, 84), (5, 9, 150))]
    assert people(videos, degrees(8)) == [[0, 1, 0], [1, 2]]


def test_two_at_one_time_are_never_one_person():
    assert people([video((1, 9, 0), (9, 20, 1))], 2) == [[0, 1]]
    assert people([video((1, 9, 0), (10, 20, 1))], 2) == [[0, 0]]
    assert people([video((1, 9, 0)), video((1, 9, 1))], 2) == [[0], [0]]


def test_no_chain_joins_two_at_one_time():
    """C of the other video is like both A and B; it goes to the nearer one, and takes the other's place."""
    assert people([video((1, 9, 0), (5, 20, 6)), video((1, 9, 4))], 2) == [[0, 1], [1]]


def test_likeness_is_the_mean_of_all_pairs():
    """Each is near to the next, and the ends are far: a chain breaks where the mean is too far."""
    chain = [video((1, 1, angle)) for angle in (0, 10, 21, 32)]
    assert people(chain, degrees(12)) == [[0], [0], [1], [1]]


def test_who_has_no_look_stays_alone():
    videos = [video((1, 9, 0)) for _ in range(3)]
    videos[1].mean[:] = 0
    assert people(videos, 2) == [[0], [1], [0]]


def test_a_video_without_tracks_has_no_people():
    nobody = VideoCollector().finished().means
    assert people([nobody], 1) == [[]]
    assert people([nobody, video((1, 9, 0)), nobody, video((1, 9, 3))], 1) == [[], [0], [], [0]]


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
        join_tracks([video((1, 9, 0)), video((1, 9, 0))], 1)


def tracked(index, ids, vectors, seen=True):
    count = len(ids)
    rows = np.arange(count) if seen else np.full(count, -1)
    xyxy = np.array([[10 * id_, 0, 10 * id_ + 5, 20] for id_ in ids], np.float32).reshape(count, 4)
    tracks = Tracks(
        np.array(ids), xyxy, np.ones(count, np.float32), np.zeros(count, np.int64), rows, np.array(vectors, np.float32)
    )
    return TrackedFrame(index, np.zeros((1, 1, 3), np.uint8), index / 10, tracks)


def collected() -> FinishedVideo:
    made = VideoCollector()
    made.add(tracked(3, [1, 4], [[1, 0], [0, 1]]))
    made.add(tracked(5, [], np.empty((0, 2))))
    made.add(tracked(7, [1], [[0, 1]]))
    made.add(tracked(9, [4], [[1, 0]], seen=False))
    return made.finished()


def test_a_finished_video_says_of_each_track_when_it_was_there_and_how_it_looked():
    means = collected().means
    columns = means.ids, means.first_frame, means.last_frame, means.count
    assert [column.tolist() for column in columns] == [[1, 4], [3, 3], [7, 9], [2, 2]]
    np.testing.assert_allclose(means.mean[0], [0.5**0.5, 0.5**0.5], atol=1e-6)
    np.testing.assert_allclose(means.mean[1], [0, 1])  # a box without a detection shows nobody


def test_a_finished_video_gives_the_same_frames_with_other_ids():
    video, other = collected(), np.array([9, 2])
    frames = list(video.replay(ids=other))
    assert [(frame.index, frame.time, frame.ids.tolist()) for frame in frames] == [
        (3, 0.3, [2, 9]), (5, 0.5, []), (7, 0.7, [9]), (9, 0.9, [2])
    ]  # fmt: skip
    assert frames[0].xyxy[:, 0].tolist() == [40, 10]
    assert frames[0].embeddings is not None
    np.testing.assert_allclose(frames[0].embeddings[0], [0, 1])
    assert not np.any(frames[3].embeddings), "no detection is behind this box"
    images = (Frame(index, np.full((2, 2, 3), index, np.uint8), 0.0) for index in (3, 4, 7))
    again = list(video.replay(images, np.array([1, 1])))
    assert [(frame.index, frame.time, int(frame.image[0, 0, 0])) for frame in again] == [(3, 0.3, 3), (7, 0.7, 7)]


def test_a_finished_video_takes_tracks_of_more_frames():
    video, more = collected(), tracked(5, [4], [[0, 0]], seen=False).tracks
    completed = video.completed({5: more, 9: Tracks.empty()})
    assert [completed.tracks(frame).ids.tolist() for frame in (3, 5, 7, 9)] == [[1, 4], [4], [1], []]
    assert not np.any(completed.tracks(5).embedding)
    assert (completed.means.last_frame.tolist(), completed.means.count.tolist()) == ([7, 5], [2, 2])
    assert video.tracks(9).ids.tolist() == [4], "the video stays what it is"


def test_parts_of_a_video_are_one_whose_ids_go_on():
    first, second = collected(), collected()
    renumbered = dataclasses.replace(first.means, ids=np.array([1, 2]))
    rows = np.searchsorted([1, 4], first.boxes["track"])
    first.boxes["track"] = second.boxes["track"] = renumbered.ids[rows]
    second.boxes["frame"] += 10
    parts = [dataclasses.replace(one, means=renumbered) for one in (first, second)]
    video = FinishedVideo.joined(parts, first.frames)
    assert [video.tracks(frame).ids.tolist() for frame in (3, 7, 13, 17, 19)] == [[1, 2], [1], [3, 4], [3], [4]]
    assert video.means.ids.tolist() == [1, 2, 3, 4]
    assert parts[1].tracks(13).ids.tolist() == [1, 2], "the parts stay what they are"
    np.testing.assert_array_equal(video.tracks(13).embedding, video.tracks(3).embedding)

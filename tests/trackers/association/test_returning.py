"""Who comes back after a while has their old id, at each of the numbers behind it."""

import numpy as np
import pytest

from remix_track.trackers.association.appearance_memory import AverageAppearance, Gallery, MeanAppearance
from remix_track.trackers.association.returning import LEAST, MOST, ReturningTracks
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.association.track_table import TRACK
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import frame_of, person

LIMIT = 0.4
OWN, OTHER, THIRD = np.eye(8, dtype=np.float32)[:3]
WIDTH = 1920


def tracker(fps: float = 30, **changes) -> Tracker:
    settings = DeepSortSettings(max_cosine_distance=LIMIT)
    association = AssociationSettings(**changes)
    return Tracker.around(None, fps=fps, settings=settings, association=association, frame_width=WIDTH)


def turned(share: float, towards: np.ndarray = THIRD) -> np.ndarray:
    """A unit vector whose cosine with `OWN` is `share`; the rest looks like `towards`."""
    return np.asarray(share * OWN + np.sqrt(1 - share**2) * towards, np.float32)


def id_after(
    hidden: int, look: np.ndarray = OWN, *, seen: int = 30, begin: float = 300, back: float = 1500, **changes
) -> int:
    """One stands at 300, is hidden for so many frames, and is back elsewhere; another stands there all the time."""
    tracking, stays = tracker(**changes), person(900)
    for _ in range(seen):
        tracking.update(frame_of(person(begin), stays, embedding=[OWN, OTHER]))
    for _ in range(hidden):
        tracking.update(frame_of(stays, embedding=[OTHER]))
    for _ in range(2):
        tracks = tracking.update(frame_of(person(back), stays, embedding=[look, OTHER]))
    return int(tracks.ids[tracks.xyxy[:, 0].argmin() if back < 900 else tracks.xyxy[:, 0].argmax()])


@pytest.mark.parametrize("hidden", [70, 120, 1000])
def test_who_was_hidden_for_long_has_the_old_id(hidden):
    assert id_after(hidden) == 1
    # After 70 frames the widened gate still reaches, after `max_age`, 90, there is no track any more.
    assert id_after(hidden, reidentify=False) == (1 if hidden == 70 else 3)


@pytest.mark.parametrize("memory", ["mean", "gallery", "both"])
def test_it_works_with_every_memory(memory):
    assert id_after(120, appearance_memory=memory) == 1


def test_a_stranger_is_somebody_new():
    assert id_after(120, THIRD) == 3


@pytest.mark.parametrize(("share", "expected"), [(0.69, 1), (0.67, 3)])
def test_the_distance_is_four_fifths_of_the_calibrated_one(share, expected):
    """0.31 and 0.33, of 0.32."""
    assert id_after(120, turned(share)) == expected


@pytest.mark.parametrize(("share", "expected"), [(0.77, 1), (0.75, 3)])
def test_everybody_else_has_to_be_farther_by_a_margin(share, expected):
    """The one who stands there is 0.36 and 0.34 away: seven tenths of it are 0.25 and 0.24, of 0.23 and 0.25."""
    assert id_after(120, turned(share, OTHER)) == expected


@pytest.mark.parametrize(("seen", "expected"), [(LEAST, 1), (LEAST - 1, 3)])
def test_of_who_was_seen_too_shortly_too_little_is_known(seen, expected):
    assert id_after(120, seen=seen) == expected


@pytest.mark.parametrize(("hidden", "fps", "expected"), [(28, 30, 1), (27, 30, 3), (8, 10, 1), (7, 10, 3)])
def test_a_live_track_is_away_after_a_second(hidden, fps, expected):
    """It is named in the second frame after."""
    assert id_after(hidden, fps=fps) == expected


@pytest.mark.parametrize(("begin", "back", "expected"), [(0, 1880, 3), (0, 1500, 1), (300, 1880, 1)])
def test_who_left_at_a_side_and_enters_at_one_is_somebody_new(begin, back, expected):
    assert id_after(120, begin=begin, back=back) == expected


def test_of_two_who_look_alike_one_is_back():
    tracking = tracker()
    for _ in range(30):
        tracking.update(frame_of(person(300), person(900), embedding=[OWN, OTHER]))
    for _ in range(120):
        tracking.update(frame_of(person(900), embedding=[OTHER]))
    for _ in range(2):
        tracks = tracking.update(frame_of(person(100), person(1500), person(900), embedding=[OWN, OWN, OTHER]))
    assert sorted(tracks.ids.tolist()) == [1, 2, 3]


def test_no_live_track_is_left_of_who_is_back():
    tracking = tracker()
    for _ in range(30):
        tracking.update(frame_of(person(300), person(900), embedding=[OWN, OTHER]))
    for _ in range(40):
        tracking.update(frame_of(person(900), embedding=[OTHER]))
    for _ in range(2):
        tracking.update(frame_of(person(1500), person(900), embedding=[OWN, OTHER]))
    assert sorted(tracking._life_cycle.tracks["public_id"].tolist()) == [1, 2]
    tracks = tracking.update(frame_of(person(300), person(900), embedding=[THIRD, OTHER]))
    assert tracks.ids.tolist() == [2], "nobody waits at the old place any more"


def test_another_scene_forgets():
    tracking = tracker()
    for _ in range(30):
        tracking.update(frame_of(person(300), embedding=[OWN]))
    tracking.end_tracks()
    for _ in range(2):
        tracks = tracking.update(frame_of(person(300), embedding=[OWN]))
    assert tracks.ids.tolist() == [2]


def test_the_newest_two_hundred_are_remembered():
    memory, rows = MeanAppearance(0.9), np.arange(MOST + 2)
    memory.open(rows)
    vectors = np.eye(MOST + 2, dtype=np.float32)
    for _ in range(LEAST):
        memory.add(rows, vectors)
    tracks = np.zeros(MOST + 1, TRACK)
    tracks["memory"], tracks["public_id"] = rows[:-1], 1 + rows[:-1]
    returning = ReturningTracks(memory, LIMIT, 30)
    returning.note_ended(tracks)
    again = np.zeros(2, TRACK)
    again["memory"] = [0, 1]
    assert returning.find(again, np.array([0, 1]), None).tolist() == [0, 2]
    assert returning.find(again, np.array([0, 1]), None).tolist() == [0, 0], "who is found is not absent any more"


def test_the_mean_of_a_gallery_is_that_of_its_vectors():
    gallery, rows = Gallery(100), np.array([0, 1])
    gallery.open(rows)
    gallery.add(rows, np.array([[1, 0], [1, 0]], np.float32))
    gallery.add(rows, np.array([[0, 1], [-1, 0]], np.float32))
    half = np.sqrt(0.5)
    assert gallery.mean(rows) == pytest.approx(np.array([[half, half], [-1, 0]])), "of opposite ones the newest"
    assert AverageAppearance([gallery]).mean(rows) == pytest.approx(gallery.mean(rows))
    assert gallery.mean(rows[:0]).shape == (0, 2)

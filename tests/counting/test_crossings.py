"""Who crosses a line: direction, hysteresis, gaps, and the same count as supervision's where both mean the same."""

from dataclasses import replace

import numpy as np
import pytest

from remix_track.counting.crossings import IN, OUT, Crossings, crossings, once
from remix_track.counting.ground_plane import GroundPlane
from remix_track.counting.zones_file import CountSettings
from tests.counting.ways import SETTINGS, along, line, together, way

pytest.importorskip("shapely")

#       y=0
#   100  . - - - DOOR - - - > .  500      in is up: left of the arrow
#       y=200
DOOR = line((100, 100), (500, 100))


def directions(points, seen=DOOR, settings=SETTINGS, **others):
    return crossings(seen, way(points, **others), settings).direction.tolist()


def test_in_is_from_the_right_of_the_arrow_to_its_left():
    up, down = along((300, 160), (300, 40), 9), along((300, 40), (300, 160), 9)
    assert directions(up) == [IN]
    assert directions(down) == [OUT]
    assert directions(up, line((500, 100), (100, 100))) == [OUT]
    assert directions([*up, *down]) == [IN, OUT]


def test_time_is_when_the_line_was_reached_and_frame_the_first_beyond_it():
    found = crossings(DOOR, way([(300, 130), (300, 106), (300, 96), (300, 40)], begin=7), SETTINGS)
    assert found.time.tolist() == pytest.approx([7.16])
    assert found.frame.tolist() == [3]


def test_the_line_ends_where_its_points_are():
    assert directions(along((101, 160), (101, 40), 9)) == [IN]
    assert directions(along((99, 160), (99, 40), 9)) == []
    around = [(300, 130), (50, 130), (50, 40), (300, 40), (300, 130)]
    assert directions(around) == [OUT]


@pytest.mark.parametrize(("far", "count"), [(4.9, 1), (5.2, 3)])
def test_shaking_on_the_line_counts_once_up_to_the_hysteresis(far, count):
    """A tenth of the height, which is 50."""
    shaking = [(300, 140), (300, 100 - far), (300, 100 + far), (300, 100 - far), (300, 60)]
    assert directions(shaking) == [IN, OUT, IN][:count]


def test_who_turns_around_on_the_line_did_not_cross_it():
    assert directions([(300, 140), (300, 98), (310, 97), (300, 104), (300, 140)]) == []
    assert directions([(300, 140), (300, 98), (310, 90), (300, 104), (300, 140)]) == [IN, OUT]
    # Without hysteresis each change of side counts.
    assert directions([(300, 140), (300, 98), (310, 97), (300, 104)], settings=CountSettings(hysteresis=0)) == [IN, OUT]


def test_a_gap_is_walked_through_up_to_the_time_that_the_tracker_keeps_a_track():
    with_gap = [(300, 160), *[None] * 29, (300, 40)]
    assert directions(with_gap) == [IN]
    assert directions([(300, 160), *[None] * 30, (300, 40)]) == []
    assert directions([(300, 160), *[None] * 30, (300, 40)], settings=CountSettings(bridge=4)) == [IN]


def test_a_track_that_broke_goes_on_as_the_same_person_and_without_identity_does_not():
    before, after = [(300, 160), (300, 110)], [(300, 90), (300, 40)]
    for who, expected in ((5, [IN]), (None, [])):
        feet = together(way(before, track=1, who=who), way(after, track=2, begin=1, who=who))
        found = crossings(DOOR, feet, SETTINGS)
        assert found.direction.tolist() == expected
    assert together(way(before), way(after)).who.tolist() == [-2] * 4


def test_two_tracks_of_one_person_at_once_are_two_ways():
    """Else the way would jump from one to the other and back."""
    feet = together(way([(300, 150)] * 9, who=5), way([(200, 40)] * 9, track=2, begin=0.05, who=5))
    assert len(crossings(DOOR, feet, SETTINGS)) == 0


def test_a_line_of_several_points_is_crossed_once_at_its_corner():
    bent = line((100, 100), (300, 100), (300, 300))
    assert directions(along((200, 150), (400, 50), 11), bent) == [IN]
    assert directions(along((290, 110), (310, 90), 3), bent) == [IN]
    # Past the corner from outside to outside.
    assert directions(along((200, 90), (400, 90), 7), bent) == []
    assert directions(along((200, 150), (400, 150), 7), bent) == [IN]


def test_in_metres_in_is_where_the_image_shows_it():
    """The image shows y downwards and metres are counted away from the camera, or the other way around."""
    pixels = np.array([[0, 200], [600, 200], [600, 0], [0, 0]], float)
    for metres in (
        [[0, 0], [6, 0], [6, 2], [0, 2]],
        [[0, 2], [6, 2], [6, 0], [0, 0]],
        [[2, 0], [2, 6], [0, 6], [0, 0]],
    ):
        plane = GroundPlane.of_points(pixels, np.array(metres, float))
        points = plane.to_metres(np.array(DOOR.place.points))
        seen = DOOR._replace(place=replace(DOOR.place, points=tuple(map(tuple, points)), unit="metres"), plane=plane)
        assert directions(along((300, 160), (300, 40), 9), seen) == [IN]
        assert directions(along((300, 40), (300, 160), 9), seen) == [OUT]


def test_feet_above_the_horizon_are_nowhere():
    pixels, metres = [[100, 300], [500, 300], [400, 200], [200, 200]], [[-1, 1], [1, 1], [1, 2], [-1, 2]]
    plane = GroundPlane.of_points(np.array(pixels, float), np.array(metres, float))
    assert np.isnan(plane.to_metres(np.array([[300.0, 90.0], [300.0, 100.0]]))).all()
    seen = DOOR._replace(plane=plane)
    assert directions([(300, 260), (300, 50), (300, 260)], seen) == []


def merged(*found):
    return Crossings(*(np.concatenate([getattr(one, name) for one in found]) for name in Crossings.__slots__))


def test_two_cameras_that_see_one_crossing_count_it_once():
    up = [(300, 160), (300, 40)]
    both = merged(*(crossings(DOOR, way(up, begin=begin, who=5), SETTINGS) for begin in (2.4, 0)))
    assert len(once(both, 2.5)) == 1
    assert len(once(both, 2.3)) == 2
    other = crossings(DOOR, way(up, begin=1, who=6), SETTINGS)
    assert once(merged(both, other), 2.5).who.tolist() == [5, 6]
    there_and_back = [crossings(DOOR, way(up[:: 1 - 2 * (n % 2)], begin=n, who=5), SETTINGS) for n in range(3)]
    assert once(merged(*there_and_back), 3).direction.tolist() == [IN, OUT, IN]


def test_without_feet_there_are_no_crossings():
    assert len(crossings(DOOR, way([]), SETTINGS)) == 0
    assert len(crossings(DOOR, way([(300, 160)]), SETTINGS)) == 0


def test_as_many_as_supervisions_line_zone_counts():
    """With one anchor, the foot, and without hysteresis; walkers keep between the ends, where both mean the same."""
    supervision = pytest.importorskip("supervision")
    rng = np.random.default_rng(4)
    people = [_wander(rng) for _ in range(60)]
    feet = together(*(way(points, track=number) for number, points in enumerate(people, 1)))
    for ends in (((0, 100), (900, 100)), ((900, 130), (0, 80))):
        theirs = supervision.LineZone(*(supervision.Point(*one) for one in ends), [supervision.Position.BOTTOM_CENTER])
        for at in range(len(people[0])):
            xyxy = np.array([[x - 10, y - 50, x + 10, y] for x, y in (one[at] for one in people)])
            theirs.trigger(supervision.Detections(xyxy=xyxy, tracker_id=np.arange(1, len(people) + 1)))
        ours = crossings(line(*ends), feet, CountSettings(hysteresis=0)).direction
        assert theirs.in_count > 20
        assert (int((ours == IN).sum()), int((ours == OUT).sum())) == (theirs.in_count, theirs.out_count)


def _wander(rng):
    steps = np.cumsum(rng.normal(0, [4, 9], (80, 2)), axis=0)
    return np.clip(steps + rng.uniform([300, 60], [600, 140]), [150, -200], [750, 400]).round(2).tolist()

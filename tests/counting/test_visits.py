"""Who is in a zone: entries, exits, dwell, gaps, cameras that see one zone."""

from dataclasses import replace

import numpy as np
import pytest

from remix_track.counting.visits import united, visits
from remix_track.counting.zones_file import CountSettings
from tests.counting.ways import SETTINGS, along, together, way, zone

pytest.importorskip("shapely")

SHOP = zone((100, 100), (300, 100), (300, 300), (100, 300))


def stays(feet, until=np.inf, seen=SHOP, settings=SETTINGS):
    found = visits(seen, feet, settings, until)
    return list(zip(found.begin.round(3).tolist(), found.end.round(3).tolist(), found.open.tolist(), strict=True))


def test_a_stay_lasts_from_border_to_border():
    found = visits(SHOP, way(along((80, 200), (380, 200), 16)), SETTINGS)
    assert found.begin.tolist() == pytest.approx([0.1])
    assert found.end.tolist() == pytest.approx([1.1])
    assert (found.first_frame.tolist(), found.last_frame.tolist()) == ([2], [12])


def test_the_border_is_reached_on_the_straight_way_also_through_a_gap():
    assert stays(way([(60, 200), None, None, None, (110, 200), (290, 200), None, (310, 200)])) == [(0.32, 0.6, False)]


@pytest.mark.parametrize(("out", "entries"), [(304.9, 1), (305.1, 2)])
def test_shaking_on_the_border_enters_once_up_to_the_hysteresis(out, entries):
    found = stays(way([(250, 200), (298, 200), (out, 200), (298, 200), (350, 200)]))
    assert len(found) == entries
    # The end is when the inside was left for the last time, not when the hysteresis was.
    lingering = stays(way([(250, 200), (299, 200), (303, 200), (304, 200), (304, 200), (350, 200)]))
    assert lingering == [(0.0, 0.125, False)]


def test_near_the_border_outside_is_not_inside():
    assert stays(way([(302, 200)] * 5)) == []
    assert stays(way([(350, 200), (303, 200), (350, 200)])) == []
    assert stays(way([(300, 300)])) == [(0.0, 0.0, False)]


def test_who_appears_and_vanishes_inside_has_a_stay_that_is_open_where_the_recording_ends():
    inside = way([(200, 200)] * 11)
    assert stays(inside) == [(0.0, 1.0, False)]
    assert stays(inside, until=3.9) == [(0.0, 1.0, True)]
    assert stays(inside, until=4.1) == [(0.0, 1.0, False)]
    assert stays(way([(200, 200), (400, 200)]), until=0.1) == [(0.0, 0.05, False)]


def test_gaps_within_and_between_tracks_of_a_person():
    gap = way([(200, 200), *[None] * 29, (200, 200)])
    assert stays(gap) == [(0.0, 3.0, False)]
    assert stays(way([(200, 200), *[None] * 30, (200, 200)])) == [(0.0, 0.0, False), (3.1, 3.1, False)]
    for who, count in ((7, 1), (None, 2)):
        feet = together(way([(200, 200)] * 5, who=who), way([(210, 200)] * 5, track=2, begin=2, who=who))
        assert len(stays(feet)) == count


def test_a_gap_may_be_outside():
    feet = way([(200, 200), (290, 200), None, None, (290, 320), (290, 290)])
    assert len(stays(feet)) == 2


def test_a_zone_with_a_bay():
    """The way from one arm to the other leads through the bay, which is outside."""
    arms = zone((0, 0), (300, 0), (300, 300), (200, 300), (200, 100), (100, 100), (100, 300), (0, 300))
    assert stays(way(along((50, 200), (250, 200), 5)), seen=arms) == [(0.0, 0.1, False), (0.3, 0.4, False)]


def test_two_cameras_that_see_one_zone_have_one_stay_of_a_person():
    first, second = way([(200, 200)] * 20, who=3), way([(150, 200)] * 20, track=9, begin=1.5, who=3)
    stranger = way([(250, 250)] * 5, track=10, who=None)
    parts = [visits(SHOP, one, SETTINGS) for one in (first, second, stranger)]
    found = united(parts, 3)
    assert sorted(zip(found.who.tolist(), found.begin.tolist(), found.end.round(3).tolist(), strict=True)) == [
        (-11, 0.0, 0.4), (3, 0.0, 3.4),
    ]  # fmt: skip
    later = visits(SHOP, way([(150, 200)] * 2, track=11, begin=6.5, who=3), SETTINGS)
    assert len(united([*parts, later], 3)) == 3
    assert len(united([*parts, later], 3.2)) == 2
    # A short stay within a long one does not end it.
    within = replace(parts[0], end=np.array([0.5]))
    assert united([parts[0], within], 0).end.tolist() == [pytest.approx(1.9)]


def test_a_stay_of_two_cameras_is_open_where_the_one_that_sees_it_last_does_not_see_the_end():
    stands = visits(SHOP, way([(200, 200)] * 10, who=3), SETTINGS, until=1.0)
    leaves = visits(SHOP, way([(200, 200)] * 20 + [(400, 200)], track=2, who=3), SETTINGS, until=9.0)
    assert (stands.open.tolist(), united([stands, leaves], 3).open.tolist()) == ([True], [False])
    late = visits(SHOP, way([(200, 200)] * 40, track=3, who=3), SETTINGS, until=4.0)
    assert united([leaves, late], 3).open.tolist() == [True]


def test_who_was_seen_to_leave_and_comes_back_at_once_has_two_stays():
    leaves = visits(SHOP, way([(200, 200), (400, 200)], who=3), SETTINGS)
    comes = visits(SHOP, way([(400, 200), (200, 200)], track=2, begin=1, who=3), SETTINGS)
    appears = visits(SHOP, way([(200, 200)] * 3, track=2, begin=1, who=3), SETTINGS)
    vanishes = visits(SHOP, way([(200, 200)], who=3), SETTINGS)
    counts = [
        len(united(both, 3)) for both in ((leaves, comes), (leaves, appears), (vanishes, comes), (vanishes, appears))
    ]
    assert counts == [2, 2, 2, 1]


def test_the_same_feet_are_inside_as_supervisions_polygon_zone_says():
    """It rounds to whole pixels, so feet keep two pixels from the border."""
    supervision = pytest.importorskip("supervision")
    shapely = pytest.importorskip("shapely")
    corners = [(100, 80), (400, 120), (260, 200), (420, 330), (90, 300)]
    theirs = supervision.PolygonZone(np.array(corners), [supervision.Position.BOTTOM_CENTER])
    rng = np.random.default_rng(1)
    xy = rng.uniform([0, 0], [500, 400], (3000, 2)).round(1)
    xy = xy[shapely.distance(shapely.Polygon(corners).exterior, shapely.points(xy)) > 2]
    boxes = np.column_stack([xy[:, 0] - 10, xy[:, 1] - 50, xy[:, 0] + 10, xy[:, 1]])
    inside = theirs.trigger(supervision.Detections(xyxy=boxes))
    # Each a track of its own, a moment long.
    feet = together(way([xy[0].tolist()], track=0))
    feet = replace(
        feet, who=-1 - np.arange(len(xy)), track=np.arange(len(xy)), time=np.zeros(len(xy)),
        frame=np.arange(len(xy)), xy=xy, height=np.full(len(xy), 50.0),
    )  # fmt: skip
    found = visits(zone(*corners), feet, CountSettings(hysteresis=0))
    assert sorted(found.track.tolist()) == np.flatnonzero(inside).tolist()
    assert 500 < len(found) < 2500


def test_without_feet_there_are_no_stays():
    assert stays(way([])) == []
    assert len(united([visits(SHOP, way([]), SETTINGS)], 3)) == 0

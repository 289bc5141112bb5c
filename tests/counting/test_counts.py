"""Counts of several cameras, and their rows in intervals, against naive loops."""

import csv
import io

import numpy as np
import pytest

from remix_track.counting.counts import Recording, count
from remix_track.counting.feet import track_number
from remix_track.counting.table import COLUMNS, MOST_INTERVALS, csv_text, passages_csv, rows_of, time_text, total_of
from remix_track.counting.zones_file import Place, Zones
from remix_track.errors import InputError
from tests.counting.ways import along, together, way

pytest.importorskip("shapely")

SQUARE = ((100.0, 100.0), (300.0, 100.0), (300.0, 300.0), (100.0, 300.0))
DOOR = ((100.0, 200.0), (300.0, 200.0))
INSIDE, THROUGH = [(200, 200)], along((200, 260), (200, 140), 4)


def counted(parts, *places, clock=True, cameras=None):
    recordings = [Recording(camera, feet, begin, end) for camera, feet, begin, end in parts]
    names = cameras or list(dict.fromkeys(one.camera for one in recordings))
    return count(recordings, Zones(places), names, sources=["run"] * 40, clock=clock)


def test_a_place_that_two_cameras_see_counts_each_person_once():
    shop = [Place("zone", "shop", SQUARE, camera) for camera in ("a", "b")]
    door = [Place("line", "door", DOOR, camera) for camera in ("a", "b")]
    first = together(way(INSIDE * 20, who=1), way(THROUGH, track=2, who=2))
    second = together(way(INSIDE * 20, track=3, begin=1, who=1), way(THROUGH, track=4, begin=0.5, who=2))
    parts = [("a", first, 0, 9), ("b", second, 0, 9)]
    zone, line = counted(parts, *shop, *door).places
    assert (zone.name, zone.cameras, total_of(zone).ins, total_of(zone).people) == ("shop", ("a", "b"), 2, 2)
    assert (total_of(line).ins, total_of(line).people) == (1, 1)
    # Of clocks that are not known, nothing can be said of both together.
    apart = counted(parts, *shop, clock=False).places
    assert [(one.name, total_of(one).ins) for one in apart] == [("shop (a)", 2), ("shop (b)", 2)]


def test_who_is_there_when_one_camera_ends_does_not_stay_for_as_long_as_another_goes_on():
    shop = [Place("zone", "shop", SQUARE, camera) for camera in ("a", "b")]
    again = [way(INSIDE * 5, track=track, begin=begin, who=1) for track, begin in ((2, 4000), (3, 8000))]
    (zone,) = counted([("a", way(INSIDE * 20, who=1), 0, 2), ("b", together(*again), 0, 9000)], *shop).places
    assert zone.visits is not None
    assert not zone.visits.open.any()
    assert [(one.ins, one.outs, one.people, one.max_occupancy) for one in rows_of(zone, 3600)] == [
        (1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 1),
    ]  # fmt: skip
    # Who is there when all end is there still.
    (zone,) = counted([("a", way(INSIDE * 20, who=1), 0, 2), ("b", way([(0, 0)], track=2, who=2), 0, 2)], *shop).places
    assert zone.visits is not None
    assert zone.visits.open.tolist() == [True]


def test_a_moment_in_which_nothing_happens_counts_nothing():
    (door,) = counted([("a", way([(0, 0)]), 5, 5)], Place("line", "door", DOOR)).places
    total = total_of(door)
    assert (total.begin, total.end, total.recorded, total.ins, total.outs, total.people) == (5, 5, 0, 0, 0, 0)


def test_a_place_without_a_camera_is_one_before_each():
    parts = [(camera, way(INSIDE * 3, who=1), 0, 9) for camera in ("a", "b")]
    assert [one.name for one in counted(parts, Place("zone", "shop", SQUARE)).places] == ["shop (a)", "shop (b)"]
    assert [one.name for one in counted(parts[:1], Place("zone", "shop", SQUARE)).places] == ["shop"]


def test_tracks_of_no_known_person_count_one_each_and_are_said():
    feet = together(way(INSIDE * 3, who=1), way(INSIDE * 3, track=2), way(INSIDE * 3, track=3))
    found = counted([("a", feet, 0, 9)], Place("zone", "shop", SQUARE))
    assert (found.tracks, found.unknown, total_of(found.places[0]).people) == (3, 2, 3)


def test_entries_less_exits_are_those_who_are_there_in_each_interval():
    """Against a loop over the stays, each a begin and an end of somebody."""
    rng = np.random.default_rng(2)
    ways = []
    spans: dict[int, list[tuple[float, float]]] = {}
    for track in range(1, 40):
        begin, length = float(rng.uniform(0, 50)), int(rng.integers(2, 90))
        who = int(rng.integers(1, 12)) if track % 3 else None
        ways.append(way(INSIDE * length, track=track, begin=begin, who=who))
        spans.setdefault(who or -track, []).append((begin, begin + (length - 1) / 10))
    (place,) = counted([("a", together(*ways), 0.0, 60.0)], Place("zone", "shop", SQUARE)).places
    stays = [(who, *stay) for who, own in spans.items() for stay in _bridged(own)]
    rows = rows_of(place, 7.0)
    assert [one.begin for one in rows] == [7.0 * n for n in range(9)]
    assert sum(one.recorded for one in rows) == pytest.approx(60)
    there = 0
    for row in rows:
        meet = [one for one in stays if one[1] < row.end and one[2] >= row.begin]
        assert row.people == len({who for who, _, _ in meet})
        moments = [row.begin, *(begin for _, begin, _ in meet if begin >= row.begin)]
        assert row.max_occupancy == max(sum(begin <= at < end for _, begin, end in meet) for at in moments)
        inside = sum(min(end, row.end) - max(begin, row.begin) for _, begin, end in meet)
        assert row.mean_occupancy * row.recorded == pytest.approx(inside)
        there += row.ins - row.outs
        assert there == sum(begin < row.end and (end >= row.end or end >= 57) for _, begin, end in stays)
    total = total_of(place)
    assert (total.ins, total.outs) == (sum(one.ins for one in rows), sum(one.outs for one in rows))
    assert total.max_occupancy == max(one.max_occupancy for one in rows)
    assert total.mean_occupancy * 60 == pytest.approx(sum(one.mean_occupancy * one.recorded for one in rows))


def _bridged(spans):
    """Spans of one person, with gaps of up to three seconds closed."""
    joined: list[list[float]] = []
    for begin, end in sorted(spans):
        if joined and begin - joined[-1][1] <= 3:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([begin, end])
    return joined


def test_dwell_is_of_the_stays_that_ended():
    feet = together(way(INSIDE * 11, track=1), way(INSIDE * 31, track=2, begin=9.5), way(INSIDE * 5, track=3, begin=19))
    (place,) = counted([("a", feet, 0.0, 20.0)], Place("zone", "shop", SQUARE)).places
    first, second = rows_of(place, 10.0)[:2]
    assert (first.outs, second.outs, second.ins, total_of(place).outs) == (1, 1, 1, 2)
    assert [first.mean_dwell, first.longest_dwell, second.mean_dwell] == pytest.approx([1, 1, 3])


def test_only_what_was_recorded_has_rows():
    parts = [("a", way(INSIDE * 5, begin=10), 0.0, 30.0), ("a", way(INSIDE * 5, track=2, begin=7210), 7200.0, 7230.0)]
    (place,) = counted(parts, Place("zone", "shop", SQUARE)).places
    assert [(one.begin, one.recorded) for one in rows_of(place, 60.0)] == [(0.0, 30.0), (7200.0, 30.0)]
    assert place.recorded.tolist() == [[0.0, 30.0], [7200.0, 7230.0]]
    with pytest.raises(InputError, match="give a longer one"):
        rows_of(place, 7230 / (MOST_INTERVALS + 1))


def test_a_piece_that_follows_does_not_count_twice_and_loses_nothing():
    """A file is cut in two while somebody is on the line and somebody else in the zone."""
    walk = along((200, 260), (200, 140), 40)
    whole = way(walk, who=1)
    places = Place("line", "door", DOOR), Place("zone", "shop", SQUARE)
    for cut in range(1, 39):
        first = whole[whole.frame <= cut]
        end = float(first.time[-1])
        recordings = [Recording("a", first, 0.0, end, last=False), Recording("a", whole, end, 3.9, after=end)]
        line, zone = count(recordings, Zones(places), ["a"], sources=["x"], clock=True).places
        assert (total_of(line).ins, total_of(line).outs) == (1, 0)
        assert (total_of(zone).ins, total_of(zone).people) == (1, 1)


def test_what_happened_before_a_piece_is_not_counted_from_its_end_alone():
    """Somebody turned around on the line; of the way that is looked at once more, only the turning back is left."""
    whole = way([(200, 260), (200, 199), *[(200, 199)] * 19, (200, 201), *[(200, 260)] * 40], who=1)
    first, tail = whole[whole.time <= 5], whole[whole.time >= 2]
    recordings = [Recording("a", first, 0.0, 5.0, last=False), Recording("a", tail, 5.0, 6.0, after=5.0)]
    (line,) = count(recordings, Zones((Place("line", "door", DOOR),)), ["a"], sources=["x"], clock=True).places
    assert (total_of(line).ins, total_of(line).outs) == (0, 0)


def test_who_shakes_on_a_line_over_the_end_of_a_piece_is_counted_once():
    """In, and after the cut out and in again, for longer than a gap that is bridged."""
    whole = way([(200, 260), *[(200, 199), (200, 201)] * 25, (200, 199), (200, 140)], who=1)
    for cut in range(2, 53):
        first = whole[whole.frame <= cut]
        end = float(first.time[-1])
        recordings = [Recording("a", first, 0.0, end, last=False), Recording("a", whole, end, 5.2, after=end)]
        (line,) = count(recordings, Zones((Place("line", "door", DOOR),)), ["a"], sources=["x"], clock=True).places
        assert total_of(line).ins - total_of(line).outs == 1
        assert total_of(line).ins == 1, cut


def test_a_foot_on_the_line_at_the_end_of_a_piece_is_in_one_of_both():
    for points in ([(200, 260), (200, 200), (200, 140)], [(200, 140), (200, 200), (200, 260)]):
        whole = way(points, who=1)
        first, end = whole[whole.frame <= 2], float(whole.time[1])
        recordings = [Recording("a", first, 0.0, end, last=False), Recording("a", whole, end, 0.2, after=end)]
        (line,) = count(recordings, Zones((Place("line", "door", DOOR),)), ["a"], sources=["x"], clock=True).places
        assert total_of(line).ins + total_of(line).outs == 1


def test_a_stay_of_one_box_takes_no_one_away():
    feet = together(way(INSIDE * 11, track=1), way(INSIDE, track=2, begin=0.5))
    (place,) = counted([("a", feet, 0.0, 20.0)], Place("zone", "shop", SQUARE)).places
    assert total_of(place).max_occupancy == 2
    (alone,) = counted([("a", way(INSIDE, begin=3), 0.0, 20.0)], Place("zone", "shop", SQUARE)).places
    assert [one.max_occupancy for one in rows_of(alone, 10.0)] == [1, 0]


def test_csv_says_times_by_the_clock_or_from_the_beginning():
    feet = together(way(THROUGH, begin=3600, who=4), way(INSIDE * 5, track=2, begin=3605))
    places = Place("line", "door, left", DOOR), Place("zone", "shop", SQUARE)
    found = counted([("a", feet, 3600.0, 3700.0)], *places)
    rows = list(csv.DictReader(io.StringIO(csv_text(found, 3600))))
    assert tuple(rows[0]) == COLUMNS
    assert [(one["place"], one["from"], one["in"], one["max_occupancy"]) for one in rows] == [
        ("door, left", "1970-01-01T01:00:00Z", "1", ""), ("shop", "1970-01-01T01:00:00Z", "2", "1.000"),
    ]  # fmt: skip
    passed = list(csv.DictReader(io.StringIO(passages_csv(found))))
    assert [(one["what"], one["person"], one["track"], one["first_frame"]) for one in passed] == [
        ("in", "4", "1", "3"), ("stay", "4", "1", "1"), ("stay", "", "2", "1"),
    ]  # fmt: skip
    assert (time_text(3605.25, clock=False), time_text(0, clock=False)) == ("3605.25", "0")
    assert time_text(1796000000.04, clock=True) == "2026-11-30T00:53:20.040Z"


def test_tracks_of_two_sources_are_two():
    assert len({*track_number(0, np.array([1, 2])).tolist(), *track_number(1, np.array([1, 2])).tolist()}) == 4

"""A store is counted by the clock, over files and cameras, and each person once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from remix_track.counting.store_feet import count_store, feet_of, pieces_of
from remix_track.counting.table import rows_of, total_of
from remix_track.counting.zones_file import Place, Zones
from remix_track.store import open_store
from remix_track.store.corrections import Corrections
from remix_track.store.gallery import Recognition
from remix_track.store.identify import identify
from remix_track.store.people import PeopleFiles
from remix_track.store.people_rows import recognised_rows
from tests.store.frames import frame, job, write

pytest.importorskip("pyarrow")
pytest.importorskip("shapely")

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
SHOP = Zones((Place("zone", "shop", ((0.0, 0.0), (400.0, 0.0), (400.0, 100.0), (0.0, 100.0)), "gate"),))
SETTINGS = {"tracker": {"max_cosine_distance": 0.3}}


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "S", create=True)


def add(store, name, people, *, seconds=0.0, camera="gate", frames=6):
    made = job(name, settings=SETTINGS, camera=camera, start=NOON + timedelta(seconds=seconds))
    return write(store, made, [frame(index, people) for index in range(1, frames + 1)])


def total(store, zones=SHOP, **options):
    (place,) = count_store(pieces_of(store, **options), zones).places
    return total_of(place)


def test_people_count_once_over_files_and_tracks_without_identity_each(store):
    add(store, "one", [1, 2])
    add(store, "two", [2, 1], seconds=0.6)
    add(store, "later", [1], seconds=3600)
    assert (total(store).ins, total(store).people) == (5, 5)
    identify(store)
    # The second file follows at once, the third an hour later.
    assert (total(store).ins, total(store).people) == (3, 2)
    (place,) = count_store(pieces_of(store), SHOP).places
    rows = rows_of(place, 3600)
    assert [(one.begin, one.people) for one in rows] == [(NOON.timestamp(), 2), (NOON.timestamp() + 3600, 1)]
    assert rows[0].recorded == pytest.approx(1.1)


def test_cameras_that_see_one_zone(store):
    add(store, "one", [1, 2])
    add(store, "other", [2, 3], camera="yard")
    identify(store)
    (first,) = SHOP.places
    both = Zones((first, Place("zone", "shop", first.points, "yard")))
    counts = count_store(pieces_of(store), both)
    assert (counts.places[0].cameras, counts.unknown) == (("gate", "yard"), 0)
    people = len(store.people())
    assert total_of(counts.places[0]).people == people
    assert total_of(counts.places[0]).ins == people


def test_only_some_of_it(store):
    add(store, "one", [1])
    add(store, "two", [1], seconds=7200)
    later = NOON + timedelta(hours=1)
    assert (total(store, since=later).ins, total(store, until=later).ins, total(store).ins) == (1, 1, 2)
    assert pieces_of(store, camera="yard").pieces == []
    assert pieces_of(store).cameras == ["gate"]


def test_files_of_no_time_of_day_are_left_out_and_said(store):
    add(store, "one", [1])
    undated = job("none", settings=SETTINGS)
    undated = replace(undated, source=replace(undated.source, absolute="/videos/none.mp4"))
    write(store, undated, [frame(1, [1])])
    found = pieces_of(store)
    assert (len(found.pieces), found.without_clock, found.sources) == (1, 1, ["one"])


def test_parts_of_a_camera_that_runs_go_on_with_the_same_tracks(store):
    made = job("live", settings=SETTINGS, camera="gate")
    with store.live_writer(made, seconds=1) as writer:
        for index in range(1, 36):
            writer.write(frame(index, [1], utc=NOON + timedelta(seconds=(index - 1) / 10)))
    found = pieces_of(store)
    assert [round(one.begin - NOON.timestamp(), 3) for one in found.pieces] == [0, 1, 2, 3]
    assert len(found.sources) == 1
    row = total(store)
    assert (row.ins, row.people, row.outs) == (1, 1, 0)
    assert row.recorded == pytest.approx(3.4)
    assert np.isclose(row.mean_occupancy, 1)


def test_what_a_user_rejected_is_nobody(store):
    stored = add(store, "one", [1, 2, 3])
    identify(store)
    Corrections.of(store).reject([(stored.key, 2)])
    assert (total(store).ins, total(store).people) == (2, 2)


def live(store, seconds=3.5):
    """A camera that one person stands before, in parts of a second."""
    made = job("live", settings=SETTINGS, camera="gate")
    with store.live_writer(made, seconds=1) as writer:
        for index in range(1, round(10 * seconds) + 1):
            writer.write(frame(index, [1], utc=NOON + timedelta(seconds=(index - 1) / 10)))
    return made.key


def recognise(store, people):
    """Write down whom track 1 of each part shows, as cameras that run do."""
    files = PeopleFiles(store.path)
    with files.locked():
        for part, person in people.items():
            files.add_rows(recognised_rows(part, {1: Recognition(person, 0.1, 0, 0.9, sure=True)}))


def test_what_was_rejected_before_a_camera_that_runs_is_nobody_in_later_parts(store):
    key = live(store)
    Corrections.of(store).reject([(f"{key}~0001", 1)])
    recognise(store, {f"{key}~{part:04}": 0 for part in (2, 3, 4)})
    row = total(store)
    assert (row.ins, row.people, row.mean_occupancy) == (0, 0, 0)


def test_a_live_track_that_is_recognised_in_a_later_part_is_one_person(store):
    key = live(store)
    recognise(store, {f"{key}~0003": 7, f"{key}~0004": 7})
    assert (total(store).ins, total(store).people) == (1, 1)
    # Also where the period ends before.
    (place,) = count_store(pieces_of(store, until=NOON + timedelta(seconds=1.5)), SHOP).places
    assert place.visits is not None
    assert place.visits.who.tolist() == [7]
    Corrections.of(store).reject([(f"{key}~0001", 1), (f"{key}~0002", 1)])
    assert [len(set(feet_of(one).who.tolist())) for one in pieces_of(store).pieces] == [0, 0, 1, 1]


def test_a_period_within_a_job_is_cut_out_of_it(store):
    made = job("one", settings=SETTINGS, camera="gate", start=NOON)
    # One walks to the right by a column a frame, over the door between 1.4 and 1.5 s; one leaves after a second.
    walks = [frame(index, [1, 2] if index <= 10 else [1], left=10.0 + index) for index in range(1, 31)]
    write(store, made, walks)
    door = Zones((Place("line", "door", ((35.5, 0.0), (35.5, 100.0)), "gate"),))

    def between(zones, since=None, until=None):
        moments = [None if one is None else NOON + timedelta(seconds=one) for one in (since, until)]
        return total(store, zones, since=moments[0], until=moments[1])

    row = between(SHOP, 1.5, 2.5)
    assert (row.begin, round(row.end - row.begin, 3), row.people) == (NOON.timestamp() + 1.5, 1.0, 1)
    assert (row.recorded, row.mean_occupancy) == (pytest.approx(1.0), pytest.approx(0.9))
    # Each crossing is in one of two periods that follow each other.
    for at in (1.3, 1.45, 1.5, 1.55, 1.6, 1.65, 1.8):
        halves = between(door, None, at), between(door, at)
        assert [one.ins + one.outs for one in halves] == ([0, 1] if at <= 1.5 else [1, 0]), at


def test_an_hour_in_which_no_one_came_is_recorded_too(store):
    add(store, "one", [], frames=20)
    row = total(store)
    assert (row.ins, row.recorded, row.mean_occupancy) == (0, pytest.approx(1.9), 0)

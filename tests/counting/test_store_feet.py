"""A store is counted by the clock, over files and cameras, and each person once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from remix_track.counting.store_feet import count_store, pieces_of
from remix_track.counting.table import rows_of, total_of
from remix_track.counting.zones_file import Place, Zones
from remix_track.store import open_store
from remix_track.store.corrections import Corrections
from remix_track.store.identify import identify
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


def test_an_hour_in_which_no_one_came_is_recorded_too(store):
    add(store, "one", [], frames=20)
    row = total(store)
    assert (row.ins, row.recorded, row.mean_occupancy) == (0, pytest.approx(1.9), 0)

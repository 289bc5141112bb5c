"""A search compares all tracklets and misses none: by few and by many the answers are those of the whole product."""

import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from remix_track.encoder.centred_tracks import centre_videos
from remix_track.errors import InputError
from remix_track.store import open_store, search, shadow_file, sketch
from remix_track.store.bounds import DIRECTIONS
from remix_track.store.shadow_file import ShadowFile
from remix_track.track_means import TrackMeans
from tests.store.frames import frame, job, vector, write

pytest.importorskip("pyarrow")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def filled(path, cameras=3, jobs=2, people=24):
    """Each camera has its light, and each job some of the people; tracks are numbered by people."""
    store = open_store(path, create=True)
    drawn = np.random.default_rng(0)
    for camera in range(cameras):
        for number in range(jobs):
            made = job(f"c{camera}-{number}", camera=f"c{camera}", start=NOON + timedelta(hours=number))
            there = sorted(drawn.choice(np.arange(1, 60), people, replace=False).tolist())
            frames = [frame(k, there, light=camera, coasting=there[:1]) for k in (1, 2)]
            write(store, made, frames)
    return store


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("search") / "S").path


@pytest.fixture
def store(path, tmp_path):
    shutil.copytree(path, tmp_path / "S")
    return open_store(tmp_path / "S")


@pytest.fixture
def many(monkeypatch):
    """As among millions, with what is taken out of each tracklet its own."""
    monkeypatch.setattr(search, "AT_ONCE", 0)
    monkeypatch.setattr(sketch, "CELL", 1)


def folder_of(store):
    """Of one job of the second camera."""
    return store.path / "jobs" / job("c1-0").key


def found(hits):
    return list(hits.tracklets.keys()), hits.distance


def same(one, other):
    assert list(one.tracklets.keys()) == list(other.tracklets.keys())
    assert np.allclose(one.distance, other.distance, atol=2e-5)


def by_hand(store, query):
    """As `remix-track search` does it with the files of runs, a camera each."""
    tracklets = store.tracklets()
    vectors = store.vectors(tracklets)
    known = vectors.any(axis=1)
    tracklets, vectors = tracklets[known], vectors[known]
    order = np.lexsort((tracklets.track, tracklets.first_utc))
    parts = [order[tracklets.camera[order] == camera] for camera in range(3)]
    videos = []
    for rows in parts:
        number = np.arange(len(rows))
        videos.append(TrackMeans(number, number, number, number, vectors[rows]))
    centred = centre_videos(videos)
    distance = np.zeros(len(tracklets))
    for rows, video in zip(parts, centred.videos, strict=True):
        distance[rows] = 1 - video.mean @ centred.stranger(query[None])[0]
    best = np.argsort(distance, kind="stable")[:10]
    return list(tracklets[best].keys()), distance[best], centred


def test_among_few_it_is_what_the_search_of_runs_does(store):
    query = vector(7, 3).astype(np.float32)
    keys, distance, centred = by_hand(store, query)
    hits = store.search(query)
    assert list(hits.tracklets.keys()) == keys
    assert np.allclose(hits.distance, distance, atol=1e-6)
    assert hits.compared == 3 * 2 * 23
    assert centred.max_distance is not None
    assert hits.unlikely is not None
    assert keys[0][1] == 7


@pytest.mark.parametrize("directions", [8, 3])
def test_among_many_it_is_the_same(store, many, monkeypatch, directions):
    """Also where the shadows do not have all of a vector."""
    monkeypatch.setattr(shadow_file, "DIRECTIONS", directions)
    for person in range(1, 20):
        query = vector(person, 3)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(search, "AT_ONCE", 10**6)
            few = store.search(query)
        hits = store.search(query)
        same(hits, few)
        assert hits.compared == few.compared
        assert hits.unlikely == pytest.approx(few.unlikely, abs=1e-4)


@pytest.mark.parametrize(
    "wanted",
    [{"camera": "c1"}, {"since": NOON + timedelta(hours=1)}, {"until": NOON + timedelta(hours=1)}, {"camera": "none"}],
)
def test_among_many_of_some_it_is_the_nearest_of_these(store, many, wanted):
    query = vector(7, 3)
    everything = store.search(query, top=10**6)
    allowed = set(store.tracklets(**wanted).keys())
    expected = [(key, one) for key, one in zip(*found(everything), strict=True) if key in allowed][:10]
    hits = store.search(query, **wanted)
    assert list(hits.tracklets.keys()) == [key for key, _ in expected]
    assert np.allclose(hits.distance, [one for _, one in expected], atol=1e-6)


@pytest.mark.parametrize("at_once", [4096, 0])
def test_enrolled_crops_are_no_sightings_and_change_no_distance_among_few(store, monkeypatch, at_once):
    monkeypatch.setattr(search, "AT_ONCE", at_once)
    query = vector(7, 3).astype(np.float32)
    before = store.search(query)
    given = job("given", camera="enrolled")
    write(store, given, [frame(1, [7])])
    after = store.search(query)
    assert "enrolled" in store.tracklets().cameras
    assert given.key not in {key for key, _ in found(after)[0]}
    assert after.compared == before.compared
    if at_once:
        same(before, after)


def test_no_bound_is_below_what_it_bounds(store, many, monkeypatch):
    monkeypatch.setattr(shadow_file, "DIRECTIONS", 2)
    shadows = store.shadows()
    known = np.flatnonzero(shadows.cell >= 0)
    centred = shadows.centred(store.path, known + 1)
    for person in range(1, 60):
        towards = shadows.towards(vector(person, 3).astype(np.float32))
        assert (shadows.upper(towards)[known] >= centred @ towards).all()
    assert shadows.shortest[known].min() < 0.9 * shadows.longest[known].min()


def test_what_is_not_finite_is_no_vector(store, monkeypatch):
    before = store.search(vector(7, 3), top=500)
    (key, track) = next(before.tracklets.keys())
    stored = store.job(key)
    row = int(before.tracklets.row[0])
    path = stored.folder / "vectors.npy"
    content = np.load(path)
    content[row, 3] = np.nan
    np.save(path, content)
    with pytest.MonkeyPatch.context() as patch:
        for least in (10**6, 0):
            patch.setattr(search, "AT_ONCE", least)
            hits = open_store(store.path).search(vector(7, 3), top=500)
            assert (key, track) not in set(hits.tracklets.keys())
            assert hits.compared == before.compared - 1
            assert np.isfinite(hits.distance).all()


def test_jobs_that_come_and_go_are_searched_as_in_a_store_made_anew(store, many, tmp_path):
    query = vector(7, 3)
    store.search(query)
    gone = folder_of(store).name
    shutil.rmtree(folder_of(store))
    write(store, job("new", camera="c0", start=NOON), [frame(1, range(1, 40), light=0)])
    hits = store.search(query, top=500)
    shutil.copytree(store.path, tmp_path / "other")
    anew = open_store(tmp_path / "other")
    anew.rebuild()
    same(hits, anew.search(query, top=500))
    assert not any(key == gone for key, _ in hits.tracklets.keys())  # noqa: SIM118


def test_nothing_is_left_of_the_vectors_of_a_job_that_went(store, many):
    store.search(vector(7, 3))
    folder = folder_of(store)
    tracklets = store.tracklets(jobs=[folder.name])
    rows = (tracklets.id.min() - 1, tracklets.id.max())
    (path,) = store.path.glob("index-*.sketch")
    kept = min(DIRECTIONS, 8)

    def shadow():
        content = np.fromfile(path, np.float32)[8 * kept :].reshape(-1, kept + 1)
        return content[rows[0] : rows[1]], np.delete(content, np.s_[rows[0] : rows[1]], axis=0)

    assert shadow()[0].any()
    rest = shadow()[1].copy()
    shutil.rmtree(folder)
    store.refresh()
    assert not shadow()[0].any()
    assert np.array_equal(shadow()[1], rest)


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_damaged_sketch_is_made_anew(store, many, damage):
    query = vector(7, 3)
    before = store.search(query)
    (path,) = store.path.glob("index-*.sketch")
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-40])
    same(open_store(store.path).search(query), before)
    (other,) = store.path.glob("index-*.sketch")
    assert other != path


def test_it_is_extended_in_batches(store, many, monkeypatch):
    monkeypatch.setattr(sketch, "_BATCH", 30)
    monkeypatch.setattr(sketch, "_ROWS_AT_ONCE", 7)
    query = vector(7, 3)
    hits = store.search(query)
    monkeypatch.setattr(search, "AT_ONCE", 10**6)
    same(hits, store.search(query))


def test_what_a_search_needs_is_said(store, tmp_path):
    with pytest.raises(InputError, match=r"vector has shape \(9,\), but .* has vectors of shape \(8,\)"):
        store.search(np.ones(9))
    for nothing in (np.zeros(8), np.full(8, np.nan)):
        with pytest.raises(InputError, match="vector has no direction"):
            store.search(nothing)
    with pytest.raises(InputError, match="`top` = 0"):
        store.search(np.ones(8), top=0)
    folder = folder_of(store)
    (folder / "vectors.npy").write_bytes(b"")
    with pytest.raises(InputError, match=r"vectors\.npy: cannot be read"):
        store.search(np.ones(8))
    empty = open_store(tmp_path / "empty", create=True)
    write(empty, job(), [])
    assert len(empty.search(np.ones(8))) == 0


@pytest.mark.parametrize("name", ["", "ab", "../x:8", "ab:x", "ab:", "ab:99999999", ":8"])
def test_no_name_in_the_index_leads_to_another_file(tmp_path, name):
    assert ShadowFile.named(tmp_path, name) is None

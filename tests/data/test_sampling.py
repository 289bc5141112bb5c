"""Mini-batches: exactly K each, all cameras, every identity, and the same again after a resume."""

import logging
from collections import Counter

import numpy as np
import pytest

from remix_track.data.batches import read_draw
from remix_track.data.decoding import CropReader
from remix_track.data.name_table import NameTable
from remix_track.data.sampling import IdentityIndex, MixedSampler, SamplingSettings, choose_videos, thin_rows
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError
from tests.crop_replicas import write


def labels(seed=0, people=20, most=9, cameras=5):
    random = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), random.integers(1, most + 1, people)).astype(np.int32)
    random.shuffle(identity)
    return identity, random.integers(0, cameras, len(identity)).astype(np.int16)


def flat(batch):
    return [*batch.multi.rows, *batch.multi.identity, *batch.single.rows, *batch.single.identity]


SMALL = SamplingSettings(multi_identities=4, multi_images=3, single_identities=3, single_images=2)


def epoch(sampler, number=0, single=None, start=0):
    return [sampler.batch(number, step, single) for step in range(start, 12)]


def test_index_groups_and_leaves_out_junk():
    identity, camera = np.array([7, -1, 3, 7, -2, 7]), np.array([1, 0, 0, 0, 0, 1])
    index = IdentityIndex.of(identity, camera, rows=np.array([10, 11, 12, 13, 14, 15]))
    assert index.labels.tolist() == [3, 7]
    assert index.offsets.tolist() == [0, 1, 4]
    assert index.rows.tolist() == [12, 13, 10, 15]
    assert index.camera.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("count", [1, 2, 4, 7, 30])
def test_an_identitys_images_come_from_as_many_cameras_as_it_has(count):
    identity, camera = labels()
    index = IdentityIndex.of(identity, camera)
    random = np.random.default_rng(1)
    for which in range(len(index)):
        own = np.flatnonzero(identity == which)
        drawn = index.draw(which, count, random)
        assert len(drawn) == count
        assert set(drawn.tolist()) <= set(own.tolist())
        assert len(set(camera[drawn].tolist())) == min(count, len(set(camera[own].tolist())))
        times = Counter(drawn.tolist())
        # Nothing comes a second time before everything came once.
        assert len(times) == min(count, len(own))
        assert max(times.values()) <= -(-count // len(own))


def test_every_image_has_its_chance():
    identity = np.zeros(10, np.int32)
    camera = np.array([0] * 9 + [1])
    index = IdentityIndex.of(identity, camera)
    random = np.random.default_rng(0)
    times = Counter(row for _ in range(900) for row in index.draw(0, 2, random).tolist())
    assert times[9] == 900
    assert all(60 < times[row] < 140 for row in range(9))


def test_batches_hold_exactly_k_of_different_identities():
    identity, camera = labels()
    pseudo = IdentityIndex.of(labels(1)[0], rows=1000 + np.arange(len(labels(1)[0])))
    sampler = MixedSampler(IdentityIndex.of(identity, camera), SMALL, seed=0)
    batches = epoch(sampler, 0, pseudo)
    for batch in batches:
        assert batch.multi.identity.reshape(4, 3).std(axis=1).max() == 0
        assert len(set(batch.multi.identity.tolist())) == 4
        assert (identity[batch.multi.rows] == batch.multi.identity).all()
        assert len(set(batch.single.identity.tolist())) == 3
        assert len(batch.single) == 6
        assert batch.single.rows.min() >= 1000
    # 20 identities make a deck of 5 batches: everybody once per deck.
    for deck in (batches[:5], batches[5:10]):
        assert len({label for batch in deck for label in batch.multi.identity.tolist()}) == 20


def test_same_seed_same_batches_and_resume_at_any_step():
    index = IdentityIndex.of(*labels())
    pseudo = IdentityIndex.of(labels(1)[0])
    whole = [flat(batch) for batch in epoch(MixedSampler(index, SMALL, seed=5), 3, pseudo)]
    for start in (0, 1, 7, 11, 12):
        again = epoch(MixedSampler(index, SMALL, seed=5), 3, pseudo, start)
        assert [flat(batch) for batch in again] == whole[start:]
    assert [flat(batch) for batch in epoch(MixedSampler(index, SMALL, seed=6), 3, pseudo)] != whole
    assert [flat(batch) for batch in epoch(MixedSampler(index, SMALL, seed=5), 4, pseudo)] != whole


def test_labelled_half_does_not_depend_on_the_other():
    index = IdentityIndex.of(*labels())
    sampler = MixedSampler(index, SMALL, seed=0)
    with_single = sampler.batch(1, 2, IdentityIndex.of(labels(1)[0]))
    without = sampler.batch(1, 2)
    np.testing.assert_array_equal(with_single.multi.rows, without.multi.rows)
    assert len(without.single) == 0
    all_outliers = IdentityIndex.of(np.full(30, -1))
    assert len(sampler.batch(1, 2, all_outliers).single) == 0


def test_fewer_identities_than_asked_for(caplog):
    index = IdentityIndex.of(np.array([0, 0, 1]))
    with caplog.at_level(logging.WARNING):
        batch = MixedSampler(index, SMALL, seed=0).batch(0, 0)
    assert sorted(batch.multi.identity.tolist()) == [0, 0, 0, 1, 1, 1]
    assert "2 labelled identities in all" in caplog.text
    with pytest.raises(InputError, match="no labelled identity"):
        MixedSampler(IdentityIndex.of(np.array([-1])), SMALL, seed=0)


def test_videos_change_from_epoch_to_epoch_but_not_from_run_to_run():
    first = choose_videos(100, 10, seed=0, epoch=0)
    assert first.tolist() == choose_videos(100, 10, seed=0, epoch=0).tolist()
    assert len(set(first.tolist())) == 10
    assert (np.diff(first) > 0).all()
    assert first.tolist() != choose_videos(100, 10, seed=0, epoch=1).tolist()
    assert choose_videos(5, 10, seed=0, epoch=0).tolist() == [0, 1, 2, 3, 4]
    pool = {v for epoch in range(60) for v in choose_videos(100, 10, seed=0, epoch=epoch, pool=15).tolist()}
    assert len(pool) == 15
    rows = np.arange(50, 90)
    thin = thin_rows(rows, 7, seed=0, epoch=0)
    assert len(thin) == 7
    assert (np.diff(thin) > 0).all()
    assert set(thin.tolist()) <= set(rows.tolist())
    assert thin_rows(rows, 40, seed=0, epoch=0) is rows


@pytest.fixture
def pictures(tmp_path):
    """Four people with three images each, camera = number of the image."""
    names = [f"p{person}_c{camera}.jpg" for person in range(4) for camera in range(3)]
    write(tmp_path, names)
    index = IdentityIndex.of(np.repeat(np.arange(4), 3), np.tile(np.arange(3), 4))
    return tmp_path, index, CropReader(FolderStore(tmp_path, NameTable.of([name.encode() for name in names])), 16, 8)


def draw_of(index, people, images, seed=0):
    settings = SamplingSettings(multi_identities=people, multi_images=images)
    return MixedSampler(index, settings, seed=seed).batch(0, 0).multi


def test_pixels_of_a_draw(pictures):
    _, index, reader = pictures
    draw = draw_of(index, 3, 2)
    read = read_draw(reader, index, draw, (0, 0))
    assert read.pixels.shape == (6, 16, 8, 3)
    np.testing.assert_array_equal(read.rows, draw.rows)
    np.testing.assert_array_equal(read.identity, draw.identity)
    np.testing.assert_array_equal(read.pixels[4], reader.read(int(draw.rows[4])))


def test_a_bad_picture_gives_way_to_another_of_the_same_person(pictures):
    folder, index, reader = pictures
    draw = draw_of(index, 4, 2)
    bad = int(draw.rows[0])
    (folder / reader.store.name(bad)).write_bytes(b"broken")
    read = read_draw(reader, index, draw, (0, 0))
    np.testing.assert_array_equal(read.identity, draw.identity)
    assert bad not in read.rows
    assert read.rows[0] // 3 == bad // 3
    assert len(set(read.rows[:2].tolist())) == 2
    np.testing.assert_array_equal(read.rows, read_draw(reader, index, draw, (0, 0)).rows)


def test_one_good_picture_is_repeated(pictures):
    folder, index, reader = pictures
    for camera in (0, 2):
        (folder / f"p1_c{camera}.jpg").unlink()
    read = read_draw(reader, index, draw_of(index, 4, 3), (0, 0))
    assert read.rows[read.identity == 1].tolist() == [4, 4, 4]
    np.testing.assert_array_equal(read.pixels[read.identity == 1][2], reader.read(4))


def test_a_person_without_a_good_picture_gives_way_to_somebody_else(pictures):
    folder, index, reader = pictures
    draw = draw_of(index, 2, 2)
    gone, stays = (int(one) for one in draw.identity[::2])
    for camera in range(3):
        (folder / f"p{gone}_c{camera}.jpg").unlink()
    read = read_draw(reader, index, draw, (0, 0))
    assert read.identity[0] == read.identity[1]
    assert set(read.identity.tolist()) == {stays, int(read.identity[0])}
    assert read.identity[0] not in (gone, stays)
    for picture in folder.iterdir():
        picture.unlink()
    with pytest.raises(InputError, match="check that the data set is still there"):
        read_draw(reader, index, draw, (0, 0))

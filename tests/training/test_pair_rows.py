"""Images of a step of pre-training: whole batches, a part of one video, nothing twice, the same when resumed."""

import numpy as np
import pytest

from remix_track.data.name_table import NameTable
from remix_track.data.readers.video_set import VideoSet
from remix_track.training.pair_rows import PairRows
from remix_track.training.randomness import draw


def video_set(*sizes):
    offsets = np.cumsum([0, *sizes]).astype(np.int64)
    names = NameTable.of([b"v%d" % number for number in range(len(sizes))])
    return VideoSet("videos", [None] * int(offsets[-1]), offsets, names)  # type: ignore[arg-type]


def rows(videos, batch=16, share=0.5, *, epoch=0, steps=200, seed=3):
    made = PairRows(videos, batch, share, seed=seed, epoch=epoch, steps=steps)
    return [made.of(step) for step in range(steps)]


def test_without_a_share_an_epoch_is_permutations_one_after_another():
    videos = video_set(5, 7, 8)
    order = np.concatenate(rows(videos, 4, 0.0, steps=10))
    assert sorted(order[:20]) == sorted(order[20:]) == list(range(20))
    generator = draw(3, "pre-training order", 0)
    assert np.array_equal(order[:20], generator.permutation(20))


@pytest.mark.parametrize(("share", "least"), [(0.25, 4), (0.5, 8), (1.0, 16)])
def test_a_share_comes_from_one_video_and_nothing_is_there_twice(share, least):
    videos = video_set(20, 30, 40, 50)
    most = []
    for one in rows(videos, share=share):
        assert len(one) == len(set(one.tolist())) == 16
        most.append(np.bincount(videos.video_of(one)).max())
    assert min(most) >= least
    if share == 1:
        assert max(most) == 16


def test_images_of_the_one_video_stand_anywhere_in_a_batch():
    """Several processes take a part each: none is to have them all."""
    videos = video_set(500, 500, 500, 500)
    places = []
    for one in rows(videos, share=0.5):
        video = videos.video_of(one)
        places.append(np.flatnonzero(video == np.bincount(video).argmax()).mean())
    assert np.mean(places) == pytest.approx(7.5, abs=0.5)


def test_every_image_has_the_same_chance():
    videos = video_set(10, 20, 70)
    seen = np.bincount(np.concatenate(rows(videos, 8, steps=4000)), minlength=100)
    means = [seen[videos.offsets[video] : videos.offsets[video + 1]].mean() for video in range(3)]
    assert means == pytest.approx([320] * 3, rel=0.08)


@pytest.mark.parametrize("sizes", [(3, 2, 60), (1,) * 40, (16,), (9, 9)])
def test_a_video_that_is_too_small_leaves_its_places_to_others(sizes):
    videos = video_set(*sizes)
    for share in (0.5, 1.0):
        for one in rows(videos, share=share, steps=40):
            assert len(one) == len(set(one.tolist())) == 16


def test_a_step_depends_on_seed_epoch_and_step_alone():
    videos = video_set(20, 30, 40)
    whole = rows(videos, steps=20)
    resumed = PairRows(videos, 16, 0.5, seed=3, epoch=0, steps=20)
    assert np.array_equal(resumed.of(17), whole[17])
    assert not np.array_equal(rows(videos, epoch=1, steps=20)[17], whole[17])
    assert not np.array_equal(rows(videos, seed=4, steps=20)[17], whole[17])

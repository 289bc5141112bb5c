"""Part of a single-camera set: which videos, how many crops of each, and that the crops lie together."""

import numpy as np
import pytest

from remix_track.data.name_table import NameTable
from remix_track.data.readers.fewer_videos import fewer_videos
from remix_track.data.readers.video_set import VideoSet
from remix_track.errors import InputError
from tests.training_scenes import MemoryStore

SIZES = np.array([4, 30, 11, 20, 7, 25, 16, 9])


@pytest.fixture
def videos():
    """Eight videos; image and hidden person of row r are r and r // 3."""
    names = NameTable.of([b"v%d" % number for number in range(len(SIZES))])
    total = int(SIZES.sum())
    offsets = np.concatenate([[0], np.cumsum(SIZES)]).astype(np.int64)
    hidden = (np.arange(total) // 3).astype(np.int32)
    return VideoSet("films", MemoryStore([b"%d" % row for row in range(total)]), offsets, names, hidden)


def names_of(part):
    return [part.videos[number] for number in range(len(part.videos))]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("count", "crops"), [(0, 20), (3, 15), (8, 122), (5, 0), (8, 60), (1, 4)])
def test_rows_are_stretches_of_the_chosen_videos(videos, count, crops, seed):
    part = fewer_videos(videos, count, crops, seed)
    assert len(part.videos) == (count or 8)
    assert len(part) == (crops or part.sizes.sum())
    whole = dict(
        zip(
            [b"v%d" % number for number in range(8)], zip(videos.offsets, videos.offsets[1:], strict=False), strict=True
        )
    )
    for number, name in enumerate(names_of(part)):
        rows = np.array([int(part.store.read(row)) for row in range(part.offsets[number], part.offsets[number + 1])])
        assert (np.diff(rows) == 1).all()
        assert whole[name][0] <= rows[0]
        assert rows[-1] < whole[name][1]
        assert part.hidden_identity is not None
        assert (part.hidden_identity[part.offsets[number] : part.offsets[number + 1]] == rows // 3).all()


def test_shares_are_equal_but_for_short_videos(videos):
    part = fewer_videos(videos, 0, 80, seed=0)
    # 4, 7 and 9 are whole; 60 are left for five videos, of which one has 11.
    assert part.sizes.tolist() == [4, 13, 11, 12, 7, 12, 12, 9]


def test_more_videos_hold_the_fewer_ones_and_a_seed_draws_others(videos):
    few, more = fewer_videos(videos, 2, 0, seed=3), fewer_videos(videos, 5, 0, seed=3)
    assert set(names_of(few)) < set(names_of(more))
    assert len({tuple(names_of(fewer_videos(videos, 2, 0, seed=seed))) for seed in range(8)}) > 2


@pytest.mark.parametrize(
    ("count", "crops", "message"),
    [
        (9, 0, "data.single_camera_videos = 9, but films has 8 videos; lower it"),
        (0, 123, "data.single_camera_images = 123, but the 8 videos drawn from films hold 122; lower it"),
        (8, 7, "data.single_camera_images = 7 for 8 videos; expected one each at least"),
    ],
)
def test_what_is_not_there_cannot_be_taken(videos, count, crops, message):
    with pytest.raises(InputError, match=message):
        fewer_videos(videos, count, crops, seed=0)

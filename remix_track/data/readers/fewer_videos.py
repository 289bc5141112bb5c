"""Part of a single-camera set: so many of its videos, and so many crops of these in all.

The two are apart, so that a study can change the number of videos (how diverse the set is) at a fixed number of crops
(how large it is).
"""

import numpy as np
from numpy.typing import NDArray

from remix_track.data.readers.video_set import VideoSet
from remix_track.data.sampling import choose_videos
from remix_track.data.stores import ChosenRows
from remix_track.errors import InputError


def fewer_videos(videos: VideoSet, count: int, crops: int, seed: int) -> VideoSet:
    """Some videos of a set, drawn at random, and of each a stretch of crops that lie together.

    A stretch is a shorter film, not a thinner one: a person keeps the crops that clustering needs, and there are fewer
    people. Each video gives the same number, apart from those that have fewer.

    Args:
        videos: the set.
        count: videos to keep; 0 for all.
        crops: to keep in all; 0 for all of these videos.
        seed: of the draw. Videos of a smaller `count` are among those of a larger one.

    Raises:
        InputError: fewer videos or crops than asked for.
    """
    total = len(videos.videos)
    if count > total:
        raise InputError(f"data.single_camera_videos = {count}, but {videos.name} has {total} videos; lower it")
    # `pool` alone decides which: the epoch's own draw from it takes them all.
    chosen = choose_videos(total, count or total, seed=seed, epoch=0, pool=count or total)
    sizes = videos.sizes[chosen]
    if crops > sizes.sum():
        raise InputError(
            f"data.single_camera_images = {crops}, but the {len(chosen)} videos drawn from {videos.name} hold "
            f"{sizes.sum()}; lower it, or take more videos"
        )
    if 0 < crops < len(chosen):
        raise InputError(f"data.single_camera_images = {crops} for {len(chosen)} videos; expected one each at least")
    kept = _shares(sizes, crops) if crops else sizes
    generator = np.random.default_rng([seed, 5])
    # A start for every video of the set, so that one that is chosen again starts where it did.
    places = generator.random(total)[chosen]
    starts = videos.offsets[chosen] + np.floor(places * (sizes - kept + 1)).astype(np.int64)
    rows = np.concatenate([np.arange(start, start + size) for start, size in zip(starts, kept, strict=True)])
    hidden, tracklets = videos.hidden_identity, videos.tracklet_frame
    return VideoSet(
        name=f"{videos.name} ({len(chosen)} videos, {len(rows)} crops of it)",
        store=ChosenRows(videos.store, rows),
        offsets=np.concatenate([[0], np.cumsum(kept)]).astype(np.int64),
        videos=videos.videos.at(chosen),
        hidden_identity=None if hidden is None else hidden[rows],
        tracklet_frame=None if tracklets is None else tracklets[rows],
    )


def _shares(sizes: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """`total` cut into equal parts, none above its size: what a short video lacks the longer ones give."""
    shares = np.zeros_like(sizes)
    order = np.argsort(sizes, kind="stable")
    for place, video in enumerate(order):
        left = len(order) - place
        shares[video] = min(sizes[video], total // left)
        total -= int(shares[video])
    return shares

"""Which images a step of pre-training takes: random ones, or a part of them from one video."""

import numpy as np
from numpy.typing import NDArray

from remix_track.data.readers.video_set import VideoSet
from remix_track.training.randomness import draw


class PairRows:
    """The images of each step of one epoch; a pure function of the seed, the epoch and the step.

    Random images of a set of many videos are told apart by camera and place. Where a part of the batch comes from one
    video, only what people look like is left there, if `moco.batch_negatives` holds the images of a batch against each
    other.

    Args:
        videos: the single-camera set.
        batch_size: B, at most its images.
        one_video_share: of the batch.
        seed: of the run.
        epoch: from 0.
        steps: of the epoch.
    """

    def __init__(
        self, videos: VideoSet, batch_size: int, one_video_share: float, *, seed: int, epoch: int, steps: int
    ) -> None:
        self._videos, self._batch_size = videos, batch_size
        self._from_one, self._at = round(one_video_share * batch_size), (seed, epoch)
        self._from_all = batch_size - self._from_one
        generator = draw(seed, "pre-training order", epoch)
        passes = -(-steps * self._from_all // len(videos))
        parts = [generator.permutation(len(videos)) for _ in range(passes)]
        self._order = np.concatenate(parts) if parts else np.empty(0, np.int64)

    def of(self, step: int) -> NDArray[np.int64]:
        """Rows (B,) of a step.

        A video has a chance by its number of images, so that each image has the same. One that is too small gives all
        it has, and random images take the places that are left.
        """
        shuffled: NDArray[np.int64] = self._order[step * self._from_all :][: self._from_all]
        if not self._from_one:
            return shuffled
        seed, epoch = self._at
        generator = draw(seed, "pre-training video", epoch, step)
        video = self._videos.video_of(generator.integers(len(self._videos), size=1))
        own = generator.permutation(self._videos.rows(video))[: self._from_one]
        rows = np.concatenate([own, shuffled])
        # An image that is there twice would be held against itself.
        rows = rows[np.sort(np.unique(rows, return_index=True)[1])]
        if len(rows) < self._batch_size:
            # So many that enough are left however many of them are there already.
            others = generator.choice(len(self._videos), min(len(self._videos), 2 * self._batch_size), replace=False)
            rows = np.concatenate([rows, others[~np.isin(others, rows)][: self._batch_size - len(rows)]])
        return generator.permutation(rows)

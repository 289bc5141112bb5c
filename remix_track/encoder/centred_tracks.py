"""The tracks of several videos without their cameras, and the distance up to which two of them are one person."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.camera_centring import CameraCentring
from remix_track.encoder.stranger_distance import stranger_distance
from remix_track.track_means import TrackMeans


@dataclass(frozen=True, slots=True, eq=False)
class CentredTracks:
    """What `centre_videos` gives.

    Attributes:
        videos: the tracks of each video with centred means, in the order given.
        max_distance: of one person's centred means; None where nothing was centred.
        kept: of each video, the share of its camera's offset that was taken out, 0..1.
        centring: for vectors that come later.
    """

    videos: tuple[TrackMeans, ...]
    max_distance: float | None
    kept: tuple[float, ...]
    centring: CameraCentring

    def stranger(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Vectors (N, D) of unit length from an unknown camera, to be compared with the videos' means."""
        return self.centring.stranger(vectors)


def centre_videos(videos: Sequence[TrackMeans]) -> CentredTracks:
    """Take the cameras out; each video is a camera of its own.

    With one video, or too few tracks to calibrate a distance on, the means stay as they are: within a camera there is
    nothing to take out, and a distance of the weights holds for their vectors as they are alone.

    Args:
        videos: the tracks of each, by one network.
    """
    means = [video.mean for video in videos if len(video)] or [np.empty((0, 0), np.float32)]
    mean, camera = np.concatenate(means), np.repeat(np.arange(len(videos)), [len(video) for video in videos])
    first = np.concatenate([np.empty(0, np.int64), *(video.first_frame for video in videos)])
    order = np.lexsort((first, camera))  # a camera's light is followed in the order of time
    centring = CameraCentring.of(mean[order], camera[order])
    centred = np.empty_like(mean)
    centred[order] = centring.tracks(mean[order])
    distance = stranger_distance(centred, camera)
    if distance is None:
        none = CameraCentring(np.zeros(mean.shape[1]), np.zeros(mean.shape), np.zeros(len(mean)))
        return CentredTracks(tuple(videos), None, (0.0,) * len(videos), none)
    kept = np.bincount(camera[order], centring.kept, len(videos)) / np.maximum(
        np.bincount(camera, minlength=len(videos)), 1
    )
    parts = np.split(centred, np.cumsum([len(video) for video in videos])[:-1])
    moved = [dataclasses.replace(video, mean=part) for video, part in zip(videos, parts, strict=True)]
    return CentredTracks(tuple(moved), distance, tuple(kept.tolist()), centring)

"""The labels of an epoch: pseudo identities and centroids, from the momentum encoder's embeddings."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix_track.data.crop_set import CropSet
from remix_track.data.readers.video_set import VideoSet
from remix_track.data.sampling import SamplingSettings, choose_videos
from remix_track.training.centroids import CameraCentroids, camera_centroids, identity_centroids
from remix_track.training.randomness import draw


@dataclass(frozen=True, slots=True)
class EpochLabels:
    """Identities of both domains, numbered together: first the M multi-camera people, then the pseudo identities.

    Attributes:
        multi_rows: (N,) int64 rows of the multi-camera set that could be read.
        multi_identity: (N,) int64 of them, 0..M-1.
        multi_camera: (N,) int64 of them.
        single_rows: (S,) int64 rows of the single-camera set that have a pseudo identity; S may be 0.
        single_identity: (S,) int64 of them, M..Y-1.
        centroids: (Y, D) float32 of unit length.
        cameras: camera centroids of the multi-camera people.
    """

    multi_rows: NDArray[np.int64]
    multi_identity: NDArray[np.int64]
    multi_camera: NDArray[np.int64]
    single_rows: NDArray[np.int64]
    single_identity: NDArray[np.int64]
    centroids: Tensor
    cameras: CameraCentroids

    @property
    def people(self) -> int:
        """M, number of multi-camera people."""
        return int(self.multi_identity.max()) + 1

    @property
    def centroid_single_camera(self) -> Tensor:
        """(Y,) bool, the domain of each identity."""
        return torch.arange(len(self.centroids), device=self.centroids.device) >= self.people

    def check(self, multi: int, single: int, width: int) -> None:
        """See that labels from a file are of such data: so many images in each set, vectors so wide.

        Raises:
            ValueError: they are not.
        """
        cameras, known = self.cameras, len(self.centroids)
        together: list[tuple[NDArray[np.int64] | Tensor, ...]] = [
            (self.multi_rows, self.multi_identity, self.multi_camera),
            (self.single_rows, self.single_identity),
            (cameras.identity, cameras.camera, cameras.vectors),
        ]
        numbers = [(self.multi_rows, multi), (self.single_rows, single), (cameras.identity.cpu().numpy(), known)]
        numbers += [(self.multi_identity, known), (self.single_identity, known)]
        fits = (
            len(self.multi_rows) > 0
            and all(len({len(one) for one in parts}) == 1 for parts in together)
            and all(one.dtype == np.int64 and not ((one < 0) | (one >= end)).any() for one, end in numbers)
            and self.centroids.shape[1:] == cameras.vectors.shape[1:] == (width,)
        )
        if not fits:
            raise ValueError("its pseudo labels are those of other data or another encoder")

    def to_tensors(self) -> dict[str, Tensor]:
        """For a checkpoint."""
        arrays = {name: torch.from_numpy(getattr(self, name)) for name in _ARRAYS}
        centroids = {"centroids": self.centroids, "camera_vectors": self.cameras.vectors}
        rows = {"camera_identity": self.cameras.identity, "camera_camera": self.cameras.camera}
        return {**arrays, **centroids, **rows}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor], device: torch.device) -> "EpochLabels":
        """From a checkpoint."""
        on_device = {name: value.to(device) for name, value in tensors.items() if name not in _ARRAYS}
        return cls(
            **{name: tensors[name].numpy() for name in _ARRAYS},
            centroids=on_device["centroids"],
            cameras=CameraCentroids(
                on_device["camera_vectors"], on_device["camera_identity"], on_device["camera_camera"]
            ),
        )


_ARRAYS = ("multi_rows", "multi_identity", "multi_camera", "single_rows", "single_identity")


def sample_videos(
    videos: VideoSet, settings: SamplingSettings, seed: int, epoch: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of an epoch's crops and the video of each, video after video.

    Videos are drawn without replacement, crops within a video too, up to `crops_per_video` of them.
    """
    parts, generator = [], draw(seed, "crops of a video", epoch)
    for video in choose_videos(len(videos.videos), settings.videos_per_epoch, seed=seed, epoch=epoch):
        rows = np.arange(videos.offsets[video], videos.offsets[video + 1])
        if 0 < settings.crops_per_video < len(rows):
            rows = np.sort(generator.choice(rows, settings.crops_per_video, replace=False))
        parts.append(rows)
    rows = np.concatenate(parts)
    return rows, videos.video_of(rows)


def make_labels(
    crops: CropSet,
    embeddings: Tensor,
    readable: NDArray[np.bool_],
    single_rows: NDArray[np.int64],
    single_embeddings: Tensor,
    pseudo: NDArray[np.int64],
    *,
    embedded: NDArray[np.int64] | None = None,
) -> EpochLabels:
    """Number both domains' identities together and compute the centroids.

    Args:
        crops: the multi-camera set.
        embeddings: (E, D) of its embedded rows.
        readable: (E,) images that could be read; a person without any takes no part.
        single_rows: (R,) rows of the single-camera set.
        single_embeddings: (R, D) of them.
        pseudo: (R,) their pseudo labels from 0 without gaps; -1 for outliers, which are dropped.
        embedded: (E,) rows of `crops` that were embedded; None: all.
    """
    found = np.flatnonzero(readable).astype(np.int64)
    rows = found if embedded is None else embedded[found]
    people, identity = np.unique(crops.identity[rows], return_inverse=True)
    camera = crops.camera[rows].astype(np.int64)
    inside = pseudo >= 0
    shifted = np.where(inside, pseudo + len(people), -1)
    device = embeddings.device
    identity_on_device = torch.from_numpy(identity.astype(np.int64)).to(device)
    multi = embeddings[torch.from_numpy(found).to(device)]
    # Each domain apart: joining the embeddings would hold them twice.
    single_identities = int(pseudo.max(initial=-1)) + 1
    centroids = torch.cat(
        [
            identity_centroids(multi, identity_on_device, len(people)),
            identity_centroids(single_embeddings, torch.from_numpy(pseudo).to(device), single_identities),
        ]
    )
    return EpochLabels(
        multi_rows=rows,
        multi_identity=identity.astype(np.int64),
        multi_camera=camera,
        single_rows=single_rows[inside],
        single_identity=shifted[inside],
        centroids=centroids,
        cameras=camera_centroids(multi, identity_on_device, torch.from_numpy(camera).to(device)),
    )

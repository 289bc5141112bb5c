"""Centroids of identities, and of identities as single cameras see them, from embeddings and index arrays.

That centroids are means of unit vectors, at unit length again, is this project's reading (ICE, Cluster Contrast).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class CameraCentroids:
    """One centroid for each (identity, camera) that has an image, ordered by identity, then camera.

    Attributes:
        vectors: (R, D) float32 of unit length.
        identity: (R,) int64.
        camera: (R,) int64.
    """

    vectors: Tensor
    identity: Tensor
    camera: Tensor

    def rows(self, identity: Tensor, camera: Tensor) -> Tensor:
        """The row of each pair, (B,) int64; -1 where the pair has no centroid.

        Args:
            identity: (B,) int64.
            camera: (B,) int64.
        """
        if not len(self.vectors):
            return torch.full_like(identity, -1)
        cameras = int(self.camera.max()) + 1
        known = self.identity * cameras + self.camera
        wanted = identity * cameras + camera
        rows = torch.searchsorted(known, wanted).clamp(max=len(known) - 1)
        found = (self.identity[rows] == identity) & (self.camera[rows] == camera)
        return rows.where(found, -1)


def identity_centroids(embeddings: Tensor, identity: Tensor, identities: int) -> Tensor:
    """The mean direction of each identity's images.

    Args:
        embeddings: (N, D) of any length; each counts as a unit vector.
        identity: (N,) int64 in -1..identities - 1; -1 marks outliers, which are left out.
        identities: Y, number of identities.

    Returns:
        (Y, D) float32 of unit length.

    Raises:
        ValueError: an identity without an image, or one out of range.
    """
    kept = identity >= 0
    embeddings, identity = embeddings[kept], identity[kept]
    images = torch.bincount(identity, minlength=identities)
    if len(images) > identities:
        raise ValueError(f"identity {int(identity.max())} is out of range; expected at most {identities - 1}")
    if identities and not int(images.min()):
        raise ValueError(f"identity {int(images.argmin())} has no image; number the identities that are there")
    return _mean_directions(embeddings, identity, identities)


def camera_centroids(embeddings: Tensor, identity: Tensor, camera: Tensor) -> CameraCentroids:
    """The mean direction of each identity's images of each camera.

    Args:
        embeddings: (N, D) of any length; each counts as a unit vector.
        identity: (N,) int64, at least 0.
        camera: (N,) int64, at least 0; the number may mean another camera in another set, whose identities differ.
    """
    cameras = int(camera.max()) + 1 if len(camera) else 1
    pairs, row = torch.unique(identity * cameras + camera, return_inverse=True)  # (R,) ascending, (N,)
    return CameraCentroids(_mean_directions(embeddings, row, len(pairs)), pairs // cameras, pairs % cameras)


@torch.no_grad()
def move_centroids(centroids: Tensor, rows: Tensor, keys: Tensor, momentum: float) -> None:
    """Move the centroids that a batch shows towards its keys, in place: p <- unit(m p + (1 - m) mean of its keys).

    Differs from Cluster Contrast (Dai et al., ACCV 2022, equation 6), which moves once for each image in turn: the mean
    does not depend on the order of the batch.

    Args:
        centroids: (Y, D) of unit length.
        rows: (G,) int64, the centroid that each key belongs to; -1 leaves the key out.
        keys: (G, D) of any length, those of all processes.
        momentum: m; 1 moves nothing.
    """
    if momentum == 1:
        return
    shown, position = torch.unique(rows[rows >= 0], return_inverse=True)
    means = _mean_of_units(keys[rows >= 0], position, len(shown))
    centroids[shown] = F.normalize(momentum * centroids[shown] + (1 - momentum) * means, dim=1)


def _mean_directions(embeddings: Tensor, row: Tensor, rows: int) -> Tensor:
    return F.normalize(_mean_of_units(embeddings, row, rows), dim=1)


def _mean_of_units(embeddings: Tensor, row: Tensor, rows: int) -> Tensor:
    units = F.normalize(embeddings.detach().float(), dim=1)  # (N, D)
    sums = units.new_zeros(rows, units.shape[1]).index_add_(0, row, units)  # (rows, D)
    return sums / torch.bincount(row, minlength=rows)[:, None]

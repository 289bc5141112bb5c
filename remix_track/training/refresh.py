"""Which labelled people an epoch embeds anew, and how their centroids join the kept ones."""

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix_track.data.crop_set import CropSet
from remix_track.training.centroids import CameraCentroids
from remix_track.training.epoch_labels import EpochLabels
from remix_track.training.randomness import draw


def people_to_embed(people: int, share: float, seed: int, epoch: int) -> NDArray[np.bool_]:
    """The people whose images an epoch embeds anew; all in the first, then a share of them in turn.

    The seed puts the people in a circle, and each epoch takes the next stretch of it. So everybody's turn comes once in
    1 / share epochs, and a resumed run takes whom the unbroken one would have.

    Args:
        people: M, how many there are.
        share: 0 to 1 of them.
        seed: of the run.
        epoch: from 0.

    Returns:
        (M,) bool.
    """
    if epoch == 0 or share == 1:
        return np.ones(people, np.bool_)
    count = math.ceil(share * people)
    stretch = ((epoch - 1) * count + np.arange(count)) % people
    chosen = np.zeros(people, np.bool_)
    chosen[draw(seed, "people to embed").permutation(people)[stretch]] = True
    return chosen


def with_kept(fresh: EpochLabels, before: EpochLabels, crops: CropSet, anew: NDArray[np.bool_]) -> EpochLabels:
    """The labels of an epoch that embedded some people anew: the others keep rows and centroids of the epoch before.

    Args:
        fresh: of the people that were embedded, and of the single-camera half.
        before: of the epoch before, centroids as its last step left them.
        crops: the multi-camera set.
        anew: (M,) bool by the labels of `crops`.
    """
    people = [np.unique(crops.identity[one.multi_rows]) for one in (before, fresh)]
    stays = ~anew[people[0]]  # by the identities of `before`
    both = np.concatenate([people[0][stays], people[1]])
    order = np.argsort(both)
    number = np.full(len(anew), -1, np.int64)
    number[both[order]] = np.arange(len(both))
    rows = np.sort(np.concatenate([before.multi_rows[stays[before.multi_identity]], fresh.multi_rows]))
    own, strangers = fresh.centroids[: len(people[1])], fresh.centroids[len(people[1]) :]
    kept = before.centroids[: len(stays)][_on(stays, own)]
    return replace(
        fresh,
        multi_rows=rows,
        multi_identity=number[crops.identity[rows]],
        multi_camera=crops.camera[rows].astype(np.int64),
        single_identity=fresh.single_identity + len(both) - len(people[1]),
        centroids=torch.cat([torch.cat([kept, own])[_on(order, own)], strangers]),
        cameras=_joined(
            _renumbered(before.cameras, number[people[0]], stays),
            _renumbered(fresh.cameras, number[people[1]], np.ones(len(people[1]), np.bool_)),
        ),
    )


def _renumbered(cameras: CameraCentroids, number: NDArray[np.int64], stays: NDArray[np.bool_]) -> CameraCentroids:
    """Camera centroids of the identities that stay, under their new numbers."""
    here = _on(stays, cameras.vectors)[cameras.identity]
    identity = _on(number, cameras.vectors)[cameras.identity[here]]
    return CameraCentroids(cameras.vectors[here], identity, cameras.camera[here])


def _joined(first: CameraCentroids, second: CameraCentroids) -> CameraCentroids:
    """Both, ordered by identity, then camera; an identity is in one of them alone, whose cameras are in order."""
    identity = torch.cat([first.identity, second.identity])
    order = identity.argsort(stable=True)
    vectors, camera = torch.cat([first.vectors, second.vectors]), torch.cat([first.camera, second.camera])
    return CameraCentroids(vectors[order], identity[order], camera[order])


def _on(array: NDArray[np.bool_] | NDArray[np.int64], like: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(like.device)

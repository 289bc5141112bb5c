"""Embeddings without their videos: what all people of one camera have in common is its light, and tells no two apart.

In a pool it makes people of one video alike, against strangers of other videos, and so neighbours of each other.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix_track.training.neighbours import blocks, to_grid

FEWEST_PEOPLE = 2
"""In a video of one person the mean is the person."""


def without_videos(embeddings: Tensor, video: NDArray[np.int64], labels: NDArray[np.int64]) -> Tensor:
    """Subtract each video's own mean, of which every identity found in the video by itself is an equal part.

    From a video that shows fewer than two identities the mean of the other videos is subtracted. All sums are of whole
    numbers, so that the result has the same bits on any device.

    Args:
        embeddings: (N, D) of any length, left as they are.
        video: (N,) of each image.
        labels: (N,) identities found within each video, 0, 1, ...; -1 for outliers.

    Returns:
        (N, D) float64, of any length; `embeddings` itself where fewer than two videos show two people.

    Raises:
        InputError: embeddings that are not finite.
    """
    grid = to_grid(embeddings)
    names, number = np.unique(video, return_inverse=True)
    means, where = _identity_means(grid, number, labels)
    known = np.bincount(where, minlength=len(names)) >= FEWEST_PEOPLE
    if known.sum() < 2:
        return embeddings
    offset = np.zeros((len(names), grid.shape[1]))
    for one in np.flatnonzero(known):
        offset[one] = means[where == one].mean(axis=0)
    offset[~known] = offset[known].mean(axis=0)
    taken = torch.from_numpy(offset).to(grid.device)
    for rows in blocks(len(grid), grid.shape[1]):
        grid[rows] -= taken[torch.from_numpy(number[rows]).to(grid.device)]
    return grid


def _identity_means(
    grid: Tensor, number: NDArray[np.int64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(K, D) the mean of each identity, and (K,) the number of its video."""
    count = int(labels.max(initial=-1)) + 1
    sums = torch.zeros(count + 1, grid.shape[1], dtype=grid.dtype, device=grid.device)
    for rows in blocks(len(grid), grid.shape[1]):
        # Outliers come last, and are left out.
        place = np.where(labels[rows] >= 0, labels[rows], count)
        sums.index_add_(0, torch.from_numpy(place).to(grid.device), grid[rows])
    where = np.zeros(count, np.int64)
    where[labels[labels >= 0]] = number[labels >= 0]
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    return sums[:count].cpu().numpy() / np.maximum(sizes, 1)[:, None], where

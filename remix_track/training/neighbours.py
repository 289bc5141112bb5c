"""Similarities that are exact, and nearest neighbours that therefore do not depend on how the work is cut up.

Unit vectors are rounded to whole multiples of 2^-26. Their products and sums of products are whole numbers below 2^53,
which float64 holds exactly in any order of summation: a block of any size, any number of threads and a GPU give the
same bits, and equal images tie exactly. The rounding is finer than that of float32 products.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix_track.errors import InputError

STEPS = 2**26
"""Grid steps in a length of 1; a similarity of 1 is `STEPS ** 2`."""

_BLOCK = 2**24  # numbers that are held at once: 128 MB


def to_grid(embeddings: Tensor) -> Tensor:
    """Round directions to the grid.

    Args:
        embeddings: (N, D) of any length and float type, left as they are. It may be a view of mapped memory: blocks of
            it are read.

    Returns:
        (N, D) float64, whole numbers within -2^26..2^26; zeros for a vector of zeros. On the same device.

    Raises:
        InputError: NaN or infinite values.
    """
    grid = torch.empty(embeddings.shape, dtype=torch.float64, device=embeddings.device)
    for rows in blocks(len(embeddings), embeddings.shape[1]):
        part = embeddings[rows].detach().to(torch.float64, copy=True)  # float64 would be the caller's own numbers
        if not bool(part.isfinite().all()):
            raise InputError("embeddings hold NaN or infinite values; the training went wrong: lower the learning rate")
        length = part.norm(dim=1, keepdim=True).clamp_(min=1e-12)
        grid[rows] = part.div_(length).mul_(STEPS).round_()
    return grid


def nearest(grid: Tensor, k: int) -> NDArray[np.int64]:
    """The k nearest rows of each row, the row itself first, then by similarity; equal ones by index.

    Args:
        grid: (N, D) from `to_grid`.
        k: neighbours, the row itself included; N where there are fewer.

    Returns:
        (N, min(k, N)) int64.
    """
    k = min(k, len(grid))
    found = np.empty((len(grid), k), np.int64)
    for rows in blocks(len(grid), len(grid)):
        similarity = grid[rows] @ grid.T  # (rows, N)
        own = torch.arange(rows.start, rows.stop, device=grid.device)[:, None]
        similarity.scatter_(1, own, torch.inf)
        found[rows] = _best_columns(similarity, k).cpu().numpy()
    return found


def similarities(grid: Tensor, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """The similarity of each pair of rows: (P,) and (P,) row numbers -> (P,) whole numbers up to `STEPS ** 2`."""
    found = np.empty(len(first), np.float64)
    for part in blocks(len(first), 4 * grid.shape[1]):
        one, other = (grid[torch.from_numpy(rows[part]).to(grid.device)] for rows in (first, second))
        found[part] = one.mul_(other).sum(dim=1).cpu().numpy()
    return found


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Cut `rows` rows of `width` numbers into slices that are held in memory one at a time."""
    step = max(1, _BLOCK // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def _best_columns(similarity: Tensor, k: int) -> Tensor:
    """(B, N) -> (B, k): the k largest of each row in falling order, equal ones in the order of their columns."""
    values, columns = similarity.topk(min(k + 1, similarity.shape[1]), dim=1)
    # `topk` orders equal values as it likes, and takes any of those that are equal to the last one.
    columns, order = columns[:, :k].sort(dim=1)
    falling = values[:, :k].gather(1, order).sort(dim=1, descending=True, stable=True).indices
    best = columns.gather(1, falling)
    if values.shape[1] > k:
        cut_through = (values[:, k - 1] == values[:, k]).nonzero()[:, 0]
        for row in cut_through.tolist():
            best[row] = similarity[row].sort(descending=True, stable=True).indices[:k]
    return best

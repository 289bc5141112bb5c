"""The detections of one frame as Deep SORT measures them: usable boxes, and unit vectors of appearance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SAFE_LENGTHS = (1e-15, 1e15)  # of float32 vectors whose squares neither overflow nor vanish


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """What one frame offers to tracks; row i of every array is the same detection.

    Attributes:
        row: (N,) intp, rows of the frame's `Detections`.
        tlwh: (N, 4) float32 boxes in pixels, with area.
        xyah: (N, 4) float32, the same as centre x, centre y, width / height and height: float32 as in the package, of
            whose boxes ours would otherwise differ in the fifth digit.
        score: (N,) float32.
        class_id: (N,) int64.
        feature: (N, D) float32 rows of length 1, or of zeros; D is 0 where nothing was embedded.
        has_feature: (N,) bool, False for rows of zeros.
    """

    row: NDArray[np.intp]
    tlwh: NDArray[np.float32]
    xyah: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.int64]
    feature: NDArray[np.float32]
    has_feature: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.row)


def unit_rows(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (N, D) of length 1; a row that is zero or not finite becomes zeros, which stand for "no appearance"."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        length = np.linalg.norm(embedding, axis=1)
        safe = (length > _SAFE_LENGTHS[0]) & (length < _SAFE_LENGTHS[1])
        divisor = np.where(safe, length, 1).astype(np.float32)
        unit: NDArray[np.float32] = np.divide(embedding, divisor[:, None], dtype=np.float32)
    if not safe.all():
        unit[~safe] = _unit_rows_of_any_length(embedding[~safe])
    return unit


def _unit_rows_of_any_length(embedding: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = embedding.astype(np.float64)
    rows[~np.isfinite(rows).all(axis=1)] = 0
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float64] = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return unit

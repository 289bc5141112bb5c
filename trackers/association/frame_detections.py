"""The detections of one frame as tracks are matched with them: usable boxes, of bounded number, and unit vectors."""

import logging
import threading
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy
from remix_track.detections import Detections
from remix_track.trackers.association.settings import DeepSortSettings

MOST_BOXES = 2000
"""The fullest frames of MOT20 hold 250 people. Tables of tracks against boxes grow with the square: 32 MB each here,
3 GB with 20,000 boxes."""

_SAFE_LENGTHS = (1e-15, 1e15)  # of float32 vectors whose squares neither overflow nor vanish
_MIN_SIDE, _MAX_COORDINATE = 1e-3, 1e6  # pixels; beyond them float32 aspect ratios and variances break down

Index = NDArray[np.intp]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class FrameDetections:
    """What one frame offers to tracks; row i of every array is the same detection.

    Attributes:
        row: (N,) intp, rows of the frame's `Detections`.
        tlwh: (N, 4) float32 boxes in pixels, with area.
        score: (N,) float32.
        sure: (N,) bool, a score of `min_confidence` or more: it may begin a track, and has an appearance.
        class_id: (N,) int64.
        feature: (N, D) float32 rows of length 1, or of zeros; D is 0 where nothing was embedded.
        has_feature: (N,) bool, False for rows of zeros.
    """

    row: Index
    tlwh: NDArray[np.float32]
    score: NDArray[np.float32]
    sure: NDArray[np.bool_]
    class_id: NDArray[np.int64]
    feature: NDArray[np.float32]
    has_feature: NDArray[np.bool_]

    @classmethod
    def of(cls, detections: Detections, rows: Index, settings: DeepSortSettings) -> Self:
        """The usable ones among `rows` of a frame's detections, without an appearance so far."""
        tlwh = np.asarray(tlwh_from_xyxy(detections.xyxy[rows].astype(np.float64)), np.float64)
        used = _usable(detections.xyxy[rows], tlwh)
        if settings.nms_max_overlap < 1:
            classes = detections.class_id[rows] if settings.match_classes else np.zeros(len(rows), np.int64)
            used = _suppressed(tlwh, detections.score[rows], classes, used, settings.nms_max_overlap)
        row = rows[used]
        score = detections.score[row]
        return cls(
            row=row,
            tlwh=tlwh[used].astype(np.float32),
            score=score,
            sure=score >= settings.min_confidence,
            class_id=detections.class_id[row],
            feature=np.empty((len(row), 0), np.float32),
            has_feature=np.zeros(len(row), np.bool_),
        )

    def __len__(self) -> int:
        return len(self.row)

    def with_appearance(self, rows: Index, vectors: NDArray[np.float32]) -> Self:
        """The same with the vectors (R, D) of some rows of the frame's `Detections`, of any length.

        Half hidden people have low scores and vectors of the person in front: only those of sure detections are used.
        """
        place = np.full(1 + max(self.row.max(initial=-1), rows.max(initial=-1)), -1)
        place[rows] = np.arange(len(rows))
        known = (place[self.row] >= 0) & self.sure
        feature = np.zeros((len(self), vectors.shape[1]), np.float32)
        feature[known] = unit_rows(np.asarray(vectors[place[self.row[known]]], np.float32))
        return replace(self, feature=feature, has_feature=np.asarray(feature.any(axis=1)))


def _usable(xyxy: NDArray[np.float32], tlwh: NDArray[np.float64]) -> Index:
    """Rows with an area, inside of what float32 can measure."""
    return np.flatnonzero((tlwh[:, 2:] >= _MIN_SIDE).all(axis=1) & (np.abs(xyxy) <= _MAX_COORDINATE).all(axis=1))


def _suppressed(
    tlwh: NDArray[np.float64],
    score: NDArray[np.float32],
    classes: NDArray[np.int64],
    rows: Index,
    max_overlap: float,
) -> Index:
    """`rows` without those that overlap a stronger one of their class by more."""
    from deep_sort_realtime.utils.nms import non_max_suppression

    groups = [rows[classes[rows] == class_id] for class_id in np.unique(classes[rows])]
    kept = [group[non_max_suppression(tlwh[group], max_overlap, score[group])] for group in groups]
    return np.concatenate(kept) if kept else rows


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


class BoxLimit:
    """Chooses the boxes of a frame with the best scores; says once, of the first frame, that it had to.

    One for each run; may be asked from several threads.

    Attributes:
        left_out: boxes that were not chosen so far.
        said: what was said; empty while every frame had room.
    """

    def __init__(self, most: int = MOST_BOXES) -> None:
        self.left_out = 0
        self.said = ""
        self._most = most
        self._lock = threading.Lock()

    def best(self, score: NDArray[np.floating], frame: int) -> NDArray[np.intp]:
        """The rows to keep, rising: all, or those with the best scores, the earlier one of two that are equal.

        Args:
            score: (N,) confidences, finite.
            frame: its number, for the message.
        """
        if len(score) <= self._most:
            return np.arange(len(score))
        with self._lock:
            self.left_out += len(score) - self._most
            if not self.said:
                self.said = (
                    f"frame {frame}: {len(score):,} boxes; only the {self._most:,} with the best scores are tracked, "
                    "here and in other frames"
                )
                _log.warning(self.said)
        return np.sort(np.argsort(-score, kind="stable")[: self._most])

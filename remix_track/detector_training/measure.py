"""How well a detector finds people: recall, precision and average precision at an IoU of 0.5."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import iou_xyxy
from remix_track.detector_training.material import Boxes

_LEAST_OVERLAP = 0.5
_EPSILON = 1e-4
"""Scores nearer to 0 and 1 than this count as so near."""
_STEPS = 30


@dataclass(frozen=True, slots=True)
class Found:
    """Of all frames.

    Attributes:
        recall, precision: at the score asked for.
        average: average precision, the area under the best precision at each recall or more.
    """

    recall: float
    precision: float
    average: float


class Tally:
    """Collects frames; each prediction, surest first, takes the free person it overlaps most."""

    def __init__(self) -> None:
        self._score: list[float] = []
        self._right: list[bool] = []
        self._people = 0

    def add(self, xyxy: NDArray[np.floating], score: NDArray[np.floating], people: Boxes, unknown: Boxes) -> None:
        """Predictions (N, 4), (N,) of a frame, and what is there; those on someone unknown count as nothing."""
        self._people += len(people)
        order = np.argsort(-score, kind="stable")
        overlap = iou_xyxy(xyxy[order], people)
        doubtful = iou_xyxy(xyxy[order], unknown).max(axis=1, initial=0) if len(unknown) else np.zeros(len(order))
        for row, number in enumerate(order.tolist()):
            best = int(overlap[row].argmax()) if len(people) else -1
            right = best >= 0 and overlap[row, best] >= _LEAST_OVERLAP
            if right:
                overlap[:, best] = 0
            elif doubtful[row] >= _LEAST_OVERLAP:
                continue
            self._score.append(float(score[number]))
            self._right.append(right)

    def found(self, least: float) -> Found:
        """The figures, recall and precision of predictions whose score is `least` or more; nan for 0/0."""
        score, right = np.array(self._score), np.array(self._right, bool)
        kept = right[score >= least]
        hits = np.cumsum(right[np.argsort(-score, kind="stable")])
        precision = hits / np.arange(1, len(hits) + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        steps = np.diff(hits, prepend=0) > 0
        people = self._people or np.nan
        average = float(best[steps].sum() / people)
        return Found(float(kept.sum() / people), float(kept.mean()) if len(kept) else np.nan, average)

    def calibration(self) -> tuple[float, float]:
        """Slope and offset of log-odds that make a score the share of such predictions that are right.

        Source: Platt, "Probabilistic Outputs for Support Vector Machines", 1999; logistic regression by Newton's steps.
        (1, 0), which changes nothing, where predictions are all right, all wrong, or none.
        """
        score, right = np.clip(self._score, _EPSILON, 1 - _EPSILON), np.array(self._right, float)
        if not 0 < right.sum() < len(right):
            return 1.0, 0.0
        odds = np.stack([np.log(score / (1 - score)), np.ones(len(score))])
        line = np.array([1.0, 0.0])
        for _ in range(_STEPS):
            share = 1 / (1 + np.exp(-line @ odds))
            curvature = (odds * (share * (1 - share) + _EPSILON)) @ odds.T
            line = line + np.linalg.solve(curvature, odds @ (right - share))
        return float(line[0]), float(line[1])

"""The tracker's threshold: how far apart two crops may be and still show one person, from labelled crops."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST_CAMERA = 4000


@dataclass(frozen=True, slots=True)
class Calibration:
    """A threshold and what it costs on the crops it was found on.

    Attributes:
        max_cosine_distance: at most so far apart is one person, in 0..2.
        missed: share of the crops that are farther than that from their own person's other crops.
        accepted: share of the pairs of a crop and another person that are not.
        crops: that were compared with their own person.
        pairs: of a crop and another person.
    """

    max_cosine_distance: float
    missed: float
    accepted: float
    crops: int
    pairs: int


def calibrate(unit: NDArray[np.float32], identity: NDArray[np.int64], camera: NDArray[np.int64]) -> Calibration | None:
    """The threshold at which missed and accepted shares together are least.

    A tracker compares a crop with the crops it keeps of a person, in one camera, and goes by the nearest (Wojke et al.,
    Deep SORT, ICIP 2017, equation 2). So that is measured, within each camera: from a crop to the nearest other crop of
    its person, and to the nearest crop of each other person. A share is one of pairs, so it does not depend on how many
    people the data set shows. This rule is the project's own.

    Args:
        unit: (N, D) vectors of unit length.
        identity: (N,) people; negative ones are left out.
        camera: (N,) of each crop.

    Returns:
        None where no camera shows a person twice and another person too.
    """
    same, other = labelled_distances(unit, identity, camera)
    return least_wrong(same, other) if len(same) and len(other) else None


def labelled_distances(
    unit: NDArray[np.float32], identity: NDArray[np.int64], camera: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The distances (S,) of one person and (P,) of different people that `calibrate` rests on, ascending."""
    people = identity >= 0
    own, others = [], []
    for rows in _cameras(camera, np.flatnonzero(people)):
        same, other = _nearest(unit[rows], identity[rows])
        own.append(same)
        others.append(other)
    same = np.sort(np.concatenate(own or [np.empty(0)]))
    other = np.sort(np.concatenate(others or [np.empty(0)]))
    return same, other


def _cameras(camera: NDArray[np.int64], rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Rows of one camera after another, thinned out evenly where they are too many."""
    for number in np.unique(camera[rows]):
        inside = rows[camera[rows] == number]
        yield inside[np.linspace(0, len(inside) - 1, min(len(inside), LARGEST_CAMERA)).astype(np.intp)]


def _nearest(unit: NDArray[np.float32], identity: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances of each crop to the nearest other one of its person, and to the nearest of each other person."""
    order = np.argsort(identity, kind="stable")
    unit, identity = unit[order], identity[order]
    people, first = np.unique(identity, return_index=True)
    distance = 1 - (unit @ unit.T).astype(np.float64)  # (n, n)
    np.fill_diagonal(distance, np.inf)
    nearest = np.minimum.reduceat(distance, first, axis=1).clip(min=0)  # (n, people)
    mine = identity[:, None] == people
    same = nearest[mine]
    return same[np.isfinite(same)], nearest[~mine]


def least_wrong(same: NDArray[np.float64], other: NDArray[np.float64]) -> Calibration:
    """The threshold at which the shares of missed and accepted distances together are least.

    Args:
        same: (S,) distances of one person, ascending; at least one.
        other: (P,) distances of different people, likewise.
    """
    candidates = np.unique(np.concatenate([same, other]))
    missed = 1 - np.searchsorted(same, candidates, side="right") / len(same)
    accepted = np.searchsorted(other, candidates, side="right") / len(other)
    at = int(np.argmin(missed + accepted))
    # Nothing lies between this distance and the next, so the middle is as good and bears some noise.
    beyond = candidates[min(at + 1, len(candidates) - 1)]
    threshold = float(np.clip((candidates[at] + beyond) / 2, 1e-6, 2))
    return Calibration(threshold, float(missed[at]), float(accepted[at]), len(same), len(other))

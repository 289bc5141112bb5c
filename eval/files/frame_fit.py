"""Whether boxes fit the frames they are scored on: corners instead of sizes, or boxes made at another resolution."""

import numpy as np
from numpy.typing import NDArray

_FEW = 20  # fewer boxes say nothing about the image they were made on


def as_corners(tlwh: NDArray[np.float64], width: int, height: int) -> NDArray[np.int64] | None:
    """The boxes that leave the image, if what stands for width and height is the second corner; else None.

    It is where more than a quarter of the boxes end right of or below the image, and at least 95 % of all boxes
    fit it when read as x1,y1,x2,y2. In MOT17 and its results at most 8 % and 7 % do; written as corners, 44 % of the
    boxes and more leave the image, and 98 % and more fit it.

    Args:
        tlwh: (N, 4) what should be left, top, width and height in pixels.
        width: of the image, in pixels.
        height: likewise.
    """
    if not len(tlwh):
        return None
    picture = np.array([width, height])
    leaving = np.any(tlwh[:, :2] + tlwh[:, 2:] > picture + 1, axis=1)
    fitting = np.all((tlwh[:, 2:] > tlwh[:, :2]) & (tlwh[:, 2:] <= 1.1 * picture), axis=1)
    if np.mean(leaving) <= 0.25 or np.mean(fitting) < 0.95:
        return None
    return np.flatnonzero(leaving)


def made_on_other_size(tlwh: NDArray[np.float64], truth_tlwh: NDArray[np.float64]) -> str | None:
    """A sentence on boxes that were made on an image of another size than the ground truth's; else None.

    How far the boxes reach and how large they are must be off by the same factor (within 1.3), and that by more
    than 1.25 on one axis.

    Args:
        tlwh: (N, 4) boxes in pixels.
        truth_tlwh: (M, 4) boxes of the ground truth in pixels.
    """
    if min(len(tlwh), len(truth_tlwh)) < _FEW:
        return None
    reach, size = _reach_and_size(tlwh)
    true_reach, true_size = _reach_and_size(truth_tlwh)
    if min(*reach, *size, *true_reach, *true_size) <= 0:
        return None
    by_reach, by_size = reach / true_reach, size / true_size
    agree = np.all(np.abs(np.log(by_reach / by_size)) < np.log(1.3))
    if not agree or np.all(np.abs(np.log(by_reach)) < np.log(1.25)):
        return None
    return (
        f"boxes reach x {reach[0]:.0f}, y {reach[1]:.0f} where the ground truth reaches {true_reach[0]:.0f}, "
        f"{true_reach[1]:.0f}, and are {by_size[1]:.2f} times as tall: made on an image of another size"
    )


def _reach_and_size(tlwh: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right and bottom edge that 98 % of the boxes keep within; median width and height."""
    reach: NDArray[np.float64] = np.percentile(tlwh[:, :2] + tlwh[:, 2:], 98, axis=0)
    return reach, np.median(tlwh[:, 2:], axis=0)

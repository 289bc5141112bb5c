"""Tracks that leave or enter the image at its left or right border."""

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import xywh_from_tlwh

_NEAR = 0.02
"""Largest distance of a box from a side border at which it counts as at the border, as a share of the image's width;
and the largest pan of a camera, there and back, that still counts as rest."""

_GONE_SECONDS = 0.5
"""A track absent for longer, at a border before and after, left the image; for less, the detector missed it."""


def crossed_sides(
    end: NDArray[np.float64],
    begin: NDArray[np.float64],
    *,
    seconds: NDArray[np.float64] | float,
    turned: NDArray[np.float64] | float,
    frame_width: int,
) -> NDArray[np.bool_]:
    """Whether a track that ends at `end` left the image at a side border and one that begins at `begin` entered at one.

    This is meaningful only while the camera is at rest: when it pans, people who stand still leave the image, and are
    back when it pans back.

    Args:
        end: (..., 4) centres and sizes, pixels.
        begin: (..., 4) the same of the beginnings; it broadcasts with `end`, as the following do without the last axis.
        seconds: from the one to the other.
        turned: how far the camera turned sideways meanwhile, there and back, pixels.
        frame_width: pixels.
    """
    rests = np.asarray(turned) <= _NEAR * frame_width
    gone = np.asarray(seconds) > _GONE_SECONDS
    return np.asarray(gone & rests & _at_side(end, frame_width) & _at_side(begin, frame_width))


def at_side(tlwh: NDArray[np.floating], frame_width: int) -> NDArray[np.bool_]:
    """(N,) whether boxes (N, 4), top left and size, are at the left or right border of the image."""
    return _at_side(np.asarray(xywh_from_tlwh(tlwh), np.float64), frame_width)


def _at_side(xywh: NDArray[np.float64], frame_width: int) -> NDArray[np.bool_]:
    x, half, near = xywh[..., 0], xywh[..., 2] / 2, _NEAR * frame_width
    return np.asarray((x - half <= near) | (x + half >= frame_width - near))

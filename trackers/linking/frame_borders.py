"""Tracks that leave or enter the image at its left or right border."""

import numpy as np
from numpy.typing import NDArray

_NEAR = 0.02
"""How near to a side a box must come to be at it, as a share of the picture's width; and how far a camera may turn
meanwhile, there and back, and still be at rest."""

_GONE_SECONDS = 0.5
"""Who is not seen for so long, at the side before and after, was gone; for less, nobody looked well."""


def crossed_sides(
    end: NDArray[np.float64],
    begin: NDArray[np.float64],
    *,
    seconds: NDArray[np.float64] | float,
    turned: NDArray[np.float64] | float,
    picture_width: int,
) -> NDArray[np.bool_]:
    """Whether who was last seen at `end` left at a side, and who is first seen at `begin` came in at one.

    That means something only while the camera rests: when it turns, people leave who stand still, and they are there
    again when it turns back.

    Args:
        end: (..., 4) centres and sizes, pixels.
        begin: (..., 4) the same of those who come; it broadcasts with `end`, as the following do without the last axis.
        seconds: from the one to the other.
        turned: how far the camera turned sideways meanwhile, there and back, pixels.
        picture_width: pixels.
    """
    rests = np.asarray(turned) <= _NEAR * picture_width
    gone = np.asarray(seconds) > _GONE_SECONDS
    return np.asarray(gone & rests & _at_side(end, picture_width) & _at_side(begin, picture_width))


def _at_side(xywh: NDArray[np.float64], picture_width: int) -> NDArray[np.bool_]:
    x, half, near = xywh[..., 0], xywh[..., 2] / 2, _NEAR * picture_width
    return np.asarray((x - half <= near) | (x + half >= picture_width - near))

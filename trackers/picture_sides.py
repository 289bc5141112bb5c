"""Who left the picture at its left or right side, and who came in there."""

import numpy as np
from numpy.typing import NDArray

_NEAR = 0.02
"""How near to a side a box must come to be at it, as a share of the picture's width; and how far a camera may turn
meanwhile, there and back, and still be at rest."""


class Sides:
    """The sides of the pictures of one video.

    They mean something only while the camera rests: when it turns, people leave who stand still, and they are there
    again when it turns back.
    """

    def __init__(self) -> None:
        """Know nothing: nobody crosses the sides until a frame is noted."""
        self._width = 0
        self._frames: list[int] = []
        self._ways: list[float] = []

    def note(self, frame: int, picture_width: int, camera_way: float) -> None:
        """Note a frame, which comes after those before, and how far the camera has turned until then, in pixels."""
        self._width = picture_width
        self._frames.append(frame)
        self._ways.append(camera_way)

    def crossed(
        self,
        end: NDArray[np.float64],
        begin: NDArray[np.float64],
        last: NDArray[np.int64] | int,
        first: NDArray[np.int64] | int,
    ) -> NDArray[np.bool_]:
        """Whether who was last seen at `end` left at a side, and who is first seen at `begin` came in at one.

        Args:
            end: (..., 4) centres and sizes, pixels.
            begin: the same of the others; its shape, as the others', is one that numpy broadcasts with `end`'s.
            last: (...) frames of `end`, which were noted.
            first: (...) frames of `begin`, which were noted.
        """
        if not self._width:
            return np.zeros(np.broadcast_shapes(end.shape[:-1], begin.shape[:-1]), np.bool_)
        rests = np.abs(self._way(first) - self._way(last)) <= _NEAR * self._width
        return np.asarray(self._near(end) & self._near(begin) & rests)

    def _near(self, xywh: NDArray[np.float64]) -> NDArray[np.bool_]:
        x, half, near = xywh[..., 0], xywh[..., 2] / 2, _NEAR * self._width
        return np.asarray((x - half <= near) | (x + half >= self._width - near))

    def _way(self, frame: NDArray[np.int64] | int) -> NDArray[np.float64]:
        return np.asarray(np.array(self._ways)[np.searchsorted(self._frames, frame)])

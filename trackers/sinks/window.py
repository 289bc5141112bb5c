"""`--show`: a window with the annotated frame."""

import contextlib
import functools
import subprocess
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.sinks.sink import Sink

_ESCAPE = 27
_PROBE = "import cv2; cv2.namedWindow('probe'); cv2.destroyAllWindows()"


class WindowClosed(Exception):  # noqa: N818 - not an error, as StopIteration is none
    """The user closed the window: end the run as if the video had ended here."""


class WindowSink(Sink):
    """Shows each frame as it comes; q, Esc or the window's own button end the run.

    Put it last among the sinks, so that the others have the frame at which it ends.
    """

    def __init__(self, draw: Callable[[TrackedFrame], NDArray[np.uint8]], title: str = "remix-track") -> None:
        """Try whether windows can be opened here; `draw` makes the image, (H, W, 3) uint8 BGR.

        Raises:
            InputError: there is no screen, or OpenCV came without windows.
        """
        require_screen()
        self._draw = draw
        self._title = title
        self._open = False

    def write(self, frame: TrackedFrame) -> None:
        """Show the frame.

        Raises:
            WindowClosed: the user wants to end.
        """
        import cv2

        if self._open and self._is_closed():
            raise WindowClosed
        if not self._open:
            # A plain normal window can be made smaller than a 4K image.
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
            cv2.resizeWindow(self._title, *_fitting(*frame.image.shape[1::-1]))
            self._open = True
        cv2.imshow(self._title, self._draw(frame))
        key = cv2.waitKey(1) & 0xFF
        if key in (ord("q"), _ESCAPE) or self._is_closed():
            raise WindowClosed

    def _is_closed(self) -> bool:
        """Whether its button was pressed, maybe while another window waited for keys; showing would open it again."""
        import cv2

        return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1

    def close(self) -> None:
        """Close the window."""
        import cv2

        if self._open:
            self._open = False
            # Its own button may have closed it, which some back ends take for an error.
            with contextlib.suppress(cv2.error):
                cv2.destroyWindow(self._title)


def require_screen() -> None:
    """Do nothing where a window can be opened.

    Raises:
        InputError: there is no screen, or OpenCV came without windows.
    """
    if not _can_open_windows():
        raise InputError("`show`: no window can be opened here (no screen); leave `show` out and see video.mp4")


def _fitting(width: int, height: int, limit: tuple[int, int] = (1600, 900)) -> tuple[int, int]:
    """The size, in proportion, at which an image fits on most screens; never larger than it is."""
    scale = min(1.0, limit[0] / width, limit[1] / height)
    return round(width * scale), round(height * scale)


@functools.cache
def _can_open_windows() -> bool:
    # Without a screen, Qt ends the whole process; a child of ours may die of it instead.
    try:
        return subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False

"""Cameras of this machine."""

import contextlib
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from remix_track.errors import InputError
from remix_track.trackers.sources.damage import Damage
from remix_track.trackers.sources.selection import Selection
from remix_track.trackers.sources.source import Facts, Picture, plausible_fps

_MOST_MISSES = 10
_MISS_SECONDS = 0.1
_MOST_CAMERAS = 100


class CameraReader:
    """A webcam by its index, through OpenCV. Frames that are not fetched in time are the driver's to drop."""

    def __init__(self, index: int) -> None:
        """Open the camera.

        Raises:
            InputError: there is none of this index, or another program holds it.
        """
        import cv2

        if not 0 <= index < _MOST_CAMERAS:
            raise InputError(f"camera {index}: no such index; they count from 0")
        with _quiet_opencv():
            self._capture = cv2.VideoCapture(index)
            opened = self._capture.isOpened()
        if not opened:
            self._capture.release()
            present = ", ".join(sorted(path.name.removeprefix("video") for path in Path("/dev").glob("video[0-9]*")))
            raise InputError(
                f"camera {index}: cannot be opened; "
                + (f"this machine has {present}; is another program using it?" if present else "this machine has none")
            )
        self.damage = Damage()
        self.seen = 0
        self._in_use, self._closed = threading.Lock(), False
        fps = plausible_fps(float(self._capture.get(cv2.CAP_PROP_FPS)))
        self.facts = Facts(f"camera-{index}", f"camera {index}", fps=fps, live=True)

    def read(self, selection: Selection) -> Generator[Picture, None, None]:
        """The wanted pictures as they come; times are those of their arrival."""
        began: float | None = None
        while not selection.is_past(self.seen + 1):
            if not self._grab():
                if self._closed:
                    return
                self.damage.note(f"the camera gave no more pictures after frame {self.seen}; was it unplugged?")
                return
            self.seen += 1
            now = time.monotonic()
            began = now if began is None else began
            if selection.wants(self.seen):
                with self._in_use:
                    fetched, image = self._capture.retrieve()
                if fetched and image is not None:
                    yield Picture(self.seen, image, now - began)
                else:
                    self.damage.lost(self.seen)

    def _grab(self) -> bool:
        for _ in range(_MOST_MISSES):
            with self._in_use:
                if self._closed:
                    self._capture.release()
                    return False
                if self._capture.grab():
                    return True
            time.sleep(_MISS_SECONDS)
        return False

    def close(self) -> None:
        """Give the camera back; where another thread waits for a picture from it, that one will."""
        self._closed = True
        if self._in_use.acquire(blocking=False):
            try:
                self._capture.release()
            finally:
                self._in_use.release()


@contextlib.contextmanager
def _quiet_opencv() -> Iterator[None]:
    """No lines from OpenCV's back ends about cameras that are not there; the caller says it in one."""
    import cv2

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(0)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)

"""Cameras of this machine."""

import contextlib
import threading
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from remix_track.errors import InputError
from remix_track.trackers.sources.reconnection import Reconnection
from remix_track.trackers.sources.source import Damage, Facts, Picture, Selection, plausible_fps
from remix_track.trackers.sources.stream_settings import StreamSettings

_MOST_MISSES = 10
_MISS_SECONDS = 0.1
_MOST_CAMERAS = 100


class CameraReader:
    """A webcam by its index, through OpenCV. Frames that are not fetched in time are the driver's to drop.

    One that gives no more images is opened again until it does.
    """

    def __init__(self, index: int, settings: StreamSettings) -> None:
        """Open the camera.

        Raises:
            InputError: there is none of this index, or another program holds it.
        """
        import cv2

        if not 0 <= index < _MOST_CAMERAS:
            raise InputError(f"camera {index}: no such index; they count from 0")
        self._index, self._settings = index, settings
        self._capture = _opened(index)
        if not self._capture.isOpened():
            self._capture.release()
            present = ", ".join(sorted(path.name.removeprefix("video") for path in Path("/dev").glob("video[0-9]*")))
            raise InputError(
                f"camera {index}: cannot be opened; "
                + (f"this machine has {present}; is another program using it?" if present else "this machine has none")
            )
        self.damage = Damage()
        self.seen = 0
        self._in_use, self._closed = threading.Lock(), threading.Event()
        fps = plausible_fps(float(self._capture.get(cv2.CAP_PROP_FPS)))
        self.facts = Facts(f"camera-{index}", f"camera {index}", fps=fps, live=True)
        self._reconnection = Reconnection("the camera", self.facts, self.damage, settings, self._closed)

    def read(self, selection: Selection) -> Generator[Picture, None, None]:
        """The wanted images as they come; times are those of their arrival."""
        began: float | None = None
        while not selection.is_past(self.seen + 1):
            if not self._grab():
                if self._closed.is_set() or not self._reconnect():
                    return
                continue
            self.seen += 1
            self._reconnection.picture()
            now, utc = time.monotonic(), datetime.now(UTC)
            began = now if began is None else began
            if selection.wants(self.seen):
                with self._in_use:
                    fetched, image = self._capture.retrieve()
                if fetched and image is not None:
                    yield Picture(self.seen, image, now - began, utc)
                else:
                    self.damage.lost(self.seen)

    def _reconnect(self) -> bool:
        why = "it gave no more images; was it unplugged?"
        # One that never gave a frame is not waited for: the user waits for the answer.
        most = self._settings.tries(None) if self.seen else 0
        return self._reconnection.again(self._open_again, why, self.seen, most)

    def _open_again(self) -> str | None:
        with self._in_use:
            self._capture.release()
            if not self._closed.is_set():
                self._capture = _opened(self._index)
        return None if self._capture.isOpened() else "it cannot be opened"

    def _grab(self) -> bool:
        for _ in range(_MOST_MISSES):
            with self._in_use:
                if self._closed.is_set():
                    self._capture.release()
                    return False
                if self._capture.grab():
                    return True
            self._closed.wait(_MISS_SECONDS)
        return False

    def close(self) -> None:
        """Give the camera back; where another thread waits for an image from it, that one will."""
        self._closed.set()
        if self._in_use.acquire(blocking=False):
            try:
                self._capture.release()
            finally:
                self._in_use.release()


def _opened(index: int) -> Any:
    import cv2

    with _quiet_opencv():
        return cv2.VideoCapture(index)


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

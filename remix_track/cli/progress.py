"""How far along a video is."""

import logging
import time
from typing import Self

from remix_track.cli.live_line import LiveLine
from remix_track.progress import Progress


def tell_first_starts(*, quiet: bool) -> None:
    """Let a line say what takes seconds once only: networks that are converted and compiled."""
    if not quiet:
        for name in ("openvino_runtime", "trackers.detectors.int8"):
            logging.getLogger(f"remix_track.{name}").setLevel(logging.INFO)


class ProgressLine:
    """An `on_progress` for videos: frames done of all, frames per second, a detail, and the time left.

    Every name and stage gets a line of its own, which begins with its first frame.
    """

    def __init__(self, *, quiet: bool) -> None:
        """Begin without a line."""
        self._quiet = quiet
        self._key = ("", "")
        self._line: LiveLine | None = None
        self._start = 0.0

    def __call__(self, at: Progress) -> None:
        """Say that `at.done` frames are done."""
        if self._line is None or (at.stage, at.name) != self._key:
            self.close()
            self._key, self._start = (at.stage, at.name), time.monotonic()
            self._line = LiveLine(at.name, at.total, quiet=self._quiet)
            return
        fps = at.done / max(time.monotonic() - self._start, 1e-9)
        of = f"/{at.total}" if at.total else ""
        left = f", {(at.total - at.done) / fps:.0f} s left" if at.total and 0 < at.done <= at.total else ""
        plain = f"{at.name}: {at.done}{of} frames, {fps:.1f} fps, {at.detail}{left}"
        self._line.show(at.name, at.done, at.total, f"{fps:.1f} fps · {at.detail}", plain)

    def close(self) -> None:
        """Leave the line as it stands."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class StageLine:
    """An `on_progress` for harvests and what comes after: a line for each stage."""

    def __init__(self, *, quiet: bool) -> None:
        """Begin without a line."""
        self._quiet = quiet
        self._stage = ""
        self._line: LiveLine | None = None

    def __call__(self, at: Progress) -> None:
        """Say what is done of a video, or of all crops."""
        if self._line is None or at.stage != self._stage:
            self.close()
            self._stage = at.stage
            self._line = LiveLine(at.stage, at.total, quiet=self._quiet)
        self._line.show(at.name, at.done, at.total, at.detail, _plain(at))

    def close(self) -> None:
        """Leave the line as it stands."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _plain(at: Progress) -> str:
    if at.stage == "footage":
        return f"{at.name} ({at.detail}): {at.done}/{at.total or '?'} frames"
    if at.stage == "crops":
        return f"{at.done:,} of {at.total:,} crops embedded"
    return f"{at.name}: {at.done:,} of {at.total:,} drawn"

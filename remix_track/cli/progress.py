"""How far along a video is."""

import logging
import time
from collections.abc import Callable
from typing import Self

from remix_track.cli.live_line import LiveLine
from remix_track.progress import Progress


def tell_first_starts(*, quiet: bool) -> None:
    """Let a line say what takes seconds once only: networks that are converted and compiled."""
    if not quiet:
        for name in ("openvino_runtime", "trackers.detectors.int8"):
            logging.getLogger(f"remix_track.{name}").setLevel(logging.INFO)


Words = Callable[[Progress, float], tuple[str, str]]
"""Of a step and the seconds since its line began: what stands beside a bar, and the line where there is no terminal."""


def frames_of_video(at: Progress, seconds: float) -> tuple[str, str]:
    """Frames done of all, frames per second, a detail, and the time left."""
    fps = at.done / max(seconds, 1e-9)
    of = f"/{at.total}" if at.total else ""
    left = f", {(at.total - at.done) / fps:.0f} s left" if at.total and 0 < at.done <= at.total else ""
    return f"{fps:.1f} fps · {at.detail}", f"{at.name}: {at.done}{of} frames, {fps:.1f} fps, {at.detail}{left}"


def part_of_stage(at: Progress, _: float) -> tuple[str, str]:
    """What is done of a video, or of all crops."""
    if at.stage == "footage":
        return at.detail, f"{at.name} ({at.detail}): {at.done}/{at.total or '?'} frames"
    if at.stage == "crops":
        return at.detail, f"{at.done:,} of {at.total:,} crops embedded"
    return at.detail, f"{at.name}: {at.done:,} of {at.total:,} drawn"


class ProgressLine:
    """An `on_progress`: a line for each stage of each name, such as a video, which begins with its first step."""

    def __init__(self, *, quiet: bool, words: Words = frames_of_video, by_name: bool = True) -> None:
        """Begin without a line.

        Args:
            quiet: show nothing.
            words: what a line says.
            by_name: every name has a line of its own; else a stage has one.
        """
        self._quiet, self._words, self._by_name = quiet, words, by_name
        self._key = ("", "")
        self._line: LiveLine | None = None
        self._start = 0.0

    def __call__(self, at: Progress) -> None:
        """Say that `at.done` steps are done."""
        key = (at.stage, at.name if self._by_name else "")
        if self._line is None or key != self._key:
            self.close()
            self._key, self._start = key, time.monotonic()
            self._line = LiveLine(at.name, at.total, quiet=self._quiet)
            return
        detail, plain = self._words(at, time.monotonic() - self._start)
        self._line.show(at.name, at.done, at.total, detail, plain)

    def close(self) -> None:
        """Leave the line as it stands."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def stage_line(*, quiet: bool) -> ProgressLine:
    """An `on_progress` for harvests and what comes after: a line for each stage, whatever it is done to."""
    return ProgressLine(quiet=quiet, words=part_of_stage, by_name=False)

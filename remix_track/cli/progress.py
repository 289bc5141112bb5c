"""How far along a video is."""

import logging
import time
from typing import Self

from remix_track.cli.live_line import LiveLine


def tell_first_starts(*, quiet: bool) -> None:
    """Let a line say what takes seconds once only: networks that are converted and compiled."""
    if not quiet:
        logging.getLogger("remix_track.openvino_runtime").setLevel(logging.INFO)


class Progress:
    """Shows frames done of all, frames per second, a detail, and the time left."""

    def __init__(self, name: str, total: int | None, *, quiet: bool) -> None:
        """Begin at once; `total` is None where nobody knows, as with a camera."""
        self._line = LiveLine(name, total, quiet=quiet)
        self._name, self._total = name, total
        self._start = time.monotonic()

    def update(self, frames: int, detail: str) -> None:
        """Say that `frames` are done, and a few words on what came of them."""
        fps = frames / max(time.monotonic() - self._start, 1e-9)
        of = f"/{self._total}" if self._total else ""
        left = f", {(self._total - frames) / fps:.0f} s left" if self._total and 0 < frames <= self._total else ""
        plain = f"{self._name}: {frames}{of} frames, {fps:.1f} fps, {detail}{left}"
        self._line.show(self._name, frames, self._total, f"{fps:.1f} fps · {detail}", plain)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

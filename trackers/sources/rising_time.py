"""Frame times that always rise, whatever the time stamps do."""

import time
from collections.abc import Callable

from remix_track.trackers.sources.one_clock import LONG_LEAP

_TICK = 1e-6  # seconds by which a picture is later than the one before it, at least
_MOST_BEHIND = 8  # pictures in a row behind the line until the line follows the clock
_MOST_STILL = 3  # pictures in a row without a new stamp until a live stream's stamps are given up


class RisingTime:
    """Seconds since the first picture by stamps that may stand still, stumble or be missing.

    A picture whose stamp is not above the one before is a frame later than that one: a clock that stumbles is caught up
    with, one that stays behind is followed from there on.
    """

    def __init__(self, step: float) -> None:
        """`step` is the time from one frame to the next, in seconds, where stamps do not tell."""
        self._step = self._rise = step
        self._zero: float | None = None
        self._behind = 0
        self.latest = -step

    def __call__(self, stamp: float | None, frames: int = 1) -> float | None:
        """The time of a picture.

        Args:
            stamp: in seconds, on any clock; None without one.
            frames: how many frames it lies behind the picture before it, lost ones counted.

        Returns:
            None before the first stamp: there is no clock, as far as one can tell.
        """
        ahead = self.latest + frames * self._step
        if stamp is None:
            self.latest = ahead
            return None if self._zero is None else ahead
        if self._zero is None:
            # Pictures without stamps came before it.
            self._zero = stamp - ahead
        seconds = stamp - self._zero
        self._behind = self._behind + 1 if seconds <= self.latest else 0
        if self._behind:
            # Where frames come in bursts, the mean of the video would carry the time past those that follow.
            seconds = self.latest + min(self._step, self._rise)
        if self._behind > _MOST_BEHIND:
            self._zero, self._behind = stamp - seconds, 0
        self._rise, self.latest = seconds - self.latest, seconds
        return seconds

    def go_on(self, seconds: float, stamp: float | None = None) -> float:
        """The time of a picture that another clock gives; from `stamp` on, if given, the stamps count from it."""
        self.latest = max(seconds, self.latest + _TICK)
        if stamp is not None:
            self._zero = stamp - self.latest
        return self.latest


class LiveTime:
    """Seconds since the first picture of a live connection: by its stamps while they move, else as pictures arrive.

    Attributes:
        by_arrival: the stamps are given up.
    """

    def __init__(self, rising: RisingTime, *, stamped: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with the first picture.

        Args:
            rising: what is done with stamps that move.
            stamped: False where the kind of stream has none, and FFmpeg makes them up.
            clock: seconds, rising.
        """
        self.by_arrival = not stamped
        self._rising, self._clock = rising, clock
        self._began: float | None = None
        self._arrived = 0.0
        self._last: float | None = None
        self._still = 0

    def __call__(self, stamp: float | None, frames: int = 1) -> float:
        """The time of a picture that has just arrived; `stamp` and `frames` as `RisingTime` has them."""
        now = self._clock()
        self._began = now if self._began is None else self._began
        arrived, since = now - self._began, now - self._began - self._arrived
        self._arrived = arrived
        last, self._last = self._last, stamp
        self._still = self._still + 1 if stamp is None or stamp == last else 0
        self.by_arrival |= self._still >= _MOST_STILL
        if self.by_arrival or stamp is None or stamp == last:
            return self._rising.go_on(arrived)
        if last is not None and abs(stamp - last) > LONG_LEAP and since < abs(stamp - last) / 2:
            # The camera set its clock.
            return self._rising.go_on(self._rising.latest + since, stamp)
        seconds = self._rising(stamp, frames)
        assert seconds is not None
        return seconds


class FrameStamp:
    """Which of a picture's two stamps to believe, as FFmpeg guesses it: the one that ran back less often so far.

    H.264 in AVI has no stamps of showing; what stands in their place runs back with every B-frame.
    """

    def __init__(self) -> None:
        self._faults = [0, 0]
        self._last: list[int | None] = [None, None]

    def __call__(self, pts: int | None, dts: int | None) -> int | None:
        """One of the two, or None where there is neither."""
        for which, stamp in enumerate((pts, dts)):
            last = self._last[which]
            if stamp is not None:
                self._faults[which] += last is not None and stamp <= last
                self._last[which] = stamp
        if self._last[0] is None or (pts is not None and dts is not None and self._faults[0] > self._faults[1]):
            return dts
        return pts

"""Time stamps: of packets, on one clock over several recordings and wraps; of frames, so that their times always rise.

`cat a.ts b.ts` is a file whose clock runs twice over the same hour. `OneClock` moves the stamps of the second recording
behind the first. `RisingTime` and `LiveTime` make seconds of stamps that stand still, stumble or are missing.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import av
    import av.packet

LONG_LEAP = 10.0
"""Seconds between two images from which on a leap forward is looked at twice."""

_SLACK = 1.0  # seconds that stamps may run back without a key frame: images are packed in another order than shown
_MOST_REORDERED = 17  # the deepest reordering of H.264 and HEVC, and one
_MOST_NOTES = 5


class Stamps(NamedTuple):
    """When a packet is shown and when it is decoded, in ticks of the stream; None where it does not say."""

    pts: int | None
    dts: int | None


class OneClock:
    """Moves stamps so that they run on where the clock of the source begins anew.

    - The clock runs back, at a key frame or by more than a second: another recording begins. It goes on a frame after
      the last one.
    - A clock of `period` ticks wraps, in MPEG after 26.5 hours: it goes on without a gap. FFmpeg adds a period to
      stamps that lie before a recording's first; of the two ways to read a leap the shorter one holds.
    - A leap forward is time that passed: cameras that record what moves are silent for hours. It stays as it is.
    - A single packet out of line has no stamp.

    Attributes:
        joins: how often another recording began.
        notes: where, one line each, as seconds on the one clock; the first five.
        offset: ticks that were added to the latest stamps.
    """

    def __init__(self, ticks: float, step: float, period: int | None = None) -> None:
        """Begin before the first packet.

        Args:
            ticks: of the stream's clock in a second.
            step: ticks from one frame to the next, for packets that do not tell how long they last.
            period: ticks after which the clock begins at zero again; None: it never does.
        """
        self.joins = 0
        self.notes: list[str] = []
        self.offset = 0
        self._ticks, self._step, self._period = ticks, step, period
        self._slack = max(_SLACK * ticks, _MOST_REORDERED * step)
        self._latest = Stamps(None, None)  # the highest so far, on the source's clock
        self._first: int | None = None

    def moved(self, stamps: Stamps, *, key: bool, step: int = 0, after: Callable[[], Stamps | None]) -> Stamps:
        """The stamps of the next packet, in the order of decoding.

        Args:
            stamps: as the source has them.
            key: it can be decoded by itself.
            step: ticks that it lasts; 0 where it does not tell.
            after: the stamps of the packet behind it, None at the end; asked for only where these are strange.
        """
        here = self._unwrapped(stamps)
        leap = self._leap(here)
        if self._begins_anew(here, key):
            if self._is_alone(after()):
                return Stamps(None, None)
            self._join(here, step or round(self._step))
        elif leap > LONG_LEAP * self._ticks and self._is_alone(after()):
            return Stamps(None, None)
        self._latest = Stamps(_highest(self._latest.pts, here.pts), _highest(self._latest.dts, here.dts))
        return Stamps(*(None if stamp is None else stamp + self.offset for stamp in here))

    def leap(self, stamps: Stamps) -> float:
        """Seconds from the packets so far to one that is about to come."""
        return self._leap(self._unwrapped(stamps)) / self._ticks

    def _leap(self, here: Stamps) -> float:
        """Ticks from the latest packet to this one, by the time of decoding where both have one."""
        for stamp, latest in ((here.dts, self._latest.dts), (here.pts, self._latest.pts)):
            if stamp is not None and latest is not None:
                return stamp - latest
        return 0

    def _begins_anew(self, here: Stamps, key: bool) -> bool:
        back = -self._leap(here)
        # A file's stamps of decoding may be wrong where those of showing are right.
        shown_before = here.pts is None or self._latest.pts is None or here.pts < self._latest.pts
        return shown_before and (back > self._slack or (key and back > 0))

    def _is_alone(self, behind: Stamps | None) -> bool:
        """Whether the packet behind a strange one goes on where the one before it was."""
        if behind is None or behind == Stamps(None, None):
            return False
        return 0 < self._leap(self._unwrapped(behind)) <= LONG_LEAP * self._ticks

    def _join(self, here: Stamps, step: int) -> None:
        moves = [
            latest + step - stamp
            for stamp, latest in zip(here, self._latest, strict=True)
            if stamp is not None and latest is not None
        ]
        back = -self._leap(here) / self._ticks
        self.offset += max(moves)
        self.joins += 1
        self._latest = Stamps(None, None)
        if len(self.notes) < _MOST_NOTES:
            begins = next(stamp for stamp in here if stamp is not None) + self.offset - (self._first or 0)
            self.notes.append(
                f"the clock runs back by {back:.2f} s at {begins / self._ticks:.2f} s: another recording begins there;"
                " times go on without a gap"
            )

    def _unwrapped(self, stamps: Stamps) -> Stamps:
        pts, dts = stamps
        if self._first is None:
            self._first = pts if pts is not None else dts
        if self._period is None:
            return stamps
        known = self._latest.dts if self._latest.dts is not None else self._latest.pts
        if dts is not None and known is not None:
            dts = self._near(dts, known)
        near = dts if dts is not None else known
        return Stamps(pts if pts is None or near is None else self._near(pts, near), dts)

    def _near(self, stamp: int, known: int) -> int:
        """`stamp` or a whole number of periods beside it, whichever is nearest to `known`."""
        assert self._period is not None
        return stamp + round((known - stamp) / self._period) * self._period


def _highest(one: int | None, other: int | None) -> int | None:
    return max((stamp for stamp in (one, other) if stamp is not None), default=None)


_TICK = 1e-6  # seconds by which an image is later than the one before it, at least
_MOST_BEHIND = 8  # images in a row behind the line until the line follows the clock
_MOST_STILL = 3  # images in a row without a new stamp until a live stream's stamps are given up


class RisingTime:
    """Seconds since the first image by stamps that may stand still, stumble or be missing.

    An image whose stamp is not above the one before is a frame later than that one: a clock that stumbles is caught up
    with, one that stays behind is followed from there on.
    """

    def __init__(self, step: float) -> None:
        """`step` is the time from one frame to the next, in seconds, where stamps do not tell."""
        self._step = self._rise = step
        self._zero: float | None = None
        self._behind = 0
        self.latest = -step

    def __call__(self, stamp: float | None, frames: int = 1) -> float | None:
        """The time of an image.

        Args:
            stamp: in seconds, on any clock; None without one.
            frames: how many frames it lies behind the image before it, lost ones counted.

        Returns:
            None before the first stamp: there is no clock, as far as one can tell.
        """
        ahead = self.latest + frames * self._step
        if stamp is None:
            self.latest = ahead
            return None if self._zero is None else ahead
        if self._zero is None:
            # Images without stamps came before it.
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
        """The time of an image that another clock gives; from `stamp` on, if given, the stamps count from it."""
        self.latest = max(seconds, self.latest + _TICK)
        if stamp is not None:
            self._zero = stamp - self.latest
        return self.latest


class LiveTime:
    """Seconds since the first image of a live connection: by its stamps while they move, else as images arrive.

    Attributes:
        by_arrival: the stamps are given up.
    """

    def __init__(self, rising: RisingTime, *, stamped: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with the first image.

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
        """The time of an image that has just arrived; `stamp` and `frames` as `RisingTime` has them."""
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
    """Which of an image's two stamps to believe, as FFmpeg guesses it: the one that ran back less often so far.

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


class PacketsAhead:
    """Packets, of which one may be looked at before its turn: what a clock does next tells a join from a stumble."""

    def __init__(self, packets: Iterator["av.Packet[Any]"]) -> None:
        self._packets = packets
        self._behind: list[av.Packet[Any]] = []

    def __iter__(self) -> Iterator["av.Packet[Any]"]:
        while (packet := self._behind.pop() if self._behind else next(self._packets, None)) is not None:
            yield packet

    def stamps_behind(self) -> Stamps | None:
        """The stamps of the packet that is next; None at the end."""
        if not self._behind:
            self._behind = list(itertools.islice(self._packets, 1))
        return Stamps(self._behind[0].pts, self._behind[0].dts) if self._behind else None

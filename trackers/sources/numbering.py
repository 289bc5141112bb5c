"""Frame numbers that stay right behind a damaged place: a frame that is lost keeps its number."""

import heapq
from collections import deque

_MOST_UNDER_WAY = 1000
_MOST_REMEMBERED = 64
_MOST_SKIPPED = 10_000  # frame lengths; a longer way to the next stamp is a broken stamp


class Numbering:
    """Counts the frames that went into a file and did not come out of the decoder.

    Images leave a decoder in the order of their time stamps, packets enter it in another, and a broken packet may
    vanish without a word. So the stamps of packets under way wait in a heap; when an image leaves, each earlier
    stamp belongs to a frame that was lost. Where damage swallowed whole packets, the time that passed tells how many,
    if the file's frames came at even times before.

    In a healthy file nothing is ever counted as lost: packets that never become images exist (VP8's hidden
    reference frames, DivX's place holders, images before the first key frame), so do pauses, and everybody else's
    frame numbers do not count them either. The stamps count from the first sign of damage on.
    """

    def __init__(self, frame_length: float | None = None) -> None:
        """Start at the first frame; `frame_length` is the time from one frame to the next, in units of the stamps."""
        self.damaged = False
        self._frame_length = frame_length
        self._even = frame_length is not None
        self._under_way: list[int] = []
        self._given_up: deque[int] = deque(maxlen=_MOST_REMEMBERED)
        self._latest: float | None = None
        self._refused = 0
        self._stamps_tell: bool | None = None
        self._resumes: int | None = None

    def sent(self, stamp: int | None) -> None:
        """A packet with this presentation stamp enters the decoder."""
        if self._stamps_tell is None:
            self._stamps_tell = stamp is not None
        if len(self._under_way) >= _MOST_UNDER_WAY:
            self._distrust()
        elif self._stamps_tell and stamp is not None:
            heapq.heappush(self._under_way, stamp)

    def resumes(self, stamp: int) -> None:
        """The recording pauses before the packet with this stamp, which is about to come: no frame lies in between."""
        self._resumes = stamp

    def failed(self) -> None:
        """The decoder refused a packet."""
        self.damaged = True
        self._refused += 1

    @property
    def missing(self) -> bool:
        """Whether packets are known to be under way: images not yet out, or lost."""
        return bool(self._under_way)

    def arrived(self, stamp: int | None) -> int | None:
        """An image with this stamp leaves the decoder.

        Returns:
            How many frames were lost just before it; None where it comes too late: behind a damaged place decoders
            also let go of images whose turn is over.
        """
        if stamp is not None and stamp in self._given_up:
            self._given_up.remove(stamp)
            return None
        if stamp is None:
            if self._latest is not None:
                self._latest += self._frame_length or 0
            return self._lost([])
        if self._latest is not None and stamp <= self._latest:
            self._distrust()
        passed: list[int] = []
        while self._under_way and self._under_way[0] <= stamp:
            passed.append(heapq.heappop(self._under_way))
        lost = self._lost([waiting for waiting in passed if waiting != stamp])
        skipped = self._skipped(stamp)
        self._latest = stamp
        return max(lost, skipped)

    def ended(self) -> int:
        """The decoder is empty; returns how many frames were lost after the last image."""
        passed, self._under_way = self._under_way, []
        return self._lost(passed)

    def _lost(self, passed: list[int]) -> int:
        if passed and not self.damaged:
            self._distrust()
            return 0
        self._given_up.extend(passed)
        lost = len(passed) if self._stamps_tell else self._refused
        self._refused = 0
        return lost

    def _skipped(self, stamp: int) -> int:
        """How many frames fit between the latest image and this one, where damage may have swallowed them."""
        if not (self._even and self._stamps_tell and self._frame_length) or self._latest is None:
            return 0
        lengths = (stamp - self._latest) / self._frame_length
        if self._resumes is not None and self._latest < self._resumes <= stamp:
            self._resumes = None
            return 0
        if self.damaged:
            return round(lengths) - 1 if 1 <= lengths <= _MOST_SKIPPED else 0
        self._even = 0.5 < lengths < 1.5
        return 0

    def _distrust(self) -> None:
        self._stamps_tell = False
        self._under_way.clear()

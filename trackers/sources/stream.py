"""Streams and files behind an address: RTSP, RTSPS, HTTP, HTTPS."""

import logging
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass

from remix_track.addresses import Address, split_address, usable_address
from remix_track.errors import InputError
from remix_track.trackers.sources.damage import Damage
from remix_track.trackers.sources.decoding import Decoder
from remix_track.trackers.sources.newest import newest
from remix_track.trackers.sources.selection import Selection
from remix_track.trackers.sources.source import Facts, Picture, folder_name

# What each kind of address may lead FFmpeg to; never to files of this machine.
_PROTOCOLS = {
    "rtsp": "rtsp,rtp,srtp,udp,tcp,tls",
    "rtsps": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
    "http": "http,https,tcp,tls,crypto,data,httpproxy",
    "https": "http,https,tcp,tls,crypto,data,httpproxy",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How patient a stream is.

    Attributes:
        tries: connections attempted after one that broke, until one gives a picture again.
        first_wait: seconds before the first of them; each next one waits twice as long.
        longest_wait: the bound of that.
        timeout: seconds without a byte after which a connection counts as broken.
        keep: pictures of a live stream that may wait for the tracker; older ones are passed over.
    """

    tries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0
    timeout: float = 10.0
    keep: int = 8


class StreamReader:
    """A video behind an address.

    A recording (it has a size or a duration) is read to its end, after a break from where it broke. A live stream
    goes on with the next number after a break, and passes over pictures that the tracker is too slow for.
    """

    def __init__(self, url: str, settings: StreamSettings) -> None:
        """Connect, once: whoever typed the address waits for the answer.

        Raises:
            InputError: an address of another kind, nobody answers, or the answer is no video.
        """
        import av

        address = _address(url)
        self._url, self._scheme, self._settings = usable_address(url), address.scheme, settings
        self._where = address.shown
        self.damage = Damage()
        self.seen = 0
        self._stop = threading.Event()
        self._tries_left, self._wait = settings.tries, settings.first_wait
        self._live, self._started, self._passed_over = False, False, 0
        try:
            self._decoder = self._connect()
        except av.FFmpegError as error:
            raise InputError(
                f"{self._where}: cannot be opened ({error.strerror}); check the address and that it is reachable"
            ) from None
        self._live = self._decoder.is_streamed or self._scheme.startswith("rtsp")
        self.facts = Facts(
            folder_name(self._where.partition("://")[2]),
            self._where,
            fps=self._decoder.fps,
            frames=None if self._live else self._decoder.expected_frames,
            live=self._live,
            warnings=self._decoder.doubts,
        )

    def _connect(self, *, threads: bool = True) -> Decoder:
        options = {"protocol_whitelist": _PROTOCOLS[self._scheme]}
        if self._scheme.startswith("rtsp"):
            options["rtsp_transport"] = "tcp"  # lost datagrams would be broken pictures
        return Decoder(
            self._url,
            self._where,
            self.damage,
            options=options,
            timeout=self._settings.timeout,
            threads=threads,
            number=self.seen if self._live else 0,
        )

    def read(self, selection: Selection) -> Generator[Picture, None, None]:
        """The wanted pictures as they come."""
        self._started = True
        pictures = self._pictures(selection)
        if not self._live:
            yield from pictures
            return
        yield from newest(pictures, self._settings.keep, self._stop, self._count_passed_over)
        if self._passed_over:
            self.facts.warnings += (
                f"{self._where}: {self._passed_over} frames were passed over; tracking is slower than the stream",
            )

    def _count_passed_over(self) -> None:
        self._passed_over += 1

    def _pictures(self, selection: Selection) -> Generator[Picture, None, None]:
        began, offset = time.monotonic(), 0.0
        try:
            while True:
                latest = yield from self._connection(selection, offset)
                # A connection may hand over what it had stored, faster than time goes.
                offset = max(time.monotonic() - began, latest + 1 / (self.facts.fps or 30)) if self._live else 0.0
                done = self._decoder.complete and not self._live
                if done or selection.is_past(self.seen + 1) or not self._reconnect():
                    return
        finally:
            self._decoder.close()

    def _connection(self, selection: Selection, offset: float) -> Generator[Picture, None, float]:
        """The pictures of one connection, `offset` seconds after the first of all; returns the last one's time."""
        decoder, latest = self._decoder, offset
        for number, seconds, frame in decoder.pictures(after=self.seen):
            self.seen = number
            self._tries_left, self._wait = self._settings.tries, self._settings.first_wait
            latest = offset + (seconds or 0.0)
            if selection.is_past(number) or self._stop.is_set():
                break
            if selection.wants(number):
                yield Picture(number, decoder.to_bgr(frame), None if seconds is None else latest)
        return latest

    def _reconnect(self) -> bool:
        """Open the address again, waiting longer each time; False when it is over."""
        import av

        why = self._decoder.failure or "it ended"
        without_threads = self._decoder.held_back
        self._decoder.close()
        while self._tries_left and not self._stop.is_set():
            _log.warning(
                "%s: broke off after frame %d (%s); trying again in %g s", self._where, self.seen, why, self._wait
            )
            if self._stop.wait(self._wait):
                return False
            self._tries_left -= 1
            self._wait = min(2 * self._wait, self._settings.longest_wait)
            try:
                self._decoder = self._connect(threads=not without_threads)
            except InputError as error:
                why = str(error)
            except av.FFmpegError as error:
                why = error.strerror or str(error)
            else:
                return True
        if not self._stop.is_set():
            self.damage.note(
                f"the stream broke off after frame {self.seen} ({why}) and did not come back in"
                f" {self._settings.tries} tries"
            )
        return False

    def close(self) -> None:
        """Hang up. A thread that waits for the network hangs up itself."""
        self._stop.set()
        if not self._started:
            self._decoder.close()


def _address(url: str) -> Address:
    address, scheme = split_address(url), url.partition("://")[0]
    if scheme.lower() not in _PROTOCOLS and url[len(scheme) + 3 : len(scheme) + 4] not in "/?#":
        host = address.host if address else ""
        raise InputError(f"{scheme}://{host or '...'}: cannot read {scheme}; give rtsp, rtsps, http or https")
    if address is None or not address.host:
        advice = "expected something like rtsp://camera/path, with / ? # @ in a password as %2F %3F %23 %40"
        raise InputError(f"{scheme}://...: not an address; {advice}")
    return address

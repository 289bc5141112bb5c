"""Streams and files behind an address: RTSP, RTSPS, HTTP, HTTPS."""

import math
import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime

from remix_track.addresses import Address, split_address, usable_address
from remix_track.errors import InputError
from remix_track.trackers.sources.decoding import Decoder
from remix_track.trackers.sources.newest import newest
from remix_track.trackers.sources.reconnection import Reconnection
from remix_track.trackers.sources.source import Damage, Facts, Picture, Selection, folder_name
from remix_track.trackers.sources.stream_settings import StreamSettings
from remix_track.trackers.sources.time_stamps import LiveTime, RisingTime

# What each kind of address may lead FFmpeg to; never to files of this machine.
_PROTOCOLS = {
    "rtsp": "rtsp,rtp,srtp,udp,tcp,tls",
    "rtsps": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
    "http": "http,https,tcp,tls,crypto,data,httpproxy",
    "https": "http,https,tcp,tls,crypto,data,httpproxy",
}

# A connection that stands for one that broke: FFmpeg knows already what comes, and need not collect five seconds of it.
_KNOWN = {"analyzeduration": "300000", "fpsprobesize": "0"}

_CLIP_SECONDS = 60.0  # a live stream that ran for less may be a clip whose length nothing tells
_TRIES = 6  # then, and where no image ever came: a minute
_RECORDING_TRIES = 5
_CLOCKS_APART = 10.0  # seconds that a time of day waits rather than runs back; clocks that are set back further do
_MOST_WRONG_CLOCK = 86400.0  # seconds between the sender's clock and ours; one that was never set says 1970


class StreamReader:
    """A video behind an address.

    A recording (it has a size or a duration) is read to its end, after a break from where it broke. A live stream
    goes on with the next number after a break, and passes over images that the tracker is too slow for.
    """

    def __init__(self, url: str, settings: StreamSettings) -> None:
        """Connect, once: the user who gave the address waits for the answer.

        Raises:
            InputError: an address of another kind, no answer, or the answer is no video.
        """
        import av

        address = _address(url)
        self._url, self._scheme, self._settings = usable_address(url), address.scheme, settings
        self._where = address.shown
        self.damage = Damage()
        self.seen = 0
        self._stop = threading.Event()
        self._live, self._started, self._passed_over = False, False, 0
        self._latest = self._latest_taken = 0.0
        self._stored = 0
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
        self._reconnection = Reconnection("the stream", self.facts, self.damage, settings, self._stop)

    def _connect(self, *, threads: bool = True) -> Decoder:
        options = {"protocol_whitelist": _PROTOCOLS[self._scheme]}
        if self._scheme.startswith("rtsp"):
            # Lost datagrams would be broken images; and sound would be waited for.
            options |= {"rtsp_transport": "tcp", "allowed_media_types": "video"}
        self._connected = time.monotonic()
        decoder = Decoder(
            self._url,
            self._where,
            self.damage,
            options=options | (_KNOWN if self._live else {}),
            timeout=(self._settings.stream_connect_timeout, self._settings.stream_timeout),
            threads=threads,
            number=self.seen if self._live else 0,
        )
        # What came while FFmpeg looked at the stream is not lost.
        self._stored = math.ceil((time.monotonic() - self._connected) / decoder.frame_length) + 1
        return decoder

    def read(self, selection: Selection) -> Generator[Picture, None, None]:
        """The wanted images as they come."""
        self._started = True
        pictures = self._pictures(selection)
        if not self._live:
            yield from pictures
            return
        yield from newest(
            pictures, self._settings.stream_keep, self._stop, self._count_passed_over, lambda: self._stored > 0
        )

    def _count_passed_over(self) -> None:
        self._passed_over += 1
        self.facts.tallies["passed over"] = (
            f"{self._where}: {self._passed_over} frames were passed over; tracking is slower than the stream"
        )

    def _pictures(self, selection: Selection) -> Generator[Picture, None, None]:
        began, offset = self._connected, 0.0
        try:
            while True:
                yield from self._connection(selection, offset)
                done = self._decoder.complete and not self._live
                if done or selection.is_past(self.seen + 1) or not self._reconnect():
                    return
                if self._live:
                    # A connection hands over what it had stored, faster than time goes.
                    offset = max(self._connected - began, self._latest + self._decoder.frame_length)
        finally:
            self._decoder.close()

    def _connection(self, selection: Selection, offset: float) -> Generator[Picture, None, None]:
        """The images of one connection, `offset` seconds after the first of all."""
        decoder = self._decoder
        times = LiveTime(RisingTime(decoder.frame_length), stamped=decoder.is_stamped)
        if self._live:
            decoder.times = times
        for number, seconds, frame, taken in decoder.pictures(after=self.seen):
            self.seen = number
            self._stored -= 1
            self._reconnection.picture()
            self._latest = offset + (seconds or 0.0)
            if times.by_arrival and self._live:
                self._warn_of_stamps()
            if selection.is_past(number) or self._stop.is_set():
                break
            if selection.wants(number):
                time_ = None if seconds is None else self._latest
                yield Picture(number, decoder.to_bgr(frame), time_, self._taken(taken) if self._live else None)

    def _taken(self, said: float | None) -> datetime:
        """When an image was taken: as the sender says, if its clock was ever set, else now, as it arrives."""
        now = time.time()
        if said is not None and abs(said - now) > _MOST_WRONG_CLOCK:
            self._warn("the sender's clock is wrong by more than a day; times of day are those of arrival")
            said = None
        taken = now if said is None else said
        if 0 < self._latest_taken - taken < _CLOCKS_APART:
            # The sender's first report says that what came before it was under way for a while.
            taken = self._latest_taken
        self._latest_taken = taken
        return datetime.fromtimestamp(taken, UTC)

    def _warn_of_stamps(self) -> None:
        self._warn("its time stamps stand still or are missing; times are those of arrival")

    def _warn(self, doubt: str) -> None:
        line = f"{self._where}: {doubt}"
        if line not in self.facts.warnings:
            self.facts.warnings += (line,)

    def _reconnect(self) -> bool:
        """Open the address again, waiting longer each time; False when it is over."""
        why, threads = self._decoder.failure or "it ended", not self._decoder.held_back
        self._decoder.close()
        return self._reconnection.again(lambda: self._open_again(threads), why, self.seen, self._most_tries())

    def _open_again(self, threads: bool) -> str | None:
        import av

        try:
            self._decoder = self._connect(threads=threads)
        except InputError as error:
            return str(error)
        except av.FFmpegError as error:
            return error.strerror or type(error).__name__
        return None

    def _most_tries(self) -> int | None:
        if not self._live:
            return self._settings.tries(_RECORDING_TRIES)
        lasting = self._latest >= _CLIP_SECONDS or self._scheme.startswith("rtsp")
        return self._settings.tries(None if lasting and self.seen else _TRIES)

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

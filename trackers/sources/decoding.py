"""One open video, file or stream: packets in, numbered frames out, damage noted where it occurs."""

import contextlib
import itertools
import struct
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.trackers.sources.numbering import Numbering
from remix_track.trackers.sources.source import MAX_PIXELS, Damage, plausible_fps
from remix_track.trackers.sources.time_stamps import FrameStamp, OneClock, PacketsAhead, RisingTime, Stamps

if TYPE_CHECKING:
    import av

# FFmpeg shows text files as teletype art and follows lists of other files; neither is a video someone recorded.
_NOT_VIDEOS = {"tty", "concat"}
_RAW_RATES = 0.5, 240.0  # what bare H.264 may claim; a clock in milliseconds would be 1000 frames a second
_SQUARE = 0.99, 1.01  # 1919 of 1920 columns shown is rounding
_PIXEL_SHAPES = 0.2, 5.0
_MOST_READ_FAILURES = 3
_MPEG_PERIOD = 2**33  # ticks of 90 kHz; ISO 13818-1, 2.4.3.7
_USUAL_FPS = 30.0
_FROM_ZERO = {"matroska,webm", "nut"}  # their duration counts from 0, also where the first image comes late
_INDEXED = 1000  # images of an index by which the usual way from one to the next is told
_PAUSE_SECONDS = 0.5  # before a key frame; MPEG's clocks never pause within a recording


class Decoded(NamedTuple):
    """Number in the source, seconds since its first image (None without time stamps), FFmpeg's frame.

    `taken` is when the sender says that it was taken, in seconds since 1970 (UTC); None where it does not.
    """

    number: int
    seconds: float | None
    frame: "av.VideoFrame"
    taken: float | None = None


class Decoder:
    """An open container and the decoder of its first video stream; iterate `pictures()` once.

    Attributes:
        fps: frames per second by the header, None where it is silent or absurd.
        pixel_aspect: how wide a pixel is shown, in its heights.
        doubts: lines on what the header says that is unusual, for the user.
        claimed: number of frames by the header, None where it is silent.
        duration: seconds by the header, None where it is silent.
        longest_pause: number of the frame before the longest time without an image, and its seconds.
        is_streamed: no duration and no size: a live stream.
        is_stamped: the format has time stamps; where it has none, FFmpeg makes them up or leaves them out.
        clock: what the stamps of all packets go through.
        times: makes seconds of the stamps of images; a live stream has its own.
        number: number of the last frame met, lost ones included.
        complete: the end was reached, and nothing is known to be missing there.
        failure: what the disk or the network said when it failed, else None.
        held_back: with threads, decoding failed among the last frames, and frames behind the failure stayed in the
            decoder; a pass without threads gets them.
    """

    def __init__(
        self,
        address: str,
        where: str,
        damage: Damage,
        *,
        options: Mapping[str, str],
        timeout: tuple[float, float] | None = None,
        threads: bool = True,
        number: int = 0,
        width: int | None = None,
    ) -> None:
        """Open a video.

        Args:
            address: what FFmpeg opens, with its protocol.
            where: what messages call it.
            damage: where damage is noted.
            options: FFmpeg's format options.
            timeout: seconds to wait for the network, until it answers and then for each byte.
            threads: decode several frames at a time.
            number: how many frames came before this video's first.
            width: of the images that boxes beside the video count on, where it is known: if it is the stored one,
                pixels that are not square stay as they are stored.

        Raises:
            InputError: not a video, no image in it, or images of an absurd size.
            av.FFmpegError: the network or the disk failed.
        """
        import av
        from av.video.reformatter import VideoReformatter

        self._where, self._damage, self._stated_width = where, damage, width
        codec_options = {"max_pixels": str(MAX_PIXELS)}
        try:
            self._container = av.open(
                address,
                "r",
                options=codec_options,
                container_options=dict(options),
                timeout=timeout,
                metadata_errors="replace",  # titles of old files are in any encoding
            )
        except av.error.InvalidDataError:
            raise InputError(f"{where}: not a video, or too damaged to be opened; check that it plays") from None
        try:
            self._stream = self._video_stream()
        except InputError:
            self._container.close()
            raise
        context = self._stream.codec_context
        context.thread_type = "AUTO" if threads else "SLICE"
        context.options = {**context.options, **codec_options}
        self._colors = VideoReformatter()
        self._threads = threads
        # What failed to decode so far, and until the latest key frame: where a recording pauses, it tells damage.
        self._faults = self._faults_before = 0
        self.number = number
        self.failure: str | None = None
        self.longest_pause = (number, 0.0)
        self.complete = self.held_back = False
        self._zero_taken: float | None = None  # when the stamp 0 was, in seconds since 1970
        self._read_header()
        self.times: Callable[[float | None, int], float | None] = RisingTime(self.frame_length)

    def _video_stream(self) -> "av.video.stream.VideoStream":
        import av

        cover = av.stream.Disposition.attached_pic
        streams = [stream for stream in self._container.streams.video if not stream.disposition & cover]
        if not streams or self._container.format.name in _NOT_VIDEOS:
            raise InputError(f"{self._where}: holds no video; give a video file, a folder of images, or a URL")
        context = streams[0].codec_context
        if context is None or context.codec is None:
            raise InputError(f"{self._where}: made with a codec that FFmpeg does not know; convert it to H.264")
        if context.width * context.height > MAX_PIXELS:
            raise InputError(
                f"{self._where}: images of {context.width}x{context.height}, more than the {MAX_PIXELS} pixels"
                " that are read; scale it down"
            )
        return streams[0]

    def _read_header(self) -> None:
        from av.format import Flags

        stream, container = self._stream, self._container
        self.is_stamped = not container.format.flags & cast(int, Flags.no_timestamps.value)
        # Of a format without stamps FFmpeg says 25 frames a second; the codec's own header may know.
        rate = stream.average_rate or stream.guessed_rate if self.is_stamped else stream.codec_context.framerate
        self.fps = plausible_fps(float(rate) if rate else None)
        if self.fps and not self.is_stamped and not _RAW_RATES[0] <= self.fps <= _RAW_RATES[1]:
            self.fps = None
        self.doubts: tuple[str, ...] = ()
        self._doubt_mean_rate()
        self.pixel_aspect = self._read_pixel_aspect()
        self.claimed = stream.frames if stream.frames > 0 else None
        self.duration: float | None = None
        if container.format.name == "avi" and self.claimed and self.fps:
            # FFmpeg guesses the duration of a cut AVI from its bytes; the header's count includes repeated frames.
            self.duration = self.claimed / self.fps
        elif stream.duration and stream.time_base:
            self.duration = stream.duration * float(stream.time_base)
        elif container.duration and len(container.streams) == 1:
            # Of several streams the longest sets the container's duration; the video may be shorter and whole.
            late = container.start_time or 0 if container.format.name in _FROM_ZERO else 0
            self.duration = (container.duration - max(late, 0)) / 1e6
        has_size = (container.size or 0) > 0 and container.format.name != "hls"
        self.is_streamed = not container.duration and not has_size
        self._seconds_per_tick = float(stream.time_base or 0)
        self._clock_may_jump = bool(container.format.flags & cast(int, Flags.ts_discont.value))
        ticks = 1 / (self._seconds_per_tick or 1)
        wraps = self._clock_may_jump and round(ticks) == 90_000
        self.clock = OneClock(ticks, self.frame_length * ticks, _MPEG_PERIOD if wraps else None)

    def _doubt_mean_rate(self) -> None:
        """Where a recording pauses, images by the length of it all are not its rate: MP4 has no other number."""
        ticks = sorted(entry.timestamp for entry in itertools.islice(self._stream.index_entries, _INDEXED))
        steps = np.diff(np.array(ticks, np.float64)) * float(self._stream.time_base or 0)
        usual = plausible_fps(1 / float(np.median(steps))) if len(steps) and np.median(steps) > 0 else None
        if usual and self.fps and self.fps < usual / 2:
            self.doubts += (
                f"{self._where}: {self.fps:.3g} frames a second in the mean, but mostly {usual:.4g} from one to the"
                f" next: it pauses; {usual:.4g} is taken",
            )
            self.fps = round(usual, 3)

    @property
    def frame_length(self) -> float:
        """Seconds from one frame to the next, by the header."""
        return 1 / (self.fps or _USUAL_FPS)

    def _read_pixel_aspect(self) -> float:
        context = self._stream.codec_context
        aspect = float(self._stream.sample_aspect_ratio or context.sample_aspect_ratio or 1)
        if _SQUARE[0] <= aspect <= _SQUARE[1]:
            return 1.0
        width, height = context.width, context.height
        said = f"{self._where}: its pixels are not square (each {aspect:.4g} times as wide as high)"
        if not _PIXEL_SHAPES[0] <= aspect <= _PIXEL_SHAPES[1] or width * aspect * height > MAX_PIXELS:
            self.doubts += (f"{said}, which is implausible; they are taken as square",)
            return 1.0
        if self._stated_width == width:
            self.doubts += (f"{said}; they stay as stored, {width}x{height}, which its seqinfo.ini states",)
            return 1.0
        self.doubts += (
            f"{said}; as in players, {width}x{height} stored is {round(width * aspect)}x{height} shown, and boxes"
            " count shown pixels",
        )
        return aspect

    @property
    def expected_frames(self) -> int | None:
        """The header's number of frames, else its duration times its rate, else None."""
        if self.claimed is None and self.duration and self.fps:
            return round(self.duration * self.fps)
        return self.claimed

    @property
    def begin(self) -> float:
        """When the first image is, in seconds of the file's clock, by the header."""
        return (self._stream.start_time or 0) * self._seconds_per_tick

    def seek(self, seconds: float) -> None:
        """Go to the last key frame before a time of the file's clock; numbers of frames then count from there.

        Where the file cannot be read from the middle it stays at its beginning.
        """
        import av

        with contextlib.suppress(av.FFmpegError):
            self._container.seek(round(seconds / self._seconds_per_tick), stream=self._stream)

    def stamp_of(self, frame: "av.VideoFrame") -> float | None:
        """When a frame is, in seconds of the file's clock."""
        return None if frame.pts is None else frame.pts * self._seconds_per_tick

    def pictures(self, after: int = 0) -> Generator[Decoded, None, None]:
        """Every image that decodes, in order of time.

        Args:
            after: frames up to this number were delivered by an earlier pass; they are neither yielded nor is
                their damage noted again.
        """
        time_base = self._seconds_per_tick
        numbering = Numbering(1 / (self.fps * time_base) if self.fps and time_base else None)
        believed = FrameStamp()
        latest = -1.0  # before the first image
        for frame in self._frames(numbering):
            if frame.is_corrupt:
                numbering.damaged = True
                self._faults += 1
            lost = numbering.arrived(frame.pts)
            if lost is None:
                continue
            self._count_lost(lost, after)
            self.number += 1
            if frame.is_corrupt and self.number > after:
                self._damage.damaged(self.number)
            # Not `frame.time`: the images that the decoder gives last carry no time base.
            stamp = believed(frame.pts, frame.dts) if self.is_stamped else None
            seconds = self.times(None if stamp is None else stamp * time_base, lost + 1)
            if seconds is not None:
                if seconds - latest > self.longest_pause[1] and latest >= 0:
                    self.longest_pause = (self.number - 1, seconds - latest)
                latest = seconds
            if self.number > after:
                yield Decoded(self.number, seconds, frame, self._taken(frame.pts))
        if not self.held_back and self.failure is None:
            self._count_lost(numbering.ended(), after)
            self.complete = not self._is_cut_off(latest)

    def _taken(self, pts: int | None) -> float | None:
        zero = self._zero_taken
        return None if zero is None or pts is None else zero + pts * self._seconds_per_tick

    def _note_taken(self, packet: "av.Packet[Any]") -> None:
        """Remember what the packet says of the time of day: RTSP's sender reports, through FFmpeg."""
        # Older releases of PyAV do not show it.
        if packet.pts is not None and hasattr(packet, "has_sidedata") and packet.has_sidedata("prft"):
            microseconds, _ = struct.unpack_from("=qi", bytes(packet.get_sidedata("prft")))
            self._zero_taken = microseconds / 1e6 - packet.pts * self._seconds_per_tick

    def _count_lost(self, count: int, after: int) -> None:
        if self.number >= after:
            self._damage.lost(self.number + 1, count)
        self.number += count

    def _frames(self, numbering: Numbering) -> Iterator["av.VideoFrame"]:
        import av

        decode = self._stream.codec_context.decode
        for packet, begins_anew in self._on_one_clock(numbering):
            if begins_anew:
                # The decoder orders images by numbers of their own, which begin anew as well.
                yield from self._rest(numbering)
                self._stream.codec_context.flush_buffers()
                if self._faults == self._faults_before and packet.pts is not None:
                    numbering.resumes(packet.pts)
            if packet.is_keyframe:
                self._faults_before = self._faults
            if not packet.is_discard:
                numbering.sent(packet.pts)
            try:
                yield from decode(packet)
            except av.FFmpegError:
                self._failed(numbering)
        yield from self._rest(numbering)

    def _rest(self, numbering: Numbering) -> Iterator["av.VideoFrame"]:
        """The images that are still in the decoder."""
        import av

        try:
            yield from self._stream.codec_context.decode(None)
        except av.FFmpegError:
            self._failed(numbering)
            self.held_back = self._threads
        # A failure behind the first image of the rest is not raised: the images behind it are just not there.
        self.held_back |= self._threads and numbering.missing

    def _failed(self, numbering: Numbering) -> None:
        self._faults += 1
        numbering.failed()

    def _on_one_clock(self, numbering: Numbering) -> Iterator[tuple["av.Packet[Any]", bool]]:
        """The packets with their stamps on one clock, and whether another recording begins with a packet.

        `numbering` hears what is damage and what is none.
        """
        packets, suspected = PacketsAhead(self._packets()), 0
        for packet in packets:
            stamps, joins = Stamps(packet.pts, packet.dts), self.clock.joins
            leap = self.clock.leap(stamps)
            packet.pts, packet.dts = self.clock.moved(
                stamps, key=packet.is_keyframe, step=packet.duration or 0, after=packets.stamps_behind
            )
            self._note_taken(packet)
            joined = self.clock.joins > joins
            skips = leap > 1.5 * self.frame_length
            # Where two recordings meet, FFmpeg calls one of the last two packets of the first one corrupt.
            if joined or (skips and packet.is_keyframe and self._clock_may_jump):
                suspected = 0
            elif suspected > 1 or (suspected and skips):
                numbering.damaged, suspected = True, 0
            suspected = min(suspected + 1, 2) if suspected or packet.is_corrupt else 0
            paused = self._clock_may_jump and leap > max(_PAUSE_SECONDS, 3 * self.frame_length)
            yield packet, packet.is_keyframe and (joined or paused)
        numbering.damaged |= suspected > 0

    def _packets(self) -> Iterator["av.Packet[Any]"]:
        """The packets of the stream; after unreadable bytes, whatever follows them."""
        import av

        failures = 0
        while failures <= _MOST_READ_FAILURES:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size:  # an empty packet would end the decoder
                        failures = 0
                        yield packet
                return
            except av.error.InvalidDataError:
                failures += 1
            except av.FFmpegError as error:
                self.failure = error.strerror
                return

    def _is_cut_off(self, latest: float) -> bool:
        """Whether the header promises more than there was, in frames and in time.

        Either alone is found in whole files: AVI counts repeated frames, sound outlasts images.
        """
        # The duration is guessed from the first and the last stamp, which are of different recordings there.
        if self.clock.joins or not self.duration or not self.fps or latest < 0:
            return False
        if self.claimed is not None and self.number >= self.claimed:
            return False
        tolerance = 0.75 / self.fps if self.claimed is not None else max(1.5 / self.fps, 0.5)
        return self.duration - (latest + 1 / self.fps) > tolerance

    def to_bgr(self, frame: "av.VideoFrame") -> NDArray[np.uint8]:
        """A frame of any pixel format as (H, W, 3) uint8 BGR, contiguous, upright, the caller's own.

        Alpha is dropped, gray repeated, 10 to 16 bits scaled to 8. Pixels that are not square are made so by the width.
        """
        width = None if self.pixel_aspect == 1 else max(round(frame.width * self.pixel_aspect), 1)
        image = self._colors.reformat(frame, width, format="bgr24").to_ndarray()
        turns = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, turns), dtype=np.uint8)

    def close(self) -> None:
        """Close the file or connection; may be called twice."""
        self._container.close()

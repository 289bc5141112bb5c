"""`video.mp4`: H.264 that plays in browsers, and that can be watched while it grows or after a crash."""

import logging
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.output_files import atomic_write
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.sinks.live_file import LiveFile
from remix_track.trackers.sinks.sink import Sink

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

# In order of preference; browsers do not play the last one, but it is in every build of FFmpeg.
_ENCODERS = ("libx264", "libopenh264", "mpeg4")

# Each fragment holds its own index, so what is on disk plays without the rest. Fragments end after a number of frames
# and not at key frames, which may then be further apart: files are smaller, and a crash takes fewer frames along.
_FRAGMENTED = {"movflags": "empty_moov+default_base_moof+skip_trailer", "flush_packets": "1"}
# The same, but at its end all fragments become the content of one plain MP4 where they are: an index is appended, and a
# header of a few bytes says that what stands before it is images.
_TURNED_IN_PLACE = {"movflags": "hybrid_fragmented+empty_moov+default_base_moof", "flush_packets": "1"}
_FRAGMENT_FRAMES = 10
_KEY_FRAME_EVERY = 50

# On real footage of 768x576, `veryfast` took 4.6 ms of one core per frame, `superfast` 3.8 and `ultrafast` 2.5, but
# those files are 1.5 and 1.9 times as large; `faster` took 8 ms and gained nothing. No B-frames and a short look
# ahead keep few frames in memory that a crash would take along; one thread leaves the other cores to the detector.
_X264 = {"preset": "veryfast", "crf": "23", "bf": "0", "rc-lookahead": "10", "threads": "1"}

# What cv2's conversion to YUV does (BT.601, limited range), said in the file so that players show the same colours.
_COLOURS = {"colorspace": "smpte170m", "color_range": "tv", "color_primaries": "bt709", "color_trc": "bt709"}


def play_rate(path: Path, fps: Fraction | float) -> Fraction:
    """Frames per second at which a file plays that has `fps` of them.

    Raises:
        InputError: an impossible rate.
    """
    if not 0.01 <= fps <= 1000:
        raise InputError(f"{path}: {fps} frames per second cannot be played; give a rate between 0.01 and 1000")
    return Fraction(fps).limit_denominator(1001)


class VideoSink(Sink):
    """Encodes what `draw` makes of each frame.

    The file is a fragmented MP4 with a fragment for every 10 frames, written in one piece each: a process that is
    killed leaves all but the last 21 frames. `close` turns it into a plain MP4 that starts at once when
    streamed, without encoding again: by a copy, which replaces it, or `in_place`. Images of odd size get one more row
    or column, they are never scaled.
    """

    def __init__(
        self,
        path: Path,
        fps: Fraction | float,
        draw: Callable[[TrackedFrame], NDArray[np.uint8]] | None = None,
        *,
        in_place: bool = False,
    ) -> None:
        """Make the file; the encoder starts with the first frame, whose size the video has.

        Args:
            path: file to make.
            fps: frames per second at which the frames play.
            draw: makes the image (H, W, 3) uint8 BGR; without it the bare frame is encoded.
            in_place: closing takes neither time nor room, but the index is at the end of the file, and grows in memory
                until then, by some ten megabytes an hour.

        Raises:
            InputError: an impossible frame rate, or a file that cannot be made.
        """
        self._rate = play_rate(path, fps)
        self._path = path
        self._draw = draw
        self._in_place = in_place
        self._file = LiveFile(path)
        self._encoding: _Encoding | None = None
        self._closed = False

    @property
    def encoder(self) -> str | None:
        """Name of the encoder, once a frame was written."""
        return None if self._encoding is None else self._encoding.encoder

    def write(self, frame: TrackedFrame) -> None:
        """Encode one frame.

        Raises:
            InputError: no room, an image of another size than the first, or one that cannot be encoded.
        """
        image = frame.image if self._draw is None else self._draw(frame)
        height, width = image.shape[:2]
        if self._encoding is None:
            self._encoding = self._start(width, height)
        elif (width, height) != self._encoding.size:
            had = "{}x{}".format(*self._encoding.size)
            raise InputError(
                f"{self._path}: frame {frame.index} is {width}x{height}, the video is {had}; give `no_video`"
            )
        self._file.append(self._encoding.add(image))

    def close(self) -> None:
        """Finish the file; without frames there is none.

        Raises:
            InputError: no room for the last frames; those before are there.
        """
        if self._closed:
            return
        self._closed = True
        if self._encoding is None:
            self._file.close()
            self._path.unlink(missing_ok=True)
            return
        try:
            self._file.append(self._encoding.finish())
            for place, piece in self._encoding.patches:
                self._file.patch(place, piece)
        finally:
            self._file.close()
        if not self._in_place:
            _make_plain(self._path)

    def _start(self, width: int, height: int) -> "_Encoding":
        from av.error import FFmpegError

        try:
            return _Encoding(width, height, self._rate, in_place=self._in_place)
        except (FFmpegError, OverflowError) as error:
            raise InputError(
                f"{self._path}: images of {width}x{height} cannot be encoded ({error}); give `no_video`"
            ) from None


class _Pieces:
    """The muxer's output, collected until whole fragments can be handed on.

    Attributes:
        patches: what it writes over earlier bytes at its end: the place in the file, and the bytes.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._place = self._end = 0
        self.patches: list[tuple[int, bytes]] = []

    def write(self, data: bytes) -> int:
        if self._place < self._end:
            self.patches.append((self._place, bytes(data)))
        else:
            self._bytes += data
            self._end += len(data)
        self._place += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._end}[whence]
        self._place = begin + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def take(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken


class _Encoding:
    """Images in, bytes of a fragmented MP4 out."""

    def __init__(self, width: int, height: int, rate: Fraction, *, in_place: bool) -> None:
        import av

        self.size = (width, height)
        self.encoder = next(name for name in _ENCODERS if name in av.codecs_available)
        if self.encoder == "mpeg4":
            log.warning("this build of PyAV has no H.264 encoder; the video is MPEG-4, which browsers do not play")
        self._pieces = _Pieces()
        options = {
            **(_TURNED_IN_PLACE if in_place else _FRAGMENTED),
            "frag_duration": str(round(_FRAGMENT_FRAMES / rate * 1_000_000)),
        }
        self._container: OutputContainer = av.open(self._pieces, "w", format="mp4", options=options)
        self._stream = cast("VideoStream", self._container.add_stream(self.encoder, rate=rate))
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.gop_size = _KEY_FRAME_EVERY
        self._stream.codec_context.options = {**_COLOURS, **(_X264 if self.encoder == "libx264" else {})}
        self._stream.codec_context.open()
        self._frames = 0

    def add(self, image: NDArray[np.uint8]) -> bytes:
        """Encode one image; the bytes of the fragments that it completed, mostly none."""
        import av
        import cv2

        height, width = image.shape[:2]
        if width % 2 or height % 2:
            image = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        frame = av.VideoFrame.from_ndarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), "yuv420p")
        frame.pts = self._frames
        self._frames += 1
        return self._mux(self._stream.encode(frame))

    @property
    def patches(self) -> list[tuple[int, bytes]]:
        """After `finish`: what is to be written over earlier bytes, and where, once the last ones are on the disk."""
        return self._pieces.patches

    def finish(self) -> bytes:
        """Flush the encoder and end the container; the last bytes."""
        rest = self._mux(self._stream.encode(None))
        self._container.close()
        return rest + self._pieces.take()

    def _mux(self, packets: "list[Packet[Any]]") -> bytes:
        for packet in packets:
            self._container.mux(packet)
        return self._pieces.take()


def _make_plain(path: Path) -> None:
    """Copy the fragments into an MP4 with one index at its start; where that fails the fragments stay."""
    import av

    try:
        with (
            atomic_write(path) as temporary,
            av.open(str(path.absolute())) as source,
            av.open(str(temporary.absolute()), "w", format="mp4", options={"movflags": "faststart"}) as target,
        ):
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(source.streams.video[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
    except (InputError, av.error.FFmpegError) as error:
        log.warning("%s: stays in fragments, which most players read as well (%s)", path, error)

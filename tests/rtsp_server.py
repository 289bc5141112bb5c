"""An RTSP server on the loopback with H.264 whose images carry numbers that never come twice.

    python3 tests/rtsp_server.py 0 25 160 96 x264enc

Run by a Python that has GStreamer's binding (Debian: python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-rtsp and an
encoder from gstreamer1.0-plugins-ugly or -bad), mostly the system's and not that of the tests: only the standard
library is used here. Prints its port. Numbers go on by the clock, so that those of a server that was killed and
started again are higher than any before.
"""

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

BITS = 20
_PROBE = """
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
print(next(name for name in ("x264enc", "openh264enc") if Gst.ElementFactory.find(name)))
"""
_ENCODERS = {
    # With B-frames and a key frame every two seconds, as cameras send them.
    "x264enc": "x264enc speed-preset=ultrafast bframes=2 b-adapt=false key-int-max=50 bitrate=800 rc-lookahead=0",
    "openh264enc": "openh264enc gop-size=50 bitrate=800000",
}


@cache
def interpreter() -> tuple[str, str] | None:
    """A Python that can serve, and the encoder that it has; None where there is none."""
    for python in dict.fromkeys((sys.executable, "/usr/bin/python3", shutil.which("python3") or sys.executable)):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            said = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True, timeout=300)
            if said.returncode == 0:
                return python, said.stdout.strip()
    return None


class Server:
    """The server as a process that can be killed and started again on its port."""

    def __init__(self, *, fps: int = 25, width: int = 160, height: int = 96) -> None:
        """Start it; there must be an `interpreter`."""
        found = interpreter()
        assert found is not None
        python, encoder = found
        self._words = [python, __file__]
        self._shape = [str(fps), str(width), str(height), encoder]
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"rtsp://127.0.0.1:{self.port}/live"

    def start(self) -> None:
        """Start, and wait until it serves."""
        self._process = subprocess.Popen(
            [*self._words, str(self.port), *self._shape], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        """End it without a word to those who are connected; may be called twice."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def picture(number: int, width: int, height: int) -> bytes:
    """A gray image of `height` rows with `number` as bars from left to right, the lowest bit first."""
    bar = width // BITS
    row = b"".join(bytes([235 if number >> bit & 1 else 16]) * bar for bit in range(BITS))
    return (row + bytes(width - len(row))) * height


def number_in(image: Any) -> int:
    """The number that `picture` wrote, of an (H, W, 3) uint8 image."""
    bar = image.shape[1] // BITS
    means = image[:, : bar * BITS].mean(axis=(0, 2)).reshape(BITS, bar).mean(axis=1)
    return sum(1 << bit for bit, mean in enumerate(means) if mean > 127)


def _serve(port: int, fps: int, width: int, height: int, encoder: str) -> None:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    shape = f"video/x-raw,format=GRAY8,width={width},height={height},framerate={fps}/1"
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f"( appsrc name=numbers is-live=true format=time max-bytes={2 * width * height} caps={shape} ! videoconvert"
        f" ! video/x-raw,format=I420 ! {_ENCODERS[encoder]} ! h264parse"
        " ! rtph264pay name=pay0 pt=96 config-interval=1 )"
    )
    factory.set_shared(True)

    def feed(numbers: Iterator[tuple[int, int]]) -> Callable[..., None]:
        def push(source: Any, *_: Any) -> None:
            place, number = next(numbers)
            buffer = Gst.Buffer.new_wrapped(picture(number, width, height))
            buffer.pts, buffer.duration = place * Gst.SECOND // fps, Gst.SECOND // fps
            source.emit("push-buffer", buffer)

        return push

    def configure(_: Any, media: Any) -> None:
        first = int(time.time() * fps) % 2**BITS
        numbers = ((place, (first + place) % 2**BITS) for place in range(2**40))
        media.get_element().get_by_name_recurse_up("numbers").connect("need-data", feed(numbers))

    factory.connect("media-configure", configure)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit("the port is taken")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    _port, _fps, _width, _height = map(int, sys.argv[1:5])
    _serve(_port, _fps, _width, _height, sys.argv[5])

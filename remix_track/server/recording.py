"""One recording as pages see it: what plays, at which second each frame is, and the boxes of some seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.media_files import is_video

PLAYED = {"mov,mp4,m4a,3gp,3g2,mj2": "video/mp4", "matroska,webm": "video/webm"}
"""Containers that browsers play, as FFmpeg calls them."""
_CODECS = {"h264", "vp8", "vp9", "av1", "libdav1d"}
_COLOURS = {"yuv420p", "yuvj420p", None}


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Row i of every array is one box, sorted by frame.

    Attributes:
        frame: (N,) int64, as the source numbers them.
        seconds: (N,) float64 of the medium that plays.
        track: (N,) int64.
        xyxy: (N, 4) float32 corners in pixels.
        coasts: (N,) bool: no detection is behind the box.
    """

    frame: NDArray[np.int64]
    seconds: NDArray[np.float64]
    track: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    coasts: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frame)

    def between(self, begin: float, end: float) -> "Boxes":
        """Those from one second on and before another."""
        low, high = np.searchsorted(self.seconds, [begin, end])
        return Boxes(*(getattr(self, name)[low:high] for name in Boxes.__slots__))


@dataclass(frozen=True, slots=True)
class Medium:
    """What shows a recording.

    Attributes:
        path: of the file, or folder of images, that frames are decoded from; None where there is none.
        media_type: as which a browser plays it; empty where it cannot.
        drawn: the boxes are drawn in it already.
        why: nothing plays; empty where something does.
    """

    path: Path | None = None
    media_type: str = ""
    drawn: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One job of a store, or one part of a run.

    Attributes:
        key: of it in its collection.
        title: name of the source.
        camera: that recorded it.
        width, height: of its images in pixels; 0 where not known.
        fps: frames per second that were tracked.
        first_frame, last_frame: numbers in the source, which the times below belong to.
        first_seconds, last_seconds: of these in the medium.
        start: time of day of second 0 of the medium; None where it is not known.
        medium: what plays.
        boxes: gives those from one second on and before another.
        number_of_boxes: in all; 0 where it is not known.
        run: folder of the run; None in a store.
    """

    key: str
    title: str
    camera: str
    width: int
    height: int
    fps: float
    first_frame: int
    last_frame: int
    first_seconds: float
    last_seconds: float
    start: datetime | None
    medium: Medium
    boxes: Callable[[float, float], Boxes]
    number_of_boxes: int = 0
    run: Path | None = None

    def seconds_of(self, frame: int) -> float:
        """When a frame is shown, as far as frames come evenly."""
        frames = self.last_frame - self.first_frame
        if frames <= 0:
            return self.first_seconds
        each = (self.last_seconds - self.first_seconds) / frames
        return self.first_seconds + (frame - self.first_frame) * each

    def frame_at(self, seconds: float) -> int:
        """The number of the frame that is shown then, likewise."""
        length = self.last_seconds - self.first_seconds
        if length <= 0:
            return self.first_frame
        return self.first_frame + round((seconds - self.first_seconds) / length * (self.last_frame - self.first_frame))


def medium_of(path: Path, *, drawn: bool = False) -> Medium:
    """How a video, or a folder of images, can be shown; a file is not opened if its name is no video's."""
    if path.is_dir():
        return Medium(path)
    if not path.is_file() or not is_video(path):
        return Medium(why=f"{path.name} is not there any more")
    found = path.stat()
    return Medium(path, _played(path, found.st_size, found.st_mtime_ns), drawn)


@lru_cache(maxsize=512)
def _played(path: Path, size: int, modified: int) -> str:
    """The type as which browsers play a file; empty where they do not. Size and time are those of the cache."""
    import av

    try:
        with av.open(
            f"file:{path}", metadata_errors="replace", container_options={"protocol_whitelist": "file"}
        ) as file:
            context = file.streams.video[0].codec_context
            plays = context.name.removeprefix("lib").split("-")[0] in _CODECS | {"dav1d", "aom"}
            return PLAYED.get(file.format.name, "") if plays and context.pix_fmt in _COLOURS else ""
    except Exception:  # whatever is wrong with it, it does not play
        return ""

"""From what the user names to a source."""

import itertools
import math
import numbers
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from remix_track.errors import InputError
from remix_track.image_numbers import numbers_of_folder
from remix_track.media_files import images_in, is_image, is_video
from remix_track.mot_sequence import sequence_around
from remix_track.near_files import near_file
from remix_track.trackers.sources.arrays import ArrayReader
from remix_track.trackers.sources.camera import CameraReader
from remix_track.trackers.sources.image_file import contents_of
from remix_track.trackers.sources.images import ImageReader, images_like
from remix_track.trackers.sources.sequence import open_sequence
from remix_track.trackers.sources.source import Facts, Reader, Selection, Source, folder_name, plausible_fps
from remix_track.trackers.sources.stream import StreamReader
from remix_track.trackers.sources.stream_settings import StreamSettings
from remix_track.trackers.sources.video import VideoReader

_CAMERA = re.compile(r"(?:/dev/video)?([0-9]{1,9})")
_LONGEST_PATH = 4096
"""Of Linux. Longer patterns name nothing, and are looked for in a time that grows with the square of their length."""
_KINDS = "a video, a folder or glob of images, a MOT sequence, a camera's index, or a URL"


def open_source(
    what: Any,
    *,
    start: int = 1,
    stride: int = 1,
    frames: int | None = None,
    fps: float | None = None,
    stream: StreamSettings | None = None,
) -> Source:
    """Open a video, a folder or glob of images, a MOT sequence, a camera, a stream, or images in memory.

    Args:
        what: a path, a glob, a camera's index (int, digits, or `/dev/video0`), an RTSP or HTTP address, or images: see
            `ArrayReader`.
        start: number of the first frame wanted, 1-based.
        stride: every how many-th frame is wanted.
        frames: at most this many frames.
        fps: frames per second, where the user knows better than the source.
        stream: time-outs and reconnection of cameras and addresses.

    Raises:
        InputError: there is nothing by that name, or nothing that can be read as frames.
    """
    selection = Selection(start, stride, frames)
    reader = _reader(what, stream or StreamSettings())
    try:
        source = Source(reader, selection, fps)
    except InputError:
        reader.close()
        raise
    if not source.live and not isinstance(what, Iterator):

        def again(step: int) -> Source:
            some = None if frames is None else math.ceil(frames / step)
            return open_source(what, start=start, stride=stride * step, frames=some, fps=fps, stream=stream)

        source.again = again
    return source


def is_address(text: str) -> bool:
    """Whether `text` is a URL rather than a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def is_live(what: str | Path | int) -> bool:
    """Whether this is a camera or a stream by its name alone; an HTTP address may be one, or a recording."""
    if isinstance(what, Path):
        return False
    return isinstance(what, int) or is_camera(what) or what.lower().startswith(("rtsp://", "rtsps://"))


def is_camera(text: str) -> bool:
    """Whether `text` names a camera: digits, or its device."""
    return _CAMERA.fullmatch(text) is not None


def is_glob(text: str) -> bool:
    """Whether `text` is a pattern."""
    return len(text) <= _LONGEST_PATH and any(sign in text for sign in "*?[")


def _reader(what: Any, stream: StreamSettings) -> Reader:
    if isinstance(what, bool) or not isinstance(what, str | os.PathLike | numbers.Integral):
        return ArrayReader(what)
    text = os.fsdecode(what) if isinstance(what, os.PathLike) else str(what)
    camera = _CAMERA.fullmatch(text)
    if isinstance(what, numbers.Integral) or (camera and not isinstance(what, os.PathLike)):
        return CameraReader(int(camera[1] if camera else what), stream)
    if is_address(text):
        return StreamReader(text, stream)
    return _from_path(text)


def _from_path(text: str) -> Reader:
    if not text.strip():
        raise InputError(f"a source without a name; give {_KINDS}")
    path = Path(text)
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except (OSError, ValueError) as error:
        raise InputError(f"{text[:200]!r}: not a path ({error}); give {_KINDS}") from None
    if is_folder:
        sequence = sequence_around(path)
        return open_sequence(sequence) if sequence else _folder(path)
    if exists:
        return _pictures([path], path.stem, text) if is_image(path) and path.is_file() else VideoReader(path)
    if is_glob(text):
        return _glob(text)
    raise InputError(f"{text}: no such file or folder; {near_file(path) or f'give {_KINDS}'}")


def _folder(path: Path) -> Reader:
    paths = images_in(path)
    if paths:
        return _pictures(paths, path.resolve().name, str(path))
    hint = "give the folder that holds the images"
    for kind, names in (
        ("video", [entry.name for entry in path.iterdir() if is_video(entry)]),
        ("MOT sequence", [entry.name for entry in path.iterdir() if entry.is_dir() and sequence_around(entry)]),
    ):
        if names:
            hint = f"it holds {len(names)} {kind}{'s' * (len(names) > 1)}, name one ({min(names)})"
    raise InputError(f"{path}: no images in it (jpg, png, bmp, tif, webp); {hint}")


def _glob(pattern: str) -> Reader:
    paths = images_like(pattern)
    if not paths:
        raise InputError(f"{pattern}: matches no images (jpg, png, bmp, tif, webp); quote the pattern and check it")
    return _pictures(paths, paths[0].resolve().parent.name, pattern)


def _pictures(paths: list[Path], name: str, where: str) -> Reader:
    holds = contents_of(paths[0])
    facts = Facts(folder_name(name), where, frames=len(paths))
    if holds.seconds:
        facts.fps = plausible_fps(round(holds.pictures / sum(holds.seconds), 6))
    if holds.pictures > 1:  # a name cannot be the number of several frames
        alone = len(paths) == 1
        facts.frames = holds.pictures if alone else None
        times = [0.0, *itertools.accumulate(holds.seconds)] if holds.seconds and alone else None
        return ImageReader(paths, facts, times=times)
    numbered = numbers_of_folder(paths, where)
    facts.first, facts.warnings = numbered.first, (numbered.doubt,) if numbered.doubt else ()
    return ImageReader(paths, facts, numbered.numbers)

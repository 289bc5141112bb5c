"""Parts of a video file, read from the middle of it, so that several processes can look at one file."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.trackers.sources.decoding import Decoder
from remix_track.trackers.sources.joined import recordings_in
from remix_track.trackers.sources.source import Damage

_EARLIER = 1.0
"""Seconds that are sought before a part: images are packed in another order than they are shown in."""


class Timeline(NamedTuple):
    """A file on its own clock: when its first image is, how many seconds it has, and frames per second."""

    begin: float
    seconds: float
    fps: float


def timeline_of(path: Path) -> Timeline | None:
    """What is known of a video; None where it cannot be read from the middle, or not as one recording."""
    try:
        if len(recordings_in(path)) > 1:
            return None
        with contextlib.closing(_decoder(path)) as decoder:
            if not decoder.is_stamped or not decoder.duration or not decoder.fps:
                return None
            return Timeline(decoder.begin, decoder.duration, decoder.fps)
    except Exception:  # reading all of it says what is wrong
        return None


def pictures_between(path: Path, begin: float, end: float | None) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """The images shown from `begin` on and before `end`, in seconds of the file's clock, each with its time.

    They are those that reading all of the file gives, but that none may be there where the file is damaged, and that
    others may be where it has no index.

    Raises:
        InputError: it cannot be opened.
    """
    with contextlib.closing(_decoder(path)) as decoder:
        if begin > decoder.begin:
            decoder.seek(max(begin - _EARLIER, decoder.begin))
        for picture in decoder.pictures():
            stamp = decoder.stamp_of(picture.frame)
            if stamp is None or stamp < begin:
                continue
            if end is not None and stamp >= end:
                return
            yield stamp, decoder.to_bgr(picture.frame)


def _decoder(path: Path) -> Decoder:
    import av

    try:
        return Decoder(f"file:{path}", str(path), Damage(), options={"protocol_whitelist": "file"})
    except av.FFmpegError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror})") from None

"""Frame durations of an animated PNG or WebP, read from its chunks without decoding."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_MOST_CHUNKS = 1_000_000
_PNG, _WEBP = b"\x89PNG\r\n\x1a\n", b"WEBP"


def durations(path: Path) -> list[float]:
    """Seconds of each image, 0 where the file leaves it to the viewer; none where the file is no animation.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if head.startswith(_PNG):
            file.seek(len(_PNG))
            # PNG specification, third edition, 11.3.6.2: delay_num and delay_den, where 0 means 100.
            controls = _chunks(file, ">I4s", b"fcTL", lambda size: size + 4)  # a checksum lies behind each
            delays = (struct.unpack(">HH", control[20:24]) for control in controls if len(control) >= 24)
            return [numerator / (denominator or 100) for numerator, denominator in delays]
        if head[8:12] == _WEBP:
            # RFC 9649, 2.7.1.1: 24 bits of milliseconds.
            frames = _chunks(file, "<4sI", b"ANMF", lambda size: size + size % 2)
            return [int.from_bytes(frame[12:15], "little") / 1000 for frame in frames if len(frame) >= 16]
    return []


def chunks_fit(path: Path) -> bool:
    """Whether the chunks of a PNG lie within its file: OpenCV asks for as much memory as a chunk claims to have.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        place, kind = len(_PNG), b""
        for _ in range(_MOST_CHUNKS):
            file.seek(place)
            head = file.read(8)
            if len(head) < 8 or kind == b"IEND":
                break
            length, kind = struct.unpack(">I4s", head)
            place += 8 + length + 4
    return place <= size


def _chunks(file: BinaryIO, head: str, wanted: bytes, length: Callable[[int], int]) -> Iterator[bytes]:
    """The first bytes of each chunk of one kind, from where the file stands to its end.

    Args:
        file: stands at a chunk.
        head: the layout of a chunk's 8 bytes of size and kind.
        wanted: the kind.
        length: the way from the head of a chunk to the next one, by its size.
    """
    for _ in range(_MOST_CHUNKS):
        start = file.read(8)
        if len(start) < 8:
            return
        fields = struct.unpack(head, start)
        kind, size = fields if isinstance(fields[0], bytes) else fields[::-1]
        content = file.tell()
        if kind == wanted:
            yield file.read(min(size, 26))
        file.seek(content + length(size))

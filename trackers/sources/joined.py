"""Files that are several recordings end to end, of which FFmpeg reads the first alone, or drops frames where they meet.

`cat a.mp4 b.mp4` is such a file. Of MPEG, Matroska, AVI, raw streams and GIF FFmpeg itself reads one recording after
another, see `one_clock`.
"""

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_MOST_BOXES = 200_000
_HEADERS = {
    b"FLV\x01": re.compile(rb"FLV\x01.\0\0\0\x09\0\0\0\0", re.DOTALL),  # Video File Format Specification 10, annex E
    b"DKIF": re.compile(rb"DKIF\0\0\x20\0"),  # IVF: version 0, a header of 32 bytes
}


class Part(NamedTuple):
    """Where a recording lies in its file: the first byte, and the one behind the last."""

    start: int
    end: int


def recordings_in(path: Path) -> list[Part]:
    """The recordings of a file, in order; of nearly all files one, the whole file.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if head[4:] == b"ftyp":
            starts = list(_file_types(file, size))
        else:
            header = _HEADERS.get(head[:4])
            starts = _found(file, header) if header else [0]
    return [Part(start, end) for start, end in zip(starts, [*starts[1:], size], strict=True)]


def _file_types(file: BinaryIO, size: int) -> Iterator[int]:
    """Where an MP4's recordings begin: each with a box `ftyp`, and each has a `moov` (ISO 14496-12, 4.3 and 8.2.1)."""
    place, whole = 0, True
    for _ in range(_MOST_BOXES):
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:], "big") if length == 1 else length
        if head[4:8] == b"ftyp" and whole:
            yield place
            whole = False
        whole |= head[4:8] == b"moov"
        if length < 8 or place + length >= size:
            return
        place += length


def _found(file: BinaryIO, header: re.Pattern[bytes]) -> list[int]:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return [match.start() for match in header.finditer(content)] or [0]

"""Scalars in the file format of TensorBoard, which takes sixty lines and no package.

A file is a row of records, each the length (uint64), its checksum, the data, its checksum; the checksum is CRC-32C,
rotated by 15 bits and shifted (tensorflow/core/lib/io/record_writer.h). The data are `Event` messages of Protocol
Buffers (tensorflow/core/util/event.proto): 1 wall time, 2 step, 3 file version, 5 summary; a summary holds values
(1), each with tag (1) and number (2).
"""

import math
import struct
import time
from collections.abc import Mapping
from pathlib import Path

from remix_track.errors import InputError

_CASTAGNOLI = 0x82F63B78


class EventFile:
    """Appends scalars to a new file `events.out.tfevents.*` in `folder`, of which it is then the only one.

    A run that goes on writes all of its points again, up to where it stands: files of before are removed, and the new
    one begins with the note that makes a TensorBoard that is looking drop what it had.

    Raises:
        InputError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(exist_ok=True)
            before = list(folder.glob("events.out.tfevents.*"))
            self._path = folder / f"events.out.tfevents.{time.time_ns()}.remix"
            # 3: file version. 7: session log, whose status (1) START (1) at step 0 drops the points from there on.
            self._append(_bytes(3, b"brain.Event:2"))
            self._append(_bytes(7, b"\x08\x01"))
            for old in before:
                old.unlink()
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); make room and `resume`") from None

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Add a point to each of some curves; numbers that are not finite are left out.

        Raises:
            InputError: the disk is full.
        """
        values = [
            _bytes(1, _bytes(1, tag.encode()) + b"\x15" + struct.pack("<f", number))
            for tag, number in scalars.items()
            if math.isfinite(number)
        ]
        if not values:
            return
        try:
            self._append(b"\x10" + _varint(step) + _bytes(5, b"".join(values)))
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written ({error.strerror}); make room and `resume`") from None

    def _append(self, event: bytes) -> None:
        data = b"\x09" + struct.pack("<d", time.time()) + event
        length = struct.pack("<Q", len(data))
        with self._path.open("ab") as file:
            file.write(length + _masked(length) + data + _masked(data))


def _varint(number: int) -> bytes:
    parts = b""
    while number > 0x7F:
        parts += bytes([number & 0x7F | 0x80])
        number >>= 7
    return parts + bytes([number])


def _bytes(field: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return bytes([field << 3 | 2]) + _varint(len(content)) + content


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """CRC-32C (RFC 3720, appendix B.4) of `data`."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    value = crc32c(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)

"""Arrays of an `.npz` from outside: nothing in it is unpickled, and no more memory is asked for than is allowed."""

import math
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from numpy.lib import format as npy
from numpy.typing import NDArray

from remix_track.bounded_file import size_words


def read_arrays(file: Path | BinaryIO, names: Iterable[str], most: int) -> dict[str, NDArray[Any]]:
    """The named arrays, as far as they are there.

    What counts for the bound is what the header of an array asks for: numpy makes room for that before it reads, and a
    header of a hundred bytes may ask for terabytes.

    Args:
        file: the `.npz`.
        names: of the arrays that are wanted.
        most: bytes that all of them may have.

    Raises:
        ValueError: an array asks for more than the file has, or than `most`; or it is of Python objects.
        Exception: whatever zip, its compression and numpy raise for a file that is none or is damaged.
    """
    found, total = {}, 0
    with zipfile.ZipFile(file) as archive:
        members = {member.filename: member for member in archive.infolist()}
        for name in names:
            member = members.get(f"{name}.npy")
            if member is None:
                continue
            with archive.open(member) as opened:
                asked, begin = _asked(opened)
            total += asked
            if total > most:
                raise ValueError(f"its arrays ask for more than {size_words(most)}")
            if begin + asked != member.file_size:
                raise ValueError(f"{name} asks for {asked:,} bytes, and the file has {member.file_size - begin:,}")
            with archive.open(member) as opened:
                found[name] = npy.read_array(opened, allow_pickle=False)
                opened.read()  # to its end, where the checksum is looked at
    return found


def _asked(opened: Any) -> tuple[int, int]:
    """Bytes that an array asks for, and where they begin."""
    version = npy.read_magic(opened)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"an array of format {'.'.join(map(str, version))}")
    shape, _, kind = read(opened)
    if kind.hasobject:
        raise ValueError("an array of Python objects")
    if not kind.itemsize and math.prod(shape) > 1:
        raise ValueError("an array of things without size")  # there could be any number of them
    return math.prod(shape) * kind.itemsize, opened.tell()

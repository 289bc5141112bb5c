"""`vectors.npy` of a job: float16 rows, written one after another, read as a memory map."""

import math
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from remix_track.bounded_file import check_ordinary
from remix_track.errors import parsing

WIDEST = 65536
_ADVICE = "remove the job's folder and track again"


def write_vectors(path: Path, blocks: Iterable[NDArray[np.floating]], shape: tuple[int, int]) -> None:
    """Write rows, a block at a time, and have them on the disk.

    Args:
        path: of the file, which is not there yet.
        blocks: (n, D) each.
        shape: (T, D) of all together.

    Raises:
        OSError: no room, or there is something.
    """
    header = {"descr": "<f2", "fortran_order": False, "shape": shape}
    with path.open("xb") as file:
        npy.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, "<f2").data)
        file.flush()
        os.fsync(file.fileno())


def map_vectors(path: Path, count: int, width: int | None = None) -> NDArray[np.float16]:
    """The rows (T, D) of a file, which are read where they are used.

    Args:
        path: of the file.
        count: T, which it must have.
        width: D, likewise; 0 is let pass, as a job has it that nothing embedded for. None: any.

    Raises:
        InputError: missing, cut off, or of other rows.
    """
    size = check_ordinary(path, _ADVICE)
    with parsing(path, "vectors of a store", _ADVICE):
        with path.open("rb") as file:
            if npy.read_magic(file) != (1, 0):
                raise ValueError("another version of the format")
            shape, fortran, kind = npy.read_array_header_1_0(file)
            begin = file.tell()
        if kind != np.dtype("<f2") or fortran or len(shape) != 2 or not 0 <= shape[1] <= WIDEST:
            raise ValueError(f"{kind} of shape {shape}, expected float16 of shape (T, D)")
        if size != begin + math.prod(shape) * 2:
            raise ValueError(f"it was cut off or changed: {size:,} bytes where shape {shape} takes other room")
        if shape[0] != count:
            raise ValueError(f"{shape[0]:,} rows for {count:,} tracklets")
        if width is not None and shape[1] not in (0, width):
            raise ValueError(f"vectors {shape[1]} long in a store of vectors {width} long")
        if not math.prod(shape):
            return np.zeros(shape, np.float16)
        return np.memmap(path, "<f2", "r", begin, shape)


def usable(rows: NDArray[np.float16]) -> NDArray[np.float32]:
    """Rows (N, D) in float32; zeros for one that is not finite, which only a damaged file has."""
    vectors = np.asarray(rows, np.float32)
    damaged = ~np.isfinite(vectors).all(axis=1)
    if damaged.any():
        vectors[damaged] = 0
    return vectors

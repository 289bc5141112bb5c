"""Images in tar shards, read in place."""

import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.bounded_file import check_ordinary
from remix_track.data.name_table import NameTable
from remix_track.data.stores import LARGEST_IMAGE, bounded, is_image
from remix_track.errors import InputError, parsing


class TarStore:
    """Images by shard, offset and size; nothing is unpacked.

    Attributes:
        shards: the tar files, uncompressed.
        shard: (N,) int32, which of them.
        offset: (N,) int64, where the image's bytes begin in it.
        size: (N,) int64, how many they are.
        names: (N) names inside their shard.
    """

    def __init__(
        self,
        shards: Sequence[Path],
        shard: NDArray[np.int32],
        offset: NDArray[np.int64],
        size: NDArray[np.int64],
        names: NameTable,
    ) -> None:
        self.shards = tuple(shards)
        self.shard, self.offset, self.size = shard, offset, size
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def name(self, row: int) -> str:
        """The shard and the name in it."""
        return f"{self.shards[self.shard[row]]}:{self.names[row].decode('utf-8', 'replace')}"

    def read(self, row: int) -> bytes:
        """See `ImageStore`."""
        size = int(self.size[row])
        with self.shards[self.shard[row]].open("rb", buffering=0) as file:
            file.seek(int(self.offset[row]))
            data = bounded(file.read(min(size, LARGEST_IMAGE + 1)))
        if len(data) < size:
            raise OSError("the shard ends within the image")
        return data

    def at(self, rows: NDArray[np.int64]) -> "TarStore":
        """The store of these rows, in this order."""
        return TarStore(self.shards, self.shard[rows], self.offset[rows], self.size[rows], self.names.at(rows))


def index_shards(shards: Sequence[Path]) -> TarStore:
    """List the images in tar files, in the files' order.

    Raises:
        InputError: a shard is missing, compressed (there is no reading in the middle of it), or not a whole tar file.
    """
    names: list[bytes] = []
    places: list[tuple[int, int, int]] = []
    for number, path in enumerate(shards):
        check_ordinary(path)
        advice = "copy it again; unpack .tar.gz with gunzip"
        with parsing(path, "a whole, uncompressed tar", advice), tarfile.open(path, "r:") as tar:
            while (member := tar.next()) is not None:
                # The reader keeps every header it has seen; a few million would fill the memory.
                tar.members.clear()  # type: ignore[attr-defined]
                name = os.fsencode(member.name)
                whole = member.isreg() and not member.issparse() and member.size >= 0
                if whole and is_image(name.rpartition(b"/")[2]):
                    names.append(name)
                    places.append((number, member.offset_data, member.size))
    columns = np.array(places, np.int64).reshape(-1, 3)
    return TarStore(shards, columns[:, 0].astype(np.int32), columns[:, 1], columns[:, 2], NameTable.of(names))


def shard_files(path: Path) -> list[Path]:
    """The shards that a path means: itself, or the `.tar` files of a folder, sorted.

    Raises:
        InputError: there are none.
    """
    shards = sorted(path.glob("*.tar")) if path.is_dir() else [path]
    if not shards:
        raise InputError(f"{path}: no .tar files in it; give a shard or the folder of shards")
    return shards

"""Where the bytes of an image lie: the interface between index arrays and folders, LMDB or tar shards."""

import bisect
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from remix_track.data.name_table import NameTable
from remix_track.media_files import IMAGE_FORMATS

LARGEST_IMAGE = 32 * 2**20
CROP_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
"""Of the images that the project reads, those with 8 bits and one image in a file, as crops have."""
_ENDINGS = tuple(os.fsencode(ending) for ending, kind in IMAGE_FORMATS.items() if kind in CROP_FORMATS)


class ImageStore(Protocol):
    """Encoded images by row number. Rows are read lazily; a store travels to worker processes (it pickles)."""

    def __len__(self) -> int: ...

    def name(self, row: int) -> str:
        """What the user would look for: a path, a key, a shard's member."""
        ...

    def read(self, row: int) -> bytes:
        """The encoded image.

        Raises:
            OSError: it is not there, cannot be read, or is larger than 32 MiB.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FolderStore:
    """Image files below one folder.

    Attributes:
        root: the folder.
        paths: relative to `root`, in the file system's encoding; an absolute path stands for itself.
    """

    root: Path
    paths: NameTable

    def __len__(self) -> int:
        return len(self.paths)

    def path(self, row: int) -> Path:
        """The file of one row."""
        return self.root / os.fsdecode(self.paths[row])

    def name(self, row: int) -> str:
        """The file's path."""
        return str(self.path(row))

    def read(self, row: int) -> bytes:
        """See `ImageStore`."""
        with self.path(row).open("rb") as file:
            return bounded(file.read(LARGEST_IMAGE + 1))


@dataclass(frozen=True, slots=True, eq=False)
class ChosenRows:
    """Some rows of another store, in another order.

    Attributes:
        store: the store.
        rows: row i is row `rows[i]` of `store`.
    """

    store: ImageStore
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, row: int) -> str:
        """See `ImageStore`."""
        return self.store.name(int(self.rows[row]))

    def read(self, row: int) -> bytes:
        """See `ImageStore`."""
        return self.store.read(int(self.rows[row]))


class JoinedStore:
    """Several stores under one numbering: the rows of the first, then those of the second, and so on."""

    def __init__(self, stores: Sequence[ImageStore]) -> None:
        self.stores = tuple(stores)
        self.starts = [0]
        for store in self.stores:
            self.starts.append(self.starts[-1] + len(store))

    def __len__(self) -> int:
        return self.starts[-1]

    def name(self, row: int) -> str:
        """See `ImageStore`."""
        store, own_row = self._find(row)
        return store.name(own_row)

    def read(self, row: int) -> bytes:
        """See `ImageStore`."""
        store, own_row = self._find(row)
        return store.read(own_row)

    def _find(self, row: int) -> tuple[ImageStore, int]:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)} images")
        which = bisect.bisect_right(self.starts, row) - 1
        return self.stores[which], row - self.starts[which]


def bounded(data: bytes) -> bytes:
    """The same bytes, or `OSError` where they are too many for one image."""
    if len(data) > LARGEST_IMAGE:
        raise OSError(f"larger than {LARGEST_IMAGE // 2**20} MiB; not a crop of a person")
    return data


def is_image(name: bytes) -> bool:
    """Whether a file goes by the name of an image (hidden files, macOS's `._x.jpg` among them, do not)."""
    return name.lower().endswith(_ENDINGS) and not name.startswith(b".")

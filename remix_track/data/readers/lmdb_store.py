"""Images in an LMDB, as LUPerson is distributed."""

import os
from pathlib import Path
from typing import Any

from remix_track.bounded_file import check_ordinary
from remix_track.data.name_table import NameTable
from remix_track.data.stores import bounded
from remix_track.errors import InputError, parsing
from remix_track.extras import extra

# LMDB allows one environment per file and process, and none may cross a fork: path -> (process, environment).
_open: dict[Path, tuple[int, Any]] = {}


class LmdbStore:
    """Images by key.

    Attributes:
        path: the LMDB: its folder, or the one file.
        keys: row -> key.
    """

    def __init__(self, path: Path, keys: NameTable) -> None:
        self.path = path
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    def name(self, row: int) -> str:
        """The database and the key."""
        return f"{self.path}:{self.keys[row].decode('utf-8', 'replace')}"

    def read(self, row: int) -> bytes:
        """See `ImageStore`."""
        try:
            with open_lmdb(self.path).begin() as transaction:
                value = transaction.get(self.keys[row])
        except Exception as error:
            raise OSError(f"the database gives an error ({error})") from None
        if value is None:
            raise FileNotFoundError("no such key in the database")
        return bounded(bytes(value))


def open_lmdb(path: Path) -> Any:
    """The `lmdb.Environment` of a path, for reading; it stays open as long as the process, and is not to be closed.

    Raises:
        InputError: the `lmdb` package is not installed, or this is no LMDB.
    """
    lmdb = extra("lmdb", "train", "reading an LMDB")
    key = path.resolve()
    process, environment = _open.get(key, (0, None))
    if process == os.getpid():
        return environment
    if environment is not None:
        environment.close()
    file = path / "data.mdb" if path.is_dir() else path
    size = check_ordinary(file, "give an LMDB: its folder, or its file")
    with parsing(path, "an LMDB"):
        environment = lmdb.open(
            str(path), readonly=True, lock=False, readahead=False, create=False, subdir=path.is_dir()
        )
        # Where the file ends before its last page, reading that would end the whole process.
        pages, page = environment.info()["last_pgno"] + 1, environment.stat()["psize"]
        if pages * page > size:
            environment.close()
            raise InputError(f"{file}: {size:,} bytes of {pages * page:,}, it was cut off; copy it again")
    _open[key] = os.getpid(), environment
    return environment

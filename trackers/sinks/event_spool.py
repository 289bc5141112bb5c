"""Events that wait on disk until they are delivered: a file each, taken in the order in which they came.

A spool belongs to an address, not to a run: what a killed run left is delivered by the next run with that address. A
second process with the same address takes a spool of its own beside it.
"""

import contextlib
import itertools
import logging
import os
import threading
from pathlib import Path

from remix_track import file_lock
from remix_track.digests import key_of
from remix_track.errors import InputError

logger = logging.getLogger(__name__)

LARGEST = 256 * 2**20
"""Bytes that wait at most: a day of thousands of people. Then the oldest go, and it is said how many."""
_MOST = 100


class EventSpool:
    """A queue on disk: `put` at one end, `first` and `remove` at the other; of one process.

    Attributes:
        folder: where the files are.
        dropped: events that were given up because too many waited.
    """

    def __init__(self, parent: Path, address: str, largest: int = LARGEST) -> None:
        """Take the first spool of this address that no other process has.

        Args:
            parent: folder of all spools, made where it is not there.
            address: of the receiver; only its digest is written.
            largest: bytes that wait at most.

        Raises:
            InputError: the folder cannot be written.
        """
        self.dropped, self._largest = 0, largest
        self._changed = threading.Condition()
        try:
            self.folder, self._lock = _taken(parent / key_of({"address": address}))
            self._sizes = {int(path.stem): path.stat().st_size for path in self.folder.glob("*.json")}
        except (OSError, ValueError) as error:
            raise InputError(f"{parent}: events cannot be kept there ({error}); make room, or give a file") from None
        self._next = max(self._sizes, default=0) + 1
        self._bytes = sum(self._sizes.values())

    def put(self, event: bytes) -> None:
        """Add one; it is on the disk when this returns.

        Raises:
            InputError: no room.
        """
        with self._changed:
            number, self._next = self._next, self._next + 1
            path = self._path(number)
            temporary = path.with_suffix(".part")
            try:
                with temporary.open("wb") as file:
                    file.write(event)
                    file.flush()
                    os.fsync(file.fileno())  # else a power cut could leave the name without the content
                temporary.replace(path)
            except OSError as error:
                raise InputError(f"{self.folder}: an event cannot be kept ({error.strerror}); make room") from None
            self._sizes[number] = len(event)
            self._bytes += len(event)
            while self._bytes > self._largest and len(self._sizes) > 1:
                self._forget(min(self._sizes))
                self.dropped += 1
            self._changed.notify_all()

    def first(self, seconds: float | None = None) -> tuple[int, bytes] | None:
        """The oldest with its number; None where there is none after waiting so long (None: not waiting)."""
        with self._changed:
            if not self._sizes and seconds:
                self._changed.wait(seconds)
            for number in sorted(self._sizes):
                try:
                    return number, self._path(number).read_bytes()
                except FileNotFoundError:
                    self._forget(number)  # it was removed by hand
                except OSError:  # too many open files, a bad sector: it waits, and holds up no other
                    continue
            if self._sizes:
                self._changed.wait(seconds or 0)
        return None

    def remove(self, number: int) -> None:
        """It was delivered."""
        with self._changed:
            self._forget(number)
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._sizes)

    def wake(self) -> None:
        """Let what waits in `first` look again."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Give the spool back; what waits in it stays."""
        os.close(self._lock)
        with contextlib.suppress(OSError):
            self.folder.rmdir()  # only where nothing waits

    def _forget(self, number: int) -> None:
        self._bytes -= self._sizes.pop(number, 0)
        with contextlib.suppress(OSError):
            self._path(number).unlink()

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:012d}.json"


def _taken(folder: Path) -> tuple[Path, int]:
    """A folder of this name, or with a number, and its lock.

    Raises:
        OSError: it cannot be made, or there are no locks here.
    """
    for number in itertools.count(1):
        path = folder.with_name(f"{folder.name}-{number}")
        path.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            file_lock.lock(file)
            return path, file
        except BlockingIOError:
            os.close(file)
            if number == _MOST:
                raise
    raise AssertionError

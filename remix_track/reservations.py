"""A folder that a run writes to is its own until the run ends: locked against others, and known again at the end.

The lock is on the folder's mark. The kernel lets go of it when the process ends, however that happens. The mark's
inode says whether the folder at that path is still the one that was reserved: as long as the mark is open, no other
file gets its number.
"""

import contextlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from remix_track import file_lock
from remix_track.errors import InputError

MARK = ".remix-track"
_TRIES = 100
_log = logging.getLogger(__name__)


class BusyError(InputError):
    """Another run, or an earlier reservation of this process, has the folder."""


@dataclass(frozen=True, slots=True)
class _Reservation:
    folder: Path
    mark: int
    folder_id: tuple[int, int]
    mark_id: tuple[int, int]

    def holds(self) -> bool:
        """Whether the folder at that path is still the same."""
        try:
            return (file_id(self.folder), file_id(self.folder / MARK)) == (self.folder_id, self.mark_id)
        except OSError:
            return False

    def trouble(self) -> str:
        """What became of the folder."""
        if is_gone(self.mark):
            return f"{self.folder}: was removed while the run wrote to it; run again, and leave it until the run ends"
        now = ""
        # Where the kernel says so, which Linux does.
        with contextlib.suppress(OSError):
            now = f" (it is now {Path(f'/proc/self/fd/{self.mark}').readlink().parent})"
        return (
            f"{self.folder}: was renamed or replaced while the run wrote to it{now}; what it holds is not complete: "
            "run again, and leave it until the run ends"
        )


_reservations: dict[str, _Reservation] = {}
"""Of this process, by absolute path: locks are the process's, and every writer below a folder asks for it."""


def reserve(folder: Path) -> None:
    """Lock a folder that is there, and mark it where it is not.

    Raises:
        BusyError: another run writes to it.
        OSError: it cannot be written.
    """
    for _ in range(_TRIES):
        mark = os.open(folder / MARK, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(mark, folder)
            reservation = _Reservation(folder, mark, file_id(folder), file_id(mark))
            # Its former owner may have removed the folder while we waited for the lock of what was its mark.
            if reservation.holds():
                _reservations[str(folder.absolute())] = reservation
                return
        except BaseException:
            os.close(mark)
            raise
        os.close(mark)
    raise BusyError(f"{folder}: others make and remove it all the time; give another `output`")


def release(folder: Path) -> None:
    """Let go of a folder; nothing happens where it is not reserved."""
    reservation = _reservations.pop(str(folder.absolute()), None)
    if reservation is not None:
        os.close(reservation.mark)


def release_all() -> None:
    """Let go of every folder: a command has ended."""
    for reservation in list(_reservations.values()):
        release(reservation.folder)


def check(path: Path) -> None:
    """Nothing, unless `path` is a reserved folder, or lies in one, that is not there any more as it was.

    Raises:
        InputError: it was removed, renamed or replaced.
    """
    reservation = _reservation_of(path)
    if reservation is not None and not reservation.holds():
        raise InputError(reservation.trouble())


def refuse_removed(folder: Path) -> None:
    """Cheaper than `check`, for each frame of a run: once its folder was removed, the rest would be for nothing.

    Raises:
        InputError: it was removed. One that was only renamed goes on being written to, so that most is saved.
    """
    reservation = _reservations.get(str(folder.absolute()))
    if reservation is not None and is_gone(reservation.mark):
        raise InputError(reservation.trouble())


def is_reserved(path: Path) -> bool:
    """Whether a path is a reserved folder or lies in one."""
    return _reservation_of(path) is not None


def is_gone(file: int) -> bool:
    """Whether an open file has no name any more."""
    return os.fstat(file).st_nlink == 0


def file_id(file: int | Path) -> tuple[int, int]:
    """Device and inode of an open file, or of what is at a path: what stays the same under another name.

    Raises:
        OSError: there is nothing.
    """
    found = os.fstat(file) if isinstance(file, int) else file.stat()
    return found.st_dev, found.st_ino


def refuse_changed(path: Path, made: tuple[int, int]) -> None:
    """Compare what is at `path` with the `file_id` of what was made there.

    Raises:
        InputError: it was removed, renamed or replaced.
    """
    try:
        same = file_id(path) == made
    except OSError:
        same = False
    if not same:
        raise InputError(f"{path}: was removed, renamed or replaced while the run wrote to it; run again")


def _reservation_of(path: Path) -> _Reservation | None:
    if not _reservations:
        return None
    absolute = path.absolute()
    found = (_reservations.get(str(one)) for one in (absolute, *absolute.parents))
    return next((reservation for reservation in found if reservation is not None), None)


def _lock(mark: int, folder: Path) -> None:
    try:
        file_lock.lock(mark)
    except BlockingIOError:
        raise BusyError(f"{folder}: another run writes to it; wait for its end, or give another `output`") from None
    except OSError as error:
        # A network's file system may have no locks; results are written there nevertheless.
        _log.info("%s: cannot be locked (%s)", folder, error.strerror)

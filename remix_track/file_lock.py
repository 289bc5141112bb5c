"""A lock on an open file that the kernel gives back when the process ends, however that happens.

It is on a file that is open already, so that it can be a folder's mark whose inode counts, a folder itself, or a file
that children inherit: filelock, which opens a file of its own by its name, can be none of these.
"""

import os
import sys

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, 0, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock(file: int) -> None:
    """Lock an open file for this process, or fail at once.

    Raises:
        BlockingIOError: another process has it, or another open file of this one.
        OSError: the file system has no locks.
    """
    _lock(file)

"""One job is done by one process at a time: a lock for each, which the kernel gives back when its process ends."""

import contextlib
import logging
import os
from pathlib import Path

from remix_track import file_lock
from remix_track.errors import InputError
from remix_track.reservations import file_id, is_gone
from remix_track.store import layout

LOCKS = "locks"
_log = logging.getLogger(__name__)


class Claims:
    """The jobs that this process does."""

    def __init__(self, store: Path) -> None:
        """Begin without any.

        Raises:
            InputError: the store cannot be written.
        """
        self._folder = store / LOCKS
        self._files: dict[str, int] = {}
        try:
            self._folder.mkdir(exist_ok=True)
            layout.inside(store, self._folder)
        except OSError as error:
            raise InputError(
                f"{store}: cannot be written ({error.strerror}); make room, or give another store"
            ) from None

    def take(self, key: str) -> bool:
        """Claim the job of that key; False where another process has it.

        Raises:
            InputError: the store cannot be written.
        """
        path = layout.inside(self._folder, self._folder / key)
        try:
            while True:
                file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
                if not self._lock(file, path):
                    return False
                # Its former owner may have removed the file while we waited for the lock of what was there.
                if not is_gone(file) and path.exists() and file_id(path) == file_id(file):
                    self._files[key] = file
                    return True
                os.close(file)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}); make room and run again") from None

    def give_back(self, key: str) -> None:
        """Let go of a job; its lock's file is removed."""
        file = self._files.pop(key, None)
        if file is not None:
            with contextlib.suppress(OSError):
                (self._folder / key).unlink(missing_ok=True)
            os.close(file)

    def give_all_back(self) -> None:
        """Let go of everything."""
        for key in list(self._files):
            self.give_back(key)

    def _lock(self, file: int, path: Path) -> bool:
        try:
            file_lock.lock(file)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError as error:
            # A network's file system may have no locks: then two processes may do a job twice, with the same result.
            _log.info("%s: cannot be locked (%s)", path, error.strerror)
        return True

"""A file that is complete at every moment: each piece is appended in one write."""

import os
from pathlib import Path

from remix_track.errors import InputError
from remix_track.reservations import file_id, refuse_changed


class LiveFile:
    """A new file that grows by whole pieces, with no buffer that a killed process would take along.

    When a piece does not fit (full disk, file size limit), the file is cut back to the last whole one.
    """

    def __init__(self, path: Path) -> None:
        """Make the file, in a folder that is there.

        Raises:
            InputError: it exists already, or cannot be made.
        """
        self._path = path
        self._whole = 0
        try:
            self._file = path.open("xb", buffering=0)
        except FileExistsError:
            raise InputError(f"{path}: there is something already; give another `output`") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}); give another `output`") from None

    def append(self, piece: bytes) -> None:
        """Add a piece; nothing is added after a failure or `close`.

        Raises:
            InputError: there was no room for it.
        """
        if not piece or self._file.closed:
            return
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._cut()
            raise InputError(
                f"{self._path}: cannot be written ({error.strerror}); what came before is whole; make room, run again"
            ) from None
        self._whole += len(piece)

    def patch(self, place: int, piece: bytes) -> None:
        """Write over what is there, from byte `place` on; a few bytes, which are on the disk together or not at all.

        Raises:
            InputError: the disk refuses.
        """
        if self._file.closed:
            return
        try:
            os.pwrite(self._file.fileno(), piece, place)
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written ({error.strerror}); run again") from None

    def close(self) -> None:
        """Close the file; later calls do nothing.

        Raises:
            InputError: it is not there any more: it, or its folder, was removed, renamed or replaced.
        """
        if self._file.closed:
            return
        try:
            refuse_changed(self._path, file_id(self._file.fileno()))
        finally:
            self._file.close()

    def _cut(self) -> None:
        # Devices such as /dev/full cannot be cut; what they hold is lost anyway.
        try:
            os.ftruncate(self._file.fileno(), self._whole)
        except OSError:
            pass
        finally:
            self._file.close()

"""Small files that a user names, read whole: ordinary files of a plausible size only."""

import errno
import os
import stat
from pathlib import Path

from remix_track.errors import InputError
from remix_track.near_files import near_file

MOST_TEXT = 1_000_000
"""Bytes of settings, lists and the like."""


def check_ordinary(path: Path, advice: str = "") -> int:
    """See that `path` is an ordinary file; its size in bytes.

    A pipe or a device would keep us waiting for ever, and some act on being opened, so none is.

    Args:
        path: the file.
        advice: what to do next, added to messages.

    Raises:
        InputError: missing, not ours to look at, or not an ordinary file.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, advice) from None
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: not an ordinary file{_ending(advice)}")
    return found.st_size


def read_bounded(path: Path, most: int = MOST_TEXT, advice: str = "") -> bytes:
    """The content of an ordinary file of at most `most` bytes; see `check_ordinary`.

    Raises:
        InputError: missing, unreadable, not an ordinary file, or larger.
    """
    check_ordinary(path, advice)
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise _unreadable(path, error, advice) from None
    if len(content) > most:
        raise InputError(f"{path}: larger than {size_words(most)}{_ending(advice)}")
    return content


def _unreadable(path: Path, error: OSError | ValueError, advice: str) -> InputError:
    # A ValueError comes of letters that no name can have.
    if isinstance(error, FileNotFoundError) and (near := near_file(path)):
        return InputError(f"{path}: cannot be read ({error.strerror}); {near}")
    return InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}){_ending(advice)}")


def _ending(advice: str) -> str:
    return f"; {advice}" if advice else ""


def size_words(count: int) -> str:
    """A number of bytes in words."""
    for unit, name in ((10**9, "GB"), (10**6, "MB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:,} bytes"

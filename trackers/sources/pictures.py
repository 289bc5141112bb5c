"""Folders and globs of pictures, in natural order."""

import glob
import itertools
import os
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from remix_track.errors import InputError
from remix_track.trackers.sources.damage import Damage
from remix_track.trackers.sources.picture_file import IMAGE_SUFFIXES, read_picture
from remix_track.trackers.sources.selection import Selection
from remix_track.trackers.sources.source import Facts, Picture

_MOST_FILES = 1_000_000
Entry = TypeVar("Entry")


class PictureReader:
    """Pictures one after another; a broken one is skipped and noted, and keeps its number."""

    def __init__(self, paths: Sequence[Path], facts: Facts, numbers: Sequence[int] | None = None) -> None:
        """Take the pictures as they are listed.

        Args:
            paths: the files, in order.
            facts: what is known of them.
            numbers: their frame numbers, rising; 1, 2, ... by default.
        """
        self._paths = paths
        self._numbers = range(1, len(paths) + 1) if numbers is None else numbers
        self.facts = facts
        self.damage = Damage()
        self.seen = 0

    def read(self, selection: Selection) -> Generator[Picture, None, None]:
        """The wanted pictures, in order."""
        for number, path in zip(self._numbers, self._paths, strict=True):
            if selection.is_past(number):
                return
            self.seen = number
            if not selection.wants(number):
                continue
            try:
                image = read_picture(path)
            except InputError as error:
                self.damage.lost_because(number, f"{path.name}: {error}")
            else:
                yield Picture(number, image, None)

    def close(self) -> None:
        """Nothing stays open."""


def pictures_in(folder: Path) -> list[Path]:
    """The picture files directly in a folder, `img2` before `img10`.

    Raises:
        InputError: the folder cannot be read, or holds too many files.
    """
    try:
        with os.scandir(folder) as entries:
            return _in_order(Path(entry.path) for entry in _bounded(entries, folder))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})") from None


def pictures_like(pattern: str) -> list[Path]:
    """The picture files that a glob matches (`**` reaches into folders), `img2` before `img10`.

    Raises:
        InputError: it matches too many files.
    """
    return _in_order(matching(pattern))


def matching(pattern: str) -> Iterator[Path]:
    """Whatever a glob matches, in no order.

    Raises:
        InputError: too many files.
    """
    # `Path.glob` takes no absolute pattern.
    found = glob.iglob(pattern, recursive=True)  # noqa: PTH207
    return (Path(path) for path in _bounded(found, pattern))


def natural_key(path: Path) -> list[list[str | int]]:
    """What sorts paths as people count: digits by their value, letters without case."""
    return [
        [int(piece) if piece.isdecimal() else piece.casefold() for piece in re.split(r"(\d+)", part)]
        for part in path.parts
    ]


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name; hidden files (`._img1.jpg` of macOS) are not."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def _in_order(paths: Iterable[Path]) -> list[Path]:
    return sorted(
        (path for path in paths if is_picture(path) and path.is_file()), key=lambda p: (natural_key(p), str(p))
    )


def _bounded(entries: Iterable[Entry], where: object) -> Iterable[Entry]:
    for count, entry in enumerate(itertools.islice(entries, _MOST_FILES + 1)):
        if count == _MOST_FILES:
            raise InputError(f"{where}: more than {_MOST_FILES} files; name fewer with a glob")
        yield entry

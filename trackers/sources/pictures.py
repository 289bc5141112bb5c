"""Folders and globs of pictures, in natural order."""

import glob
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from remix_track.errors import InputError
from remix_track.media_files import bounded, in_natural_order, is_picture
from remix_track.trackers.sources.damage import Damage
from remix_track.trackers.sources.picture_file import read_picture
from remix_track.trackers.sources.selection import Selection
from remix_track.trackers.sources.source import Facts, Picture


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


def pictures_like(pattern: str) -> list[Path]:
    """The picture files that a glob matches (`**` reaches into folders), `img2` before `img10`.

    Raises:
        InputError: it matches too many files.
    """
    return in_natural_order(path for path in matching(pattern) if is_picture(path))


def matching(pattern: str) -> Iterator[Path]:
    """Whatever a glob matches, in no order.

    Raises:
        InputError: too many files.
    """
    # `Path.glob` takes no absolute pattern.
    found = glob.iglob(pattern, recursive=True)  # noqa: PTH207
    return (Path(path) for path in bounded(found, pattern))

"""Folders and globs of images, in natural order."""

import contextlib
import glob
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.media_files import bounded, in_natural_order, is_image
from remix_track.trackers.sources.image_file import ImageFile, may_hold_several
from remix_track.trackers.sources.source import Damage, Facts, Picture, Selection
from remix_track.trackers.sources.value_range import ValueScale

_SAMPLES = 8
Item = TypeVar("Item")


class ImageReader:
    """Images one after another, also several of one file; a broken one is skipped and noted, and keeps its number."""

    def __init__(
        self,
        paths: Sequence[Path],
        facts: Facts,
        numbers: Sequence[int] | None = None,
        times: Sequence[float] | None = None,
    ) -> None:
        """Take the images as they are listed.

        Args:
            paths: the files, in order.
            facts: what is known of them.
            numbers: frame numbers of the files, rising, each the number of one image; None: all images of all
                files are counted, 1, 2, ...
            times: of each image in seconds, where there is one file and it tells.
        """
        self._paths, self._numbers, self._times = paths, numbers, times
        self.facts = facts
        self.damage = Damage()
        self.seen = 0
        self._scale = ValueScale(facts)
        self._left_out = False

    def read(self, selection: Selection) -> Generator[Picture, None, None]:
        """The wanted images, in order."""
        number = 1
        for place, path in enumerate(self._paths):
            number = number if self._numbers is None else self._numbers[place]
            if selection.is_past(number):
                return
            if selection.wants(number) or (self._numbers is None and may_hold_several(path)):
                number += yield from self._images_of(path, number, selection)
            else:
                self.seen = number
                number += 1

    def _images_of(self, path: Path, number: int, selection: Selection) -> Generator[Picture, None, int]:
        """The wanted ones of a file whose first has `number`; returns how many numbers the file takes up."""
        self.seen = number
        try:
            file = ImageFile(path)
        except InputError as error:
            if selection.wants(number):
                self.damage.lost_because(number, str(error))
            return 1
        with file:
            count = file.count if self._numbers is None else 1
            self._say_what_is_left_out(file, path, count)
            for index in range(count):
                self.seen = number + index
                if selection.is_past(self.seen):
                    return count
                if selection.wants(self.seen) and (picture := self._picture(file, index, path)) is not None:
                    yield picture
                elif selection.wants(self.seen) and file.linked:
                    self.damage.lost(self.seen + 1, count - index - 1)
                    self.seen = number + count - 1
                    return count
            if file.breaks_off and self._numbers is None:
                self.damage.note(f"{path.name}: the file breaks off behind {count} images")
        return count

    def _picture(self, file: ImageFile, index: int, path: Path) -> Picture | None:
        try:
            values = file.read(index)
            image = self._scale.to_bgr(values, lambda: self._samples(path.suffix), path.name)
        except InputError as error:
            self.damage.lost_because(self.seen, str(error))
            return None
        return Picture(self.seen, image, self._times[index] if self._times else None)

    def _say_what_is_left_out(self, file: ImageFile, path: Path, count: int) -> None:
        if file.left_out:
            several = f"{path}: a JPEG of {file.left_out + 1} images (stereo, a preview, a gain map)"
        elif file.count > count:
            several = f"{path}: holds {file.count} images, and its name is the number of one frame"
        else:
            return
        if not self._left_out:
            self.facts.warnings += (f"{several}; the first is read, here and in others like it",)
        self._left_out = True

    def _samples(self, suffix: str) -> Iterator[NDArray[np.generic]]:
        """Some images, evenly from all files of one ending, or from all images of the only one."""
        paths = [path for path in self._paths if path.suffix == suffix]
        for path in _evenly(paths, _SAMPLES):
            with contextlib.suppress(InputError), ImageFile(path) as file:
                for index in _evenly(range(file.count), max(_SAMPLES // len(paths), 1)):
                    with contextlib.suppress(InputError):
                        yield file.read(index)

    def close(self) -> None:
        """Nothing stays open."""


def _evenly(items: Sequence[Item], most: int) -> list[Item]:
    count = min(len(items), most)
    return [items[place * len(items) // count] for place in range(count)]


def images_like(pattern: str) -> list[Path]:
    """The image files that a glob matches (`**` reaches into folders), `img2` before `img10`.

    Raises:
        InputError: it matches too many files.
    """
    return in_natural_order(path for path in matching(pattern) if is_image(path))


def matching(pattern: str) -> Iterator[Path]:
    """Whatever a glob matches, in no order.

    Raises:
        InputError: too many files.
    """
    # `Path.glob` takes no absolute pattern.
    found = glob.iglob(pattern, recursive=True)  # noqa: PTH207
    return (Path(path) for path in bounded(found, pattern))

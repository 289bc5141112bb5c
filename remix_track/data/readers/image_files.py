"""Image files of a folder, in an order that does not depend on the file system."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from remix_track.data.stores import is_image
from remix_track.errors import InputError

logger = logging.getLogger(__name__)


def images_in(folder: Path) -> list[bytes]:
    """Names of the image files directly in `folder`, sorted.

    Raises:
        InputError: the folder is missing or cannot be read.
    """
    try:
        with os.scandir(os.fsencode(folder)) as entries:
            return sorted(entry.name for entry in entries if is_image(entry.name) and entry.is_file())
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); check the path of the data set") from None


def images_below(root: Path) -> Iterator[tuple[bytes, list[bytes]]]:
    """Every folder at or below `root` that holds images: `b"its/path/"` relative to `root`, and their sorted names.

    Links to folders are followed once each, so a link to a parent ends here. A folder below `root` that cannot be read
    is skipped with a warning.

    Raises:
        InputError: `root` itself is missing or cannot be read.
    """
    yield from _below(root, b"", set())


def _below(root: Path, relative: bytes, seen: set[tuple[int, int]]) -> Iterator[tuple[bytes, list[bytes]]]:
    here = root / os.fsdecode(relative)
    folders, pictures = [], []
    try:
        status = here.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(os.fsencode(here)) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.name)
                elif is_image(entry.name) and entry.is_file():
                    pictures.append(entry.name)
    except OSError as error:
        if not relative:
            raise InputError(f"{root}: cannot be listed ({error.strerror}); check the path of the data set") from None
        logger.warning("%s: cannot be listed (%s); its images are left out", here, error.strerror)
        return
    if pictures:
        yield relative, sorted(pictures)
    for name in sorted(folders):
        if not name.startswith(b"."):
            yield from _below(root, relative + name + b"/", seen)


def inner_folder(root: Path, *names: str, holds: str) -> Path:
    """`root` itself where it holds `holds`, else the first of its sub-folders `names` that does.

    People point at the folder they unpacked into as often as at the one inside.

    Raises:
        InputError: neither does.
    """
    for folder in (root, *(root / name for name in names)):
        if (folder / holds).exists():
            return folder
    looked = ", ".join([str(root), *(str(root / name) for name in names)])
    raise InputError(f"{root}: {holds} is missing (looked in {looked}); give the folder that holds it")

"""Images and videos by their names: the one list of extensions, and the images of a folder in natural order."""

import itertools
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from remix_track.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

IMAGE_FORMATS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    ".png": "PNG",
    ".bmp": "BMP",
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    ".webp": "WEBP",
    **dict.fromkeys((".jp2", ".j2k"), "JPEG2000"),
    **dict.fromkeys((".ppm", ".pgm", ".pbm", ".pnm"), "PPM"),
}
"""Pillow's format for each ending of an image; an image is read by its content, whatever of these it is called."""

IMAGE_ENDINGS = frozenset(IMAGE_FORMATS)
VIDEO_ENDINGS = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".m2v", ".vob", ".ts", ".mts", ".m2ts"}
    | {".gif", ".wmv", ".asf", ".flv", ".ogv", ".3gp", ".mxf", ".y4m", ".mjpeg", ".h264", ".264", ".hevc", ".265"}
)

_MOST_FILES = 1_000_000
Entry = TypeVar("Entry")


def open_image(file: "Path | IO[bytes]", formats: Sequence[str]) -> "Image.Image":
    """`PIL.Image.open` as Pillow has it.

    ultralytics replaces it for the whole process: where a file is no image, it would install a HEIF reader and try
    again.

    Raises:
        PIL.UnidentifiedImageError: none of these formats.
        OSError: it cannot be read.
    """
    from PIL import Image

    opener = getattr(sys.modules.get("ultralytics.utils.patches"), "_image_open", Image.open)
    return opener(file, formats=tuple(formats))


def is_image(path: Path) -> bool:
    """Whether a file is an image by its name; hidden files (`._img1.jpg` of macOS) are not."""
    return path.suffix.lower() in IMAGE_ENDINGS and not path.name.startswith(".")


def is_video(path: Path) -> bool:
    """Whether a file is a video by its name; hidden files are not."""
    return path.suffix.lower() in VIDEO_ENDINGS and not path.name.startswith(".")


def images_in(folder: Path) -> list[Path]:
    """The image files directly in a folder, `img2` before `img10`.

    Raises:
        InputError: the folder cannot be read, or holds too many files.
    """
    return in_natural_order(path for path in files_in(folder) if is_image(path))


def videos_in(folder: Path) -> list[Path]:
    """The video files directly in a folder, in natural order.

    Raises:
        InputError: the folder cannot be read, or holds too many files.
    """
    return in_natural_order(path for path in files_in(folder) if is_video(path))


def files_in(folder: Path) -> Iterator[Path]:
    """What lies directly in a folder, in no order.

    Raises:
        InputError: the folder cannot be read, or holds too many files.
    """
    try:
        with os.scandir(folder) as entries:
            yield from (Path(entry.path) for entry in bounded(entries, folder))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})") from None


def in_natural_order(paths: Iterable[Path]) -> list[Path]:
    """The ordinary files among `paths`, digits by their value."""
    return sorted((path for path in paths if path.is_file()), key=lambda path: (natural_key(path), str(path)))


def natural_key(path: Path) -> list[list[str | int]]:
    """What sorts paths as people count: digits by their value, letters without case."""
    return [
        [int(piece) if piece.isdecimal() else piece.casefold() for piece in re.split(r"(\d+)", part)]
        for part in path.parts
    ]


def bounded(entries: Iterable[Entry], where: object) -> Iterable[Entry]:
    """The entries one by one.

    Raises:
        InputError: while iterating: more than a million of them.
    """
    for count, entry in enumerate(itertools.islice(entries, _MOST_FILES + 1)):
        if count == _MOST_FILES:
            raise InputError(f"{where}: more than {_MOST_FILES} files; name fewer with a glob")
        yield entry

"""One file of one or several images: 8-bit BGR, or deeper values that are scaled later."""

import contextlib
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError, parsing
from remix_track.media_files import IMAGE_FORMATS, open_image
from remix_track.trackers.sources.animation import chunks_fit, durations
from remix_track.trackers.sources.source import MAX_PIXELS

if TYPE_CHECKING:
    from PIL import Image

_FORMATS = tuple(dict.fromkeys(IMAGE_FORMATS.values()))
_MAX_BYTES = 512 * 2**20
_MOST_IMAGES = 100_000
_DEEP_GRAY = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
_ANIMATED = {"PNG", "WEBP"}
_COLOURS = {"RGB", "RGBA", "LA"}
_OF_SEVERAL = _ANIMATED | {"TIFF"}
# Tags of TIFF 6.0.
_SUBFILE, _BITS, _PHOTOMETRIC, _DESCRIPTION, _SAMPLES, _SAMPLE_FORMAT = 254, 258, 262, 270, 277, 339
_REDUCED_OR_MASK, _SIGNED = 0b101, 2
_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class ImageFile:
    """The images of one file, decoded one at a time; use it inside `with`.

    A TIFF's smaller copies and masks of an image are not counted, nor is what an animated PNG shows where animations
    are not understood. Of a JPEG's several images (two eyes, previews, gain maps) the first is meant.

    Attributes:
        count: how many images.
        left_out: images of a JPEG behind the first.
        breaks_off: the file begins or promises images behind these which cannot be found.
        linked: an image cannot be decoded without those before it.
    """

    def __init__(self, path: Path) -> None:
        """Open a file and count its images.

        Raises:
            InputError: not an image, damaged, or too large. The line begins with the file's name, without folders.
        """
        self._path = path
        self.left_out, self.breaks_off = 0, False
        with self._in_words():
            self._picture = self._open()
        try:
            with self._in_words():
                self._places = self._find_places()
        except InputError:
            self._picture.close()
            raise
        self.count = len(self._places)
        self.linked = self._picture.format in _ANIMATED and self.count > 1

    def _open(self) -> "Image.Image":
        from PIL import Image, UnidentifiedImageError

        try:
            picture = open_image(self._path, _FORMATS)
        except UnidentifiedImageError:
            raise InputError(f"{self._path.name}: {_what_it_is(self._path)}") from None
        except Image.DecompressionBombError:
            raise InputError(f"{self._path.name}: more than the {MAX_PIXELS} pixels that are read") from None
        # Of a stack of images one is in memory at a time; all else may be.
        if picture.format != "TIFF" and self._path.stat().st_size > _MAX_BYTES:
            picture.close()
            raise InputError(f"{self._path.name}: larger than {_MAX_BYTES // 2**20} MB")
        return picture

    def _find_places(self) -> Sequence[int]:
        if self._picture.format == "TIFF":
            return self._pages()
        count = getattr(self._picture, "n_frames", 1)
        if self._picture.format not in _ANIMATED:
            self.left_out = count - 1
            return range(1)
        if count == 1:
            return range(1)
        hidden = int(bool(self._picture.info.get("default_image")))
        # A header may promise images that never come.
        there = max(hidden + len(durations(self._path)), 1)
        self.breaks_off = there < count
        return range(hidden, min(count, there)) or range(1)

    def _pages(self) -> list[int]:
        places = []
        for place in range(_MOST_IMAGES + 1):
            try:
                self._picture.seek(place)
            except EOFError:
                break
            except Exception:  # whatever is wrong with this one, those before it are good
                self.breaks_off = True
                break
            if not int(self._picture.tag_v2.get(_SUBFILE, 0)) & _REDUCED_OR_MASK:  # type: ignore[attr-defined]
                places.append(place)
        described = re.search(r"^images=(\d{1,9})\s*$", _imagej_description(self._picture), re.MULTILINE)
        if described and int(described[1]) > place:
            raise InputError(
                f"{self._path.name}: ImageJ says that it holds {described[1]} images, {place} of them are listed;"
                " save it as a sequence of images"
            )
        if len(places) > _MOST_IMAGES:
            raise InputError(f"{self._path.name}: more than {_MOST_IMAGES} images in one file; split it")
        return places or [0]

    def read(self, index: int) -> NDArray[np.generic]:
        """Image `index`, from 0: (H, W, 3) uint8 BGR; as stored (H, W, 3) uint16 BGR, (H, W) uint16, int32, float32.

        It is contiguous and upright by its EXIF tag; gray of 8 bits is repeated, alpha dropped.

        Raises:
            InputError: damaged, too large, or of a kind that is not read; the line begins with the file's name.
        """
        from PIL import ImageOps

        with self._in_words():
            self._picture.seek(self._places[index])
            width, height = self._picture.size
            if width * height > MAX_PIXELS:
                raise InputError(
                    f"{self._path.name}: {width}x{height}, more than the {MAX_PIXELS} pixels that are read"
                )
            deep = self._may_be_deep()
            picture = ImageOps.exif_transpose(self._picture)
            tags = getattr(self._picture, "tag_v2", {})
            if picture.mode in _DEEP_GRAY and tags.get(_PHOTOMETRIC) == 0:
                raise InputError(f"{self._path.name}: its deep values count down from white; save it with 8 bits")
            if picture.mode == "L" and _first(tags.get(_SAMPLE_FORMAT)) == _SIGNED:
                raise InputError(
                    f"{self._path.name}: values of -128 to 127 without an obvious scale; save them from 0 on"
                )
            if deep and picture.mode in _COLOURS and picture.size == (width, height):
                colours = self._deep_colours(self._places[index])
                if colours is not None and colours.shape == (height, width, 3):
                    return colours
            return _values(picture)

    def _may_be_deep(self) -> bool:
        """Whether colours may have 16 bits; JPEG 2000 does not say before it is decoded."""
        tiles = getattr(self._picture, "tile", None)
        arguments = str(tiles[0].args) if tiles else ""
        ppm = self._picture.format == "PPM" and f", {np.iinfo(np.uint16).max})" in arguments
        return ";16" in arguments or ppm or self._picture.format == "JPEG2000"

    def _deep_colours(self, place: int) -> NDArray[np.uint16] | None:
        """The 16 bits of colours of which Pillow keeps the upper 8: black, where a camera used the lower 12."""
        import cv2

        if self._picture.format == "PNG" and not chunks_fit(self._path):
            raise InputError(f"{self._path.name}: cannot be read as an image (it is cut off or damaged)")
        try:
            found, pages = cv2.imreadmulti(str(self._path), start=place, count=1, flags=cv2.IMREAD_UNCHANGED)
        except (cv2.error, UnicodeError):
            return None
        page = np.asarray(pages[0]) if found and len(pages) == 1 else np.zeros(0)
        return np.ascontiguousarray(page[..., :3]) if page.dtype == np.uint16 and page.ndim == 3 else None

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        with parsing(self._path.name, "an image"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own limit and of odd tags; ours is checked
            yield

    def close(self) -> None:
        """Close the file."""
        self._picture.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Contents(NamedTuple):
    """How many images a file holds, and the seconds that each of them is shown where it tells."""

    pictures: int = 1
    seconds: list[float] | None = None


def contents_of(path: Path) -> Contents:
    """What a file holds; one image, where it cannot be read."""
    if not may_hold_several(path):
        return Contents()
    try:
        with ImageFile(path) as file:
            seconds = durations(path) if file.linked else []
            told = len(seconds) == file.count and min(seconds) > 0
            return Contents(file.count, seconds if told else None)
    except (InputError, OSError):
        return Contents()


def may_hold_several(path: Path) -> bool:
    """Whether files of this ending can hold several images that follow one another."""
    return IMAGE_FORMATS.get(path.suffix.lower()) in _OF_SEVERAL


def _values(picture: "Image.Image") -> NDArray[np.generic]:
    import cv2

    if picture.mode in _DEEP_GRAY:
        return np.asarray(picture)
    # Thirty times as fast as a copy of the reversed view.
    return np.asarray(cv2.cvtColor(np.asarray(picture.convert("RGB")), cv2.COLOR_RGB2BGR), np.uint8)


def _what_it_is(path: Path) -> str:
    """What to say of a file that Pillow does not know: a TIFF may have pixels of a type that it does not read."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    try:
        with path.open("rb") as file:
            head = file.read(8)
            head += file.read(8) if b"+" in head[:4] else b""
            if not head.startswith(_TIFF_HEADS):
                return "not an image"
            tags = ImageFileDirectory_v2(head)
            file.seek(tags.next)
            tags.load(file)
    except Exception:  # whatever is wrong with it, it is no image
        return "not an image"
    if _BITS not in tags:
        return "not an image"
    kind = {_SIGNED: "signed", 3: "float"}.get(_first(tags.get(_SAMPLE_FORMAT)), "whole")
    samples, bits = tags.get(_SAMPLES, 1), _first(tags.get(_BITS))
    return f"a TIFF of {samples} x {bits}-bit {kind} values, which is not read; save it with 8 or 16 bits"


def _imagej_description(picture: "Image.Image") -> str:
    """What ImageJ writes of a stack in the first page; empty in other files.

    Stacks above 4 GB have one page, and the pixels of the others just follow it.
    """
    picture.seek(0)
    text = str(picture.tag_v2.get(_DESCRIPTION, ""))  # type: ignore[attr-defined]
    return text if text.startswith("ImageJ=") else ""


def _first(tag: object) -> int:
    value = tag[0] if isinstance(tag, tuple) and tag else tag
    return value if isinstance(value, int) else 1

"""Photographs of places behind the people: each camera's scenery is a window of one of them."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing
from remix_track.media_files import images_in, open_image
from remix_track.synthetic.places import HEIGHT, WIDTH, soften
from remix_track.synthetic.sprites import Image

_FORMATS = ("JPEG", "PNG", "WEBP")
_ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
_MOST_BYTES, _MOST_PIXELS, _SMALLEST = 100_000_000, 4096 * 8192, 16
_MOST_PICTURES = 10_000
_LARGEST_SCALE = 1.0
"""A picture is enlarged by no more, unless it is lower than the scenery."""
_HIGHEST = 4.0
"""Height of a picture against the scenery's at most: then people would be a seventh as tall as the picture, as in the
photograph of a street."""


@dataclass(frozen=True, slots=True)
class Photographs:
    """Pictures that the scenery is cut from.

    Attributes:
        paths: of the pictures, in natural order; at least one.
        digest: SHA-256 of their contents in this order, in hex.
    """

    paths: tuple[Path, ...]
    digest: str

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """The pictures directly in a folder, each read once, so that a broken one is known before anything is drawn.

        Raises:
            InputError: no folder, no picture or too many in it, or one that cannot be read.
        """
        paths = tuple(path for path in images_in(folder) if path.suffix.lower() in _ENDINGS)
        if not 1 <= len(paths) <= _MOST_PICTURES:
            raise InputError(
                f"{folder}: {len(paths):,} JPEG, PNG or WebP pictures; `backgrounds` takes 1 to {_MOST_PICTURES:,}"
            )
        digest = hashlib.sha256()
        for path in paths:
            content = read_bounded(path, _MOST_BYTES)
            _decoded(path, content)
            digest.update(content)
        return cls(paths, digest.hexdigest())

    def scenery(self, place: int) -> Image:
        """The surroundings of one camera as `places.panorama` has them, (HEIGHT, WIDTH, 3) uint8 BGR.

        Args:
            place: seed: decides the picture, its scale and the window; the colours are nearly the picture's own.

        Raises:
            InputError: the picture cannot be read any more.
        """
        rng = np.random.default_rng(place)
        path = self.paths[int(rng.integers(len(self.paths)))]
        picture = _decoded(path, read_bounded(path, _MOST_BYTES))
        if rng.random() < 0.5:
            picture = np.ascontiguousarray(picture[:, ::-1])
        return soften(_window(picture, rng), rng, clear=float(rng.uniform(0.8, 1.0)))


def _window(picture: Image, rng: np.random.Generator) -> Image:
    """A part of the picture at a scale by chance, mirrored at its borders where it is narrower than the scenery."""
    fitting = HEIGHT / picture.shape[0]
    largest = max(fitting, min(_HIGHEST * fitting, _LARGEST_SCALE))
    scale = float(np.exp(rng.uniform(np.log(fitting), np.log(largest))))
    size = max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), HEIGHT)
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    # Lowest in a picture is what lies at the photographer's feet, nearer than people come.
    top = round((size[1] - HEIGHT) * float(rng.uniform(0.0, 0.8)))
    window = scaled[top : top + HEIGHT, _mirrored(int(rng.integers(max(size[0] - WIDTH, 0) + 1)), size[0])]
    return np.ascontiguousarray(window)


def _mirrored(left: int, width: int) -> NDArray[np.int64]:
    """(WIDTH,) columns of a picture from `left` on, there and back again."""
    there_and_back = (left + np.arange(WIDTH)) % (2 * width)
    return np.minimum(there_and_back, 2 * width - 1 - there_and_back)


def _decoded(path: Path, content: bytes) -> Image:
    """The picture, (H, W, 3) uint8 BGR; the header is read first, so that no file asks for more memory than it may."""
    from PIL import ImageOps

    with (
        parsing(path, "a picture", "remove it from the folder of backgrounds"),
        open_image(io.BytesIO(content), _FORMATS) as opened,
    ):
        width, height = opened.size
        if min(width, height) < _SMALLEST or width * height > _MOST_PIXELS:
            raise ValueError(f"{width}x{height} pixels; expected {_SMALLEST} a side to {_MOST_PIXELS:,} in all")
        if opened.mode.startswith(("I", "F")):
            raise ValueError("more than 8 bits a channel; save it with 8")
        return np.ascontiguousarray(np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))[..., ::-1])

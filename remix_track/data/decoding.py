"""Decode one crop; an unreadable image is a return value, not an exception."""

import io
import logging
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from remix_track.data.stores import CROP_FORMATS, ImageStore
from remix_track.encoder.crops import LARGEST_SIDE, SMALLEST_SIDE
from remix_track.errors import InputError
from remix_track.media_files import open_image

logger = logging.getLogger(__name__)

MOST_PIXELS = 4096 * 4096
SMALLEST_CROP = 4
_REPORTED = 20


@dataclass(frozen=True, slots=True)
class BadCrop:
    """An image that cannot be used.

    Attributes:
        name: what the user would look for.
        reason: why not.
    """

    name: str
    reason: str


@dataclass(slots=True)
class CropReader:
    """Reads crops at one size. The first bad ones are logged by name, each once; then their number alone grows.

    Attributes:
        store: the images.
        height: of the result in pixels, 8 to 1024.
        width: of the result in pixels, 8 to 1024.
        bad: rows found bad so far.

    Raises:
        InputError: a size out of range.
    """

    store: ImageStore
    height: int
    width: int
    bad: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (self.height, self.width)):
            size = f"{self.height}x{self.width}"
            raise InputError(
                f"crop size {size} is out of range; expected {SMALLEST_SIDE} to {LARGEST_SIDE} pixels a side"
            )

    def read(self, row: int) -> NDArray[np.uint8] | BadCrop:
        """The crop of one row.

        Args:
            row: 0 <= row < len(store).

        Returns:
            (height, width, 3) uint8 RGB, resized as the tracker resizes its crops (bilinear); or why it is bad.
        """
        try:
            return decode_crop(self.store.read(row), self.height, self.width)
        except (OSError, ValueError) as error:
            return self._report(row, " ".join(str(error).split())[:200] or type(error).__name__)

    def _report(self, row: int, reason: str) -> BadCrop:
        bad = BadCrop(self.store.name(row), reason)
        if row not in self.bad:
            self.bad.add(row)
            if len(self.bad) <= _REPORTED:
                logger.warning("%s: a bad image is passed over (%s)", bad.name, bad.reason)
            if len(self.bad) == _REPORTED:
                logger.warning("%d bad images by now; further ones are not named", _REPORTED)
        return bad


def decode_crop(data: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """Decode an image and resize it.

    The header is read first, so that no file can ask for more memory than 16.8 million pixels take. A JPEG that is cut
    off counts as bad although OpenCV would fill it up with grey.

    Args:
        data: JPEG, PNG, BMP or WebP.
        height: of the result in pixels.
        width: of the result in pixels.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: not such an image, cut off, under 4 pixels a side or over 16.8 million pixels.
    """
    import cv2

    resized = cv2.resize(decode_image(data), (width, height), interpolation=cv2.INTER_LINEAR)
    result: NDArray[np.uint8] = cv2.cvtColor(resized, cv2.COLOR_BGR2RGB)
    return result


def decode_image(data: bytes) -> NDArray[np.uint8]:
    """An image at its own size, (H, W, 3) uint8 BGR; what it refuses is told at `decode_crop`."""
    kind = _check_header(data)
    return _decode_jpeg(data) if kind in ("JPEG", "MPO") else _decode_other(data)


def _check_header(data: bytes) -> str:
    from PIL import Image, UnidentifiedImageError

    try:
        with open_image(io.BytesIO(data), CROP_FORMATS) as picture:
            (width, height), kind = picture.size, picture.format or ""
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        raise ValueError(f"not a JPEG, PNG, BMP or WebP; {len(data):,} bytes") from None
    if min(width, height) < SMALLEST_CROP or width * height > MOST_PIXELS:
        raise ValueError(f"{width}x{height} pixels; expected {SMALLEST_CROP} a side to {MOST_PIXELS:,} in all")
    return kind


def _decode_jpeg(data: bytes) -> NDArray[np.uint8]:
    import cv2

    # The end marker cannot occur within the coded pixels; cameras append a little after it.
    if b"\xff\xd9" not in data[-4096:]:
        raise ValueError("the JPEG is cut off")
    try:
        pixels: NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ValueError(f"OpenCV cannot decode it ({error.err})") from None
    if pixels is None:
        raise ValueError("OpenCV cannot decode it")
    return pixels


def _decode_other(data: bytes) -> NDArray[np.uint8]:

    try:
        with open_image(io.BytesIO(data), CROP_FORMATS) as picture:
            if picture.mode.startswith(("I", "F")):
                # Pillow would make all of it white; which value is white, one crop alone does not tell.
                raise ValueError("gray of more than 8 bits with an unknown value range; save it with 8 bits")
            return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[..., ::-1])
    except (OSError, SyntaxError) as error:
        raise ValueError(f"cannot be decoded ({error})") from None

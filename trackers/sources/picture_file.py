"""One picture file as 8-bit BGR, whatever it holds."""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.media_files import PICTURE_FORMATS
from remix_track.trackers.sources.source import MAX_PIXELS

if TYPE_CHECKING:
    from PIL import Image

_FORMATS = tuple(dict.fromkeys(PICTURE_FORMATS.values()))
_MAX_BYTES = 512 * 2**20
_DEEP_GRAY = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}


def read_picture(path: Path) -> NDArray[np.uint8]:
    """The picture (H, W, 3) uint8 BGR, contiguous: upright by its EXIF tag, gray repeated, alpha dropped.

    16-bit values are scaled by 1 / 257, so that 65535 becomes 255; of 32-bit gray, values up to 65535 are taken as
    16-bit ones. (Pillow reduces 16-bit colour itself, by 1 / 256.)

    Raises:
        InputError: not a picture, damaged, too large, or of values that have no obvious scale. The message does not
            name the file.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise InputError(f"larger than {_MAX_BYTES // 2**20} MB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own limit and of odd tags; ours is checked next
            with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise InputError(f"{width}x{height}, more than the {MAX_PIXELS} pixels that are read")
                return _bgr(ImageOps.exif_transpose(picture))
    except InputError:
        raise
    except (UnidentifiedImageError, ImportError):
        # ImportError: where a program imported ultralytics, Pillow tries a HEIF reader that need not be there.
        raise InputError("not a picture") from None
    except Image.DecompressionBombError:
        raise InputError(f"more than the {MAX_PIXELS} pixels that are read") from None
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError) as error:
        # What Pillow raises on damaged files is not documented beyond OSError; these were met.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"cannot be read ({reason})") from None


def _bgr(picture: "Image.Image") -> NDArray[np.uint8]:
    import cv2

    if picture.mode in _DEEP_GRAY:
        gray = _eight_bits(np.asarray(picture))
        return np.repeat(gray[:, :, None], 3, axis=2)
    # Thirty times as fast as a copy of the reversed view.
    return np.asarray(cv2.cvtColor(np.asarray(picture.convert("RGB")), cv2.COLOR_RGB2BGR), np.uint8)


def _eight_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    deep = values.astype(np.float32)
    if not np.isfinite(deep).all() or deep.min() < 0 or deep.max() > 65535:
        raise InputError("32-bit values without an obvious scale; save it with 8 or 16 bits")
    return np.round(deep / 257).astype(np.uint8)

"""What a caller hands over, as arrays: numbers in lists, arrays and tensors, and images in any form."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError, parsing

IMAGE = "(H, W, 3) uint8 in BGR"


def numbers(value: Any, name: str) -> NDArray[Any]:
    """Integers or floats as an array of any shape; one that is of the right kind already is not copied.

    Args:
        value: numbers in lists or tuples, an array, or a tensor of torch on any device.
        name: of the argument, for the message.

    Raises:
        InputError: it is not made of numbers, or its rows differ in length.
    """
    # An object says itself how it becomes an array, and may raise anything there.
    with parsing(name, "numbers", "give an array, or rows of one length"):
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    if array.size and array.dtype.kind not in "iuf":
        raise InputError(f"{name} is {_said(value, array)}; expected numbers")
    return array


def float_rows(value: Any, name: str) -> NDArray[np.float32]:
    """`numbers` as float32; what is beyond float32 becomes infinite.

    Raises:
        InputError: see `numbers`.
    """
    with np.errstate(over="ignore"):
        return np.asarray(numbers(value, name), np.float32)


def box_rows(value: Any, name: str) -> NDArray[np.float32]:
    """Boxes as (N, 4) float32, all finite; an empty list or array of any shape is (0, 4).

    Raises:
        InputError: another shape, or NaN or infinite values.
    """
    xyxy = float_rows(value, name)
    if not xyxy.size:
        return np.empty((0, 4), np.float32)
    if xyxy.ndim != 2 or xyxy.shape[1] != 4:
        one = "; write a single box as [[x1, y1, x2, y2]]" if xyxy.shape == (4,) else ""
        raise InputError(f"{name} has shape {xyxy.shape}, expected (N, 4){one}")
    refuse_rows(~np.isfinite(xyxy), xyxy, name, "NaN or infinite values; drop such rows first")
    return xyxy


def corner_rows(value: Any, name: str) -> NDArray[np.float32]:
    """`box_rows` of detections: x1 <= x2 and y1 <= y2.

    Raises:
        InputError: see `box_rows`; or corners in the wrong order.
    """
    xyxy = box_rows(value, name)
    advice = "corners in the wrong order; expected x1, y1, x2, y2 (x2 = x + width, y2 = y + height)"
    refuse_rows(xyxy[:, 2:] < xyxy[:, :2], xyxy, name, advice)
    return xyxy


def whole_numbers(value: Any, name: str) -> NDArray[np.int64]:
    """`numbers` as int64; floats are taken where they are whole.

    Raises:
        InputError: a fraction, NaN, or a value beyond int64.
    """
    array = numbers(value, name)
    if array.dtype == np.int64 or not array.size:
        return array.astype(np.int64, copy=False)
    with np.errstate(invalid="ignore"):
        whole = array.astype(np.int64)
    # The largest int64 is no float: what is cut down to it came from above.
    if not (whole == array).all() or (whole == np.iinfo(np.int64).max).any():
        raise InputError(f"{name} holds values that are no whole numbers; expected class numbers such as 0")
    return whole


def refuse_rows(wrong: NDArray[np.bool_], rows: NDArray[Any], name: str, why: str) -> None:
    """Raise `InputError` for the first row that is wrong (N, ...) somewhere, and show it."""
    if wrong.any():
        first = int(np.argwhere(wrong)[0, 0])
        raise InputError(f"{name}: row {first} = {rows[first].tolist()} holds {why}")


def bgr_image(image: Any, name: str = "image") -> NDArray[np.uint8]:
    """An image as (H, W, 3) uint8 BGR, contiguous; one that is so already is not copied.

    Gray is repeated, and the fourth channel (alpha) left out. Values of other types than uint8 are 0..1 where floats
    stay within, else 0..255, else, of integers, 0..65535, which are divided by 257. An image of Pillow is taken as the
    colours that it shows.

    Args:
        image: (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA, as an array, a tensor of torch or nested lists; or an
            image of Pillow.
        name: of the argument, for the message.

    Raises:
        InputError: it is none of these, is empty, or its values have no scale that could be told.
    """
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        pixels = image
    elif _is_pillow(image):
        pixels = _from_pillow(image, name)
    else:
        pixels = _three_channels(_eight_bits(_array(image, name), name))
    if not pixels.size:
        raise InputError(f"{name} is empty, {pixels.shape}; expected {IMAGE}")
    return np.ascontiguousarray(pixels)


def is_no_image(image: Any) -> bool:
    """Whether there is nothing to look at: None, or an array without pixels."""
    return image is None or (isinstance(image, np.ndarray) and not image.size)


def _array(image: Any, name: str) -> NDArray[Any]:
    advice = f"expected {IMAGE}"
    if image is None or isinstance(image, str | bytes):
        raise InputError(f"{name} is {_said(image)}; {advice}")
    try:
        array = numbers(image, name)
    except InputError as error:
        raise InputError(f"{error}; {advice}") from None
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4):
        raise InputError(f"{name} is {_said(image, array)}: channels come last; {advice}")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise InputError(f"{name} is {_said(image, array)}; {advice}, gray or with alpha")
    return array


def _eight_bits(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if values.dtype == np.uint8 or not values.size:
        return values.astype(np.uint8, copy=False)
    floats = values.dtype.kind == "f"
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= (255 if floats else 65535)):
        raise InputError(
            f"{name} is {values.shape} {values.dtype} with values from {low:g} to {high:g}, whose value range is "
            f"unknown; expected {IMAGE}"
        )
    if floats:
        return np.asarray(np.rint(values * (255 if high <= 1 else 1)), np.uint8)
    return np.asarray(np.rint(values / 257) if high > 255 else values, np.uint8)


def _three_channels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[:, :, :3]


def _is_pillow(image: Any) -> bool:
    # Who holds such an image has imported Pillow.
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(image, pillow.Image)


def _from_pillow(image: Any, name: str) -> NDArray[np.uint8]:
    if image.mode[0] in "IF":
        return _three_channels(_eight_bits(numbers(image, name), name))
    # Pillow reads a file at its first use.
    with parsing(name, "an image"):
        return np.asarray(image.convert("RGB"), np.uint8)[:, :, ::-1]


def _said(value: Any, array: NDArray[Any] | None = None) -> str:
    """What was given, in two words: shape and type of an array, else the type."""
    if array is None or not array.ndim:
        return "None" if value is None else f"of type {type(value).__name__}"
    return f"{array.shape} {array.dtype}"

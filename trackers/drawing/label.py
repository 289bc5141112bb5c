"""Small text on a filled background: its look and where there is room for it."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.id_colours import Colour, ink_on

Place = tuple[int, int]


@functools.lru_cache(maxsize=4096)
def label_mask(text: str, size: int) -> NDArray[np.uint8]:
    """Coverage (h, w), 0..255, of `text` at `size` pixels, with a margin; all texts of one size have one height."""
    from PIL import Image, ImageDraw

    font = _font(size)
    margin = max(2, size // 4)
    ascent, descent = _extent(size)
    width = max(1, round(font.getlength(text)))
    picture = Image.new("L", (width + 2 * margin, ascent + descent + 2 * (margin // 2)))
    ImageDraw.Draw(picture).text((margin, margin // 2 + ascent), text, fill=255, font=font, anchor="ls")
    return np.asarray(picture)


def stamp(image: NDArray[np.uint8], mask: NDArray[np.uint8], place: Place, ground: Colour) -> None:
    """Fill the label's rectangle with `ground` and set its text in black or white; parts outside are left out."""
    left, top = place
    height, width = image.shape[:2]
    rows = slice(max(0, top), min(height, top + mask.shape[0]))
    columns = slice(max(0, left), min(width, left + mask.shape[1]))
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return
    seen = mask[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    image[rows, columns] = _mixtures(ground)[seen]


def find_place(
    size: tuple[int, int], box: NDArray[np.int64], taken: NDArray[np.int64], picture: tuple[int, int]
) -> Place:
    """Where a label of `size` (w, h) goes: above its box, at the left.

    Where that covers more than an eighth of other labels, it goes to the corner of the box where it covers least.

    Args:
        size: width and height of the label.
        box: (4,) corners of the person's box.
        taken: (M, 4) corners of the labels that are placed already.
        picture: width and height, inside which the label is moved.

    Returns:
        Left and top of the label.
    """
    width, height = size
    left, top, right, bottom = box.tolist()
    corners = [
        (left, top - height),
        (right - width, top - height),
        (left, bottom),
        (left, top),
        (left, bottom - height),
    ]
    tried = np.array(corners)
    tried = np.clip(tried, 0, np.maximum(0, np.array(picture) - size))
    if not len(taken):
        return int(tried[0, 0]), int(tried[0, 1])
    reach = np.minimum(tried[:, None] + size, taken[:, 2:]) - np.maximum(tried[:, None], taken[:, :2])
    covered = np.clip(reach, 0, None).prod(axis=2).sum(axis=1)
    best = int(np.where(covered > width * height / 8, covered, 0).argmin())
    return int(tried[best, 0]), int(tried[best, 1])


@functools.lru_cache(maxsize=4096)
def _mixtures(ground: Colour) -> NDArray[np.uint8]:
    """The colours (256, 3) from the ground to the ink on it."""
    return np.linspace(ground, ink_on(ground), 256).round().astype(np.uint8)


@functools.lru_cache(maxsize=16)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


@functools.lru_cache(maxsize=16)
def _extent(size: int) -> tuple[int, int]:
    """Pixels above and below the baseline that digits and letters take."""
    _, top, _, bottom = _font(size).getbbox("0Agy", anchor="ls")
    return round(-top), round(bottom)

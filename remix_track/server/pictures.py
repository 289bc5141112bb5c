"""Pictures that were dropped into the page of searches: kept for a while, in memory only."""

import io
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 32
_HEIGHT = 320


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture that can be searched by.

    Attributes:
        vector: (D,) float32 of unit length.
        jpeg: a small copy of it, made anew from its pixels.
    """

    vector: NDArray[np.float32]
    jpeg: bytes


class Pictures:
    """The last pictures, by keys that cannot be guessed."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[tuple[int, str], Picture] = OrderedDict()

    def keep(self, collection: int, picture: Picture) -> str:
        """Keep a picture for the collection of a number, and forget the oldest; its key."""
        key = secrets.token_urlsafe(9)
        with self._lock:
            self._kept[collection, key] = picture
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return key

    def find(self, collection: int, key: str) -> Picture | None:
        """The picture; None where there is none any more."""
        with self._lock:
            found = self._kept.get((collection, key))
            if found is not None:
                self._kept.move_to_end((collection, key))
            return found


def small_jpeg(image: NDArray[np.uint8]) -> bytes:
    """An image (H, W, 3) uint8 BGR as a JPEG of at most 320 pixels a side."""
    from PIL import Image

    shown = Image.fromarray(np.ascontiguousarray(image[:, :, ::-1]))
    shown.thumbnail((_HEIGHT, _HEIGHT))
    written = io.BytesIO()
    shown.save(written, "JPEG", quality=85)
    return written.getvalue()

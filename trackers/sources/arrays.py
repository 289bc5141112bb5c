"""Frames that are in memory: a list of images, an array of them, or whatever gives one after another."""

import os
from collections.abc import Generator, Iterable, Sized
from typing import Any

import numpy as np

from remix_track.arrays import IMAGE, bgr_image
from remix_track.errors import InputError
from remix_track.trackers.sources.source import Damage, Facts, Picture, Selection

_WANTED = (
    "give a video, a folder of images, a camera's index, a URL, or images: a list, an (N, H, W, 3) array, a generator"
)


class ArrayReader:
    """Images of the caller's, one after another; none is asked for before it is due.

    Each is copied, so that what is read ahead stays as it is where the caller uses one buffer for all of them, or draws
    into the frames that come out.
    """

    def __init__(self, images: Any) -> None:
        """Take them; nothing is read yet.

        Args:
            images: each as `remix_track.arrays.bgr_image` takes it, all of one size.

        Raises:
            InputError: something else than images.
        """
        self._images = _images_in(images)
        known = len(self._images) if isinstance(self._images, Sized) else None
        self.facts = Facts("frames", "frames in memory", frames=known)
        self.damage = Damage()
        self.seen = 0

    def read(self, selection: Selection) -> Generator[Picture, None, None]:
        """The wanted images, numbered from 1.

        Raises:
            InputError: there is none; or one is no image, or of another size than the first, which its number tells.
        """
        size = None
        for image in self._images:
            self.seen += 1
            if selection.wants(self.seen):
                pixels = np.array(bgr_image(image, f"frame {self.seen}"))
                size = size or pixels.shape[:2]
                if pixels.shape[:2] != size:
                    had, has = (f"{width}x{height}" for height, width in (size, pixels.shape[:2]))
                    raise InputError(f"frame {self.seen} is {has}, those before it {had}; give images of one size")
                yield Picture(self.seen, pixels, None)
            if selection.is_past(self.seen + 1):
                return
        if not self.seen:
            raise InputError(f"`source` holds no image; give images, each {IMAGE}")

    def close(self) -> None:
        """Nothing stays open; a generator is the caller's."""


def _images_in(source: Any) -> Iterable[Any]:
    """What was given, where it can be gone through for images."""
    shape = getattr(source, "shape", None)
    if (isinstance(shape, tuple) and _is_one(shape)) or hasattr(source, "getpixel"):
        raise InputError("`source` is a single image; give a list, [image]")
    if isinstance(source, list | tuple) and any(isinstance(item, str | os.PathLike) for item in source):
        raise InputError("`source` is a list with names of files in it; call track() for each, or give images")
    if isinstance(source, bytes | bytearray | memoryview | bool) or not isinstance(source, Iterable):
        raise InputError(f"`source` is of type {type(source).__name__}; {_WANTED}")
    return source


def _is_one(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape is one image: three dimensions are gray images, unless the last are colours."""
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))

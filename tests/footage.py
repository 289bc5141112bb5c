"""Small videos whose images carry their own frame number, so that a wrong number cannot hide."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 160, 96
_BITS = 8


def stamped(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A BGR image with `number` as eight black or white bars in its lower half, and moving texture above."""
    texture = np.random.default_rng(7).integers(0, 255, (height, width, 3), dtype=np.uint8)
    image = np.roll(texture, 3 * number, axis=1)
    bits = np.array([number >> bit & 1 for bit in range(_BITS)], np.uint8) * 255
    image[height // 2 :] = np.repeat(bits, width // _BITS)[None, :, None]
    return image


def read_stamp(image: NDArray[np.uint8]) -> int:
    """The number that `stamped` wrote."""
    bars = image[image.shape[0] // 2 :].mean(axis=(0, 2)).reshape(_BITS, -1).mean(axis=1)
    return int(((bars > 127) << np.arange(_BITS)).sum())


def write_video(
    path: Path,
    codec: str = "libx264",
    *,
    frames: int = 60,
    rate: int = 25,
    pixels: str = "yuv420p",
    stamps: list[int] | None = None,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    images: list[NDArray[np.uint8]] | None = None,
    image_format: str = "bgr24",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    aspect: Fraction | None = None,
) -> Path:
    """Write a video of `stamped` images 1, 2, ... (or of `images`); `stamps` are their times in 1/rate seconds.

    `aspect` is how wide a pixel is shown, in its heights.
    """
    images = images or [stamped(number, *size) for number in range(1, frames + 1)]
    with av.open(str(path), "w", options=muxer or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = images[0].shape[1], images[0].shape[0]
        stream.pix_fmt = pixels
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        stream.codec_context.time_base = Fraction(1, rate)
        for position, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format=image_format)
            frame.pts = position if stamps is None else stamps[position]
            frame.time_base = Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_display(path: Path, degrees: int) -> Path:
    """Set the display matrix of an MP4, as a phone that is held upright does."""
    content = bytearray(path.read_bytes())
    # ISO 14496-12, 8.3.2: the track header, version 0, holds the display matrix 40 bytes behind its flags.
    at = content.index(b"tkhd") + 4 + 40
    cos, sin = round(np.cos(np.radians(degrees))), round(np.sin(np.radians(degrees)))
    matrix = [cos, sin, 0, -sin, cos, 0, 0, 0, 1]
    content[at : at + 36] = struct.pack(
        ">9i", *(value << (30 if place % 3 == 2 else 16) for place, value in enumerate(matrix))
    )
    path.write_bytes(content)
    return path


def cut(path: Path, share: float) -> Path:
    """Keep the first `share` of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def scramble(path: Path, begin: float, end: float) -> Path:
    """Replace the bytes between two shares of a file by noise."""
    content = bytearray(path.read_bytes())
    first, last = int(len(content) * begin), int(len(content) * end)
    content[first:last] = np.random.default_rng(1).bytes(last - first)
    path.write_bytes(content)
    return path

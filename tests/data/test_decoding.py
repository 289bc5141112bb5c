"""Crops from bytes: right colours, bounded sizes, and a word for everything that is broken."""

import struct
import sys
import types
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from remix_track.data.decoding import BadCrop, CropReader, decode_crop
from remix_track.data.name_table import NameTable
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError
from tests.crop_replicas import jpeg


def encoded(suffix: str, height: int = 20, width: int = 10, bgr: tuple[int, ...] = (10, 60, 200)) -> bytes:
    return cv2.imencode(suffix, np.full((height, width, 3), bgr, np.uint8))[1].tobytes()


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
def test_colours_are_rgb_at_the_size_asked_for(suffix):
    pixels = decode_crop(encoded(suffix), 64, 32)
    assert pixels.shape == (64, 32, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - (200, 60, 10)).max() <= 6


def test_gray_and_transparent_pictures_become_rgb():
    gray = cv2.imencode(".png", np.full((20, 10), 77, np.uint8))[1].tobytes()
    assert (decode_crop(gray, 8, 8) == 77).all()
    clear = cv2.imencode(".png", np.full((20, 10, 4), 77, np.uint8))[1].tobytes()
    assert decode_crop(clear, 8, 8).shape == (8, 8, 3)
    gray_jpeg = cv2.imencode(".jpg", np.full((20, 10), 77, np.uint8))[1].tobytes()
    assert np.abs(decode_crop(gray_jpeg, 8, 8).astype(int) - 77).max() <= 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a JPEG, PNG, BMP or WebP; 0 bytes"),
        (b"<html>not found</html>", "not a JPEG"),
        (jpeg(height=64, width=64)[:-40], "cut off"),
        (jpeg()[:30], "not a JPEG|cut off"),
        (encoded(".png", 60, 60)[:-30], "cannot be decoded"),
        (encoded(".bmp", 60, 60)[:-300], "cannot be decoded"),
        (png_that_claims(60_000, 60_000), "60000x60000 pixels|not a JPEG"),
        (png_that_claims(5000, 5000), "5000x5000 pixels; expected 4 a side to 16,777,216 in all"),
        (png_that_claims(50, 50), "cannot be decoded"),
        (encoded(".png", 3, 40), "40x3 pixels"),
        (cv2.imencode(".png", np.full((20, 10), 300, np.uint16))[1].tobytes(), "gray of more than 8 bits"),
        (b"GIF89a" + bytes(100), "not a JPEG"),
    ],
)
def test_bad_pictures_are_told_and_passed_over(tmp_path, caplog, data, reason):
    (tmp_path / "x.jpg").write_bytes(data)
    reader = CropReader(FolderStore(tmp_path, NameTable.of([b"x.jpg"])), 16, 8)
    first, second = reader.read(0), reader.read(0)
    assert isinstance(first, BadCrop)
    assert first == second
    assert first.name == str(tmp_path / "x.jpg")
    with pytest.raises(ValueError, match=reason):
        decode_crop(data, 16, 8)
    # Told once, however often it is drawn.
    assert caplog.text.count("a bad image is passed over") == 1
    assert reader.bad == {0}


def test_a_bad_picture_is_one_also_where_pillow_was_patched(monkeypatch):
    """After ultralytics is imported, `Image.open` asks for a HEIF reader when it does not know a file."""

    def patched(*arguments, **options):
        raise ModuleNotFoundError("No module named 'pi_heif'")

    own = getattr(sys.modules.get("ultralytics.utils.patches"), "_image_open", Image.open)
    patches = types.SimpleNamespace(_image_open=own)
    monkeypatch.setitem(sys.modules, "ultralytics.utils.patches", patches)
    monkeypatch.setattr(Image, "open", patched)
    with pytest.raises(ValueError, match="not a JPEG"):
        decode_crop(b"no image", 16, 8)


def test_a_missing_file_is_a_bad_picture(tmp_path):
    bad = CropReader(FolderStore(tmp_path, NameTable.of([b"gone.jpg"])), 16, 8).read(0)
    assert isinstance(bad, BadCrop)
    assert "No such file" in bad.reason


def test_a_flood_of_bad_pictures_does_not_flood_the_log(tmp_path, caplog):
    reader = CropReader(FolderStore(tmp_path, NameTable.of([b"gone.jpg"] * 200)), 16, 8)
    for row in range(200):
        reader.read(row)
    assert len(reader.bad) == 200
    assert len(caplog.records) == 21
    assert "further ones are not named" in caplog.text


@pytest.mark.parametrize("size", [(4, 64), (64, 2000)])
def test_sizes_are_bounded(tmp_path, size):
    with pytest.raises(InputError, match="out of range; expected 8 to 1024"):
        CropReader(FolderStore(tmp_path, NameTable.of([])), *size)

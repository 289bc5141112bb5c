"""Several images in one file: all of them, in order, one at a time, and what is said where some are left out."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from remix_track.errors import InputError
from remix_track.trackers.sources import animation, image_file, open_source
from tests.footage import HEIGHT, WIDTH, read_stamp, stamped


def images(*numbers, size=(WIDTH, HEIGHT)):
    return [Image.fromarray(np.ascontiguousarray(stamped(number, *size)[:, :, ::-1])) for number in numbers]


def stack(path, *numbers, **options):
    if path.suffix == ".webp":
        options = {"lossless": True, **options}
    first, *rest = images(*numbers)
    first.save(path, save_all=True, append_images=rest, **options)
    return path


def strip(picture):
    """Where the pixels of a TIFF's page begin."""
    return picture.tag_v2[273][0]


def read_all(what, **options):
    with open_source(what, **options) as source:
        return source, list(source)


def read(what, **options):
    """(number, what the image's stamp says) of each frame."""
    return [(frame.index, read_stamp(frame.image)) for frame in read_all(what, **options)[1]]


@pytest.mark.parametrize("ending", [".tif", ".webp", ".png", ".gif"])
def test_all_pictures_of_a_file_come_in_order(tmp_path, ending):
    path = stack(tmp_path / f"a{ending}", 1, 2, 3, 4, 5, duration=40)
    source, frames = read_all(path)
    assert [read_stamp(frame.image) for frame in frames] == [1, 2, 3, 4, 5]
    assert [frame.index for frame in frames] == [1, 2, 3, 4, 5]
    assert (source.frames, source.problems) == (5, [])
    assert read(path, start=2, stride=2, frames=2) == [(2, 2), (4, 4)]


@pytest.mark.parametrize("ending", [".webp", ".png", ".gif"])
def test_an_animation_tells_its_times_and_rate(tmp_path, ending):
    path = stack(tmp_path / f"a{ending}", 1, 2, 3, 4, duration=[40, 120, 40, 200])
    source, frames = read_all(path)
    assert source.fps_known
    assert source.fps == pytest.approx(10, rel=0.2 if ending == ".gif" else 1e-6)  # FFmpeg's mean of a GIF
    assert [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.16, 0.2])
    assert source.warnings == []
    assert [frame.time for frame in read_all(path, fps=2)[1]] == [0, 0.5, 1, 1.5]


@pytest.mark.parametrize("ending", [".webp", ".png"])
def test_durations_that_are_left_to_the_viewer_are_no_rate(tmp_path, ending):
    source, frames = read_all(stack(tmp_path / f"a{ending}", 1, 2, duration=0))
    assert len(frames) == 2
    assert source.warnings == [f"{source.path}: the frame rate is unknown; 30 is assumed, `fps` sets it"]


@pytest.mark.parametrize("ending", [".tif", ".webp", ".png"])
def test_a_folder_of_stacks_gives_the_pictures_of_each(tmp_path, ending):
    stack(tmp_path / f"a8{ending}", 4, 5, 6, duration=100)
    stack(tmp_path / f"a7{ending}", 1, 2, 3, duration=100)
    stack(tmp_path / f"a10{ending}", 7)
    assert read(tmp_path) == [(number, number) for number in range(1, 8)]
    assert read(tmp_path, start=3, stride=3) == [(3, 3), (6, 6)]
    assert read(tmp_path, start=5, frames=1) == [(5, 5)]
    source, _ = read_all(tmp_path)
    assert source.frames is None
    assert (source.fps == 10) == (ending != ".tif")
    assert not any("numbered" in line for line in source.warnings)


def test_deep_stacks_have_one_range(tmp_path):
    pages = [Image.fromarray(np.full((8, 8), value, np.uint16)) for value in (10, 200, 3000)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    source, frames = read_all(tmp_path / "a.tif")
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 12, 187]
    said = "uint16 values (up to 3000 in a sample of the images) are read as 0 to 4095"
    assert said in source.warnings[1]


def test_a_sequence_numbers_files_so_a_stack_in_it_is_one_frame_and_that_is_said(tmp_path):
    (tmp_path / "img1").mkdir()
    for number in (1, 2, 4):
        stack(tmp_path / "img1" / f"{number:06}.tif", number, 100 + number)
    source, frames = read_all(tmp_path, fps=10)
    assert [(frame.index, read_stamp(frame.image)) for frame in frames] == [(1, 1), (2, 2), (4, 4)]
    assert source.warnings == [
        f"{tmp_path / 'img1' / '000001.tif'}: holds 2 images, and its name is the number of one frame; the first is"
        " read, here and in others like it"
    ]


def test_a_stack_among_numbered_pictures_moves_none_of_them(tmp_path):
    for number in (1, 2, 3):
        stack(tmp_path / f"{number:06}.tif", *([number, 100] if number == 2 else [number]))
    source, frames = read_all(tmp_path, fps=10)
    assert [(frame.index, read_stamp(frame.image)) for frame in frames] == [(1, 1), (2, 2), (3, 3)]
    assert [line.partition(": ")[2].partition(",")[0] for line in source.warnings] == ["holds 2 images"]


def test_of_a_jpeg_of_several_pictures_the_first_is_read_and_that_is_said(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        first, second = images(1, 2)
        first.save(tmp_path / name, format="MPO", save_all=True, append_images=[second])
    source, frames = read_all(tmp_path, fps=10)
    assert [read_stamp(frame.image) for frame in frames] == [1, 1]
    assert source.warnings == [
        f"{tmp_path / 'a.jpg'}: a JPEG of 2 images (stereo, a preview, a gain map); the first is read, here and in"
        " others like it"
    ]


def test_thumbnails_and_masks_of_a_tiff_are_no_frames(tmp_path):
    path = stack(tmp_path / "a.tif", 1, 2, 3, tiffinfo={254: 2})
    content = path.read_bytes()
    entry = struct.pack("<HHI", 254, 4, 1)
    place = content.index(entry, content.index(entry) + 1) + 8
    path.write_bytes(content[:place] + struct.pack("<I", 1) + content[place + 4 :])
    assert read(path) == [(1, 1), (2, 3)]


def test_a_picture_shown_where_animations_are_not_understood_is_no_frame(tmp_path):
    path = tmp_path / "a.png"
    first, *rest = images(9, 1, 2, 3)
    first.save(path, save_all=True, append_images=rest, default_image=True, duration=50)
    source, frames = read_all(path)
    assert [read_stamp(frame.image) for frame in frames] == [1, 2, 3]
    assert (source.fps, source.frames) == (20, 3)


def test_a_broken_page_of_a_tiff_is_one_lost_frame(tmp_path):
    path = stack(tmp_path / "a.tif", 1, 2, 3, compression="tiff_adobe_deflate")
    content = bytearray(path.read_bytes())
    with Image.open(path) as picture:
        picture.seek(1)
        start = strip(picture)
    content[start : start + 500] = bytes(500)
    path.write_bytes(content)
    source, frames = read_all(path)
    assert [(frame.index, read_stamp(frame.image)) for frame in frames] == [(1, 1), (3, 3)]
    assert source.problems[0].startswith("frame 2 was lost: a.tif: cannot be read as an image (")


def test_a_tiff_that_breaks_off_gives_the_pages_before_and_says_so(tmp_path):
    path = stack(tmp_path / "a.tif", 1, 2, 3)
    with Image.open(path) as picture:
        picture.seek(1)
        start = strip(picture)
        picture.seek(2)
        last = strip(picture)
    assert start < last
    path.write_bytes(path.read_bytes()[: last - 200])
    source, frames = read_all(path)
    assert [read_stamp(frame.image) for frame in frames][:1] == [1]
    assert source.problems


@pytest.mark.parametrize("share", [0.9, 0.6, 0.3])
@pytest.mark.parametrize("ending", [".webp", ".png"])
def test_an_animation_that_is_cut_gives_what_is_there_and_says_so(tmp_path, ending, share):
    path = stack(tmp_path / f"a{ending}", *range(1, 11), duration=40)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    if ending == ".webp":  # its decoder wants the whole file
        with pytest.raises(InputError, match=r"frame 1 was lost: a\.webp: "):
            read_all(path)
        return
    source, frames = read_all(path)
    assert [read_stamp(frame.image) for frame in frames] == list(range(1, len(frames) + 1))
    assert 10 * share - 2 < len(frames) < 10
    assert source.problems


@pytest.mark.parametrize("behind", [b"", bytes(20)])
def test_a_gif_that_is_cut_says_so(tmp_path, behind):
    path = stack(tmp_path / "a.gif", *range(1, 11), duration=40)
    content = path.read_bytes()
    path.write_bytes(content + behind)
    source, frames = read_all(path)
    assert (len(frames), source.problems) == (10, [])
    path.write_bytes(content[: len(content) // 2])
    source, frames = read_all(path)
    assert 2 < len(frames) < 8
    assert source.problems[-1].startswith("the file ends after frame ")


def test_a_header_that_promises_millions_of_pictures_costs_nothing(tmp_path):
    path = stack(tmp_path / "a.png", 1, 2, 3, duration=40)
    content = path.read_bytes()
    place = content.index(b"acTL") + 4
    chunk = b"acTL" + struct.pack(">I", 2**30) + content[place + 4 : place + 8]
    path.write_bytes(content[: place - 4] + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[place + 12 :])
    source, frames = read_all(path)
    assert len(frames) == 3
    assert source.problems == ["a.png: the file breaks off behind 3 images"]


@pytest.mark.parametrize(("images_said", "refused"), [(3, False), (4, True)])
def test_a_stack_of_imagej_that_lists_a_part_of_its_pictures_is_refused(tmp_path, images_said, refused):
    description = f"ImageJ=1.54f\nimages={images_said}\nframes={images_said}\n"
    path = stack(tmp_path / "a.tif", 1, 2, 3, tiffinfo={270: description})
    if refused:
        with pytest.raises(InputError, match=r"a\.tif: ImageJ says that it holds 4 images, 3 of them are listed; save"):
            read(path)
    else:
        assert len(read(path)) == 3


def test_a_stack_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(image_file, "_MOST_IMAGES", 3)
    assert len(read(stack(tmp_path / "a.tif", 1, 2, 3))) == 3
    with pytest.raises(InputError, match=r"a\.tif: more than 3 images in one file; split it"):
        read(stack(tmp_path / "a.tif", 1, 2, 3, 4))


def test_pages_of_another_size_are_frames_of_that_size(tmp_path):
    first, second = images(1, 2)
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second, *images(3, size=(80, 48))])
    source, frames = read_all(tmp_path / "a.tif")
    assert [frame.image.shape[1] for frame in frames] == [160, 160, 80]
    assert "the image changes from 160x96 to 80x48 at frame 3" in source.warnings[-1]


def test_pages_are_read_one_at_a_time(tmp_path, monkeypatch):
    path = stack(tmp_path / "a.tif", *range(1, 9))
    read_pages = []
    original = image_file.ImageFile.read

    def noted(file, index):
        read_pages.append(index)
        return original(file, index)

    monkeypatch.setattr(image_file.ImageFile, "read", noted)
    with open_source(path) as source:
        next(iter(source))
    assert read_pages == [0]


def test_chunks_that_are_no_chunks_end(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(400))
    (tmp_path / "a.webp").write_bytes(b"RIFF\0\0\0\0WEBP" + b"ANMF\xff\xff\xff\xff" + bytes(10))
    assert animation.durations(tmp_path / "a.png") == animation.durations(tmp_path / "a.webp") == []
    (tmp_path / "a.webp").write_bytes(b"RIFF\0\0\0\0WEBP" + (b"ANMF\x10\0\0\0" + bytes(12) + b"\x28\0\0\0") * 5)
    assert animation.durations(tmp_path / "a.webp") == [0.04] * 5
    monkeypatch.setattr(animation, "_MOST_CHUNKS", 3)
    assert animation.durations(tmp_path / "a.webp") == [0.04] * 3

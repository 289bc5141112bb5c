import contextlib
import struct
import sys
import types
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from remix_track.errors import InputError
from remix_track.media_files import natural_key
from remix_track.trackers.sources import open_source
from tests.footage import HEIGHT, WIDTH, read_stamp, stamped, write_video


def save(path, number=1, size=(WIDTH, HEIGHT)):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), stamped(number, *size))
    return path


def read_all(what, **options):
    with open_source(what, **options) as source:
        return source, list(source)


def read_image(path):
    with open_source(path) as source:
        return next(iter(source)).image


def test_a_folder_is_read_in_natural_order(tmp_path):
    for number in (10, 9, 2, 1, 100):
        save(tmp_path / f"img{number}.png", number)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._img1.png").write_bytes(b"what macOS leaves")
    (tmp_path / "img3.png").mkdir()
    source, frames = read_all(tmp_path)
    assert [read_stamp(frame.image) for frame in frames] == [1, 2, 9, 10, 100]
    assert [frame.index for frame in frames] == [1, 2, 3, 4, 5]
    assert (source.frames, source.frames_read, source.problems) == (5, 5, [])
    assert (source.fps, source.fps_known, source.name) == (30, False, tmp_path.name)
    assert source.warnings == [
        f"{tmp_path}: the names of the images hold numbers of 1 to 100; frames are numbered by their place, 1 to 5",
        f"{tmp_path}: the frame rate is unknown; 30 is assumed, `fps` sets it",
    ]
    assert frames[3].time == pytest.approx(0.1)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".JPG"])
def test_every_kind_of_picture(tmp_path, suffix):
    _, frames = read_all(save(tmp_path / f"a{suffix}", 77).parent)
    image = frames[0].image
    assert read_stamp(image) == 77
    assert (image.shape, image.dtype, image.flags.c_contiguous) == ((HEIGHT, WIDTH, 3), np.uint8, True)
    image[:] = 0


def test_a_png_has_the_pixels_that_opencv_reads(tmp_path):
    path = save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(path), cv2.imread(str(path)))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_become_eight(tmp_path, suffix):
    values = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    path = tmp_path / f"gray{suffix}"
    cv2.imwrite(str(path), values)
    assert read_image(path)[:, :, 0].tolist() == [[0, 1, 128, 255]]
    color = np.stack([values, values[:, ::-1], values], axis=2)
    path = tmp_path / f"color{suffix}"
    if suffix == ".png":
        cv2.imwrite(str(path), color)
        assert np.abs(read_image(path).astype(int) - np.round(color / 257)).max() <= 1


@pytest.mark.parametrize(
    ("mode", "color", "bgr"),
    [
        ("L", 90, (90, 90, 90)),
        ("1", 1, (255, 255, 255)),
        ("LA", (90, 0), (90, 90, 90)),
        ("RGBA", (10, 20, 30, 0), (30, 20, 10)),
        ("P", 0, (30, 20, 10)),
    ],
)
def test_every_mode_becomes_bgr_and_alpha_is_dropped(tmp_path, mode, color, bgr):
    image = Image.new(mode, (8, 4), color)
    if mode == "P":
        image.putpalette([10, 20, 30] * 256)
    image.save(tmp_path / "a.png")
    picture = read_image(tmp_path / "a.png")
    assert picture.shape == (4, 8, 3)
    assert (picture == bgr).all()


def test_phone_pictures_come_upright(tmp_path):
    upright = stamped(33)
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate 90 degrees clockwise to display"
    stored = np.rot90(upright)[:, :, ::-1]
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), upright)


def test_floating_point_pictures_are_refused_in_words(tmp_path):
    cv2.imwrite(str(tmp_path / "a.tif"), np.full((4, 4), -0.5, np.float32))
    with pytest.raises(
        InputError, match=r"32-bit values of -0\.5 to -0\.5 without an obvious scale; save it with 8 or 16 bits"
    ):
        read_image(tmp_path / "a.tif")


def test_a_broken_picture_is_skipped_and_keeps_its_number(tmp_path, capfd):
    for number in range(1, 7):
        save(tmp_path / f"{number}.jpg", number)
    (tmp_path / "3.jpg").write_bytes((tmp_path / "3.jpg").read_bytes()[:-2000])
    (tmp_path / "5.jpg").write_text("no image at all")
    source, frames = read_all(tmp_path)
    assert [frame.index for frame in frames] == [read_stamp(frame.image) for frame in frames] == [1, 2, 4, 6]
    first, second = source.problems
    assert first.startswith("frame 3 was lost: 3.jpg: cannot be read as an image (")
    assert second == "frame 5 was lost: 5.jpg: not an image"
    assert source.lost_frames == 2
    assert capfd.readouterr() == ("", "")


def test_damage_to_pictures_never_raises_anything_else(tmp_path):
    rng = np.random.default_rng(0)
    for suffix in (".jpg", ".png", ".tif", ".webp", ".bmp"):
        content = save(tmp_path / f"whole{suffix}").read_bytes()
        for _ in range(40):
            broken = bytearray(content)
            for place in rng.integers(0, min(len(broken), 400), 8):
                broken[place] = rng.integers(256)
            path = tmp_path / f"broken{suffix}"
            path.write_bytes(broken[: rng.integers(1, len(broken))])
            with contextlib.suppress(InputError):
                assert read_image(path).dtype == np.uint8


@pytest.mark.parametrize("side", [9000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, side):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(100_000)))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b""))
    with pytest.raises(InputError, match="more than the 67108864 pixels that are read"):
        read_image(tmp_path / "a.png")


def test_only_broken_pictures_is_an_error_and_nothing_else(tmp_path, caplog):
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(InputError, match=r"not one frame could be read \(frame 1 was lost: a\.png: not an image\)"):
        read_all(tmp_path)
    # The doubt about the rate is not worth a line where there is no frame.
    assert caplog.messages == []
    save(tmp_path / "b.png")
    read_all(tmp_path)
    assert [message for message in caplog.messages if "frame rate" in message] == caplog.messages != []


def test_pictures_of_several_sizes_are_all_read(tmp_path):
    for number in (1, 2):
        save(tmp_path / f"{number}.png", number)
    save(tmp_path / "3.png", 3, (80, 48))
    save(tmp_path / "4.png", 4)
    source, frames = read_all(tmp_path)
    assert [frame.image.shape[1] for frame in frames] == [160, 160, 80, 160]
    assert source.problems == []
    assert [warning.partition(": the image changes ")[2] for warning in source.warnings[1:]] == [
        "from 80x48 to 160x96 at frame 4; all tracks end there, and a new part of the result begins"
        " (the image's size has changed 2 times)"
    ]


def test_unselected_pictures_are_not_even_opened(tmp_path):
    for number in range(1, 9):
        save(tmp_path / f"{number}.png", number)
    (tmp_path / "2.png").write_text("broken")
    (tmp_path / "8.png").write_text("broken")
    source, frames = read_all(tmp_path, start=1, stride=2, frames=3)
    assert [frame.index for frame in frames] == [1, 3, 5]
    assert source.problems == []


def test_start_beyond_the_end(tmp_path):
    save(tmp_path / "1.png")
    with pytest.raises(InputError, match="has only 1 frames, `start` 2 is beyond its end"):
        read_all(tmp_path, start=2)


def test_globs(tmp_path):
    for number in (2, 10):
        save(tmp_path / "walk" / f"a{number}.png", number)
        save(tmp_path / "walk" / f"b{number}.png", 50 + number)
    source, frames = read_all(str(tmp_path / "walk" / "a*.png"))
    assert [read_stamp(frame.image) for frame in frames] == [2, 10]
    assert source.name == "walk"
    _, frames = read_all(str(tmp_path / "**" / "b*"))
    assert [read_stamp(frame.image) for frame in frames] == [52, 60]
    with pytest.raises(InputError, match=r"c\*\.png: matches no images"):
        open_source(str(tmp_path / "c*.png"))


def test_a_name_with_brackets_is_a_name_first(tmp_path):
    _, frames = read_all(str(save(tmp_path / "walk [1].png", 5)))
    assert [read_stamp(frame.image) for frame in frames] == [5]


def test_folders_without_images_say_what_they_hold(tmp_path):
    with pytest.raises(InputError, match=r"no images in it \(jpg, png, bmp, tif, webp\); give the folder that holds"):
        open_source(tmp_path)
    write_video(tmp_path / "a.mp4", frames=2)
    with pytest.raises(InputError, match=r"it holds 1 video, name one \(a\.mp4\)"):
        open_source(tmp_path)
    for name in ("MOT17-04-SDP", "MOT17-02-SDP"):
        sequence(tmp_path / "train" / name, [1])
    with pytest.raises(InputError, match=r"it holds 2 MOT sequences, name one \(MOT17-02-SDP\)"):
        open_source(tmp_path / "train")


def test_natural_order_is_total():
    names = ["a1b", "a01", "a1", "1a", "A2", "b", "a10", "", "²"]
    assert sorted((Path(name) for name in names), key=natural_key)[-1].name in {"b", "²"}
    assert natural_key(Path("img2")) < natural_key(Path("IMG10")) < natural_key(Path("img11"))


def sequence(folder, numbers, info="frameRate=7\nseqLength=4\n"):
    for number in numbers:
        save(folder / "img1" / f"{number:06d}.png", number)
    (folder / "seqinfo.ini").write_text(f"[Sequence]\nname=Street-01\nimDir=img1\n{info}")
    return folder


def test_a_mot_sequence_brings_its_rate_and_name(tmp_path):
    folder = sequence(tmp_path, [1, 2, 3, 4])
    for what in (folder, folder / "img1"):
        source, frames = read_all(what)
        assert (source.name, source.fps, source.fps_known, source.frames) == ("Street-01", 7, True, 4)
        assert [frame.time for frame in frames] == [0, 1 / 7, 2 / 7, 3 / 7]
        assert source.warnings == []
    assert read_all(folder, fps=14)[0].fps == 14


def test_a_missing_picture_of_a_sequence_leaves_its_number_free(tmp_path):
    source, frames = read_all(sequence(tmp_path, [1, 2, 5, 6]), start=2)
    assert [frame.index for frame in frames] == [read_stamp(frame.image) for frame in frames] == [2, 5, 6]
    assert source.frames_read == 3


def test_a_sequence_that_counts_from_zero_starts_at_one(tmp_path):
    _, frames = read_all(sequence(tmp_path, [0, 1, 2]))
    assert [frame.index for frame in frames] == [1, 2, 3]


def test_a_sequence_shorter_than_it_says_is_a_doubt(tmp_path, caplog):
    source, _ = read_all(sequence(tmp_path, [1, 2]))
    doubt = f"{tmp_path}: seqinfo.ini says 4 frames, img1 holds 2 images"
    assert source.warnings == caplog.messages == [doubt]
    assert source.problems == []


def test_a_sequence_may_hold_one_video_instead(tmp_path):
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nname=PETS\nframeRate=7\nseqLength=6\n")
    with pytest.raises(InputError, match=r"a MOT sequence without its images \(img1\), and no video"):
        open_source(tmp_path)
    write_video(tmp_path / "video.avi", "mpeg4", frames=6)
    source, frames = read_all(tmp_path)
    assert (source.name, source.fps, source.frames_read) == ("PETS", 7, 6)
    assert [frame.time for frame in frames] == [index / 7 for index in range(6)]
    write_video(tmp_path / "other.mp4", frames=2)
    with pytest.raises(InputError, match="and 2 videos; name one of them"):
        open_source(tmp_path)


@pytest.mark.parametrize("folder", ["../outside", "/etc"])
def test_a_sequence_cannot_point_elsewhere(tmp_path, folder):
    (tmp_path / "seqinfo.ini").write_text(f"[Sequence]\nimDir={folder}\n")
    with pytest.raises(InputError, match="leads out of the sequence; correct the file"):
        open_source(tmp_path)


def test_real_sequences(shared):
    source, frames = read_all(shared("data/mot17-frames/MOT17-02-FRCNN"))
    assert (source.name, source.fps, source.width, source.height) == ("MOT17-02-FRCNN", 30, 1920, 1080)
    assert [frame.index for frame in frames] == [1, 2, 3, 4]
    with open_source(shared("data/pets09-s2l1"), frames=2) as source:
        assert (source.name, source.fps, source.frames) == ("PETS09-S2L1", 7, 2)
        assert len(list(source)) == 2


def test_a_broken_picture_is_one_also_where_pillow_was_patched(tmp_path, monkeypatch):
    """After ultralytics is imported, `Image.open` asks for a HEIF reader when it does not know a file."""

    def patched(*arguments, **options):
        raise ModuleNotFoundError("No module named 'pi_heif'")

    own = getattr(sys.modules.get("ultralytics.utils.patches"), "_image_open", Image.open)
    patches = types.SimpleNamespace(_image_open=own)
    monkeypatch.setitem(sys.modules, "ultralytics.utils.patches", patches)
    monkeypatch.setattr(Image, "open", patched)
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="not an image"):
        read_image(tmp_path / "broken.png")

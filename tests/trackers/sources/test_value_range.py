"""Images of more than 8 bits: one range for a whole source, said where it was guessed, or refused."""

import cv2
import numpy as np
import pytest
from PIL import Image

from remix_track.errors import InputError
from remix_track.trackers.sources import open_source
from remix_track.trackers.sources.value_range import ValueRange, range_of
from tests.footage import HEIGHT, WIDTH, read_stamp, stamped


def gray(number):
    return cv2.cvtColor(stamped(number), cv2.COLOR_BGR2GRAY)


def save(path, values):
    Image.fromarray(values).save(path)
    return path


def read_all(what, **options):
    with open_source(what, fps=10, **options) as source:
        return source, list(source)


WHITES = [255, 1023, 4095, 16383, 65535]
DEEP = [
    *((np.float32, white, "tif") for white in (1, *WHITES)),
    *((np.int32, white, "tif") for white in WHITES),
    *((np.uint16, white, ending) for white in WHITES for ending in ("tif", "png")),
]


@pytest.mark.parametrize(("dtype", "white", "ending"), DEEP)
def test_deep_pictures_look_like_those_of_eight_bits(tmp_path, dtype, white, ending):
    for number in (1, 2, 3):
        deep = gray(number) / np.float32(255) * np.float32(white)
        save(tmp_path / f"{number}.{ending}", (deep if dtype == np.float32 else np.round(deep)).astype(dtype))
    source, frames = read_all(tmp_path)
    assert [read_stamp(frame.image) for frame in frames] == [1, 2, 3]
    for frame in frames:
        assert frame.image.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(frame.image[:, :, 0].astype(int) - gray(frame.index)).max() <= 1
    said = f"{np.dtype(dtype).name} values (up to {white:.4g} in a sample of the images) are read as 0 to {white}"
    assert [said in line for line in source.warnings] == [True] * ((dtype, white) != (np.uint16, 65535))


@pytest.mark.parametrize("white", WHITES)
@pytest.mark.parametrize(
    ("ending", "alpha"), [("tif", False), ("png", False), ("png", True), ("ppm", False), ("jp2", False)]
)
def test_sixteen_bit_colours_that_use_a_part_of_their_range_are_seen(tmp_path, ending, white, alpha):
    for number in (1, 2):
        deep = np.round(stamped(number) / 255 * white).astype(np.uint16)
        deep = np.dstack([deep, np.full((HEIGHT, WIDTH), white, np.uint16)]) if alpha else deep
        without_loss = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]
        assert cv2.imwrite(str(tmp_path / f"ä{number}.{ending}"), deep, without_loss)
    source, frames = read_all(tmp_path)
    for frame in frames:
        assert np.abs(frame.image.astype(int) - stamped(frame.index)).max() <= 1
    assert [f"are read as 0 to {white}" in line for line in source.warnings] == [True] * (white != 65535)


def test_a_stack_of_sixteen_bit_colours_is_read_page_by_page(tmp_path):
    assert cv2.imwritemulti(str(tmp_path / "a.tif"), [stamped(n).astype(np.uint16) * 10 for n in (1, 2, 3)])
    _, frames = read_all(tmp_path / "a.tif")
    assert [read_stamp(frame.image) for frame in frames] == [1, 2, 3]


def test_a_broken_picture_of_deep_colours_is_lost_without_a_word_from_libraries(tmp_path, capfd):
    for ending, said in (("png", "cannot be read as an image"), ("tif", "not an image")):
        path = tmp_path / f"a.{ending}"
        assert cv2.imwrite(str(path), stamped(1).astype(np.uint16) * 257)
        path.write_bytes(path.read_bytes()[:-3000])
        with pytest.raises(InputError, match=f"frame 1 was lost: a.{ending}: {said}"):
            read_all(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("behind", "refused"), [(b"", False), (b"notes", False), (None, True)])
def test_a_chunk_that_claims_gigabytes_is_refused_before_opencv_asks_for_them(tmp_path, behind, refused):
    path = tmp_path / "a.png"
    assert cv2.imwrite(str(path), stamped(1).astype(np.uint16) * 257)
    content = bytearray(path.read_bytes())
    if behind is None:
        content[33] = 0xA7  # the first byte of the second chunk's length
    path.write_bytes(content + (behind or b""))
    if refused:
        with pytest.raises(InputError, match=r"a\.png: cannot be read as an image"):
            read_all(path)
    else:
        assert len(read_all(path)[1]) == 1


def test_one_range_holds_for_the_whole_source_also_where_it_begins_in_the_dark(tmp_path):
    for number in range(30):
        save(tmp_path / f"{number:03}.tif", np.full((8, 8), number * 8 + 0.4, np.float32))
    source, frames = read_all(tmp_path)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [number * 8 for number in range(30)]
    assert len(source.warnings) == 1
    assert int(read_all(tmp_path, start=20)[1][0].image[0, 0, 0]) == 19 * 8


def test_a_picture_of_another_scale_is_lost_and_not_made_white(tmp_path):
    for number in range(1, 41):
        save(tmp_path / f"{number:03}.tif", np.full((8, 8), 200 if number == 3 else 0.5, np.float32))
    source, frames = read_all(tmp_path)
    assert len(frames) == 39
    assert source.problems == [
        "frame 3 was lost: 003.tif: its values reach from 200 to 200, a sample of the images lies in 0 to 1;"
        " save it with 8 or 16 bits"
    ]


@pytest.mark.parametrize(("share", "lost"), [(0.01, False), (0.011, True)])
def test_lamps_may_lie_outside_of_the_range_and_much_of_a_picture_not(share, lost):
    values = np.full(1000, 0.6, np.float32)
    values[: round(share * 1000)] = 7
    one = ValueRange(1, 1.0)
    if lost:
        with pytest.raises(InputError, match=r"its values reach from 0\.6 to 7, a sample of the images lies in 0 to 1"):
            one.to_eight_bits(values)
    else:
        assert one.to_eight_bits(values).tolist() == [255] * 10 + [153] * 990


def test_what_is_no_number_is_black_and_too_much_light_is_white(tmp_path):
    values = np.full((40, 40), 0.6, np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    values[20:] = np.inf
    _, (frame,) = read_all(save(tmp_path / "a.tif", values))
    assert frame.image[0, :4, 0].tolist() == [0, 255, 0, 153]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((8, 8), np.nan, np.float32), "a.tif: holds no number that is finite"),
        (
            np.linspace(-1, 1, 64, dtype=np.float32).reshape(8, 8),
            r"32-bit values of -0\.9\d* to 0\.9\d* without an obv",
        ),
        (np.full((8, 8), 65536, np.int32), "32-bit values of 6.554e[+]04 to 6.554e[+]04 without an obvious scale"),
        (np.full((8, 8), -1, np.int32), "32-bit values of -1 to -1 without an obvious scale"),
    ],
)
def test_values_without_an_obvious_scale_are_refused(tmp_path, values, message):
    with pytest.raises(InputError, match=message):
        read_all(save(tmp_path / "a.tif", values))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.zeros((8, 8, 3), np.float32), "3 x 32-bit float"),
        (np.zeros((8, 8), np.float64), "1 x 64-bit float"),
        (np.zeros((8, 8, 3), np.int16), "3 x 16-bit signed"),
    ],
)
def test_a_tiff_of_values_that_are_not_read_is_called_that(tmp_path, values, kind):
    assert cv2.imwrite(str(tmp_path / "a.tif"), values)
    with pytest.raises(
        InputError, match=f"a.tif: a TIFF of {kind} values, which is not read; save it with 8 or 16 bit"
    ):
        read_all(tmp_path / "a.tif")


def test_signed_bytes_are_refused(tmp_path):
    assert cv2.imwrite(str(tmp_path / "a.tif"), np.full((8, 8), -3, np.int8))
    with pytest.raises(InputError, match=r"a\.tif: values of -128 to 127 without an obvious scale"):
        read_all(tmp_path / "a.tif")


def test_deep_values_that_count_from_white_are_refused(tmp_path):
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / "a.tif", tiffinfo={262: 0})
    with pytest.raises(InputError, match=r"a\.tif: its deep values count down from white"):
        read_all(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("samples", "white"),
    [
        ([[1.0]], 1),
        ([[1.01]], 1),
        ([[1.02]], 255),
        ([[0.2], [200.0]], 255),
        ([[0.5] * 3000 + [9.0]], 1),
        ([[0.5] * 100 + [9.0]], 255),
        ([[-0.01, 1.0]], 1),
        ([[np.nan], [0.5]], 1),
    ],
)
def test_the_range_of_floats_is_the_least_that_holds_almost_all(samples, white):
    assert range_of(np.array([sample], np.float32) for sample in samples).white == white


@pytest.mark.parametrize(("greatest", "white"), [(0, 255), (255, 255), (256, 1023), (1024, 4095), (65535, 65535)])
def test_the_range_of_whole_numbers_holds_all(greatest, white):
    assert range_of([np.array([[0] * 5000 + [greatest]], np.int32)]).white == white


def test_a_large_picture_is_measured_by_a_part_of_its_pixels():
    values = np.zeros((2000, 2000), np.float32)
    values[1000:] = 0.9
    assert range_of([values]) == ValueRange(1, float(np.float32(0.9)))

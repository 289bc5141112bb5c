"""Photographs of places behind the people: windows of them, the same bytes again, and broken files in one line."""

import json
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from remix_track.cli.train import main
from remix_track.errors import InputError
from remix_track.synthetic.dataset import synthesize
from remix_track.synthetic.photographs import Photographs
from remix_track.synthetic.places import HEIGHT, WIDTH
from remix_track.synthetic.style import Style
from remix_track.training.drawn_data import drawn_folder
from remix_track.training.train_settings import DrawnSettings

SMALL: dict[str, Any] = {"identities": 2, "cameras": 2, "videos": 1, "sequences": 0, "target_identities": 2}


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """A folder of a JPEG, a PNG and a WebP, and what is none of them."""
    made = tmp_path / "places"
    made.mkdir()
    for name, seed in (("street.jpg", 1), ("hall.png", 2), ("park.webp", 3)):
        coarse = noise(20, 60, seed)
        cv2.imwrite(str(made / name), cv2.resize(coarse, (1200, 400), interpolation=cv2.INTER_CUBIC))
    (made / "notes.txt").write_text("no picture")
    return made


def said(folder):
    with pytest.raises(InputError) as error:
        Photographs.in_folder(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def one_colour(folder, height, width, bgr):
    folder.mkdir()
    cv2.imwrite(str(folder / "one.png"), np.full((height, width, 3), bgr, np.uint8))
    return Photographs.in_folder(folder)


def test_each_camera_has_a_place_of_its_own_that_is_the_same_again(folder):
    photographs = Photographs.in_folder(folder)
    assert [path.name for path in photographs.paths] == ["hall.png", "park.webp", "street.jpg"]
    first, second = photographs.scenery(1), photographs.scenery(2)
    assert first.shape == second.shape == (HEIGHT, WIDTH, 3)
    assert first.dtype == np.uint8
    assert (photographs.scenery(1) == first).all()
    assert np.abs(first.astype(int) - second).mean() > 10


@pytest.mark.parametrize("size", [(16, 16), (16, 900), (3000, 16), (200, 900), (199, 901), (700, 1400)])
def test_a_picture_of_any_size_fills_the_scenery(tmp_path, size):
    photographs = one_colour(tmp_path / "places", size[0], size[1], (40, 90, 200))
    for place in range(4):
        scenery = photographs.scenery(place)
        assert scenery.shape == (HEIGHT, WIDTH, 3)
        assert (np.abs(scenery.mean(axis=(0, 1)) - (40, 90, 200)) < 30).all(), "nearly its own colours"


def test_a_narrow_picture_goes_there_and_back(tmp_path):
    (tmp_path / "places").mkdir()
    ramp = np.repeat(np.linspace(0, 255, 100).astype(np.uint8)[None, :, None], 200, axis=0)
    cv2.imwrite(str(tmp_path / "places" / "ramp.png"), np.repeat(ramp, 3, axis=2))
    row = Photographs.in_folder(tmp_path / "places").scenery(0).mean(axis=(0, 2))
    steps = np.abs(np.diff(cv2.blur(row[None], (9, 1))[0]))
    assert steps.max() < 12, "no seam where it is repeated"
    assert row.max() - row.min() > 100


def test_some_are_mirrored(tmp_path):
    (tmp_path / "places").mkdir()
    ramp = np.repeat(np.linspace(0, 255, 900).astype(np.uint8)[None, :, None], 200, axis=0)
    cv2.imwrite(str(tmp_path / "places" / "ramp.png"), np.repeat(ramp, 3, axis=2))
    photographs = Photographs.in_folder(tmp_path / "places")
    rising = [np.sign(row[200] - row[20]) for row in (photographs.scenery(p).mean(axis=(0, 2)) for p in range(12))]
    assert {-1.0, 1.0} <= set(rising)


def test_a_photograph_that_lies_on_its_side_is_set_upright(tmp_path):
    (tmp_path / "places").mkdir()
    lying = np.zeros((400, 200, 3), np.uint8)
    lying[:, :100] = 250  # upright, turned by a quarter: its upper half
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(lying).save(tmp_path / "places" / "turned.jpg", exif=exif)
    scenery = Photographs.in_folder(tmp_path / "places").scenery(3)
    assert scenery.std(axis=1).max() < 20, "its halves are above each other, not side by side"


def test_the_set_stands_before_them_and_says_so(folder, tmp_path):
    style = Style(backgrounds=str(folder))
    for name, kind in (("first", style), ("again", style), ("drawn", Style())):
        synthesize(tmp_path / name, style=kind, **SMALL)
    names = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file())
    contents = [[(tmp_path / one / name).read_bytes() for name in names] for one in ("first", "again", "drawn")]
    assert contents[0] == contents[1]
    pictures = [index for index, name in enumerate(names) if name.suffix == ".jpg"]
    assert all(contents[0][index] != contents[2][index] for index in pictures)
    about, drawn = (json.loads((tmp_path / one / "synthetic.json").read_text()) for one in ("first", "drawn"))
    assert about["style"]["backgrounds"] == str(folder)
    assert len(about["backgrounds_sha256"]) == 64
    assert not {"style", "backgrounds_sha256"} & set(drawn)


def test_a_style_from_before_there_were_photographs_is_written_as_it_was():
    assert Style("street", 0.5, 0.33).recorded() == {"wardrobe": "street", "lookalikes": 0.5, "colour_cast": 0.33}


def test_drawn_sets_of_other_photographs_lie_in_other_folders(folder):
    drawn = DrawnSettings(identities=2, backgrounds=str(folder))
    before = drawn_folder(drawn).name
    assert before != drawn_folder(DrawnSettings(identities=2)).name
    (folder / "street.jpg").unlink()
    assert drawn_folder(drawn).name != before


def test_a_folder_without_pictures_is_refused(tmp_path):
    assert "cannot be read" in said(tmp_path / "absent")
    assert said(tmp_path) == f"{tmp_path}: 0 JPEG, PNG or WebP pictures; `backgrounds` takes 1 to 10,000"


def bomb():
    """A PNG whose header promises 900 million pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + b"\0" * 40


@pytest.mark.parametrize("broken", ["text", "cut", "bomb", "tiny", "deep"])
def test_a_broken_picture_is_one_line_that_names_it(folder, broken):
    whole = (folder / "street.jpg").read_bytes()
    content = {"text": b"no picture", "cut": whole[: len(whole) // 2], "bomb": bomb()}.get(broken)
    path = folder / ("wrong.jpg" if content is not None else "wrong.png")
    if content is not None:
        path.write_bytes(content)
    elif broken == "tiny":
        cv2.imwrite(str(path), noise(15, 40))
    else:
        cv2.imwrite(str(path), np.zeros((40, 40), np.uint16))
    message = said(folder)
    assert message.startswith(f"{path}: cannot be read as a picture (")
    assert message.endswith("remove it from the folder of backgrounds")


def test_the_command_takes_them_and_a_broken_one_leaves_nothing(folder, tmp_path, capsys):
    out = tmp_path / "set"
    (folder / "wrong.png").write_bytes(b"no picture")
    assert main(["synthesize", str(out), "--backgrounds", str(folder)]) == 2
    assert "wrong.png: cannot be read as a picture" in capsys.readouterr().err
    assert not out.exists()

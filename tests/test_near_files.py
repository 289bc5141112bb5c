"""A mistyped name of a file is answered with the nearest one in its folder; without one, the messages are as ever."""

from typing import Any

import numpy as np
import pytest

from remix_track import InputError, track
from remix_track.bounded_file import read_bounded
from remix_track.encoder.load import load_embedder
from remix_track.near_files import near_file
from remix_track.trackers.detectors.find_detector import find_detector


@pytest.fixture
def folder(tmp_path):
    for name in ("gate-north.mp4", "Settings.toml", "yolo11n.pt", "osnet.onnx", "other"):
        (tmp_path / name).touch()
    return tmp_path


def test_the_nearest_name(folder):
    assert near_file(folder / "gate-nroth.mp4") == f"did you mean {folder / 'gate-north.mp4'}?"
    assert near_file(str(folder / "settings.tml")) == f"did you mean {folder / 'Settings.toml'}?", "whatever the case"
    assert near_file(folder / "quite-another.mp4") == ""
    assert near_file(folder / "none" / "gate-north.mp4") == ""
    assert near_file("a\0b") == ""


def test_it_is_said_wherever_a_file_is_missing(folder):
    cases: list[tuple[Any, str, str]] = [
        (track, "gate-nort.mp4", "gate-north.mp4"),
        (find_detector, "yolo11.pt", "yolo11n.pt"),
        (load_embedder, "osnt.onnx", "osnet.onnx"),
        (read_bounded, "Setings.toml", "Settings.toml"),
    ]
    for read, name, near in cases:
        path = folder / name
        with pytest.raises(InputError) as caught:
            read(path if read is read_bounded else str(path))
        assert str(caught.value).endswith(f"; did you mean {folder / near}?")
        assert str(caught.value).startswith(str(path))


def test_advice_stays_where_nothing_is_near(folder):
    with pytest.raises(InputError, match=r"no such file or folder; give a video"):
        track(str(folder / np.random.default_rng(0).bytes(6).hex()))

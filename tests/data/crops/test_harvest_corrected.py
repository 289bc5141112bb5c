"""Corrected tracks of a video as labelled crops."""

import cv2
import numpy as np
import pytest

from remix_track.cli.train import main
from remix_track.data.crops.harvest import harvest_corrected
from remix_track.data.crops.tracklets import HarvestSettings
from remix_track.data.readers.own_crops import read_crop_folder
from remix_track.errors import InputError
from tests.footage import write_video

GREYS = {1: 90, 2: 150, 3: 210, 4: 250}
"""1 and 2 pass each other; 3 is a car, and 4 a row that does not count."""


def box(track, frame):
    left = {1: 10 + 4 * frame, 2: 250 - 4 * frame, 3: 150, 4: 300}[track]
    return left, {1: 20, 2: 40, 3: 140, 4: 20}[track], 40, 90


@pytest.fixture
def film(tmp_path):
    images, rows = [], []
    for frame in range(1, 51):
        image = np.full((240, 360, 3), 20, np.uint8)
        for track, grey in GREYS.items():
            left, top, width, height = box(track, frame)
            image[top : top + height, left : left + width] = grey
            kind, counts = (2 if track == 3 else 1), int(track != 4)
            rows.append(f"{frame},{track},{left},{top},{width},{height},{counts},{kind},1\n")
        images.append(image)
    (tmp_path / "corrected" / "gt").mkdir(parents=True)
    (tmp_path / "corrected" / "gt" / "gt.txt").write_text("".join(rows))
    return write_video(tmp_path / "gate_1.mp4", rate=10, images=images, options={"crf": "5"})


def test_each_person_has_crops_of_that_person_alone(film, tmp_path):
    people, crops = harvest_corrected(film, tmp_path / "corrected", tmp_path / "out", HarvestSettings())
    read = read_crop_folder(tmp_path / "out")
    assert (people, len(read.identity_names), len(read), read.camera_names) == (2, 2, crops, ("gate-1",))
    assert read.identity_names == ("person1", "person2")
    assert crops >= 12
    for path in (tmp_path / "out").rglob("*.jpg"):
        image = cv2.imread(str(path))
        assert image is not None
        assert image.shape[:2] == (90, 40)
        assert abs(np.median(image) - GREYS[int(path.parent.name[-1])]) < 6
        frame = int(path.stem.partition("_")[2])
        left = [box(track, frame)[0] for track in (1, 2)]
        assert abs(left[0] - left[1]) > 30, "where they hide each other there is no crop"
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_command(film, tmp_path, capsys):
    words = ["harvest", str(tmp_path / "out"), str(film), "--tracks", str(tmp_path / "corrected" / "gt" / "gt.txt")]
    assert main(words) == 0
    assert f"2 people, {len(list((tmp_path / 'out').rglob('*.jpg')))} crops" in capsys.readouterr().out
    assert main(words) == 2
    assert "there is something already" in capsys.readouterr().err
    assert main(["harvest", str(tmp_path / "two"), str(film), str(film), "--tracks", "x"]) == 2
    assert "of one video" in capsys.readouterr().err


def test_one_person_is_no_set_and_leaves_nothing(film, tmp_path):
    (tmp_path / "one.txt").write_text("".join(f"{frame},1,{14 + 4 * frame},20,40,90,1,1,1\n" for frame in range(1, 9)))
    with pytest.raises(InputError, match="1 people of whom"):
        harvest_corrected(film, tmp_path / "one.txt", tmp_path / "out", HarvestSettings())
    assert {path.name for path in tmp_path.iterdir()} == {"corrected", "gate_1.mp4", "one.txt"}

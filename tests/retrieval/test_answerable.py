"""A set that cannot score anything is an error that says why; never a figure over nothing."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from remix_track.cli.train import main
from remix_track.data.crop_set import DISTRACTOR, JUNK
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.retrieval.answerable import refuse_unanswerable
from remix_track.training import data_sets
from remix_track.training.data_sets import open_training_data
from remix_track.training.train_settings import DataSettings
from tests.training_scenes import labelled, picture, small_settings


@dataclass
class Part:
    """Images as (identity, camera)."""

    pictures: list[tuple[int, int]]

    @property
    def identity(self):
        return np.array([identity for identity, _ in self.pictures], np.int32)

    @property
    def camera(self):
        return np.array([camera for _, camera in self.pictures], np.int16)


@pytest.mark.parametrize(
    ("query", "gallery", "why"),
    [
        ([], [(0, 1), (1, 1)], "it has no query images; name a set with query and gallery"),
        ([(0, 0)], [], "it has no gallery images; name a set with query and gallery"),
        ([(JUNK, 0), (DISTRACTOR, 0)], [(0, 1)], "no query names a person"),
        ([(0, 0)], [(JUNK, 1), (JUNK, 2)], "every image of its gallery is junk"),
        ([(0, 0), (1, 0)], [(2, 1), (DISTRACTOR, 1)], "no person of a query is in the gallery; use the same names"),
        ([(0, 3), (1, 3)], [(0, 3), (1, 3)], "all its images are of one camera and a query is never matched"),
        ([(0, 0), (1, 1)], [(0, 0), (1, 1)], "no person of a query is in the gallery before another camera"),
        ([(0, 0)], [(0, 1), (0, 2), (JUNK, 1)], "its gallery shows one person alone, so that every ranking is right"),
    ],
)
def test_what_cannot_be_scored_says_why(query, gallery, why):
    with pytest.raises(InputError) as raised:
        refuse_unanswerable("mine", Part(query), Part(gallery))
    assert str(raised.value).startswith(f"mine: cannot be scored, {why}")


@pytest.mark.parametrize(
    ("query", "gallery"),
    [
        ([(0, 0)], [(0, 1), (1, 0)]),
        ([(0, 0)], [(0, 0), (0, 1), (DISTRACTOR, 1)]),
        ([(0, 0)], [(0, 1), (DISTRACTOR, 1)]),
        ([(0, 0), (1, 0), (JUNK, 0)], [(0, 0), (1, 0), (1, 5)]),
        ([(4, 9)], [(JUNK, 9), (4, 1), (3, 9)]),
        ([(0, 5)], [(0, 1), (0, 5), (1, 0)]),
        ([(0, 5)], [(0, 5), (0, 7), (1, 0)]),
    ],
)
def test_one_query_with_an_answer_and_a_mistake_to_make_is_enough(query, gallery):
    refuse_unanswerable("mine", Part(query), Part(gallery))


def folder(root: Path, *, people: int, cameras: tuple[str, ...], splits: tuple[str, ...]) -> Path:
    for person in range(people):
        for number, camera in enumerate(cameras):
            for split in splits:
                path = root / split / f"p{person}" / f"{camera}_{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(picture(person, number))
    return root


@pytest.mark.parametrize(
    ("people", "cameras", "splits", "why"),
    [
        (3, ("c1",), ("query", "gallery"), "all its images are of one camera"),
        (3, ("c1", "c2"), ("gallery",), "it has no query images"),
        (3, ("c1", "c2"), ("query",), "it has no gallery images"),
        (3, ("c1",), ("train",), "all its images are of one camera"),
        (1, ("c1", "c2"), ("train",), "its gallery shows one person alone"),
        (1, ("c1", "c2"), ("query", "gallery"), "its gallery shows one person alone"),
    ],
)
def test_the_command_ends_with_one_line_and_writes_nothing(tmp_path, capsys, people, cameras, splits, why):
    crops = folder(tmp_path / "set", people=people, cameras=cameras, splits=splits)
    words = ["eval", "--weights", "default", "--folder", str(crops), "--device", "cpu", "--output", str(tmp_path / "o")]
    assert main(words) == 2
    captured = capsys.readouterr()
    assert why in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not (tmp_path / "o").exists()


def test_pictures_that_cannot_be_read_leave_no_figure_either(tmp_path, capsys):
    crops = folder(tmp_path / "set", people=2, cameras=("c1", "c2"), splits=("query", "gallery"))
    for path in crops.glob("gallery/p0/*"):
        path.write_bytes(b"no image")
    assert main(["eval", "--weights", "default", "--folder", str(crops), "--device", "cpu"]) == 2
    assert "of what could be read: cannot be scored, its gallery shows one person alone" in capsys.readouterr().err


def test_a_target_that_cannot_score_is_refused_before_a_run_has_a_folder(monkeypatch):
    target = labelled(people=3, cameras=1, takes=3, test=True)
    monkeypatch.setitem(
        data_sets.MULTI_CAMERA, "folder", lambda path, strict: target if path.name == "target" else labelled()
    )
    data = DataSettings(multi_camera=("folder:train",), target="folder:target")
    settings = dataclasses.replace(small_settings(pretrain=False, joint=False), data=data)
    with pytest.raises(InputError, match=r"data.target: stripes: cannot be scored, all its images are of one camera"):
        open_training_data(settings)


def test_json_has_null_where_a_number_is_not_finite():
    text = json_text({"a": float("nan"), "b": [float("inf"), 1.5, (float("-inf"),)], "c": {"d": None}}, indent=1)
    assert json.loads(text, parse_constant=pytest.fail) == {"a": None, "b": [None, 1.5, [None]], "c": {"d": None}}

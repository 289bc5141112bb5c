"""A configuration that draws its own people: once, where it says, and only where no data is named."""

import dataclasses
from pathlib import Path

import pytest

from remix_track.cli.train import main
from remix_track.errors import InputError
from remix_track.settings import build, read_toml
from remix_track.synthetic import dataset
from remix_track.training.data_sets import open_training_data
from remix_track.training.drawn_data import drawn_folder, with_drawn_data
from remix_track.training.run_log import read_log
from remix_track.training.train_settings import DataSettings, DrawnSettings, TrainSettings

TINY = Path(__file__).parents[2] / "configs/tiny_test.toml"
FEW = DrawnSettings(identities=2, cameras=2, videos=1, target_identities=2, seed=5)


def at(folder, **changes):
    return TrainSettings(drawn=dataclasses.replace(FEW, folder=str(folder), **changes))


@pytest.fixture
def drawings(monkeypatch):
    """Folders that were drawn; a drawing is its last file."""
    made = []

    def synthesize(folder, **arguments):
        made.append((folder, arguments))
        folder.mkdir(parents=True)
        (folder / "synthetic.json").touch()
        arguments["show"]("videos", 1, 1)

    monkeypatch.setattr(dataset, "synthesize", synthesize)
    return made


def test_where_no_set_is_named_people_are_drawn_once_and_it_is_said(tmp_path, drawings, caplog):
    caplog.set_level("INFO", "remix_track")
    first = with_drawn_data(at(tmp_path), lambda: None)
    folder = tmp_path / "2-people-2-cameras-1-videos-2-others-seed-5"
    assert first.data.multi_camera == first.data.single_camera == (f"synthetic:{folder}",)
    assert first.data.target == f"synthetic-target:{folder}"
    assert with_drawn_data(at(tmp_path), lambda: None) == first
    assert [one for one, _ in drawings] == [folder]
    assert [one.getMessage() for one in caplog.records] == [
        f"[data] names no set: drawing 2 people and 1 videos into {folder}",
        f"[data] names no set: these are the people drawn into {folder}",
    ]
    with_drawn_data(at(tmp_path, seed=6), lambda: None)
    assert len(drawings) == 2


@pytest.mark.parametrize(
    "data",
    [
        DataSettings(multi_camera=("folder:x",)),
        DataSettings(single_camera=("folders:x",)),
        DataSettings(target="folder:x"),
    ],
)
def test_where_a_set_is_named_nothing_is_drawn(tmp_path, drawings, data):
    settings = dataclasses.replace(at(tmp_path), data=data)
    assert with_drawn_data(settings, lambda: None) is settings
    assert with_drawn_data(TrainSettings(), lambda: None).data == DataSettings()
    assert drawings == []


def test_a_drawing_can_be_stopped_and_leaves_nothing(tmp_path):
    class StoppedError(Exception):
        pass

    def stop():
        raise StoppedError

    with pytest.raises(StoppedError):
        with_drawn_data(at(tmp_path), stop)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_faster_is_no_error_but_a_foreign_folder_is(tmp_path, monkeypatch):
    folder = drawn_folder(at(tmp_path).drawn)
    folder.mkdir(parents=True)
    (folder / "mine.txt").touch()
    with pytest.raises(InputError, match="there is something already"):
        with_drawn_data(at(tmp_path), lambda: None)

    def slower(folder, **arguments):
        (folder / "synthetic.json").touch()
        raise InputError(f"{folder}: cannot be written (Directory not empty)")

    monkeypatch.setattr(dataset, "synthesize", slower)
    assert str(folder) in with_drawn_data(at(tmp_path), lambda: None).data.target


def test_what_is_drawn_is_data_for_every_stage(tmp_path):
    found = open_training_data(at(tmp_path))
    assert found.single is not None
    assert found.target is not None
    assert (len(found.labelled.identity_names), len(found.single.videos)) == (2, 1)
    assert not (drawn_folder(at(tmp_path).drawn) / "mot").exists()
    assert found.counts() == open_training_data(at(tmp_path)).counts()


@pytest.mark.parametrize("change", [{"identities": 1}, {"cameras": 1}, {"videos": 0}, {"target_identities": 1}])
def test_too_few_are_refused(change):
    with pytest.raises(InputError, match=f"{next(iter(change))} = "):
        dataclasses.replace(FEW, **change)


def test_the_tiny_configuration_alone_ends_in_weights(tmp_path, monkeypatch, capsys):
    assert build(TrainSettings, read_toml(TINY), TINY.name).drawn.identities == 8
    monkeypatch.chdir(tmp_path)
    fewer = {"drawn.identities": 3, "drawn.videos": 1, "run.epochs": 1, "pretraining.epochs": 1, "run.device": "cpu"}
    words = [word for key, value in fewer.items() for word in ("--set", f"{key}={value}")]
    assert main(["--config", str(TINY), *words, "--output", "run", "--quiet"]) == 0
    assert (tmp_path / "run/remix.safetensors").is_file()
    assert len(list((tmp_path / "runs/drawn").iterdir())) == 1
    assert [one["event"] for one in read_log(tmp_path / "run")].count("evaluation") == 1

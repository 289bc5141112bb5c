"""Every file of configs/ is settings for something, and names data sets of kinds that there are."""

from pathlib import Path

import pytest

from remix_track.detector_training.settings import DetectorTraining
from remix_track.errors import InputError
from remix_track.settings import build, read_toml
from remix_track.studies.study_file import read_studies
from remix_track.trackers.settings import TrackSettings
from remix_track.training.data_sets import MULTI_CAMERA, SINGLE_CAMERA
from remix_track.training.train_settings import TrainSettings

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.toml"))


def kinds(names):
    return {name.partition(":")[0] for name in names if name}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_file_loads_as_one_thing(path):
    readers = {
        "track": lambda: build(TrackSettings, read_toml(path), path.name),
        "train": lambda: build(TrainSettings, read_toml(path), path.name),
        "detector": lambda: build(DetectorTraining, read_toml(path), path.name),
        "grid": lambda: read_studies(path),
    }
    loaded = {}
    for name, read in readers.items():
        try:
            loaded[name] = read()
        except InputError:
            continue
    assert len(loaded) == 1
    settings = loaded.get("train")
    if isinstance(settings, TrainSettings):
        assert kinds(settings.data.multi_camera) <= set(MULTI_CAMERA)
        assert kinds([settings.data.target]) <= set(MULTI_CAMERA)
        assert kinds(settings.data.single_camera) <= set(SINGLE_CAMERA)


def test_protocol_2_never_trains_on_its_target():
    (path,) = [path for path in CONFIGS if path.stem == "multi_source_protocol2"]
    data = build(TrainSettings, read_toml(path), path.name).data
    assert kinds(data.multi_camera) == {"msmt17", "cuhk03-detected"}
    assert kinds([data.target]) == {"market1501"}

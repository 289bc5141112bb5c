"""What users corrected in a store as labels: whose crops, and where they are taken."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from remix_track.data.crop_set import Split
from remix_track.errors import InputError
from remix_track.store import open_store
from remix_track.store.corrections import Corrections
from remix_track.store.forget import forget_people
from remix_track.store.identify import identify
from remix_track.training.adapt import chosen_settings
from remix_track.training.adapt_settings import read_start
from remix_track.training.calibrate import calibrate
from remix_track.training.data_sets import open_labelled
from tests.store.frames import frame, job, write
from tests.store.test_corrections import key
from tests.store.test_forget import add
from tests.store.test_identify import SETTINGS, who

pytest.importorskip("pyarrow")


@pytest.fixture
def store(tmp_path):
    made = open_store(tmp_path / "S", create=True)
    add(made, "gate", [1, 2, 3])
    add(made, "door", [1, 2, 4])
    identify(made)
    return made


def labels(store):
    """How many crops there are of each person before each camera."""
    crops = open_labelled(f"corrections:{store.path}", strict=True)
    assert set(crops.split.tolist()) == {Split.TRAIN}
    pairs = zip(crops.identity.tolist(), crops.camera.tolist(), strict=True)
    counted = dict[tuple[int, str], int]()
    for row, (identity, camera) in enumerate(pairs):
        name = int(crops.identity_names[identity]), crops.camera_names[camera]
        counted[name] = counted.get(name, 0) + 1
        assert cv2.imdecode(np.frombuffer(crops.store.read(row), np.uint8), 1) is not None
    return counted


def test_a_store_without_corrections_has_no_labels(store):
    with pytest.raises(InputError, match="nobody there is corrected yet"):
        labels(store)
    Corrections.of(store).reject([key(store, "gate", 3)])
    with pytest.raises(InputError, match="nobody there is corrected yet"):
        labels(store)


def test_who_was_named_merged_or_split_is_a_label_and_nobody_else(store):
    people, corrections = who(store), Corrections.of(store)
    first, third, fourth = people["gate", 1], people["gate", 3], people["door", 4]
    corrections.merge(third, fourth)
    assert labels(store) == {(third, "gate"): 1, (third, "door"): 1}
    new = corrections.split(first, [key(store, "door", 1)])
    corrections.name(people["gate", 2], "Ann")
    everybody = {(first, "gate"): 1, (new, "door"): 1, (people["gate", 2], "gate"): 1, (people["gate", 2], "door"): 1}
    assert labels(store) == {(third, "gate"): 1, (third, "door"): 1, **everybody}
    corrections.reject([key(store, "door", 2)])
    corrections.undo(1)
    del everybody[people["gate", 2], "door"]
    assert labels(store) == everybody
    forget_people(store, [first])
    assert set(labels(store)) == {(new, "door"), (people["gate", 2], "gate")}


def test_an_adaptation_keeps_the_drawn_people_beside_corrections(tmp_path):
    start = read_start("default")

    def chosen(*labelled, target="folder:old"):
        made = chosen_settings(start, ["a.mp4"], labelled, target, tmp_path, Path("drawn"), {}, (), "here")
        return made.data.multi_camera

    assert chosen() == ("synthetic:drawn",)
    assert chosen("corrections:S") == ("synthetic:drawn", "corrections:S")
    assert chosen("corrections:S", "folder:F") == ("corrections:S", "folder:F")


class Grey:
    """An embedder that sees how bright a crop is."""

    width, description, max_cosine_distance = 2, {"name": "grey"}, None

    def __call__(self, image, xyxy):
        angle = float(image.mean()) / 255 * np.pi / 2
        return np.array([[np.cos(angle), np.sin(angle)]] * len(xyxy), np.float32)


def named(folder, cameras):
    """A store of six jobs with the same four people, all of whom have names; person p is of a grey of their own."""
    store = open_store(folder, create=True)
    for number in range(6):
        made = job(f"j{number}", camera=f"c{number % cameras}", settings=SETTINGS)
        stored = write(store, made, [frame(index, [1, 2, 3, 4]) for index in range(1, 9)])
        for person in (1, 2, 3, 4):
            for path in (stored.folder / "crops" / str(person)).glob("*.jpg"):
                cv2.imwrite(str(path), np.full((40, 20, 3), 50 * person + number, np.uint8))
    identify(store)
    for person in {*who(store).values()}:
        Corrections.of(store).name(person, f"P{person}")
    return store


def test_a_threshold_is_measured_between_corrected_people(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    stored_at = {}
    monkeypatch.setattr("remix_track.encoder.load.load_embedder", lambda *_, **__: Grey())
    monkeypatch.setattr("remix_track.training.calibrate.check_storage", lambda *_, **__: tmp_path / "w.safetensors")
    monkeypatch.setattr(
        "remix_track.training.calibrate.store_threshold", lambda _, where, found: stored_at.update({where: found})
    )
    # Distances are of one camera, as the tracker compares; with a camera for each job there are none of one person.
    with pytest.raises(InputError, match="0 crops that have another one of their person"):
        calibrate(f"corrections:{named(tmp_path / 'six', 6).path}", weights="w")
    made = calibrate(f"corrections:{named(tmp_path / 'one', 1).path}", weights="w")
    assert (made.calibration.crops, made.calibration.missed, made.calibration.accepted) == (24, 0, 0)
    assert 0 < made.max_cosine_distance < 1 - np.cos(50 / 255 * np.pi / 2)
    assert stored_at == {tmp_path / "w.safetensors": made.max_cosine_distance}

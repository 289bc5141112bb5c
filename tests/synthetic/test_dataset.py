import dataclasses
import hashlib
import json
import re
import sys
from typing import Any

import cv2
import numpy as np
import pytest

from remix_track import mot_text
from remix_track.cli.train import main
from remix_track.data.crop_set import DISTRACTOR, Split
from remix_track.data.readers.multi_camera import read_market_layout
from remix_track.data.readers.single_camera import read_video_folders
from remix_track.errors import InputError
from remix_track.synthetic import dataset
from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.crops import tracklet
from remix_track.synthetic.dataset import synthesize
from remix_track.synthetic.figure import Stance, figure
from remix_track.synthetic.people import crowd
from remix_track.synthetic.places import panorama
from remix_track.synthetic.sprites import paste

SMALL: dict[str, Any] = {"identities": 5, "cameras": 3, "videos": 2, "sequences": 1}


@pytest.fixture(scope="module", autouse=True)
def short_films():
    """Films are tested with the scenes; here a few small frames will do."""
    whole = dict(dataset._SCENE)
    dataset._SCENE.update(frames=4, width=160, height=90)
    yield
    dataset._SCENE.update(whole)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small set and its counts."""
    folder = tmp_path_factory.mktemp("made") / "set"
    return folder, synthesize(folder, seed=3, **SMALL)


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_same_bytes_and_another_seed_another_set(made, tmp_path):
    folder, _ = made
    synthesize(tmp_path / "again", seed=3, **SMALL)
    assert digests(tmp_path / "again") == digests(folder)
    synthesize(tmp_path / "other", seed=4, **SMALL)
    other = {name: digest for name, digest in digests(tmp_path / "other").items() if name.endswith(".jpg")}
    assert not set(other.values()) & set(digests(folder).values())


def test_the_labelled_part_reads_as_market_1501(made):
    folder, counts = made
    crops = read_market_layout(folder / "multi_camera")
    assert len(crops) == counts.labelled
    assert crops.identity_names == ("0001", "0002", "0003", "0004", "0005")
    assert crops.camera_names == ("c1", "c2", "c3")
    assert (crops.split == Split.TRAIN).all()
    for person in range(5):
        own = crops.camera[crops.identity == person]
        visits = np.unique(own, return_counts=True)[1]
        assert len(visits) >= 2
        assert visits.min() >= 3
        assert visits.max() <= 6


def test_the_target_has_queries_that_other_cameras_can_answer(made):
    folder, counts = made
    crops = read_market_layout(folder / "target")
    query, gallery = crops.rows(Split.QUERY), crops.rows(Split.GALLERY)
    assert (len(query), len(gallery), len(crops.rows(Split.TRAIN))) == (counts.query, counts.gallery, 0)
    assert (folder / "target" / "bounding_box_train").is_dir()
    pairs = list(zip(crops.identity[query], crops.camera[query], strict=True))
    assert len(set(pairs)) == len(pairs), "one query per person and camera"
    for person, camera in pairs:
        others = (crops.identity[gallery] == person) & (crops.camera[gallery] != camera)
        assert others.any()
    assert (crops.identity[gallery] == DISTRACTOR).any()
    assert (crops.identity[query] != DISTRACTOR).all()


def test_nobody_and_no_camera_is_in_two_parts(made):
    folder, _ = made
    train, target = (read_market_layout(folder / part) for part in ("multi_camera", "target"))
    assert not set(train.identity_names) & set(target.identity_names)
    assert not set(train.camera_names) & set(target.camera_names)
    everything = digests(folder)
    assert len(set(everything.values())) == len(everything)


def test_nobody_is_in_two_videos(made):
    folder, counts = made
    videos = read_video_folders(folder / "single_camera", identity_fields=(0,))
    assert len(videos) == counts.single_camera
    assert len(videos.videos) == 2
    names = [{path.name.split("_")[0] for path in video.iterdir()} for video in (folder / "single_camera").iterdir()]
    assert len(names[0] & names[1]) == 0
    assert min(len(people) for people in names) >= 8
    assert videos.hidden_identity is not None
    assert len(np.unique(videos.hidden_identity)) == len(names[0] | names[1])


def test_every_crop_is_a_picture_of_the_stated_size(made):
    folder, _ = made
    pictures = [path for path in folder.rglob("*.jpg") if "mot" not in path.parts]
    assert {np.asarray(cv2.imread(str(path))).shape for path in pictures} == {(128, 64, 3)}


def test_sequences_have_frames_and_truth(made):
    folder, counts = made
    sequence = folder / "mot" / "street-01"
    assert len(list((sequence / "img1").glob("*.jpg"))) == counts.frames == 4
    truth = mot_text.read(sequence / "gt" / "gt.txt")
    assert len(truth.frame) > 0
    assert (sequence / "seqinfo.ini").is_file()


def test_cameras_differ_by_more_than_their_noise_and_in_every_property():
    rng = np.random.default_rng(0)
    (person,) = crowd(rng, 1, lookalikes=0.0, any_colour=0.0)
    cameras = [CropCamera.sample(rng) for _ in range(6)]
    canvas = np.full((128, 64, 3), 130, np.uint8)
    paste(canvas, figure(person, Stance((32.0, 120.0), 110.0, 0.3, 0.5)))
    seen = [camera.develop(canvas, rng).astype(int) for camera in cameras]
    for i, first in enumerate(seen):
        again = np.abs(first - cameras[i].develop(canvas, rng)).mean()
        assert all(np.abs(first - second).mean() > 1.2 * again for second in seen[i + 1 :])
    for field in dataclasses.fields(CropCamera):
        if field.name == "electronics":  # of street cameras only
            continue
        values = {getattr(camera, field.name) for camera in cameras}
        assert len(values) >= (2 if field.name == "sun_from_right" else 5), field.name


def test_a_far_person_has_less_detail_and_a_dim_moment_less_light():
    rng = np.random.default_rng(3)
    camera = dataclasses.replace(CropCamera.sample(rng), noise=0.0, blur=0.0)
    grid = np.kron(np.indices((32, 16)).sum(axis=0) % 2, np.full((4, 4), 120)).astype(np.uint8) + np.uint8(60)
    picture = np.repeat(grid[..., None], 3, axis=2)
    near, far, dim = (camera.develop(picture, rng, **kind) for kind in ({}, {"distance": 2.5}, {"light": 0.6}))
    assert far.std() < near.std()
    assert dim.mean() < near.mean() - 10


def test_crops_of_one_walk_differ():
    rng = np.random.default_rng(1)
    (person,) = crowd(rng, 1, lookalikes=0.0, any_colour=1.0)
    camera = CropCamera.sample(rng)
    crops = list(tracklet(person, camera, panorama(camera.place, camera.pitch), (), 4, rng))
    assert len(crops) == 4
    for i, first in enumerate(crops):
        assert all(cv2.absdiff(first, second).max() > 40 for second in crops[i + 1 :])


def test_lookalikes_and_colours_are_the_shares_asked_for():
    rng = np.random.default_rng(2)
    plain = crowd(rng, 200, lookalikes=0.0, any_colour=0.0)
    alike = crowd(rng, 200, lookalikes=1.0, any_colour=0.0)
    assert len({(p.top, p.pattern, p.bottom, p.second_colour) for p in plain}) > 190
    assert len({(p.top, p.pattern, p.bottom, p.second_colour) for p in alike}) == 1
    assert len(set(alike)) == 200


def test_a_place_looks_the_same_twice_and_unlike_others():
    assert (panorama(5, 0.2) == panorama(5, 0.2)).all()
    assert np.abs(panorama(5, 0.2).astype(int) - panorama(6, 0.2)).mean() > 10


def test_what_is_there_is_never_touched(made):
    folder, _ = made
    before = digests(folder)
    with pytest.raises(InputError, match="there is something already; give another folder"):
        synthesize(folder, seed=9, **SMALL)
    assert digests(folder) == before


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_run_leaves_nothing(tmp_path, fault):
    def stop(part, done, total):
        if part == "videos":
            raise fault

    expected = InputError if isinstance(fault, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        synthesize(tmp_path / "set", show=stop, **SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"identities": 1}, "identities = 1; expected 2 to 100,000"),
        ({"cameras": 1}, "cameras = 1; expected 2 to 1,000"),
        ({"videos": 0}, "videos = 0; expected 1 to 100,000"),
        ({"seed": -1}, "seed = -1; expected 0 to 4,294,967,295"),
        ({"identity": 3}, "unknown key 'identity'; did you mean 'identities'?"),
    ],
)
def test_numbers_that_make_no_set_are_refused(tmp_path, wrong, expected):
    with pytest.raises(InputError, match=rf"^synthesize\(\): {re.escape(expected)}$"):
        synthesize(tmp_path / "set", **SMALL | wrong)
    assert list(tmp_path.iterdir()) == []


def test_the_target_has_as_many_people_as_asked_for(tmp_path):
    synthesize(tmp_path / "set", target_identities=5, **SMALL)
    names = [path.name for path in (tmp_path / "set" / "target" / "query").iterdir()]
    assert len({name.split("_")[0] for name in names}) == 5


def test_the_command_draws_and_says_what_there_is(tmp_path, capsys):
    out = tmp_path / "set"
    words = ["synthesize", str(out), "--identities", "2", "--cameras", "2", "--videos", "1", "--seed", "5"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{out}: ")
    assert json.loads((out / "synthetic.json").read_text())["seed"] == 5
    assert main([*words, "--quiet"]) == 2
    assert "there is something already" in capsys.readouterr().err


def test_help_of_the_command_needs_no_opencv(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert main(["synthesize", "--help"]) == 0
    assert "--identities" in capsys.readouterr().out

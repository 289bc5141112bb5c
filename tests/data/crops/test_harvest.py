"""Raw videos to a data set: what is cut out, written once, never half-written, and what is said when it cannot be."""

import json
import multiprocessing
import os
import tomllib

import cv2
import numpy as np
import pytest

from remix_track.cli.train import main
from remix_track.data.crops import harvest as footage_module
from remix_track.data.crops.harvest import find_videos, harvest_footage, refuse_too_few
from remix_track.data.crops.harvest_cache import NOTES, fingerprint, new_folder, read_harvest
from remix_track.data.crops.tracklets import HarvestSettings
from remix_track.data.readers.single_camera import read_video_folders
from remix_track.errors import InputError
from remix_track.trackers.association.frame_detections import MOST_BOXES
from remix_track.trackers.detectors.builtin import SHIPPED
from tests.footage import write_video

COLOURS = ((40, 40, 220), (40, 200, 40))  # BGR
FRAMES = 60


def boxes_of(number):
    """(left, top) of two people in frame `number` who walk past each other at a distance."""
    return [(10 + 3 * number, 10), (250 - 3 * number, 120)]


def film(path, colours=COLOURS):
    images = []
    for number in range(1, FRAMES + 1):
        image = np.full((220, 300, 3), 90, np.uint8)
        for (left, top), colour in zip(boxes_of(number), colours, strict=False):
            image[top : top + 80, left : left + 30] = colour
        images.append(image)
    return write_video(path, images=images, rate=20)


def detections(path, people=2):
    lines = [
        f"{number},-1,{left + 1},{top + 1},30,80,0.9\n"
        for number in range(1, FRAMES + 1)
        for left, top in boxes_of(number)[:people]
    ]
    path.write_text("".join(lines))
    return path


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """A video of two people, and where they are."""
    root = tmp_path_factory.mktemp("filmed")
    return film(root / "gate one.mp4"), HarvestSettings(detector=str(detections(root / "det.txt")), every=0.25)


def harvest(videos, root, settings, **options):
    return list(harvest_footage(videos, root, settings, **options))


def test_crops_show_who_their_tracklet_is(filmed, tmp_path):
    video, settings = filmed
    ((folder, made),) = harvest([video], tmp_path / "crops", settings)
    assert folder.name.startswith("gate-one-")
    assert (made.video, made.frames, made.fps, len(made.tracklets)) == ("gate one.mp4", 30, 10.0, 2)
    colours: dict[str, list[np.ndarray]] = {}
    for path in sorted(folder.glob("*.jpg")):
        number, frame = path.stem.split("_")
        crop = cv2.imread(str(path))
        assert crop is not None
        assert crop.shape == (80, 30, 3)
        assert int(frame) % 2 == 1  # every second of 20 frames a second
        colours.setdefault(number, []).append(crop.mean(axis=(0, 1)))
    assert sorted(colours) == ["000001", "000002"]
    assert sum(len(crops) for crops in colours.values()) == made.crops
    means = [np.array(crops) for crops in colours.values()]
    assert all(np.abs(crops - crops[0]).max() < 12 for crops in means)
    assert np.abs(means[0][0] - means[1][0]).max() > 100
    for number, first, last, crops in made.tracklets:
        assert first < last
        assert len(colours[f"{number:06d}"]) == crops


def test_they_are_a_data_set_that_knows_its_videos(filmed, tmp_path):
    video, settings = filmed
    other = film(tmp_path / "yard.mp4", COLOURS[::-1])
    made = harvest([video, other], tmp_path / "crops", settings)
    every = read_video_folders(tmp_path / "crops", identity_fields=(0,))
    assert [every.videos[row].decode() for row in range(2)] == [folder.name for folder, _ in made]
    assert every.sizes.tolist() == [one.crops for _, one in made]
    assert every.hidden_identity is not None
    assert len(set(every.hidden_identity.tolist())) == 4
    (alone,) = (read_video_folders(tmp_path / "crops", videos=[made[1][0].name]),)
    assert alone.sizes.tolist() == [made[1][1].crops]


def test_a_video_is_harvested_once(filmed, tmp_path, monkeypatch):
    video, settings = filmed
    first = harvest([video], tmp_path / "crops", settings)
    copy = tmp_path / "moved" / video.name
    copy.parent.mkdir()
    copy.write_bytes(video.read_bytes())
    monkeypatch.setattr(footage_module, "_harvest", lambda *_: pytest.fail("harvested again"))
    assert harvest([copy], tmp_path / "crops", settings) == first


def test_the_fingerprint_knows_content_settings_and_detector(tmp_path):
    video, weights = tmp_path / "v.mp4", tmp_path / "w.pt"
    content = bytearray(np.random.default_rng(0).bytes(3_000_000))
    video.write_bytes(content)
    weights.write_bytes(b"one")
    settings = HarvestSettings()
    seen = {fingerprint(video, settings, weights)}
    assert fingerprint(video, settings, weights) in seen
    seen.add(fingerprint(video, HarvestSettings(every=1), weights))
    weights.write_bytes(b"two")
    seen.add(fingerprint(video, settings, weights))
    for place in (0, 1_500_000, 2_999_999):
        content[place] ^= 1
        video.write_bytes(content)
        seen.add(fingerprint(video, settings, weights))
    video.write_bytes(content + b"x")
    seen.add(fingerprint(video, settings, weights))
    assert len(seen) == 7
    assert fingerprint(video, HarvestSettings(detector="hog"), None) not in seen
    assert fingerprint(video, HarvestSettings(detector="builtin"), SHIPPED) not in seen


@pytest.mark.parametrize("damage", ["missing", "cut", "added", "notes", "no notes", "other version"])
def test_crops_that_were_changed_are_noticed_and_left_alone(filmed, tmp_path, damage):
    video, settings = filmed
    ((folder, _),) = harvest([video], tmp_path, settings)
    picture, notes = min(folder.glob("*.jpg")), folder / NOTES
    if damage == "missing":
        picture.unlink()
    elif damage == "cut":
        picture.write_bytes(picture.read_bytes()[:-1])
    elif damage == "added":
        (folder / "mine.jpg").write_bytes(b"x")
    elif damage == "notes":
        notes.write_text("[1, 2]")
    elif damage == "no notes":
        notes.unlink()
    else:
        notes.write_text(json.dumps({**json.loads(notes.read_text()), "format_version": 9}))
    before = sorted(folder.iterdir())
    with pytest.raises(
        InputError, match=r"its crops are not as they were written \(.*delete .* or name it as folders:"
    ):
        harvest([video], tmp_path, settings)
    assert sorted(folder.iterdir()) == before


def test_a_stopped_harvest_keeps_whole_videos_and_nothing_else(filmed, tmp_path):
    video, settings = filmed
    other, calls = film(tmp_path / "yard.mp4"), []

    def stop():
        calls.append(1)
        if len(calls) > 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harvest([video, other], tmp_path / "crops", settings, check=stop)
    assert [folder.name[:9] for folder in (tmp_path / "crops").iterdir()] == ["gate-one-"]
    assert len(harvest([video, other], tmp_path / "crops", settings)) == 2


def _hold(folder, held, free):
    with new_folder(folder, lambda: None) as hidden:
        assert hidden is not None
        (hidden / "a.jpg").write_bytes(b"a")
        held.set()
        free.wait(60)


def _die(folder):
    with new_folder(folder, lambda: None) as hidden:
        assert hidden is not None
        (hidden / "left.jpg").write_bytes(b"half")
        os._exit(9)


def test_two_processes_wait_for_each_other(tmp_path):
    context = multiprocessing.get_context("fork")
    held, free = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(tmp_path / "v", held, free))
    process.start()
    assert held.wait(60)
    waited = []

    def check():
        waited.append(1)
        free.set()

    with new_folder(tmp_path / "v", check) as hidden:
        assert hidden is None
    process.join(60)
    assert waited
    assert [path.name for path in tmp_path.rglob("*")] == ["v", "a.jpg"]


def test_what_a_killed_process_left_is_cleared(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_die, args=(tmp_path / "v",))
    process.start()
    process.join(60)
    assert (tmp_path / ".v" / "left.jpg").exists()
    assert read_harvest(tmp_path / "v") is None
    with new_folder(tmp_path / "v", lambda: None) as hidden:
        assert hidden is not None
        assert not list(hidden.iterdir())
    assert [path.name for path in tmp_path.rglob("*")] == ["v"]


def test_only_some_frames(filmed, tmp_path):
    video, settings = filmed
    some = HarvestSettings(detector=settings.detector, every=0.25, start=21, frames=30, min_crops=2)
    ((folder, made),) = harvest([video], tmp_path, some)
    numbers = [int(path.stem[-7:]) for path in folder.glob("*.jpg")]
    assert made.frames == 15
    assert 21 <= min(numbers) <= max(numbers) <= 50


def fails(capsys, *words):
    assert main([str(word) for word in words]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("remix-train: ")
    assert "\n" not in error
    return error


def test_the_command_says_what_was_found(filmed, tmp_path, capsys):
    video, settings = filmed
    words = ["harvest", str(tmp_path / "crops"), str(video), "--detector", settings.detector, "--every", "0.25"]
    assert main(words) == 0
    first = capsys.readouterr().out
    assert "30 frames, 2 tracklets, " in first
    assert f"remix-train --single-camera folders:{tmp_path / 'crops'} ..." in first
    assert main(words) == 0
    assert capsys.readouterr().out == first


def test_what_cannot_be_harvested_is_one_line(filmed, tmp_path, capsys):
    video, settings = filmed
    nobody, text = tmp_path / "nobody.txt", tmp_path / "text.mp4"
    nobody.write_text("")
    text.write_text("no video")
    detector = ["--detector", settings.detector]
    assert "no such file" in fails(capsys, "harvest", tmp_path / "a", tmp_path / "gone.mp4", *detector)
    assert "text.mp4" in fails(capsys, "harvest", tmp_path / "a", video, text, *detector)
    (tmp_path / "empty").mkdir()
    assert "no videos in it; for a folder of crops say folders:" in fails(
        capsys, "harvest", tmp_path / "a", tmp_path / "empty", *detector
    )
    assert not (tmp_path / "a").exists()
    assert "--min-score = 2.0; expected 0 to 1" in fails(capsys, "harvest", "a", video, "--min-score", "2")
    assert "no people found in 30 frames" in fails(
        capsys, "harvest", tmp_path / "a", video, "--min-height", "200", *detector
    )
    one = detections(tmp_path / "one.txt", people=1)
    assert "one tracklet alone" in fails(capsys, "harvest", tmp_path / "a", video, "--detector", one, "--every", "0.25")
    (tmp_path / "file").write_text("")
    assert "cannot be written" in fails(capsys, "harvest", tmp_path / "file", video, *detector)


def test_several_videos_make_up_for_an_empty_one(filmed, tmp_path, monkeypatch):
    video, settings = filmed
    short = write_video(tmp_path / "short.mp4", frames=4)
    made = harvest([short, video], tmp_path / "crops", settings)
    assert [one.crops > 0 for _, one in made] == [False, True]
    refuse_too_few([one for _, one in made], "here")
    monkeypatch.setattr(footage_module, "_harvest", lambda *_: pytest.fail("harvested again"))
    assert harvest([short, video], tmp_path / "crops", settings) == made


def test_videos_of_a_folder(tmp_path):
    for name in ("b.mp4", "a.MOV", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in find_videos([tmp_path, tmp_path / "b.mp4"])] == ["a.MOV", "b.mp4"]


def test_the_training_s_flags_name_videos_and_sets(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "12:30.mp4").write_bytes(b"")
    (tmp_path / "set.toml").write_text('[data]\nsingle_camera = ["tar:old"]\nstrict = false\n')
    words = ["--single-camera", "12:30.mp4", "clips/a,b.mp4", "folders:crops", "--detector", "hog"]
    assert main(["--config", "set.toml", "--print-config", *words]) == 0
    printed = tomllib.loads(capsys.readouterr().out)
    assert printed["data"]["single_camera"] == ["footage:12:30.mp4", "footage:clips/a,b.mp4", "folders:crops"]
    assert printed["data"]["strict"] is False
    assert printed["harvest"]["detector"] == "hog"


def test_a_training_reads_raw_videos(filmed, tmp_path):
    from remix_track.training.data_sets import open_training_data
    from remix_track.training.train_settings import DataSettings, TrainSettings

    video, settings = filmed
    for person in ("anna", "bert"):
        (tmp_path / "people" / person).mkdir(parents=True)
        for camera in ("c1", "c2"):
            cv2.imwrite(str(tmp_path / "people" / person / f"{camera}_1.png"), np.zeros((8, 4, 3), np.uint8))
    data = DataSettings(
        multi_camera=(f"folder:{tmp_path / 'people'}",),
        single_camera=(f"footage:{video}",),
        footage_folder=str(tmp_path / "crops"),
    )
    shown = []
    opened = open_training_data(TrainSettings(data=data, harvest=settings), show=lambda *where: shown.append(where))
    assert opened.single is not None
    assert opened.single.name == "footage gate one.mp4"
    assert len(opened.single) == opened.counts()["single_camera_images"] > 10
    assert opened.single.hidden_identity is None
    assert shown[-1] == ("gate one.mp4", 1, 1, 30, 30)
    assert len(shown) == 30


def test_a_frame_with_too_many_boxes_is_bounded_here_too(tmp_path, caplog):
    video = film(tmp_path / "gate.mp4")
    path = detections(tmp_path / "det.txt")
    crowd = "".join(f"1,-1,{20 + row % 200},100,9,9,0.6\n" for row in range(MOST_BOXES))
    path.write_text(path.read_text() + crowd)
    settings = HarvestSettings(detector=str(path), every=0.25)
    ((_, made),) = harvest([video], tmp_path / "crops", settings)
    assert len(made.tracklets) >= 2  # the two with the better scores are among those that stay
    said = f"frame 1: {MOST_BOXES + 2:,} boxes; only the {MOST_BOXES:,} with the best scores are tracked"
    assert sum(message.startswith(said) for message in caplog.messages) == 1

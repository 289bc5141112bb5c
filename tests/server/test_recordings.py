"""What pages load: video by ranges, single frames, boxes of some seconds; and that no other file can be had."""

import io
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remix_track.detections import Tracks
from remix_track.json_text import json_text
from remix_track.server import recordings, stored
from remix_track.server.stored import StoreCollection, medium_of_source
from remix_track.store import Job, JobSource, open_store
from remix_track.trackers.frame import TrackedFrame
from tests.server.drawn_store import FPS, NOON, Client, box, drawn_store, frames, grey, keys_of
from tests.store.frames import WEIGHTS


@pytest.fixture
def own(tmp_path):
    """A store that a test may change."""
    return drawn_store(tmp_path)


def test_a_video_is_sent_by_ranges(pages, store):
    path = f"/1/video/{keys_of(store)['gate']}"
    whole = pages.get(path)
    assert (whole.status, whole.headers["content-type"], whole.headers["accept-ranges"]) == (200, "video/mp4", "bytes")
    part = pages.get(path, range="bytes=100-199")
    assert part.status == 206
    assert part.content == whole.content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert pages.get(path, range="bytes=99999999-").status == 416
    assert pages.get(path, range="lines=1").status in (200, 400)


def test_a_source_that_is_gone_is_said(pages, store):
    key = keys_of(store)["night"]
    assert pages.get(f"/1/video/{key}").status == 404
    facts = pages.get(f"/1/recording/{key}").json()
    assert facts["how"] == "boxes"
    assert "night.mp4 any more" in facts["why"]


@pytest.mark.parametrize("index", [1, 7, 31, 60])
def test_a_frame_is_that_of_its_number(pages, store, index):
    answer = pages.get(f"/1/frame/{keys_of(store)['gate']}/{index}.jpg")
    image = np.asarray(Image.open(io.BytesIO(answer.content)))
    left, top, right, bottom = box(1, index)
    assert image.shape == (240, 320, 3)
    assert abs(int(image[(top + bottom) // 2, (left + right) // 2].mean()) - grey(1, index)) <= 12


@pytest.mark.parametrize(("index", "status"), [(0, 400), (61, 404), (10**9, 404), (10**10, 400)])
def test_frames_that_are_not_there(pages, store, index, status):
    assert pages.get(f"/1/frame/{keys_of(store)['gate']}/{index}.jpg").status == status


def test_boxes_of_some_seconds(pages, store):
    found = pages.get(f"/1/boxes/{keys_of(store)['gate']}?from=2&to=3").json()
    frames = list(range(21, 31))
    assert found["frame"] == [one for one in frames for _ in (1, 2)]
    assert found["track"] == [1, 2] * 10
    assert found["xyxy"] == [box(track, one) for one in frames for track in (1, 2)]
    assert found["seconds"] == [round((one - 1) / FPS, 4) for one in frames for _ in (1, 2)]
    assert {track: one["person"] for track, one in found["people"].items()} == {"1": 1, "2": 2}
    assert found["people"]["1"]["name"] == "1"
    nobody = pages.get(f"/1/boxes/{keys_of(store)['yard']}?from=4&to=5").json()["people"]["2"]
    assert (nobody["person"], nobody["name"]) == (0, "track 2")


def test_an_answer_with_boxes_is_bounded(pages, store, monkeypatch):
    path = f"/1/boxes/{keys_of(store)['gate']}"
    assert pages.get(f"{path}?from=0&to=999999").json()["to"] == recordings.LONGEST_PIECE
    assert pages.get(f"{path}?from=0&to=60").json()["cut"] is False
    monkeypatch.setattr(recordings, "MOST_BOXES", 99)
    cut = pages.get(f"{path}?from=0&to=60").json()
    assert (cut["cut"], len(cut["frame"]), len(cut["xyxy"])) == (True, 99, 99)


@pytest.mark.parametrize(
    "path",
    [
        "/1/video/..%2f..%2fstore.json",
        "/1/video/../../etc/passwd",
        "/1/video/%2e%2e",
        "/1/crop/../1/0.jpg",
        "/1/crop/{gate}/..%2f..%2f/0.jpg",
        "/1/crop/{gate}/1/..jpg",
        "/1/boxes/{gate}%00",
        "/1/boxes/{gate}/../../people",
        "/1/video/{gate}~0001",
        "/1/recording/%ff",
        "/assets/..%2fapp.py",
        "/assets/%2e%2e/app.py",
        "/assets/people.html",
    ],
)
def test_no_path_leads_out_of_the_store(pages, store, path):
    assert pages.get(path.format(**keys_of(store))).status in (400, 404)


def test_a_crop_that_is_a_link_out_of_the_store_is_not_sent(own, tmp_path):
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"\xff\xd8\xff secret")
    folder = own.path / "jobs" / keys_of(own)["gate"]
    (crop, *_) = sorted((folder / "crops" / "1").iterdir())
    for one in (folder / "crops" / "1").iterdir():
        one.unlink()
        one.symlink_to(secret)
    client = Client(own.path)
    for place in range(3):
        answer = client.get(f"/1/crop/{folder.name}/1/{place}.jpg")
        assert answer.status == 400
        assert b"secret\n" not in answer.content
        assert "leads out of the store" in answer.text
    crop.unlink()
    crop.write_text("<script>")
    assert client.get(f"/1/crop/{folder.name}/1/0.jpg").status in (204, 400)


def test_a_store_that_names_another_file_as_its_source_does_not_send_it(own, tmp_path):
    """What the store says of a path is not believed: the file has to be the one that was tracked."""
    key = keys_of(own)["gate"]
    source = own.job(key).job.source
    assert medium_of_source(source).media_type == "video/mp4"
    other = tmp_path / "other.mp4"
    shutil.copy(tmp_path / "videos" / "yard.mp4", other)
    for wrong in (
        replace(source, absolute=str(other)),
        replace(source, absolute=str(other), size=other.stat().st_size),
        replace(source, absolute="/etc/passwd", size=Path("/etc/passwd").stat().st_size),
        replace(source, absolute="/dev/zero", size=0),
        replace(source, absolute=str(tmp_path), size=4096),
        replace(source, absolute="a\0b"),
        replace(source, digest=""),
    ):
        assert medium_of_source(wrong).path is None
        assert medium_of_source(wrong).why


def test_a_folder_of_images_comes_frame_by_frame(tmp_path, monkeypatch):
    folder = tmp_path / "images"
    folder.mkdir()
    for one in frames("gate"):
        Image.fromarray(one.image).save(folder / f"{one.index:06d}.png")
    store = open_store(tmp_path / "S", create=True)
    made = Job(JobSource.of_path(folder), "gate", weights=WEIGHTS, fps=float(FPS))
    with store.writer(made) as writer:
        for one in frames("gate"):
            writer.add(one)
    client = Client(store.path)
    assert client.get(f"/1/recording/{made.key}").json()["how"] == "frames"
    image = np.asarray(Image.open(io.BytesIO(client.get(f"/1/frame/{made.key}/31.jpg").content)))
    left, top, right, bottom = box(1, 31)
    assert abs(int(image[(top + bottom) // 2, (left + right) // 2].mean()) - grey(1, 31)) <= 3
    assert client.get(f"/1/frame/{made.key}/61.jpg").status in (400, 404)
    monkeypatch.setattr(stored, "_MOST_FILES", 59)
    assert medium_of_source(made.source).path is None, "a store may name the folder of a whole disk"
    monkeypatch.undo()
    (folder / "000001.png").write_bytes(b"another")
    stored._is_source.cache_clear()
    assert medium_of_source(made.source).path is None


def test_a_damaged_job_is_one_line_and_no_fault(own):
    key = keys_of(own)["gate"]
    client = Client(own.path)
    path = own.path / "jobs" / key
    (path / "tracks.parquet").write_bytes(b"PAR1 nonsense")
    assert client.get(f"/1/boxes/{key}").status == 400
    (path / "job.json").write_text(json_text({"format": 1, "job": {}, "result": {}}))
    assert client.get(f"/1/recording/{key}").status == 400


def test_after_a_break_a_camera_goes_on_at_its_own_time(tmp_path):
    """Ten seconds, ten minutes away, and ten seconds more; numbers of frames go on without a break."""
    store = open_store(tmp_path / "S", create=True)
    job = Job(JobSource.live("gate", "rtsp://gate/1", NOON), "gate")
    image = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (240, 320, 3))

    def seen(index, time):
        who, none = np.array([1 if time < 300 else 2]), np.zeros(1, np.int64)
        tracks = Tracks(who, np.array([[10, 10, 50, 120]], np.float32), np.array([0.9], np.float32), none, none)
        return TrackedFrame(index, image, time, tracks, NOON + timedelta(seconds=time))

    with store.live_writer(job, seconds=60.0) as writer:
        for number in range(1, 101):
            writer.write(seen(number, number / 10))
        for number in range(101, 201):
            writer.write(seen(number, 600 + (number - 101) / 10))
    collection = StoreCollection.at(1, store.path)
    spans, boxes = [], 0
    for facts in store.facts():
        one, own = collection.recording(facts.key), store.tracklets(jobs=[facts.key])
        assert one.first_seconds == pytest.approx(own.first_time.min(), abs=0.2)
        assert one.last_seconds == pytest.approx(own.last_time.max(), abs=0.2)
        boxes += len(one.boxes(one.first_seconds, one.last_seconds + 0.1).frame)
        spans.append(one.first_seconds)
    assert max(spans) > 590
    assert boxes == 200

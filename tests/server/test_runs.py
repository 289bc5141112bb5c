"""Folders of runs without a store: their people on the same pages, wherever in the folder the path leads."""

import json
import os
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from remix_track import mot_text
from remix_track.boxes import tlwh_from_xyxy
from remix_track.digests import quick_digest
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.server.library import Library
from tests.server.drawn_store import FPS, HEIGHT, NOON, WIDTH, Client, box, frames, write_video


def write_run(folder, *, camera="gate", video=True, crops=True, source="", first=1, passed_over=()):
    """What `remix-track` leaves of a drawn camera, of its frames from `first` on but for those passed over."""
    folder.mkdir(parents=True)
    kept = [frame for frame in frames(camera) if frame.index >= first and frame.index not in passed_over]
    text = "".join(mot_text.format_frame(one.index, one.ids, tlwh_from_xyxy(one.xyxy), one.scores) for one in kept)
    (folder / "tracks.txt").write_text(text)
    if video:
        write_video(folder / "video.mp4", [one.image for one in kept])
    if crops:
        for one in kept[::10]:
            for track in one.ids.tolist():
                (folder / "crops" / str(track)).mkdir(parents=True, exist_ok=True)
                left, top, right, bottom = box(track, one.index)
                cv2.imwrite(str(folder / f"crops/{track}/{one.index:06d}.jpg"), one.image[top:bottom, left:right])
    part = {
        "part": 1, "frames": len(kept), "first_frame": first, "last_frame": kept[-1].index, "width": WIDTH,
        "height": HEIGHT, "files": ["tracks.txt"],
    }  # fmt: skip
    told = {"path": source or "gone.mp4", "fps": float(FPS), "digest": quick_digest(Path(source))}
    summary = {"source": told, "parts": [part]}
    (folder / "summary.json").write_text(json_text(summary))
    return folder


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "runs" / "gate")


def test_people_of_a_run_are_on_the_same_pages(run):
    client = Client(run)
    text = client.get("/1/people").text
    assert re.findall(r"<b>(.*?)</b>", text) == ["Person 2", "Person 1"]
    assert client.get("/1/picture/1/0.jpg").content.startswith(b"\xff\xd8\xff")
    answer = client.get("/1/person/2")
    (found,) = re.findall(r'data-job="([\w-]+)" data-track="2" data-seconds="([\d.]+)"', answer.text)
    assert found == ("1-tracks", "2.0")
    assert client.get("/1/video/1-tracks").status == 200
    boxes = client.get("/1/boxes/1-tracks?from=2&to=3").json()
    assert boxes["frame"] == [frame for frame in range(21, 31) for _ in (1, 2)]
    assert boxes["xyxy"][0] == box(1, 21)


@pytest.mark.parametrize("inner", [".", "tracks.txt", "video.mp4", "summary.json", "crops"])
def test_a_run_is_taken_wherever_the_path_leads(run, inner):
    if inner == "crops":
        with pytest.raises(InputError, match="neither a store nor a run"):
            Library.of([run / inner])
        return
    assert [one.title for one in Library.of([run / inner]).collections] == ["gate"]


def test_a_folder_of_runs_is_all_of_them_and_linked_ones_are_one(tmp_path):
    for camera in ("gate", "yard"):
        write_run(tmp_path / "runs" / camera, camera=camera, video=False, crops=False)
    found = Library.of([tmp_path / "runs"]).collections
    assert [(one.number, one.title) for one in found] == [(1, "gate"), (2, "yard")]
    client = Client(tmp_path / "runs")
    assert client.get("/2/people").status == 200
    assert 'value="/2/people"' in client.get("/1/people").text
    (tmp_path / "runs" / "link.json").write_text("{}")
    (linked,) = Library.of([tmp_path / "runs"]).collections
    with linked.reading() as connection:
        assert connection.execute("SELECT person, tracklets, cameras FROM people").fetchall() == [(1, 2, 2), (2, 2, 2)]


def test_seconds_are_those_of_what_plays(tmp_path):
    """The run's own video begins with the first frame that was tracked, its source with the first that there is."""
    source = tmp_path / "gate.mp4"
    write_video(source, [one.image for one in frames("gate")])
    own = Library.of([write_run(tmp_path / "own", first=31)]).collections[0].recording("1-tracks")
    assert own.medium.drawn
    assert [own.seconds_of(frame) for frame in (31, 60)] == pytest.approx([0, 2.9])
    assert own.boxes(0, 0.05).frame.tolist() == [31, 31]
    from_source = write_run(tmp_path / "source", first=31, video=False, source=str(source))
    other = Library.of([from_source]).collections[0].recording("1-tracks")
    assert (other.medium.path, other.medium.media_type, other.medium.drawn) == (source, "video/mp4", False)
    assert [other.seconds_of(frame) for frame in (31, 60)] == pytest.approx([3, 5.9])
    assert other.boxes(3, 3.05).frame.tolist() == [31, 31]


def test_the_video_of_a_run_that_passed_frames_over_has_the_length_that_it_has(tmp_path):
    # Of sixty frames the tracker was too slow for 29: what it drew of the others lasts three seconds.
    folder = write_run(tmp_path / "live", passed_over=range(2, 60, 2))
    one = Library.of([folder]).collections[0].recording("1-tracks")
    assert (one.first_frame, one.last_frame, one.fps) == (1, 60, FPS)
    assert [one.seconds_of(frame) for frame in (1, 60)] == pytest.approx([0, 3])
    seconds = one.boxes(0, 10).seconds
    assert (seconds.min(), seconds.max()) == pytest.approx((0, 3))
    # Every second frame of a file is no such case.
    even = write_run(tmp_path / "stride", passed_over=range(2, 61, 2))
    one = Library.of([even]).collections[0].recording("1-tracks")
    assert [one.seconds_of(frame) for frame in (1, 59)] == pytest.approx([0, 29 / (FPS / 2)])


def test_a_source_is_shown_only_if_it_is_what_was_tracked(tmp_path):
    """A summary that was made elsewhere may name any file, and any folder, whose pictures would be sent."""
    source = tmp_path / "gate.mp4"
    write_video(source, [one.image for one in frames("gate")])
    folder = write_run(tmp_path / "run", video=False, source=str(source))
    write_video(source, [one.image for one in frames("yard")])
    medium = Library.of([folder]).collections[0].recording("1-tracks").medium
    assert (medium.path, medium.why) == (None, f"At {source} there is another file now.")
    summary = json.loads((folder / "summary.json").read_text())
    for path, digest, words in ((source, None, "kept no digest"), (tmp_path, "0" * 32, "another file")):
        summary["source"] = {"path": str(path), "fps": 10.0, "digest": digest}
        (folder / "summary.json").write_text(json.dumps(summary))
        medium = Library.of([folder]).collections[0].recording("1-tracks").medium
        assert medium.path is None
        assert words in medium.why


def test_a_camera_that_knew_the_time_of_day_has_it(tmp_path):
    folder = write_run(tmp_path / "live", video=False, crops=False, first=31)
    told = json.loads((folder / "summary.json").read_text())
    told["parts"][0]["first_utc"] = "2026-05-01T12:00:03.000Z"
    (folder / "summary.json").write_text(json_text(told))
    client = Client(folder)
    bars = client.get("/1/person/1/bars?day=2026-05-01").json()
    noon = round(NOON.timestamp() * 1000)
    assert (bars["clock"], bars["first"], bars["last"]) == (True, [noon + 3000], [noon + 5900])
    assert "2026-05-01 12:00:03 – 2026-05-01 12:00:05 UTC" in client.get("/1/people").text


def test_a_run_that_was_killed_has_people_and_no_summary(tmp_path):
    folder = write_run(tmp_path / "killed", video=False, crops=False)
    (folder / "summary.json").unlink()
    client = Client(folder)
    assert "Person 1" in client.get("/1/people").text
    assert client.get("/1/picture/1/0.jpg").status == 204
    facts = client.get("/1/recording/1-tracks").json()
    assert facts["how"] == "boxes"
    assert "does not say what it was tracked from" in facts["why"]


def test_links_out_of_the_folder_are_not_followed(run, tmp_path):
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"\xff\xd8\xff secret")
    for crop in (run / "crops" / "1").iterdir():
        crop.unlink()
        crop.symlink_to(secret)
    assert Client(run).get("/1/crop/1-tracks/1/0.jpg").status == 400
    (run / "video.mp4").unlink()
    (run / "video.mp4").symlink_to(secret)
    with pytest.raises(InputError, match="leads out"):
        Library.of([run])


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_a_folder_whose_name_is_no_utf8_is_written_out(tmp_path):
    folder = write_run(tmp_path / os.fsdecode(b"caf\xe9"), video=False, crops=False)
    client = Client(folder)
    for address in ("/1/people", "/1/doctor", "/1/person/1", "/1/cameras", "/metrics"):
        answer = client.get(address)
        text = answer.text.replace("\\\\", "\\")  # labels of metrics double it
        assert (answer.status, r"caf\xe9" in text) == (200, True), address
    assert client.get("/1/recording/1-tracks").status == 200
    assert client.get("/1/zones").status == 200


def test_no_rows_are_no_people(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "tracks.txt").write_text("")
    answer = Client(folder).get("/1/people")
    assert answer.status == 200
    assert "There are no people here." in answer.text
    assert np.all(Library.of([folder]).collections[0].recording("1-tracks").boxes(0, 9).frame == 0)

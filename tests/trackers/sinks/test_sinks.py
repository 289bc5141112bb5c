"""Text, tables, vectors, crops, window and summary: what is in them, and what is left when the disk is full."""

import contextlib
import csv
import json
import os
import resource
import stat
from typing import Any

import cv2
import numpy as np
import pytest

from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.pipeline.recorder import write_summary
from remix_track.trackers.sinks import window
from remix_track.trackers.sinks.crops import CropSettings, CropSink
from remix_track.trackers.sinks.embeddings import EmbeddingSink
from remix_track.trackers.sinks.live_file import LiveFile
from remix_track.trackers.sinks.mot_text import MotTextSink
from remix_track.trackers.sinks.tables import CsvSink, JsonLinesSink
from remix_track.trackers.sinks.window import WindowClosed, WindowSink


def frame_of(index, people, embedding=None, image=None):
    """`people`: (id, left, top, right, bottom, score); a nan score is a track that coasts."""
    rows = np.array(people, np.float64).reshape(-1, 6)
    detection = np.where(np.isnan(rows[:, 5]), -1, np.arange(len(rows)))
    tracks = Tracks(
        rows[:, 0].astype(np.int64),
        rows[:, 1:5].astype(np.float32),
        rows[:, 5].astype(np.float32),
        np.zeros(len(rows), np.int64),
        detection,
        None if embedding is None else np.array(embedding, np.float32),
    )
    picture = np.zeros((60, 80, 3), np.uint8) if image is None else image
    return TrackedFrame(index, picture, (index - 1) / 10, tracks)


THREE_FRAMES = [
    frame_of(1, [(1, 10, 20, 30.5, 60.25, 0.9), (2, -3, 0, 7, 20, float("nan"))]),
    frame_of(2, []),
    frame_of(3, [(1, 11, 20, 31, 60, 0.8765)]),
]


@contextlib.contextmanager
def file_size_limit(limit):
    """No file of this process may grow beyond so many bytes, as on a full disk; the test's own log neither."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_all(sink, frames=THREE_FRAMES):
    with sink:
        for frame in frames:
            sink.write(frame)


# --- live files


def test_a_piece_is_on_disk_at_once(tmp_path):
    file = LiveFile(tmp_path / "a.txt")
    file.append(b"one\n")
    assert (tmp_path / "a.txt").read_bytes() == b"one\n"
    file.close()
    file.close()
    file.append(b"two\n")
    assert (tmp_path / "a.txt").read_bytes() == b"one\n"


def test_a_piece_without_room_is_cut_off_and_nothing_follows(tmp_path):
    path = tmp_path / "a.txt"
    file = LiveFile(path)
    file.append(b"123456\n")
    with file_size_limit(10), pytest.raises(InputError) as caught:
        file.append(b"abcdef\n")
    assert str(caught.value) == (
        f"{path}: cannot be written (File too large); what came before is whole; make room, run again"
    )
    file.append(b"more\n")
    assert path.read_bytes() == b"123456\n"


def test_what_is_there_is_not_overwritten(tmp_path):
    path = tmp_path / "tracks.txt"
    path.write_text("precious")
    for kind in (LiveFile, MotTextSink, CsvSink, JsonLinesSink):
        with pytest.raises(InputError, match="there is something already; give another `output`"):
            kind(path)
    assert path.read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_one_clear_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        LiveFile(tmp_path / "a.txt")


def test_a_file_in_place_of_the_folder_is_one_clear_error(tmp_path):
    (tmp_path / "out").write_text("")
    for make in (lambda: LiveFile(tmp_path / "out" / "a.txt"), lambda: CropSink(tmp_path / "out" / "crops")):
        with pytest.raises(InputError, match="Not a directory"):
            make()


# --- text and tables


def test_mot_text(tmp_path):
    write_all(MotTextSink(tmp_path / "tracks.txt"))
    assert (tmp_path / "tracks.txt").read_text().splitlines() == [
        "1,1,10.00,20.00,20.50,40.25,0.90,-1,-1,-1",
        "1,2,-3.00,0.00,10.00,20.00,1.00,-1,-1,-1",
        "3,1,11.00,20.00,20.00,40.00,0.88,-1,-1,-1",
    ]


def test_csv(tmp_path):
    write_all(CsvSink(tmp_path / "tracks.csv"))
    with (tmp_path / "tracks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == ["1", "1", "3"]
    assert rows[1] == {
        "frame": "1", "time": "0.000", "id": "2", "class": "0",
        "left": "-3.00", "top": "0.00", "width": "10.00", "height": "20.00", "score": "", "utc": "",
    }  # fmt: skip
    assert rows[2]["time"] == "0.200"
    assert rows[2]["score"] == "0.8765"


def test_json_lines_hold_every_frame(tmp_path):
    write_all(JsonLinesSink(tmp_path / "tracks.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "tracks.jsonl").read_text().splitlines()]
    assert [row["frame"] for row in rows] == [1, 2, 3]
    assert rows[1] == {"frame": 2, "time": 0.1, "tracks": []}
    assert rows[0]["tracks"] == [
        {"id": 1, "class": 0, "left": 10.0, "top": 20.0, "width": 20.5, "height": 40.25, "score": 0.9},
        {"id": 2, "class": 0, "left": -3.0, "top": 0.0, "width": 10.0, "height": 20.0, "score": None},
    ]


@pytest.mark.parametrize("kind", [MotTextSink, CsvSink, JsonLinesSink])
def test_a_frame_without_room_leaves_the_frames_before(tmp_path, kind):
    path, whole = tmp_path / "tracks", tmp_path / "whole"
    write_all(kind(whole))
    people = [(id_, 1, 2, 3, 4, 0.5) for id_ in range(1, 200)]
    sink = kind(path)
    for frame in THREE_FRAMES:
        sink.write(frame)
    with file_size_limit(whole.stat().st_size + 1000), pytest.raises(InputError, match="what came before is whole"):
        sink.write(frame_of(4, people))
    sink.close()
    assert path.read_bytes() == whole.read_bytes()


# --- vectors


def test_vectors_are_averaged_per_track(tmp_path):
    path = tmp_path / "embeddings.npz"
    nan = float("nan")
    sink = EmbeddingSink(path)
    sink.write(frame_of(1, [(7, 0, 0, 9, 9, 0.9), (3, 0, 0, 9, 9, 0.9)], [[1, 0], [0, 1]]))
    sink.write(frame_of(2, []))
    sink.write(frame_of(3, [(7, 0, 0, 9, 9, 0.9), (3, 0, 0, 9, 9, nan)], [[0, 1], [1, 0]]))
    sink.write(frame_of(4, [(7, 0, 0, 9, 9, 0.9), (8, 0, 0, 9, 9, 0.9)], [[0, 0], [nan, 1]]))
    assert not path.exists()
    sink.close()
    sink.close()
    with np.load(path, allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["ids"], [3, 7])
        np.testing.assert_allclose(saved["embedding"], [[0, 1], [0.5**0.5, 0.5**0.5]], atol=1e-7)
        assert saved["embedding"].dtype == np.float32
        np.testing.assert_array_equal(saved["count"], [1, 2])
        np.testing.assert_array_equal(saved["first_frame"], [1, 1])
        np.testing.assert_array_equal(saved["last_frame"], [1, 3])


def test_a_video_without_people_has_an_empty_file_of_vectors(tmp_path):
    write_all(EmbeddingSink(tmp_path / "embeddings.npz"), [frame_of(1, [])])
    with np.load(tmp_path / "embeddings.npz") as saved:
        assert saved["embedding"].shape == (0, 0)
        assert saved["ids"].shape == (0,)


def test_tracks_without_vectors_are_an_error(tmp_path):
    path = tmp_path / "embeddings.npz"
    with pytest.raises(InputError) as caught:
        EmbeddingSink(path).write(THREE_FRAMES[0])
    assert str(caught.value) == f"{path}: there are no appearance vectors to save; give `weights` other than none"


def test_vectors_without_room_leave_no_file(tmp_path):
    sink = EmbeddingSink(tmp_path / "embeddings.npz")
    sink.write(frame_of(1, [(1, 0, 0, 9, 9, 0.9)], np.ones((1, 5000))))
    with (
        file_size_limit(4096),
        pytest.raises(InputError, match=r"embeddings.npz: cannot be written \(File too large\)"),
    ):
        sink.close()
    assert list(tmp_path.iterdir()) == []


# --- crops


def crops_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jpg"))


def test_crops_are_the_pixels_of_the_box_cut_at_the_border(tmp_path):
    image = np.zeros((60, 80, 3), np.uint8)
    image[20:, 50:] = (0, 0, 255)
    write_all(CropSink(tmp_path), [frame_of(12, [(4, 50, 20, 95, 90, 0.9)], image=image)])
    assert crops_of(tmp_path) == ["4/000012.jpg"]
    crop = cv2.imread(str(tmp_path / "4" / "000012.jpg"))
    assert crop is not None
    assert crop.shape == (40, 30, 3)
    assert np.abs(crop.astype(int) - (0, 0, 255)).max() < 8


def test_crops_keep_their_distance_and_their_number(tmp_path):
    people = [(1, 0, 0, 20, 40, 0.9), (2, 20, 0, 40, 40, 0.9), (3, 0, 0, 20, 40, float("nan")), (4, 0, 0, 4, 40, 0.9)]
    frames = [frame_of(index, people) for index in range(1, 21)]
    write_all(CropSink(tmp_path / "a", CropSettings(crops_per_track=3, crops_every=5)), frames)
    assert crops_of(tmp_path / "a") == [f"{id_}/{index:06d}.jpg" for id_ in (1, 2) for index in (1, 6, 11)]
    write_all(CropSink(tmp_path / "b", CropSettings(crops_every=5, crops_in_all=5)), frames)
    assert len(crops_of(tmp_path / "b")) == 5


def test_a_crop_without_room_leaves_no_torn_picture(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    sink = CropSink(tmp_path)
    sink.write(frame_of(1, [(1, 0, 0, 10, 10, 0.9)], image=noise))
    with file_size_limit(1000), pytest.raises(InputError, match=r"000002.jpg: cannot be written \(File too large\)"):
        sink.write(frame_of(2, [(2, 0, 0, 80, 60, 0.9)], image=noise))
    assert crops_of(tmp_path) == ["1/000001.jpg"]


def test_a_crop_that_is_there_is_not_overwritten(tmp_path):
    frame = frame_of(1, [(1, 0, 0, 20, 20, 0.9)])
    CropSink(tmp_path).write(frame)
    with pytest.raises(InputError, match="there is something already"):
        CropSink(tmp_path).write(frame)
    assert crops_of(tmp_path) == ["1/000001.jpg"]


@pytest.mark.parametrize(
    ("name", "value"), [("crops_per_track", 0), ("crops_every", 0), ("crops_in_all", 0), ("crop_quality", 101)]
)
def test_crop_settings_are_checked(name, value):
    with pytest.raises(InputError, match=f"^{name} = {value}; expected"):
        CropSettings(**{name: value})


# --- window


def test_without_a_screen_the_window_is_one_clear_error(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=r"`show`: no window can be opened here"):
        WindowSink(lambda frame: frame.image)


@pytest.fixture
def screen(monkeypatch):
    """A screen that notes what it shows, and a key to press."""
    seen: dict[str, Any] = {"shown": [], "key": -1, "visible": 1.0, "windows": 0}
    monkeypatch.setattr(window, "_can_open_windows", lambda: True)
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: seen.update(windows=seen["windows"] + 1))
    monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "imshow", lambda _, image: seen["shown"].append(image))
    monkeypatch.setattr(cv2, "waitKey", lambda _: seen["key"])
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: seen["visible"])
    monkeypatch.setattr(cv2, "destroyWindow", lambda title: seen.update(windows=seen["windows"] - 1))
    return seen


@pytest.mark.parametrize("end", [{"key": ord("q")}, {"key": 27}, {"visible": 0.0}], ids=["q", "Esc", "button"])
def test_the_window_shows_what_is_drawn_until_it_is_closed(screen, end):
    with WindowSink(lambda frame: frame.image + 1) as sink:
        sink.write(THREE_FRAMES[0])
        screen["key"] = ord("x")
        sink.write(THREE_FRAMES[1])
        assert (screen["windows"], screen["shown"][0].min()) == (1, 1)
        screen.update(end)
        with pytest.raises(WindowClosed):
            sink.write(THREE_FRAMES[2])
    assert len(screen["shown"]) == (2 if "visible" in end else 3), "what the button closed is not opened again"
    assert screen["windows"] == 0


def test_a_large_picture_gets_a_window_that_fits():
    assert window._fitting(3840, 2160) == (1600, 900)
    assert window._fitting(768, 576) == (768, 576)
    assert window._fitting(1080, 1920) == (506, 900)


# --- summary


def test_summary_is_plain_json(tmp_path):
    path = tmp_path / "summary.json"
    write_summary(path, {
        "source": tmp_path / "é.mp4", "frames": np.int64(795), "fps": float("nan"), "boxes": np.arange(2.0),
        "stages": {"read": 1.5, 3: (True, None)},
    })  # fmt: skip
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "source": str(tmp_path / "é.mp4"),
        "frames": 795,
        "fps": None,
        "boxes": [0.0, 1.0],
        "stages": {"read": 1.5, "3": [True, None]},
    }
    assert stat.S_IMODE(path.stat().st_mode) & 0o400


def test_a_summary_that_cannot_be_said_in_json_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        write_summary(tmp_path / "summary.json", {"tracker": object()})
    assert list(tmp_path.iterdir()) == []

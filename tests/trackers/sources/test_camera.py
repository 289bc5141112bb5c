import threading
import time

import cv2
import pytest

from remix_track.errors import InputError
from remix_track.trackers.sources import StreamSettings, camera, open_source
from tests.footage import read_stamp, stamped


class Capture:
    """Stands for a webcam that gives `frames` images and is then unplugged."""

    frames, fps, present, opened = 5, 15.0, True, 0
    last: "Capture"

    def __init__(self, index):
        self.index, self.position, self.released = index, 0, False
        Capture.last = self

    def isOpened(self):  # noqa: N802
        return self.present

    def get(self, _):
        return self.fps

    def grab(self):
        self.position += 1
        return self.position <= self.frames

    def retrieve(self):
        return True, stamped(self.position)

    def release(self):
        self.released = True


ONCE = StreamSettings(reconnect_tries=0)
QUICK = StreamSettings(reconnect_wait=0.001, reconnect_longest_wait=0.001)


@pytest.fixture
def webcam(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    monkeypatch.setattr(camera, "_MISS_SECONDS", 0)
    return Capture


def test_a_camera_that_comes_back_goes_on(webcam, monkeypatch, caplog):
    """Unplugged after five images, plugged in again when it was tried for the third time; then once more."""
    opened = []

    def is_opened(self):
        opened.append(self)
        return len(opened) % 3 == 1

    monkeypatch.setattr(webcam, "isOpened", is_opened)
    with open_source(0, frames=12, stream=QUICK) as source:
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(1, 13))
    assert [read_stamp(frame.image) for frame in frames] == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2]
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    assert all(frame.utc and abs(time.time() - frame.utc.timestamp()) < 60 for frame in frames)
    assert (source.problems, source.broke_off) == ([], None)
    assert len(source.warnings) == 1
    assert source.warnings[0].startswith("camera 0: broke off and came back 2 times, and was away for ")
    assert all(capture.released for capture in opened[:-1])
    assert "camera 0: broke off after frame 5 (it gave no more images; was it unplugged?)" in caplog.text


def test_a_camera_that_stays_away_is_waited_for_until_the_user_ends_it(webcam, monkeypatch):
    tries = threading.Event()

    def is_opened(self):
        if Capture.opened >= 50:
            tries.set()
        Capture.opened += 1
        return Capture.opened == 1

    monkeypatch.setattr(Capture, "opened", 0)
    monkeypatch.setattr(webcam, "isOpened", is_opened)
    source = open_source(0, stream=QUICK)
    frames: list[object] = []
    thread = threading.Thread(target=lambda: frames.extend(source))
    thread.start()
    assert tries.wait(20)
    source.close()
    thread.join(20)
    assert not thread.is_alive()
    assert len(frames) == 5
    assert (source.problems, source.broke_off) == ([], None)


@pytest.mark.parametrize("what", [2, "2", "/dev/video2"])
def test_a_camera_gives_frames_until_it_is_unplugged(webcam, what):
    with open_source(what, stream=ONCE) as source:
        frames = list(source)
    assert (source.name, source.path, source.live, source.fps, source.frames) == (
        "camera-2",
        "camera 2",
        True,
        15,
        None,
    )
    assert [frame.index for frame in frames] == [read_stamp(frame.image) for frame in frames] == [1, 2, 3, 4, 5]
    assert frames[0].time == 0
    why = "the camera broke off after frame 5 (it gave no more images; was it unplugged?)"
    assert source.problems == [why]
    assert source.broke_off == why
    assert Capture.last.released


def test_a_camera_is_given_back_by_the_thread_that_waits_for_it(webcam, monkeypatch):
    waits, plugged_in = threading.Event(), threading.Event()

    def hang(self):
        waits.set()
        return plugged_in.wait(20)

    monkeypatch.setattr(Capture, "grab", hang)
    source = open_source(0)
    frames: list[object] = []
    thread = threading.Thread(target=lambda: frames.extend(source))
    thread.start()
    waits.wait(20)
    source.close()
    assert not Capture.last.released, "releasing it under a read may crash"
    plugged_in.set()
    thread.join(20)
    assert Capture.last.released
    assert source.problems == []


def test_a_camera_stops_where_the_user_says(webcam, monkeypatch):
    monkeypatch.setattr(webcam, "frames", 10**9)
    with open_source(0, start=2, stride=3, frames=3) as source:
        assert [frame.index for frame in source] == [2, 5, 8]
    assert source.problems == []


def test_a_camera_that_does_not_tell_its_rate(webcam, monkeypatch):
    monkeypatch.setattr(webcam, "fps", 0.0)
    with open_source(0) as source:
        assert (source.fps, source.fps_known) == (30, False)


def test_a_camera_that_never_gives_a_picture(webcam, monkeypatch):
    monkeypatch.setattr(webcam, "frames", 0)
    with (
        pytest.raises(InputError, match=r"camera 0: not one frame could be read \(the camera broke off after frame 0"),
        open_source(0) as source,
    ):
        list(source)


def test_no_camera_is_one_line(capfd):
    with pytest.raises(InputError, match="camera 97: cannot be opened; this machine has"):
        open_source(97)
    assert capfd.readouterr() == ("", "")
    for index in (-1, "123456789"):
        with pytest.raises(InputError, match="no such index; they count from 0"):
            open_source(index)

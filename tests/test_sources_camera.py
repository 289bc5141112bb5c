import threading

import cv2
import pytest

from remix_track.errors import InputError
from remix_track.trackers.sources import camera, open_source
from tests.footage import read_stamp, stamped


class Capture:
    """Stands for a webcam that gives `frames` pictures and is then unplugged."""

    frames, fps, present = 5, 15.0, True
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


@pytest.fixture
def webcam(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    monkeypatch.setattr(camera, "_MISS_SECONDS", 0)
    return Capture


@pytest.mark.parametrize("what", [2, "2", "/dev/video2"])
def test_a_camera_gives_frames_until_it_is_unplugged(webcam, what):
    with open_source(what) as source:
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
    assert source.problems == ["the camera gave no more pictures after frame 5; was it unplugged?"]
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
        pytest.raises(InputError, match=r"camera 0: not one frame could be read \(the camera gave no more"),
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

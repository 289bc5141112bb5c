"""A run gives the same tracks on one thread and on several, fails at the frame that fails, and ends its threads."""

import contextlib
import itertools
import threading
import time
from typing import Any

import numpy as np
import pytest

from remix_track.detections import Detections
from remix_track.trackers.association.settings import DeepSortSettings
from remix_track.trackers.frame import Frame
from remix_track.trackers.pipeline.detect_and_embed import DetectAndEmbed, FrameProcessor
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.pipeline.session import Session
from remix_track.trackers.settings import AppearanceSettings, DetectorSettings, TrackSettings
from remix_track.trackers.sources import open_source
from remix_track.trackers.stage_clock import StageClock
from remix_track.trackers.tracker import Tracker
from tests.test_ordered_workers import keep, workers_alive

PATIENCE = 20


class Film:
    """A source of made images, each its own shade."""

    name = path = "film"
    fps = 25.0
    stride = 1

    def __init__(self, frames=40, broken_at=None, live=False):
        self._frames, self._broken_at = frames, broken_at
        self.live = live
        self.closed = False
        self.frames_read = 0

    def __iter__(self):
        for index in range(1, self._frames + 1):
            self.frames_read += 1
            if index == self._broken_at:
                raise OSError("no disk")
            image = np.full((96, 160, 3), index, np.uint8)
            yield Frame(index, image, index / 25)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.closed = True


class Finder:
    """People that walk and wobble; what it finds depends on the image alone, and takes its time."""

    name, dropped = "finder", 0

    def __init__(self, fails_at=None):
        self._fails_at = fails_at

    def __call__(self, frame):
        time.sleep(0.001 * (frame.index % 3))
        if frame.index == self._fails_at:
            raise ValueError(f"frame {frame.index}")
        shade = int(frame.image[0, 0, 0])
        chance = np.random.default_rng(shade)
        left = np.array([10 + 2 * shade, 130 - 2 * shade, 70], np.float32) + chance.normal(0, 1, 3).astype(np.float32)
        xyxy = np.stack([left, np.full(3, 30), left + 18, np.full(3, 80)], axis=1).astype(np.float32)
        return Detections(xyxy, np.array([0.9, 0.8, 0.7 if shade % 7 else 0.3]), np.zeros(3, np.int64))


class Colours:
    """Vectors that say where a box is, as if each person wore another colour."""

    width, max_cosine_distance = 8, 0.3
    description = {"name": "colours"}  # noqa: RUF012 - as the Protocol has it

    def __call__(self, image, xyxy):
        vectors = np.abs(np.sin(xyxy[:, :1] / 60 + np.arange(8))).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_real_footage_gives_the_same_tracks_on_one_thread_and_on_two(shared):
    settings = TrackSettings(
        DetectorSettings(detector=str(shared("weights/yolo11n.pt"))),
        AppearanceSettings(weights=str(shared("weights/osnet_x0_25_msmt17.onnx"))),
    )
    video = shared("data/pets09-s2l1/video.avi")
    runs = [Session(settings, threads=threads).run(open_source(video, frames=40)) for threads in (1, 2)]
    serial, overlapped = ([content(frame) for frame in run] for run in runs)
    assert len(serial) == 40
    assert runs[0].boxes > 100
    assert overlapped == serial


def run_over(film, workers, ahead, fails_at=None):
    tracker = Tracker.around(Colours(), fps=25, settings=DeepSortSettings())

    def processor():
        return FrameProcessor(Finder(fails_at), Colours(), min_confidence=0.5, clock=tracker.clock)

    perception = DetectAndEmbed(processor(), lambda: [processor] * (workers - 1), ahead=ahead)
    return Run(film, perception, tracker, fps=25)


def content(frame):
    return [array.tobytes() for array in (frame.image, frame.ids, frame.xyxy, frame.scores, frame.embeddings)]


@pytest.mark.parametrize(("workers", "ahead"), [(1, 3), (2, 4), (4, 6)])
def test_tracks_are_those_of_the_serial_run_bit_for_bit(workers, ahead):
    serial, overlapped = run_over(Film(), 1, 0), run_over(Film(), workers, ahead)
    expected, got = list(serial), list(overlapped)
    assert len(expected) == 40
    assert any(len(frame.ids) == 3 for frame in expected)
    assert [frame.index for frame in got] == [frame.index for frame in expected]
    assert [content(frame) for frame in got] == [content(frame) for frame in expected]
    assert (overlapped.frames, overlapped.boxes, overlapped.people) == (serial.frames, serial.boxes, serial.people)
    assert list(overlapped.seconds) == ["read", "detect", "embed", "associate", "camera"]
    assert overlapped.seconds["detect"] >= 0.039, "the time of all threads is counted"


@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (1, 3), (2, 4)])
def test_a_detector_that_fails_ends_the_run_at_its_frame(workers, ahead):
    film, got = Film(), list[int]()
    run = run_over(film, workers, ahead, fails_at=12)
    with pytest.raises(ValueError, match="frame 12"):
        keep(((frame.index, frame) for frame in run), got)
    assert got == list(range(1, 12))
    assert run.frames == 11
    assert film.closed
    assert not workers_alive()


@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (2, 4)])
def test_a_source_that_fails_ends_the_run_at_its_frame(workers, ahead):
    run, got = run_over(Film(broken_at=9), workers, ahead), list[int]()
    with pytest.raises(OSError, match="no disk"):
        keep(((frame.index, frame) for frame in run), got)
    assert got == list(range(1, 9))


def test_threads_are_gone_when_the_loop_is_left():
    for frame in run_over(Film(), 2, 4):
        if frame.index == 5:
            break
    assert not workers_alive()


@pytest.mark.parametrize(("live", "threads", "held"), [(True, 2, 0), (True, 1, 0), (False, 1, 0), (False, 2, 3)])
def test_of_a_camera_no_frame_is_read_before_it_is_due(tmp_path, live, threads, held):
    (tmp_path / "det.txt").write_text("")
    settings = TrackSettings(DetectorSettings(detector=str(tmp_path / "det.txt")), AppearanceSettings(weights="none"))
    film: Any = Film(live=live)
    run = Session(settings, threads=threads).run(film)
    assert max(film.frames_read - frame.index for frame in run) == held


@pytest.fixture
def twenty(tmp_path, monkeypatch):
    """Runs on twenty threads, and the threads that each encoder was loaded with after the first, which has 20 // 8."""
    (tmp_path / "det.txt").write_text("")
    given: list[int] = []

    def load_embedder(weights, *, threads, **others):
        given.append(threads)
        return Colours()

    monkeypatch.setattr("remix_track.encoder.load.load_embedder", load_embedder)
    monkeypatch.setattr("remix_track.openvino_runtime.is_usable", lambda: True)
    runs = Session(TrackSettings(DetectorSettings(detector=str(tmp_path / "det.txt"))), threads=20)
    given.clear()
    return runs, given


@pytest.mark.parametrize("live", [False, True])
def test_threads_are_shared_out_and_never_more_than_given(twenty, live):
    runs, given = twenty
    film: Any = Film(frames=3, live=live)
    list(runs.run(film))
    assert given == ([20] if live else [2] * 7)


@pytest.mark.parametrize(("cameras", "loaded"), [(1, [20]), (3, [6] * 3), (50, [2] * 7)])
def test_cameras_share_out_all_threads(twenty, cameras, loaded):
    runs, given = twenty
    networks = runs.network_pool(cameras)
    with networks.borrow():
        pass
    assert given == loaded
    with contextlib.ExitStack() as stack:
        pairs = {id(stack.enter_context(networks.borrow())) for _ in range(min(cameras, 8))}
    assert len(pairs) == min(cameras, 8)


def test_a_clock_counts_all_threads(monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr("remix_track.trackers.stage_clock.time.perf_counter", lambda: float(next(ticks)))
    clock = StageClock("detect")

    def work():
        for _ in range(2000):
            with clock("detect"):
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.seconds["detect"] >= 4 * 2000

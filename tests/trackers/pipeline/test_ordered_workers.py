"""Several frames under way at once: the order, the errors and the results of a plain loop, in bounded room."""

import contextlib
import itertools
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from remix_track.detections import Detections
from remix_track.trackers.association.settings import DeepSortSettings
from remix_track.trackers.frame import Frame
from remix_track.trackers.pipeline.detect_and_embed import DetectAndEmbed, FrameProcessor
from remix_track.trackers.pipeline.ordered_workers import map_ordered
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.pipeline.session import Session
from remix_track.trackers.settings import AppearanceSettings, DetectorSettings, TrackSettings
from remix_track.trackers.sources import open_source
from remix_track.trackers.stage_clock import StageClock
from remix_track.trackers.tracker import Tracker

PATIENCE = 20


class Gates:
    """Work that ends when the test says so: `Gates()(item)` waits until the item's gate is open."""

    def __init__(self):
        self.open = [threading.Event() for _ in range(20)]
        self.begun = [threading.Event() for _ in range(20)]

    def __call__(self, item):
        self.begun[item].set()
        assert self.open[item].wait(PATIENCE)
        return -item


def keep(seen, got):
    """Collect the items as far as they come."""
    for item, _ in seen:
        got.append(item)


def double(item):
    time.sleep(0.001 * (item % 3))
    return 2 * item


@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (1, 3), (2, 4), (3, 3), (4, 9)])
@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_results_come_as_from_a_plain_loop(workers, ahead, count):
    seen = map_ordered(iter(range(count)), double, lambda: [lambda: double] * (workers - 1), ahead=ahead)
    assert list(seen) == [(item, 2 * item) for item in range(count)]


def test_one_that_is_done_early_waits_for_its_turn():
    work = Gates()
    for item in (0, 2, 3):
        work.open[item].set()
    seen = map_ordered(iter(range(4)), work, lambda: [lambda: work], ahead=3)
    assert next(seen) == (0, 0)

    def open_late():
        work.begun[3].wait(PATIENCE)
        work.open[1].set()

    helper = threading.Thread(target=open_late)
    helper.start()
    assert list(seen) == [(1, -1), (2, -2), (3, -3)], "item 3 was done before item 1"
    helper.join()


@pytest.mark.parametrize(("workers", "ahead"), [(1, 2), (2, 4), (3, 5)])
def test_no_more_is_read_than_the_window_holds(workers, ahead):
    read: list[int] = []

    def items():
        for item in range(30):
            read.append(item)
            yield item

    seen = map_ordered(items(), double, lambda: [lambda: double] * (workers - 1), ahead=ahead)
    held = [len(read) - taken for taken, _ in enumerate(seen, 1)]
    assert len(held) == 30
    assert max(held) == ahead - 1


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_each_worker_does_one_thing_at_a_time(workers):
    def worker():
        alone = threading.Lock()

        def work(item):
            assert alone.acquire(blocking=False)
            time.sleep(0.001)
            alone.release()
            return item

        return work

    seen = map_ordered(iter(range(60)), worker(), lambda: [worker] * (workers - 1), ahead=workers + 2)
    for item, _ in seen:
        assert len(workers_alive()) == (0 if item == 0 else workers)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("ahead", [0, 4])
def test_an_error_comes_at_its_item(workers, ahead):
    def work(item):
        if item == 5:
            raise KeyError(item)
        return item

    got: list[int] = []
    with pytest.raises(KeyError, match="5"):
        keep(map_ordered(iter(range(20)), work, lambda: [lambda: work] * (workers - 1), ahead=ahead), got)
    assert got == [0, 1, 2, 3, 4]


def test_a_worker_that_cannot_be_made_says_so():
    def make():
        raise MemoryError("no room for another")

    got: list[int] = []
    with pytest.raises(MemoryError, match="no room for another"):
        keep(map_ordered(itertools.count(), double, lambda: [make], ahead=3), got)
    assert got == list(range(len(got)))
    assert not workers_alive()


@pytest.mark.parametrize("ahead", [0, 4])
def test_an_error_of_reading_comes_after_what_was_read(ahead):
    def items():
        yield from range(5)
        raise OSError("unplugged")

    got: list[int] = []
    with pytest.raises(OSError, match="unplugged"):
        keep(map_ordered(items(), double, lambda: [lambda: double], ahead=ahead), got)
    assert got == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("ahead", [0, 4])
def test_an_interruption_while_reading_comes_at_once(ahead):
    def items():
        yield from range(3)
        raise KeyboardInterrupt

    got: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        keep(map_ordered(items(), double, lambda: [lambda: double], ahead=ahead), got)
    assert got == ([0, 1, 2] if ahead == 0 else [0])


def workers_alive():
    return [thread for thread in threading.enumerate() if thread.name.startswith("remix-track worker")]


def test_leaving_early_ends_the_threads():
    begun = []

    def work(item):
        begun.append(item)
        return item

    seen = map_ordered(itertools.count(), work, lambda: [lambda: work], ahead=4)
    assert [next(seen) for _ in range(3)] == [(0, 0), (1, 1), (2, 2)]
    assert len(workers_alive()) == 2
    seen.close()
    assert not workers_alive()
    assert max(begun) <= 2 + 4


def test_a_worker_that_hangs_does_not_keep_the_caller(monkeypatch):
    monkeypatch.setattr("remix_track.trackers.pipeline.ordered_workers._STOP_SECONDS", 0.05)
    work = Gates()
    work.open[0].set()
    seen = map_ordered(iter(range(4)), work, lambda: [lambda: work], ahead=2)
    next(seen)
    threading.Timer(0.05, work.open[1].set).start()
    assert next(seen) == (1, -1)
    seen.close()
    assert workers_alive(), "the one that waits at item 2"
    for gate in work.open:
        gate.set()
    for thread in workers_alive():
        thread.join(PATIENCE)


class Film:
    """A source of made pictures, each its own shade."""

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
    """People that walk and wobble; what it finds depends on the picture alone, and takes its time."""

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


def test_a_loop_left_early_ends_its_work_before_the_process(tmp_path):
    program = """
import pathlib, sys, threading, time
from remix_track.trackers.pipeline.ordered_workers import map_ordered
begun = threading.Event()
def work(item):
    if item:
        begun.set()
        time.sleep(0.5)
        pathlib.Path(sys.argv[1]).touch()
results = map_ordered(iter(range(9)), work, ahead=2)
next(results)
threading.Thread(target=lambda: next(results), daemon=True).start()
begun.wait(30)
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "done")], check=True, timeout=60)
    assert (tmp_path / "done").exists()


def test_a_stop_waits_for_the_worker_that_is_being_made_and_makes_no_other():
    begun, made, go = threading.Event(), list[int](), threading.Event()

    def make(number):
        begun.set()
        assert go.wait(PATIENCE)
        made.append(number)
        return double

    results = map_ordered(
        iter(range(9)), double, lambda: [partial(make, 1), partial(make, 2), partial(make, 3)], ahead=4
    )
    next(results)
    next(results)
    assert begun.wait(PATIENCE)
    threading.Timer(2.5, go.set).start()  # longer than a stop waits for items
    results.close()
    assert len(made) == 1
    assert not workers_alive()


def test_workers_are_made_one_at_a_time():
    making, most = list[None](), list[int]()

    def make():
        making.append(None)
        most.append(len(making))
        time.sleep(0.01)
        making.pop()
        return double

    seen = map_ordered(iter(range(60)), double, lambda: [make] * 4, ahead=6)
    assert [result for _, result in seen] == [2 * item for item in range(60)]
    assert set(most) == {1}


def test_a_result_is_waited_for_where_a_signal_may_raise():
    """Not inside `threading`: one of its waits that a signal's exception cuts short fails with an error of its own."""
    caller, where = threading.get_ident(), list[str]()

    def look(item):
        if item:
            time.sleep(0.2)
            where.append(Path(sys._current_frames()[caller].f_code.co_filename).name)
        return item

    assert [result for _, result in map_ordered(iter(range(2)), look, ahead=2)] == [0, 1]
    assert where == ["ordered_workers.py"]

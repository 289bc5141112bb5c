"""Several cameras at once: each in order, none waiting for another, and whole files however they end."""

import contextlib
import json
import threading
import time
from functools import partial
from queue import SimpleQueue
from types import SimpleNamespace

import numpy as np
import pytest

from remix_track import mot_text
from remix_track.cli.main import main
from remix_track.detections import Detections
from remix_track.store import open_store
from remix_track.trackers.association.settings import DeepSortSettings
from remix_track.trackers.pipeline import record_cameras
from remix_track.trackers.pipeline.detect_and_embed import FrameProcessor
from remix_track.trackers.pipeline.live_sources import LiveDetectAndEmbed, NetworkPool, Networks
from remix_track.trackers.pipeline.outputs import Outputs
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.sources import is_live
from remix_track.trackers.tracker import Tracker
from tests.trackers.pipeline.test_run import Colours, Film, Finder, content, run_over
from tests.trackers.sources.test_stream import send_images, serve

PATIENCE = 20


def run_beside(film, networks, on_ready):
    tracker = Tracker.around(Colours(), fps=25, settings=DeepSortSettings())

    def processor(detector, embedder):
        return FrameProcessor(detector, embedder, min_confidence=0.5, clock=tracker.clock)

    return Run(film, LiveDetectAndEmbed(networks, processor, on_ready), tracker, fps=25)


def networks_for(count):
    def make():
        return Networks(Finder(), Colours())

    return NetworkPool(make(), lambda: [make] * (count - 1))


def test_the_others_are_made_once_when_the_first_frame_is_seen():
    made = []

    def make():
        made.append(Networks(Finder(), None))
        return made[-1]

    networks = NetworkPool(Networks(Finder(), None), lambda: [make] * 2)
    with pytest.raises(ValueError, match="first"), networks.borrow():
        raise ValueError("first")
    with networks.borrow() as pair:
        assert pair is networks.first
        assert not made
    assert len(made) == 2
    with contextlib.ExitStack() as stack:
        at_once = [stack.enter_context(networks.borrow()) for _ in range(3)]
    assert {id(pair) for pair in at_once} == {id(pair) for pair in [networks.first, *made]}
    assert len(made) == 2


def cameras_alive():
    return [thread for thread in threading.enumerate() if thread.name == "remix-track camera"]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_camera_gets_the_tracks_that_it_would_get_alone(count):
    expected = [content(frame) for frame in run_over(Film(), 1, 0)]
    networks, due = networks_for(count), SimpleQueue[int]()
    films = [Film(), Film(), Film()]
    runs = [run_beside(film, networks, partial(due.put, number)) for number, film in enumerate(films)]
    for run in runs:
        run.begin()
    under_way = dict(enumerate(map(iter, runs)))
    got: dict[int, list[list[bytes]]] = {number: [] for number in under_way}
    while under_way:
        number = due.get(timeout=PATIENCE)
        try:
            got[number].append(content(next(under_way[number])))
        except StopIteration:
            del under_way[number]
    assert list(got.values()) == [expected] * 3
    assert all(film.closed for film in films)
    assert not cameras_alive()


def test_a_camera_that_hangs_does_not_hold_up_the_others():
    plugged_in = threading.Event()

    class Hangs(Film):
        def __iter__(self):
            yield from super().__iter__()
            plugged_in.wait(PATIENCE)

    networks, due = networks_for(1), SimpleQueue[str]()
    films = {"hanging": Hangs(frames=2), "other": Film(frames=30)}
    runs = {}
    for name, film in films.items():
        run = run_beside(film, networks, partial(due.put, name))
        run.begin()
        runs[name] = iter(run)
    seen = list[str]()
    while seen.count("other") < 30 or seen.count("hanging") < 2:
        seen.append(due.get(timeout=PATIENCE))
        next(runs[seen[-1]])
    plugged_in.set()
    for name in sorted(due.get(timeout=PATIENCE) for _ in runs):
        with pytest.raises(StopIteration):
            next(runs[name])


def test_at_most_one_frame_waits():
    film = Film()
    held = []
    for frame in run_beside(film, networks_for(1), lambda: None):
        time.sleep(0.005)
        held.append(film.frames_read - frame.index)
    assert len(held) == 40
    assert max(held) <= 1


def test_a_camera_that_breaks_ends_its_own_run_at_its_frame():
    got = list[int]()
    with pytest.raises(OSError, match="no disk"):
        got.extend(frame.index for frame in run_beside(Film(broken_at=9), networks_for(2), lambda: None))
    networks = networks_for(1)
    networks.first.detector._fails_at = 12
    run = run_beside(Film(), networks, lambda: None)
    with pytest.raises(ValueError, match="frame 12"):
        list(run)
    assert run.frames == 11
    assert next(iter(run_beside(Film(frames=3), networks, lambda: None))), "what failed was given back"


def test_threads_are_gone_when_the_loop_is_left_or_was_never_begun():
    run = run_beside(Film(), networks_for(2), lambda: None)
    assert not cameras_alive()
    run.begin()
    assert cameras_alive()
    run.close()
    assert not cameras_alive()
    run = run_beside(Film(), networks_for(2), lambda: None)
    frames = iter(run)
    next(frames)
    frames.close()
    assert not cameras_alive()


def test_cameras_that_hang_are_waited_for_together(monkeypatch):
    monkeypatch.setattr("remix_track.trackers.pipeline.live_sources._JOIN_SECONDS", 0.5)
    plugged_in = threading.Event()

    class Hangs(Film):
        def __iter__(self):
            plugged_in.wait(PATIENCE)
            yield from super().__iter__()

    runs = [run_beside(Hangs(), networks_for(1), lambda: None) for _ in range(4)]
    for run in runs:
        run.begin()
    now = [100.0]  # waiting for a thread that hangs takes all the time that it is given, and nothing else takes any
    waited = []

    def hangs(_, seconds):
        waited.append(seconds)
        now[0] += seconds

    with monkeypatch.context() as patch:
        patch.setattr("remix_track.trackers.pipeline.live_sources.time", SimpleNamespace(monotonic=lambda: now[0]))
        patch.setattr(threading.Thread, "join", hangs)
        for run in runs:
            run.stop()
        for run in runs:
            run.close()
    assert waited == [0.5, 0, 0, 0]
    plugged_in.set()
    for thread in cameras_alive():
        thread.join(PATIENCE)


def test_boxes_that_were_dropped_are_counted_for_the_camera_that_had_them():
    class Drops(Finder):
        dropped = 0

        def __call__(self, frame):
            self.dropped += frame.image[0, 0, 0] == 1
            return Detections.empty()

    networks = NetworkPool(Networks(Drops(), None))
    runs = [run_beside(Film(frames=2), networks, lambda: None) for _ in range(3)]
    assert [len(list(run)) for run in runs] == [2, 2, 2]
    assert [run.detect_and_embed.dropped for run in runs] == [1, 1, 1]
    assert networks.first.detector.dropped == 3


@pytest.mark.parametrize(
    ("what", "live"),
    [
        (0, True),
        ("0", True),
        ("/dev/video1", True),
        ("RTSP://camera/1", True),
        ("./0", False),
        ("a.mp4", False),
        ("http://host/a.mp4", False),
    ],
)
def test_cameras_are_known_by_name(what, live):
    assert is_live(what) == live


# --- the command


def paced(numbers, go_on=None):
    for place, number in enumerate(numbers):
        if place == 20 and go_on is not None:
            go_on.wait(PATIENCE)
        time.sleep(0.005)
        yield number


@pytest.fixture
def go_on():
    """While it is not set, no stream gets beyond its 20th image."""
    event = threading.Event()
    event.set()
    return event


@pytest.fixture
def streams(monkeypatch, go_on):
    """Tracks the streams `/a`, `/b`, ... of images without end, or as many as asked for; gives the exit code."""
    monkeypatch.setattr("remix_track.trackers.detectors.find_detector.find_detector", lambda *_, **__: Finder())

    gone, asked = set[str](), list[str]()

    def answer(handler, _):
        if handler.path.strip("/") in gone:
            handler.send_error(404)
        elif "short" in handler.path:
            # The first connection only asks what it is.
            gone.update(["short-b"] if handler.path in asked else [])
            asked.append(handler.path)
            send_images(handler, range(5))
        else:
            send_images(handler, paced((number % 200 for number in range(10_000)), go_on))

    def track(tmp_path, *words, names="ab", missing=""):
        gone.update(missing)
        addresses = [f"{url}/{name}" for name in names]
        return main([*addresses, "--output", str(tmp_path / "out"), "--weights", "none", "--quiet", *words])

    with serve(answer) as (url, _):
        yield track


def summaries(tmp_path):
    found = sorted((tmp_path / "out").glob("*/summary.json"))
    return {path.parent.name[-1]: json.loads(path.read_text()) for path in found}


def test_live_streams_are_tracked_at_once(streams, go_on, tmp_path, capsys):
    # One after another, the second would wait for the end of the first.
    order, write = [], Outputs.write

    def noted(self, frame):
        order.append(self.folder.name[-1])
        write(self, frame)
        if {*order} == {"a", "b", "c"}:
            go_on.set()

    go_on.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Outputs, "write", noted)
        assert streams(tmp_path, "--frames", "30", names="abc") == 0
    # No stream goes beyond its 20th image before all have been seen.
    assert max(map(order.index, "abc")) < len(order) - 1 - max(map(order[::-1].index, "abc"))
    for name, summary in summaries(tmp_path).items():
        # Images that came while the tracker was busy are passed over; they have numbers too.
        assert (summary["frames"], summary["ended"]) == (order.count(name), "complete")
        assert 3 < summary["frames"] <= 30
    for path in (tmp_path / "out").glob("*/tracks.txt"):
        assert len(np.unique(mot_text.read(path).id)) > 0
    assert {line.partition(" frames ")[2] for line in capsys.readouterr().err.splitlines()} <= {
        "were passed over; tracking is slower than the stream"
    }


def test_streams_write_what_they_see_into_a_store(streams, tmp_path, capsys):
    pytest.importorskip("pyarrow")
    words = ("--store", str(tmp_path / "S"), "--csv", "--no-video")
    assert streams(tmp_path, *words) == 2
    assert "--store needs appearance" in capsys.readouterr().err
    assert streams(tmp_path, *words, "--frames", "30", "--weights", "default") == 0
    for path in (tmp_path / "out").glob("*/tracks.csv"):
        assert path.read_text().splitlines()[0].endswith(",utc,person,name")
    store = open_store(tmp_path / "S")
    assert len(store.tracklets().cameras) == 2
    assert {*store.tracklets().cameras} == {path.parent.name for path in (tmp_path / "out").glob("*/tracks.csv")}


def test_one_that_cannot_be_opened_does_not_cost_the_others(streams, tmp_path, capsys):
    assert streams(tmp_path, "--frames", "5", names="abc", missing="b") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "/b: cannot be opened" in said[0]
    assert set(summaries(tmp_path)) == {"a", "c"}


def test_a_camera_that_breaks_off_is_told_at_once_and_the_others_go_on(streams, go_on, tmp_path, monkeypatch, capsys):
    flags = ["--reconnect-tries", "3", "--reconnect-wait", "0.01"]
    going_on: list[str] = []
    say = record_cameras._Cameras._say

    def noted(self, lines):
        say(self, lines)
        if any("short-b: the stream broke off after frame 5" in line for line in lines):
            going_on.extend(name for name in self.under_way)
            go_on.set()

    monkeypatch.setattr(record_cameras._Cameras, "_say", noted)
    go_on.clear()  # the other one has its 20th image when this one has broken off
    assert streams(tmp_path, "--frames", "150", *flags, names=["a", "short-b"]) == 2
    assert "short-b: the stream broke off after frame 5" in capsys.readouterr().err
    assert len(going_on) == 1, "while the other one went on"
    ended = {name: summary["ended"] for name, summary in summaries(tmp_path).items()}
    assert ended["a"] == "complete"
    assert ended["b"].startswith("the stream broke off after frame 5 (")
    assert ended["b"].endswith(") and did not come back in 3 tries")


@pytest.mark.parametrize("overwrite", [False, True])
def test_one_camera_named_twice_gets_two_folders(streams, tmp_path, overwrite):
    assert streams(tmp_path, "--frames", "3", names="aa") == 0
    assert streams(tmp_path, "--frames", "4", *["--overwrite"] * overwrite, names="aa") == 0
    frames = [json.loads(path.read_text())["frames"] for path in (tmp_path / "out").glob("*/summary.json")]
    assert sorted(frames) == ([4, 4] if overwrite else [3, 3, 4, 4])


def test_a_name_that_is_made_up_is_nobody_elses(streams, tmp_path):
    assert streams(tmp_path, "--frames", "3", names=["a", "a", "a-2"]) == 0
    assert sorted(path.name.partition("-a")[2] for path in (tmp_path / "out").iterdir()) == ["", "-2", "-2-2"]


def test_a_camera_that_fails_unexpectedly_ends_alone_and_is_raised_at_the_end(streams, tmp_path, monkeypatch, capsys):
    write = Outputs.write

    def noted(self, frame):
        write(self, frame)
        if self.folder.name.endswith("a"):
            raise ValueError("of a")

    monkeypatch.setattr(Outputs, "write", noted)
    assert streams(tmp_path, "--frames", "20") == 2
    assert {name: summary["ended"] for name, summary in summaries(tmp_path).items()} == {
        "a": "failed: of a", "b": "complete"
    }  # fmt: skip
    said = capsys.readouterr().err
    assert "a: ValueError: of a" in said
    assert "a fault in the program, ValueError: of a" in said


def after(frames, what):
    """Patches the writing of frames: at that frame of all, `what(outputs)` happens."""
    seen, write = [], Outputs.write

    def counted(self, frame):
        seen.append(frame)
        write(self, frame)
        if len(seen) == frames:
            what(self)

    return counted


def test_stopping_leaves_whole_files_of_all_cameras(streams, tmp_path, monkeypatch, capsys):
    order, write = [], Outputs.write

    def stop(self, frame):
        write(self, frame)
        order.append(self.folder.name[-1])
        if len(order) >= 25 and {*order} == {"a", "b"}:
            raise KeyboardInterrupt

    monkeypatch.setattr(Outputs, "write", stop)
    assert streams(tmp_path, "--csv") == 130
    found = summaries(tmp_path)
    assert {summary["ended"].partition(" after ")[0] for summary in found.values()} == {"stopped by the user"}
    assert abs(sum(summary["frames"] for summary in found.values()) - len(order)) <= 1
    assert all({"tracks.txt", "video.mp4", "tracks.csv"} <= set(summary["files"]) for summary in found.values())
    assert capsys.readouterr().err.count("stopped by the user") == 2
    assert not cameras_alive()


def test_closing_a_window_ends_all_cameras(streams, tmp_path, monkeypatch):
    monkeypatch.setattr(Outputs, "write", after(25, lambda outputs: setattr(outputs, "window_closed", True)))
    assert streams(tmp_path) == 0
    found = summaries(tmp_path)
    assert {summary["ended"] for summary in found.values()} == {"complete"}
    assert sum(summary["frames"] for summary in found.values()) == 25
    assert not cameras_alive()


def test_a_full_disk_is_said_for_each_camera(streams, tmp_path, monkeypatch, capsys):
    from remix_track.errors import InputError

    def fail(outputs):
        raise InputError(f"{outputs.folder.name}: disk full")

    monkeypatch.setattr(Outputs, "write", after(12, fail))
    assert streams(tmp_path, "--frames", "40") == 2
    assert "disk full" in capsys.readouterr().err
    assert sorted(summary["ended"].partition(":")[0] for summary in summaries(tmp_path).values()) == [
        "complete", "failed"
    ]  # fmt: skip

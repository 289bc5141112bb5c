"""A result in parts: where the image changes its size, and every so many minutes; no frame twice, none missing."""

import csv
import itertools
import json
import signal
import tracemalloc
from datetime import UTC, datetime, timedelta

import av
import cv2
import numpy as np
import pytest

from remix_track import mot_text, track_means
from remix_track.cli.main import main
from remix_track.cli.track import parser
from remix_track.cli.tracking_output import wanted_outputs
from remix_track.detections import Detections, Tracks
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.drawing.drawer import Drawer, DrawingSettings
from remix_track.trackers.frame import TrackedFrame, blank, compact_utc, iso_utc
from remix_track.trackers.pipeline.detect_and_embed import DetectAndEmbed, FrameProcessor
from remix_track.trackers.pipeline.outputs import Outputs, Parts, part_name
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.sinks import video
from remix_track.trackers.sinks.embeddings import EmbeddingSink
from remix_track.trackers.sinks.formats import RunFacts
from remix_track.trackers.sinks.mot_text import MotTextSink
from remix_track.trackers.sinks.video import VideoSink
from remix_track.trackers.sources.source import Damage, Facts, Picture, Selection, Source
from remix_track.trackers.tracker import Tracker
from tests.cli.test_run_ending import at
from tests.footage import read_stamp, stamped, write_video
from tests.trackers.pipeline.test_weeks import people

BEGAN = datetime(2026, 11, 29, 15, 0, tzinfo=UTC)
SIZES = [(160, 96)] * 8 + [(80, 48)] * 7 + [(160, 96)] * 5
PLAIN = [
    "--weights",
    "none",
    "--n-init",
    "1",
    "--no-boxes",
    "--no-labels",
    "--no-trails",
    "--quiet",
    "--csv",
    "--jsonl",
]


def numbers_in(path):
    """The frames that a video shows, by the stamps in its images, which no drawing covers."""
    with av.open(str(path)) as container:
        return [
            read_stamp(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)) for frame in container.decode(video=0)
        ]


def frames_of(out, part):
    """The frames in each file of a part; a person is in each."""
    found = {}
    for name in part["files"]:
        path, kind = out / name, (name.partition("-")[0].partition(".")[0], (out / name).suffix)
        if kind == ("tracks", ".txt"):
            found[name] = mot_text.read(path).frame.tolist()
        elif kind == ("tracks", ".csv"):
            with path.open(newline="") as file:
                found[name] = [int(row["frame"]) for row in csv.DictReader(file)]
        elif kind == ("tracks", ".jsonl"):
            found[name] = [json.loads(line)["frame"] for line in path.read_text().splitlines()]
        elif kind == ("video", ".mp4"):
            found[name] = numbers_in(path)
    return found


def summary_of(out):
    return json.loads((out / "summary.json").read_text())


def check_parts(out):
    """Every file of a part has its frames, and the parts have all frames once, in order; the frames of each part."""
    told = summary_of(out)["parts"]
    for part in told:
        frames = list(range(part["first_frame"], part["last_frame"] + 1))
        assert part["frames"] == len(frames)
        assert frames_of(out, part) == dict.fromkeys(frames_of(out, part), frames), part["files"]
    spans = [(part["first_frame"], part["last_frame"]) for part in told]
    assert all(b[0] == a[1] + 1 for a, b in itertools.pairwise(spans))
    assert [part["part"] for part in told] == list(range(1, len(told) + 1))
    return spans


@pytest.fixture
def changing(tmp_path):
    """Images of two sizes, a person in each."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for number, size in enumerate(SIZES, 1):
        cv2.imwrite(str(folder / f"{number:04d}.png"), stamped(number, *size))
    lines = (f"{n},-1,{10 + n},5,20,40,0.9\n" for n in range(1, len(SIZES) + 1))
    (tmp_path / "det.txt").write_text("".join(lines))
    return folder


def track(source, out, *more):
    return main([str(source), "--detector", str(source.parent / "det.txt"), *PLAIN, "--output", str(out), *more])


@pytest.mark.parametrize("more", [[], ["--offline"], ["--no-video"], ["--offline", "--no-video"]])
def test_another_size_begins_a_part_and_ends_the_tracks(changing, tmp_path, more):
    out = tmp_path / "out"
    assert track(changing, out, *more) == 0
    assert check_parts(out) == [(1, 8), (9, 15), (16, 20)]
    summary = summary_of(out)
    assert summary["frames"] == len(SIZES)
    assert [(part["width"], part["height"]) for part in summary["parts"]] == [(160, 96), (80, 48), (160, 96)]
    assert summary["parts"][0]["files"][0] == "tracks.txt"
    assert summary["parts"][2]["files"][0] == "tracks-0003.txt"
    assert summary["source"]["problems"] == []
    assert "changes from 80x48 to 160x96 at frame 16" in summary["source"]["warnings"][-1]
    assert all(part[f"{end}_utc"] is None for part in summary["parts"] for end in ("first", "last"))
    ids = [set(mot_text.read(out / part["files"][0]).id.tolist()) for part in summary["parts"]]
    assert ids == [{1}, {2}, {3}], "one person a part, and no id is given twice"
    assert set(summary["files"]) == {name for part in summary["parts"] for name in part["files"]} | {"parts.jsonl"}
    assert [json.loads(line) for line in (out / "parts.jsonl").read_text().splitlines()] == summary["parts"]
    if "--no-video" not in more:
        for part in summary["parts"]:
            name = next(name for name in part["files"] if name.startswith("video"))
            with av.open(str(out / name)) as container:
                stream = container.streams.video[0]
                assert (stream.width, stream.height) == (part["width"], part["height"])


def test_a_video_that_changes_its_size_is_tracked_to_its_end(tmp_path):
    (tmp_path / "det.txt").write_text("".join(f"{n},-1,{10 + n},5,20,40,0.9\n" for n in range(1, 21)))
    pictures = [cv2.imencode(".jpg", stamped(n, *size))[1].tobytes() for n, size in enumerate(SIZES, 1)]
    (tmp_path / "a.mjpeg").write_bytes(b"".join(pictures))
    assert track(tmp_path / "a.mjpeg", tmp_path / "out") == 0
    assert check_parts(tmp_path / "out") == [(1, 8), (9, 15), (16, 20)]


def test_without_either_the_names_are_the_plain_ones(tmp_path):
    video = write_video(tmp_path / "a.avi", frames=9)
    (tmp_path / "det.txt").write_text("".join(f"{n},-1,{10 + n},5,20,40,0.9\n" for n in range(1, 10)))
    assert track(video, tmp_path / "out") == 0
    summary = summary_of(tmp_path / "out")
    assert summary["files"] == ["tracks.txt", "video.mp4", "people.html", "tracks.csv", "tracks.jsonl"]
    assert check_parts(tmp_path / "out") == [(1, 9)]
    assert not (tmp_path / "out" / "parts.jsonl").exists()


@pytest.mark.parametrize("tracker", ["remix", "deep-sort"])
def test_ended_tracks_are_not_continued_and_ids_go_on(tracker):
    made = Tracker.around(
        None, fps=30, settings=DeepSortSettings(n_init=1), association=AssociationSettings(tracker=tracker)
    )
    there = Detections(np.array([[10, 10, 30, 60]], np.float32), np.array([0.9], np.float32), np.zeros(1, np.int64))
    assert [made.update(there, np.zeros((96, 160, 3), np.uint8)).ids.tolist() for _ in range(3)] == [[1]] * 3
    made.end_tracks()
    assert [made.update(there, np.zeros((80, 120, 3), np.uint8)).ids.tolist() for _ in range(3)] == [[2]] * 3


def test_a_camera_does_not_move_from_one_size_to_another():
    """Two sizes whose reduced images are alike: what is seen to move from one to the other is no motion."""
    made, image = Tracker.around(None, fps=30, settings=DeepSortSettings()), stamped(1, 640, 384)
    twice, nobody = cv2.resize(image, None, fx=2, fy=2), Detections.empty()
    made.update(nobody, image)
    assert made.camera(nobody, image) is not None
    made.end_tracks()
    assert made.camera(nobody, np.asarray(twice, np.uint8)) is None


def test_trails_in_pixels_of_another_size_are_not_drawn():
    drawer = Drawer(DrawingSettings(boxes=False, labels=False))
    rng = np.random.default_rng(1)
    for index in range(1, 6):
        drawer.draw(people(index, [1], rng))
    other = TrackedFrame(6, np.zeros((30, 50, 3), np.uint8), 6 / 25, Tracks.empty())
    assert not drawer.draw(other).any()


# --- minutes


class Camera:
    """A live source by a clock that the test sets: a person walks, and from 10 s on a minute is missing."""

    def __init__(self, frames, fps=5.0, away=60.0):
        self.facts, self.damage, self.seen = Facts("gate", "gate", fps=fps, live=True), Damage(), 0
        self._frames, self._fps, self._away = frames, fps, away

    def read(self, _):
        for number in range(1, self._frames + 1):
            self.seen = number
            seconds = (number - 1) / self._fps
            seconds += self._away if seconds >= 10 else 0.0
            yield Picture(number, stamped(number), seconds, BEGAN + timedelta(seconds=seconds))

    def close(self):
        pass


class Walker:
    name, dropped = "walker", 0

    def __call__(self, frame):
        left = 20.0 + frame.index / 2
        return Detections(
            np.array([[left, 5, left + 20, 45]], np.float32),
            np.array([0.9], np.float32),
            np.zeros(1, np.int64),
            np.eye(1, 16, dtype=np.float32),
        )


def watched(camera, out, *words):
    """What a command line does with a live source, without the network."""
    made = Tracker.around(None, fps=5, settings=DeepSortSettings(n_init=1), association=AssociationSettings())
    seen = DetectAndEmbed(FrameProcessor(Walker(), None, min_confidence=0.5, clock=made.clock))
    run = Run(Source(camera, Selection()), seen, made, fps=5)
    out.mkdir()
    outputs = Outputs(out, 0.0)
    wanted = wanted_outputs(parser().parse_args(["gate", *words]))
    outputs.open(wanted, RunFacts(fps=5, draw=lambda frame: frame.image))
    for frame in run:
        outputs.write(frame)
    outputs.close()
    return outputs


def test_each_part_has_its_minutes_in_every_file(tmp_path, monkeypatch):
    def no_copy(path):
        raise AssertionError(f"{path} is copied")

    monkeypatch.setattr(video, "_make_plain", no_copy)
    out = tmp_path / "out"
    # Six seconds a part; 30 frames in one, but 20 until the camera is away, from 10 s to 70 s.
    outputs = watched(Camera(100), out, "--segment", "0.1", "--csv", "--jsonl", "--embeddings", "--crops")
    told = outputs.parts.told()
    assert [(part["first_frame"], part["last_frame"]) for part in told] == [
        (1, 30),
        (31, 50),
        (51, 60),
        (61, 90),
        (91, 100),
    ]
    assert [part["first_utc"] for part in told] == [
        "2026-11-29T15:00:00.000Z", "2026-11-29T15:00:06.000Z", "2026-11-29T15:01:10.000Z",
        "2026-11-29T15:01:12.000Z", "2026-11-29T15:01:18.000Z",
    ]  # fmt: skip
    assert [part["last_utc"] for part in told][:2] == ["2026-11-29T15:00:05.800Z", "2026-11-29T15:00:09.800Z"]
    assert told[2]["files"] == [
        f"{kind}-0003-20261129T150110Z.{ending}"
        for kind, ending in (
            ("tracks", "txt"), ("video", "mp4"), ("people", "html"), ("tracks", "csv"), ("tracks", "jsonl"),
            ("embeddings", "npz"),
        )
    ]  # fmt: skip
    for part in told:
        frames = list(range(part["first_frame"], part["last_frame"] + 1))
        assert list(frames_of(out, part).values()) == [frames] * 4
        with np.load(out / part["files"][5]) as arrays:
            assert (arrays["ids"].tolist(), arrays["count"].tolist()) == ([1], [len(frames)])
            assert arrays["first_utc"][0].item().replace(tzinfo=UTC) == datetime.fromisoformat(part["first_utc"])
            assert arrays["last_utc"][0].item().replace(tzinfo=UTC) == datetime.fromisoformat(part["last_utc"])
    assert outputs.frames == 100
    names = ["tracks.txt", "video.mp4", "people.html", "tracks.csv", "tracks.jsonl", "embeddings.npz"]
    assert outputs.names == [*names, "crops"]
    assert len(outputs.files(told)) == 5 * len(names) + 2


def test_each_row_says_the_time_of_day(tmp_path):
    out = tmp_path / "out"
    watched(Camera(3), out, "--no-video", "--csv", "--jsonl")
    with (out / "tracks.csv").open(newline="") as file:
        assert [row["utc"] for row in csv.DictReader(file)] == [f"2026-11-29T15:00:00.{n}00Z" for n in (0, 2, 4)]
    rows = [json.loads(line) for line in (out / "tracks.jsonl").read_text().splitlines()]
    assert [row["utc"] for row in rows] == [f"2026-11-29T15:00:00.{n}00Z" for n in (0, 2, 4)]
    first = (out / "tracks.txt").read_text().splitlines()[0]
    assert len(first.split(",")) == 10, "MOT text has no column for it"


def test_times_of_day_in_any_zone_are_written_in_utc():
    east = BEGAN.astimezone(tz=None).astimezone()
    assert iso_utc(east) == "2026-11-29T15:00:00.000Z"
    assert iso_utc(BEGAN + timedelta(microseconds=1_234_567)) == "2026-11-29T15:00:01.234Z"
    assert iso_utc(None) is None
    assert compact_utc(BEGAN) == "20261129T150000Z"
    assert part_name("video.mp4", 12, BEGAN) == "video-0012-20261129T150000Z.mp4"
    assert part_name("embeddings.npz", 2, None) == "embeddings-0002.npz"


@pytest.mark.parametrize("in_memory", [4, 1000])
def test_vectors_keep_their_times_also_on_the_disk(tmp_path, monkeypatch, in_memory):
    monkeypatch.setattr(track_means, "IN_MEMORY", in_memory)
    rng = np.random.default_rng(1)
    with EmbeddingSink(tmp_path / "embeddings.npz") as sink:
        for index in range(1, 60):
            one = people(index, [index, index + 1, 1000 + index % 2], rng)
            utc = None if index == 59 else BEGAN + timedelta(seconds=index)
            sink.write(TrackedFrame(one.index, one.image, one.time, one.tracks, utc))
    with np.load(tmp_path / "embeddings.npz") as arrays:
        seconds = (arrays["first_utc"] - np.datetime64(BEGAN.replace(tzinfo=None), "ms")).astype(np.int64) / 1000
        last = (arrays["last_utc"] - np.datetime64(BEGAN.replace(tzinfo=None), "ms")).astype(np.int64) / 1000
        assert np.isnat(arrays["first_utc"]).tolist() == [False] * 59 + [True] + [False] * 2
        known = ~np.isnat(arrays["first_utc"])
        assert (seconds == arrays["first_frame"])[known].all()
        last_known = arrays["last_frame"] < 59
        assert (last == arrays["last_frame"])[last_known].all()


@pytest.mark.parametrize("minutes", ["0", "-1"])
def test_parts_without_length_are_refused(tmp_path, capsys, minutes):
    assert main(["nowhere.mp4", "--segment", minutes]) == 2
    assert f"--segment = {float(minutes)}; expected above 0, or none" in capsys.readouterr().err


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("name", ["close", "write", "_start"])
def test_a_signal_where_a_part_ends_leaves_all_files_with_the_same_frames(tmp_path, monkeypatch, name, call):
    path = write_video(tmp_path / "street.mp4", frames=60, rate=5)
    (tmp_path / "det.txt").write_text("".join(f"{n},-1,{10 + n},5,20,40,0.9\n" for n in range(1, 61)))
    at(monkeypatch, VideoSink, name, 15 * call if name == "write" else call, signal.SIGTERM, signal.SIGINT)
    assert track(path, tmp_path / "out", "--segment", "0.05") == 143
    spans = check_parts(tmp_path / "out")
    summary = summary_of(tmp_path / "out")
    assert summary["ended"] == f"stopped by the user after {spans[-1][1]} frames"
    assert spans[-1][1] == summary["frames"] < 60
    assert all((tmp_path / "out" / name).is_file() for part in summary["parts"] for name in part["files"])


def test_a_part_that_cannot_be_completed_ends_the_run_and_is_told_of(tmp_path, capsys, monkeypatch):
    path = write_video(tmp_path / "street.mp4", frames=60, rate=5)
    (tmp_path / "det.txt").write_text("1,-1,10,5,20,40,0.9\n")
    close = VideoSink.close

    def replaced(sink):
        sink._path.rename(sink._path.with_suffix(".gone"))
        close(sink)

    monkeypatch.setattr(VideoSink, "close", replaced)
    assert track(path, tmp_path / "out", "--segment", "0.05") == 2
    assert "video-0001.mp4: was removed, renamed or replaced" in capsys.readouterr().err
    summary = summary_of(tmp_path / "out")
    assert summary["ended"].startswith("failed: ")
    assert [part["part"] for part in summary["parts"]] == [1]
    assert summary["frames"] == summary["parts"][0]["frames"] == 15


def test_what_parts_hold_does_not_grow(tmp_path):
    rng = np.random.default_rng(1)
    makers = [("tracks.txt", MotTextSink), ("embeddings.npz", lambda path: EmbeddingSink(path, {}))]
    parts, held = Parts(tmp_path, makers, 1.0), []
    tracemalloc.start()
    try:
        for minute in range(120):
            # A hundred people a minute who never come back.
            one = people(minute + 1, list(range(100 * minute + 1, 100 * minute + 101)), rng)
            parts.write(TrackedFrame(one.index, blank((40, 60, 3)), 60.0 * minute, one.tracks, BEGAN))
            if minute in (59, 119):
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    parts.close()
    assert len(parts.told()) == parts.count == 120
    assert held[1] - held[0] < 5_000, "bytes; of 60 parts and 6,000 people"

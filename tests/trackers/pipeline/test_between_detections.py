"""Frames in which nothing is detected: everyone is reported in them all the same, where they were or are expected."""

import json
from typing import Any

import numpy as np
import pytest

from remix_track import mot_text
from remix_track.cli.main import main
from remix_track.detections import Detections, Tracks
from remix_track.errors import InputError
from remix_track.trackers.association.settings import DeepSortSettings
from remix_track.trackers.frame import Frame, blank
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.pipeline.between_detections import (
    BetweenDetections,
    Place,
    detect_every,
    passing_over,
)
from remix_track.trackers.pipeline.detect_and_embed import DetectAndEmbed, FrameProcessor
from remix_track.trackers.pipeline.live_sources import LiveDetectAndEmbed, NetworkPool, Networks
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.settings import MOST_BETWEEN, DetectorSettings
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import frame_of, person
from tests.footage import write_video
from tests.trackers.pipeline.test_run import Colours, Film, Finder, content

NOTHING = np.empty((0, 0, 3), np.uint8)


class Counting(Finder):
    """Remembers which frames it was given."""

    def __init__(self):
        super().__init__()
        self.frames = []

    def __call__(self, frame):
        self.frames.append(frame.index)
        return super().__call__(frame)


class Strided(Film):
    """What remains of the film with a stride of three."""

    stride = 3

    def __iter__(self):
        yield from (frame for frame in super().__iter__() if frame.index % 3 == 1)


def run_of(film, every, *, offline=None, finder=None, workers=1, ahead=0):
    tracker = Tracker.around(Colours(), fps=25 / every, settings=DeepSortSettings(n_init=2))

    def processor():
        return FrameProcessor(finder or Finder(), Colours(), min_confidence=0.5, clock=tracker.clock)

    detect_and_embed = DetectAndEmbed(processor(), lambda: [processor] * (workers - 1), ahead=ahead)
    film.stride = 1
    return Run(film, detect_and_embed, tracker, fps=25, every=every, offline=offline)


def strided():
    film: Any = Strided()
    tracker = Tracker.around(Colours(), fps=25 / 3, settings=DeepSortSettings(n_init=2))
    detect_and_embed = DetectAndEmbed(FrameProcessor(Finder(), Colours(), min_confidence=0.5, clock=tracker.clock))
    return Run(film, detect_and_embed, tracker, fps=25 / 3)


@pytest.mark.parametrize(
    ("fps", "every"), [(1, 1), (17.9, 1), (18.1, 2), (25, 2), (29, 2), (31, 3), (60, 5), (1000, 30)]
)
def test_auto_detects_about_twelve_times_a_second(fps, every):
    assert detect_every("auto", fps) == every
    assert detect_every(7, fps) == 7


@pytest.mark.parametrize("value", [0, -1, MOST_BETWEEN + 1])
def test_a_number_out_of_range_is_refused(value):
    with pytest.raises(InputError, match=f"detect_every = {value}; expected 1 to 30"):
        DetectorSettings(detect_every=value)
    assert DetectorSettings(detect_every=MOST_BETWEEN).detect_every == MOST_BETWEEN


def test_one_in_three_is_detected_in_and_a_new_size_begins_anew():
    shapes = [(48, 64, 3)] * 5 + [(24, 32, 3)] * 5
    frames = (Frame(index, blank(shape), 0.0) for index, shape in enumerate(shapes, 1))
    assert [frame.index for frame in passing_over(frames, 3) if frame.detect] == [1, 4, 6, 9]


@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (2, 7)])
def test_the_detected_frames_are_those_of_a_stride_and_the_others_lie_between(workers, ahead):
    finder = Counting()
    frames = list(run_of(Film(), 3, finder=finder, workers=workers, ahead=ahead))
    assert sorted(finder.frames) == list(range(1, 41, 3))
    assert [frame.index for frame in frames] == list(range(1, 41))
    wanted = {frame.index: frame for frame in strided()}
    assert all(content(frames[index - 1]) == content(frame) for index, frame in wanted.items())
    assert len(wanted[22].ids) == 3
    for index in (20, 21):
        before, now, after = frames[18], frames[index - 1], frames[21]
        share = (index - 19) / 3
        assert now.ids.tolist() == before.ids.tolist() == after.ids.tolist()
        assert np.allclose(now.xyxy, (1 - share) * before.xyxy + share * after.xyxy, atol=1e-3)
        assert np.allclose(now.scores, (1 - share) * before.scores + share * after.scores)
        assert now.tracks.detection.tolist() == [-1] * 3
        assert now.embeddings is not None
        assert not now.embeddings.any()


def test_every_frame_is_counted():
    run = run_of(Film(), 2)
    boxes = sum(len(frame.tracks) for frame in run)
    assert (run.frames, run.boxes, len(run.people)) == (40, boxes, 3)


def test_after_the_last_detections_people_are_where_they_are_expected():
    frames = list(run_of(Film(frames=39), 3))
    assert frames[-1].index == 39
    assert frames[-1].ids.tolist() == frames[36].ids.tolist()
    # Two of them walk two pixels a frame.
    moved = frames[38].xyxy[:, 0] - frames[36].xyxy[:, 0]
    assert np.allclose(np.sort(moved), [-4, 0, 4], atol=1)


def test_live_frames_come_at_once_with_what_is_expected():
    film = Film(live=True)
    read = [(frame.index, film.frames_read, frame) for frame in run_of(film, 3)]
    assert [index for index, *_ in read] == [count for _, count, _ in read] == list(range(1, 41))
    expected, detected = read[22][2], {frame.index: frame for frame in strided()}[22]
    assert expected.ids.tolist() == detected.ids.tolist()
    truth = Finder()(Frame(23, np.full((96, 160, 3), 23, np.uint8), 0.0)).xyxy
    assert np.abs(np.sort(expected.xyxy[:, 0]) - np.sort(truth[:, 0])).max() < 4
    assert np.array_equal(expected.scores, detected.scores)


@pytest.mark.parametrize("tracker", ["remix", "deep-sort"])
def test_where_someone_is_expected_lies_on_the_way(tracker):
    tracking = Tracker("none", fps=10, n_init=1, tracker=tracker)
    for step in range(12):
        last = tracking.update(frame_of(person(100 + 12 * step)), NOTHING)
    for third in (1, 2):
        tracks = tracking.pass_over(ahead=third / 3)
        assert tracks.xyxy[0] == pytest.approx(last.xyxy[0] + [4 * third, 0, 4 * third, 0], abs=0.5)
    assert tracking.update(frame_of(person(100 + 12 * 12)), NOTHING).ids.tolist() == last.ids.tolist()


def test_the_camera_is_followed_from_frame_to_frame():
    """Somebody stands still before a camera that jumps at every frame, which no straight line could tell."""
    jumps = [(0, 0), (30, -12), (-9, 4), (14, 8), (0, -20), (25, 3), (-16, 9)]
    tracker = Tracker("none", fps=10, n_init=1, camera_motion=True)
    between = BetweenDetections(tracker, 3, hold=True)
    got, here = [], np.zeros(2)
    for count, jump in enumerate(jumps):
        here = here + jump
        warp = np.concatenate([np.eye(2), np.array(jump)[:, None]], axis=1)
        found = frame_of(person(*(np.array([200, 100]) + here))) if count % 3 == 0 else Detections.empty()
        frame = Frame(count + 1, NOTHING, count / 30, detect=count % 3 == 0)
        got += [(one.xyxy[0, :2], tuple(here)) for one in between.update(frame, found, warp)]
    assert len(got) == 7
    places = np.array([200, 100]) + np.cumsum(np.array(jumps), axis=0)
    assert np.abs(np.array([corner for corner, _ in got]) - places).max() < 0.01


def test_a_camera_that_comes_nearer_scales_boxes():
    twice = np.array([[2.0, 0, 0], [0, 2, 0]])
    one = Tracks(
        np.array([1]), np.array([[10, 20, 30, 60]]), np.ones(1, np.float32), np.zeros(1, int), np.zeros(1, int)
    )
    place = Place(1, 3, 0.5, twice, twice)
    assert place.tracks(one, one).xyxy.tolist() == [[20, 40, 60, 120]]


def test_who_is_in_one_of_the_two_only_is_not_between():
    def at(*ids):
        count = len(ids)
        boxes = np.tile([0, 0, 10, 10], (count, 1))
        return Tracks(np.array(ids), boxes, np.full(count, np.nan), np.zeros(count, int), np.full(count, -1))

    between = Place(1, 3, 0.5, np.eye(2, 3), np.eye(2, 3)).tracks(at(7, 2, 5), at(2, 9, 7))
    assert between.ids.tolist() == [7, 2]
    assert np.isnan(between.score).all()
    assert between.embedding is None


def test_offline_every_frame_has_its_people(monkeypatch):
    run = run_of(Film(frames=39), 3, offline=OfflineSettings(offline=True))
    note, noted = run.tracker.note, list[int]()

    def noting(book, number):
        noted.append(number)
        note(book, number)

    monkeypatch.setattr(run.tracker, "note", noting)
    frames = list(run)
    assert noted == list(range(1, 40, 3))
    assert [frame.index for frame in frames] == list(range(1, 40))
    # From the very first frame on, though nobody is confirmed in it.
    assert [len(frame.ids) for frame in frames] == [3] * 39
    middle = (frames[18].xyxy + 2 * frames[21].xyxy) / 3
    assert np.allclose(frames[20].xyxy, middle, atol=1e-3)
    # After the last detections there is nothing to go by.
    assert np.array_equal(frames[38].xyxy, frames[36].xyxy)


def moving(folder, frames=30):
    """A video, and a `det.txt` of two people who walk through it evenly; they are never seen at once in one place."""
    rows = [f"{n},-1,{4 + 1.5 * n},10,20,50,0.9\n{n},-1,{10 + 2.5 * n},40,20,50,0.8\n" for n in range(1, frames + 1)]
    (folder / "det.txt").write_text("".join(rows))
    return write_video(folder / "walk.avi", frames=frames)


def test_files_have_every_frame_and_the_summary_says_which_were_detected_in(tmp_path):
    video = moving(tmp_path)
    words = ["--detector", str(tmp_path / "det.txt"), "--weights", "none", "--n-init", "1", "--quiet", "--no-video"]
    folder = tmp_path / "out"
    assert main([str(video), *words, "--detect-every", "4", "--crops", "--output", str(folder)]) == 0
    rows = mot_text.read(folder / "tracks.txt")
    assert sorted(set(rows.frame.tolist())) == list(range(1, 31))
    left = rows.tlwh[rows.id == 1][:, 0]
    assert np.abs(left - (4 + 1.5 * np.arange(1, 31))).max() < 2
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["detect_every"], summary["frames"], summary["boxes"]) == (4, 30, 60)
    # Crops are of what was detected.
    assert {int(path.stem) % 4 for path in folder.glob("crops/*/*.jpg")} == {1}


@pytest.mark.parametrize("others", [[], ["--offline"]])
def test_an_evaluation_tracks_as_a_run_does(tmp_path, others):
    sequence = tmp_path / "root" / "walk"
    sequence.mkdir(parents=True)
    moving(sequence)
    (sequence / "det").mkdir()
    (sequence / "det.txt").rename(sequence / "det" / "det.txt")
    (sequence / "gt").mkdir()
    truth = [f"{n},1,{4 + 1.5 * n},10,20,50,1,1,1\n" for n in range(1, 31)]
    (sequence / "gt" / "gt.txt").write_text("".join(truth))
    (sequence / "seqinfo.ini").write_text("[Sequence]\nname=walk\nframeRate=30\nseqLength=30\n")
    words = ["--weights", "none", "--detect-every", "auto", "--quiet", "--n-init", "1", *others]
    for turn in ("seen", "replayed"):
        evaluation = ["eval", "--data", str(tmp_path / "root"), "--detector", "public", "--jobs", "1", *words]
        assert main([*evaluation, "--output", str(tmp_path / turn), "--cache", str(tmp_path / "cache")]) == 0
    detector = ["--detector", str(sequence / "det" / "det.txt")]
    assert main([str(sequence), *detector, *words, "--no-video", "--output", str(tmp_path / "out")]) == 0
    own = (tmp_path / "out" / "tracks.txt").read_bytes()
    assert own.count(b"\n") > 50
    assert (tmp_path / "seen" / "walk.txt").read_bytes() == own
    assert (tmp_path / "replayed" / "walk.txt").read_bytes() == own


def test_of_several_cameras_each_frame_is_one_step():
    finder, ready = Counting(), list[None]()
    tracker = Tracker.around(Colours(), fps=25 / 3, settings=DeepSortSettings(n_init=2))

    def processor(detector, embedder):
        return FrameProcessor(detector, embedder, min_confidence=0.5, clock=tracker.clock)

    live = LiveDetectAndEmbed(NetworkPool(Networks(finder, Colours())), processor, lambda: ready.append(None))
    film: Any = Film(frames=20, live=True)
    frames = list(Run(film, live, tracker, fps=25, every=3))
    assert [frame.index for frame in frames] == list(range(1, 21))
    assert finder.frames == list(range(1, 21, 3))
    assert len(frames[-1].ids) == 3
    # Each frame, and the end.
    assert len(ready) == 21

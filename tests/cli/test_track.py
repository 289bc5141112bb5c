"""`remix-track SOURCE`, as a user meets it: what it leaves, what it says, how it ends."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from remix_track import mot_text
from remix_track.cli.main import main
from remix_track.encoder.shipped import SHIPPED
from remix_track.encoder.weights_file import read_card
from tests.footage import write_video

WIDTH, HEIGHT, FRAMES = 160, 120, 40


def walkers(index: int) -> np.ndarray:
    """(2, 4) tlwh of two people who walk towards each other, at a frame counted from 1."""
    return np.array([[5 + 2 * index, 40, 20, 50], [130 - 2 * index, 45, 18, 48]], np.float64)


@pytest.fixture
def video(tmp_path):
    """Forty frames of two rectangles, and the detections that a perfect detector would give."""
    images = []
    for index in range(1, FRAMES + 1):
        image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        for (left, top, width, height), colour in zip(walkers(index).astype(int), (30, 220), strict=True):
            image[top : top + height, left : left + width] = colour
        images.append(image)
    path = write_video(tmp_path / "street.mp4", images=images, rate=20)
    lines = [
        f"{index},-1,{','.join(f'{value:g}' for value in box)},0.9\n"
        for index in range(1, FRAMES + 1)
        for box in walkers(index)
    ]
    (tmp_path / "det.txt").write_text("".join(lines))
    return path


def track(video: Path, *words: str) -> int:
    """Track by motion with the given detections; both tests and users can do that without any network."""
    return main([str(video), "--detector", str(video.parent / "det.txt"), "--weights", "none", "--quiet", *words])


def frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_everything_that_was_asked_for_is_there(video, tmp_path):
    out = tmp_path / "out"
    assert (
        track(video, "--output", str(out), "--csv", "--jsonl", "--crops", "--embeddings", "--weights", "default") == 0
    )
    rows = mot_text.read(out / "tracks.txt")
    assert set(rows.id.tolist()) == {1, 2}
    assert rows.frame.min() == 2, "confirmed in the second frame, as scores are high"
    assert rows.frame.max() == FRAMES
    assert frames_in(out / "video.mp4") == FRAMES
    assert len(list(csv.DictReader((out / "tracks.csv").open()))) == len(rows)
    assert len((out / "tracks.jsonl").read_text().splitlines()) == FRAMES
    assert list((out / "crops" / "1").glob("*.jpg"))
    with np.load(out / "embeddings.npz") as vectors:
        assert vectors["ids"].tolist() == [1, 2]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["ended"] == "complete"
    assert (summary["frames"], summary["tracks"], summary["boxes"]) == (FRAMES, 2, len(rows))
    assert set(summary["milliseconds_per_frame"]) == {"read", "detect", "embed", "associate", "camera", "write"}
    assert summary["settings"]["tracker"]["n_init"] == 3
    assert set(summary["files"]) == {
        "tracks.txt", "video.mp4", "people.html", "tracks.csv", "tracks.jsonl", "crops", "embeddings.npz"
    }  # fmt: skip


def test_boxes_are_where_the_people_are(video, tmp_path):
    assert track(video, "--output", str(tmp_path / "out"), "--no-video", "--box", "detector") == 0
    rows = mot_text.read(tmp_path / "out" / "tracks.txt")
    last = rows[rows.frame == FRAMES]
    np.testing.assert_allclose(last.tlwh[np.argsort(last.id)], walkers(FRAMES), atol=0.01)
    assert not (tmp_path / "out" / "video.mp4").exists()


def test_threads_change_nothing_in_the_result(video, tmp_path, capsys):
    for threads in ("1", "2"):
        out = tmp_path / threads
        assert track(video, "--output", str(out), "--weights", "default", "--jsonl", "--threads", threads) == 0
    for name in ("tracks.txt", "tracks.jsonl", "video.mp4"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    assert mot_text.read(tmp_path / "1" / "tracks.txt").id.max() == 2
    summary = json.loads((tmp_path / "2" / "summary.json").read_text())
    assert summary["frames_per_second"] == pytest.approx(FRAMES / summary["wall_seconds"])
    assert track(video, "--output", str(tmp_path / "none"), "--threads", "0") == 2
    assert capsys.readouterr().err == "remix-track: --threads = 0; expected at least 1\n"


def test_an_earlier_result_is_kept(video, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    assert track(video, "--output", str(out), "--no-video") == 0
    before = (out / "tracks.txt").read_bytes()
    assert track(video, "--output", str(out), "--frames", "5") == 2
    assert capsys.readouterr().err == (
        f"remix-track: {out}: there is something already; give another --output, or --overwrite to replace a result\n"
    )
    assert (out / "tracks.txt").read_bytes() == before
    assert track(video, "--output", str(out), "--frames", "5", "--overwrite") == 0
    assert (out / "tracks.txt").read_bytes() != before
    monkeypatch.chdir(tmp_path)
    assert track(video, "--no-video") == track(video, "--no-video") == 0
    assert sorted(path.name for path in (tmp_path / "runs" / "track").iterdir()) == ["street", "street-2"]


def test_overwrite_spares_what_is_not_ours(video, tmp_path, capsys):
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").write_text("years of work")
    assert track(video, "--output", str(home), "--overwrite") == 2
    assert "not a result of remix-track" in capsys.readouterr().err
    assert (home / "thesis.tex").exists()


def test_start_stride_and_frames_keep_the_numbers_of_the_source(video, tmp_path):
    words = ["--start", "11", "--stride", "2", "--frames", "6", "--n-init", "1", "--no-video", "--jsonl"]
    assert track(video, "--output", str(tmp_path / "out"), *words) == 0
    assert set(mot_text.read(tmp_path / "out" / "tracks.txt").frame.tolist()) == {11, 13, 15, 17, 19, 21}


def test_each_of_several_sources_restarts_its_ids(video, tmp_path):
    twin = tmp_path / "twin.mp4"
    twin.write_bytes(video.read_bytes())
    out = tmp_path / "out"
    assert track(video, str(twin), "--output", str(out), "--no-video") == 0
    texts = [(out / name / "tracks.txt").read_text() for name in ("street", "twin")]
    assert texts[0] == texts[1]
    listed = tmp_path / "list.txt"
    listed.write_text("# cameras\nstreet.mp4\ntwin.mp4\n")
    words = ["--sources", str(listed), "--detector", str(tmp_path / "det.txt"), "--weights", "none", "--quiet"]
    assert main([*words, "--output", str(tmp_path / "again"), "--no-video"]) == 0
    assert (tmp_path / "again" / "twin" / "tracks.txt").read_text() == texts[0]


def test_a_bad_source_among_several_does_not_cost_the_others(video, tmp_path, capsys):
    text = tmp_path / "notes.mp4"
    text.write_text("this is no video\n" * 50)
    black = tmp_path / "black"
    black.mkdir()
    (black / "1.png").write_bytes(b"no image")
    out = tmp_path / "out"
    assert track(text, str(black), str(video), "--fps", "20", "--output", str(out), "--no-video") == 2
    assert sorted(path.name for path in out.iterdir()) == ["street"]
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[2].partition(":")[0] for line in said] == [str(text), str(black)]
    assert "not a video" in said[0]
    assert "not one frame could be read" in said[1]
    # What is wrong with all of them is said once.
    assert track(video, str(video), "--fps", "-1", "--output", str(tmp_path / "none")) == 2
    assert capsys.readouterr().err == "remix-track: --fps = -1.0; expected above 0, at most 1,000, or none\n"
    assert not (tmp_path / "none").exists()


def test_a_missing_screen_is_said_before_anything_is_made(video, tmp_path, capsys, monkeypatch):
    from remix_track.trackers.sinks import window

    monkeypatch.setattr(window, "_can_open_windows", lambda: False)
    assert track(video, "--show", "--output", str(tmp_path / "out")) == 2
    assert capsys.readouterr().err == (
        "remix-track: --show: no window can be opened here (no screen); leave --show out and see video.mp4\n"
    )
    assert not (tmp_path / "out").exists()


def test_the_summary_says_which_threshold_was_used(video, tmp_path):
    words = ["--detector", str(tmp_path / "det.txt"), "--quiet", "--no-video", "--frames", "2"]
    for weights, threshold in (("imagenet", 0.2), ("default", read_card(SHIPPED).max_cosine_distance)):
        out = tmp_path / weights
        assert main([str(video), *words, "--weights", weights, "--output", str(out)]) == 0
        summary = json.loads((out / "summary.json").read_text())
        assert summary["settings"]["tracker"]["max_cosine_distance"] == threshold
    assert "ReMix" in summary["appearance"]["trained_on"]


def test_a_damaged_video_is_tracked_as_far_as_it_goes(video, tmp_path, capsys):
    data = video.read_bytes()
    broken = tmp_path / "broken.mp4"
    middle = data.index(b"mdat") + 3000
    broken.write_bytes(data[:middle] + bytes(800) + data[middle + 800 :])
    assert track(broken, "--output", str(tmp_path / "out")) == 2
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["source"]["problems"]
    assert summary["ended"] == "complete"
    assert capsys.readouterr().err.count("\n") == len(summary["source"]["problems"])
    assert frames_in(tmp_path / "out" / "video.mp4") == summary["frames"] > 0


def test_wrong_input_gets_one_line_and_leaves_nothing(video, tmp_path, capsys):
    text = tmp_path / "notes.mp4"
    text.write_text("this is no video\n" * 50)
    empty = tmp_path / "empty"
    empty.mkdir()
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"PK\x03\x04 pickle")
    detector = tmp_path / "detector.pt"
    detector.write_text("no model")
    wrong = {
        str(tmp_path / "nowhere.mp4"): [],
        str(text): [],
        str(empty): [],
        "ftp://example.org/x.mp4": [],
        str(video): ["--weights", str(weights)],
        f"{video} ": ["--weights", "nowhere.onnx"],
        f"{video}  ": ["--detector", str(detector), "--weights", "none"],
        f"{video}      ": ["--embeddings"],
        f"{video}   ": ["--max-age", "0"],
        f"{video}    ": ["--max-aeg", "9"],
        f"{video}     ": ["--start", "999"],
    }
    for source, words in wrong.items():
        out = tmp_path / "out"
        given = words if "--detector" in words else [*words, "--detector", str(tmp_path / "det.txt")]
        given = given if "--weights" in given else [*given, "--weights", "none"]
        assert main([source.strip(), *given, "--output", str(out)]) == 2, source
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1, captured.err
        assert captured.err.startswith("remix-track: ")
        assert "Traceback" not in captured.err
        assert not out.exists(), source


def start(video: Path, out: Path, *words: str) -> subprocess.Popen[str]:
    """A run in a process of its own that stands still in the middle, waiting to be stopped."""
    code = (
        "import sys, time; from remix_track.trackers.detectors.public import PublicDetections as P\n"
        "look = P.__call__\n"
        "def slow(self, frame):\n"
        # In short pieces: a signal just before a sleep begins does not end it.
        "    for _ in range(6000 if frame.index == 25 else 0): time.sleep(0.05)\n"
        "    return look(self, frame)\n"
        "P.__call__ = slow\n"
        "from remix_track.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    detections = str(video.parent / "det.txt")
    words = (str(video), "--detector", detections, "--weights", "none", "--quiet", "--output", str(out), *words)
    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 250
    while time.monotonic() < deadline and process.poll() is None:
        text = out / "tracks.txt"
        if text.exists() and "\n24," in text.read_text():
            return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError(f"did not get to frame 24: {process.communicate()}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopping_leaves_whole_files(video, tmp_path, number, code):
    out = tmp_path / "out"
    process = start(video, out)
    process.send_signal(number)
    _, said = process.communicate(timeout=300)
    assert process.returncode == code
    assert said == f"remix-track: stopped by the user after 24 frames; what is there is whole: {out}\n"
    assert frames_in(out / "video.mp4") == 24
    assert mot_text.read(out / "tracks.txt").frame.max() == 24
    assert json.loads((out / "summary.json").read_text())["ended"] == "stopped by the user after 24 frames"


def test_kill_9_leaves_whole_files(video, tmp_path):
    process = start(video, tmp_path / "out")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=300)
    assert mot_text.read(tmp_path / "out" / "tracks.txt").frame.max() == 24
    # Ten frames make a fragment, and the encoder looks ten ahead; nothing else may be missing.
    assert frames_in(tmp_path / "out" / "video.mp4") >= 1


def test_a_full_disk_says_so_and_keeps_what_was_written(video, tmp_path):
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from remix_track.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    out, detections = tmp_path / "out", str(video.parent / "det.txt")
    words = (str(video), "--detector", detections, "--weights", "none", "--quiet", "--output", str(out), "--no-video")
    run = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 2, run.stderr
    assert "Traceback" not in run.stderr
    assert "tracks.txt: cannot be written" in run.stderr
    assert mot_text.read(out / "tracks.txt").frame.max() > 3


def test_the_python_interface(video):
    import remix_track

    run = remix_track.track(video, detector=str(video.parent / "det.txt"), weights="none", n_init=1)
    frames = list(run)
    assert [frame.index for frame in frames] == list(range(1, FRAMES + 1))
    assert all(frame.ids.tolist() == [1, 2] for frame in frames)
    assert frames[0].image.shape == (HEIGHT, WIDTH, 3)
    assert frames[0].embeddings is None
    assert (run.frames, run.people, run.boxes) == (FRAMES, {1, 2}, 2 * FRAMES)


def test_a_wrong_keyword_names_the_nearest(video):
    import remix_track

    with pytest.raises(remix_track.InputError, match=r"track\(\): unknown key 'max_aeg'; did you mean 'max_age'\?"):
        remix_track.track(video, weights="none", max_aeg=3)
    with pytest.raises(remix_track.InputError, match=r"Tracker\(\): unknown key 'max_aeg'; did you mean 'max_age'\?"):
        remix_track.Tracker(weights="none", max_aeg=3)
    with pytest.raises(remix_track.InputError, match=r"Tracker\(\): max_age = 'x'; expected a whole number"):
        remix_track.Tracker(weights="none", max_age="x")


def test_a_loop_of_ones_own():
    import remix_track

    tracker = remix_track.Tracker(weights="none", fps=20, n_init=1, min_confidence=0.5)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for index in range(1, 6):
        xyxy = walkers(index)
        xyxy[:, 2:] += xyxy[:, :2]
        doubtful = np.array([[0, 0, 9, 9]])
        found = remix_track.Detections(np.vstack([doubtful, xyxy]), np.array([0.1, 0.9, 0.9]), np.zeros(3, np.int64))
        tracks = tracker.update(found, image)
        assert tracks.ids.tolist() == [1, 2]
        assert tracks.detection.tolist() == [1, 2], "rows of what was given, the doubtful one counted"
    assert len(tracker.update(remix_track.Detections.empty(), image)) == 0

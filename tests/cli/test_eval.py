"""`remix-track eval`, as a user meets it: what it finds, tracks, scores, writes and says."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from remix_track.cli.main import main
from tests.footage import write_video

FRAMES, WIDTH, HEIGHT = 30, 320, 240


def people(frame: int) -> list[tuple[int, list[float]]]:
    """Three people who walk on lines of their own: id and tlwh."""
    return [(id_, [10 + (2 + id_) * frame, 20 + 60 * id_, 24, 50]) for id_ in (1, 2, 3)]


def write_sequence(root: Path, name: str, *, pictures: bool = False) -> Path:
    """A MOT17-like sequence with exact ground truth and perfect public detections."""
    folder = root / name
    for part in ("gt", "det", *(["img1"] if pictures else [])):
        (folder / part).mkdir(parents=True)
    boxes = [(frame, id_, box) for frame in range(1, FRAMES + 1) for id_, box in people(frame)]
    text = [f"{frame},{id_},{','.join(f'{v:g}' for v in box)},1,1,1\n" for frame, id_, box in boxes]
    (folder / "gt" / "gt.txt").write_text("".join(text))
    text = [f"{frame},-1,{','.join(f'{v:g}' for v in box)},0.9\n" for frame, _, box in boxes]
    (folder / "det" / "det.txt").write_text("".join(text))
    (folder / "seqinfo.ini").write_text(
        f"[Sequence]\nname={name}\nimDir=img1\nframeRate=30\nseqLength={FRAMES}\n"
        f"imWidth={WIDTH}\nimHeight={HEIGHT}\nimExt=.jpg\n"
    )
    for frame in range(1, FRAMES + 1) if pictures else ():
        image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        for id_, box in people(frame):
            left, top, width, height = (int(value) for value in box)
            image[top : top + height, left : left + width] = (60 * id_, 255 - 60 * id_, 40)
        cv2.imwrite(str(folder / "img1" / f"{frame:06d}.jpg"), image)
    return folder


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A MOT17 folder as it is downloaded, with two sequences without images."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("MOT17-02-FRCNN", "MOT17-04-SDP"):
        write_sequence(tmp_path / "MOT17" / "train", name)
    return tmp_path / "MOT17"


def evaluate(*words: str) -> int:
    return main(["eval", "--weights", "none", "--quiet", "--jobs", "1", *words])


def test_tracks_what_it_finds_and_scores_it(root, tmp_path, capsys):
    assert evaluate("--mot17", "--json", "scores.json", "--csv", "scores.csv", "--markdown", "scores.md") == 0
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert list(scores["sequences"]) == ["MOT17-02-FRCNN", "MOT17-04-SDP"]
    assert list(scores["COMBINED"])[:4] == ["MOTA", "IDF1", "IDsw", "HOTA"]
    assert scores["protocol"]["name"] == "devkit"
    # Every person is confirmed in the second frame, at scores of 0.9, and never lost.
    assert scores["COMBINED"]["MOTA"] == pytest.approx(100 * (FRAMES - 1) / FRAMES)
    assert scores["COMBINED"]["IDsw"] == 0
    assert set(scores["detectors"]) == {"FRCNN", "SDP"}
    shown = capsys.readouterr().out
    assert "COMBINED" in shown
    assert "protocol devkit" in shown
    assert (tmp_path / "scores.csv").read_text().startswith("sequence,MOTA,IDF1,IDsw,HOTA")
    assert "**COMBINED**" in (tmp_path / "scores.md").read_text()
    assert (tmp_path / "runs" / "eval" / "MOT17-02-FRCNN.txt").is_file()


def test_says_what_it_found_and_skipped(root, capsys):
    write_sequence(root / "train", "MOT16-02")
    (root / "test" / "MOT17-01-SDP" / "det").mkdir(parents=True)
    (root / "test" / "MOT17-01-SDP" / "det" / "det.txt").write_text("1,-1,1,1,9,9,1\n")
    assert main(["eval", "--mot17", str(root), "--weights", "none", "--jobs", "1"]) == 0
    said = capsys.readouterr().err
    assert f"MOT17: 2 sequences in {root}; protocol devkit" in said
    assert "MOT16-02: not a MOT17 sequence" in said
    assert "MOT17-01-SDP: no gt/gt.txt (a test sequence?)" in said
    assert f"MOT17-04-SDP: {FRAMES} frames in" in said


def test_a_bar_that_is_missed_exits_1(root, capsys):
    assert evaluate("--mot17", "--min", "MOTA=80", "--min", "idf1=80") == 0
    capsys.readouterr()
    assert evaluate("--mot17", "--min", "MOTA=99.9") == 1
    assert capsys.readouterr().err == "remix-track: COMBINED MOTA is 96.667, below the minimum of 99.9\n"


def test_a_second_run_replays_what_was_seen(root, capsys, monkeypatch):
    assert main(["eval", "--mot17", "--weights", "none", "--jobs", "1"]) == 0
    assert "replayed" not in capsys.readouterr().err
    from remix_track.trackers.detectors.public import PublicDetections

    def not_again(self, frame):
        raise AssertionError("detected again")

    with monkeypatch.context() as patched:
        patched.setattr(PublicDetections, "__call__", not_again)
        words = ["eval", "--mot17", "--weights", "none", "--jobs", "1", "--n-init", "1", "--json", "second.json"]
        assert main(words) == 0
    assert capsys.readouterr().err.count("replayed") == 2
    assert json.loads(Path("second.json").read_text())["COMBINED"]["MOTA"] == 100
    # Other detections are other facts: nothing old may be replayed.
    det = root / "train" / "MOT17-04-SDP" / "det" / "det.txt"
    det.write_text(det.read_text().replace(",0.9\n", ",0.8\n"))
    assert main(["eval", "--mot17", "--weights", "none", "--jobs", "1"]) == 0
    assert capsys.readouterr().err.count("replayed") == 1


def test_a_replay_says_again_what_was_wrong(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    folder = write_sequence(tmp_path / "own", "yard", pictures=True)
    (folder / "img1" / "000029.jpg").write_bytes(b"no image")
    (folder / "img1" / "000030.jpg").unlink()
    said = []
    for _ in range(2):
        words = ["--data", "own", "--detector", "hog", "--weights", "none", "--jobs", "1", "--quiet", "--cache", "kept"]
        assert main(["eval", *words]) == 0
        said.append(sorted(message.removeprefix("yard: ") for message in caplog.messages))
        caplog.clear()
    assert said[0] == said[1]
    assert len(said[0]) == 2
    assert "seqinfo.ini says 30 frames, img1 holds 29 images" in said[0][0]
    assert "frame 29 was lost" in said[0][1]


def test_a_broken_entry_is_made_anew(root, capsys):
    words = ["eval", "--mot17", "--weights", "none", "--jobs", "1", "--cache", "kept"]
    assert main(words) == 0
    for path in Path("kept").glob("*/boxes.npz"):
        path.write_bytes(path.read_bytes()[:200])
    capsys.readouterr()
    for replayed in (0, 2):
        assert main(words) == 0
        assert capsys.readouterr().err.count("replayed") == replayed


def test_a_full_cache_costs_no_results(root, tmp_path, caplog, monkeypatch):
    from remix_track.trackers.pipeline.benchmark_cache import CacheWriter

    def no_room(self, *given):
        raise OSError(errno.ENOSPC, "No space left on device")

    for method in ("append", "finish"):
        with monkeypatch.context() as patched:
            patched.setattr(CacheWriter, method, no_room)
            assert evaluate("--mot17", "--cache", "kept", "--output", method) == 0
        assert [message for message in caplog.messages if "kept: nothing is kept" in message] == caplog.messages
        assert len(caplog.messages) == 2
        assert "No space left" in caplog.messages[0]
        assert list((tmp_path / "kept").iterdir()) == []
        caplog.clear()
    assert evaluate("--mot17", "--output", "normal", "--no-cache") == 0
    for path in (tmp_path / "normal").glob("*.txt"):
        assert path.read_bytes() == (tmp_path / "append" / path.name).read_bytes()


def test_processes_give_the_same_files_as_one(root, tmp_path):
    assert evaluate("--mot17", "--output", "one", "--no-cache") == 0
    words = ["eval", "--mot17", "--weights", "none", "--quiet", "--jobs", "2", "--output", "two", "--no-cache"]
    assert main(words) == 0
    for path in (tmp_path / "one").glob("*.txt"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def start_two(tmp_path, **environment):
    """`eval` of thousands of frames in two processes, so that only the wish to stop can end it soon."""
    for name in ("one", "two"):
        folder = write_sequence(tmp_path / "own", name)
        info = folder / "seqinfo.ini"
        info.write_text(info.read_text().replace(f"seqLength={FRAMES}", "seqLength=900000"))
        with (folder / "det" / "det.txt").open("a") as file:
            file.write("100000,-1,1,1,9,9,0.9\n")
    words = ["--data", "own", "--weights", "none", "--jobs", "2", "--cache", "cache", "--output", "out"]
    command = [sys.executable, "-m", "remix_track.cli.main", "eval", *words]
    return subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(files, count=2):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(files())) < count:
        time.sleep(0.05)


def ended(process):
    try:
        _, said = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, said


def long_evaluation(folder):
    """Two sequences of a hundred thousand frames, a process for each, both at work."""
    for name in ("one", "two"):
        sequence = write_sequence(folder / "own", name)
        info = sequence / "seqinfo.ini"
        info.write_text(info.read_text().replace(f"seqLength={FRAMES}", "seqLength=900000"))
        with (sequence / "det" / "det.txt").open("a") as file:
            file.write("100000,-1,1,1,9,9,0.9\n")
    words = ["--data", "own", "--weights", "none", "--jobs", "2", "--cache", "cache", "--output", "out"]
    command = [sys.executable, "-m", "remix_track.cli.main", "eval", *words]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list((folder / "out").glob(".*.txt"))) < 2:
        time.sleep(0.05)
    return process


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the processes of a process are read from /proc")
def test_a_process_that_is_killed_is_one_line(tmp_path):
    """The last one that was started: the pool may not know it yet."""
    process = long_evaluation(tmp_path)
    started = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(started[-1]), signal.SIGKILL)
    try:
        _, said = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 2, said
    assert said.splitlines()[-1].startswith("remix-track: a process that tracked was ended from outside, as Linux does")
    assert not list((tmp_path / "out").rglob("[!.]*.txt")), "no result, only what the killed one had begun"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopping_ends_every_process_and_leaves_nothing_half_done(tmp_path, number, code):
    """Thousands of frames each, so that only the wish to stop can end it soon."""
    process = long_evaluation(tmp_path)
    # A terminal's Ctrl-C goes to all processes of the group; SIGTERM to the one that was started.
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    returned, said = ended(process)
    assert returned == code, said
    assert said.splitlines()[-1] == "remix-track: stopped by the user; no sequence is done"
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_of_the_terminal_leaves_processes_that_begin_to_the_first(tmp_path, number, code):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, time\n"
        "if 'spawn_main' in str(sys.orig_argv):\n"
        "    open(f'{os.getpid()}.begins', 'w').close()\n"
        "    time.sleep(1)\n"
    )
    process = start_two(tmp_path, PYTHONPATH=str(tmp_path))
    wait_for(lambda: tmp_path.glob("*.begins"))
    os.killpg(process.pid, number)
    returned, said = ended(process)
    assert (returned, "Traceback" in said) == (code, False), said
    assert said.endswith("remix-track: stopped by the user; no sequence is done\n")


def test_a_folder_that_got_no_result_may_be_named_again(root, tmp_path, capsys):
    (root / "train" / "MOT17-02-FRCNN" / "det" / "det.txt").write_text("no numbers\n")
    assert evaluate("--mot17", "--output", "out", "--no-cache") == 2
    assert "det.txt:1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_results_as_remix_track_leaves_them(root, tmp_path):
    """`remix-track SEQUENCE SEQUENCE --output out` makes a folder for each."""
    for name in ("MOT17-02-FRCNN", "MOT17-04-SDP"):
        folder = tmp_path / "out" / name
        folder.mkdir(parents=True)
        rows = [
            f"{frame},{id_},{','.join(map(str, box))},1,-1,-1,-1\n"
            for frame in range(1, FRAMES + 1)
            for id_, box in people(frame)
        ]
        (folder / "tracks.txt").write_text("".join(rows))
    assert evaluate("--mot17", "--results", "out", "--min", "MOTA=100", "--errors", "errors.html") == 0
    assert "In the images" not in (tmp_path / "errors.html").read_text(), "there are none"


def test_results_of_any_tracker(root, tmp_path, capsys):
    results = tmp_path / "theirs"
    results.mkdir()
    rows = [
        f"{frame},7{id_},{','.join(map(str, box))},1,-1,-1,-1\n"
        for frame in range(1, FRAMES + 1)
        for id_, box in people(frame)
    ]
    (results / "MOT17-02-FRCNN.txt").write_text("".join(rows))
    assert evaluate("--mot17", "--results", str(results)) == 2
    missing = results / "MOT17-04-SDP.txt"
    assert capsys.readouterr().err == (
        f"remix-track: {missing}: no results for this sequence; "
        "write the file, or give --allow-missing to score it as no detections\n"
    )
    assert evaluate("--mot17", "--results", str(results), "--allow-missing", "--json", "scores.json") == 0
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["sequences"]["MOT17-02-FRCNN"]["IDF1"] == 100
    assert scores["sequences"]["MOT17-04-SDP"]["FN"] == 3 * FRAMES
    (results / "MOT17-04-SDP.txt").write_text("".join([*rows, rows[-1]]))
    assert evaluate("--mot17", "--results", str(results)) == 2
    said = capsys.readouterr().err
    assert f"{missing}:{3 * FRAMES + 1}: " in said
    assert "73" in said


def test_reports_replace_nothing_unless_that_was_asked_for(root, tmp_path, capsys):
    (tmp_path / "mine.csv").write_text("mine")
    assert evaluate("--mot17", "--output", "out", "--csv", "mine.csv") == 2
    assert "mine.csv: there is something already; give another name, or --overwrite" in capsys.readouterr().err
    assert not (tmp_path / "out").exists(), "it is said before the work"
    assert (tmp_path / "mine.csv").read_text() == "mine"
    assert evaluate("--mot17", "--output", "out", "--csv", "one.txt", "--json", "one.txt") == 2
    assert "one.txt: is named for two outputs" in capsys.readouterr().err
    assert evaluate("--mot17", "--output", "out", "--csv", "mine.csv", "--overwrite") == 0
    assert (tmp_path / "mine.csv").read_text().startswith("sequence,")


def test_half_of_a_sequence(root, tmp_path, capsys):
    assert evaluate("--mot17", "--split", "val-half", "--output", "half", "--json", "half.json") == 0
    scores = json.loads((tmp_path / "half.json").read_text())
    assert scores["protocol"]["split"] == "val-half"
    assert scores["sequences"]["MOT17-02-FRCNN"]["GT_Dets"] == 3 * (FRAMES - FRAMES // 2 - 1)
    first = int((tmp_path / "half" / "MOT17-02-FRCNN.txt").read_text().partition(",")[0])
    assert first == FRAMES // 2 + 2 + 1, "numbered as the sequence is, confirmed in the second frame"
    # The same results numbered from 1, as half-val scripts write them, score the same, and a note says why.
    renumbered = tmp_path / "renumbered"
    renumbered.mkdir()
    for path in (tmp_path / "half").glob("*.txt"):
        lines = [line.split(",", 1) for line in path.read_text().splitlines()]
        text = "".join(f"{int(frame) - FRAMES // 2 - 1},{rest}\n" for frame, rest in lines)
        (renumbered / path.name).write_text(text)
    words = ["eval", "--mot17", "--results", str(renumbered), "--split", "val-half", "--json", "again.json"]
    assert main(words) == 0
    assert "read as numbered from 1 in the half" in capsys.readouterr().err
    assert json.loads((tmp_path / "again.json").read_text())["COMBINED"] == scores["COMBINED"]


def test_compare_folders_and_files(root, tmp_path, capsys):
    assert evaluate("--mot17", "--output", "a", "--json", "a.json") == 0
    assert evaluate("--mot17", "--output", "b", "--json", "b.json", "--n-init", "1") == 0
    capsys.readouterr()
    assert main(["eval", "--compare", "a.json", "b.json", "--markdown", "diff.md"]) == 0
    from_files = capsys.readouterr().out
    assert "+3.3" in from_files
    assert "+3.3" in (tmp_path / "diff.md").read_text()
    assert main(["eval", "--mot17", "--quiet", "--compare", "a", "b"]) == 0
    assert "+3.3" in capsys.readouterr().out


def test_a_page_of_errors_with_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_sequence(tmp_path / "own", "yard", pictures=True)
    results = tmp_path / "results"
    results.mkdir()
    # Two people swap their ids in the middle.
    swapped = {1: 2, 2: 1, 3: 3}
    rows = [
        f"{frame},{swapped[id_] if frame > 15 else id_},{','.join(map(str, box))},1,-1,-1,-1\n"
        for frame in range(1, FRAMES + 1)
        for id_, box in people(frame)
    ]
    (results / "yard.txt").write_text("".join(rows))
    assert evaluate("--data", str(folder.parent), "--results", str(results), "--errors", "errors.html") == 0
    page = (tmp_path / "errors.html").read_text()
    assert "yard" in page
    assert "data:image/jpeg;base64," in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_missed_boxes_and_their_reasons(root, tmp_path, capsys):
    """Of our own run, of any tracker's results, and with other detections."""
    assert evaluate("--mot17", "--errors", "errors.html") == 0
    # Each person is confirmed in the second frame.
    assert _missed(tmp_path) == [
        (f"MOT17-{name}", "1", "late birth", "0.9") for name in ("02-FRCNN",) * 3 + ("04-SDP",) * 3
    ]
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "late birth 6 3.3 3 3" in shown
    given = tmp_path / "runs" / "eval" / "detections" / "MOT17-02-FRCNN.txt"
    public = tmp_path / "MOT17" / "train" / "MOT17-02-FRCNN" / "det" / "det.txt"
    assert np.allclose(np.loadtxt(given, delimiter=",")[:, :7], np.loadtxt(public, delimiter=",")[:, :7], atol=0.01)
    # What lies beside the results comes first, what is asked for before that.
    given.write_text("")
    assert evaluate("--mot17", "--results", "runs/eval", "--errors", "errors.html", "--overwrite") == 0
    assert [row[2] for row in _missed(tmp_path)] == ["no detection"] * 3 + ["late birth"] * 3
    words = ["--mot17", "--results", "runs/eval", "--errors", "errors.html", "--detections", "MOT17/train"]
    words.append("--overwrite")
    assert evaluate(*words) == 0
    assert [row[2] for row in _missed(tmp_path)] == ["late birth"] * 6
    assert evaluate(*words, "--sure-score", "0.95") == 0
    assert [row[2] for row in _missed(tmp_path)] == ["unsure detection"] * 6
    page = (tmp_path / "errors.html").read_text()
    assert "Why people were missed" in page
    assert "(a score of 0.95 or more)" in page


def _missed(folder: Path) -> list[tuple[str, ...]]:
    lines = (folder / "errors-missed.csv").read_text().splitlines()
    names = lines[0].split(",")
    wanted = [names.index(name) for name in ("sequence", "frame", "reason", "detection_score")]
    return [tuple(line.split(",")[place] for place in wanted) for line in lines[1:]]


def test_pictures_are_detected_and_embedded(tmp_path, monkeypatch):
    """The whole way: images, appearance, the default weights."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_sequence(tmp_path / "own", "yard", pictures=True)
    words = ["eval", "--data", "own", "--detector", "public", "--quiet", "--jobs", "1", "--json"]
    assert main([*words, "first.json"]) == 0
    assert main([*words, "replayed.json"]) == 0
    first, replayed = (json.loads(Path(name).read_text()) for name in ("first.json", "replayed.json"))
    assert first == replayed
    assert first["COMBINED"]["IDsw"] == 0
    assert first["COMBINED"]["MOTA"] > 90


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say which benchmark: one of --mot15, --mot16, --mot17, --mot20, --dancetrack, --sportsmot, --data; "
             "your own MOT-format folder is --data ROOT"),
        (["--mot17", "nowhere"], "nowhere: no such folder; give the folder that holds the sequences"),
        (["--mot17", "--weights", "default"], "MOT17/train/MOT17-02-FRCNN: no images (img1/) to embed; "
             "put them there, or give --weights none to track by motion alone"),
        (["--mot17", "--detector", "hog"], "MOT17/train/MOT17-02-FRCNN: no images for --detector hog; "
             "give --detector public"),
        (["--mot17", "--min", "MOTAA=3"], None),
        (["--mot17", "--jobs", "0"], "--jobs = 0; expected at least 1"),
        (["--compare", "nowhere.json", "nowhere.json"], None),
    ],
)  # fmt: skip
def test_wrong_use_gets_one_line(root, capsys, words, message):
    assert main(["eval", "--quiet", "--jobs", "1", *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    if message:
        assert said == f"remix-track: {message}\n"
    assert not Path("runs").exists()


def test_without_data_it_says_where_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REMIX_TRACK_DATA", raising=False)
    assert main(["eval", "--mot17"]) == 2
    said = capsys.readouterr().err
    assert "https://motchallenge.net/data/MOT17.zip" in said
    assert "./data/MOT17" in said


@pytest.mark.parametrize("stated", [True, False])
def test_who_leaves_at_the_side_is_who_tracking_says_also_where_nothing_states_the_width(tmp_path, monkeypatch, stated):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_sequence(tmp_path / "data", "street", pictures=True)
    # Somebody stands at the right side, and is not seen for 20 frames of 30 a second, less than the tracker waits.
    (folder / "det" / "det.txt").write_text(
        "".join(f"{frame},-1,{WIDTH - 24},20,24,50,0.9\n" for frame in range(1, FRAMES + 1) if not 5 < frame < 26)
    )
    if not stated:
        (folder / "seqinfo.ini").write_text(f"[Sequence]\nname=street\nframeRate=30\nseqLength={FRAMES}\n")
    words = ["--weights", "none", "--quiet", "--offline", "--no-camera-motion", "--detector"]
    assert main([str(folder), *words, str(folder / "det" / "det.txt"), "--no-video", "--output", "alone"]) == 0
    for _ in ("seen", "replayed"):
        words_of_eval = ["--data", "data", *words[:-1], "--detector", "public", "--jobs", "1", "--overwrite"]
        assert main(["eval", *words_of_eval, "--output", "evaluated"]) == 0
        found = Path("evaluated/street.txt").read_text()
        assert found == Path("alone/tracks.txt").read_text()
    assert {line.split(",")[1] for line in found.splitlines()} == {"1", "2"}


def _text_alone(tmp_path, monkeypatch, *, frames, last):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "own" / "one"
    for name in ("gt", "det"):
        (folder / name).mkdir(parents=True)
        rows = [f"{frame},{frame if name == 'gt' else -1},1,1,9,9,1,1,1\n" for frame in (1, 2, last)]
        (folder / name / f"{name}.txt").write_text("".join(rows))
    if frames:
        (folder / "seqinfo.ini").write_text(f"[Sequence]\nseqLength={frames}\nframeRate=10\n")
    return ["eval", "--data", "own", "--weights", "none", "--no-camera-motion", "--no-cache", "--output", "out"]


@pytest.mark.parametrize("offline", [[], ["--offline"]])
def test_a_length_far_beyond_the_text_is_said_once_and_not_walked_through(tmp_path, monkeypatch, capsys, offline):
    words = _text_alone(tmp_path, monkeypatch, frames=999999999, last=3)
    assert main([*words, *offline, "--json", "scores.json"]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "seqLength" in line]
    doubt = "own/one/seqinfo.ini: seqLength=999999999, but the boxes end at frame 3; 3 is taken"
    assert said == [f"remix-track: warning: {doubt}"]
    assert json.loads(Path("scores.json").read_text())["COMBINED"]["Frames"] == 3


def test_each_of_several_errors_has_a_line(tmp_path, capsys):
    for name in ("one", "two"):
        (tmp_path / "own" / name / "gt").mkdir(parents=True)
        (tmp_path / "own" / name / "gt" / "gt.txt").write_text("1,1,0,0,9,9,1,1,1\n")
    (tmp_path / "results").mkdir()
    assert main(["eval", "--data", str(tmp_path / "own"), "--results", str(tmp_path / "results")]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "no results for this sequence" in line]
    assert [line.startswith(f"remix-track: {tmp_path}") for line in said] == [True, True]
    assert not any("\\n" in line for line in said)


@pytest.mark.parametrize("frames", [None, 999999999])
def test_a_frame_number_out_of_all_measure_is_one_line(tmp_path, monkeypatch, capsys, frames):
    words = _text_alone(tmp_path, monkeypatch, frames=frames, last=999999999)
    assert main(words) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("remix-track: own/one: 999,999,999 frames of detections alone are more than 1,000,000")
    assert not (tmp_path / "out").exists()


def test_a_video_ends_an_offline_run_and_not_seqlength(tmp_path, monkeypatch):
    words = _text_alone(tmp_path, monkeypatch, frames=9999999, last=3)
    write_video(tmp_path / "own" / "one" / "clip.mp4", frames=4)
    assert main([*words, "--offline", "--detector", "hog"]) == 0

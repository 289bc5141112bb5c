"""How a run ends: signals at every moment, folders and files that vanish under it, results that two runs want."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import av
import pytest

from remix_track import mot_text, reservations, stop_signals
from remix_track.cli.main import main
from remix_track.errors import InputError
from remix_track.output_files import atomic_write, reserve_existing_folder, reserve_folder
from remix_track.trackers.pipeline import recorder
from remix_track.trackers.pipeline.outputs import Outputs
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.sinks.crops import CropSink
from remix_track.trackers.sinks.mot_text import MotTextSink
from remix_track.trackers.sinks.tables import CsvSink, JsonLinesSink
from remix_track.trackers.sinks.video import VideoSink
from tests.footage import write_video

FRAMES = 30
WANTED = ["--csv", "--jsonl", "--crops", "--quiet", "--weights", "none", "--no-camera-motion"]
EVERYTHING = {
    *("tracks.txt", "tracks.csv", "tracks.jsonl", "video.mp4", "people.html", "crops", "summary.json"),
    reservations.MARK,
}


@pytest.fixture
def video(tmp_path):
    """One person in every frame from the first on, so that each file shows which frames it has."""
    path = write_video(tmp_path / "street.avi", frames=FRAMES)
    (tmp_path / "det.txt").write_text("".join(f"{i},-1,{20 + 2 * i},30,20,40,0.9\n" for i in range(1, FRAMES + 1)))
    return path


def words(video, out, *more):
    return [
        str(video),
        "--detector",
        str(video.parent / "det.txt"),
        "--n-init",
        "1",
        *WANTED,
        "--output",
        str(out),
        *more,
    ]


def frames_of(out):
    """The last frame that each file has."""
    with av.open(str(out / "video.mp4")) as container:
        shown = sum(1 for _ in container.decode(video=0))
    table = (out / "tracks.csv").read_text().splitlines()
    objects = (out / "tracks.jsonl").read_text().splitlines()
    return {
        "txt": int(mot_text.read(out / "tracks.txt").frame.max(initial=0)),
        "csv": int(table[-1].split(",")[0]) if len(table) > 1 else 0,
        "jsonl": json.loads(objects[-1])["frame"] if objects else 0,
        "video": shown,
        "summary": json.loads((out / "summary.json").read_text())["frames"],
    }


def signals(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)


def at(monkeypatch, owner, name, call, *numbers, before=True):
    """Send the signals when `owner.name` is called for the n-th time, or when that call has ended."""
    original, calls = getattr(owner, name), list[None]()

    def noted(*given, **named):
        calls.append(None)
        if before and len(calls) == call:
            signals(*numbers)
        made = original(*given, **named)
        if not before and len(calls) == call:
            signals(*numbers)
        return made

    monkeypatch.setattr(owner, name, noted)
    return calls


INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
WRITING = [(sink, "write") for sink in (MotTextSink, VideoSink, CsvSink, JsonLinesSink, CropSink)]


@pytest.mark.parametrize("numbers", [(INT,), (INT, TERM), (TERM, HUP, INT, TERM)])
@pytest.mark.parametrize(("owner", "name"), [*WRITING, (Outputs, "write")])
def test_every_file_has_the_frame_in_which_a_signal_comes(video, tmp_path, monkeypatch, owner, name, numbers):
    at(monkeypatch, owner, name, 7, *numbers)
    assert main(words(video, tmp_path / "o")) == 128 + numbers[0]
    assert set(frames_of(tmp_path / "o").values()) == {7}
    assert json.loads((tmp_path / "o" / "summary.json").read_text())["ended"] == "stopped by the user after 7 frames"


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("owner", "name", "call"), [(MotTextSink, "__init__", 1), (VideoSink, "__init__", 1), (VideoSink, "_start", 1)]
)
def test_a_signal_while_files_are_made(video, tmp_path, monkeypatch, owner, name, call, before):
    at(monkeypatch, owner, name, call, INT, TERM, before=before)
    assert main(words(video, tmp_path / "o")) == 130
    assert set(frames_of(tmp_path / "o").values()) == {1}


@pytest.mark.parametrize("call", [1, 2, 9])
def test_a_signal_while_a_frame_is_waited_for(video, tmp_path, monkeypatch, call):
    at(monkeypatch, Run, "_next", call, TERM, INT)
    assert main(words(video, tmp_path / "o", "--threads", "1")) == 143
    if call == 1:
        assert not (tmp_path / "o").exists(), "no frame, no folder"
    else:
        assert set(frames_of(tmp_path / "o").values()) == {call - 1}


@pytest.mark.parametrize("numbers", [(INT,), (HUP, TERM)])
@pytest.mark.parametrize(
    ("owner", "name"),
    [(Outputs, "close"), (VideoSink, "close"), (CsvSink, "close"), (recorder, "summarise"), (recorder, "_finish")],
)
def test_once_a_run_has_come_to_its_end_signals_change_nothing(video, tmp_path, monkeypatch, owner, name, numbers):
    calls = at(monkeypatch, owner, name, 1, *numbers)
    assert main(words(video, tmp_path / "o")) == 0
    assert calls
    assert set(frames_of(tmp_path / "o").values()) == {FRAMES}
    assert json.loads((tmp_path / "o" / "summary.json").read_text())["ended"] == "complete"


@pytest.mark.parametrize("name", ["close", "_finish", "summarise"])
def test_while_a_stopped_run_ends_signals_change_nothing(video, tmp_path, monkeypatch, name):
    at(monkeypatch, MotTextSink, "write", 5, INT)
    at(monkeypatch, VideoSink if name == "close" else recorder, name, 1, TERM, INT, HUP)
    assert main(words(video, tmp_path / "o")) == 130
    assert set(frames_of(tmp_path / "o").values()) == {5}


def test_a_signal_at_the_end_of_one_video_keeps_the_next_from_beginning(video, tmp_path, monkeypatch):
    at(monkeypatch, recorder, "summarise", 1, TERM)
    assert main([str(video), *words(video, tmp_path / "o")]) == 143
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["street"]
    assert set(frames_of(tmp_path / "o" / "street").values()) == {FRAMES}


def test_handlers_are_those_of_before(video, tmp_path):
    before = [signal.getsignal(number) for number in stop_signals.STOPS]
    assert main(words(video, tmp_path / "o")) == 0
    assert [signal.getsignal(number) for number in stop_signals.STOPS] == before


def test_a_program_of_its_own_keeps_its_handlers(video):
    import remix_track

    before = [signal.getsignal(number) for number in stop_signals.STOPS]
    run = remix_track.track(video, detector=str(video.parent / "det.txt"), weights="none")
    for _ in run:
        assert [signal.getsignal(number) for number in stop_signals.STOPS] == before


def test_a_signal_that_was_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals.caught():
            signals(HUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert not stop_signals.asked()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("seconds", "ends"), [(4.9, False), (5.1, True)])
def test_the_third_signal_ends_a_process_whose_end_takes_seconds(seconds, ends):
    program = f"""
import os, signal, time
from remix_track import stop_signals
now = time.monotonic
with stop_signals.caught(), stop_signals.held():
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    time.monotonic = lambda: now() + {seconds}
    os.kill(os.getpid(), signal.SIGINT)
    print("alive")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stdout) == ((-signal.SIGINT, "") if ends else (0, "alive\n"))


@pytest.mark.parametrize("number", stop_signals.STOPS)
def test_a_signal_while_python_takes_itself_apart_changes_no_exit_code(number):
    program = f"""
import os, sys
from remix_track.cli.ending import exit_code
class Late:
    def __del__(self):
        os.kill(os.getpid(), {int(number)})
        print("late", flush=True)
late = Late()
sys.exit(exit_code("x", lambda: 7, ends_process=True))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "late\n", "")


def test_what_was_noted_is_acted_on_where_something_is_waited_for():
    reached = []
    with stop_signals.caught():
        with stop_signals.held():
            signals(TERM)
            reached.append("held")
            with pytest.raises(stop_signals.Stopped) as caught, stop_signals.waiting():
                reached.append("never")
        assert caught.value.signal == TERM
        signals(INT)
        with pytest.raises(stop_signals.Stopped):
            stop_signals.check()
    assert reached == ["held"]
    assert not stop_signals.asked()


def in_the_middle(monkeypatch, frame, do):
    """`do(folder)` when that frame was written."""
    write = Outputs.write

    def noted(self, tracked):
        write(self, tracked)
        if tracked.index == frame:
            do(self.folder)

    monkeypatch.setattr(Outputs, "write", noted)


def removed(folder):
    shutil.rmtree(folder)


def renamed(folder):
    folder.rename(folder.with_name("elsewhere"))


def replaced(folder):
    renamed(folder)
    folder.mkdir()
    (folder / "precious.txt").write_text("1")


def replaced_by_a_claimed_one(folder):
    renamed(folder)
    folder.mkdir()
    (folder / reservations.MARK).touch()
    (folder / "tracks.txt").write_text("1")


@pytest.mark.parametrize("do", [removed, renamed, replaced, replaced_by_a_claimed_one])
@pytest.mark.parametrize("frame", [1, 12, FRAMES])
def test_a_folder_that_is_not_there_any_more_is_no_success(video, tmp_path, monkeypatch, capsys, do, frame):
    out = tmp_path / "o"
    in_the_middle(monkeypatch, frame, do)
    assert main(words(video, out)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{out}: was {'removed' if do is removed else 'renamed or replaced'} while the run wrote to it" in said
    if do in (removed, renamed):
        assert not out.exists(), "a claimed folder is never made again"
    elif do is replaced:
        assert [path.name for path in out.iterdir()] == ["precious.txt"]
    else:
        assert sorted(path.name for path in out.iterdir()) == [reservations.MARK, "tracks.txt"]
        assert (out / "tracks.txt").read_text() == "1"
    if do is not removed:
        # All frames went on into what there is.
        moved = tmp_path / "elsewhere"
        assert f"it is now {moved}" in said
        assert mot_text.read(moved / "tracks.txt").frame.max() == FRAMES
        with av.open(str(moved / "video.mp4")) as container:
            assert sum(1 for _ in container.decode(video=0)) == FRAMES
        assert not (moved / "summary.json").exists()


@pytest.mark.parametrize(
    "name", ["tracks.txt", "tracks.csv", "tracks.jsonl", "video.mp4", "crops", "crops/1/000001.jpg"]
)
@pytest.mark.parametrize("again", [False, True])
def test_a_file_that_is_not_there_any_more_is_no_success(video, tmp_path, monkeypatch, capsys, name, again):
    def remove(folder):
        path = folder / name
        # Under another name, so that its number is not given to the next one.
        path.rename(tmp_path / "gone")
        if again:
            shutil.copytree(tmp_path / "gone", path) if name == "crops" else path.write_text("another")

    in_the_middle(monkeypatch, 12, remove)
    assert main(words(video, tmp_path / "o")) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{tmp_path / 'o' / name}" in said
    summary = json.loads((tmp_path / "o" / "summary.json").read_text())
    assert summary["ended"].startswith("failed: ")
    assert summary["frames"] == FRAMES, "the others are whole"


def running(video, out, *more):
    """A run in a process of its own that stands still at its tenth frame."""
    program = (
        "import sys, time; from remix_track.trackers.pipeline.outputs import Outputs\n"
        "write = Outputs.write\n"
        "def slow(self, frame):\n"
        "    write(self, frame)\n"
        # In short pieces: a signal just before a sleep begins does not end it.
        "    for _ in range(6000 if frame.index == 10 else 0): time.sleep(0.05)\n"
        "Outputs.write = slow\n"
        "from remix_track.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, *words(video, out, *more)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 250
    while not (out / "tracks.txt").exists() or "\n10," not in (out / "tracks.txt").read_text():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def test_what_a_run_writes_to_is_not_overwritten_until_it_is_gone(video, tmp_path, capsys):
    out = tmp_path / "o"
    process = running(video, out)
    try:
        before = (out / "tracks.txt").read_bytes()
        for more in ([], ["--overwrite"]):
            assert main(words(video, out, *more)) == 2
            said = capsys.readouterr().err
            assert said == f"remix-track: {out}: another run writes to it; wait for its end, or give another --output\n"
        assert (out / "tracks.txt").read_bytes() == before
        # Kill -9 lets go of it: the kernel holds the lock.
        process.kill()
        process.wait(60)
        assert main(words(video, out)) == 2
        assert "there is something already" in capsys.readouterr().err
        assert main(words(video, out, "--overwrite")) == 0
        assert set(frames_of(out).values()) == {FRAMES}
    finally:
        process.kill()
        process.communicate()


def test_numbered_folders_of_several_sources_are_not_taken_from_a_run(video, tmp_path, capsys):
    other = tmp_path / "other.avi"
    shutil.copy(video, other)
    process = running(video, tmp_path / "o" / "street")
    try:
        assert main([str(other), *words(video, tmp_path / "o", "--overwrite")]) == 2
        assert "another run writes to it" in capsys.readouterr().err
    finally:
        process.kill()
        process.communicate()


def test_a_folder_is_claimed_once_and_whole_files_know_it(tmp_path):
    folder = reserve_folder(tmp_path / "run")
    with pytest.raises(reservations.BusyError):
        reserve_folder(folder, overwrite=True)
    with pytest.raises(reservations.BusyError):
        reserve_existing_folder(folder)
    with atomic_write(folder / "checkpoints" / "1.pt") as path:
        path.write_text("1")
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="was removed while"), atomic_write(folder / "checkpoints" / "2.pt"):
        pass
    assert not folder.exists()
    reservations.release(folder)
    with atomic_write(folder / "checkpoints" / "2.pt") as path:
        path.write_text("1")
    assert reserve_existing_folder(folder) == folder
    reservations.release(folder)


def test_a_claim_of_another_run_that_gives_its_folder_back_is_never_shared(tmp_path):
    """Three processes claim, write and give back the same folder; no two have it at once, and none is left."""
    program = """
import sys
from pathlib import Path
from remix_track.errors import InputError
from remix_track.output_files import reserve_folder, release_folder
folder, won = Path(sys.argv[1]), 0
for _ in range(200):
    try:
        reserve_folder(folder)
    except InputError:
        continue
    (folder / "alone").touch(exist_ok=False)
    (folder / "alone").unlink()
    release_folder(folder)
    won += 1
print(won)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "run")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended = [(process.communicate(timeout=300), process.returncode) for process in processes]
    assert all(code == 0 for _, code in ended), ended
    assert sum(int(out) for (out, _), _ in ended) > 0
    assert not (tmp_path / "run").exists()

"""Runs recorded and videos linked from Python: the files of the command, its ends, and nothing printed."""

import filecmp
import json
import logging
import signal
from types import SimpleNamespace
from typing import Any

import pytest

import remix_track
from remix_track import InputError, reservations, stop_signals
from remix_track.cli.main import main
from remix_track.json_text import json_text
from remix_track.progress import Progress
from remix_track.trackers.pipeline.recorder import several_classes
from remix_track.trackers.sinks.formats import OutputSettings
from remix_track.trackers.sinks.mot_text import MotTextSink
from tests.cli.test_run_ending import EVERYTHING, FRAMES, HUP, INT, TERM, at, frames_of, video, words

__all__ = ["video"]


def recorded(video, out, **more):
    run = remix_track.track(video, detector=video.parent / "det.txt", n_init=1, weights="none", camera_motion=False)
    return run.record(out, csv=True, jsonl=True, crops=True, **more)


def test_python_writes_what_the_command_writes_and_prints_nothing(video, tmp_path, capsys):
    summary = recorded(video, tmp_path / "python")
    assert capsys.readouterr() == ("", "")
    assert main(words(video, tmp_path / "command")) == 0
    assert {path.name for path in (tmp_path / "python").iterdir()} == EVERYTHING
    same = filecmp.dircmp(tmp_path / "python", tmp_path / "command")
    assert same.left_only == same.right_only == []
    assert {"tracks.txt", "tracks.csv", "tracks.jsonl"} <= set(same.same_files)
    assert frames_of(tmp_path / "python") == frames_of(tmp_path / "command")
    summary = json.loads(json_text(summary))
    assert summary == json.loads((tmp_path / "python" / "summary.json").read_text())
    theirs = json.loads((tmp_path / "command" / "summary.json").read_text())
    timed = {"seconds", "milliseconds_per_frame", "wall_seconds", "frames_per_second"}
    assert {key: value for key, value in summary.items() if key not in timed} == {
        key: value for key, value in theirs.items() if key not in timed
    }


def test_settings_of_crops_reach_the_folder_of_crops(video, tmp_path):
    def crops(name: str, **settings: Any) -> dict[str, int]:
        detector = video.parent / "det.txt"
        run = remix_track.track(video, detector=detector, n_init=1, weights="none", camera_motion=False, **settings)
        run.record(tmp_path / name, video=False, crops=True)
        return {folder.name: len(list(folder.iterdir())) for folder in (tmp_path / name / "crops").iterdir()}

    every = crops("every", crops_every=1)
    assert max(every.values()) > 2
    assert crops("two", crops_every=1, crops_per_track=2) == {name: min(count, 2) for name, count in every.items()}
    assert sum(crops("three", crops_every=1, crops_in_all=3).values()) == 3


@pytest.mark.parametrize(
    ("known", "chosen", "tracked"),
    [
        ({}, None, {}),
        ({0: "person", 1: "bicycle"}, None, {0: "person", 1: "bicycle"}),
        ({0: "person", 1: "bicycle", 2: "car"}, [0, 2], {0: "person", 2: "car"}),
        ({0: "person", 1: "bicycle"}, [0], {}),
    ],
)
def test_labels_get_the_names_of_classes_where_several_are_tracked(known, chosen, tracked):
    assert several_classes(SimpleNamespace(class_names=known, classes=chosen)) == tracked
    assert several_classes(SimpleNamespace()) == {}


@pytest.mark.parametrize("offline", [False, True])
def test_progress_is_told_after_every_frame(video, tmp_path, offline):
    told = list[Progress]()
    run = remix_track.track(video, detector=video.parent / "det.txt", n_init=1, weights="none", offline=offline)
    run.record(tmp_path / "o", video=False, on_progress=told.append)
    counts = [(at.stage, at.done, at.total) for at in told]
    if offline:
        tracking = [("tracking", number, FRAMES) for number in range(1, FRAMES + 1)]
        assert counts == tracking + [("writing", number, FRAMES) for number in range(1, FRAMES + 1)]
    else:
        assert counts == [("tracking", number, FRAMES) for number in range(1, FRAMES + 1)]
    assert {at.name for at in told} == {"street"}


def test_without_images_among_the_files_a_source_is_read_once(video, tmp_path, monkeypatch):
    from remix_track.trackers.sources.source import Source

    calls = at(monkeypatch, Source, "__iter__", 0)
    run = remix_track.track(video, detector=video.parent / "det.txt", n_init=1, weights="none", offline=True)
    run.record(tmp_path / "o", video=False, people=False)
    assert len(calls) == 1


@pytest.mark.parametrize("number", [INT, TERM, HUP])
def test_a_signal_in_python_leaves_whole_files_and_is_a_keyboard_interrupt(
    video, tmp_path, monkeypatch, caplog, number
):
    before = {one: signal.getsignal(one) for one in stop_signals.STOPS}
    at(monkeypatch, MotTextSink, "write", 7, number)
    with pytest.raises(KeyboardInterrupt), caplog.at_level(logging.WARNING):
        recorded(video, tmp_path / "o")
    assert set(frames_of(tmp_path / "o").values()) == {7}
    assert f"stopped by the user after 7 frames; what is there is whole: {tmp_path / 'o'}" in caplog.text
    assert {one: signal.getsignal(one) for one in stop_signals.STOPS} == before
    assert recorded(video, tmp_path / "another")["frames"] == FRAMES, "nothing is left of the stop"


def test_a_signal_that_comes_too_late_is_not_lost(video, tmp_path, monkeypatch):
    at(monkeypatch, MotTextSink, "close", 1, INT)
    with pytest.raises(KeyboardInterrupt):
        recorded(video, tmp_path / "o")
    assert json.loads((tmp_path / "o" / "summary.json").read_text())["ended"] == "complete"


def test_signals_that_the_program_handles_stay_its_own(video, tmp_path, monkeypatch):
    heard = []
    before = signal.signal(TERM, lambda number, frame: heard.append(number))
    try:
        at(monkeypatch, MotTextSink, "write", 7, TERM)
        assert recorded(video, tmp_path / "o")["frames"] == FRAMES
    finally:
        signal.signal(TERM, before)
    assert heard == [TERM]


def test_the_folder_is_locked_meanwhile_and_free_afterwards(video, tmp_path):
    out, locked = tmp_path / "o", []

    def check(_):
        locked.append(reservations.is_reserved(out))
        with pytest.raises(InputError, match="another run writes to it"):
            recorded(video, out, overwrite=True)

    recorded(video, out, on_progress=lambda at: check(at) if at.done == 3 else None)
    assert locked == [True]
    assert not reservations.is_reserved(out)
    with pytest.raises(InputError, match="there is something already"):
        recorded(video, out)
    assert recorded(video, out, overwrite=True)["ended"] == "complete"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"segment": 0}, "segment = 0.0; expected above 0, or none"),
        ({"segment": "1"}, "segment = '1'; expected a number, above 0, or none"),
        ({"csv": 1}, "csv = 1; expected true or false"),
    ],
)
def test_outputs_that_do_not_fit_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        OutputSettings(**wrong)


def test_what_cannot_be_written_is_refused_before_anything_is_made(video, tmp_path):
    with pytest.raises(InputError, match="`embeddings` needs appearance"):
        recorded(video, tmp_path / "o", embeddings=True)
    run = remix_track.track(video, detector=video.parent / "det.txt", weights="none")
    list(run)
    with pytest.raises(InputError, match="iterated already"):
        run.record(tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_what_no_source_can_be_tracked_with_is_said_once(video, tmp_path, capsys):
    two = [str(video), str(video)]
    assert main([*two, "--detector", "gone.onnx", "--weights", "none", "--quiet", "--output", str(tmp_path / "o")]) == 2
    assert capsys.readouterr().err.count("gone.onnx") == 1
    assert not (tmp_path / "o").exists()

import errno
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from remix_track.cli.ending import exit_code
from remix_track.errors import InputError


def raising(error):
    raise error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (InputError("a.mp4: no such file"), "a.mp4: no such file"),
        (KeyError("fps"), "a fault in the program, KeyError: 'fps'; please report it"),
        (RuntimeError("first\n  second"), "a fault in the program, RuntimeError: first second; please report it"),
        (AssertionError(), "a fault in the program, AssertionError; please report it"),
        (RuntimeError("x" * 5000), f"RuntimeError: {'x' * 300}...; please"),
        (MemoryError(), "there is not enough memory (MemoryError); free some, raise the limit"),
        (RuntimeError("std::bad_alloc"), "there is not enough memory (std::bad_alloc)"),
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), "/tmp/x: No space left on device; see to it"),
        (RecursionError("maximum recursion depth exceeded"), "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_whatever_escapes_is_one_line_and_exit_code_2(capsys, error, says):
    assert exit_code("remix-track", lambda: raising(error)) == 2
    said = capsys.readouterr().err
    assert said.startswith("remix-track: ")
    assert says in said
    assert said.count("\n") == 1
    assert len(said) < 600


def test_the_traceback_is_shown_where_it_is_asked_for(capsys, monkeypatch):
    monkeypatch.setenv("REMIX_TRACK_TRACEBACK", "1")
    assert exit_code("remix-track", lambda: raising(KeyError("fps"))) == 2
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "in raising" in said
    assert said.splitlines()[-1].startswith("remix-track: a fault in the program, KeyError: 'fps'")


PROGRAMS = {"remix-track": "remix_track.cli.main", "remix-train": "remix_track.cli.train"}
ASKED = {
    "remix-track": ((), ("eval",), ("demo",), ("adapt",), ("calibrate",), ("search",)),
    "remix-train": ((), ("eval",), ("export",), ("grid",), ("harvest",), ("synthesize",)),
}


@pytest.mark.parametrize(("program", "words"), [(name, words) for name in ASKED for words in ASKED[name]])
def test_help_is_an_answer_and_leaves_no_error(capsys, program, words):
    main = importlib.import_module(PROGRAMS[program]).main
    for flag in ("--help", "--help-all"):
        assert main([*words, flag]) == 0
        shown = capsys.readouterr()
        assert f"usage: {program} {' '.join(words)}".rstrip() in shown.out
        assert shown.err == ""


def test_help_has_what_most_need_and_help_all_the_rest(capsys):
    shown = {}
    for words in ((), ("eval",)):
        for flag in ("--help", "--help-all"):
            assert importlib.import_module(PROGRAMS["remix-track"]).main([*words, flag]) == 0
            shown[(*words, flag)] = capsys.readouterr().out
    assert "--detector" in shown[("--help",)]
    assert "--nn-budget" not in shown[("--help",)]
    assert shown[("--help",)].count("\n  --") <= 20
    assert {"--nn-budget", "--trail-seconds", "--crops-per-track", "--stride"} <= set(shown[("--help-all",)].split())
    # What is scored is neither drawn nor cut out.
    for flag in ("--trail-seconds", "--labels", "--crops-per-track", "--stream-timeout"):
        assert flag not in shown[("eval", "--help-all")]


@pytest.mark.parametrize(("program", "words"), [("remix-track", ("eval",)), ("remix-train", ())])
@pytest.mark.parametrize(("reader", "code", "lines"), [("there", 0, 0), ("gone", 141, 0), ("full", 2, 1)])
def test_the_process_that_shows_its_help_ends_in_words(program, words, reader, code, lines):
    read, write = os.pipe()
    if reader == "gone":
        os.close(read)
    with os.fdopen(os.open("/dev/full", os.O_WRONLY) if reader == "full" else write, "wb") as output:
        command = [sys.executable, "-m", PROGRAMS[program], *words, "--help"]
        ended = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, timeout=300)
    assert (ended.returncode, ended.stderr.count(b"\n")) == (code, lines), ended.stderr


PRINTING = """
import sys
from remix_track.cli.ending import exit_code
sys.exit(exit_code("x", lambda: print("a") or 0))
"""


def test_a_reader_that_has_gone_ends_the_command_quietly():
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run([sys.executable, "-c", PRINTING], stdout=write, stderr=subprocess.PIPE, timeout=300)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_an_output_that_cannot_be_written_is_one_line():
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([sys.executable, "-c", PRINTING], stdout=full, stderr=subprocess.PIPE, timeout=300)
    assert ended.stderr.startswith(b"x: No space left on device")
    assert (ended.returncode, ended.stderr.count(b"\n")) == (2, 1)


@pytest.mark.parametrize("name", ["remix-track worker 1", "remix-track camera"])
def test_a_thread_that_hangs_does_not_keep_the_process_from_its_exit_code(name):
    """Only at the end of a process of ours, when all that waits for the end has had its turn."""
    program = f"""
import atexit, sys, threading, time
from remix_track.cli.ending import exit_code
def run():
    threading.Thread(target=time.sleep, args=(600,), daemon=True, name={name!r}).start()
    atexit.register(print, "last")
    print("first")
    return 7
sys.exit(exit_code("x", run, ends_process=True))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "first\nlast\n", "")

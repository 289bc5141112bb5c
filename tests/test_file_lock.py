"""A lock on an open file: one holder, gone with the process, and no import that keeps a system out."""

import signal
import subprocess
import sys

import pytest

from remix_track.file_lock import lock

HOLDER = """
import os, sys, time
from remix_track.file_lock import lock
file = os.open(sys.argv[1], os.O_RDONLY)
lock(file)
print("held", flush=True)
time.sleep(60)
"""
# What Windows has not. Its own lock is a stand-in here: whoever comes second is told so as Windows tells it.
WINDOWS = """
import os, signal, sys, types
sys.modules["fcntl"] = None
del signal.SIGHUP, os.O_CLOEXEC, os.O_DIRECTORY
held = set()
def locking(file, mode, count):
    key = os.fstat(file).st_ino
    if key in held:
        raise PermissionError(13, "Permission denied")
    held.add(key)
sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
system, sys.platform = sys.platform, "win32"
import remix_track.file_lock
sys.platform = system
del sys.modules["msvcrt"]  # subprocess takes it for a sign of Windows, whose other modules are not here
from importlib import import_module
for name in sys.argv[2:]:
    import_module(name)
from pathlib import Path
from remix_track import reservations
reservations.reserve(Path(sys.argv[1]))
try:
    reservations.reserve(Path(sys.argv[1]))
except reservations.BusyError as error:
    print(error)
"""


@pytest.mark.parametrize("folder", [False, True])
def test_one_holder_until_it_is_killed(tmp_path, folder):
    path = tmp_path if folder else tmp_path / "mark"
    if not folder:
        path.touch()
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        again = [sys.executable, "-c", HOLDER.replace("time.sleep(60)", ""), path]
        refused = subprocess.run(again, capture_output=True, text=True)
        assert "BlockingIOError" in refused.stderr
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert subprocess.run(again, capture_output=True, text=True).stdout == "held\n"


def test_a_second_open_file_of_one_process_is_refused(tmp_path):
    path = tmp_path / "mark"
    with path.open("w") as one, path.open("w") as other:
        lock(one.fileno())
        with pytest.raises(BlockingIOError):
            lock(other.fileno())


def test_nothing_at_import_needs_posix(tmp_path):
    names = [f"remix_track.{name}" for name in ("stop_signals", "output_files", "cli.main", "cli.track", "cli.eval")]
    names += ["remix_track.cli.train", "remix_track.data.crops.harvest_cache", "remix_track.studies.running"]
    names += ["remix_track.trackers.sinks", "remix_track.eval.verification.verify"]
    run = subprocess.run([sys.executable, "-c", WINDOWS, tmp_path, *names], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == f"{tmp_path}: another run writes to it; wait for its end, or give another `output`\n"

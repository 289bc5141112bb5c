"""A disk that fills ends with one line, and with a store that opens and has what was whole."""

import subprocess
import sys
from pathlib import Path

import pytest

from remix_track.store import open_store
from tests.store.frames import frame, job, write

pytest.importorskip("pyarrow")

CODE = """
import resource, signal, sys
from remix_track.errors import InputError
from remix_track.store import open_store
from tests.store.frames import frame, job, write

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_store(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    write(store, job("yard"), (frame(k, range(1, 40), size=(80, 2000)) for k in range(1, 60)))
    store.tracklets()
except InputError as error:
    print("SAID", error)
else:
    print("DONE")
"""


@pytest.mark.parametrize("most", [0, 100, 500, 2_000, 10_000, 30_000])
def test_wherever_it_fills(tmp_path, most):
    """The largest size that a file may have stands for the disk: what is written beyond it fails in the same way."""
    store = open_store(tmp_path / "S", create=True)
    write(store, job("gate"), [frame(1, [1, 2])])
    assert len(store.tracklets()) == 2
    words = [sys.executable, "-c", CODE, str(store.path), str(most)]
    ran = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    lines = ran.stdout.splitlines()
    assert len(lines) == 1, ran.stderr
    assert ran.stderr == ""
    assert lines[0].startswith("SAID ")
    assert "cannot be written" in lines[0]
    again = open_store(store.path)
    assert set(again.jobs()) - {job("yard").key} == {job("gate").key}
    assert len(again.tracklets(camera="gate")) == 2
    assert [path.name for path in (store.path / "jobs").glob(".*")] == []
    if not again.has(job("yard")):
        write(again, job("yard"), [frame(1, [1])])
    assert len(again.tracklets(camera="yard")) > 0

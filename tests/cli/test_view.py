"""`remix-track view`: starts without torch, says its address, ends with Ctrl-C; bad input is one line."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from remix_track.cli.main import main
from tests.server.drawn_store import drawn_store

pytest.importorskip("pyarrow")
pytest.importorskip("uvicorn")
WITHOUT_TORCH = """
import sys
from remix_track.cli.main import main
for name in ("torch", "torchvision", "ultralytics"):
    sys.modules[name] = None
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("view")).path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_starts_without_torch_serves_and_ends_with_0(store, number):
    words = [sys.executable, "-c", WITHOUT_TORCH, "view", str(store), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().rstrip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
            for path in ("1/people", "1/picture/1/0.jpg"):
                with urllib.request.urlopen(address + path, timeout=300) as answer:
                    assert answer.status == 200
                    assert answer.read()
            process.send_signal(number)
            said = process.communicate(timeout=300)
        finally:
            process.kill()
    assert process.returncode == 0
    assert said == ("", "Ctrl-C ends it\n")


def test_a_token_is_part_of_the_address_beyond_the_loopback():
    from remix_track.cli.view import address_of
    from remix_track.server.access import Access

    access = Access.to("0.0.0.0")
    assert address_of(access, 80) == f"http://{socket.gethostname()}:80/?token={access.token}"
    assert address_of(Access.to("::1"), 80) == "http://[::1]:80/"
    assert address_of(Access.to("10.0.0.7"), 80).startswith("http://10.0.0.7:80/?token=")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "nowhere: there is nothing; give the folder of a store or of a run"),
        (["."], ".: neither a store nor a run"),
        ([], "runs/track: there is nothing"),
        (["{store}", "--port", "70000"], "--port"),
        (["{store}", "--gt", "none.txt"], "none.txt: there is nothing; give a gt.txt"),
        (["{store}", "--host", "no.such.host.invalid"], "--host 'no.such.host.invalid': no address of this machine"),
        (["{store}", "--port", "{taken}"], "cannot listen there"),
    ],
)
def test_bad_input_is_one_line(words, told, store, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        filled = [word.format(store=store, taken=taken.getsockname()[1]) for word in words]
        assert main(["view", *filled]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_help_is_instant(capsys):
    code = (
        "import sys; from remix_track.cli.main import main\n"
        "try: main(['view', '--help'])\nexcept SystemExit: pass\n"
        "print('LOADED', sorted({'torch', 'starlette', 'uvicorn', 'jinja2', 'pyarrow', 'numpy'} & sys.modules.keys()))"
    )
    environment = {**os.environ, "COLUMNS": "100"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "--host" in run.stdout
    assert run.stdout.splitlines()[-1] == "LOADED []"

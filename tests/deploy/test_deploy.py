"""The image, the compose file and the service: what they run are commands that there are, and none has rights."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from remix_track.cli.commands import REMIX_TRACK

TOP = Path(__file__).parents[2]
DOCKERFILE, COMPOSE, SERVICE = TOP / "Dockerfile", TOP / "compose.yaml", TOP / "deploy/remix-track@.service"
# The wheel's tests run beside a few folders of the checkout only.
pytestmark = pytest.mark.skipif(not DOCKERFILE.is_file(), reason="the checkout is not beside the tests")
SAMPLES = {"CAMERA": "rtsp://user:word@host/stream", "TORCH_INDEX": "https://wheels/cpu", "OPTIONS": "--frames 3"}


def filled(text: str) -> str:
    """With the variables that a user gives."""
    text = re.sub(r"\$\{(\w+)(:\?[^}]*)?\}", lambda match: SAMPLES[match[1]], text)
    return re.sub(r"(?<!\$)\$(\w+)", lambda match: SAMPLES[match[1]], text).replace("$$", "$")


def understood(words: list[str]) -> Any:
    """What the command of these words makes of them; it ends with 2 where a flag is unknown."""
    name, rest = (words[0], words[1:]) if words[0] in REMIX_TRACK else ("track", words)
    parser = import_module(f"remix_track.cli.{REMIX_TRACK[name].module}").parser()
    return parser.parse_intermixed_args(rest)


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def values(name: str) -> list[str]:
    return [rest for word, rest in instructions() if word == name]


def test_the_image_has_no_rights_and_leaves_nothing_of_its_building():
    assert {word for word, _ in instructions()} <= {
        "ARG", "FROM", "RUN", "ENV", "COPY", "WORKDIR", "USER", "VOLUME", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    assert values("FROM") == ["${BASE} AS build", "${BASE}"]
    assert re.fullmatch(r"BASE=[a-z]+:(?!latest)[\w.-]+", values("ARG")[0])
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", values("USER")[-1]), "a number, which any orchestrator can check"
    assert json.loads(values("ENTRYPOINT")[0]) == ["remix-track"]
    for run in values("RUN"):
        if "apt-get" in run:
            assert "--no-install-recommends" in run
            assert "rm -rf /var/lib/apt/lists/*" in run
    assert "PIP_NO_CACHE_DIR=1" in " ".join(values("ENV"))
    assert not [one for one in values("ARG") if one.startswith("TORCH_INDEX=")], "who builds says where torch is from"
    last = [word for word, _ in instructions()].index("FROM", 2)
    assert [rest for word, rest in instructions()[last:] if word == "COPY"] == [
        "--from=build /opt/remix-track /opt/remix-track"
    ]


def test_the_image_is_made_of_what_the_package_is_made_of():
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
    extras = next(one for one in values("ARG") if one.startswith("EXTRAS=")).partition("=")[2].split(",")
    assert set(extras) <= set(project["project"]["optional-dependencies"])
    copied = {name for rest in values("COPY") if "--from" not in rest for name in rest.split()[:-1]}
    rooms = {"remix_track", *project["tool"]["setuptools"]["package-dir"].values()}
    beside = [one for one in project["project"]["license-files"] if one.partition("/")[0] not in rooms]
    assert copied == {"pyproject.toml", project["project"]["readme"], *beside} | rooms
    sent = [line for line in (TOP / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert sent[0] == "*"
    assert {line[1:] for line in sent if line.startswith("!")} == copied


@pytest.fixture
def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text("utf-8"))["services"])


def test_what_the_services_run_is_understood(services):
    camera = understood([filled(word) for word in services["camera"]["command"]])
    assert camera.sources == [SAMPLES["CAMERA"]]
    page = understood(services["page"]["command"])
    assert (page.host, page.what) == ("0.0.0.0", [camera.store])
    assert [f"127.0.0.1:{page.port}:{page.port}"] == services["page"]["ports"]
    host = re.match(r"mqtt://(\w+)/", vars(camera)["output.events"])
    assert host is not None
    assert host[1] in services


def test_services_have_no_rights_answer_for_their_health_and_are_published_to_this_machine_only(services):
    compose = yaml.safe_load(COMPOSE.read_text("utf-8"))
    assert set(services) == {"camera", "page", "mosquitto"}
    for service in services.values():
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert (TOP / source).is_file() if source.startswith(".") else source in compose["volumes"]
    for name in ("camera", "page"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["volumes"] == ["data:/data"]
        assert set(services[name]["build"]["args"]) <= {one.partition("=")[0] for one in values("ARG")}


def test_a_camera_is_healthy_while_lines_are_written(services, tmp_path):
    kind, command = services["camera"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"

    def healthy() -> bool:
        return subprocess.run(["sh", "-c", command], cwd=tmp_path, stderr=subprocess.DEVNULL).returncode == 0

    assert not healthy()
    file = tmp_path / "runs/track/gate/tracks-0002.jsonl"
    file.parent.mkdir(parents=True)
    file.touch()
    assert healthy()
    os.utime(file, (time.time() - 200,) * 2)
    assert not healthy()


def test_the_page_is_healthy_while_it_listens(services):
    kind, _, flag, code = services["page"]["healthcheck"]["test"]
    assert (kind, flag) == ("CMD", "-c")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        words = [sys.executable, "-c", code.replace("8642", str(port))]
        assert subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 1
        listening.listen()
        assert subprocess.run(words).returncode == 0


def test_mosquitto_takes_its_settings(tmp_path):
    program = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if not program:
        pytest.skip("no mosquitto here; apt-get install mosquitto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = (TOP / "deploy/mosquitto.conf").read_text("utf-8")
    changed = text.replace("listener 1883", f"listener {port} 127.0.0.1").replace("/mosquitto/data/", f"{tmp_path}/")
    (tmp_path / "m.conf").write_text(changed + "user root\n")
    running = subprocess.Popen([program, "-c", str(tmp_path / "m.conf")], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until and running.poll() is None:
            with socket.socket() as one:
                if not one.connect_ex(("127.0.0.1", port)):
                    return
            time.sleep(0.05)
        pytest.fail("mosquitto does not come up with these settings")
    finally:
        running.kill()
        running.wait()


def service_lines() -> list[tuple[str, str]]:
    lines = SERVICE.read_text("utf-8").splitlines()
    return [(line.split("=", 1)[0], line.split("=", 1)[1]) for line in lines if re.match(r"\w+=", line)]


def test_what_the_service_runs_is_understood():
    command = dict(service_lines())["ExecStart"].replace("%i", "gate")
    program, *words = shlex.split(filled(command))
    assert program == "/opt/remix-track/bin/remix-track", "where the image has it, too"
    arguments = understood(words)
    assert (arguments.sources, arguments.name, arguments.frames) == ([SAMPLES["CAMERA"]], "gate", 3)


def test_systemd_takes_the_service(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("no systemd-analyze here")
    program = dict(service_lines())["ExecStart"].split()[0]
    there = tmp_path / SERVICE.name
    there.write_text(SERVICE.read_text("utf-8").replace(program, sys.executable))
    said = subprocess.run([analyze, "verify", there], capture_output=True, text=True)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
    there.write_text(there.read_text().replace("KillMode=mixed", "KillMode=sometimes"))
    assert "kill mode" in subprocess.run([analyze, "verify", there], capture_output=True, text=True).stderr

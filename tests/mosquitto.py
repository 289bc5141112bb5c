"""A real mosquitto on the loopback that can be killed and started again, and what a subscriber gets of it."""

import contextlib
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


class Mosquitto:
    """A broker on one port. It keeps the sessions of its subscribers on disk, so that they outlive a SIGKILL."""

    def __init__(self, program: str, folder: Path) -> None:
        """Choose a port; nothing runs before `start`."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        kept = folder / "mosquitto"
        kept.mkdir()
        self._words = [program, "-c", str(folder / "mosquitto.conf")]
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n"
            f"persistence true\npersistence_location {kept}/\nautosave_interval 1\nautosave_on_changes true\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(self._words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as one:
                if not one.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.05)
        raise AssertionError("mosquitto does not come up")

    def kill(self) -> None:
        """End it without a word to those who are connected; may be called twice."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


@contextlib.contextmanager
def mosquitto(folder: Path) -> Iterator[Mosquitto]:
    """A broker, ended at the end; the test is skipped where there is none."""
    pytest.importorskip("paho.mqtt.client")
    named = os.environ.get("REMIX_TRACK_MOSQUITTO")
    program = named or shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if not program:
        pytest.skip("no mosquitto here; apt-get install mosquitto, or REMIX_TRACK_MOSQUITTO names the program")
    broker = Mosquitto(str(program), folder)
    try:
        yield broker
    finally:
        broker.kill()


def listen(port: int, got: list[dict[str, Any]], topic: str = "site/#") -> Any:
    """A subscriber of one session, which comes back by itself after a break; it adds what it gets to `got`."""
    paho: Any = importlib.import_module("paho.mqtt.client")
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False)
    client.reconnect_delay_set(min_delay=1, max_delay=1)
    ready = threading.Event()
    client.on_connect = lambda one, *_: one.subscribe(topic, qos=1)
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _, __, message: got.append(json.loads(message.payload))
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert ready.wait(20)
    return client

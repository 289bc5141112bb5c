"""A live run whose receiver is killed and comes back: every event once or more, in order for each person, none lost."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from remix_track.cli.main import main
from remix_track.trackers.sinks import events
from tests.mosquitto import listen, mosquitto
from tests.trackers.sources.test_stream import send_images, serve

Event = dict[str, Any]
FPS = 20


@dataclass(frozen=True)
class Lengths:
    """Seconds: after which is told what, how people come and go, and for how long the receiver is away."""

    confirmed: float
    left: float
    walk: float
    every: float
    before: float
    away: float
    after: float


SHORT = Lengths(confirmed=0.33, left=0.53, walk=0.7, every=0.25, before=1.0, away=1.5, after=2.0)
WHOLE = Lengths(events.CONFIRMED_AFTER, events.LEFT_AFTER, walk=2.5, every=1.0, before=8.0, away=30.0, after=12.0)
LENGTHS = [
    pytest.param(SHORT, id="short"),
    pytest.param(WHOLE, id="half-a-minute", marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
]


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[tuple[str, list[Event], Callable[[], None], Callable[[], None]]]:
    """Address, what a subscriber got, and what takes the broker away and brings it back."""
    got: list[Event] = []
    with mosquitto(folder) as one:
        one.start()
        client = listen(one.port, got)
        yield f"mqtt://127.0.0.1:{one.port}/site/people", got, one.kill, one.start
        client.disconnect()
        client.loop_stop()


@contextlib.contextmanager
def web_server(_: Path) -> Iterator[tuple[str, list[Event], Callable[[], None], Callable[[], None]]]:
    """The same of a web server. The event before it goes away is taken, and the answer lost."""
    got: list[Event] = []
    dying = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if dying.is_set():
                took.set()
                return
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_) -> None:
            pass

    took = threading.Event()
    running: list[HTTPServer] = []

    def start(port: int = 0) -> None:
        dying.clear()
        running.append(HTTPServer(("127.0.0.1", port), Handler))
        threading.Thread(target=running[-1].serve_forever, args=(0.01,), daemon=True).start()

    def stop() -> None:
        dying.set()
        assert took.wait(20)
        running[-1].shutdown()
        running[-1].server_close()

    start()
    port = running[0].server_port
    yield f"http://127.0.0.1:{port}/hook", got, stop, lambda: start(port)
    running[-1].shutdown()
    running[-1].server_close()


def walkers(path: Path, frames: int, times: Lengths) -> None:
    """A person begins every `every` seconds and is there for `walk` seconds, on one of thirty lanes."""
    firsts = enumerate(range(1, frames, round(FPS * times.every)))
    lines = [
        f"{first + step},-1,{10 + 20 * (number % 30)},{10 + step % 5},14,40,0.9\n"
        for number, first in firsts
        for step in range(round(FPS * times.walk))
    ]
    path.write_text("".join(lines))


def paced(over: threading.Event) -> Callable[[Any, int], None]:
    """What sends images at the rate of a camera until it is over, and then breaks off."""

    def answer(handler: Any, _: int) -> None:
        start, number = time.monotonic(), 0
        while not over.is_set():
            number += 1
            send_images(handler, [number % 250], (640, 96), head=number == 1)
            time.sleep(max(0.0, start + number / FPS - time.monotonic()))

    return answer


@pytest.mark.parametrize("times", LENGTHS)
@pytest.mark.parametrize("receiver", [broker, web_server])
def test_no_event_of_a_live_run_is_lost_while_the_receiver_is_away(receiver, times, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(events, "CONFIRMED_AFTER", times.confirmed)
    monkeypatch.setattr(events, "LEFT_AFTER", times.left)
    walkers(tmp_path / "det.txt", 200 * FPS, times)
    over = threading.Event()
    with receiver(tmp_path) as (address, got, go_away, come_back), serve(paced(over)) as (url, _):
        away: list[int] = []

        def interrupt() -> None:
            until = time.monotonic() + 60
            while not got and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(times.before)
            go_away()
            time.sleep(times.away)
            away.append(len(got))
            come_back()
            time.sleep(times.after)
            over.set()

        thread = threading.Thread(target=interrupt)
        thread.start()
        words = ["--detector", str(tmp_path / "det.txt"), "--weights", "none", "--no-video", "--no-people", "--jsonl"]
        words += ["--fps", str(FPS), "--reconnect-tries", "0", "--output", str(tmp_path / "run"), "--events", address]
        assert main([f"{url}/gate", *words]) == 2, "it broke off"
        thread.join()
        rows = [json.loads(line) for line in (tmp_path / "run/tracks.jsonl").read_text().splitlines()]
        expected = reasons_of(rows, times)
        until = time.monotonic() + 20
        while time.monotonic() < until and sum(map(len, expected.values())) > len({key_of(one) for one in got}):
            time.sleep(0.05)
    assert 0 < away[0] < len(got)
    assert len(expected) > 4
    arrived: dict[int, list[str]] = {}
    for track, _, reason in dict.fromkeys(map(key_of, got)):
        arrived.setdefault(track, []).append(reason)
    assert arrived == expected
    assert "does not take events" in caplog.text
    assert "takes events again" in caplog.text
    assert not list((tmp_path / "cache").rglob("*.json")), "nothing waits"
    if receiver is web_server:
        assert len(got) > len({key_of(one) for one in got}), "whose answer was lost comes again"


def key_of(event: Event) -> tuple[int, int, str]:
    return event["after"]["track"], event["after"]["frame"], event["reason"]


def reasons_of(rows: list[Event], times: Lengths) -> dict[int, list[str]]:
    """What has to be told of each id, in order, by the rows of the run alone."""
    said: dict[int, list[str]] = {}
    began, last = dict[int, float](), dict[int, float]()
    for now, ids in ((row["time"], [one["id"] for one in row["tracks"]]) for row in rows):
        for id_ in ids:
            if id_ not in began:
                began[id_] = now
                said.setdefault(id_, []).append("appeared")
            elif said[id_][-1] == "appeared" and now - began[id_] >= times.confirmed:
                said[id_].append("confirmed")
            last[id_] = now
        for id_ in [one for one in began if now - last[one] > times.left]:
            del began[id_]
            said[id_].append("left")
    for id_ in began:
        said[id_].append("left")
    return said

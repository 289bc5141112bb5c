"""Events of people: what is told of whom, and that each arrives, once or more, in order, whatever the receiver does."""

import base64
import errno
import importlib
import json
import socket
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.counting.live_zones import LiveZones
from remix_track.counting.zones_file import Place, Zones
from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.trackers.frame import KnownPerson, TrackedFrame
from remix_track.trackers.sinks import events
from remix_track.trackers.sinks.event_sender import EventSender
from remix_track.trackers.sinks.event_spool import EventSpool
from remix_track.trackers.sinks.event_targets import HttpTarget, MqttTarget, Refused, open_target
from remix_track.trackers.sinks.events import EventSink, PeopleEvents
from tests.footage import write_video
from tests.mosquitto import listen, mosquitto

Event = dict[str, Any]


def frame(index: int, *people: tuple[int, float]) -> TrackedFrame:
    """A frame at 10 fps with these ids, each with a score (nan: it coasts)."""
    count = len(people)
    ids = np.array([id_ for id_, _ in people], np.int64)
    scores = np.array([score for _, score in people], np.float32)
    image = np.full((100, 200, 3), 90, np.uint8)
    boxes = np.array([[10 + 20 * id_, 10, 25 + 20 * id_, 50] for id_, _ in people], np.float32).reshape(count, 4)
    vectors = np.array([[3.0, 4.0]] * count, np.float32).reshape(count, 2)
    tracks = Tracks(ids, boxes, scores, np.zeros(count, np.int64), np.arange(count, dtype=np.int64), vectors)
    return TrackedFrame(index, image, (index - 1) / 10, tracks)


def told(frames: list[TrackedFrame], **options) -> list[Event]:
    made: list[Event] = []
    maker = PeopleEvents(made.append, "gate", run="r-", **options)
    for one in frames:
        maker.take(one)
    maker.close()
    return made


def test_somebody_appears_is_confirmed_after_a_second_and_leaves():
    found = told([frame(n, (1, 0.8), *([(2, 0.6)] if n < 5 else [])) for n in range(1, 60)])
    mine = [one for one in found if one["after"]["track"] == 1]
    assert [(one["type"], one["reason"]) for one in mine] == [
        ("new", "appeared"), ("update", "confirmed"), ("end", "left"),
    ]  # fmt: skip
    assert [one["after"]["frame"] for one in mine] == [1, 11, 59]
    assert [one["after"]["false_positive"] for one in mine] == [True, False, False]
    assert mine[0]["before"] is None
    assert mine[1]["before"] == {key: mine[0]["after"][key] for key in mine[1]["before"]}
    assert mine[2]["after"] | {"thumbnail": None} == {
        "id": "r-1", "track": 1, "camera": "gate", "label": "person", "sub_label": None, "person": None,
        "start_time": 0.0, "start_utc": None, "end_time": 5.8, "top_score": 0.8, "score": 0.8, "false_positive": False,
        "current_zones": [], "entered_zones": [], "frame": 59, "frame_time": 5.8, "utc": None,
        "box": [30.0, 10.0, 45.0, 50.0], "area": 600, "has_snapshot": True, "thumbnail": None,
    }  # fmt: skip
    # The other was there for less than a second, and is gone three seconds later.
    other = [one for one in found if one["after"]["track"] == 2]
    assert [one["type"] for one in other] == ["new", "end"]
    assert other[1]["after"]["end_time"] == 0.3
    assert found.index(other[1]) < found.index(mine[2])


def test_a_gap_of_three_seconds_is_no_leaving_and_a_longer_one_is():
    with_gap = [frame(1, (1, 0.9)), *(frame(n) for n in range(2, 31)), frame(31, (1, 0.9))]
    assert [one["type"] for one in told(with_gap)] == ["new", "update", "end"]
    longer = [frame(1, (1, 0.9)), *(frame(n) for n in range(2, 33)), frame(33, (1, 0.9))]
    assert [one["type"] for one in told(longer)] == ["new", "end", "new", "end"]


def test_the_thumbnail_is_the_best_crop_and_vectors_come_on_wish():
    small, large = frame(1, (1, 0.9)), frame(2, (1, 0.9))
    large.xyxy[0] = [10, 10, 60, 95]
    found = told([small, large, frame(3, (1, float("nan")))], vectors=True)
    jpeg = np.frombuffer(base64.b64decode(found[-1]["after"]["thumbnail"]), np.uint8)
    assert cv2.imdecode(jpeg, cv2.IMREAD_COLOR).shape == (85, 50, 3)  # type: ignore[union-attr]
    assert found[-1]["after"]["embedding"] == [0.6, 0.8]
    assert "embedding" not in told([small])[0]["after"]
    assert told([frame(1, (1, float("nan")))])[0]["after"]["thumbnail"] is None


def test_who_is_known_for_sure_is_told_once_and_again_where_it_was_another():
    known = [None, KnownPerson(4, "", False), KnownPerson(4, "Ada"), KnownPerson(4, "Ada"), KnownPerson(9)]
    frames = [
        replace(frame(n, (1, 0.9)), people=None if one is None else {1: one, 2: one}) for n, one in enumerate(known, 1)
    ]
    found = told(frames)
    assert [(one["reason"], one["after"]["person"], one["after"]["sub_label"]) for one in found] == [
        ("appeared", None, None), ("recognised", 4, "Ada"), ("recognised", 9, None), ("left", 9, None),
    ]  # fmt: skip


SHOP = Place("zone", "shop", ((50.0, 40.0), (200.0, 40.0), (200.0, 100.0), (50.0, 100.0)))
TILL = Place("zone", "till", ((90.0, 40.0), (120.0, 40.0), (120.0, 100.0), (90.0, 100.0)))


def walking(*lefts):
    """One person, whose foot is 7.5 right of these, frame by frame; None: no box. Boxes are 40 high."""
    made = []
    for index, left in enumerate(lefts, 1):
        one = frame(index, *([] if left is None else [(1, 0.9)]))
        if left is not None:
            one.xyxy[0] = [left, 10, left + 15, 50]
        made.append(one)
    return made


def test_zones_are_entered_and_left_with_hysteresis_and_at_the_end():
    pytest.importorskip("shapely")
    frames = walking(0, 60, 100, 113.5, 118, 140, None, 100)
    found = told(frames, zones=LiveZones(Zones((SHOP, TILL)), "gate"))
    assert [(one["reason"], one.get("zone"), one["after"]["frame"]) for one in found] == [
        ("appeared", None, 1),
        ("entered_zone", "shop", 2),
        ("entered_zone", "till", 3),
        # A pixel outside at frame 4 is within the hysteresis of four; at frame 5 it is 5.5.
        ("left_zone", "till", 5),
        ("entered_zone", "till", 8),
        ("left_zone", "shop", 8),
        ("left_zone", "till", 8),
        ("left", None, 8),
    ]
    entered = found[2]
    assert (entered["type"], entered["before"]["current_zones"]) == ("update", ["shop"])
    assert entered["after"]["current_zones"] == entered["after"]["entered_zones"] == ["shop", "till"]
    assert (found[-1]["type"], found[-1]["after"]["current_zones"]) == ("end", [])
    assert found[-1]["after"]["entered_zones"] == ["shop", "till"]
    # What was told is not changed by what comes later.
    assert found[1]["after"]["current_zones"] == ["shop"]


def test_zones_of_another_camera_and_lines_tell_nothing():
    pytest.importorskip("shapely")
    line = Place("line", "door", ((50.0, 0.0), (50.0, 100.0)))
    zones = LiveZones(Zones((replace(SHOP, camera="yard"), line)), "gate")
    assert zones.names == ()
    assert [one["reason"] for one in told(walking(0, 100), zones=zones)] == ["appeared", "left"]


def test_a_spool_keeps_the_order_survives_and_is_bounded(tmp_path):
    spool = EventSpool(tmp_path, "mqtt://h/t")
    for number in range(3):
        spool.put(b"event %d" % number)
    beside = EventSpool(tmp_path, "mqtt://h/t")  # a second one of that address is another folder
    assert (len(beside), beside.folder == spool.folder) == (0, False)
    beside.close()
    spool.close()
    again = EventSpool(tmp_path, "mqtt://h/t", largest=20)
    assert len(again) == 3
    again.put(b"event 3")
    assert (len(again), again.dropped) == (2, 2)
    found = again.first()
    assert found is not None
    assert found[1] == b"event 2"
    again.remove(found[0])
    assert again.first() is not None
    again.close()


class Receiver:
    """A web server that answers with the codes it is told, then 200, and keeps what it confirmed."""

    def __init__(self, *codes: int) -> None:
        self.got: list[Event] = []
        self.headers: list[dict[str, str]] = []
        self.fetched: list[str] = []
        left = list(codes)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code = left.pop(0) if left else 200
                outer.headers.append(dict(self.headers))
                if code == 200:
                    outer.got.append(json.loads(body))
                self.send_response(code)
                if code in (302, 307):
                    self.send_header("Location", f"http://127.0.0.1:{outer.port}/login")
                self.end_headers()

            def do_GET(self) -> None:
                outer.fetched.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def deliver(spool: EventSpool, target, count: int, seconds: float = 20.0) -> EventSender:
    sender = EventSender(spool, target, first_wait=0.02)
    for number in range(count):
        spool.put(json.dumps({"number": number}).encode())
    assert sender.close(seconds) == 0
    return sender


def test_a_web_server_that_fails_for_a_while_gets_everything_in_order(tmp_path, caplog):
    receiver = Receiver(503, 500, 429, 200, 503)
    target = HttpTarget(f"http://me:hunter2@127.0.0.1:{receiver.port}/hook?key=hunter2")
    sender = deliver(EventSpool(tmp_path, "a"), target, 6)
    receiver.close()
    assert [one["number"] for one in receiver.got] == list(range(6))
    assert (sender.delivered, sender.refused) == (6, 0)
    assert receiver.headers[0]["Authorization"] == f"Basic {base64.b64encode(b'me:hunter2').decode()}"
    assert "does not take events (answered 503); they wait on disk" in caplog.text
    assert "takes events again" in caplog.text
    assert "hunter2" not in caplog.text


def test_what_a_receiver_refuses_is_given_up_and_does_not_hold_up_the_rest(tmp_path, caplog):
    receiver = Receiver(200, 400, 404)
    sender = deliver(EventSpool(tmp_path, "a"), HttpTarget(f"http://127.0.0.1:{receiver.port}/"), 5)
    receiver.close()
    assert [one["number"] for one in receiver.got] == [0, 3, 4]
    assert (sender.delivered, sender.refused) == (3, 2)
    assert caplog.text.count("events that it refuses are given up") == 1
    with pytest.raises(OSError, match="refused"):
        HttpTarget(f"http://127.0.0.1:{receiver.port}/").send(b"{}")
    assert not issubclass(Refused, OSError)


def test_a_redirect_is_not_followed_with_the_password_and_without_the_event(tmp_path, caplog):
    receiver = Receiver(302, 307)
    deliver(EventSpool(tmp_path, "a"), HttpTarget(f"http://me:hunter2@127.0.0.1:{receiver.port}/hook"), 2)
    receiver.close()
    assert [one["number"] for one in receiver.got] == [0, 1]
    assert receiver.fetched == []
    assert "does not take events (answered 302); they wait on disk" in caplog.text


def test_what_cannot_be_read_now_waits_and_what_was_removed_is_forgotten(tmp_path, monkeypatch):
    spool = EventSpool(tmp_path, "a")
    for number in range(3):
        spool.put(b"event %d" % number)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(OSError(errno.EMFILE, "too many open files")))
        assert spool.first(0.01) is None
    assert len(spool) == 3
    read, broken = Path.read_bytes, min(spool.folder.glob("*.json"))

    def fails(path):
        if path == broken:
            raise OSError(errno.EIO, "bad sector")
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fails)
        found = spool.first()
    assert found is not None
    assert found[1] == b"event 1", "one that cannot be read holds up no other"
    found = spool.first()
    assert found is not None
    assert found[1] == b"event 0"
    (spool.folder / f"{found[0]:012d}.json").unlink()
    found = spool.first()
    assert found is not None
    assert found[1] == b"event 1"
    assert len(spool) == 2
    spool.close()


def test_what_is_no_event_is_refused_before_a_broker_hears_of_it():
    pytest.importorskip("paho.mqtt.client")
    for content in (b"", b"[]", b'{"after": {}}'):
        with pytest.raises(Refused, match="holds no event"):
            MqttTarget("mqtt://127.0.0.1:1/site", discovery=True).send(content)


def test_what_is_left_waits_for_the_next_run(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(events, "_LAST_WAIT", 0.2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address = f"http://u:hunter2@127.0.0.1:{port}/x"
    with EventSink(address, "gate", run="one-") as sink:
        sink.write(frame(1, (1, 0.9)))
    assert "2 events wait in" in caplog.text
    assert "hunter2" not in caplog.text + "".join(map(str, (tmp_path / "cache").rglob("*")))
    receiver = Receiver()
    monkeypatch.setattr(HttpTarget, "send", _to(receiver.port, HttpTarget.send))
    monkeypatch.setattr(events, "_LAST_WAIT", 20)
    with EventSink(address, "gate", run="two-") as sink:
        sink.write(frame(1, (1, 0.9)))
    receiver.close()
    assert [(one["after"]["id"], one["type"]) for one in receiver.got] == [
        ("one-1", "new"), ("one-1", "end"), ("two-1", "new"), ("two-1", "end"),
    ]  # fmt: skip


def _to(port: int, send):
    def elsewhere(self, event: bytes) -> None:
        self._url = f"http://127.0.0.1:{port}/x"
        send(self, event)

    return elsewhere


def test_addresses_that_are_none_are_refused_without_their_passwords():
    for address, reason in (
        ("ftp://u:hunter2@h/x", "not the address of a receiver"),
        ("mqtt://u:hunter2@h", "names no topic"),
        ("mqtt://u:hunter2@h/site/#", "names no topic"),
        ("mqtt://u:hun/ter2@h@h/x", "not the address of a receiver"),
        ("mqtt://h:99999/x", "no number up to 65535"),
    ):
        pytest.importorskip("paho.mqtt.client")
        with pytest.raises(InputError, match=reason) as error:
            open_target(address)
        assert "hunter2" not in str(error.value)
        assert "ter2" not in str(error.value)


@pytest.fixture
def broker(tmp_path):
    with mosquitto(tmp_path) as one:
        yield one


def test_a_broker_that_is_killed_and_comes_back_gets_every_event_in_order_for_each_person(broker, tmp_path):
    got: list[Event] = []
    address = f"mqtt://127.0.0.1:{broker.port}/site/people"
    broker.start()
    listener = listen(broker.port, got)
    spool = EventSpool(tmp_path / "spool", address)
    sender = EventSender(spool, MqttTarget(address), first_wait=0.1)
    sent: list[tuple[str, str]] = []

    def emit(event: Event) -> None:
        sent.append((event["after"]["id"], event["reason"]))
        spool.put(json.dumps(event).encode())

    maker = PeopleEvents(emit, "gate")
    for index in range(1, 130):
        people = [(1 + index // 20, 0.9), (100 + index // 30, 0.8)]
        maker.take(frame(index, *people))
        if index == 40:
            broker.kill()
        if index == 90:
            broker.start()
        time.sleep(0.005)
    maker.close()
    assert sender.close(60) == 0
    until = time.monotonic() + 20
    while time.monotonic() < until and not {*sent} <= {(one["after"]["id"], one["reason"]) for one in got}:
        time.sleep(0.05)
    listener.loop_stop()
    arrived = [(one["after"]["id"], one["reason"]) for one in got]
    assert {*arrived} == {*sent}
    for id_ in {one for one, _ in sent}:
        once = list(dict.fromkeys(reason for one, reason in arrived if one == id_))
        assert once == [reason for one, reason in sent if one == id_]
    assert sender.delivered == len(sent)


def test_home_assistant_hears_of_a_camera_and_of_the_people_in_view(broker):
    kept: dict[str, str] = {}
    came = threading.Event()
    paho: Any = importlib.import_module("paho.mqtt.client")
    address = f"mqtt://127.0.0.1:{broker.port}/site/people"
    broker.start()
    target = MqttTarget(address, discovery=True)
    maker = PeopleEvents(lambda event: target.send(json.dumps(event).encode()), "gate/1")
    for index in range(1, 30):
        maker.take(frame(index, (1, 0.9), (2, 0.8)) if index < 25 else frame(index, (1, 0.9)))

    def listened():
        """Somebody who comes later hears what the broker keeps."""
        listener = paho.Client(paho.CallbackAPIVersion.VERSION2)
        listener.on_connect = lambda one, *_: one.subscribe("#", qos=1)
        listener.on_message = lambda _, __, message: kept.update({message.topic: message.payload.decode()})
        listener.on_subscribe = lambda *_: came.set()
        listener.connect("127.0.0.1", broker.port)
        listener.loop_start()
        assert came.wait(20)
        return listener

    listener = listened()

    def until(get, value):
        """What the broker keeps comes message by message, in an order of its own."""
        end = time.monotonic() + 20
        while get() != value and time.monotonic() < end:
            time.sleep(0.02)
        assert get() == value

    def announced():
        return sorted(topic.split("/")[1] for topic in list(kept) if topic.startswith("homeassistant/"))

    until(lambda: kept.get("site/people/gate_1/people"), "2")
    until(lambda: kept.get("site/people/status"), "online")
    until(announced, ["binary_sensor", "sensor"])
    sensors = {topic: json.loads(text) for topic, text in kept.items() if topic.startswith("homeassistant/")}
    assert len({one["unique_id"] for one in sensors.values()}) == 2
    for one in sensors.values():
        assert one["state_topic"] == "site/people/gate_1/people"
        assert one["availability_topic"] == "site/people/status"
        assert one["device"]["name"] == "gate/1"
    maker.close()
    until(lambda: kept.get("site/people/gate_1/people"), "0")
    target.close()
    until(lambda: kept.get("site/people/status"), "offline")
    listener.loop_stop()


@pytest.fixture
def walk(tmp_path, monkeypatch):
    """A video and its detections: one person in thirty frames."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_video(tmp_path / "gate.mp4", frames=30)
    lines = [f"{n},-1,{2 * n},10,20,50,0.9\n" for n in range(1, 31)]
    (tmp_path / "det.txt").write_text("".join(lines))
    return ["gate.mp4", "--detector", "det.txt", "--weights", "none", "--no-video"]


def test_lines_on_standard_output_are_alone_there(walk, tmp_path, capfdbinary):
    assert main([*walk, "--jsonl", "-", "--output", "a", "--jsonl"]) == 0
    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [one["frame"] for one in lines] == list(range(1, 31))
    assert lines == [json.loads(line) for line in (tmp_path / "a" / "tracks.jsonl").read_text().splitlines()]
    assert main([*walk, "--events", "-", "--output", "b"]) == 0
    found = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [one["reason"] for one in found] == ["appeared", "confirmed", "left"]
    assert found[0]["after"]["id"].startswith("gate-")
    assert found[-1]["after"]["has_snapshot"]


def test_zones_of_a_file_from_the_command(walk, tmp_path, capsys, caplog):
    pytest.importorskip("shapely")
    zones = '[[zone]]\nname = "shop"\ncamera = "gate"\npoints = [[40, 0], [300, 0], [300, 100], [40, 100]]\n'
    (tmp_path / "z.toml").write_text(zones)
    assert main([*walk, "--events", "e.jsonl", "--zones", "z.toml", "--output", "a", "--quiet"]) == 0
    found = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert [one["reason"] for one in found] == ["appeared", "entered_zone", "confirmed", "left_zone", "left"]
    assert found[2]["after"]["current_zones"] == ["shop"]
    (tmp_path / "z.toml").write_text(zones.replace("gate", "yard"))
    assert main([*walk, "--events", "f.jsonl", "--zones", "z.toml", "--output", "b", "--quiet"]) == 0
    assert "z.toml: has no zone of the camera gate" in caplog.text
    assert main([*walk, "--zones", "z.toml", "--output", "c"]) == 2
    assert "--zones says of which zones --events tell; give both" in capsys.readouterr().err
    assert main([*walk, "--events", "g.jsonl", "--zones", "no.toml", "--output", "d"]) == 2
    assert not (tmp_path / "d").exists()


def test_events_go_to_a_file_and_to_a_server_from_the_command(walk, tmp_path, capsys):
    assert main([*walk, "--events", "e.jsonl", "--output", "a", "--quiet"]) == 0
    assert len((tmp_path / "e.jsonl").read_text().splitlines()) == 3
    assert main([*walk, "--events", "e.jsonl", "--output", "b", "--quiet"]) == 2
    receiver = Receiver(503)
    assert main([*walk, "--events", f"http://u:hunter2@127.0.0.1:{receiver.port}/", "--output", "c", "--quiet"]) == 0
    receiver.close()
    assert [one["type"] for one in receiver.got] == ["new", "update", "end"]
    said = capsys.readouterr()
    assert "hunter2" not in said.err + said.out + (tmp_path / "c" / "summary.json").read_text()
    assert main([*walk, "--events-vector", "--output", "d"]) == 2
    assert "--events-vector needs --events" in capsys.readouterr().err


def test_discovery_is_for_brokers(walk, capsys):
    for address in ([], ["--events", "https://127.0.0.1/hook"], ["--events", "people.jsonl"]):
        assert main([*walk, *address, "--events-discovery"]) == 2
        assert "mqtt://HOST/TOPIC" in capsys.readouterr().err

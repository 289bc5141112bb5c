"""Cameras share the people of a store while they run, and after a restart."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from remix_track.detections import Detections
from remix_track.output_files import reserve_folder
from remix_track.store import live_people, open_store
from remix_track.store.enrol import name_person
from remix_track.store.forget import forget_people
from remix_track.store.identify import identify
from remix_track.store.live_people import SEGMENT, LivePeople, people_of_cameras
from remix_track.trackers.drawing.drawer import Drawer
from remix_track.trackers.frame import Frame, KnownPerson
from remix_track.trackers.pipeline.record_cameras import record_cameras
from remix_track.trackers.pipeline.session import Session
from remix_track.trackers.settings import TrackSettings
from remix_track.trackers.sinks.formats import OutputSettings
from remix_track.trackers.sinks.tables import CsvSink, JsonLinesSink
from tests.store.frames import WEIGHTS, frame, vector

pytest.importorskip("pyarrow")

SETTINGS = {"tracker": {"max_cosine_distance": 0.5}}
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "S", create=True)


def play(camera, people, seconds, *, began=0.0, fps=10):
    """Frames of these people, as they come; whom the last one says, by their own number."""
    for index in range(1, round(seconds * fps) + 1):
        utc = NOON + timedelta(seconds=began + index / fps)
        out = camera(frame(index, people, fps=fps, utc=utc))
    return {id_: known.number for id_, known in out.people.items()}


def test_who_is_new_is_known_by_the_other_camera_and_after_a_restart(store):
    people = LivePeople(store, WEIGHTS)
    gate, door = people.camera("gate", "rtsp://a", SETTINGS), people.camera("door", "rtsp://b", SETTINGS)
    assert play(gate, [1, 2], 1.5) == {}
    assert play(people.camera("yard", "0", SETTINGS), [5], 2.5) == {5: 1}
    first = play(gate, [1, 2], 3, began=10)
    assert first == {1: 2, 2: 3}
    # Within a second of the first frame, in another camera; who was there a moment ago cannot be.
    assert play(door, [2], 1, began=13) == {}
    assert play(people.camera("hall", "1", SETTINGS), [2], 1, began=20) == {2: 3}
    gate.close()
    door.close()

    again = LivePeople(store, WEIGHTS)
    assert play(again.camera("gate", "rtsp://a", SETTINGS), [2], 1, began=300) == {2: 3}
    assert play(again.camera("gate", "rtsp://a", SETTINGS), [7], 3, began=400) == {7: 4}


def test_what_live_cameras_saw_stays_as_it_is(store):
    people = LivePeople(store, WEIGHTS)
    gate = people.camera("gate", "rtsp://a", SETTINGS)
    known = play(gate, [1, 2], SEGMENT + 5)
    assert len(set(store.tracklets().jobs)) == 1  # the first minute, while it runs
    gate.close()
    before = store.tracklets().person.tolist()
    assert before == [known[1], known[2]] * 2
    assert identify(store).new == 0
    assert store.tracklets().person.tolist() == before


def test_frames_do_not_wait_while_another_process_changes_the_people(store, monkeypatch):
    monkeypatch.setattr(live_people, "SEGMENT", 5.0)
    people = LivePeople(store, WEIGHTS)
    gate = people.camera("gate", "rtsp://a", SETTINGS)
    assert play(gate, [1], 3) == {1: 1}
    with people.files.locked():
        assert play(gate, [1, 2], 6, began=3) == {1: 1}  # the number of a new person, and a part, wait
        assert store.tracklets().person.tolist() == [0, 0]
    assert play(gate, [1, 2], 9, began=9) == {1: 1, 2: 2}
    gate.close()
    assert 0 not in store.tracklets().person[store.tracklets().track == 1]


def test_names_and_forgotten_people_are_heard_of(store):
    people = LivePeople(store, WEIGHTS)
    gate = people.camera("gate", "rtsp://a", SETTINGS)
    play(gate, [1, 2], 3)
    gate.close()
    name_person(store, "Ann", 1)
    forget_people(store, [2])
    people.refresh()
    shown = play_last(people.camera("gate", "rtsp://a", SETTINGS), [1, 2], began=100)
    assert shown == {1: KnownPerson(1, "Ann"), 2: KnownPerson(3)}


def play_last(camera, people, *, began):
    for index in range(1, 31):
        out = camera(frame(index, people, utc=NOON + timedelta(seconds=began + index / 10)))
    return dict(out.people)


def test_people_are_drawn_and_written(tmp_path):
    one = frame(1, [1, 2, 3])
    known = {1: KnownPerson(7, 'Ann, "A"'), 2: KnownPerson(8, sure=False)}
    with_people = frame(1, [1, 2, 3])
    object.__setattr__(with_people, "people", known)
    with CsvSink(tmp_path / "t.csv", people=True) as sink:
        sink.write(with_people)
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0].endswith(",utc,person,name")
    assert [line.split(",", 10)[10] for line in lines[1:]] == ['7,"Ann, ""A"""', "8,", ","]
    with JsonLinesSink(tmp_path / "t.jsonl") as sink:
        sink.write(with_people)
        sink.write(one)
    rich, plain = (tmp_path / "t.jsonl").read_text().splitlines()
    assert '"person": 8' in rich.replace('":8', '": 8')
    assert "person" not in plain
    assert [str(person) for person in known.values()] == ['Ann, "A"', "#8?"]
    assert not np.array_equal(Drawer().draw(one), Drawer().draw(with_people))


class Scene:
    """A live source: people stand in columns, each in a shade of grey of their own."""

    stride, live, fps, fps_known = 1, True, 10.0, True
    width, height, frames, frames_read, broke_off = 160, 80, None, 0, ""

    def __init__(self, name, people, began):
        self.name = self.path = name
        self._people, self._began = people, began
        self.problems, self.warnings = [], []

    def __iter__(self):
        for index in range(1, 41):
            image = np.zeros((80, 160, 3), np.uint8)
            for place, person in enumerate(self._people):
                image[10:70, 10 + 50 * place : 30 + 50 * place] = 40 * person
            self.frames_read += 1
            yield Frame(index, image, index / 10, NOON + timedelta(seconds=self._began + index / 10))

    def opened(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    close = __exit__


class Columns:
    """Finds people where they stand, and knows them by their shade."""

    name, dropped, width, max_cosine_distance = "columns", 0, 8, 0.5
    description = {"name": "drawn", "sha256": "ab" * 32, "input": "16x8 RGB", "width": 8}  # noqa: RUF012

    def __call__(self, frame, xyxy=None):
        if xyxy is not None:
            shades = [int(frame[40, int(box[0]) + 8, 0]) for box in xyxy]
            return np.array([vector(shade // 40) for shade in shades], np.float32).reshape(-1, 8)
        left = np.array([10 + 50 * place for place in range(3) if frame.image[40, 18 + 50 * place, 0]], np.float32)
        xyxy = np.stack([left, left * 0 + 10, left + 20, left * 0 + 70], axis=1)
        return Detections(xyxy, np.full(len(left), 0.9), np.zeros(len(left)))


def test_cameras_of_a_run_write_people_and_a_store(store, tmp_path):
    session = Session(TrackSettings(), detector=Columns(), embedder=Columns())
    scenes = [Scene("gate", [1, 2], 0), Scene("door", [3, 1], 100)]
    for scene in scenes:  # one after the other, as a person is at one place at a time
        record_cameras(
            [scene.opened],
            session,
            OutputSettings(video=False, csv=True),
            lambda name: reserve_folder(tmp_path / name),
            recogniser=people_of_cameras(store, session),
        )
    rows = {name: (tmp_path / name / "tracks.csv").read_text().splitlines()[1:] for name in ("gate", "door")}
    last = {name: [line.split(",")[2:3] + line.split(",")[10:] for line in found[-2:]] for name, found in rows.items()}
    assert last["gate"] == [["1", "1", ""], ["2", "2", ""]]
    assert sorted(person for _, person, _ in last["door"]) == ["1", "3"]
    assert store.people() == {1: 2, 2: 1, 3: 1}
    assert identify(store).new == 0

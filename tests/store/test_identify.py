"""Tracklets of a store become people, and stay them."""

import json

import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.errors import InputError
from remix_track.store import open_store
from remix_track.store.enrol import enrol, name_person
from remix_track.store.identification import People
from remix_track.store.identify import IdentifySettings, identify
from remix_track.store.people import PeopleFiles
from remix_track.store.people_listing import people_of
from remix_track.store.people_means import PeopleMeans
from remix_track.store.presence import Presence
from tests.store.frames import WEIGHTS, frame, job, vector, write

pytest.importorskip("pyarrow")

SETTINGS = {"tracker": {"max_cosine_distance": 0.3}}


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "S", create=True)


def add(store, name, people, frames=6, **others):
    """A job in which these people stand for some frames, each under their own number."""
    made = job(name, settings=SETTINGS, **others)
    return write(store, made, [frame(index, people) for index in range(1, frames + 1)])


def who(store):
    """The person of each tracklet, by job and track."""
    tracklets = store.tracklets()
    found = zip(tracklets.keys(), tracklets.person.tolist(), strict=True)
    names = {key: store.job(key).job.source.name for key in store.jobs()}
    return {(names[key], track): person for (key, track), person in found}


class Painted:
    """Sees the person whose number the first pixel has."""

    width = 8
    max_cosine_distance = 0.3
    description = {"name": "drawn", "sha256": "ab" * 32, "input": "16x8 RGB", "width": 8}  # noqa: RUF012

    def __call__(self, image, xyxy):
        return np.array([vector(int(image[0, 0, 0]), 99)] * len(xyxy), np.float32)


def image_of(path, person):
    import cv2

    cv2.imwrite(str(path), np.full((40, 20, 3), person, np.uint8))
    return path


def test_new_tracklets_join_the_people_who_are_known(store):
    add(store, "gate", [1, 2, 3])
    first = identify(store)
    assert (first.people, first.new, first.joined, len(first.looked_at)) == (3, 3, 0, 3)
    before = who(store)
    add(store, "door", [2, 4, 3])
    second = identify(store)
    after = who(store)
    assert {key: after[key] for key in before} == before
    assert (second.people, second.new, second.joined, len(second.looked_at)) == (4, 1, 2, 3)
    assert [after["door", track] for track in (2, 3)] == [before["gate", track] for track in (2, 3)]
    assert after["door", 4] == 4
    assert identify(store).new == 0
    assert store.people() == {1: 1, 2: 2, 3: 2, 4: 1}


def test_the_order_in_which_jobs_came_does_not_count(tmp_path):
    found = []
    for name, cameras in (("A", ("gate", "door", "yard")), ("B", ("yard", "gate", "door"))):
        store = open_store(tmp_path / name, create=True)
        for camera in cameras:
            add(store, camera, {"gate": [1, 2, 3], "door": [3, 4, 5], "yard": [5, 1, 6]}[camera])
        identify(store)
        found.append(who(store))
    assert found[0] == found[1]
    assert len(set(found[0].values())) == 6


def test_people_who_are_found_to_be_one_are_a_recorded_merge(store, monkeypatch):
    # 2 and 3 are one person from two sides, and a third view stands between them.
    angles = {1: (0, 90), 2: (0, 0), 3: (70, 0), 4: (35, 0), 7: (180, 0)}

    def view(person, seed=0, width=8):
        turn, up = np.radians(angles[person])
        return np.pad([np.cos(turn) * np.cos(up), np.sin(turn) * np.cos(up), np.sin(up)], (0, 5))

    monkeypatch.setattr("tests.store.frames.vector", view)
    add(store, "a", [1, 2])
    add(store, "b", [3])
    settings = IdentifySettings(max_distance=0.45)
    assert identify(store, settings).people == 3
    before = who(store)
    one, other = sorted([before["a", 2], before["b", 3]])
    add(store, "c", [4])
    report = identify(store, settings)
    assert report.merges == ((one, other),)
    assert (report.people, report.new, report.log.current(other)) == (2, 0, one)
    after = who(store)
    assert after["a", 2] == after["b", 3] == after["c", 4] == one
    table = PeopleFiles(store.path).table()
    assert sorted(table["given"][table["person"] == one].tolist()) == sorted([one, one, other])
    add(store, "e", [7])
    assert identify(store, settings).new == 1
    assert who(store)["e", 7] == 4  # the other number is not given again


def test_two_names_are_two_people(store, monkeypatch):
    add(store, "a", [1])
    add(store, "b", [2])
    identify(store)
    name_person(store, "Ann", 1)
    name_person(store, "Bea", 2)
    between = (vector(1) + vector(2)) / np.linalg.norm(vector(1) + vector(2))
    monkeypatch.setattr("tests.store.frames.vector", lambda *_: between)
    add(store, "c", [3])
    assert identify(store, IdentifySettings(max_distance=1.9)).merges == ()
    with pytest.raises(InputError, match="Ann: is person 1 already"):
        name_person(store, "Ann", 2)


def test_a_name_goes_on_with_who_is_joined():
    row = np.arange(10)
    presence = Presence(row, row, 1 + row, np.zeros(10), np.ones(10), np.eye(10, dtype=bool))
    people = People(presence, PeopleMeans(8), {number: [number] for number in (1, 3, 5, 9)}, {3: "Ann", 9: "Bob"})
    people.join(5, 9)
    assert people.names == {3: "Ann", 5: "Bob"}
    assert not people.may_be_one(3, 5)
    assert people.may_be_one(1, 5)
    people.join(3, 1)
    assert people.names == {3: "Ann", 5: "Bob"}


def test_who_lies_between_two_named_people_joins_one_of_them(store, monkeypatch):
    angles = {1: 0, 2: 50, 3: 80, 4: 25, 5: 65}

    def view(person, seed=0, width=8):
        turn = np.radians(angles[person])
        return np.pad([np.cos(turn), np.sin(turn)], (0, 6))

    monkeypatch.setattr("tests.store.frames.vector", view)
    for number in (1, 2, 3):
        add(store, f"cam{number}", [number])
        assert identify(store, IdentifySettings(max_distance=0.1)).new == 1
    name_person(store, "Ann", 1)
    name_person(store, "Bob", 3)
    add(store, "between", [5])
    add(store, "also", [4])
    report = identify(store, IdentifySettings(max_distance=0.9))
    assert sorted(report.log.names.values()) == ["Ann", "Bob"]
    assert report.people == 2


def test_short_tracklets_are_left_alone(store):
    add(store, "gate", [1, 2], frames=4)
    report = identify(store)
    assert (report.people, report.short) == (0, 2)
    assert identify(store, IdentifySettings(min_boxes=4)).people == 2


def test_overlapping_cameras_must_be_there(store):
    add(store, "gate", [1])
    with pytest.raises(InputError, match="gaet: no such camera; did you mean gate"):
        identify(store, IdentifySettings(overlapping=(("gaet", "gate"),)))


def test_a_name_by_images(store, tmp_path):
    add(store, "gate", [1, 2])
    identify(store)
    known = enrol(store, "Ann", [image_of(tmp_path / "a.png", 2), image_of(tmp_path / "b.png", 2)], Painted())
    assert (known.person, known.is_new) == (2, False)
    assert known.nearest is not None
    assert known.nearest.person == 2
    new = enrol(store, "Bea", [image_of(tmp_path / "c.png", 5)], Painted())
    assert (new.person, new.is_new) == (3, True)
    with pytest.raises(InputError, match="look like Bea"):
        enrol(store, "Eve", [tmp_path / "c.png"], Painted())
    add(store, "door", [5])
    identify(store)
    assert who(store)["door", 5] == 3
    listed = [(one.person, one.name, one.tracklets) for one in people_of(store)]
    assert listed == [(2, "Ann", 2), (3, "Bea", 2), (1, "", 1)]


@pytest.mark.parametrize("name", ["", "12", "a\nb", "x" * 101])
def test_what_is_no_name(store, name):
    add(store, "gate", [1])
    identify(store)
    with pytest.raises(InputError, match="expected a printable name"):
        name_person(store, name, 1)


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"event": "name"}', '{"event": "name", "person": 1, "name": "\\u0007"}',
             '{"event": "merge", "person": 1, "was": 1}']
)  # fmt: skip
def test_a_log_that_was_changed_is_one_line(store, line):
    add(store, "gate", [1])
    identify(store)
    (store.path / "people" / "log.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=r"log\.jsonl"):
        identify(store)


def test_the_commands(store, capsys):
    add(store, "gate", [1, 2])
    add(store, "door", [1, 3])
    where = ["--store", str(store.path)]
    assert main(["identify", *where]) == 0
    assert "4 tracklets, 3 people; of 4 looked at 1 joined somebody, 3 are new people" in capsys.readouterr().out
    assert main(["enrol", "Ann", "--person", "1", *where]) == 0
    assert capsys.readouterr().out == "Ann is person 1\n"
    assert main(["people", *where]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["1", "Ann", "2", "0", "door,", "gate", "-", "-"]
    assert main(["enrol", "Bea", "bea.png", "--store", f"{store.path}x"]) == 2
    assert "there is nothing" in capsys.readouterr().err
    assert not store.path.with_name(f"{store.path.name}x").exists()
    assert main(["forget", "Bea", *where]) == 2
    assert main(["forget", "Ann", *where]) == 0
    assert "forgotten: 1 person, 2 tracklets; 2 jobs written anew" in capsys.readouterr().out
    assert json.loads((store.path / "people" / "numbers.json").read_text()) == {"last": 3}
    assert WEIGHTS.width == 8


def test_a_line_of_the_log_that_was_cut_off_loses_no_other(store):
    add(store, "gate", [1, 2])
    identify(store)
    name_person(store, "Ann", 1)
    log = store.path / "people" / "log.jsonl"
    with log.open("ab") as file:
        file.write(b'{"event":"name","per')
    assert PeopleFiles(store.path).log().names == {1: "Ann"}
    name_person(store, "Bob", 2)
    assert PeopleFiles(store.path).log().names == {1: "Ann", 2: "Bob"}
    assert all(json.loads(line) for line in log.read_text().splitlines())


def test_people_lists_at_least_one(store, capsys):
    add(store, "gate", [1, 2])
    identify(store)
    assert main(["people", "--store", str(store.path), "--top", "1"]) == 0
    assert "1 more" in capsys.readouterr().out
    assert main(["people", "--store", str(store.path), "--top", "0"]) == 2

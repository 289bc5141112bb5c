"""Of forgotten people no byte is left in any file of a store."""

import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.errors import InputError
from remix_track.store import open_store
from remix_track.store.corrections import Corrections
from remix_track.store.enrol import enrol, name_person
from remix_track.store.forget import forget_before, forget_people
from remix_track.store.identify import identify
from remix_track.store.live_people import LivePeople
from remix_track.store.people import PeopleFiles
from remix_track.trackers.frame import TrackedFrame
from tests.store.frames import WEIGHTS, frame, job, write
from tests.store.test_identify import Painted, image_of, who

pytest.importorskip("pyarrow")

NAME = "Zephyrine"


def noisy(one, name):
    """The same frame with an image that has no two crops alike."""
    image = np.random.default_rng([one.index, *name.encode()]).integers(0, 256, one.image.shape).astype(np.uint8)
    return TrackedFrame(one.index, image, one.time, one.tracks, one.utc)


def add(store, name, people, began=None):
    made = job(name, settings={"tracker": {"max_cosine_distance": 0.3}})
    times = [None if began is None else began + timedelta(seconds=index / 10) for index in range(8)]
    return write(store, made, [noisy(frame(k, people, utc=utc), name) for k, utc in enumerate(times, 1)])


def bytes_of(store):
    return {path: path.read_bytes() for path in store.path.rglob("*") if path.is_file()}


def traces(store, person):
    """What there is of a person: the pieces of files that must go."""
    found = []
    tracklets = store.tracklets(person=person)
    for (key, _), row in zip(tracklets.keys(), tracklets.row.tolist(), strict=True):
        stored = store.job(key)
        rows = stored.tracklets()
        found.append(stored.vectors(len(rows["track"]))[row].tobytes())
        found += [path.read_bytes()[-200:] for path in stored.crops(rows["crops"][row])]
    return found


@pytest.mark.parametrize("enrolled", [False, True])
def test_no_byte_is_left(tmp_path, enrolled):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 2, 3])
    add(store, "door", [2, 4])
    identify(store)
    person = who(store)["gate", 2]
    if enrolled:
        enrol(store, NAME, [image_of(tmp_path / "p.png", 2)], Painted())
    else:
        name_person(store, NAME, person)
    gone, kept = traces(store, person), traces(store, who(store)["gate", 1])
    assert len(gone) == (6 if enrolled else 4)
    assert all(any(piece in content for content in bytes_of(store).values()) for piece in [*gone, NAME.encode()])
    before = who(store)
    (store.job(next(store.tracklets(person=person).keys())[0]).folder / "notes.npy").write_bytes(gone[0])
    (store.path / "perception").mkdir()
    (store.path / "perception" / "kept.npz").write_bytes(gone[0])

    done = forget_people(store, [person])

    assert done.people == 1
    left = bytes_of(store)
    assert not any(piece in content for content in left.values() for piece in [*gone, NAME.encode()])
    assert all(any(piece in content for content in left.values()) for piece in kept)
    assert not [path for path in left if path.name.startswith(".") and path.name != ".lock"]
    assert who(store) == {key: number for key, number in before.items() if number != person}
    assert len(store.jobs()) == 2
    for key in store.jobs():
        stored = store.job(key)
        rows = stored.tracklets()
        boxes = sum(len(group["track"]) for group in stored.tracks(["track"]))
        assert (stored.result.tracklets, stored.result.boxes) == (len(rows["track"]), boxes)
        assert {path.parent.name for path in stored.folder.glob("crops/*/*.jpg")} == set(map(str, rows["track"]))


def test_no_byte_is_left_in_the_index_and_the_rest_of_it_is_not_made_anew(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 3])
    add(store, "door", [2])
    identify(store)
    person = who(store)["door", 2]
    found = store.tracklets(person=person)
    store.shadows()  # the sums of cells: of a job with one tracklet its vector
    sum_of_cell = store.vectors(found)[0].tobytes()
    assert sum_of_cell in (store.path / "index.sqlite").read_bytes()
    numbers = dict(zip(store.tracklets().keys(), store.tracklets().id.tolist(), strict=True))
    with sqlite3.connect(store.path / "index.sqlite") as reader:
        reader.execute("SELECT count(*) FROM cells").fetchall()  # so that the log is not removed with the last one
        forget_people(store, [person])
        assert not [path for path, content in bytes_of(store).items() if sum_of_cell in content]
        assert not list(store.path.glob("index-*"))
    after = dict(zip(store.tracklets().keys(), store.tracklets().id.tolist(), strict=True))
    assert after == {key: number for key, number in numbers.items() if key in after}
    assert len(after) == 2
    assert (store.shadows().cell >= 0).sum() == 2


def test_a_forgotten_number_is_never_given_again(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 2])
    identify(store)
    forget_people(store, [2])
    with pytest.raises(InputError, match="has no person 2"):
        forget_people(store, [2])
    add(store, "door", [2, 5])
    assert identify(store).new == 2
    assert sorted(store.people()) == [1, 3, 4]


def test_who_was_not_seen_since(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    day = datetime(2026, 11, 1, 12, tzinfo=UTC)
    add(store, "gate", [1, 2, 3], began=day)
    add(store, "door", [2], began=day + timedelta(days=9))
    identify(store)
    before = who(store)
    done = forget_before(store, day + timedelta(days=5))
    assert (done.people, done.tracklets) == (2, 2)
    # Who was seen since stays, with what is older too.
    assert who(store) == {key: before[key] for key in (("gate", 2), ("door", 2))}
    # A recording of unknown time is as old as its file, which is of 1970 here.
    add(store, "yard", [7])
    assert forget_before(store, day).tracklets == 1


def test_what_killed_processes_left_goes_too(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 2])
    identify(store)
    (store.path / "jobs" / ".0a1b.2c3d").mkdir()
    (store.path / "jobs" / ".0a1b.2c3d" / "crop.jpg").write_bytes(b"somebody")
    (store.path / "jobs" / ".0a1b.2c3d.lock").touch()
    (store.path / "people" / ".log-2c3d.jsonl").write_bytes(b"somebody")
    forget_people(store, [1])
    assert not any(b"somebody" in content for content in bytes_of(store).values())


def test_who_was_half_forgotten_by_age_is_forgotten_by_the_next_one(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 2], began=datetime(2026, 11, 1, tzinfo=UTC))
    add(store, "door", [3], began=datetime(2026, 11, 9, tzinfo=UTC))
    identify(store)
    name_person(store, NAME, 1)
    files = PeopleFiles(store.path)
    rows, log = files.table(), files.events()
    forget_before(store, datetime(2026, 11, 5, tzinfo=UTC))
    files.write_table(rows)  # as it is where the jobs are written anew, and the table is not yet
    files.write_events(log)
    assert forget_before(store, datetime(2026, 11, 5, tzinfo=UTC)).people == 2
    assert files.table()["person"].tolist() == [3]
    assert not any(NAME.encode() in content for content in bytes_of(store).values())


def test_a_damaged_job_is_said_to_have_something_left(tmp_path, capsys):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 2])
    damaged = add(store, "door", [1, 2]).folder
    identify(store)
    (damaged / "tracklets.parquet").write_bytes(b"")
    assert forget_before(store, datetime(1970, 1, 1, tzinfo=UTC)).people == 0  # a name is not lost by the damage
    assert main(["forget", "1", "--store", str(store.path)]) == 2
    assert f"{damaged}: damaged" in capsys.readouterr().err
    shutil.rmtree(damaged)
    assert main(["forget", "2", "--store", str(store.path)]) == 0


def test_kept_detections_behind_a_link_are_refused_before_anything_is_done(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 2])
    identify(store)
    (tmp_path / "films").mkdir()
    (store.path / "perception").symlink_to(tmp_path / "films")
    before = bytes_of(store)
    with pytest.raises(InputError, match="perception: a link that leads out of the store"):
        forget_people(store, [1])
    assert {path: before[path] for path in before if "jobs" in path.parts} == {
        path: content for path, content in bytes_of(store).items() if "jobs" in path.parts
    }
    assert (tmp_path / "films").is_dir()


@pytest.mark.parametrize("words", [["--forget", "1e30"], ["9" * 5000]])
def test_numbers_out_of_all_range_are_one_line(tmp_path, capsys, words):
    open_store(tmp_path / "S", create=True)
    assert main(["forget", *words, "--store", str(tmp_path / "S")]) == 2
    assert "fault in the program" not in capsys.readouterr().err


def test_what_was_killed_half_way_is_put_back(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 2])
    identify(store)
    folder = store.job(store.jobs()[0]).folder
    folder.rename(folder.with_name(f".{folder.name}--0a1b-old.forget"))
    assert json.loads((store.path / "people" / "numbers.json").read_text())["last"] == 2
    with pytest.raises(InputError, match="has no person 9"):
        forget_people(store, [9])
    forget_people(store, [1])
    assert who(store) == {("gate", 2): 2}


def hidden(store):
    """The job of a store as a process that is killed between the two renames leaves it."""
    folder = store.job(store.jobs()[0]).folder
    folder.rename(folder.with_name(f".{folder.name}--0a1b-old.forget"))
    folder.with_name(f".{folder.name}--0a1b.forget").mkdir()
    return folder


@pytest.mark.parametrize("by", ["identify", "live", "enrol"])
def test_what_was_killed_half_way_is_put_back_by_what_changes_people(tmp_path, by):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 2])
    identify(store)
    folder, crop = hidden(store), image_of(tmp_path / "p.png", 2)
    assert not store.jobs()
    if by == "enrol":
        assert enrol(store, NAME, [crop], Painted()).person == 2
    else:
        identify(store) if by == "identify" else LivePeople(store, WEIGHTS)
    assert {("gate", 1): 1, ("gate", 2): 2}.items() <= who(store).items()
    assert not list(folder.parent.glob(".*.forget"))


def test_a_part_that_a_killed_process_hid_loses_who_is_forgotten(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 2])
    identify(store)
    people, key = LivePeople(store, WEIGHTS), store.jobs()[0]
    hidden(store)
    people.parts.keep(key, {}, {1})
    assert who(store) == {("gate", 2): 2}


def test_a_job_that_is_there_is_not_replaced_by_what_was_taken_away(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    folder = add(store, "gate", [1, 2]).folder
    shutil.copytree(folder, folder.with_name(f".{folder.name}--0a1b-old.forget"))
    (folder / "kept").touch()
    identify(store)
    assert (folder / "kept").exists()
    assert not list(folder.parent.glob(".*"))


def test_killed_once_the_log_is_replaced_nobody_comes_back(tmp_path, monkeypatch):
    store = open_store(tmp_path / "S", create=True)
    add(store, "gate", [1, 2, 3])
    identify(store)
    Corrections.of(store, "Kim").merge(1, 2)
    write_events = PeopleFiles.write_events

    def killed(files, events):
        write_events(files, events)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PeopleFiles, "write_events", killed)
        with pytest.raises(KeyboardInterrupt):
            forget_people(store, [1])
    files = PeopleFiles(store.path)
    assert files.log().forgotten == {1, 2}
    assert files.table()["person"].tolist() == [3]
    assert all(line["utc"] for line in files.events())


def test_people_before_cameras_that_run_are_forgotten_too(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    with store.live_writer(job("gate", settings={"tracker": {"max_cosine_distance": 0.3}}), seconds=2) as writer:
        for index in range(1, 41):
            writer.write(noisy(frame(index, [1, 2]), "gate"))
    assert identify(store).people == 2
    gone = traces(store, 1)
    assert len(gone) == 4
    assert forget_people(store, [1]).jobs == 2
    assert not any(piece in content for content in bytes_of(store).values() for piece in gone)
    assert store.tracklets().person.tolist() == [2, 2]

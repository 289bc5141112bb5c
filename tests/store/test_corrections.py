"""What users say of people counts at once, for ever, and can be taken back."""

import itertools
import json
import threading
from datetime import timedelta

import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.errors import InputError
from remix_track.store import open_store
from remix_track.store import people as people_module
from remix_track.store.corrections import Corrections
from remix_track.store.enrol import name_person
from remix_track.store.forget import forget_people
from remix_track.store.identify import IdentifySettings, identify
from remix_track.store.live_people import LivePeople
from remix_track.store.people_listing import people_of
from tests.store.frames import WEIGHTS, frame, vector
from tests.store.test_forget import add as add_noisy
from tests.store.test_forget import bytes_of, traces
from tests.store.test_identify import add, who
from tests.store.test_live_people import NOON, SETTINGS

pytest.importorskip("pyarrow")


@pytest.fixture
def store(tmp_path):
    """Three cameras: person 1 is before all, 2 before two of them, 3 and 4 before one each."""
    made = open_store(tmp_path / "S", create=True)
    add(made, "gate", [1, 2])
    add(made, "door", [1, 2, 3])
    add(made, "yard", [1, 4])
    identify(made)
    return made


@pytest.fixture
def corrections(store):
    return Corrections.of(store, "Kim")


def key(store, name, track):
    """The key of a tracklet, by the source of its job."""
    return next(one for one in store.jobs() if store.job(one).job.source.name == name), track


def test_a_merge_is_applied_at_once_and_taken_back(store, corrections):
    before = who(store)
    one, other = before["door", 3], before["yard", 4]
    corrections.merge(other, one)
    assert who(store) == before | {("door", 3): other}
    assert corrections.undo().kind == "merge"
    assert who(store) == before
    assert [(act.kind, act.who, act.undone) for act in corrections.acts()] == [("merge", "Kim", True)]


def test_what_came_after_a_merge_stays_with_who_went_on(store, corrections):
    before = who(store)
    corrections.merge(before["gate", 1], before["gate", 2])
    add(store, "hall", [2])
    identify(store)
    assert who(store)["hall", 2] == before["gate", 1]
    corrections.undo()
    after = who(store)
    assert {name: after[name] for name in before} == before
    assert after["hall", 2] == before["gate", 1]  # that is the number which it was given


def test_a_split_is_never_joined_again(store, corrections):
    before = who(store)
    person = before["gate", 1]
    new = corrections.split(person, [key(store, "yard", 1)])
    assert new == 5
    assert who(store) == before | {("yard", 1): new}
    add(store, "hall", [1])  # as near to both
    report = identify(store, IdentifySettings(max_distance=1.9))
    after = who(store)
    assert (person, new) not in report.merges
    assert after["gate", 1] == after["door", 1] == person
    assert after["yard", 1] == new
    assert after["hall", 1] in (person, new)
    corrections.undo()
    assert len({who(store)[name, 1] for name in ("gate", "door", "yard", "hall")}) == 1


def test_without_the_split_they_would_be_joined(store, monkeypatch):
    """The same store where nothing forbids it: what the test above rests on."""
    corrections = Corrections.of(store)
    new = corrections.split(who(store)["gate", 1], [key(store, "yard", 1)])
    monkeypatch.setattr("remix_track.store.people_log.Log.apart_now", lambda self: {})
    add(store, "hall", [1])
    assert (who(store)["gate", 1], new) in identify(store, IdentifySettings(max_distance=1.9)).merges


def test_a_merge_that_identify_found_is_undone_and_not_found_again(store, corrections, monkeypatch):
    between = vector(3) + vector(4)
    monkeypatch.setattr("tests.store.frames.vector", lambda *_: between / np.linalg.norm(between))
    add(store, "hall", [5])
    before = who(store)
    merges = identify(store, IdentifySettings(max_distance=0.99)).merges
    pair = before["door", 3], before["yard", 4]
    assert tuple(sorted(pair)) in merges
    found = [act for act in corrections.acts() if not act.who and {act.person, act.other} == set(pair)]
    corrections.undo(found[0].number)
    assert len({who(store)["door", 3], who(store)["yard", 4]}) == 2
    add(store, "cellar", [5])
    assert tuple(sorted(pair)) not in identify(store, IdentifySettings(max_distance=0.99)).merges


def test_rejected_tracklets_are_no_person_now_and_later(store, corrections):
    before, rejected = who(store), key(store, "door", 3)
    corrections.reject([rejected])
    assert who(store) == before | {("door", 3): 0}
    assert before["door", 3] not in {one.person for one in people_of(store)}
    add(store, "hall", [3])
    report = identify(store)
    assert who(store)["door", 3] == 0
    assert report.tracklets == len(store.tracklets()) - 1
    assert who(store)["hall", 3] not in (0, before["door", 3])
    corrections.undo()
    assert who(store)["door", 3] == before["door", 3]


def test_what_nothing_looked_at_yet_can_be_rejected_and_given_back(store, corrections):
    add(store, "hall", [7, 8])
    corrections.reject([key(store, "hall", 7)])
    assert identify(store).new == 1
    assert who(store)["hall", 7] == 0
    corrections.undo()
    assert identify(store).new == 1
    assert who(store)["hall", 7] > 0


def test_names_go_with_the_people(store, corrections):
    before = who(store)
    first, second = before["gate", 1], before["gate", 2]
    corrections.name(first, "Ann")
    corrections.name(second, "Bea")
    corrections.merge(first, second)
    assert next((one.person, one.name) for one in people_of(store)) == (first, "Ann")
    corrections.name(before["yard", 4], "Bea")
    with pytest.raises(InputError, match="would be Bea; give one of them another name"):
        corrections.undo(3)
    corrections.undo()
    corrections.undo()
    assert {one.person: one.name for one in people_of(store)} == {1: "Ann", 2: "Bea", 3: "", 4: ""}
    corrections.undo(1)
    assert {one.name for one in people_of(store)} == {"", "Bea"}


def test_an_act_in_the_middle_is_undone_and_the_later_ones_stay(store, corrections):
    before = who(store)
    corrections.merge(before["gate", 1], before["gate", 2])
    new = corrections.split(before["gate", 1], [key(store, "door", 2)])
    corrections.merge(new, before["yard", 4])
    corrections.undo(1)
    assert who(store) == before | {("door", 2): new, ("yard", 4): new}
    corrections.undo(2)  # the split person is the first one after all, with whom it was merged
    after = who(store)
    assert after["door", 2] == before["gate", 2]
    assert after["yard", 4] == before["gate", 1]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda one, store: one.merge(1, 9), "has no person 9"),
        (lambda one, store: one.merge(1, 1), "takes two people"),
        (lambda one, store: one.merge(0, 1), "has no person 0"),
        (lambda one, store: one.split(1, []), "0 tracklets"),
        (lambda one, store: one.split(1, [key(store, "gate", 2)]), "is no tracklet of person 1"),
        (lambda one, store: one.split(1, [key(store, n, 1) for n in ("gate", "door", "yard")]), "leave some"),
        (lambda one, store: one.reject([("nothing", 1)]), "nothing:1 is no tracklet of this store"),
        (lambda one, store: one.name(1, "12"), "expected a printable name"),
        (lambda one, store: one.undo(), "nothing to undo"),
        (lambda one, store: one.undo(7), "no act 7"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(store, corrections, act, message):
    before = {path: content for path, content in bytes_of(store).items() if path.parent.name == "people"}
    with pytest.raises(InputError, match=message):
        act(corrections, store)
    assert {path: path.read_bytes() for path in before} == before


def test_a_process_killed_between_log_and_table_is_made_good(store, corrections, monkeypatch):
    before = who(store)
    with monkeypatch.context() as patch:
        patch.setattr(people_module.PeopleFiles, "write_table", lambda self, rows: None)
        corrections.merge(before["gate", 1], before["gate", 2])
        corrections.reject([key(store, "door", 3)])
    assert who(store) == before
    with (store.path / "people" / "log.jsonl").open("ab") as file:
        file.write(b'{"event":"split","person":1,"into":9,"trackl')
    add(store, "hall", [2])
    identify(store)
    after = who(store)
    assert after["gate", 2] == after["hall", 2] == before["gate", 1]
    assert after["door", 3] == 0


def test_many_correct_while_others_identify(store):
    add(store, "hall", [2, 3, 6])
    pairs = [key(store, "hall", track) for track in (2, 3, 6)]
    failed = []

    def work(act):
        try:
            act(open_store(store.path))
        except InputError as error:
            failed.append(error)

    acts = [identify, identify, *(lambda s, one=one: Corrections.of(s).reject([one]) for one in pairs)]
    threads = [threading.Thread(target=work, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [who(store)["hall", track] for track in (2, 3, 6)] == [0, 0, 0]
    assert sorted(act.number for act in Corrections.of(store).acts() if act.kind == "reject") == [1, 2, 3]


def test_of_forgotten_people_corrections_say_nothing(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    for name in ("gate", "door", "yard"):
        add_noisy(store, name, [1, 2, 3])
    identify(store)
    before = who(store)
    corrections = Corrections.of(store, "Kim")
    first, second, third = (before["gate", track] for track in (1, 2, 3))
    corrections.name(first, "Zephyrine")
    new = corrections.split(first, [key(store, "yard", 1)])
    corrections.reject([key(store, "door", 1), key(store, "door", 2)])
    corrections.name(new, "Yolanda")
    corrections.merge(first, second)
    # Drawn people have the same vector before every camera; no two crops are alike.
    gone = [piece for piece in traces(store, first) if len(piece) == 200]
    assert len(gone) >= 3
    forget_people(store, [first])
    content = (store.path / "people" / "log.jsonl").read_text()
    left = bytes_of(store).values()
    assert not any(piece in one for one in left for piece in [*gone, b"Zephyrine"])
    assert "Yolanda" in content
    assert {tuple(one) for line in content.splitlines() for one in json.loads(line).get("tracklets", [])} <= set(
        store.tracklets().keys()
    )
    assert who(store) == {
        ("yard", 1): new, ("door", 1): 0, ("door", 2): 0,
        ("gate", 3): third, ("door", 3): third, ("yard", 3): third,
    }  # fmt: skip
    with pytest.raises(InputError, match="is forgotten"):
        corrections.undo(next(act.number for act in corrections.acts() if act.kind == "split"))
    corrections.undo(next(act.number for act in corrections.acts() if act.kind == "reject"))
    assert (who(store)["door", 1], who(store)["door", 2]) == (0, 0)
    identify(store)
    assert new not in (who(store)["door", 2], 0)
    forget_people(store, [new])
    assert b"Yolanda" not in b"".join(bytes_of(store).values())


def test_cameras_that_run_hear_of_corrections(tmp_path, monkeypatch):
    monkeypatch.setattr("remix_track.store.live_people.SEGMENT", 5.0)
    store = open_store(tmp_path / "S", create=True)
    people = LivePeople(store, WEIGHTS)
    gate = people.camera("gate", "rtsp://a", SETTINGS)
    frames = itertools.count(1)

    def play(seconds):
        for index in itertools.islice(frames, 10 * seconds):
            out = gate(frame(index, [1, 2, 3], utc=NOON + timedelta(seconds=index / 10)))
        return {id_: known.number for id_, known in (out.people or {}).items()}

    assert play(6) == {1: 1, 2: 2, 3: 3}
    corrections = Corrections.of(store)
    third = list(store.tracklets().keys())[2]
    corrections.merge(1, 2)
    corrections.reject([third])
    assert play(6) == {1: 1, 2: 1}
    new = corrections.split(1, [key_ for key_ in list(store.tracklets(person=1).keys()) if key_[1] == 2])
    assert play(6) == {1: 1, 2: new}
    assert np.abs(people.gallery.means.products(vector(2).astype(np.float32)) > 0.9).sum() == 1
    corrections.undo(2)
    assert play(6) == {1: 1, 2: new, 3: 3}
    gate.close()
    tracklets = store.tracklets()
    assert identify(store).new == 0
    known = tracklets.person > 0
    assert store.tracklets().person[known].tolist() == tracklets.person[known].tolist()
    assert set(store.tracklets().person[tracklets.track == 3].tolist()) == {3}  # also those of the time between


def test_a_name_by_enrol_is_an_act_too(store):
    name_person(store, "Ann", 1)
    assert [(act.kind, act.name) for act in Corrections.of(store).acts()] == [("name", "Ann")]


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "split", "person": 1, "into": 2, "tracklets": [[1, 2]], "act": 1}',
        '{"event": "split", "person": 1, "into": 1, "tracklets": [], "act": 1}',
        '{"event": "split", "person": 1, "tracklets": [["a", 2]], "act": 1}',
        '{"event": "reject", "person": 0, "tracklets": 7, "act": 1}',
        '{"event": "name", "person": 1, "name": "Ann", "who": "\\u0007", "act": 1}',
        '{"event": "undo", "person": 0}',
    ],
)
def test_a_log_that_was_changed_is_one_line(store, line):
    (store.path / "people" / "log.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=r"log\.jsonl"):
        identify(store)


def test_the_command(store, capsys):
    where = str(store.path)
    before = who(store)
    job, track = key(store, "yard", 1)

    def said(*words):
        assert main(["correct", where, *words, "--who", "Kim"]) == 0
        return capsys.readouterr().out

    assert said("name", str(before["gate", 1]), "Ann") == "1 is Ann now\n"
    assert said("merge", "Ann", str(before["gate", 2])) == "2 is person Ann now\n"
    assert said("split", "Ann", f"{job[:8]}:{track}") == "1 tracklet of Ann is person 5 now\n"
    assert said("reject", f"{job}:{track}") == "1 tracklet is no person now\n"
    assert f"{job[:8]}:{track}" not in said("list", "Ann")
    assert said("undo") == f"undone: act 4, reject {job[:8]}:{track}\n"
    lines = [line.split()[3:] for line in said("list").splitlines()[1:]]
    assert lines == [
        ["Kim", "name", "1", "Ann"], ["Kim", "merge", "1", "2"], ["Kim", "split", "1", f"{job[:8]}:{track}:", "5"],
        ["Kim", "reject", f"{job[:8]}:{track}", "undone"],
    ]  # fmt: skip
    assert said("undo", "2") == "undone: act 2, merge 1 2\n"
    assert who(store) == before | {("yard", 1): 5}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["merge", "1"], "expected remix-track correct STORE merge A B"),
        (["merge", "1", "Zoe"], "Zoe: no such person"),
        (["split", "1", "gate"], "gate: expected JOB:TRACK"),
        (["split", "1", "zz:1"], "no job of the store begins so"),
        (["reject", ":1"], ":1: expected JOB:TRACK"),
        (["undo", "x"], "expected remix-track correct STORE undo"),
        (["undo", "9" * 5000], "no act"),
        (["name", "1", "a\nb"], "expected a printable name"),
        (["forgive", "1"], "forgive"),
    ],
)
def test_bad_words_are_one_line(store, capsys, words, message):
    assert main(["correct", str(store.path), *words]) == 2
    found = capsys.readouterr().err
    assert message in found
    assert "fault in the program" not in found

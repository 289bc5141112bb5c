"""People forgotten, or identified, by another process while they stand before a camera that runs."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from remix_track.store import live_people, open_store
from remix_track.store.forget import forget_people
from remix_track.store.gallery import Recognition
from remix_track.store.identify import identify
from remix_track.store.live_people import LivePeople
from remix_track.store.people_rows import recognised_rows
from tests.store.frames import WEIGHTS, frame
from tests.store.test_forget import bytes_of, traces
from tests.store.test_live_people import NOON, SETTINGS

pytest.importorskip("pyarrow")

FPS = 10


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    monkeypatch.setattr(live_people, "SEGMENT", 5.0)


def begun(folder):
    people = LivePeople(open_store(folder, create=True), WEIGHTS)
    return people, people.camera("gate", "rtsp://a", SETTINGS)


def play(camera, people, begin, end):
    """Frames from one second to another one of people before noise, and whom each says, by their own number."""
    said = []
    for index in range(round(begin * FPS) + 1, round(end * FPS) + 1):
        made = frame(index, people, fps=FPS, utc=NOON + timedelta(seconds=index / FPS))
        noise = np.random.default_rng(index).integers(0, 256, made.image.shape).astype(np.uint8)
        out = camera(replace(made, image=noise))
        said.append({id_: known.number for id_, known in out.people.items()})
    return said


def tracks_of(store):
    """Tracks that there are boxes, tracklets and crops of, by the number of the part."""
    found = {}
    for key in store.tracklets().jobs:
        stored = store.job(key)
        boxes = {track for group in stored.tracks(["track"]) for track in group["track"].tolist()}
        crops = {int(path.parent.name) for path in stored.folder.glob("crops/*/*.jpg")}
        assert boxes == set(stored.tracklets()["track"].tolist()) == crops
        found[int(key[-4:])] = boxes
    return found


def test_no_byte_is_left_of_who_was_before_the_camera(tmp_path):
    _, camera = begun(tmp_path / "as it would be")
    play(camera, [1, 2], 0, 12)
    camera.close()
    twin = open_store(tmp_path / "as it would be")
    gone, kept = traces(twin, 1), traces(twin, 2)
    assert len(gone) > 6

    people, camera = begun(tmp_path / "S")
    store = people.store
    assert play(camera, [1, 2], 0, 7.5)[-1] == {1: 1, 2: 2}
    assert forget_people(store, [1]).tracklets == 1
    after = play(camera, [1, 2], 7.5, 12)
    camera.close()

    assert tracks_of(store) == {1: {2}, 2: {2}, 3: {1, 2}}
    seen_since = [path.read_bytes() for path in store.path.glob("live/*/0003/**/*") if path.is_file()]
    gone = [piece for piece in gone if not any(piece in content for content in seen_since)]
    assert len(gone) > 4
    contents = bytes_of(store).values()
    assert not any(piece in content for content in contents for piece in gone)
    assert all(any(piece in content for content in contents) for piece in kept)
    # The number is not handed out again, from the next frame on: who stands there still is new.
    assert {said.get(1) for said in after} == {None, 3}
    assert after[0] == {2: 2}
    assert store.people() == {2: 3, 3: 1}


def test_a_part_that_waited_while_people_were_forgotten(tmp_path):
    people, camera = begun(tmp_path / "S")
    store = people.store
    play(camera, [1, 2], 0, 9)
    with people.files.locked():
        play(camera, [1, 2], 9, 10.5)  # the second part is whole, and whom it shows is not written down
    assert tracks_of(store) == {1: {1, 2}, 2: {1, 2}}
    forget_people(store, [1])
    assert tracks_of(store) == {1: {2}, 2: {1, 2}}
    play(camera, [2], 10.5, 15.2)
    assert tracks_of(store) == {1: {2}, 2: {2}, 3: {2}}
    assert store.people() == {2: 3}


def test_who_was_identified_meanwhile_stays_so(tmp_path):
    people, camera = begun(tmp_path / "S")
    store = people.store
    with people.files.locked():
        assert play(camera, [1, 2], 0, 4)[-1] == {}
    assert play(camera, [1, 2], 4, 4.6)[-1] == {1: 1, 2: 2}
    with people.files.locked():
        play(camera, [1, 2], 4.6, 5.5)
    assert store.people() == {}
    assert identify(store).new == 2
    assert store.tracklets().person.tolist() == [3, 4]
    play(camera, [1, 2], 5.5, 10.5)
    assert store.tracklets().person.tolist() == [3, 4, 3, 4]
    assert play(camera, [1, 2], 10.5, 11)[-1] == {1: 3, 2: 4}
    camera.close()
    assert store.people() == {3: 3, 4: 3}


def test_what_another_process_said_of_a_waiting_part_stays(tmp_path):
    people, camera = begun(tmp_path / "S")
    store = people.store
    play(camera, [1, 2], 0, 9)
    with people.files.locked():
        play(camera, [1, 2], 9, 10.5)
        key = store.tracklets().jobs[1]
        people.files.add_rows(recognised_rows(key, {1: Recognition(2, 0.1, 0, np.nan, sure=True)}))
    play(camera, [1, 2], 10.5, 15.2)
    assert store.tracklets().person.tolist() == [1, 2, 2, 2, 1, 2]
    assert people.files.log().into == {}  # both were known before

"""The light of a camera is followed while it runs: by formula, through dusk, and as a restart has it."""

import dataclasses
import math
import shutil
from datetime import timedelta

import numpy as np
import pytest

from remix_track.encoder.camera_centring import MEMORY
from remix_track.store import centring, live_people, open_store
from remix_track.store.centring import Centring, LatestMean, camera_blocks
from remix_track.store.identify import IdentifySettings, identify
from remix_track.store.live_people import LivePeople
from remix_track.track_means import unit
from tests.store.frames import WEIGHTS, frame, job, write
from tests.store.test_live_people import NOON

pytest.importorskip("pyarrow")

WIDTH = 12
SETTINGS = IdentifySettings(max_distance=0.5)


def fitted(vectors, camera):
    blocks = camera_blocks(camera, np.zeros(len(camera), np.int64), np.arange(float(len(camera))))
    return Centring.fit(blocks, camera, lambda rows: vectors[rows], vectors.shape[1])


def drawn(people, casts, seed=0):
    """Every person before every cast once, in mixed order; (N, D) vectors, (N,) cast, (N,) person."""
    rng = np.random.default_rng(seed)
    looks, colours = rng.normal(size=(people, WIDTH)), 2.5 * rng.normal(size=(casts, WIDTH))
    cast = np.repeat(np.arange(casts), people)
    person = np.concatenate([rng.permutation(people) for _ in range(casts)])
    noise = 0.6 * rng.normal(size=(len(cast), WIDTH))
    return unit(looks[person] + colours[cast] + noise).astype(np.float32), cast, person


@pytest.mark.parametrize("tracklets", [1, 7, 300])
def test_the_latest_mean_fades_by_the_formula(tracklets):
    vectors = np.random.default_rng(0).normal(size=(tracklets, 5))
    weight = [math.exp(-(tracklets - 1 - number) / MEMORY) for number in range(tracklets)]
    expected = sum(one * vector for one, vector in zip(weight, vectors, strict=True)) / sum(weight)
    made, at_once = LatestMean(np.zeros(5)), LatestMean(np.zeros(5)).after(vectors)
    for vector in vectors:
        made = made.after(vector[None])
    for one in (made, at_once):
        np.testing.assert_allclose(one.mean, expected)
        assert one.count == pytest.approx(sum(weight) ** 2 / sum(one**2 for one in weight))
        assert one.tracklets == tracklets


def test_what_came_while_it_ran_is_what_a_restart_reads(monkeypatch):
    monkeypatch.setattr(centring, "BLOCK", 32)  # a camera's last block may have a single tracklet
    vectors, camera, _ = drawn(65, 2)
    vectors[[3, 70]] = 0
    early = np.arange(len(camera)) % 65 < 40
    running, whole = fitted(vectors[early], camera[early]), fitted(vectors, camera)
    for one in (0, 1):
        late = vectors[(camera == one) & ~early]
        running = running.after(one, late[:9]).after(one, late[9:])
        np.testing.assert_allclose(running.latest[one].mean, whole.latest[one].mean)
        assert running.latest[one].tracklets == whole.latest[one].tracklets
    assert running.after(0, np.zeros((3, WIDTH))) is running


def test_a_camera_that_begins_later_is_learnt_and_shrunk_by_how_little_is_known():
    vectors, cast, _ = drawn(30, 3)
    known = fitted(vectors[cast < 2], cast[cast < 2])
    new, others = vectors[cast == 2], vectors[cast == 1]

    def off(made, number):
        """How far the new camera's people still lie to one side."""
        return np.linalg.norm(made.camera(new, number).mean(axis=0))

    steps = [off(known, 2), off(known.after(2, new[:2]), 2), off(known.after(2, new), 2)]
    assert steps[0] > steps[1] + 0.05
    assert steps[1] > steps[2] + 0.05
    np.testing.assert_array_equal(known.after(2, new).camera(others, 1), known.camera(others, 1))


def right(made, vectors, cast, person, *, follows):
    """Share of the people at the gate by dusk, of their second half, whose nearest tracklet of before is their own."""
    before = np.concatenate([made.block(vectors[cast == one]) for one in (0, 1)])
    late, found = cast == 2, []
    for vector in vectors[late]:
        found.append(int((before @ made.camera(vector[None], 0)[0]).argmax()))
        made = made.after(0, vector[None]) if follows else made
    return np.mean((person[cast < 2][found] == person[late])[len(found) // 2 :])


@pytest.mark.parametrize("shared", [60, 25])
def test_dusk_is_followed_also_where_the_cameras_have_other_people(shared, monkeypatch):
    monkeypatch.setattr(centring, "MEMORY", 15)
    found = []
    for seed in range(4):
        vectors, cast, person = drawn(60, 3, seed)  # the gate by day, the yard, the gate at dusk
        there = (cast < 2) | (person < shared)
        day, scene = cast < 2, (vectors[there], cast[there], person[there])
        made = fitted(vectors[day], cast[day])
        found.append([right(made, *scene, follows=follows) for follows in (False, True)])
    frozen, followed = np.mean(found, axis=0)
    assert followed > frozen + 0.1


LIGHT = {"gate": 1, "yard": 2}


@pytest.fixture
def store(tmp_path):
    """Thirty-five people before a gate and a yard, by day."""
    made = open_store(tmp_path / "S", create=True)
    for number, (name, light) in enumerate(LIGHT.items()):
        for part in range(5):
            people = range(1 + 7 * part, 8 + 7 * part)
            frames = [frame(index, people, light=light) for index in range(1, 8)]
            write(made, job(f"{name}-{part}", camera=name, start=NOON + timedelta(minutes=10 * number + part)), frames)
    identify(made, SETTINGS)
    return made


def stand(camera, people, light, began, seconds=1.0):
    """People before a camera for a second; who they are."""
    for index in range(1, round(seconds * 10) + 1):
        moment = NOON + timedelta(seconds=began + index / 10)
        out = camera(dataclasses.replace(frame(index, people, light=light, utc=moment), time=began + index / 10))
    return {id_: known.number for id_, known in out.people.items()}


def evening(store):
    """What a gate made of thirty-five people at dusk: who they are, and the gallery afterwards."""
    people = LivePeople(store, WEIGHTS, SETTINGS)
    gate, found = people.camera("gate", "rtsp://a", {}), dict[int, int]()
    for number in range(12):
        found |= stand(gate, range(1 + 3 * number, 4 + 3 * number), 3, 5000.0 + 2 * number)
    gate.close()
    return found, people.gallery


def test_who_was_there_by_day_is_known_at_dusk_and_a_restart_goes_on(store, tmp_path, monkeypatch):
    monkeypatch.setattr(live_people, "SEGMENT", 1.0)
    monkeypatch.setattr(centring, "MEMORY", 10)
    shutil.copytree(store.path, tmp_path / "frozen")
    tracklets = store.tracklets()
    day = {track: person for (_, track), person in zip(tracklets.keys(), tracklets.person.tolist(), strict=True)}

    def known(found):
        return np.mean([found.get(track) == day[track] for track in range(19, 36)])

    followed, gallery = evening(store)
    again = LivePeople(store, WEIGHTS, SETTINGS).gallery
    after, before = (one.centring.latest[one.cameras.index("gate")] for one in (again, gallery))
    np.testing.assert_allclose(after.mean, before.mean, atol=2e-3)  # the store has half precision
    assert after.tracklets == before.tracklets == 35 + 36
    monkeypatch.setattr(LivePeople, "follow", lambda *_: None)
    frozen, _ = evening(open_store(tmp_path / "frozen"))
    assert known(followed) > known(frozen) + 0.2


def test_who_stands_there_for_long_counts_once(store, monkeypatch):
    monkeypatch.setattr(live_people, "SEGMENT", 1.0)
    people = LivePeople(store, WEIGHTS, SETTINGS)
    gate = people.camera("gate", "rtsp://a", {})
    stand(gate, [1, 2], 1, 5000.0, seconds=5)
    stand(gate, [2, 3], 1, 5005.0, seconds=2)
    gate.close()
    assert people.gallery.centring.latest[people.gallery.cameras.index("gate")].tracklets == 35 + 3

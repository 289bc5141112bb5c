"""What a camera sees is in the store as soon as a part of it ends; what breaks off leaves the parts before."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import remix_track
from remix_track.errors import InputError
from remix_track.store import Job, JobSource, open_store
from remix_track.store.live import record_live
from remix_track.trackers.detectors.public import PublicDetections
from tests.store.frames import WEIGHTS, frame, vector

pytest.importorskip("pyarrow")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "S", create=True)


def camera(name="gate"):
    return Job(JobSource.live(name, f"rtsp://user:secret@{name}/1", NOON), name, {}, WEIGHTS, start=NOON)


def tracks(store, **wanted):
    found = store.tracklets(**wanted)
    return [(key.partition("~")[2], track) for key, track in found.keys()]  # noqa: SIM118


def test_a_search_sees_each_part_as_it_ends(store):
    with store.live_writer(camera(), seconds=2) as writer:
        for index in range(1, 31):  # ten a second
            writer.write(frame(index, [1] if index < 25 else [1, 2]))
            assert writer.parts == (0 if index <= 20 else 1)
            if index == 20:
                assert tracks(store) == []
            if index == 21:
                assert tracks(store) == [("0001", 1)]
                (hit,) = store.search(vector(1)).tracklets.keys()
                assert hit == (f"{camera().key}~0001", 1)
    assert tracks(store) == [("0001", 1), ("0002", 1), ("0002", 2)]
    assert tracks(store, since=NOON + timedelta(seconds=2)) == [("0002", 1), ("0002", 2)]
    store.rebuild()
    assert len(store.tracklets(camera="gate")) == 3
    assert "secret" not in "".join(path.read_text() for path in store.path.rglob("job.json"))


def test_after_a_pause_the_parts_are_counted_by_time(store):
    with store.live_writer(camera(), seconds=2) as writer:
        for index in (1, 2, 95, 96):
            writer.write(frame(index, [1]))
    assert tracks(store) == [("0001", 1), ("0005", 1)]


@pytest.mark.parametrize("reason", [InputError, KeyboardInterrupt])
def test_what_breaks_off_leaves_what_was_seen(store, reason):
    with pytest.raises(reason), store.live_writer(camera(), seconds=2) as writer:  # noqa: PT012
        for index in range(1, 24):
            writer.write(frame(index, [1]))
        raise reason
    assert tracks(store) == [("0001", 1), ("0002", 1)]
    assert store.job(f"{camera().key}~0002").result.frames == 3
    writer.close()


def test_a_camera_that_begins_anew_is_another_job(store):
    for began in (NOON, NOON + timedelta(seconds=1)):
        made = Job(JobSource.live("gate", "rtsp://gate/1", began), "gate", {}, WEIGHTS, start=began)
        with store.live_writer(made) as writer:
            writer.write(frame(1, [1]))
    assert tracks(store) == [("0001", 1)] * 2


def test_nothing_is_left_of_a_camera_that_was_killed_in_its_first_part(store, monkeypatch):
    empty = store.path / "live" / camera().key
    empty.mkdir(parents=True)
    used = store.live_writer(camera("yard"), seconds=2)
    used.write(frame(1, [1]))
    store.sweep()
    assert not empty.exists()
    used.close()
    assert tracks(store) == [("0001", 1)]
    # The folder goes where another process sweeps just before a part begins.
    opened = Path.open

    def swept_before(path, *mode, **others):
        if path.name.endswith(".lock") and mode == ("wb",):
            monkeypatch.undo()
            store.sweep()
        return opened(path, *mode, **others)

    monkeypatch.setattr(Path, "open", swept_before)
    with store.live_writer(camera("door"), seconds=2) as writer:
        writer.write(frame(1, [1]))
    assert tracks(store) == [("0001", 1)] * 2


@pytest.mark.parametrize("key", ["a~1", "a~0001/..", "~0001", "a~0001~0001", "a~x"])
def test_a_part_that_is_a_path(store, key):
    with pytest.raises(InputError, match="cannot be the key of a job"):
        store.job(key)


def test_a_run_is_recorded_live(store, tmp_path):
    (tmp_path / "det.txt").write_text("".join(f"{k},-1,{10 + k},10,20,60,0.9\n" for k in range(1, 31)))
    images = [np.full((80, 100, 3), 8 * k, np.uint8) for k in range(1, 31)]
    run = remix_track.track(images, detector=PublicDetections(tmp_path / "det.txt"), weights="none", fps=10)
    job = Job(JobSource.live("gate", "rtsp://gate/1", NOON), "gate")
    assert record_live(run, store, job, seconds=1) == 3
    assert [part for part, _ in tracks(store)] == ["0001", "0002", "0003"]
    boxes = [len(rows["frame"]) for part in (1, 2, 3) for rows in store.job(f"{job.key}~000{part}").tracks()]
    assert boxes[1:] == [10, 10]
    with pytest.raises(InputError, match="seconds"):
        store.live_writer(job, seconds=0)

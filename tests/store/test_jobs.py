"""A job goes into a store as frames come, and comes out as it went in; what fails leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from remix_track.crop_quality import crop_quality
from remix_track.errors import InputError
from remix_track.store import Job, JobSource, Weights, open_store
from remix_track.store.best_crops import BestCrops, BestCropSettings
from tests.store.frames import WEIGHTS, frame, job, vector, write

pytest.importorskip("pyarrow")


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "S", create=True)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_went_in_comes_out(store):
    made = job(start=datetime(2026, 5, 1, 12, tzinfo=UTC), settings={"tracker": {"max_age": 3}})
    frames = [frame(1, []), frame(2, [1, 2]), frame(3, [2, 1], coasting=[2]), frame(5, [2])]
    stored = write(store, made, frames)
    assert (stored.key, stored.job) == (made.key, made)
    assert store.jobs() == (made.key,)
    assert store.has(made)
    result = stored.result
    assert (result.ended, result.frames, result.first_frame, result.last_frame) == ("complete", 4, 1, 5)
    assert (result.width, result.height, result.boxes, result.tracklets, result.fps) == (200, 80, 5, 2, 10.0)
    (rows,) = stored.tracks()
    assert rows["frame"].tolist() == [2, 2, 3, 3, 5]
    assert rows["track"].tolist() == [1, 2, 2, 1, 2]
    assert rows["left"].tolist() == [10, 50, 10, 50, 10]
    assert rows["width"].tolist() == [20] * 5
    assert np.isnan(rows["score"]).tolist() == [False, False, True, False, False]
    assert rows["utc"][-1] == np.datetime64("2026-05-01T12:00:00.400")
    tracklets = stored.tracklets()
    assert tracklets["track"].tolist() == [1, 2]
    assert tracklets["first_frame"].tolist() == [2, 2]
    assert tracklets["last_frame"].tolist() == [3, 5]
    assert tracklets["boxes"].tolist() == [2, 3]
    assert tracklets["vectors"].tolist() == [2, 2]
    assert np.allclose(tracklets["mean_score"], 0.9)
    expected = vector(2, 2) + vector(2, 5)
    assert np.allclose(stored.vectors(2, 8)[1], expected / np.linalg.norm(expected), atol=1e-3)


def test_the_tracklets_of_a_store_are_arrays_of_all_jobs(store):
    start = datetime(2026, 5, 1, 12, tzinfo=UTC)
    gate, yard = job("gate", start=start), job("yard")
    write(store, gate, [frame(1, [1]), frame(11, [2])])
    write(store, yard, [frame(1, [5])])
    found = store.tracklets()
    assert list(found.keys()) == [(gate.key, 1), (gate.key, 2), (yard.key, 5)]
    assert [found.cameras[camera] for camera in found.camera] == ["gate", "gate", "yard"]
    assert len(store.tracklets(camera="yard")) == 1
    assert len(store.tracklets(camera="nowhere")) == 0
    assert store.tracklets(jobs=[yard.key]).track.tolist() == [5]
    # A second long, so that each end of it can be missed by a millisecond.
    assert store.tracklets(since=start.replace(microsecond=1000)).track.tolist() == [2]
    assert store.tracklets(until=start.replace(second=1)).track.tolist() == [1]
    assert np.allclose(store.vectors(found[[2, 0]]), [vector(5, 1), vector(1, 1)], atol=1e-3)


def test_a_job_without_appearance_has_tracklets_without_vectors(store):
    write(store, job("gate", weights=None), [frame(1, [1])])
    assert store.weights is None
    assert store.vectors(store.tracklets()).shape == (1, 0)
    write(store, job("yard"), [frame(1, [1])])
    assert store.vectors(store.tracklets()).any(axis=1).tolist() == [False, True]


def test_a_track_without_any_vector_has_zeros_between_others(store):
    stored = write(store, job(), [frame(1, [1, 2, 3], coasting=[1, 2])])
    assert stored.vectors(3).any(axis=1).tolist() == [False, False, True]
    assert stored.tracklets()["vectors"].tolist() == [0, 0, 1]


def test_boxes_are_written_in_groups_and_memory_does_not_grow(store, monkeypatch):
    from remix_track.store import job_writer

    monkeypatch.setattr(job_writer, "GROUP", 4)
    with store.writer(job()) as writer:
        for index in range(1, 10):
            writer.add(frame(index, [1, 2]))
            assert writer._waiting < 4
    groups = list(store.job(job()).tracks())
    assert [len(group["frame"]) for group in groups] == [4, 4, 4, 4, 2]


def test_the_same_frames_give_the_same_bytes(tmp_path):
    stores = [open_store(tmp_path / name, create=True) for name in "ab"]
    for one in stores:
        write(one, job(), [frame(index, [1, 2]) for index in range(1, 60)])
    first, second = ({name: (one.path / name).read_bytes() for name in files(one.path) if (one.path / name).is_file()}
                     for one in stores)  # fmt: skip
    assert len(first) == 6 + 2 * 3
    assert first == second


def test_nothing_is_left_of_a_job_that_fails_or_is_stopped(store):
    for reason in (InputError, KeyboardInterrupt):
        with pytest.raises(reason), store.writer(job()) as writer:  # noqa: PT012
            writer.add(frame(1, [1]))
            assert any(name.startswith("jobs/.") for name in files(store.path))
            raise reason
        assert files(store.path) == ["jobs", "store.json", "weights.json"]
        assert not store.has(job())


def test_a_killed_writer_leaves_no_job_and_is_swept_away(store):
    code = (
        "import sys; sys.path.insert(0, '.'); from tests.store.frames import *; from remix_track.store import *;"
        f"s = open_store({str(store.path)!r}); w = s.writer(job()); [w.add(frame(k, [1])) for k in range(1, 30)];"
        "print('ready', flush=True); input()"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as made:
        assert made.stdout is not None
        assert made.stdout.readline() == b"ready\n"
        assert store.sweep() == 0  # it is at work
        assert store.jobs() == ()
        made.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while not store.sweep():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert files(store.path) == ["jobs", "store.json", "weights.json"]
    write(store, job(), [frame(1, [1])])
    assert store.jobs() == (job().key,)


def test_of_two_who_do_the_same_job_one_is_kept(store):
    with store.writer(job()) as first, store.writer(job()) as second:
        for writer in (first, second):
            writer.add(frame(1, [1]))
    assert files(store.path / "jobs")[0] == job().key
    assert store.job(job()).result.frames == 1
    with pytest.raises(InputError, match=rf"has the job {job().key} already"):
        store.writer(job())


def test_a_store_has_vectors_of_one_network(store):
    write(store, job(), [frame(1, [1])])
    other = Weights("other", "cd" * 32, "16x8 RGB", 8)
    with pytest.raises(InputError, match=r"a store of vectors of drawn \(16x8 RGB, 8 long.*not of other"):
        store.writer(job("yard", weights=other))
    write(store, job("yard", weights=Weights("same", "ab" * 32, "16x8 RGB", 8)), [frame(1, [1])])


def test_vectors_of_another_length_are_refused(store):
    with pytest.raises(InputError, match="vectors 8 long in a job of wide, whose are 9 long"):
        write(store, job(weights=Weights("wide", "ef" * 32, "16x8 RGB", 9)), [frame(1, [1])])


def test_the_key_of_a_job_is_its_content_settings_and_weights(tmp_path):
    path = tmp_path / "a film.mp4"
    path.write_bytes(b"x" * 3_000_000)
    source = JobSource.of_path(path)
    made = Job(source, "gate", {"a": 1}, WEIGHTS)
    elsewhere = tmp_path / "moved"
    elsewhere.mkdir()
    path = path.rename(elsewhere / "another name.mp4")
    assert Job(JobSource.of_path(path), "yard", {"a": 1}, WEIGHTS).key == made.key
    changed = [
        Job(source, "gate", {"a": 2}, WEIGHTS),
        Job(source, "gate", {"a": 1}, None),
        Job(source, "gate", {"a": 1}, WEIGHTS, piece=(1, 10)),
    ]
    for begin in (0, 2_999_999):  # the middle is not looked at
        with path.open("r+b") as file:
            file.seek(begin)
            file.write(b"y")
        os.utime(path, ns=(source.modified_ns, source.modified_ns))
        changed.append(Job(JobSource.of_path(path), "gate", {"a": 1}, WEIGHTS))
    assert len({made.key, *(one.key for one in changed)}) == 6


def test_a_job_is_the_same_after_it_was_written_and_read():
    one = job(piece=(3, 9), start=datetime(2026, 5, 1, 12, tzinfo=UTC), settings={"a": {"b": [1, None]}})
    assert Job.from_json(json.loads(json.dumps(one.to_json())), "job.json") == one
    with pytest.raises(InputError, match=r"job.json: cannot be read as the job of a store"):
        Job.from_json({"camera": "gate"}, "job.json")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"camera": ""}, "camera"),
        ({"camera": "a\nb"}, "camera"),
        ({"piece": (0, 1)}, "piece"),
        ({"piece": (3, 2)}, "piece"),
    ],
)
def test_what_no_job_can_be_is_refused(values, expected):
    with pytest.raises(InputError, match=f"Job.{expected}"):
        job(**values)


def test_a_folder_that_is_no_store_is_said(tmp_path):
    with pytest.raises(InputError, match="there is nothing"):
        open_store(tmp_path / "S")
    (tmp_path / "letters.txt").touch()
    with pytest.raises(InputError, match="no store"):
        open_store(tmp_path)
    with pytest.raises(InputError, match="holds other things"):
        open_store(tmp_path, create=True)
    store = open_store(tmp_path / "S", create=True)
    assert open_store(store.path, create=True).jobs() == ()


def test_without_pyarrow_the_extra_is_named(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputError, match=r"A store needs the package pyarrow; pip install 'remix-track\[store\]'"):
        store.writer(job())
    assert files(store.path / "jobs") == []


# ---------------------------------------------------------------- crops


def test_the_best_crops_are_kept_apart_in_time_best_first(store):
    lefts = [10.0] * 20 + [-5.0] * 20 + [10.0] * 60  # cut by the border in the second slot of two seconds
    stored = write(store, job(), [frame(k, [1], left=left) for k, left in enumerate(lefts, 1)])
    names = stored.tracklets()["crops"][0].split()
    frames = [int(Path(name).stem) for name in names]
    assert len(frames) == 3
    assert not {*range(21, 41)} & set(frames)
    slots = {(number - 1) // 20 for number in frames}
    assert len(slots) == 3
    for path, number in zip(stored.crops(" ".join(names)), frames, strict=True):
        image = cv2.imread(str(path))
        assert image is not None
        assert image.shape == (50, 20, 3)
        assert abs(int(image.mean()) - number) <= 1
    assert len(list((stored.folder / "crops").rglob("*.jpg"))) == 3


def test_no_crop_is_kept_where_none_is_wanted_or_nothing_was_detected(tmp_path):
    none = BestCrops(tmp_path, BestCropSettings(crops_per_tracklet=0))
    none.add(frame(1, [1]))
    coasting = BestCrops(tmp_path, BestCropSettings())
    coasting.add(frame(1, [1], coasting=[1]))
    assert none.finish() == coasting.finish() == {}


def test_quality_is_score_times_side_times_what_is_in_the_clear():
    boxes = np.array([[0, 0, 40, 90], [100, 0, 140, 90], [100, 50, 140, 95], [-1, 100, 39, 190]], np.float32)
    quality = crop_quality(boxes, np.array([0.5, 1.0, np.nan, 1.0], np.float32), 200, 200)
    side = 60.0
    # The second is hidden from 50 to 90 by the third, whose feet are lower; the last reaches beyond the border.
    assert np.allclose(quality, [0.5 * side, side * (1 - 40 / 90), 0.0, side * 0.25])

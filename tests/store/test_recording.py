"""A run is recorded into a store."""

import numpy as np
import pytest

import remix_track
from remix_track.errors import InputError
from remix_track.store import Job, JobSource, Weights, open_store
from remix_track.store.recording import record_job
from remix_track.trackers.detectors.public import PublicDetections

pytest.importorskip("pyarrow")


@pytest.fixture
def detector(tmp_path):
    path = tmp_path / "det.txt"
    path.write_text("".join(f"{k},-1,{10 + k},10,20,60,0.9\n" for k in range(1, 13)))
    return PublicDetections(path)


def images(count=12):
    return [np.full((80, 100, 3), 10 * k, np.uint8) for k in range(1, count + 1)]


def job_of(run):
    embedder = run.tracker.embedder
    return Job(JobSource("film", "film.mp4"), "gate", weights=embedder and Weights.of(embedder.description))


@pytest.mark.parametrize("offline", [False, True])
def test_a_run_becomes_a_job(tmp_path, detector, offline):
    run = remix_track.track(images(), detector=detector, weights="none", fps=10, offline=offline)
    stored = record_job(run, open_store(tmp_path / "S", create=True), job_of(run))
    assert (stored.result.ended, stored.result.frames, stored.result.fps) == ("complete", 12, 10.0)
    expected = remix_track.track(images(), detector=detector, weights="none", fps=10, offline=offline).to_pandas()
    (rows,) = stored.tracks()
    assert rows["frame"].tolist() == expected["frame"].tolist()
    assert rows["track"].tolist() == expected["id"].tolist()
    assert rows["left"].tolist() == expected["left"].tolist()
    assert len(stored.crops(stored.tracklets()["crops"][0])) == 1


def test_a_source_that_fails_leaves_nothing(tmp_path, detector):
    def broken():
        yield from images(3)
        raise InputError("the camera is gone")

    run = remix_track.track(broken(), detector=detector, weights="none", fps=10)
    store = open_store(tmp_path / "S", create=True)
    with pytest.raises(InputError, match="the camera is gone"):
        record_job(run, store, job_of(run))
    assert [path.name for path in (store.path / "jobs").iterdir()] == []

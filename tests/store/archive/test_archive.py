"""An archive tracked into a store: what is done once, what is tried again, and what comes out."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from remix_track.errors import InputError
from remix_track.store import open_store
from remix_track.store.archive import ArchiveSettings, plan, processes
from remix_track.store.archive.claims import Claims
from remix_track.store.archive.settings import Excerpt
from remix_track.store.archive.tasks import Networks, Setup
from remix_track.store.archive.worker import perception_key
from remix_track.store.job import JobSource
from tests.store.archive.clips import cheap, hog, jobs_of, track_archive, write_clips, write_street

ONE = ArchiveSettings(workers=1)
TWO = ArchiveSettings(workers=2)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return write_clips(tmp_path_factory.mktemp("clips"), 12)


@pytest.fixture(scope="module")
def unbroken(clips, tmp_path_factory):
    """The files of a run of one process that was not ended."""
    store = tmp_path_factory.mktemp("unbroken") / "S"
    report = track_archive(clips, store, cheap(clips[0].parent), ONE)
    assert (report.done, report.skipped, report.failed, report.frames) == (12, 0, [], 144)
    return jobs_of(store)


def command(clips, store, *words):
    folder = clips[0].parent
    flags = ["--detector", folder / "det.txt", "--weights", "none", "--store", store, "--workers", "2", *words]
    return [sys.executable, "-m", "remix_track.cli.main", str(folder / "*.mp4"), *map(str, flags)]


def killed_at(clips, store, jobs):
    """Run the command and kill it, and nothing else, as soon as there are so many jobs."""
    with subprocess.Popen(command(clips, store, "--quiet")) as run:
        while len(list((store / "jobs").glob("[!.]*"))) < jobs:
            assert run.poll() is None
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (store / "jobs").glob("[!.]*/*")}


def kill_and_resume(clips, store, stops):
    before: dict[Path, tuple[int, int]] = {}
    for jobs in stops:
        now = killed_at(clips, store, jobs)
        assert before.items() <= now.items()  # what was done is not done again
        before = now
    done = subprocess.run(command(clips, store), capture_output=True, text=True, check=True)
    assert "failed" in done.stdout
    after = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (store / "jobs").glob("[!.]*/*")}
    assert before.items() <= after.items()
    assert not list((store / "jobs").glob(".*"))
    return done.stdout


def test_killed_three_times_and_resumed_every_clip_is_there_once_and_the_same(clips, unbroken, tmp_path):
    said = kill_and_resume(clips, tmp_path / "S", (2, 4, 6))
    assert jobs_of(tmp_path / "S") == unbroken
    assert len(open_store(tmp_path / "S").jobs()) == 12
    assert said.splitlines()[0].split()[0] == "done"


@pytest.mark.slow
def test_five_hundred_clips_killed_three_times(tmp_path):
    clips = write_clips(tmp_path / "clips", 500)
    track_archive(clips, tmp_path / "unbroken", cheap(clips[0].parent), ONE)
    kill_and_resume(clips, tmp_path / "S", (100, 200, 300))
    assert jobs_of(tmp_path / "S") == jobs_of(tmp_path / "unbroken")
    assert len(open_store(tmp_path / "S").jobs()) == 500


def test_a_file_that_was_moved_and_a_copy_of_it_are_the_same_job(clips, unbroken, tmp_path):
    settings = cheap(clips[0].parent)
    store, moved, copy = tmp_path / "S", tmp_path / "another name.mp4", tmp_path / "copy.mp4"
    for path in (moved, copy):
        shutil.copy2(clips[0], path)
    report = track_archive([moved, copy], store, settings, ONE)
    assert (report.done, report.same) == (1, 1)
    moved.rename(tmp_path / "yet another.mp4")
    report = track_archive([tmp_path / "yet another.mp4"], store, settings, ONE)
    assert (report.done, report.skipped) == (0, 1)
    assert {name.partition("/")[0] for name in jobs_of(store)} <= {name.partition("/")[0] for name in unbroken}
    os.utime(tmp_path / "yet another.mp4", (1, 1))
    assert track_archive([tmp_path / "yet another.mp4"], store, settings, ONE).done == 1


def test_bad_input_is_kept_as_failed_and_not_tried_again_until_it_is_asked_for(clips, tmp_path):
    bad, store, settings = tmp_path / "bad.mp4", tmp_path / "S", cheap(clips[0].parent)
    bad.write_bytes(b"no video")
    gone = tmp_path / "gone.mp4"
    report = track_archive([bad, gone, clips[0]], store, settings, ONE)
    assert (report.done, report.known, report.ended) == (1, 0, 3)
    assert {path: reason.partition(": ")[2][:11] for path, reason in report.failed} == {
        str(bad): "not a video",
        str(gone): "cannot be r",
    }
    assert len(list((store / "failed").iterdir())) == 1
    report = track_archive([bad], store, settings, ONE)
    assert (len(report.failed), report.known) == (1, 1)
    report = track_archive([bad], store, settings, ArchiveSettings(workers=1, retry_failed=True))
    assert (len(report.failed), report.known) == (1, 0)


def test_what_a_lost_worker_left_is_done_by_another_one(clips, unbroken, tmp_path, monkeypatch):
    give = processes._Process.give
    lost: list[object] = []

    def killing(process, task):
        give(process, task)
        if len(lost) < 2:
            lost.append(task)
            process._process.kill()

    monkeypatch.setattr(processes._Process, "give", killing)
    report = track_archive(clips, tmp_path / "S", cheap(clips[0].parent), TWO)
    assert (report.done, report.lost, report.failed) == (12, 2, [])
    assert jobs_of(tmp_path / "S") == unbroken


def test_a_source_that_ends_every_worker_fails_and_is_not_kept_as_bad(clips, tmp_path, monkeypatch):
    give = processes._Process.give

    def killing(process, task):
        give(process, task)
        if task.path == str(clips[3]):
            process._process.kill()

    monkeypatch.setattr(processes._Process, "give", killing)
    report = track_archive(clips[2:5], tmp_path / "S", cheap(clips[0].parent), ONE)
    assert (report.done, report.lost) == (2, 3)
    assert report.failed[0][1].endswith("its process was ended by SIGKILL, 3 times; run again, or see what it is")
    assert not (tmp_path / "S" / "failed").exists()


def test_modules_beside_films_are_not_run(clips, tmp_path, monkeypatch):
    (tmp_path / "av.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one not in ("", str(tmp_path))])
    assert track_archive(clips[:1], tmp_path / "S", cheap(clips[0].parent), ONE).done == 1


def test_a_job_that_another_process_has_is_left_to_it(clips, tmp_path):
    store, settings = tmp_path / "S", cheap(clips[0].parent)
    track_archive(clips[:1], store, settings, ONE)
    key = open_store(store).jobs()[0]
    shutil.rmtree(store / "jobs" / key)
    other = Claims(store)
    assert other.take(key)
    report = track_archive(clips[:2], store, settings, ONE)
    assert (report.done, report.elsewhere) == (1, 1)
    other.give_all_back()
    assert track_archive(clips[:2], store, settings, ONE).done == 1
    assert list((store / "locks").iterdir()) == []


def test_a_disk_that_is_full_ends_the_run_with_a_line_and_a_store_that_opens(clips, tmp_path, monkeypatch):
    store = tmp_path / "S"
    open_store(store, create=True)
    (store / "jobs").write_text("no folder")
    with pytest.raises(InputError, match="S/jobs"):
        track_archive(clips[:2], store, cheap(clips[0].parent), ONE)
    assert open_store(store).path == store


def test_cameras_weights_and_streams_that_cannot_be_are_refused_before_anything(clips, tmp_path):
    settings = cheap(clips[0].parent)
    with pytest.raises(InputError, match="an archive is files"):
        track_archive(["rtsp://host/a"], tmp_path / "S", settings)
    with pytest.raises(InputError, match="start_time"):
        track_archive(clips, tmp_path / "S", settings, ArchiveSettings(start_time="noon"))
    (tmp_path / "none.safetensors").write_bytes(b"")
    wrong = dataclasses.replace(settings.appearance, weights=str(tmp_path / "none.safetensors"))
    with pytest.raises(InputError, match=r"none\.safetensors"):
        track_archive(clips, tmp_path / "S", dataclasses.replace(settings, appearance=wrong))
    assert open_store(tmp_path / "S").jobs() == ()


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """A street of 24 frames, and the files of a run that computed all of it in one piece."""
    folder = tmp_path_factory.mktemp("street")
    path = write_street(folder / "street.mp4", 24)
    keep = ArchiveSettings(workers=1, keep_perception=True)
    report = track_archive([path], folder / "S", hog(), keep)
    assert (report.done, report.computed, report.tracks > 0) == (1, 24, True)
    return path, folder / "S"


def test_kept_detections_and_vectors_replay_with_other_settings_of_the_tracker(street, tmp_path):
    path, store = street
    keep = ArchiveSettings(workers=1, keep_perception=True)
    again = track_archive([path], store, hog(n_init=1, max_age=20), keep)
    assert (again.done, again.computed) == (1, 0)
    report = track_archive([path], tmp_path / "fresh", hog(n_init=1, max_age=20), ONE)
    assert report.computed == 24
    assert jobs_of(tmp_path / "fresh").items() < jobs_of(store).items()


def test_a_long_file_in_pieces_gives_the_same_bytes_and_nothing_stays_of_them(street, tmp_path, monkeypatch):
    path, store = street
    monkeypatch.setattr(plan, "SLOWEST", 0)
    report = track_archive([path], tmp_path / "S", hog(), ArchiveSettings(workers=2, piece=0.75 / 60))
    assert (report.done, report.computed, report.frames) == (1, 0, 24)
    cut = jobs_of(tmp_path / "S")
    assert len(cut) > 4
    assert cut.items() <= jobs_of(store).items()
    assert list((tmp_path / "S" / "perception").iterdir()) == []


def test_detections_and_vectors_are_kept_under_what_decides_them_alone():
    source = JobSource("a", "a", "/a", 5, 6, "digest")
    networks = Networks(None, {"sha256": "ab"})

    def key(source=source, networks=networks, start=1, **changes):
        setup = Setup("S", hog(**changes), Excerpt(start))
        return perception_key(source, setup, networks)

    assert key() == key(max_age=20) == key(n_init=1) == key(start=2)
    others = [
        key(min_confidence=0.9),
        key(reid="when-ambiguous"),
        key(networks=Networks(None, {"sha256": "cd"})),
        key(source=dataclasses.replace(source, digest="other")),
    ]
    assert len({key(), *others}) == 5


def test_a_worker_ends_with_the_process_that_started_it(clips, tmp_path):
    """Also one that waits for a task: the end of its socket is all that it hears of a `kill -9`."""
    open_store(tmp_path / "S", create=True)
    worker = processes._Process(Setup(str(tmp_path / "S"), cheap(clips[0].parent), Excerpt()), {})
    assert isinstance(worker.connection.recv(), Networks)
    worker.connection.close()
    assert worker._process.wait(60) == 1

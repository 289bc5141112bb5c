"""An archive on a Ray cluster: the bytes of one process, also where a node and the driver are killed under it."""

import signal
import subprocess
import sys
import time

import pytest

from remix_track.errors import InputError
from remix_track.store import open_store
from remix_track.store.archive import ArchiveSettings
from tests.store.archive.clips import cheap, jobs_of, track_archive, write_clips

ONE = ArchiveSettings(workers=1)
NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}


@pytest.fixture
def cluster(monkeypatch):
    """A cluster of one node on this machine, to which others can be added."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    pytest.importorskip("ray", reason="needs the extra cluster")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args=NODE)
    yield made
    made.shutdown()


def command(clips, store, cluster):
    folder = clips[0].parent
    flags = ["--detector", folder / "det.txt", "--weights", "none", "--store", store, "--cluster", cluster.address]
    return [sys.executable, "-m", "remix_track.cli.main", str(folder / "*.mp4"), "--quiet", *map(str, flags)]


def wait_for(run, store, jobs):
    while len(list((store / "jobs").glob("[!.]*"))) < jobs:
        assert run.poll() is None
        time.sleep(0.01)


def test_a_cluster_gives_the_bytes_of_one_process_and_ray_is_silent(cluster, tmp_path):
    clips = write_clips(tmp_path / "clips", 4)
    run = subprocess.run(command(clips, tmp_path / "S", cluster), capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    track_archive(clips, tmp_path / "one", cheap(clips[0].parent), ONE)
    assert jobs_of(tmp_path / "S") == jobs_of(tmp_path / "one")


@pytest.mark.slow
def test_a_node_and_the_driver_are_killed_and_the_same_command_goes_on(cluster, tmp_path):
    clips, store = write_clips(tmp_path / "clips", 30), tmp_path / "S"
    lost = cluster.add_node(**{name: value for name, value in NODE.items() if name != "include_dashboard"})
    cluster.wait_for_nodes()
    with subprocess.Popen(command(clips, store, cluster)) as run:
        wait_for(run, store, 5)
        cluster.remove_node(lost, allow_graceful=False)
        wait_for(run, store, 12)
        run.send_signal(signal.SIGKILL)
    before = {path: path.stat().st_mtime_ns for path in (store / "jobs").glob("[!.]*/*")}
    assert len(before) < 30 * 4
    subprocess.run(command(clips, store, cluster), check=True)
    assert before.items() <= {path: path.stat().st_mtime_ns for path in (store / "jobs").glob("[!.]*/*")}.items()
    assert len(open_store(store).jobs()) == 30
    track_archive(clips, tmp_path / "one", cheap(clips[0].parent), ONE)
    assert jobs_of(store) == jobs_of(tmp_path / "one")


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_one_line(tmp_path):
    pytest.importorskip("ray", reason="needs the extra cluster")
    clips = write_clips(tmp_path / "clips", 1)
    with pytest.raises(InputError, match="no Ray cluster can be reached there"):
        track_archive(
            clips, tmp_path / "S", cheap(clips[0].parent), ArchiveSettings(cluster="ray://localhost:1", workers=1)
        )

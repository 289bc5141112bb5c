"""`tracks.parquet`: what is in it, that it is whole or not there, and that it takes no memory."""

import json
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from remix_track import mot_text
from remix_track.cli.main import main
from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.trackers.frame import TrackedFrame, blank
from remix_track.trackers.sinks import parquet
from remix_track.trackers.sinks.parquet import ParquetSink
from tests.footage import write_video
from tests.trackers.sinks.test_sinks import THREE_FRAMES, file_size_limit, frame_of, write_all

pq: Any = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed; the extra tables brings it")
BEGAN = datetime(2026, 11, 29, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize("piece", [1, 2, 20_000])
def test_it_holds_the_rows_of_the_csv_and_the_names_of_classes(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(parquet, "PIECE", piece)
    write_all(ParquetSink(tmp_path / "tracks.parquet", {0: "person"}))
    rows = pq.read_table(tmp_path / "tracks.parquet").to_pylist()
    assert [(row["frame"], row["id"], row["score"]) for row in rows] == [
        (1, 1, pytest.approx(0.9)), (1, 2, None), (3, 1, pytest.approx(0.8765)),
    ]  # fmt: skip
    assert rows[0] == {
        "frame": 1, "time": 0.0, "id": 1, "class": 0, "class_name": "person", "left": 10.0, "top": 20.0,
        "width": 20.5, "height": 40.25, "score": pytest.approx(0.9), "utc": None,
    }  # fmt: skip
    assert pq.ParquetFile(tmp_path / "tracks.parquet").num_row_groups == {1: 2, 2: 2, 20_000: 1}[piece]
    assert [path.name for path in tmp_path.iterdir()] == ["tracks.parquet"]


def test_times_of_day_are_utc(tmp_path):
    one = THREE_FRAMES[0]
    write_all(ParquetSink(tmp_path / "a.parquet"), [TrackedFrame(1, one.image, 0.0, one.tracks, BEGAN)])
    row = pq.read_table(tmp_path / "a.parquet").to_pylist()[0]
    assert (row["utc"], row["class_name"]) == (BEGAN, None)


@pytest.mark.parametrize("frames", [[], [frame_of(1, [])]])
def test_without_people_it_has_no_rows(tmp_path, frames):
    write_all(ParquetSink(tmp_path / "a.parquet"), frames)
    table = pq.read_table(tmp_path / "a.parquet")
    assert (table.num_rows, table.column_names[:3]) == (0, ["frame", "time", "id"])


def test_other_packages_read_it(tmp_path):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    write_all(ParquetSink(tmp_path / "a.parquet", {0: "person"}))
    assert pandas.read_parquet(tmp_path / "a.parquet")["class_name"].tolist() == ["person"] * 3
    table = polars.read_parquet(tmp_path / "a.parquet")
    assert table["width"].to_list() == [20.5, 10, 20]
    assert str(table["utc"].dtype) == "Datetime(time_unit='ms', time_zone='UTC')"


def test_there_is_no_file_before_it_is_whole(tmp_path):
    sink = ParquetSink(tmp_path / "a.parquet")
    sink.write(THREE_FRAMES[0])
    assert not (tmp_path / "a.parquet").exists()
    sink.close()
    sink.close()
    sink.write(THREE_FRAMES[2])
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 2
    with pytest.raises(InputError, match="there is something already; give another `output`"):
        ParquetSink(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"nowhere/a.parquet: cannot be written \(No such file or directory\)"):
        ParquetSink(tmp_path / "nowhere" / "a.parquet")


@pytest.mark.parametrize("piece", [1, 20_000])
@pytest.mark.filterwarnings("error")
def test_without_room_there_is_none(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(parquet, "PIECE", piece)
    sink = ParquetSink(tmp_path / "a.parquet")
    rng = np.random.default_rng(0)
    people = [(id_, *rng.uniform(0, 9, 2), *rng.uniform(20, 30, 2), 0.5) for id_ in range(1, 900)]
    with file_size_limit(2_000), pytest.raises(InputError, match=r"a.parquet: cannot be written \(File too large\)"):
        write_all(sink, [frame_of(1, people)])
    sink.close()
    del sink
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys
from pathlib import Path
from remix_track.trackers.sinks import parquet
from tests.trackers.sinks.test_sinks import THREE_FRAMES
parquet.PIECE = 1
sink = parquet.ParquetSink(Path(sys.argv[1]))
for _ in range(50):
    sink.write(THREE_FRAMES[0])
print("written", flush=True)
sys.stdin.read()
"""


def test_a_killed_run_leaves_none(tmp_path):
    path = tmp_path / "tracks.parquet"
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.kill()
    assert not path.exists()


def test_what_it_holds_does_not_grow(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "PIECE", 500)
    held, image = [], blank((40, 60, 3))
    ids = np.arange(1, 101)
    boxes = np.tile(np.array([[1, 2, 30, 40]], np.float32), (100, 1))
    tracks = Tracks(ids, boxes, np.full(100, 0.5, np.float32), ids * 0, ids - 1)
    with ParquetSink(tmp_path / "a.parquet") as sink:
        tracemalloc.start()
        try:
            for index in range(1, 401):
                sink.write(TrackedFrame(index, image, 0.0, tracks, BEGAN))
                if index % 200 == 0:
                    held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 80
    assert held[1] - held[0] < 20_000, "bytes; of 20,000 rows"


@pytest.fixture
def street(tmp_path):
    (tmp_path / "det.txt").write_text("".join(f"{n},-1,{10 + n},5,20,40,0.9\n" for n in range(1, 21)))
    return write_video(tmp_path / "street.avi", frames=20, rate=5)


def track(street, *words):
    plain = [
        "--weights",
        "none",
        "--n-init",
        "1",
        "--no-video",
        "--no-people",
        "--quiet",
        "--detector",
        str(street.parent / "det.txt"),
    ]
    return main([str(street), *plain, "--output", str(street.parent / "out"), *words])


@pytest.mark.parametrize("more", [[], ["--offline"], ["--segment", "0.0167"]])
def test_parquet_from_the_command_line(street, tmp_path, more):
    assert track(street, "--parquet", *more) == 0
    out = tmp_path / "out"
    summary = json.loads((out / "summary.json").read_text())
    for part in summary["parts"]:
        text, table = part["files"]
        rows, read = mot_text.read(out / text), pq.read_table(out / table)
        assert read["frame"].to_pylist() == rows.frame.tolist()
        assert read["id"].to_pylist() == rows.id.tolist()
        np.testing.assert_allclose(read["left"].to_pylist(), rows.tlwh[:, 0], atol=0.006)
    assert len(summary["parts"]) == (4 if "--segment" in more else 1)


def test_without_pyarrow_nothing_is_begun(street, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert track(street, "--parquet") == 2
    assert capsys.readouterr().err == (
        "remix-track: tracks.parquet needs the package pyarrow; pip install 'remix-track[tables]'\n"
    )
    assert not (tmp_path / "out").exists()

"""The feet of runs: MOT text, CSV and Parquet, by the clock where it is known, and linked videos."""

import json

import numpy as np
import pytest

from remix_track.counting.run_feet import count_runs, read_run_feet, read_runs_feet
from remix_track.counting.table import total_of
from remix_track.counting.zones_file import Place, Zones
from remix_track.errors import InputError

HEADER = "frame,time,id,class,left,top,width,height,score,utc"


def run_folder(folder, *, utc=(None, None), text="1,1,90,50,20,50,1\n11,1,190,50,20,50,1\n", source="gate"):
    folder.mkdir(parents=True)
    (folder / "tracks.txt").write_text(text)
    first = {"first_frame": 1, "first_time": 0.0, "first_utc": utc[0]}
    last = {"last_frame": 11, "last_time": 5.0, "last_utc": utc[1], "width": 640, "height": 360}
    part = {"part": 1, "frames": 11, **first, **last, "files": ["tracks.txt", "tracks.csv"]}
    summary = {"source": {"name": source, "path": f"{source}.mp4", "fps": 25.0}, "parts": [part]}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_times_of_mot_text_are_those_of_the_summary(tmp_path):
    found = read_run_feet(run_folder(tmp_path / "run"))
    assert (found.name, found.source, found.size, found.clock) == ("gate", "gate.mp4", (640, 360), False)
    assert (found.begin, found.end, found.frames) == (0.0, 5.0, (1, 11))
    assert found.feet.time.tolist() == [0.0, 5.0]
    assert found.feet.xy.tolist() == [[100.0, 100.0], [200.0, 100.0]]
    assert found.feet.height.tolist() == [50.0, 50.0]
    # The file itself is as good as its folder.
    assert read_run_feet(tmp_path / "run" / "tracks.txt").feet.time.tolist() == [0.0, 5.0]


def test_a_camera_has_the_time_of_day(tmp_path):
    utc = ("1970-01-02T00:00:00.000Z", "1970-01-02T00:00:05.000Z")
    found = read_run_feet(run_folder(tmp_path / "run", utc=utc))
    assert (found.clock, found.begin, found.end) == (True, 86400.0, 86405.0)
    assert found.feet.time.tolist() == [86400.0, 86405.0]


def test_a_camera_that_saw_nobody_has_the_time_of_day_too(tmp_path):
    utc = ("1970-01-02T00:00:00.000Z", "1970-01-02T00:00:05.000Z")
    empty = run_folder(tmp_path / "empty", utc=utc, text="", source="yard")
    found = read_run_feet(empty)
    assert (found.clock, found.begin, found.end, len(found.feet)) == (True, 86400.0, 86405.0, 0)
    (empty / "tracks.csv").write_text(HEADER + "\n")
    assert read_run_feet(empty).clock
    zones = Zones((Place("zone", "shop", ((0.0, 0.0), (300.0, 0.0), (300.0, 300.0))),))
    runs = [read_run_feet(run_folder(tmp_path / "gate", utc=utc)), read_run_feet(empty, number=1)]
    assert count_runs(runs, zones).clock
    assert not read_run_feet(run_folder(tmp_path / "none", text="")).clock


def test_a_rate_beside_what_says_the_times_is_refused(tmp_path):
    run = run_folder(tmp_path / "run")
    with pytest.raises(InputError, match=r"says itself when its frames were; leave `fps` out"):
        read_runs_feet([run], fps=1)
    # Beside a run, MOT text that is alone needs it, and the run goes by its own times.
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "gt.txt").write_text("1,1,90,50,20,50,1\n11,1,190,50,20,50,1\n")
    both = read_runs_feet([run, tmp_path / "alone" / "gt.txt"], fps=1)
    assert [one.feet.time.tolist() for one in both] == [[0, 5], [0, 10]]


def test_mot_text_alone_needs_the_rate(tmp_path):
    (tmp_path / "gt.txt").write_text("1,1,90,50,20,50,1\n11,1,190,50,20,50,1\n")
    with pytest.raises(InputError, match=r"gt\.txt: no summary\.json beside it .* give its `fps`"):
        read_run_feet(tmp_path / "gt.txt")
    assert read_run_feet(tmp_path / "gt.txt", fps=5).feet.time.tolist() == [0.0, 2.0]
    (tmp_path / "det.txt").write_text("1,-1,90,50,20,50,1\n")
    with pytest.raises(InputError, match="boxes without ids"):
        read_run_feet(tmp_path / "det.txt", fps=5)
    for name in ("x.json", "empty"):
        (tmp_path / name).mkdir() if name == "empty" else (tmp_path / name).write_text("{}")
        with pytest.raises(InputError, match="give the folder of a run"):
            read_run_feet(tmp_path / name)


def test_runs_of_which_one_has_no_time_of_day_are_counted_from_their_begins(tmp_path):
    pytest.importorskip("shapely")
    utc = ("1970-01-02T00:00:00.000Z", "1970-01-02T00:00:05.000Z")
    folders = [run_folder(tmp_path / "a", utc=utc, source="a"), run_folder(tmp_path / "b", source="b")]
    zones = Zones((Place("zone", "shop", ((0.0, 0.0), (300.0, 0.0), (300.0, 300.0))),))
    found = count_runs(read_runs_feet(folders), zones)
    assert found.clock is False
    assert [one.recorded.tolist() for one in found.places] == [[[0.0, 5.0]]] * 2
    begins = [one.visits.begin.tolist() for one in found.places if one.visits is not None]
    assert begins[0] == begins[1]
    assert count_runs(read_runs_feet(folders[:1]), zones).places[0].recorded.tolist() == [[86400.0, 86405.0]]


@pytest.mark.parametrize("fps", [0, -5, np.nan, np.inf])
def test_a_rate_that_is_none_is_a_line(tmp_path, fps):
    (tmp_path / "gt.txt").write_text("1,1,90,50,20,50,1\n")
    with pytest.raises(InputError, match=r"`fps` = .* expected"):
        read_run_feet(tmp_path / "gt.txt", fps=fps)


def test_a_table_says_times_and_people(tmp_path):
    folder = run_folder(tmp_path / "run")
    rows = [
        "1,0.25,1,0,90,50,20,50,0.9,1970-01-01T00:00:10.250Z,7,Ada",
        "2,0.3,2,0,190,50,20,50,,1970-01-01T00:00:10.300Z,,",
    ]
    (folder / "tracks.csv").write_text("\n".join([HEADER + ",person,name", *rows]) + "\n")
    found = read_run_feet(folder)
    assert (found.clock, found.feet.time.tolist(), found.feet.who.tolist()) == (True, [10.25, 10.3], [7, -3])
    (folder / "tracks.csv").write_text(f"{HEADER}\n")
    assert len(read_run_feet(folder).feet) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0\0",
        "\ufeff",
        "frame,time\n1,2\n",
        *(f"{HEADER}\n{row}\n" for row in ("1,2", "1,x,1,0,1,1,1,1,1,", "1,nan,1,0,1,1,1,1,1,", "1,1,1,0,1,1,1,1,1,x")),
    ],
)
def test_a_damaged_table_is_a_line(tmp_path, text):
    (tmp_path / "tracks.csv").write_text(text)
    with pytest.raises(InputError, match=r"tracks\.csv: cannot be read as tracks\.csv"):
        read_run_feet(tmp_path / "tracks.csv")


def test_parquet_says_the_same_as_csv(tmp_path):
    pytest.importorskip("pyarrow")
    from remix_track.trackers.sinks.parquet import ParquetSink
    from remix_track.trackers.sinks.tables import CsvSink
    from tests.store.frames import frame

    with ParquetSink(tmp_path / "tracks.parquet") as one, CsvSink(tmp_path / "tracks.csv") as other:
        for index in range(1, 5):
            one.write(frame(index, [1, 2]))
            other.write(frame(index, [1, 2]))
    first, second = (read_run_feet(tmp_path / f"tracks.{ending}").feet for ending in ("parquet", "csv"))
    for name in first.__slots__:
        assert np.allclose(getattr(first, name), getattr(second, name)), name
    (tmp_path / "tracks.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="cannot be read as"):
        read_run_feet(tmp_path / "tracks.parquet")


def test_ids_of_linked_videos_are_people(tmp_path):
    pytest.importorskip("shapely")
    for name in ("a", "b"):
        run_folder(tmp_path / "link" / name, source=name)
    (tmp_path / "link" / "link.json").write_text("{}")
    zones = Zones((Place("zone", "shop", ((0.0, 0.0), (300.0, 0.0), (300.0, 300.0))),))
    runs = read_runs_feet([tmp_path / "link"])
    assert [one.feet.who.tolist() for one in runs] == [[1, 1], [1, 1]]
    found = count_runs(runs, zones)
    assert [(one.name, total_of(one).people) for one in found.places] == [("shop (a)", 1), ("shop (b)", 1)]
    assert found.unknown == 0
    with pytest.raises(InputError, match="a: two runs of one source"):
        read_runs_feet([tmp_path / "link" / "a", tmp_path / "link" / "a"])

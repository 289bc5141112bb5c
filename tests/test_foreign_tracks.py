"""Tracks in the types of other packages: the same numbers, nulls where there is no value, and rows that add up."""

import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

import remix_track
from remix_track.detections import Tracks
from remix_track.extras import ExtraError
from remix_track.foreign_detections import detections_of
from remix_track.foreign_tracks import columns_of_frame, joined, to_arrow, to_pandas, to_polars
from remix_track.trackers.frame import TrackedFrame
from tests.footage import write_video

NAN = float("nan")
TRACKS = Tracks(
    ids=np.array([3, 1]),
    xyxy=np.array([[10.25, 20, 30.5, 80], [-1, 0.1, 7, 20]], np.float32),
    score=np.array([0.9, NAN], np.float32),
    class_id=np.array([0, 5]),
    detection=np.array([1, -1]),
)
TAKEN = datetime(2026, 11, 29, 16, 0, 0, 40_000, timezone(timedelta(hours=1)))
FRAME = TrackedFrame(7, np.zeros((90, 90, 3), np.uint8), 0.24, TRACKS, TAKEN)
EMPTY = TrackedFrame(8, FRAME.image, 0.28, Tracks.empty())
COLUMNS = ["frame", "time", "id", "class", "left", "top", "width", "height", "score", "utc"]
TOP = float(np.float32(0.1))
ROWS = [
    (7, 0.24, 3, 0, 10.25, 20.0, 20.25, 60.0, pytest.approx(0.9), TAKEN),
    (7, 0.24, 1, 5, -1.0, TOP, 8.0, 20 - TOP, None, TAKEN),
]


def pandas_rows(table):
    rows = table.astype(object).where(table.notna(), None).itertuples(index=False, name=None)
    return [tuple(value.to_pydatetime() if hasattr(value, "to_pydatetime") else value for value in row) for row in rows]


def arrow_rows(table):
    return [tuple(row.values()) for row in table.to_pylist()]


def types_of(table):
    kinds = table.schema.types if hasattr(table, "column_names") else table.dtypes
    return list(map(str, kinds))


FORMS = {
    "pandas": ("to_pandas", pandas_rows, lambda table: list(table.columns)),
    "polars": ("to_polars", lambda table: table.rows(), lambda table: table.columns),
    "pyarrow": ("to_arrow", arrow_rows, lambda table: table.column_names),
}


@pytest.fixture(params=FORMS)
def form(request):
    pytest.importorskip(request.param, reason=f"{request.param} is not installed; the extra tables brings it")
    return FORMS[request.param]


def test_a_frame_is_a_table(form):
    name, rows, columns = form
    table = getattr(FRAME, name)()
    assert columns(table) == COLUMNS
    assert rows(table) == ROWS
    assert (columns(getattr(EMPTY, name)()), rows(getattr(EMPTY, name)())) == (COLUMNS, [])


def test_tracks_are_the_same_columns_without_those_of_the_frame(form):
    name, rows, columns = form
    table = getattr(TRACKS, name)()
    assert columns(table) == COLUMNS[2:-1]
    assert rows(table) == [row[2:-1] for row in ROWS]


def test_frames_of_every_kind_are_rows_of_one_table(form):
    _, rows, columns = form
    convert = {"to_pandas": to_pandas, "to_polars": to_polars, "to_arrow": to_arrow}[form[0]]
    names = {0: "person"}
    parts = [columns_of_frame(one.index, one.time, one.utc, one.tracks, names) for one in (EMPTY, FRAME)]
    table = convert(joined(parts))
    assert columns(table) == [*COLUMNS[:4], "class_name", *COLUMNS[4:]]
    assert rows(table) == [(*row[:4], name, *row[4:]) for row, name in zip(ROWS, ("person", None), strict=True)]
    # Also where nothing has a value in them, columns have their types: tables of two runs can be put together.
    empty = convert(columns_of_frame(1, 0.0, None, Tracks.empty(), {}))
    assert types_of(empty) == types_of(table)


def test_a_run_is_a_table(form, tmp_path):
    name, rows, columns = form
    video = write_video(tmp_path / "a.avi", frames=6)
    det = tmp_path / "det.txt"
    det.write_text("".join(f"{n},-1,{10 + n},5,20,40,0.9\n" for n in range(1, 7)))
    settings: dict[str, Any] = {"detector": str(det), "weights": "none", "n_init": 1}
    table = getattr(remix_track.track(video, **settings), name)()
    assert columns(table) == [*COLUMNS[:4], "class_name", *COLUMNS[4:]]
    assert [(row[0], row[2], row[4], row[-1]) for row in rows(table)] == [(n, 1, None, None) for n in range(1, 7)]
    expected = [tuple(one.tracks.ids) for one in remix_track.track(video, **settings)]
    assert expected == [(1,)] * 6


def test_supervision():
    sv = pytest.importorskip("supervision", reason="supervision is not installed; the extra supervision brings it")
    for given in (FRAME, TRACKS):
        made = given.to_supervision()
        assert isinstance(made, sv.Detections)
        np.testing.assert_array_equal(made.xyxy, TRACKS.xyxy)
        np.testing.assert_allclose(made.confidence, [0.9, 0], rtol=1e-6)
        assert (made.tracker_id.tolist(), made.class_id.tolist()) == ([3, 1], [0, 5])
        made.xyxy[:] = 0
    assert TRACKS.xyxy.any(), "what is written into it is not written into the tracks"
    assert len(EMPTY.to_supervision()) == 0
    line = sv.LineZone(sv.Point(50, 0), sv.Point(50, 90))
    line.trigger(FRAME.to_supervision())
    image = sv.TraceAnnotator().annotate(FRAME.image.copy(), FRAME.to_supervision())
    assert image.shape == FRAME.image.shape
    np.testing.assert_array_equal(detections_of(TRACKS.to_supervision()).xyxy, TRACKS.xyxy)


@pytest.mark.parametrize(
    ("package", "method", "name"),
    [
        ("pandas", "to_pandas", "tables"),
        ("polars", "to_polars", "tables"),
        ("pyarrow", "to_arrow", "tables"),
        ("supervision", "to_supervision", "supervision"),
    ],
)
def test_a_package_that_is_not_installed_is_one_line_that_names_its_extra(monkeypatch, package, method, name):
    monkeypatch.setitem(sys.modules, package, None)
    says = rf"^{method}\(\) needs the package {package}; pip install 'remix-track\[{name}\]'$"
    with pytest.raises(ExtraError, match=says):
        getattr(FRAME, method)()


def test_a_time_without_a_zone_is_utc():
    naive = TAKEN.astimezone(UTC).replace(tzinfo=None)
    one, other = (columns_of_frame(1, 0.0, taken, TRACKS) for taken in (TAKEN, naive))
    assert one["utc"].tolist() == other["utc"].tolist() == [naive, naive]

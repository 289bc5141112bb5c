"""`remix-track count`: the table, its files, and what is refused."""

import csv

import cv2
import numpy as np
import pytest

from remix_track.cli.main import main
from tests.counting.test_run_feet import run_folder

pytest.importorskip("shapely")

ZONES = """
[[line]]
name = "door"
points = [[150, 300], [150, 20]]

[[zone]]
name = "shop"
points = [[160, 20], [400, 20], [400, 300], [160, 300]]
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zones.toml").write_text(ZONES)
    rows = [f"{frame},1,{80 + 10 * frame},50,20,50,1\n" for frame in range(1, 12)]
    return run_folder(tmp_path / "run", text="".join(rows))


def test_the_table_and_its_files(run, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    files = ["--output", "c.csv", "--passages", "p.csv", "--plot", "c.png", "--heatmap", "h.png"]
    assert main(["count", "run", "--zones", "zones.toml", "--every", "2s", *files]) == 0
    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines()]
    assert ["door", "0:00:02", "0", "1", "1"] in lines
    assert ["shop", "in", "all", "1", "0", "1", "0.40", "1"] in lines
    assert "1 track; 1 of no known person, each counted as one" in said
    assert "h.png (its source is not there, so no picture is below)" in said
    rows = list(csv.DictReader((tmp_path / "c.csv").open()))
    assert [(one["place"], one["from"], one["in"], one["out"]) for one in rows] == [
        ("door", "0", "0", "0"), ("door", "2", "0", "1"), ("door", "4", "0", "0"),
        ("shop", "0", "0", "0"), ("shop", "2", "1", "0"), ("shop", "4", "0", "0"),
    ]  # fmt: skip
    passed = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert [(one["what"], one["first_frame"], one["to"]) for one in passed] == [("out", "6", "2.5"), ("stay", "7", "")]
    assert cv2.imread("c.png").shape[1] > 500  # type: ignore[union-attr]
    heat = cv2.imread("h.png")
    assert heat is not None
    assert heat.shape == (360, 640, 3)
    colourful = np.ptp(heat.astype(int), axis=2)
    assert colourful[96:104, 110:185].mean() > 60 > 1 > colourful[310:, 450:].mean()
    # A second time the files are there.
    assert main(["count", "run", "--zones", "zones.toml", "--output", "c.csv"]) == 2
    assert "c.csv: there is something already" in capsys.readouterr().err


def test_a_heat_map_needs_no_zones_and_shows_the_source(run, tmp_path, capsys):
    writer = cv2.VideoWriter("gate.mp4", cv2.VideoWriter.fourcc(*"mp4v"), 5, (640, 360))
    for _ in range(12):
        image = np.full((360, 640, 3), 40, np.uint8)
        image[:, 320:] = 200
        writer.write(image)
    writer.release()
    assert main(["count", "run", "--heatmap", "h.png"]) == 0
    assert capsys.readouterr().out == "h.png\n"
    heat = cv2.imread("h.png")
    assert heat is not None
    assert heat[20:100, 20:300].mean() < 60 < 140 < heat[20:100, 340:].mean()


def test_what_was_drawn_on_the_page_is_counted(run, tmp_path, capsys):
    (tmp_path / "zones.toml").rename(run / "zones.toml")
    assert main(["count", "run"]) == 0
    assert ["door", "0:00:00", "0", "1", "1"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_mistakes_are_lines(run, tmp_path, capsys):
    (tmp_path / "other.toml").write_text(ZONES.replace('name = "door"', 'name = "door"\ncamera = "gaet"')
                                         .replace('name = "shop"', 'name = "shop"\ncamera = "gaet"'))  # fmt: skip
    for words, message in (
        (["run"], "give --zones FILE.toml"),
        (["run", "--output", "c.csv", "--heatmap", "h.png"], "c.csv: what is counted needs --zones"),
        (["run", "--zones", "zones.toml", "--every", "1x"], "--every 1x: expected a length of time"),
        (["run", "--zones", "zones.toml", "--every", "0s"], "--every 0s: expected a length of time"),
        (["run", "--zones", "other.toml"], "did you mean 'gate'?"),
        (["run", "--zones", "none.toml"], "none.toml: cannot be read"),
        (["run", "--zones", "zones.toml", "--output", "o.csv", "--passages", "o.csv"], "named for two outputs"),
        (["run", "--zones", "zones.toml", "--output", "o.csv", "--heatmap", "zones.toml"], "something already"),
        (["run", "--zones", "zones.toml", "--since", "2026-11-29"], "--since goes with a store"),
        (["nothing", "--zones", "zones.toml"], "nothing"),
        *((["run", "--zones", "zones.toml", f"--fps={rate}"], "--fps") for rate in (0, -5, "nan", "inf")),
        (["run", "--zone", "zones.toml"], "did you mean --zones?"),
    ):
        assert main(["count", *words]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
    assert not (tmp_path / "o.csv").exists()


def test_a_store(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pyarrow")
    from remix_track.store import open_store
    from remix_track.store.identify import identify
    from tests.counting import test_store_feet as stores

    monkeypatch.chdir(tmp_path)
    store = open_store("S", create=True)
    stores.add(store, "one", [1, 2])
    stores.add(store, "two", [2, 1], seconds=0.6)
    identify(store)
    (tmp_path / "z.toml").write_text('[[zone]]\nname = "shop"\npoints = [[0, 0], [199, 0], [199, 79], [0, 79]]\n')
    assert main(["count", "S", "--zones", "z.toml", "--heatmap", "h.png"]) == 0
    said = capsys.readouterr().out
    assert ["shop", "2026-11-29", "12:00:00Z", "2", "0", "2", "2.00", "2"] in [one.split() for one in said.splitlines()]
    assert "4 tracks\n" in said
    assert cv2.imread("h.png").shape == (80, 200, 3)  # type: ignore[union-attr]
    assert main(["count", "S", "--zones", "z.toml", "--until", "2020-01-01"]) == 2
    assert "no job is of that time" in capsys.readouterr().err

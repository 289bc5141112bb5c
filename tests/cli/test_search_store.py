"""`remix-track search CROP --store STORE`, as a user meets it."""

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

import remix_track
from remix_track.cli.main import main
from remix_track.store import Job, JobSource, Weights, open_store
from remix_track.store.recording import record_job
from remix_track.trackers.detectors.public import PublicDetections

pytest.importorskip("pyarrow")
RED, GREEN, BLUE = (40, 40, 220), (40, 200, 40), (220, 60, 40)
FRAMES = 12


def images(top, bottom):
    """Two people of two colours who walk side by side."""
    for frame in range(1, FRAMES + 1):
        image = np.full((180, 200, 3), 90, np.uint8)
        for row, colour in ((5, top), (95, bottom)):
            image[row : row + 80, 10 + 3 * frame : 40 + 3 * frame] = colour
        yield image


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("cameras")
    lines = [f"{n},-1,{10 + 3 * n},{row},30,80,0.9\n" for n in range(1, FRAMES + 1) for row in (5, 95)]
    (root / "det.txt").write_text("".join(lines))
    store = open_store(root / "S", create=True)
    for camera, hour, colours in (("gate", 12, (RED, GREEN)), ("yard", None, (GREEN, BLUE))):
        run = remix_track.track(
            list(images(*colours)), detector=PublicDetections(root / "det.txt"), weights="imagenet", fps=10
        )
        embedder = run.tracker.embedder
        assert embedder is not None
        start = datetime(2026, 5, 1, hour, tzinfo=UTC) if hour else None
        job = Job(JobSource(camera, f"{camera}.mp4"), camera, weights=Weights.of(embedder.description), start=start)
        record_job(run, store, job)
    cv2.imwrite(str(root / "green.png"), np.full((80, 30, 3), GREEN, np.uint8))
    return root


@pytest.fixture
def found(made, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def search(*words, code=0):
        given = [str(made / "green.png"), "--store", str(made / "S"), "--weights", "imagenet", *words]
        assert main(["search", *given]) == code
        return capsys.readouterr()

    return search


def test_somebody_is_found_in_all_cameras(found, tmp_path):
    said = found("--top", "3").out
    rows = [line.split() for line in said.splitlines()[1:4]]
    assert {row[1] for row in rows[:2]} == {"gate", "yard"}
    assert {row[-2] for row in rows if row[1] == "gate"} & {"2"}
    first, second = (float(row[3]) for row in rows[:2])
    assert max(first, second) < 0.2 < float(rows[2][3])
    assert "2026-05-01 12:00:00Z" in said
    assert "4 tracklets compared" in said
    image = cv2.imread(str(tmp_path / "runs/search/green/likeness.png"))
    assert image is not None


@pytest.mark.parametrize(
    ("words", "cameras"),
    [
        (["--camera", "yard"], {"yard"}),
        (["--since", "2026-05-01T12:00"], {"gate"}),
        (["--until", "2026-05-01T13:00+01:00"], set()),
    ],
)
def test_some_of_it_is_searched(found, words, cameras):
    lines = found(*words).out.splitlines()
    assert {line.split()[1] for line in lines[1:] if line.split()[0].isdecimal() and "compared" not in line} == cameras


def test_what_does_not_fit_is_one_line(found, made, capsys):
    for words, expected in (
        (["--since", "yesterday"], "--since 'yesterday' is no time"),
        (["--until", "2026-13-01"], "--until '2026-13-01' is no time"),
        (["--weights", "default"], "a store of vectors of"),
        (["--like", "other.png"], "--store takes one image"),
    ):
        said = found(*words, code=2)
        assert expected in said.err
        assert said.err.count("\n") == 1
    assert main(["search", str(made / "S")]) == 2
    assert "--like CROP.jpg is missing" in capsys.readouterr().err


def test_a_store_is_listed(made, capsys):
    assert main(["store", str(made / "S")]) == 0
    said = capsys.readouterr().out
    assert "2 jobs, 0.00 hours, 4 tracklets, 0 people" in said
    assert said.splitlines()[1].split()[:2] == ["gate", "1"]


def test_a_camera_that_there_is_not_is_said_with_the_nearest_one(found):
    assert "did you mean gate?" in found("--camera", "gat", code=2).err

"""`remix-track demo`: works in an empty folder, without weights and without a network."""

import json
import re

import pytest

from remix_track import mot_text
from remix_track.cli.main import main


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """An empty folder, an empty home, and no way out."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    return tmp_path


def test_it_tracks_and_scores_what_it_draws(nowhere, capfd, caplog):
    assert main(["demo", "--frames", "12", "--n-init", "1"]) == 0
    folder = nowhere / "runs" / "demo"
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["sequences"]["street"]["GT_Dets"] > 30
    assert scores["COMBINED"]["TP"] > 10, "the built-in detector sees most of the people"
    assert len(mot_text.read(folder / "scene" / "street" / "gt" / "gt.txt")) == scores["COMBINED"]["GT_Dets"]
    detector = json.loads((folder / "summary.json").read_text())["detector"]
    assert detector.startswith("builtin: remix_person.onnx (sha256 ")
    assert (folder / "video.mp4").stat().st_size > 1000
    marks = re.findall(r'id="errors-data">(.*?)</script>', (folder / "people.html").read_text(encoding="utf-8"))
    assert len(json.loads(marks[0])["switches"]) == scores["COMBINED"]["IDsw"]
    said = capfd.readouterr()
    assert said.out.splitlines()[-1] == "open runs/demo/people.html"
    # Under pytest the warning goes to its own log instead of stderr.
    assert "going on with the built-in detector" in caplog.text
    assert "remix_mobilenet_v2.safetensors" in said.out
    assert "HOTA" in said.out
    assert main(["demo", "--frames", "3", "--output", str(folder)]) == 2
    assert "there is something already" in capfd.readouterr().err
    assert main(["demo", "--frames", "0"]) == 2
    assert len(capfd.readouterr().err.splitlines()) == 1

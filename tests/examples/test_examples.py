"""Each script in examples/ runs as its first lines say, on a drawn street."""

import re
import runpy
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from remix_track import mot_text
from remix_track.synthetic.scenes import StreetScene, write_sequence

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def street(tmp_path_factory) -> Path:
    """A folder with a MOT sequence `street/`, its video `street.mp4`, and its true boxes as detections, `det.txt`."""
    folder: Path = tmp_path_factory.mktemp("examples")
    scene = StreetScene(3, frames=20)
    write_sequence(scene, folder / "street")
    truth = mot_text.read(folder / "street/gt/gt.txt")
    lines = [
        f"{frame},-1,{left:.1f},{top:.1f},{width:.1f},{height:.1f},0.9,-1,-1,-1"
        for frame, (left, top, width, height) in zip(truth.frame.tolist(), truth.tlwh.tolist(), strict=True)
    ]
    (folder / "det.txt").write_text("\n".join(lines) + "\n")
    writer = None
    for image, _ in scene:
        if writer is None:
            size = (image.shape[1], image.shape[0])
            writer = cv2.VideoWriter(str(folder / "street.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), scene.fps, size)
        writer.write(image)
    assert writer is not None
    writer.release()
    return folder


@pytest.fixture
def run(street, tmp_path, monkeypatch, capsys):
    """`run("name", ...)` runs examples/name.py in an empty folder, every YOLO being the true boxes; what it printed."""
    from remix_track.trackers.detectors import find_detector
    from remix_track.trackers.detectors.public import PublicDetections

    monkeypatch.setattr(find_detector, "find_detector", lambda *_, **__: PublicDetections(street / "det.txt"))

    def running(name: str, *words: Any) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, words)])
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        return str(capsys.readouterr().out)

    return running


def frames_of(path: Path) -> int:
    video, count = cv2.VideoCapture(str(path)), 0
    while video.grab():
        count += 1
    return count


def test_own_loop(run, street, tmp_path):
    assert run("own_loop", street / "street.mp4", "tracked.mp4").endswith("people; see tracked.mp4\n")
    assert frames_of(tmp_path / "tracked.mp4") == 20


def test_count_crossings(run, street, tmp_path):
    pytest.importorskip("supervision", reason="supervision is not installed; it is in the extra dev")
    said = run("count_crossings", street / "street.mp4", "counted.mp4")
    assert said.endswith("to the left; see counted.mp4\n")
    assert frames_of(tmp_path / "counted.mp4") == 20


def test_own_detector(run, street, tmp_path):
    said = run("own_detector", street / "street.mp4", "out")
    assert re.fullmatch(r"\d+ tracks in 20 frames; see out\n", said)
    assert {"tracks.txt", "tracks.csv", "video.mp4", "summary.json"} <= {path.name for path in tmp_path.glob("out/*")}


def test_search_person(run, street, tmp_path):
    truth = mot_text.read(street / "street/gt/gt.txt")
    shown = truth[truth.frame == 10]
    left, top, width, height = shown.tlwh[np.argmax(shown.tlwh[:, 3])].astype(int)
    image = cv2.imread(str(street / "street/img1/000010.jpg"))
    assert image is not None
    cv2.imwrite(str(tmp_path / "person.jpg"), image[max(top, 0) : top + height, max(left, 0) : left + width])
    lines = run("search_person", "person.jpg", street / "street.mp4").splitlines()
    assert len(lines) > 2
    nearest = re.match(r"(\d\.\d+)  street  id (\d+), frames \d+ to \d+", lines[0])
    assert nearest
    assert float(nearest[1]) < 0.25
    assert list((tmp_path / "searched/street/crops" / nearest[2]).iterdir())


def test_evaluate(run, street):
    lines = run("evaluate", street).splitlines()
    assert [line.split()[:2] for line in lines] == [
        [tracker, name] for tracker in ("remix", "deep-sort") for name in ("street", "COMBINED")
    ]
    assert all(float(re.search(r"MOTA ([\d.]+)", line)[1]) > 50 for line in lines)  # type: ignore[index]


def test_every_example_is_run():
    tests = [Path(__file__), Path(__file__).with_name("test_recipes.py")]
    tested = set(re.findall(r'\brun\("(\w+)"', "".join(path.read_text("utf-8") for path in tests)))
    assert tested | {"gradio_app"} == {path.stem for path in EXAMPLES.glob("*.py")} | {"name"}

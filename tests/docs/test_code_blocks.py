"""The Python of the guide runs, page by page from top to bottom."""

import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from remix_track.synthetic.scenes import StreetScene, write_ground_truth

GUIDE = Path(__file__).parents[2] / "docs/guide"
PAGES = ["getting-started", "python", "own-parts", "archives", "store", "counting"]
# The wheel's tests run beside a copy of the README alone.
pytestmark = pytest.mark.skipif(not GUIDE.is_dir(), reason="the documents are not beside the tests")


def python_of(text: str) -> str:
    """The Python blocks of a page, each on the lines that it has there."""
    lines, inside = [], False
    for line in text.splitlines():
        fence = line.startswith("```")
        lines.append(line if inside and not fence else "")
        inside = line.startswith("```python") if fence else inside
    return "\n".join(lines) + "\n"


@pytest.fixture
def street(tmp_path, monkeypatch) -> list[np.ndarray]:
    """The images of a drawn street, its video (three times) in the working folder, and its true boxes from any YOLO."""
    from remix_track.trackers.detectors import find_detector
    from remix_track.trackers.detectors.public import PublicDetections

    scene = StreetScene(3, frames=8)
    images = [image for image, _ in scene]
    size = (images[0].shape[1], images[0].shape[0])
    writer = cv2.VideoWriter(str(tmp_path / "video.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 20, size)
    for image in images:
        writer.write(image)
    writer.release()
    for name in ("a.mp4", "b.mp4"):
        shutil.copyfile(tmp_path / "video.mp4", tmp_path / name)
    write_ground_truth(scene, tmp_path / "gt.txt")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(find_detector, "find_detector", lambda *_, **__: PublicDetections(tmp_path / "gt.txt"))
    return images


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_the_page_runs(page, street, capsys):
    if page == "store":
        for package in ("pyarrow", "duckdb"):
            pytest.importorskip(package)
    code = python_of((GUIDE / f"{page}.md").read_text("utf-8"))
    names: dict[str, Any] = {"images": street, "detect": lambda image: ([[10, 10, 60, 130]], [0.9], [0])}
    exec(compile(code, f"{page}.md", "exec"), names)
    if page == "own-parts":
        assert re.fullmatch(r"second,people\n0,\d+\n", Path("people.csv").read_text())
        assert len(list(names["run"])) == len(street)
        assert names["tracker"].embedder is names["embedder"]
    assert capsys.readouterr().out


def test_every_page_with_python_is_among_them():
    pages = {path.stem for path in GUIDE.glob("*.md") if "```python" in path.read_text("utf-8")}
    assert pages == set(PAGES)

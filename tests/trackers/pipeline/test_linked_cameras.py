"""Videos of cameras that see colours otherwise, linked: the camera is taken out, and the distance is measured."""

import json
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import remix_track
from remix_track.cli.main import main
from remix_track.encoder import load
from tests.footage import write_video

FRAMES, ROW, WIDE, HIGH = 8, 44, 26, 40
PEOPLE = 7


class ByColour:
    """A person's vector is by chance, and so is what each camera adds to it: the background's grey tells which."""

    width = 64
    max_cosine_distance = 0.3

    def __init__(self, cast: float) -> None:
        self.description: dict[str, Any] = {"name": "by colour", "sha256": "c" * 64, "input": "1x1 RGB", "width": 64}
        self._cast = cast

    def __call__(self, image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        made = []
        camera = by_chance(1000 + round(float(image[0, -1, 0]) / 20))
        for x1, y1, x2, y2 in xyxy.round().astype(int).tolist():
            middle = float(image[(y1 + y2) // 2, (x1 + x2) // 2, 1])
            made.append(by_chance(round(middle / 20)) + self._cast * camera)
        vectors = np.array(made, np.float64).reshape(len(xyxy), 64)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def by_chance(seed):
    return np.random.default_rng(seed).normal(size=64)


def film(path, people, background):
    """People below each other who walk to the right; each has a shade of green."""
    images = []
    for frame in range(1, FRAMES + 1):
        image = np.full((ROW * len(people), 120, 3), background, np.uint8)
        for place, person in enumerate(people):
            image[ROW * place : ROW * place + HIGH, 8 * frame : 8 * frame + WIDE, 1] = 20 * person
        images.append(image)
    lines = [
        f"{frame},-1,{8 * frame},{ROW * place},{WIDE},{HIGH},0.9\n"
        for frame in range(1, FRAMES + 1)
        for place in range(len(people))
    ]
    path.with_suffix(".txt").write_text("".join(lines))
    return write_video(path, images=images, rate=20, options={"crf": "8"})


@pytest.fixture(scope="module")
def cameras(tmp_path_factory):
    root = tmp_path_factory.mktemp("cameras")
    # Four of the seven people of each camera are in the other too, in another order.
    gate = film(root / "gate.mp4", [1, 2, 3, 4, 5, 6, 7], 20)
    return gate, film(root / "yard.mp4", [7, 8, 5, 9, 6, 10, 4], 120)


@pytest.fixture
def link(cameras, tmp_path, monkeypatch):
    """Link the films by vectors with this cast."""

    def run(cast, **more):
        monkeypatch.setattr(load, "load_embedder", lambda *_, **__: ByColour(cast))
        detector = str(cameras[0].with_suffix(".txt"))
        return remix_track.link(cameras, output=tmp_path / "out", video=False, detector=detector, n_init=1, **more)

    return run


@pytest.mark.parametrize("cast", [0.0, 2.5])
def test_people_are_found_again_whatever_the_camera_adds(link, tmp_path, cast):
    linked = link(cast)
    by_track = {(track.source, track.track): track.person for track in linked.tracks}
    gate, yard = ([by_track[name, number] for number in range(1, 8)] for name in ("gate", "yard"))
    assert gate == [1, 2, 3, 4, 5, 6, 7]
    assert yard[0::2] == [7, 5, 6, 4]
    assert len({*gate, *yard}) == 10
    facts = json.loads((tmp_path / "out/link.json").read_text())
    kept = facts["camera_taken_out"]
    assert set(kept) == {"gate", "yard"}
    assert all(share > 0.8 if cast else share < 0.5 for share in kept.values())
    assert facts["link_distance"] == linked.distance
    assert linked.distance != 0.3, "that of vectors as they are"


def test_a_distance_that_is_given_wins(link):
    linked = link(1.0, link_distance=1e-6)
    assert linked.distance == 1e-6
    assert linked.people == 14


def test_a_person_is_found_from_a_picture_of_a_third_camera(link, tmp_path, capsys):
    link(1.0, embeddings=True)
    like = tmp_path / "like.png"
    image = np.zeros((HIGH, WIDE, 3), np.uint8)
    image[..., 1] = 20 * 4
    cv2.imwrite(str(like), image)
    files = [str(tmp_path / "out" / name / "embeddings.npz") for name in ("gate", "yard")]
    assert main(["search", *files, "--like", str(like), "--top", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = [line.split() for line in lines if line.split()[:1] in (["1"], ["2"], ["3"])]
    assert {(row[1], row[2]) for row in found[:2]} == {("gate", "4"), ("yard", "4")}
    assert not any(line.startswith("*") for line in lines), "fourteen tracks do not say how near strangers come"
    assert main(["search", *files, files[1], "--like", str(like), "--top", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    marked = [line.split()[1:3] for line in lines if "*" in line.split()]
    assert sorted(marked[:-1]) == [["gate", "4"], ["yard", "4"], ["yard", "4"]]
    assert "as near as a stranger comes in one of ten searches; the cameras are taken out" in lines[-2]
    assert main(["search", files[0], "--like", str(like), "--top", "1"]) == 0
    assert "call crops of one video one person" in capsys.readouterr().out, "within one camera nothing changes"

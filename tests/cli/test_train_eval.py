"""`remix-train eval` with encoders of other runtimes, several sets, and sets without query and gallery."""

import json

import cv2
import numpy as np
import pytest

from remix_track.cli.train import main
from remix_track.encoder.load import load_embedder
from tests.encoder.test_onnx import pooling


@pytest.fixture
def network(tmp_path):
    """Mean colours: what any re-ID network is at heart."""
    path = tmp_path / "colours.onnx"
    path.write_bytes(pooling())
    return path


def crops(root, people=6, cameras=((1.0, 1.0, 1.0), (0.7, 1.0, 1.4)), seed=0):
    """PERSON/CAMERA_VIEW.png: everybody has a colour, every camera a cast."""
    random = np.random.default_rng(seed)
    for person in range(people):
        colour = random.uniform(60, 160, 3)
        for camera, cast in enumerate(cameras, 1):
            for view in range(2):
                pixels = random.normal(colour * cast, 12, (32 + 2 * view, 16, 3))
                path = root / f"{person:03d}" / f"{camera:02d}_{view}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), np.clip(pixels, 0, 255).astype(np.uint8))
    return root


def test_a_folder_of_people_is_searched_in_itself_by_an_onnx_file(tmp_path, network, capsys):
    root = crops(tmp_path / "people")
    assert main(["eval", "--weights", str(network), "--folder", str(root), "--output", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "folder: 24 queries, 0 skipped" in out
    assert [line.split("  ")[0].strip() for line in out.splitlines() if line.startswith("colours")] == [
        "colours.onnx, as is",
        "colours.onnx, centred",
    ]
    again = ["eval", "--weights", str(network), "--folder", str(root), "--output", str(tmp_path / "out")]
    assert main(again) == 2
    assert "out: there is something already; give another --output, or --overwrite" in capsys.readouterr().err
    assert main([*again, "--overwrite"]) == 0
    as_is, centred = json.loads((tmp_path / "out/scores.json").read_text())["scores"]
    assert (as_is["set"], as_is["how"], centred["how"]) == ("folder", "as is", "centred")
    assert centred["map"] > as_is["map"] + 0.1, "each camera has a cast of its own"
    assert as_is["map"] == pytest.approx(by_hand(root, network), abs=1e-6)
    pairs = {(one["query"], one["gallery"]): one["map"] for one in as_is["camera_pairs"]}
    assert set(pairs) == {("01", "02"), ("02", "01")}
    assert as_is["map"] == pytest.approx(np.mean(list(pairs.values())), abs=1e-6)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "scores.json",
        "folder-ranks.png",
        "folder-similarity.png",
    }


def by_hand(root, network):
    """Mean average precision, each image among those of the other camera, one after another."""
    embedder = load_embedder(network)
    assert embedder is not None
    paths = sorted(root.glob("*/*.png"))
    pictures = [np.asarray(cv2.imread(str(path)), np.uint8) for path in paths]
    vectors = [embedder(one, np.array([[0, 0, one.shape[1], one.shape[0]]], np.float32))[0] for one in pictures]
    precisions = []
    for i, query in enumerate(paths):
        others = [j for j, path in enumerate(paths) if path.name[:2] != query.name[:2]]
        others.sort(key=lambda j: -float(vectors[i] @ vectors[j]))
        ranks = [rank for rank, j in enumerate(others, 1) if paths[j].parent == query.parent]
        precisions.append(np.mean([hit / rank for hit, rank in enumerate(ranks, 1)]))
    return np.mean(precisions)


def test_several_encoders_and_sets_are_one_table_with_means(tmp_path, network, capsys):
    first, second = (crops(tmp_path / name, seed=seed) for seed, name in enumerate(("a", "b")))
    other = tmp_path / "other" / "colours.onnx"
    other.parent.mkdir()
    other.write_bytes(network.read_bytes())
    words = ["eval", "--weights", str(network), str(other), "--folder", str(first), str(second), "--rerank"]
    assert main([*words, "--output", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"folder {first}: 24 queries, 0 skipped" in lines
    assert "mean mAP over 2 sets" in lines
    rows = json.loads((tmp_path / "out/scores.json").read_text())["scores"]
    assert len(rows) == 2 * 2 * 4
    assert {row["weights"] for row in rows} == {str(network), str(other)}
    for how in ("as is", "centred", "re-ranked", "centred, re-ranked"):
        values = [row["map"] for row in rows if row["how"] == how and row["weights"] == str(other)]
        (said,) = [line for line in lines[-8:] if line.startswith(f"{other}, {how} ")]
        assert float(said.split()[-1]) == pytest.approx(100 * np.mean(values), abs=0.006)
    assert len(list((tmp_path / "out").glob("*-ranks.png"))) == 4


def test_three_cameras_have_a_line_of_pairs(tmp_path, network, capsys):
    root = crops(tmp_path / "people", cameras=((1, 1, 1), (0.7, 1, 1.4), (1.2, 1, 0.8)))
    assert main(["eval", "--weights", str(network), "--folder", str(root)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("mAP from camera to camera")]
    assert line.split()[-6:] == ["01>02", "01>03", "02>01", "02>03", "03>01", "03>02"]


def test_pictures_that_give_nothing_are_passed_over_and_all_of_them_an_error(tmp_path, network, capsys, caplog):
    root = crops(tmp_path / "people")
    (root / "000/01_0.png").write_bytes(b"no image")
    assert main(["eval", "--weights", str(network), "--folder", str(root)]) == 0
    assert "folder: 23 queries" in capsys.readouterr().out
    assert "01_0.png: a bad image is passed over" in caplog.text
    for path in root.glob("*/*.png"):
        path.write_bytes(b"no image")
    assert main(["eval", "--weights", str(network), "--folder", str(root)]) == 2
    assert "none of 24 images gave a vector" in capsys.readouterr().err


def test_weights_of_another_kind_are_refused_by_name(tmp_path, capsys):
    root = crops(tmp_path / "people", people=2)
    assert main(["eval", "--weights", "net.pth", "--folder", str(root)]) == 2
    assert "--weights net.pth: expected a .safetensors file of ours, an .onnx" in capsys.readouterr().err

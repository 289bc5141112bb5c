"""Exported files as the tools' own readers take them: datumaro (CVAT's), pycocotools, TrackEval, ultralytics.

datumaro cannot live beside opencv-python, so it has an environment of its own: REMIX_TRACK_DATUMARO names its Python
(`python -m venv there && there/bin/pip install datumaro`). So has FiftyOne: REMIX_TRACK_FIFTYONE.
"""

import builtins
import io
import json
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from remix_track.interop.cvat_mot import gt_text
from remix_track.interop.formats import FORMATS
from remix_track.trackers.detectors.quiet_ultralytics import quiet_ultralytics
from tests.interop.test_formats import BOXES, rows_of, video

DATUMARO = """
import json, sys
from datumaro.components.dataset import Dataset
from datumaro.components.annotation import AnnotationType
found = Dataset.import_from(sys.argv[1], sys.argv[2])
labels = [one.name for one in found.categories()[AnnotationType.label]]
rows = [
    [item.id, box.attributes.get("track_id"), [box.x, box.y, box.w, box.h], labels[box.label], box.attributes]
    for item in found for box in item.annotations
]
print(json.dumps(rows, default=str))
"""


FIFTYONE = """
import json, sys
import fiftyone.utils.cvat as cvat
_, labels, tracks = cvat.load_cvat_video_annotations(sys.argv[1])
frames = cvat._cvat_tracks_to_frames_dict(tracks)
rows = [
    [number, int(one.index), list(one.bounding_box), one.label]
    for number, fields in frames.items() for one in fields["detections"].detections
]
print(json.dumps(rows))
"""


def by_another_python(package: str, code: str, *words: object, **environment: str) -> list[Any]:
    """What `code` prints as JSON in the environment that has `package`."""
    variable = f"REMIX_TRACK_{package.upper()}"
    python = os.environ.get(variable) or (sys.executable if find_spec(package) else None)
    if python is None:
        pytest.skip(f"{package} is not installed; {variable} names a Python that has it")
    command = [python, "-W", "ignore", "-c", code, *map(str, words)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **environment})
    assert said.returncode == 0, said.stderr[-3000:]
    return list(json.loads(said.stdout.splitlines()[-1]))


def by_datumaro(path: Path, kind: str) -> list[Any]:
    return by_another_python("datumaro", DATUMARO, path, kind)


def test_cvats_reader_takes_the_mot_zip(tmp_path):
    """CVAT unpacks the zip and reads it as `mot_seq`; the label is that of the task, not none as in MOT text."""
    (tmp_path / "street.zip").write_bytes(FORMATS["cvat"].write(video()))
    with zipfile.ZipFile(tmp_path / "street.zip") as archive:
        archive.extractall(tmp_path / "task")
    rows = by_datumaro(tmp_path / "task", "mot_seq")
    assert sorted((int(frame), id_, box, label) for frame, id_, box, label, _ in rows) == rows_of(video())
    assert all(not facts["ignored"] and not facts["occluded"] for *_, facts in rows)


def test_cvats_reader_takes_the_xml(tmp_path):
    (tmp_path / "street.xml").write_bytes(FORMATS["cvat-xml"].write(video()))
    rows = by_datumaro(tmp_path / "street.xml", "cvat")
    seen = [row for row in rows if not row[-1]["outside"]]
    assert sorted(
        (int(frame[-6:]) + 1, id_, np.round(box, 2).tolist(), label) for frame, id_, box, label, _ in seen
    ) == (rows_of(video()))
    assert len(rows) - len(seen) == 2
    assert all(row[-1]["keyframe"] for row in rows)


def test_fiftyones_reader_takes_the_xml(tmp_path):
    """Its reader alone, without its data base; it rounds corners to whole pixels."""
    (tmp_path / "street.xml").write_bytes(FORMATS["fiftyone"].write(video()))
    own = {"FIFTYONE_DO_NOT_TRACK": "true", "FIFTYONE_DATABASE_DIR": str(tmp_path / "none")}
    rows = sorted(by_another_python("fiftyone", FIFTYONE, tmp_path / "street.xml", **own))
    assert [(frame, id_, label) for frame, id_, _, label in rows] == [
        (frame, id_, label) for frame, id_, _, label in rows_of(video())
    ]
    boxes = np.array([box for *_, box, _ in rows]) * [640, 480, 640, 480]
    np.testing.assert_allclose(boxes, video().tlwh, atol=1.01)


def test_pycocotools_takes_the_json(tmp_path):
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    (tmp_path / "street.json").write_bytes(FORMATS["coco"].write(video()))
    read = coco.COCO(str(tmp_path / "street.json"))
    assert [one["name"] for one in read.loadCats(read.getCatIds())] == ["person"]
    assert len(read.getImgIds()) == 6
    found = []
    for key in read.getImgIds():
        (image,) = read.loadImgs(key)
        for one in read.loadAnns(read.getAnnIds(imgIds=[key])):
            found.append((image["frame_id"] + 1, one["track_id"], one["bbox"], "person"))
            assert read.annToMask({**one, "segmentation": [[0, 0, 4, 0, 4, 4]]}).shape == (480, 640)
    assert sorted(found) == rows_of(video())
    results = read.loadRes(read.dataset["annotations"])
    assert len(results.getAnnIds()) == len(BOXES)


def test_trackeval_takes_the_rows_of_kitti(tmp_path, monkeypatch):
    datasets = pytest.importorskip("trackeval.datasets", reason="not installed; the extra verify brings TrackEval")
    for name in ("float", "int"):  # which numpy has dropped
        monkeypatch.setattr(np, name, getattr(builtins, name), raising=False)
    truth, results = tmp_path / "gt", tmp_path / "results" / "ours" / "data"
    results.mkdir(parents=True)
    (truth / "label_02").mkdir(parents=True)
    text = FORMATS["kitti"].write(video())
    (results / "0000.txt").write_bytes(text)
    # Truth has no score.
    (truth / "label_02" / "0000.txt").write_text(
        "".join(" ".join(line.split()[:17]) + "\n" for line in text.decode().splitlines())
    )
    (truth / "evaluate_tracking.seqmap.training").write_text("0000 empty 000000 000006\n")
    made = datasets.Kitti2DBox(
        {
            "GT_FOLDER": str(truth),
            "TRACKERS_FOLDER": str(results.parents[1]),
            "CLASSES_TO_EVAL": ["pedestrian"],
            "SPLIT_TO_EVAL": "training",
            "PRINT_CONFIG": False,
        }
    )
    data = made.get_preprocessed_seq_data(made.get_raw_seq_data("ours", "0000"), "pedestrian")
    assert (data["num_gt_dets"], data["num_tracker_dets"], data["num_tracker_ids"]) == (8, 8, 2)
    assert [len(ids) for ids in data["tracker_ids"]] == [1, 2, 1, 1, 2, 1]
    for similar in data["similarity_scores"]:
        np.testing.assert_allclose(similar.max(axis=1), 1)


def test_ultralytics_takes_the_labels(tmp_path):
    with quiet_ultralytics():
        utils = pytest.importorskip("ultralytics.data.utils")
    two = video(labels=("person", 'a "man": {x}'))
    with zipfile.ZipFile(io.BytesIO(FORMATS["ultralytics"].write(two))) as archive:
        archive.extractall(tmp_path)
        assert len(archive.namelist()) == 7
    folder = tmp_path / "images" / "street"
    folder.mkdir(parents=True)
    found = []
    for path in sorted((tmp_path / "labels" / "street").iterdir()):
        cv2.imwrite(str(folder / f"{path.stem}.jpg"), np.zeros((480, 640, 3), np.uint8))
        read = utils.verify_image_label((str(folder / f"{path.stem}.jpg"), str(path), "", False, 2, 0, 0, False))
        labels, (missing, _, empty, corrupt) = read[1], read[5:9]
        assert (missing, empty, corrupt) == (0, 0, 0)
        x, y, width, height = (labels[:, 1:] * [640, 480, 640, 480]).T
        boxes = np.stack([x - width / 2, y - height / 2, width, height], axis=1)
        found += [(int(path.stem), box) for box in boxes.round(2).tolist()]
    inside = [
        (frame, [max(left, 0), top, width + min(left, 0), height])
        for frame, _, (left, top, width, height), _ in rows_of(two)
    ]
    assert [frame for frame, _ in found] == [frame for frame, _ in inside]
    np.testing.assert_allclose([box for _, box in found], [box for _, box in inside], atol=0.01)
    assert yaml.safe_load((tmp_path / "data.yaml").read_text())["names"] == {0: "person", 1: 'a "man": {x}'}


def test_motmetrics_takes_imported_truth(tmp_path):
    import motmetrics

    (tmp_path / "gt.txt").write_text(gt_text(video()))
    read = motmetrics.io.loadtxt(tmp_path / "gt.txt", fmt="mot16")
    # Its loader moves corners from 1 to 0, and an index says frame and id.
    found = [
        (int(frame), int(id_), [row["X"] + 1, row["Y"] + 1, row["Width"], row["Height"]], "person")
        for (frame, id_), row in read.iterrows()
    ]
    assert sorted(found) == rows_of(video())


def test_the_video_of_a_run_lies_beside_its_truth(tmp_path):
    """So that `tune --data` can track what was corrected."""
    from remix_track.cli.main import main
    from remix_track.mot_sequence import read_sequence
    from tests.footage import write_video

    write_video(tmp_path / "gate.mp4", frames=8)
    (tmp_path / "det.txt").write_text("".join(f"{n},-1,10,10,20,40,0.9\n" for n in range(1, 9)))
    words = ["--detector", str(tmp_path / "det.txt"), "--weights", "none", "--n-init", "1", "--quiet", "--no-video"]
    run, kitti = tmp_path / "run", tmp_path / "out.txt"
    assert main([str(tmp_path / "gate.mp4"), *words, "--no-people", "--output", str(run)]) == 0
    assert main(["export", str(run), "--to", "kitti", "--output", str(kitti)]) == 0
    words = ["--from", "kitti", "--run", str(run), "--output", str(tmp_path / "truth")]
    assert main(["import", str(kitti), *words]) == 0
    (folder,) = (tmp_path / "truth").iterdir()
    sequence = read_sequence(folder)
    assert sequence.video is not None
    assert sequence.video.resolve() == (tmp_path / "gate.mp4").resolve()

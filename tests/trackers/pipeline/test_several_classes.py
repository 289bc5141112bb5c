"""Several classes: names in every output, ids that never go from one class to another, numbers within a class."""

import csv
import json
from typing import Any

import numpy as np
import pytest

from remix_track import Detections, track
from remix_track.detections import Tracks
from remix_track.trackers.pipeline.class_numbers import ClassNumbers

IMAGES = [np.full((60, 100, 3), 60 + number, np.uint8) for number in range(6)]


class Street:
    """A person, a bicycle and a second bicycle from the third frame on."""

    name, dropped, class_names = "street", 0, {0: "person", 1: "bicycle, old", 2: "car"}

    def __init__(self, *classes: int) -> None:
        self.classes = list(classes)

    def __call__(self, frame) -> Detections:
        boxes = np.array([[10, 10, 20, 50], [40, 20, 60, 50], [70, 20, 90, 50]], np.float32) + [frame.index, 0] * 2
        found = Detections(boxes, [0.9, 0.9, 0.9], [0, 1, 1])
        return found[np.isin(found.class_id, self.classes) & (np.arange(3) < (2 if frame.index < 3 else 3))]


def recorded(tmp_path, *classes: int, **files):
    folder = tmp_path / "out"
    run = track(IMAGES, fps=25, detector=Street(*classes), weights="none", n_init=1)
    summary = run.record(folder, csv=True, jsonl=True, video=False, people=False, **files)
    with (folder / "tracks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    tracks = [one for line in (folder / "tracks.jsonl").read_text().splitlines() for one in json.loads(line)["tracks"]]
    return summary, rows, tracks


def test_names_are_in_every_output(tmp_path):
    summary, rows, tracks = recorded(tmp_path, 0, 1)
    assert summary["classes"] == {"0": "person", "1": "bicycle, old"}
    for one in (*rows, *tracks):
        assert one["class_name"] == Street.class_names[int(one["class"])]
    assert {one["class_name"] for one in tracks} == {"person", "bicycle, old"}
    assert list(rows[0])[-1] == "class_name"


def test_one_class_that_is_not_people_is_named_too(tmp_path):
    assert {one["class_name"] for one in recorded(tmp_path, 1)[2]} == {"bicycle, old"}


def test_people_alone_are_written_as_ever(tmp_path):
    summary, rows, tracks = recorded(tmp_path, 0)
    assert "classes" not in summary
    assert list(rows[0])[-1] == "utc"
    assert not {"class_name", "number"} & set(tracks[0])


def test_numbers_within_a_class(tmp_path):
    arrow = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed; the extra tables brings it")
    _, rows, tracks = recorded(tmp_path, 0, 1, per_class_ids=True, parquet=True)
    known = {(one["class"], one["number"], one["id"]) for one in tracks}
    assert {one[:2] for one in known} == {(0, 1), (1, 1), (1, 2)}
    assert len(known) == len({id_ for *_, id_ in known}) == 3, "ids stay apart"
    assert [int(one["number"]) for one in rows] == [one["number"] for one in tracks]
    table = arrow.read_table(tmp_path / "out" / "tracks.parquet")
    assert table["number"].to_pylist() == [one["number"] for one in tracks]
    assert str(table.schema.field("number").type) == "int64"


def test_a_number_is_kept_and_never_given_twice():
    numbers = ClassNumbers()

    def of(*pairs):
        ids, classes = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
        count = len(ids)
        return numbers(Tracks(ids, np.zeros((count, 4), np.float32), np.ones(count, np.float32), classes, 0 * ids))

    assert of((1, 0), (2, 5), (7, 0)).tolist() == [1, 1, 2]
    assert of((7, 0), (3, 5)).tolist() == [2, 2]
    assert of((1, 5), (4, 0)).tolist() == [1, 3], "as its first class was"


def test_a_label_has_the_number_and_an_event_the_name():
    from remix_track.trackers.drawing.drawer import Drawer, DrawingSettings
    from remix_track.trackers.frame import TrackedFrame
    from remix_track.trackers.sinks.events import PeopleEvents

    one = np.array([7])
    tracks = Tracks(one, np.array([[10, 20, 30, 50]], np.float32), np.ones(1, np.float32), one - 6, one - 7)
    frame = TrackedFrame(1, IMAGES[0], 0.0, tracks, numbers=one - 5)
    same = TrackedFrame(1, IMAGES[0], 0.0, Tracks(one - 5, *(getattr(tracks, name) for name in (
        "xyxy", "score", "class_id", "detection"))))  # fmt: skip
    look = DrawingSettings(boxes=False, trails=False)
    written = Drawer(look).draw(frame) != IMAGES[0]
    assert (written == (Drawer(look).draw(same) != IMAGES[0])).any()
    made: list[dict[str, Any]] = []
    PeopleEvents(made.append, "gate", classes=Street.class_names).take(frame)
    assert made[0]["after"]["label"] == "bicycle, old"


@pytest.mark.parametrize("match_classes", [True, False])
def test_who_returns_returns_as_what_it_was(match_classes):
    from remix_track import Tracker

    tracker = Tracker("none", fps=30, n_init=1, max_age=40, match_classes=match_classes, camera_motion=False)
    look = np.eye(4)[[0]]
    box, away = [[300, 100, 340, 220]], [[500, 110, 540, 230]]

    def seen(boxes, class_id):
        image = np.zeros((480, 800, 3), np.uint8)
        return tracker.update(Detections(boxes, [0.9] * len(boxes), [class_id] * len(boxes), look[: len(boxes)]), image)

    for _ in range(30):
        first = seen(box, 0)
    for _ in range(200):
        tracker.update(Detections.empty().with_embedding(np.empty((0, 4))), np.zeros((480, 800, 3), np.uint8))
    for _ in range(30):
        again = seen(away, 1)
    assert first.ids.tolist() == [1]
    assert again.ids.tolist() == ([2] if match_classes else [1])

"""Masks and keypoints stay with their person from a detector to every output; people without them cost nothing."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from remix_track import Detections, Tracker, track
from remix_track.foreign_detections import detections_of
from remix_track.foreign_tracks import shape_lists

IMAGES = [np.full((60, 100, 3), 60 + number, np.uint8) for number in range(8)]


class TwoWalkers:
    """Two people, the second one with a mask whose first corner says the frame, and two keypoints each."""

    name, dropped = "two walkers", 0

    def __init__(self, *, shapes: bool = True) -> None:
        self._shapes = shapes

    def __call__(self, frame) -> Detections:
        left = np.array([10.0, 60.0]) + frame.index
        boxes = np.column_stack([left, [10, 12], left + 12, [50, 54]])
        # The surest comes second, and what is too unsure for the tracker first.
        boxes, score = np.concatenate([boxes[:1] * 0 + [0, 0, 5, 5], boxes]), [0.01, 0.8, 0.9]
        if not self._shapes:
            return Detections(boxes, score, [0, 0, 0])
        corner = left[1] + 2
        mask = [None, None, [[corner, 20], [corner + 5, 20], [corner + 5, 40], [corner, 40]]]
        points = np.array([[[0, 0, 0.9]] * 2, [[left[0], 11, 0.9]] * 2, [[left[1], 13, 0.25]] * 2])
        return Detections(boxes, score, [0, 0, 0], mask=mask, keypoints=points)


def run(**changes):
    return track(IMAGES, fps=25, detector=TwoWalkers(), weights="none", n_init=1, **changes)


@pytest.mark.parametrize("offline", [False, True])
def test_they_reach_jsonl_parquet_and_data_frames(tmp_path, offline):
    arrow = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed; the extra tables brings it")
    run(offline=offline).record(tmp_path / "out", jsonl=True, parquet=True, video=False, people=False)
    frames = [json.loads(line) for line in (tmp_path / "out" / "tracks.jsonl").read_text().splitlines()]
    assert len(frames) == len(IMAGES)
    for frame in frames:
        plain, masked = sorted(frame["tracks"], key=lambda one: one["left"])
        assert "mask" not in plain
        x = frame["frame"]
        assert masked["mask"] == [[62.0 + x, 20, 67.0 + x, 20, 67.0 + x, 40, 62.0 + x, 40]]
        assert masked["keypoints"] == [60.0 + x, 13, 0.25] * 2
        assert plain["keypoints"] == [10.0 + x, 11, 0.9] * 2
    rows = arrow.read_table(tmp_path / "out" / "tracks.parquet").to_pylist()
    assert sum(row["mask"] is None for row in rows) == len(IMAGES) == len(rows) / 2
    known = {(row["frame"], row["id"]): row for row in rows}
    for frame in frames:
        for one in frame["tracks"]:
            row = known[frame["frame"], one["id"]]
            assert row["mask"] == one.get("mask")
            np.testing.assert_allclose(row["keypoints"], one["keypoints"], rtol=1e-6)


def test_data_frames():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed; the extra tables brings it")
    table = run().to_pandas()
    assert list(table.columns)[-3:] == ["mask", "keypoints", "utc"] or {"mask", "keypoints"} <= set(table.columns)
    assert table["mask"].notna().sum() == len(IMAGES)
    assert isinstance(table, pandas.DataFrame)
    polars = pytest.importorskip("polars", reason="polars is not installed; the extra tables brings it")
    assert run().to_polars().schema["mask"] == polars.List(polars.List(polars.Float32))
    bare = track(IMAGES, fps=25, detector=TwoWalkers(shapes=False), weights="none").to_pandas()
    assert not {"mask", "keypoints"} & set(bare.columns)


def test_frames_passed_over_have_none():
    frames = list(run(detect_every=2))
    assert [frame.tracks.mask is not None for frame in frames] == [True, False] * 4


def test_supervision_and_back():
    pytest.importorskip("supervision", reason="supervision is not installed; the extra supervision brings it")
    *_, last = run()
    given = last.to_supervision()
    assert given.mask.shape == (2, 60, 100)
    ours: Any = detections_of(given)
    np.testing.assert_array_equal(ours.keypoints, last.tracks.keypoints)
    np.testing.assert_array_equal(ours.mask.raster((60, 100)), given.mask)
    assert last.tracks.to_supervision().mask is None, "masks of no known size"


def test_an_own_loop_and_a_track_that_coasts():
    from remix_track.trackers.frame import Frame

    tracker = Tracker("none", fps=25, n_init=1, max_coast=3)
    tracks: Any = None
    for number in range(1, 4):
        tracks = tracker.update(TwoWalkers()(Frame(number, IMAGES[0], 0.0)), IMAGES[0])
    assert sorted(map(len, tracks.mask)) == [0, 1]
    tracks = tracker.update(Detections.empty(), IMAGES[0])
    assert len(tracks) == 2
    assert tracks.mask is None
    none = dataclasses.replace(tracks, keypoints=np.full((2, 3, 3), np.nan))
    assert next(iter(shape_lists(none))) == {}


def test_results_of_ultralytics_and_torchvision():
    import torch

    from remix_track.trackers.detectors.quiet_ultralytics import quiet_ultralytics

    raster = torch.zeros(1, 60, 100)
    raster[0, 20:40, 30:50] = 1
    points = torch.rand(1, 4, 3) * 50
    with quiet_ultralytics():
        from ultralytics.engine.results import Results

        rows = torch.tensor([[20.0, 10, 60, 50, 0.9, 0]])
        result = Results(IMAGES[0], "", {0: "person"}, boxes=rows, masks=raster, keypoints=points)
        theirs: Any = detections_of(result)
    other = {"boxes": rows[:, :4], "scores": rows[:, 4], "labels": rows[:, 5].int(), "masks": raster[None],
             "keypoints": points}  # fmt: skip
    found: Any
    for found in (theirs, detections_of(other)):
        assert (found.mask.raster((60, 100)) ^ (raster.numpy() > 0)).sum() <= 40
        np.testing.assert_allclose(found.keypoints[..., :2], points[..., :2])

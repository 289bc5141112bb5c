"""Masks as outlines: a raster comes back pixel for pixel where it has no holes, and no mask is long."""

from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from remix_track import Detections, InputError, Tracks, masks
from remix_track.masks import MOST_PARTS, MOST_POINTS, Masks, outlines

SQUARE = [[2.0, 3.0], [9.0, 3.0], [9.0, 8.0], [2.0, 8.0]]


def drawn(height: int = 40, width: int = 50) -> np.ndarray:
    """A body with an arm, and a foot apart from it."""
    raster = np.zeros((height, width), bool)
    raster[5:25, 10:20] = raster[8:12, 18:30] = raster[28:33, 12:19] = True
    return raster


def test_a_raster_comes_back():
    masks = Masks.of(np.stack([drawn(), ~drawn() & False, drawn()[::-1]]))
    assert [len(mask) for mask in masks] == [2, 0, 2]
    np.testing.assert_array_equal(masks.raster((40, 50)), [drawn(), drawn() & False, drawn()[::-1]])
    # Outlines run through the middle of the pixels at the border.
    assert masks.polygons[0][1].min(axis=0).tolist() == [10.5, 5.5]
    assert Masks.of(drawn()[None].astype(np.float32)).raster((40, 50)).sum() == drawn().sum()
    assert Masks.of(drawn()[None] * np.float32(0.5)).polygons[0] == (), "of floats, what is above a half"


def test_a_raster_at_another_place():
    (part, _) = outlines(drawn(), left=100, top=200)
    assert part.min(axis=0).tolist() == [112.5, 228.5]


@pytest.mark.parametrize("given", [SQUARE, [SQUARE], np.array(SQUARE), [np.array(SQUARE)]])
def test_polygons_and_none(given):
    masks = Masks.of([given, None, [], given])
    assert [len(mask) for mask in masks] == [1, 0, 0, 1]
    np.testing.assert_array_equal(masks.polygons[3][0], np.array(SQUARE, np.float32))
    assert 7 * 5 <= masks.raster((20, 20))[0].sum() <= 8 * 6 + 1, "the pixels at the border belong to it"
    assert len(Masks.of(masks)) == 4


def test_what_is_no_mask_is_one_line():
    for given, said in [
        (np.zeros((4, 5)), r"shape \(4, 5\), expected rasters"),
        (7, "of type int; expected polygons"),
        ([[[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]], r"polygon of shape \(2, 3\)"),
        ([[[1.0, 2.0], [3.0, float("nan")], [3.0, 4.0]]], "finite x and y"),
        ([["a"]], "mask"),
    ]:
        with pytest.raises(InputError, match=said):
            Masks.of(given)


def test_masks_are_bounded():
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    ragged = 100 + (50 + np.random.default_rng(0).uniform(0, 20, 4000))[:, None] * np.column_stack(
        [np.cos(angle), np.sin(angle)]
    )
    (long,) = Masks.of([ragged]).polygons[0]
    assert 3 <= len(long) <= MOST_POINTS
    exact = Masks.of([ragged[:MOST_POINTS]]).polygons[0][0]
    np.testing.assert_array_equal(exact, ragged[:MOST_POINTS].astype(np.float32))
    squares = [np.array(SQUARE) * size for size in range(1, MOST_PARTS + 3)]
    kept = Masks.of([squares]).polygons[0]
    assert len(kept) == MOST_PARTS
    assert min(part.max() for part in kept) == 9 * 3, "the largest parts"
    assert max(map(len, outlines(np.random.default_rng(0).integers(0, 2, (300, 300))))) <= MOST_POINTS


@pytest.mark.parametrize("more", [0, 1, 100])
def test_of_many_parts_only_the_largest_are_simplified(monkeypatch, more):
    raster = np.zeros((60, 300), bool)
    for part in range(8 * MOST_PARTS + more):
        row, column = part // 50 * 10, part % 50 * 6
        size = 4 if part % 7 == 3 else 2
        raster[row : row + size, column : column + size] = True
    counted = Mock(wraps=masks._simplified)
    monkeypatch.setattr(masks, "_simplified", counted)
    kept = outlines(raster)
    assert counted.call_count == 8 * MOST_PARTS
    assert [np.ptp(part, axis=0).tolist() for part in kept] == [[3, 3]] * MOST_PARTS


def test_detections_carry_masks_and_keypoints_by_row():
    points = np.arange(18, dtype=np.float32).reshape(3, 3, 2)
    found: Any = Detections(
        [[0, 0, 9, 9]] * 3, [0.9, 0.8, 0.7], [0] * 3, mask=[SQUARE, None, [SQUARE]], keypoints=points
    )
    assert found.keypoints.shape == (3, 3, 3)
    assert (found.keypoints[:, :, 2] == 1).all()
    chosen: Any = found[np.array([2, 1])].with_embedding(np.eye(2))
    assert [len(mask) for mask in chosen.mask] == [1, 0]
    np.testing.assert_array_equal(chosen.keypoints[:, :, :2], points[[2, 1]])
    assert Detections([[0, 0, 9, 9]], [1], [0]).shapes is None
    for more in ({"mask": [SQUARE]}, {"keypoints": points[:2]}):
        with pytest.raises(InputError, match="rows, expected 3 as xyxy has"):
            Detections([[0, 0, 9, 9]] * 3, [1, 1, 1], [0] * 3, **more)
    with pytest.raises(InputError, match=r"keypoints has shape \(3, 4\), expected \(N, K, 3\)"):
        Detections([[0, 0, 9, 9]] * 3, [1, 1, 1], [0] * 3, keypoints=np.zeros((3, 4)))


def test_tracks_take_them_from_their_detections():
    found = Detections([[0, 0, 9, 9]] * 2, [0.9, 0.8], [0, 0], mask=[SQUARE, None], keypoints=np.ones((2, 1, 3)))

    def of(*detection: int) -> Any:
        boxes, rows = np.zeros((len(detection), 4), np.float32), np.array(detection)
        return Tracks(rows + 5, boxes, np.ones(len(rows), np.float32), 0 * rows, rows)

    tracks = of(1, -1, 0).with_shapes(found.shapes)
    assert [len(mask) for mask in tracks.mask] == [0, 0, 1]
    assert np.isnan(tracks.keypoints[1]).all()
    assert tracks.keypoints[[0, 2]].tolist() == [[[1, 1, 1]]] * 2
    again = of(0, 1).with_shapes(tracks.shapes)
    assert [len(mask) for mask in again.mask] == [1, 0], "by the row of the detection, not of the track"
    assert tracks.with_shapes(None) is tracks

"""The nearest by bounds are those of the whole product, whatever the directions; few are looked at."""

import numpy as np
import pytest

from remix_track.encoder.camera_centring import CameraCentring
from remix_track.store import cells
from remix_track.store.bounds import bounds, highest, principal_directions, shadows
from remix_track.store.cells import CellCentring


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("flat", [False, True])
def test_the_nearest_are_those_of_the_whole_product(flat):
    drawn = np.random.default_rng(0)
    spread = np.ones(64) if flat else 1 / np.arange(1, 65)
    vectors = unit(drawn.normal(size=(5000, 64)) * spread)
    vectors[17] = vectors[4000] = vectors[100]  # equally far: the first comes first
    query = unit(vectors[100] + 0.1 * drawn.normal(size=64) * spread)
    directions = principal_directions(vectors[::7], 16)
    assert np.allclose(directions.T @ directions, np.eye(16), atol=1e-5)
    upper = bounds(shadows(vectors, directions), shadows(query[None], directions)[0])
    exact = vectors @ query
    assert (upper >= exact).all()
    looked_at = []

    def score(rows):
        looked_at.extend(rows.tolist())
        return exact[rows]

    rows, scores = highest(upper, score, 10)
    assert rows.tolist() == np.lexsort((np.arange(5000), -exact))[:10].tolist()
    assert np.array_equal(scores, exact[rows])
    assert len(looked_at) == len(set(looked_at))
    assert len(looked_at) < (5001 if flat else 600)


def test_rows_that_are_left_out_are_not_looked_at():
    upper = np.array([0.9, -np.inf, 0.5, -np.inf], np.float32)
    rows, scores = highest(upper, lambda rows: upper[rows], 10)
    assert (rows.tolist(), scores.tolist()) == ([0, 2], [np.float32(0.9), 0.5])
    assert len(highest(upper[1:2], lambda rows: upper[rows], 3)[0]) == 0


def test_what_is_taken_out_by_cells_of_one_is_what_is_taken_out_by_tracks():
    drawn = np.random.default_rng(1)
    camera = np.repeat([0, 1, 2], 40)
    vectors = unit(drawn.normal(size=(120, 12)) + 2 * drawn.normal(size=(3, 12))[camera])
    vectors[5] = 0
    expected = CameraCentring.of(vectors, camera)
    found = CellCentring.fit(vectors, vectors.any(axis=1).astype(np.int64), camera)
    assert np.allclose(found.mean, expected.mean, atol=1e-6)
    known = vectors.any(axis=1)
    assert np.allclose((found.offset - found.mean)[known], expected.offset[known], atol=1e-5)
    assert expected.kept[known].min() > 0.5


def test_larger_cells_take_out_nearly_the_same():
    drawn = np.random.default_rng(2)
    camera = np.repeat([0, 1], 640)
    light = np.sin(np.arange(1280) / 200)[:, None] * drawn.normal(size=12)
    vectors = unit(drawn.normal(size=(1280, 12)) + 2 * drawn.normal(size=(2, 12))[camera] + light)
    expected = CameraCentring.of(vectors, camera)
    size = cells.CELL
    sums = vectors.reshape(-1, size, 12).sum(axis=1)
    found = CellCentring.fit(sums, np.full(len(sums), size), camera[::size])
    offset = np.repeat(found.offset, size, axis=0)
    assert np.abs(offset - (expected.mean + expected.offset)).max() < 0.06
    assert np.abs(expected.offset).max() > 0.3


@pytest.mark.parametrize(("count", "camera"), [([3, 0], [0, 1]), ([1, 1], [0, 1]), ([3, 4], [0, 0]), ([], [])])
def test_nothing_is_taken_out_of_one_camera_or_where_nothing_tells(count, camera):
    sums = (np.ones((len(count), 4)) * np.array(count)[:, None] / 2).astype(np.float32)
    found = CellCentring.fit(sums, np.array(count, np.int64), np.array(camera, np.int64))
    assert not found.mean.any()
    assert not found.offset.any()

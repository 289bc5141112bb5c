"""Triangles to pixels, against naive loops."""

import numpy as np
import pytest

from remix_track.synthetic.bodies.rasteriser import nearest, rasterise


def _naive(screen, triangles, width, height):
    """Every pixel whose middle has no negative barycentric number, by loops."""
    found = {}
    for number, triangle in enumerate(triangles):
        first, second, third = screen[triangle].astype(float)
        matrix = np.array([[first[0], second[0], third[0]], [first[1], second[1], third[1]], [1, 1, 1]])
        for row in range(height):
            for column in range(width):
                share = np.linalg.solve(matrix, [column + 0.5, row + 0.5, 1])
                if (share >= 0).all():
                    found[number, row * width + column] = share
    return found


def test_the_pixels_and_their_shares_are_those_of_a_naive_loop():
    rng = np.random.default_rng(0)
    # Tiny ones, large ones, and some that reach beyond the image.
    middles = rng.uniform(-3, 23, (60, 1, 2))
    screen = (middles + rng.normal(0, 1, (60, 3, 2)) * rng.choice([0.5, 2, 9], (60, 1, 1))).reshape(-1, 2)
    screen = screen.astype(np.float32)
    triangles = np.arange(180).reshape(-1, 3)
    samples = rasterise(screen, triangles, 20, 17)
    found = dict(zip(zip(samples.triangle.tolist(), samples.pixel.tolist(), strict=True), samples.share, strict=True))
    naive = _naive(screen, triangles, 20, 17)
    certain = {key: share for key, share in naive.items() if share.min() > 1e-4}
    assert len(found) == len(samples.triangle)
    assert set(certain) <= set(found)
    assert all(naive[key].min() >= 0 for key in set(found) & set(naive))
    assert len(set(found) - set(naive)) <= 2  # on a border, by rounding
    for key, share in certain.items():
        assert found[key] == pytest.approx(share, abs=1e-3)


def test_triangles_without_area_and_outside_the_image_cover_nothing():
    screen = np.array([[1, 1], [5, 5], [9, 9], [-9, -9], [-5, -9], [-9, -5]], np.float32)
    assert len(rasterise(screen, np.array([[0, 1, 2], [3, 4, 5]]), 10, 10).pixel) == 0
    assert len(rasterise(screen, np.empty((0, 3), np.int64), 10, 10).pixel) == 0


def test_the_nearest_sample_shows():
    rng = np.random.default_rng(1)
    pixel, depth = rng.integers(0, 50, 400), rng.uniform(0, 9, 400).astype(np.float32)
    shown = nearest(pixel, depth, 60)
    assert pixel[shown].tolist() == sorted(set(pixel.tolist()))
    for sample in shown.tolist():
        others = depth[pixel == pixel[sample]]
        assert depth[sample] <= others.min() + 9 / 65535
    assert len(nearest(pixel[:0], depth[:0], 60)) == 0

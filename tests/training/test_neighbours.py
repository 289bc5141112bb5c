"""Exact similarities and neighbours: the same bits however the work is cut, ties by index."""

import numpy as np
import pytest
import torch

from remix_track.errors import InputError
from remix_track.training import neighbours
from remix_track.training.neighbours import STEPS, nearest, similarities, to_grid


def draw(rows, width=32, seed=0, copies=1):
    vectors = torch.randn(rows // copies, width, generator=torch.Generator().manual_seed(seed))
    return vectors.repeat(copies, 1)


def naive_nearest(grid, k):
    """By whole numbers of Python: own row first, then similarity, then index."""
    rows = [[int(x) for x in row] for row in grid]
    found = []
    for i, row in enumerate(rows):
        products = [sum(x * y for x, y in zip(row, other, strict=True)) for other in rows]
        order = sorted((j != i, -product, j) for j, product in enumerate(products))
        found.append([j for _, _, j in order[:k]])
    return found


@pytest.mark.parametrize(
    ("rows", "k", "copies"), [(50, 7, 1), (60, 7, 6), (60, 60, 3), (9, 30, 3), (40, 1, 2), (1, 5, 1)]
)
def test_neighbours_equal_whole_number_arithmetic(rows, k, copies):
    grid = to_grid(draw(rows, copies=copies))
    assert nearest(grid, k).tolist() == naive_nearest(grid, k)


@pytest.mark.parametrize("block", [1, 700, 10_000])
@pytest.mark.parametrize("width", [33, 512])
def test_neighbours_do_not_depend_on_blocks(monkeypatch, block, width):
    """Equal images lie far apart in the list, so that they meet in other blocks and lanes."""
    embeddings = draw(300, width, copies=3)
    grid = to_grid(embeddings)
    expected = nearest(grid, 20)
    monkeypatch.setattr(neighbours, "_BLOCK", block)
    assert torch.equal(to_grid(embeddings), grid)
    np.testing.assert_array_equal(nearest(grid, 20), expected)


def test_similarities_are_the_products_in_any_block(monkeypatch):
    grid = to_grid(draw(40, 512))
    first, second = np.random.default_rng(0).integers(0, 40, (2, 300))
    product = (grid @ grid.T).numpy()
    for block in (1, 10_000, 2**24):
        monkeypatch.setattr(neighbours, "_BLOCK", block)
        np.testing.assert_array_equal(similarities(grid, first, second), product[first, second])


def test_the_grid_holds_directions_to_seven_digits():
    embeddings = draw(20, 2048) * torch.logspace(-3, 3, 20)[:, None]
    grid = to_grid(embeddings)
    assert torch.equal(grid, grid.round())
    exact = embeddings.double() / embeddings.double().norm(dim=1, keepdim=True)
    assert float((grid / STEPS - exact).abs().max()) <= 0.5 / STEPS
    torch.testing.assert_close(grid @ grid.T / STEPS**2, exact @ exact.T, atol=3e-8, rtol=0)


def test_a_vector_of_zeros_is_like_nothing_and_equal_only_to_itself():
    embeddings = draw(5)
    embeddings[2] = 0
    grid = to_grid(embeddings)
    assert not grid[2].any()
    assert nearest(grid, 3)[2, 0] == 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_embeddings_that_are_not_finite_are_refused(bad):
    embeddings = draw(5)
    embeddings[3, 1] = bad
    with pytest.raises(InputError, match=r"^embeddings hold NaN or infinite values; the training went wrong"):
        to_grid(embeddings)


def test_half_precision_embeddings_are_taken():
    embeddings = draw(6).bfloat16()
    assert torch.equal(to_grid(embeddings), to_grid(embeddings.float()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_embeddings_that_were_given_stay_as_they_are(dtype):
    embeddings = draw(6).to(dtype)
    before = embeddings.clone()
    to_grid(embeddings)
    assert torch.equal(embeddings, before)

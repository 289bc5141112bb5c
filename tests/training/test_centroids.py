"""Centroids against loops over images."""

import pytest
import torch
from torch.nn import functional as F

from remix_track.training.centroids import camera_centroids, identity_centroids, move_centroids


def draw(rows, width=6, seed=0):
    return 5 * torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


IDENTITY = torch.tensor([2, 0, -1, 2, 1, 0, 2, -1, 2])
CAMERA = torch.tensor([0, 7, 3, 5, 5, 7, 0, 1, 3])


def test_identity_centroids_are_mean_directions_without_outliers():
    embeddings = draw(9)
    found = identity_centroids(embeddings, IDENTITY, 3)
    for y in range(3):
        units = [v / v.norm() for v, name in zip(embeddings, IDENTITY, strict=True) if name == y]
        mean = sum(units, torch.zeros(6)) / len(units)
        torch.testing.assert_close(found[y], mean / mean.norm())


def test_camera_centroids_are_mean_directions_of_each_pair():
    kept = IDENTITY >= 0
    embeddings, identity, camera = draw(9)[kept], IDENTITY[kept], CAMERA[kept]
    found = camera_centroids(embeddings, identity, camera)
    pairs = list(zip(found.identity.tolist(), found.camera.tolist(), strict=True))
    assert pairs == [(0, 7), (1, 5), (2, 0), (2, 3), (2, 5)]
    for (y, c), vector in zip(pairs, found.vectors, strict=True):
        units = [v / v.norm() for v, a, b in zip(embeddings, identity, camera, strict=True) if (a, b) == (y, c)]
        mean = sum(units, torch.zeros(6)) / len(units)
        torch.testing.assert_close(vector, mean / mean.norm())


def test_rows_find_each_pair_and_say_when_there_is_none():
    kept = IDENTITY >= 0
    found = camera_centroids(draw(9)[kept], IDENTITY[kept], CAMERA[kept])
    assert found.rows(found.identity, found.camera).tolist() == [0, 1, 2, 3, 4]
    # Camera 8 of identity 1 must not be taken for camera 0 of identity 2.
    identity, camera = torch.tensor([2, 0, 1, 9, 0, 1]), torch.tensor([3, 5, 8, 0, 7, 9])
    assert found.rows(identity, camera).tolist() == [3, -1, -1, -1, 0, -1]


def test_nothing_has_no_centroids():
    nothing = torch.zeros(0, dtype=torch.int64)
    assert identity_centroids(torch.zeros(4, 6), torch.full((4,), -1), 0).shape == (0, 6)
    none = camera_centroids(torch.zeros(0, 6), nothing, nothing)
    assert none.vectors.shape == (0, 6)
    assert none.rows(torch.tensor([1, 2]), torch.tensor([0, 0])).tolist() == [-1, -1]


def test_one_image_is_its_own_centroid():
    image = draw(1)
    torch.testing.assert_close(identity_centroids(image, torch.tensor([0]), 1), F.normalize(image))


def test_identities_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="identity 1 has no image"):
        identity_centroids(draw(2), torch.tensor([0, 2]), 3)
    with pytest.raises(ValueError, match="identity 2 is out of range; expected at most 1"):
        identity_centroids(draw(3), torch.tensor([0, 1, 2]), 2)


def test_half_precision_and_gradients_are_left_behind():
    embeddings = draw(4).bfloat16().requires_grad_()
    found = identity_centroids(embeddings, torch.tensor([0, 0, 1, 1]), 2)
    assert found.dtype == torch.float32
    assert not found.requires_grad


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.9])
def test_a_step_moves_the_centroids_that_it_shows(momentum):
    centroids = F.normalize(draw(4, seed=1))
    before, keys, rows = centroids.clone(), draw(5, seed=2), torch.tensor([3, 0, 3, -1, 3])
    move_centroids(centroids, rows, keys, momentum)
    for y in range(4):
        shown = F.normalize(keys[rows == y])
        moved = momentum * before[y] + (1 - momentum) * shown.mean(dim=0) if len(shown) else before[y]
        torch.testing.assert_close(centroids[y], moved / moved.norm())


def test_centroids_are_fixed_with_momentum_one_and_without_keys():
    centroids = F.normalize(draw(4, seed=1))
    before = centroids.clone()
    move_centroids(centroids, torch.tensor([0, 1]), draw(2), 1.0)
    move_centroids(centroids, torch.tensor([-1, -1]), draw(2), 0.1)
    assert torch.equal(centroids, before)

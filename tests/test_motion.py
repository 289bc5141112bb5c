"""The batched Kalman filter against the package's, one track at a time."""

import numpy as np
import pytest
from deep_sort_realtime.deep_sort.kalman_filter import KalmanFilter, chi2inv95
from numpy.typing import NDArray

from remix_track.trackers.motion import GATE, BatchedKalmanFilter, tlwh_from_xyah, xyah_from_tlwh


def blocks(
    states: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The package's means (8,) and covariances (8, 8) as ours; nothing may stand outside the blocks."""
    means = np.stack([mean.astype(np.float64) for mean, _ in states]).reshape(-1, 2, 4)
    covariances = np.stack([covariance for _, covariance in states])
    parts = [covariances[:, :4, :4], covariances[:, :4, 4:], covariances[:, 4:, 4:]]
    kept = np.stack([np.diagonal(part, axis1=1, axis2=2) for part in parts], axis=1)
    assert np.count_nonzero(covariances) <= 16 * len(states)
    return means, kept


def boxes(rng: np.random.Generator, count: int) -> NDArray[np.floating]:
    return xyah_from_tlwh(rng.uniform(20, 800, size=(count, 4)).astype(np.float32))


def assert_follows_the_package(frames: int, tracks: int, seen: float) -> None:
    rng = np.random.default_rng(0)
    theirs, ours = KalmanFilter(), BatchedKalmanFilter()
    measured = boxes(rng, tracks)
    expected = [theirs.initiate(xyah) for xyah in measured]
    mean, covariance = ours.initiate(measured)
    for _ in range(frames):
        expected = [theirs.predict(*state) for state in expected]
        mean, covariance = ours.predict(mean, covariance)
        measured = (measured * rng.normal(1, 0.02, size=measured.shape)).astype(np.float32)
        measured = np.clip(measured, 20, 800)
        for track in np.flatnonzero(rng.random(tracks) < seen).tolist():
            row = [track]
            expected[track] = theirs.update(*expected[track], measured[track])
            mean[row], covariance[row] = ours.update(mean[row], covariance[row], measured[row])
        means, covariances = blocks(expected)
        np.testing.assert_allclose(mean, means, rtol=1e-9, atol=1e-7)
        np.testing.assert_allclose(covariance, covariances, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("seen", [1.0, 0.3])
def test_follows_the_package(seen):
    assert_follows_the_package(400, tracks=4, seen=seen)


@pytest.mark.slow
def test_follows_the_package_over_20_000_frames():
    assert_follows_the_package(20_000, tracks=3, seen=0.7)


def test_the_gate_and_the_distances_inside_are_the_package_s():
    rng = np.random.default_rng(0)
    theirs, ours = KalmanFilter(), BatchedKalmanFilter()
    begun = boxes(rng, 20)
    states = [theirs.initiate(xyah) for xyah in begun]
    mean, covariance = ours.initiate(begun)
    for _ in range(4):
        states = [theirs.predict(*state) for state in states]
        mean, covariance = ours.predict(mean, covariance)
    found = np.concatenate([begun, begun, boxes(rng, 5)])
    found *= rng.normal(1, 0.05, size=found.shape).astype(np.float32)
    naive = np.stack([theirs.gating_distance(*state, found.copy()) for state in states])
    track, measured, distance = ours.gating_distance(mean, covariance, found)
    np.testing.assert_array_equal(np.argwhere(naive <= GATE), np.stack([track, measured], axis=1))
    np.testing.assert_allclose(distance, naive[track, measured], rtol=1e-9)
    assert chi2inv95[4] == GATE
    assert 20 < len(distance) < 0.5 * naive.size


def test_no_tracks_and_no_detections():
    ours = BatchedKalmanFilter()
    none = np.empty((0, 4), np.float32)
    mean, covariance = ours.predict(*ours.initiate(none))
    assert len(ours.gating_distance(mean, covariance, boxes(np.random.default_rng(0), 3))[2]) == 0
    mean, covariance = ours.initiate(boxes(np.random.default_rng(0), 3))
    assert len(ours.gating_distance(mean, covariance, none)[2]) == 0
    assert ours.update(mean[:0], covariance[:0], none)[0].shape == (0, 2, 4)


def test_boxes_there_and_back():
    tlwh = np.array([[10, 20, 30, 60], [-5, 0.5, 8, 4]])
    np.testing.assert_array_equal(xyah_from_tlwh(tlwh), [[25, 50, 0.5, 60], [-1, 2.5, 2, 4]])
    np.testing.assert_array_equal(tlwh_from_xyah(xyah_from_tlwh(tlwh)), tlwh)

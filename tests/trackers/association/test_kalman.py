"""The batched Kalman filter against the package's, one track at a time."""

import numpy as np
import pytest
from deep_sort_realtime.deep_sort.kalman_filter import KalmanFilter as PackageFilter
from deep_sort_realtime.deep_sort.kalman_filter import chi2inv95
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyah, xyah_from_tlwh
from remix_track.trackers.association.kalman import GATE, KalmanFilter, Xyah


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


def boxes(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    return rng.uniform(20, 800, size=(count, 4)).astype(np.float32)


def assert_follows_the_package(frames: int, tracks: int, seen: float) -> None:
    rng = np.random.default_rng(0)
    theirs, ours = PackageFilter(), KalmanFilter(Xyah())
    measured = boxes(rng, tracks)
    expected = [theirs.initiate(xyah) for xyah in xyah_from_tlwh(measured)]
    mean, covariance = ours.begin(measured)
    for _ in range(frames):
        expected = [theirs.predict(*state) for state in expected]
        mean, covariance = ours.predict(mean, covariance)
        measured = (measured * rng.normal(1, 0.02, size=measured.shape)).astype(np.float32)
        measured = np.clip(measured, 20, 800)
        for track in np.flatnonzero(rng.random(tracks) < seen).tolist():
            row = [track]
            expected[track] = theirs.update(*expected[track], xyah_from_tlwh(measured[row])[0])
            score = np.ones(1, np.float32)
            mean[row], covariance[row] = ours.correct(mean[row], covariance[row], measured[row], score)
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
    theirs, ours = PackageFilter(), KalmanFilter(Xyah())
    begun = boxes(rng, 20)
    states = [theirs.initiate(xyah) for xyah in xyah_from_tlwh(begun)]
    mean, covariance = ours.begin(begun)
    for _ in range(4):
        states = [theirs.predict(*state) for state in states]
        mean, covariance = ours.predict(mean, covariance)
    found = np.concatenate([begun, begun, boxes(rng, 5)])
    found *= rng.normal(1, 0.05, size=found.shape).astype(np.float32)
    naive = np.stack([theirs.gating_distance(*state, xyah_from_tlwh(found)) for state in states])
    track, measured, distance = ours.inside_gate(mean, covariance, found)
    np.testing.assert_array_equal(np.argwhere(naive <= GATE), np.stack([track, measured], axis=1))
    np.testing.assert_allclose(distance, naive[track, measured], rtol=1e-9)
    assert chi2inv95[4] == GATE
    assert 20 < len(distance) < 0.5 * naive.size


def test_no_tracks_and_no_detections():
    ours = KalmanFilter(Xyah())
    none = np.empty((0, 4), np.float32)
    mean, covariance = ours.predict(*ours.begin(none))
    assert len(ours.inside_gate(mean, covariance, boxes(np.random.default_rng(0), 3))[2]) == 0
    mean, covariance = ours.begin(boxes(np.random.default_rng(0), 3))
    assert len(ours.inside_gate(mean, covariance, none)[2]) == 0
    assert ours.correct(mean[:0], covariance[:0], none, np.ones(0, np.float32))[0].shape == (0, 2, 4)


def test_boxes_there_and_back():
    tlwh = np.array([[10, 20, 30, 60], [-5, 0.5, 8, 4]])
    np.testing.assert_array_equal(xyah_from_tlwh(tlwh), [[25, 50, 0.5, 60], [-1, 2.5, 2, 4]])
    np.testing.assert_array_equal(tlwh_from_xyah(xyah_from_tlwh(tlwh)), tlwh)

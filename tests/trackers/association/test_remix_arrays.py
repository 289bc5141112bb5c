"""The remix tracker's arithmetic: the filter, the mean appearance and the camera, each against a naive loop."""

import math
from typing import Any

import cv2
import numpy as np
import pytest

from remix_track.boxes import tlwh_from_xywh, xywh_from_tlwh
from remix_track.trackers.association.appearance_memory import AverageAppearance, Gallery, MeanAppearance
from remix_track.trackers.association.camera_motion import CameraMotion
from remix_track.trackers.association.kalman import LEAST_DOUBT, KalmanFilter, Xywh

RNG = np.random.default_rng(3)


def boxes(count: int) -> np.ndarray:
    return np.column_stack([RNG.uniform(0, 500, (count, 2)), RNG.uniform(20, 90, (count, 2))])


def units(count: int, width: int = 6) -> np.ndarray:
    vectors = RNG.normal(size=(count, width))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


# --- the filter ---


def full(mean: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One track as the textbook has it: (8,) positions then velocities, (8, 8)."""
    wide = np.zeros((8, 8))
    for i in range(4):
        wide[i, i], wide[i, i + 4], wide[i + 4, i], wide[i + 4, i + 4] = covariance[[0, 1, 1, 2], i]
    return mean.ravel(), wide


def textbook(frames_apart: float, mean: np.ndarray, wide: np.ndarray, measured: np.ndarray, doubt: float = 1.0):
    """Predict and update with whole matrices."""
    size = mean[[2, 3, 2, 3]]
    motion = np.eye(8) + np.eye(8, k=4)
    noise = np.concatenate([size / 20, np.sqrt(frames_apart) * size / 160])
    mean, wide = motion @ mean, motion @ wide @ motion.T + np.diag(noise**2)
    look = np.eye(4, 8)
    error = np.diag((mean[[2, 3, 2, 3]] / 20) ** 2) * doubt
    spread = look @ wide @ look.T + error
    gain = wide @ look.T @ np.linalg.inv(spread)
    return mean + gain @ (measured - look @ mean), wide - gain @ spread @ gain.T


@pytest.mark.parametrize("score", [None, 0.6, 1.0])
def test_the_filter_is_the_textbook_s(score):
    filter_, start = KalmanFilter(Xywh(frames_apart=3.0), score_noise=score is not None), boxes(5)
    mean, covariance = filter_.begin(start)
    expected = [full(*one) for one in zip(mean, covariance, strict=True)]
    doubt = 1.0 if score is None else max(1 - score, LEAST_DOUBT)
    for step in range(4):
        measured = start + step + RNG.normal(size=start.shape)
        mean, covariance = filter_.predict(mean, covariance)
        scores = np.full(5, 0.9 if score is None else score, np.float32)
        mean, covariance = filter_.correct(mean, covariance, measured, scores)
        points = xywh_from_tlwh(measured)
        expected = [textbook(3.0, *one, z, doubt) for one, z in zip(expected, points, strict=True)]
    for row, (point, wide) in enumerate(expected):
        got = full(mean[row], covariance[row])
        assert np.allclose(got[0], point, atol=1e-5)
        assert np.allclose(got[1], wide, atol=1e-5)


def test_the_camera_s_map_moves_corners_as_it_moves_points():
    angle, scale, shift = 0.02, 1.1, np.array([7.0, -3.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    filter_ = KalmanFilter(Xywh())
    mean, covariance = filter_.begin(boxes(4))
    mean[:, 1] = RNG.normal(size=(4, 4))
    moved, wider = filter_.follow(mean, covariance, np.column_stack([turn, shift]))
    for row in range(4):
        here, there = mean[row, 0, :2], mean[row, 0, :2] + mean[row, 1, :2]
        assert np.allclose(moved[row, 0, :2], turn @ here + shift)
        assert np.allclose(moved[row, 0, :2] + moved[row, 1, :2], turn @ there + shift)
        assert np.allclose(moved[row, :, 2:], scale * mean[row, :, 2:])
    assert np.allclose(wider, scale**2 * covariance)


def test_boxes_come_back():
    given = boxes(9)
    assert np.allclose(tlwh_from_xywh(xywh_from_tlwh(given)), given)


# --- appearance ---


def test_distances_are_those_of_a_loop():
    feature, history = units(7), [units(5), units(9), units(2)]
    for kind in ("mean", "gallery", "both"):
        mean_appearance, gallery = MeanAppearance(0.8), Gallery(4)
        both = AverageAppearance([mean_appearance, gallery])
        memories: dict[str, Any] = {"mean": mean_appearance, "gallery": gallery, "both": both}
        memory = memories[kind]
        rows = np.arange(3)
        memory.open(rows)
        for row, vectors in zip(rows, history, strict=True):
            for vector in vectors:
                memory.add(np.array([row]), vector[None])
        track, column = (pairs.ravel() for pairs in np.meshgrid(np.arange(3), np.arange(7), indexing="ij"))
        got = memory.pair_distances(rows[track], feature, column)
        for value, i, j in zip(got, track, column, strict=True):
            mean = history[i][0]
            for vector in history[i][1:]:
                mean = 0.8 * mean + 0.2 * vector
                mean = mean / np.linalg.norm(mean)
            to_mean = 1 - mean @ feature[j]
            to_nearest = min(1 - vector @ feature[j] for vector in history[i][-4:])
            expected = {"mean": to_mean, "gallery": to_nearest, "both": (to_mean + to_nearest) / 2}[kind]
            assert value == pytest.approx(expected, abs=1e-5)


def test_a_row_that_is_used_again_has_no_past_and_many_rows_fit():
    memory = MeanAppearance(0.9)
    memory.open(np.arange(1))
    memory.add(np.arange(1), units(1))
    again, fresh = np.arange(40), units(40)
    memory.open(again)
    memory.add(again, fresh)
    assert np.allclose(memory.mean(again), fresh)


def test_two_opposite_vectors_leave_the_newest():
    memory, vector, row = MeanAppearance(0.5), units(1), np.arange(1)
    memory.open(row)
    memory.add(row, vector)
    memory.add(row, -vector)
    assert np.allclose(memory.mean(row), -vector)


# --- the camera ---


def street(width: int = 900, height: int = 700) -> np.ndarray:
    """Grey blocks, seen without noise."""
    picture = np.full((height, width), 90, np.uint8)
    rng = np.random.default_rng(5)
    for _ in range(250):
        left, top = rng.integers(0, width), rng.integers(0, height)
        cv2.rectangle(picture, (left, top), (left + 25, top + 25), int(rng.integers(0, 255)), -1)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))


NOBODY = np.empty((0, 4), np.float32)


def test_a_shifted_picture_gives_its_shift():
    camera, picture = CameraMotion(), street()
    assert camera(picture[50:530, 100:740], NOBODY) is None, "there is nothing to compare the first one with"
    warp = camera(picture[57:537, 112:752], NOBODY)
    assert warp is not None
    assert np.allclose(warp, [[1, 0, -12], [0, 1, -7]], atol=0.05)


def test_a_large_picture_gives_its_shift_in_its_own_pixels():
    camera, picture = CameraMotion(), cv2.resize(street(), None, fx=3, fy=3)
    camera(picture[:1500, :2000], NOBODY)
    warp = camera(picture[18:1518, 30:2030], NOBODY)
    assert warp is not None
    assert np.allclose(warp[:, 2], [-30, -18], atol=0.5)


def test_who_walks_is_not_the_camera():
    camera, still = CameraMotion(), street()[:480, :640]
    for step in range(3):
        left = 20 + 20 * step
        picture, box = still.copy(), np.array([[left, 20, left + 480, 460]], np.float32)
        picture[20:460, left : left + 480] = street()[200:640, 400:880]
        warp = camera(picture, box)
    assert warp is not None
    assert np.allclose(warp, np.eye(2, 3), atol=0.05)


def test_a_long_way_is_followed_step_by_step():
    camera, picture = CameraMotion(), street()
    before = 0
    for step in range(40):
        left, top = 3 * step, round(40 + 30 * math.sin(step / 6))
        warp = camera(picture[top : top + 480, left : left + 640], NOBODY)
        if step:
            assert warp is not None
            assert np.allclose(warp, [[1, 0, -3], [0, 1, before - top]], atol=0.1)
        before = top


def test_corners_are_looked_for_now_and_then_and_where_too_few_are_left(monkeypatch):
    look, looked = cv2.goodFeaturesToTrack, list[int]()

    def counted(*given: Any, **named: Any) -> Any:
        looked.append(1)
        return look(*given, **named)

    monkeypatch.setattr(cv2, "goodFeaturesToTrack", counted)
    camera, still = CameraMotion(), street()[:480, :640]
    for _ in range(21):
        camera(still, NOBODY)
    assert len(looked) == 3, "in the first image and in every tenth after it"
    camera(still, np.array([[0, 0, 100, 480]], np.float32))
    assert len(looked) == 3, "a sixth of them are hidden"
    camera(still, np.array([[0, 0, 320, 480]], np.float32))
    assert len(looked) == 4, "half of them are hidden"


def test_corners_of_who_is_seen_only_later_are_dropped():
    camera, still = CameraMotion(), street()[:480, :640]
    camera(still, NOBODY)
    for step in range(3):
        left = 20 + 10 * step
        picture = still.copy()
        picture[20:460, left : left + 480] = still[20:460, 20:500]
        warp = camera(picture, np.array([[left, 20, left + 480, 460]], np.float32))
    assert warp is not None
    assert np.allclose(warp, np.eye(2, 3), atol=0.05)


def test_a_cut_a_wall_and_another_size_give_none():
    camera, picture = CameraMotion(), street()
    camera(picture[:480, :640], NOBODY)
    other = np.random.default_rng(1).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    assert camera(other, NOBODY) is None, "a cut"
    assert camera(picture[:470, :640], NOBODY) is None, "another size"
    wall = np.full((470, 640, 3), 120, np.uint8)
    camera(wall, NOBODY)
    assert camera(wall, NOBODY) is None, "a wall"

"""Detectors: what they find on real frames, what they leave out, and that they do so every time."""

import cv2
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from remix_track.boxes import iou_xyxy, xyxy_from_tlwh
from remix_track.errors import InputError
from remix_track.trackers.detectors.detector import finite
from remix_track.trackers.detectors.hog import MAX_PIXELS, HogDetector, suppress, trim
from remix_track.trackers.detectors.public import PublicDetections
from remix_track.trackers.frame import Frame

PETS_FRAMES = range(1, 795, 40)


@pytest.fixture(scope="module")
def pets(shared):
    """Every 40th frame of PETS09-S2L1 with its ground truth: [(Frame, (N, 4) xyxy)]."""
    folder = shared("data/pets09-s2l1")
    truth = np.loadtxt(folder / "gt/gt.txt", delimiter=",")
    video = cv2.VideoCapture(str(folder / "video.avi"))
    pairs = []
    for index in range(1, PETS_FRAMES[-1] + 1):
        assert video.grab()
        if index in PETS_FRAMES:
            image = video.retrieve()[1]
            pairs.append((Frame(index, image, 0.0), xyxy_from_tlwh(truth[truth[:, 0] == index, 2:6])))
    return pairs


def recall_and_precision(detector, pairs, min_score):
    hits = found = people = 0
    for frame, truth in pairs:
        detections = detector(frame)
        boxes = detections.xyxy[detections.score >= min_score]
        iou = iou_xyxy(boxes, truth)
        rows, columns = linear_sum_assignment(-np.where(iou >= 0.5, 1 + iou, 0))
        hits += int((iou[rows, columns] >= 0.5).sum())
        found += len(boxes)
        people += len(truth)
    return hits / people, hits / found


def blank(index=1, shape=(120, 160, 3)):
    return Frame(index, np.full(shape, 90, np.uint8), 0.0)


class TestFinite:
    def test_drops_and_counts_nan_infinite_and_beyond_float32(self):
        xyxy = np.array([[0, 0, 1, 2], [np.nan, 0, 1, 1], [0, 0, np.inf, 1], [0, 0, 1, 1e300], [3, 4, 5, 6]])
        detections, dropped = finite(xyxy, [0.9, 0.8, 0.7, 0.6, 0.5], np.arange(5.0))
        assert dropped == 3
        assert detections.xyxy.tolist() == [[0, 0, 1, 2], [3, 4, 5, 6]]
        assert detections.score.tolist() == pytest.approx([0.9, 0.5])
        assert detections.class_id.tolist() == [0, 4]

    def test_drops_a_score_that_is_no_number(self):
        detections, dropped = finite(np.ones((2, 4)), [np.nan, 0.5], [0, 0])
        assert (len(detections), dropped) == (1, 1)

    def test_takes_nothing(self):
        detections, dropped = finite(np.empty((0, 4)), [], [])
        assert (len(detections), dropped) == (0, 0)


class TestPublicDetections:
    def read(self, tmp_path, text):
        path = tmp_path / "det.txt"
        path.write_text(text)
        return PublicDetections(path)

    def test_gives_each_frame_its_rows_in_file_order(self, tmp_path):
        detector = self.read(
            tmp_path, "3,-1,10,20,5,8,0.5,-1,-1,-1\n1,-1,1,2,3,4,0.9,-1,-1,-1\n3,-1,7,7,1,1,0.8,-1,-1,-1\n"
        )
        assert len(detector(blank(2))) == len(detector(blank(4))) == 0
        third = detector(blank(3))
        assert third.xyxy.tolist() == [[10, 20, 15, 28], [7, 7, 8, 8]]
        assert third.score.tolist() == pytest.approx([0.5, 0.8])
        assert third.class_id.tolist() == [0, 0]
        assert detector(blank(1)).xyxy.tolist() == [[1, 2, 4, 6]]
        assert detector.name == "det.txt (public detections)"

    def test_drops_and_counts_rows_that_are_no_boxes(self, tmp_path):
        rows = [
            "1,-1,0,0,5,5,1",
            "1,-1,nan,0,5,5,1",
            "1,-1,0,0,inf,5,1",
            "1,-1,0,0,0,5,1",
            "1,-1,0,0,5,-2,1",
            "1,-1,0,0,5,5,nan",
        ]
        detector = self.read(tmp_path, "\n".join(rows))
        assert (len(detector(blank(1))), detector.dropped) == (1, 5)

    def test_a_file_without_rows_is_a_video_without_people(self, tmp_path):
        assert len(self.read(tmp_path, "")(blank(1))) == 0

    def test_refuses_what_is_not_mot_text(self, tmp_path):
        with pytest.raises(InputError, match=r"det\.txt:2: "):
            self.read(tmp_path, "1,-1,0,0,5,5,1\nhello\n")
        with pytest.raises(InputError, match=r"nowhere\.txt"):
            PublicDetections(tmp_path / "nowhere.txt")

    def test_a_file_of_nothing_but_nan_is_refused_and_not_cut_short(self, tmp_path):
        with pytest.raises(InputError, match=r"det\.txt:1: nan in column 3|det\.txt:1: 'nan' in column 3"):
            self.read(tmp_path, "1,-1,nan,0,5,5,1\n" * 2000 + "1,-1,0,0,5,5,1\n")

    def test_equals_the_file_row_by_row(self, shared):
        path = shared("data/pets09-s2l1/det/det.txt")
        rows = np.loadtxt(path, delimiter=",")
        detector = PublicDetections(path)
        for index in (1, 100, 795):
            expected = rows[rows[:, 0] == index]
            np.testing.assert_allclose(detector(blank(index)).xyxy, xyxy_from_tlwh(expected[:, 2:6]), rtol=1e-6)
            np.testing.assert_allclose(detector(blank(index)).score, expected[:, 6], rtol=1e-6)
        assert detector.dropped == 0


class TestHog:
    def test_finds_most_people_of_pets(self, pets):
        recall, precision = recall_and_precision(HogDetector(), pets[::2], 0.5)
        assert recall >= 0.83
        assert precision >= 0.71

    def test_is_the_same_every_time(self, pets):
        first, second = (HogDetector()(pets[0][0]) for _ in range(2))
        np.testing.assert_array_equal(first.xyxy, second.xyxy)
        np.testing.assert_array_equal(first.score, second.score)

    def test_gives_boxes_inside_the_picture_best_first(self, pets):
        frame = pets[1][0]
        found = HogDetector()(frame)
        height, width = frame.image.shape[:2]
        assert (found.xyxy >= 0).all()
        assert (found.xyxy <= [width, height, width, height]).all()
        assert (np.diff(found.score) <= 0).all()
        assert ((found.score > 0) & (found.score < 1)).all()
        assert set(found.class_id.tolist()) == {0}

    @pytest.mark.parametrize("shape", [(1, 1, 3), (20, 20, 3), (64, 32, 3), (5, 4000, 3), (120, 160, 3)])
    def test_takes_pictures_of_any_shape(self, shape):
        assert len(HogDetector()(blank(shape=shape))) == 0

    def test_bounds_its_work_on_large_pictures(self, monkeypatch):
        sizes = []
        resize = cv2.resize

        def watched(image, size, **options):
            sizes.append(size)
            return resize(image, size, **options)

        monkeypatch.setattr(cv2, "resize", watched)
        HogDetector()(blank(shape=(4320, 7680, 3)))
        large = sizes.copy()
        sizes.clear()
        HogDetector()(blank(shape=(100, 200, 3)))
        assert all(width * height <= 1.01 * MAX_PIXELS for width, height in large)
        assert sizes[0] == (400, 200)

    def test_boxes_come_back_in_pixels_of_the_picture_whatever_its_size(self, pets):
        frame, truth = pets[0]
        large = Frame(1, cv2.resize(frame.image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC), 0.0)
        found = HogDetector()(large)
        assert (iou_xyxy(found.xyxy / 4, truth).max(axis=1) >= 0.5).sum() >= 3

    def test_trim_takes_the_shares_that_are_written(self):
        assert trim(np.array([[100.0, 200.0, 164.0, 328.0]])).tolist() == [[109.6, 208.96, 154.4, 321.6]]


class TestSuppress:
    def test_equals_a_naive_loop(self):
        random = np.random.default_rng(7)
        corner = random.uniform(0, 60, (60, 2))
        xyxy = np.concatenate([corner, corner + random.uniform(1, 40, (60, 2))], axis=1)
        score = random.permutation(60) / 60.0
        kept: list[int] = []
        for row in sorted(range(60), key=lambda row: -score[row]):
            if all(share_of_smaller(xyxy[row], xyxy[other]) <= 0.6 for other in kept):
                kept.append(row)
        assert suppress(xyxy, score, 0.6).tolist() == kept

    def test_a_box_within_a_better_one_goes_and_so_does_one_without_area(self):
        #   +-----------+
        #   | 0   +-+   |      0: the person, 1: the torso, 2: no width, 3: a neighbour
        #   |     |1|   | +-+
        #   +-----------+ |3|
        xyxy = np.array([[0, 0, 10, 20], [4, 4, 6, 8], [50, 0, 50, 20], [12, 10, 16, 24]], np.float64)
        assert suppress(xyxy, np.array([0.5, 0.4, 0.9, 0.3]), 0.6).tolist() == [0, 3]
        assert len(suppress(np.empty((0, 4)), np.empty(0), 0.6)) == 0


def share_of_smaller(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return max(width, 0) * max(height, 0) / min(areas)

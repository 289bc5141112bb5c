"""HOG from coarse to fine: the windows and margins of OpenCV's search of all scales, where it searches."""

import cv2
import numpy as np
import pytest

from remix_track.synthetic.scenes import StreetScene
from remix_track.trackers.detectors import hog_pyramid
from remix_track.trackers.detectors.hog import HogDetector
from remix_track.trackers.detectors.hog_pyramid import COARSE, SCALE_STEP, WINDOW, scales, search


@pytest.fixture(scope="module")
def hog():
    return HogDetector()._hog


@pytest.fixture(scope="module")
def street():
    """A drawn street in which people are 100 to 200 pixels tall."""
    return next(iter(StreetScene(0, frames=1, width=480, height=270)))[0]


def theirs(hog, image):
    found, margin = hog.detectMultiScale(
        image, hitThreshold=0, winStride=(8, 8), padding=(16, 16), scale=SCALE_STEP, groupThreshold=0
    )
    tlwh = np.reshape(found, (-1, 4)).astype(float)
    return np.concatenate([tlwh[:, :2], tlwh[:, :2] + tlwh[:, 2:]], axis=1), np.reshape(margin, -1).astype(float)


def listed(windows):
    xyxy, margin = windows
    order = np.lexsort((margin.round(4), *xyxy.T))
    return xyxy[order], margin[order]


@pytest.mark.parametrize("size", [(480, 270), (64, 128), (68, 140), (90, 200), (333, 141)])
def test_searched_all_over_it_finds_what_opencv_finds(hog, street, size, monkeypatch):
    monkeypatch.setattr(hog_pyramid, "NEAR", -1e9)
    image = cv2.resize(street, size)
    ours, expected = listed(search(hog, image)), listed(theirs(hog, image))
    np.testing.assert_array_equal(ours[0], expected[0])
    np.testing.assert_allclose(ours[1], expected[1], atol=1e-4)
    if size == (480, 270):
        assert len(ours[0]) > 15


def test_what_it_finds_is_among_these_and_has_the_best_of_each_person(hog, street):
    windows, margin = search(hog, street)
    every, sure = theirs(hog, street)
    apart = np.abs(windows[:, None] - every[None]).max(axis=2)
    assert (apart.min(axis=1) == 0).all()
    np.testing.assert_allclose(margin, sure[apart.argmin(axis=1)], atol=1e-4)
    assert len(windows) > 0.8 * len(every)
    best = every[np.argsort(-sure)[: len(every) // 4]]
    assert all((window == windows).all(axis=1).any() for window in best)


def test_it_looks_at_fewer_pixels(hog, street):
    class Counted:
        pixels = 0

        def detect(self, image, **options):
            self.pixels += image.shape[0] * image.shape[1]
            return hog.detect(image, **options)

    counted = Counted()
    search(counted, street)
    # Of larger images, in which people fill less, it is less.
    assert counted.pixels < 0.75 * sum(scale.width * scale.height for scale in scales(480, 270))


@pytest.mark.parametrize(
    ("size", "count"), [(WINDOW, 1), ((63, 128), 0), ((64, 127), 0), ((67, 133), 1), ((66, 134), 1), ((67, 134), 2)]
)
def test_a_scale_holds_a_window(size, count):
    made = scales(*size)
    assert len(made) == count
    assert all(scale.width >= 64 and scale.height >= 128 for scale in made)


def test_each_scale_is_coarse_or_beside_one():
    for count in range(1, 30):
        coarse = [number for number in range(count) if number % COARSE == COARSE // 2] or [0]
        assert all(min(abs(number - one) for one in coarse) <= COARSE - 1 for number in range(count))


def test_nothing_is_found_in_nothing(hog):
    for shape in ((300, 300, 3), (10, 10, 3)):
        windows, margin = search(hog, np.full(shape, 128, np.uint8))
        assert windows.shape == (0, 4)
        assert margin.shape == (0,)

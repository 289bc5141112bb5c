"""The built-in detector: OpenCV's HOG people detector, with trimmed boxes."""

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import clip_xyxy
from remix_track.detections import Detections
from remix_track.errors import InputError
from remix_track.trackers.detectors.detector import finite
from remix_track.trackers.detectors.hog_pyramid import WINDOW, search
from remix_track.trackers.frame import Frame

MAX_ENLARGEMENT = 2.0
MAX_PIXELS = 2_100_000
MAX_WINDOWS = 2_000
MAX_SHARE = 0.6
TRIM = (0.15, 0.07, 0.15, 0.05)


class HogDetector:
    """Histograms of oriented gradients and a linear SVM; upright people only, class 0.

    Source: Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005, with the weights that
    come with OpenCV. The window is 64x128 and a person fills about 96 of the 128 rows, so images are enlarged
    (twice, as long as the result stays near two megapixels, which bounds the work) and larger ones are reduced. Scales
    are searched from coarse to fine, see `hog_pyramid`.

    Scores are `1 - 4 ** -margin` with the SVM's margin in 0..inf: 0 at the decision boundary, 0.5 at half the training
    margin (where precision and recall are in balance, and where the tracker's default `min_confidence` cuts), 0.75 at
    the training margin.

    Attributes:
        name: for the summary.
        class_names: of class 0.
        dropped: boxes that were not finite; OpenCV gives none.
    """

    name = "HOG (built in)"
    class_names: ClassVar[dict[int, str]] = {0: "person"}

    def __init__(self) -> None:
        import cv2

        if not hasattr(cv2, "HOGDescriptor"):
            raise InputError(f"OpenCV {cv2.__version__} has no HOG people detector; pip install 'opencv-python<5'")
        self.dropped = 0
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(np.array(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))

    def __call__(self, frame: Frame) -> Detections:
        """People in the frame, best first; boxes lie inside the image."""
        height, width = frame.image.shape[:2]
        windows, margin = self._windows(frame.image)
        xyxy = clip_xyxy(trim(windows), width, height)
        rows = suppress(xyxy, margin, MAX_SHARE)
        found, dropped = finite(xyxy[rows], 1 - 4.0 ** -margin[rows], np.zeros(len(rows), np.int64))
        self.dropped += dropped
        return found

    def _windows(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Windows (N, 4) xyxy in pixels of `image` with a positive margin (N,), best first, in one fixed order."""
        import cv2

        height, width = image.shape[:2]
        scale = min(MAX_ENLARGEMENT, math.sqrt(MAX_PIXELS / (height * width)))
        size = round(width * scale), round(height * scale)
        if size[0] < WINDOW[0] or size[1] < WINDOW[1]:
            return np.empty((0, 4)), np.empty(0)
        resized = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA)
        corners, margin = search(self._hog, np.asarray(resized, np.uint8))
        # Equal margins must not make two runs differ.
        order = np.lexsort((*corners.T, -margin))[:MAX_WINDOWS]
        return corners[order] * np.tile([width / size[0], height / size[1]], 2), margin[order]


def trim(xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (N, 4) without the border that the HOG window keeps around a person (`TRIM`, shares of width and height).

    Untrimmed boxes reach an IoU of 0.5 with annotated ones for one person in ten only.
    """
    width, height = xyxy[:, 2] - xyxy[:, 0], xyxy[:, 3] - xyxy[:, 1]
    left, top, right, bottom = TRIM
    return np.stack(
        [
            xyxy[:, 0] + left * width,
            xyxy[:, 1] + top * height,
            xyxy[:, 2] - right * width,
            xyxy[:, 3] - bottom * height,
        ],
        axis=1,
    )


def suppress(xyxy: NDArray[np.floating], score: NDArray[np.floating], max_share: float) -> NDArray[np.int64]:
    """Rows of the boxes that stay when each, best first, removes those it mostly covers or that mostly cover it.

    The measure is the intersection over the area of the *smaller* box: a HOG window around a torso lies inside the
    window around the person and would survive a limit on IoU. A box without area goes.

    Args:
        xyxy: (N, 4) corners.
        score: (N,) the higher the better; equal ones keep their order.
        max_share: largest share that two boxes may have in common, in 0..1.
    """
    size = np.clip(xyxy[:, 2:] - xyxy[:, :2], 0, None)
    area = size.prod(axis=1)
    waiting = np.argsort(-score, kind="stable")
    waiting = waiting[area[waiting] > 0]
    kept = []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        corner = np.maximum(xyxy[best, :2], xyxy[waiting, :2])
        shared = np.clip(np.minimum(xyxy[best, 2:], xyxy[waiting, 2:]) - corner, 0, None).prod(axis=1)
        waiting = waiting[shared <= max_share * np.minimum(area[best], area[waiting])]
    return np.array(kept, np.int64)

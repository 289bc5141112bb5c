"""How the camera moved from one image to the next, by sparse optical flow."""

import numpy as np
from numpy.typing import NDArray

Warp = NDArray[np.float64]

_LONGER_SIDE = 640
_CORNERS, _QUALITY, _APART = 150, 0.01, 8
_FEWEST = 12
_MOST_SCALE, _MOST_SHIFT = 1.25, 0.3


class CameraMotion:
    """Call it on every frame of one video, in order.

    Corners of the last image, those inside of boxes left out, are followed into this one by the pyramid of Lucas and
    Kanade; RANSAC finds the rotation, scale and shift that most of them agree on. A gray image of at most 640 pixels
    is enough, and takes a few milliseconds.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._corners: NDArray[np.float32] | None = None

    def __call__(self, image: NDArray[np.uint8], xyxy: NDArray[np.floating]) -> Warp | None:
        """The map from the last frame's pixels to this one's.

        Args:
            image: (H, W, 3) uint8 BGR.
            xyxy: (N, 4) pixels; what is inside moves by itself, and is not looked at.

        Returns:
            (2, 3) float64, a partial affine map. None: there is none, as this is the first image, or too few corners
            agree (a cut, fog, a wall).
        """
        import cv2

        height, width = image.shape[:2]
        reduced = min(1.0, _LONGER_SIDE / max(height, width))
        # In two steps: averaging over areas is slow, and colours need not be.
        small = cv2.resize(image, None, fx=reduced, fy=reduced, interpolation=cv2.INTER_LINEAR)
        gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
        warp = None
        if self._last is not None and self._last.shape == gray.shape:
            warp = _between(self._last, gray, self._corners)
        self._last, self._corners = gray, _corners(gray, xyxy * reduced)
        if warp is not None:
            warp[:, 2] /= reduced
        return warp


def _corners(gray: NDArray[np.uint8], xyxy: NDArray[np.floating]) -> NDArray[np.float32] | None:
    """(K, 1, 2) float32 corners outside the boxes."""
    import cv2

    free = np.full(gray.shape, 255, np.uint8)
    inside = np.clip(np.rint(xyxy), 0, (*gray.shape[::-1], *gray.shape[::-1])).astype(int)
    for left, top, right, bottom in inside.tolist():
        free[top:bottom, left:right] = 0
    corners = cv2.goodFeaturesToTrack(gray, _CORNERS, _QUALITY, _APART, mask=free)
    return None if corners is None else np.asarray(corners, np.float32)


def _between(last: NDArray[np.uint8], gray: NDArray[np.uint8], corners: NDArray[np.float32] | None) -> Warp | None:
    """The map (2, 3) from one gray image to the next, if enough corners agree on one that a camera can make."""
    import cv2

    if corners is None or len(corners) < _FEWEST:
        return None
    followed, found, _ = cv2.calcOpticalFlowPyrLK(last, gray, corners, None, winSize=(15, 15), maxLevel=3)
    kept = found.ravel() == 1
    if kept.sum() < _FEWEST:
        return None
    cv2.setRNGSeed(0)
    warp, agree = cv2.estimateAffinePartial2D(corners[kept], followed[kept], ransacReprojThreshold=1.5)
    if warp is None or agree.sum() < max(_FEWEST, kept.sum() / 3):
        return None
    scale = np.sqrt(abs(np.linalg.det(warp[:, :2])))
    possible = 1 / _MOST_SCALE < scale < _MOST_SCALE and np.abs(warp[:, 2]).max() < _MOST_SHIFT * max(gray.shape)
    return np.asarray(warp, np.float64) if possible else None

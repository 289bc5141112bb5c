"""How the camera moved from one image to the next, by sparse optical flow."""

import numpy as np
from numpy.typing import NDArray

Warp = NDArray[np.float64]

_LONGER_SIDE = 640
_CORNERS, _QUALITY, _APART = 150, 0.01, 8
_FEWEST = 12
_KEPT, _OLDEST = 0.7, 10
"""New corners are looked for once fewer than this share of them is left, and after so many images."""
_MOST_SCALE, _MOST_SHIFT = 1.25, 0.3


class CameraMotion:
    """Call it on every frame of one video, in order.

    Corners of the last image, those inside of boxes left out, are followed into this one by the pyramid of Lucas and
    Kanade; RANSAC finds the rotation, scale and shift that most of them agree on. A gray image of at most 640 pixels
    is enough. Looking for corners takes longer than following them, so those that agree are followed on for some
    images.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._corners: NDArray[np.float32] | None = None
        self._enough, self._age = 0.0, 0

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
        warp = followed = None
        if self._last is not None and self._last.shape == gray.shape:
            warp, followed = _between(self._last, gray, self._corners)
        self._last = gray
        self._follow_on(followed, gray, _outside(gray, xyxy * reduced))
        if warp is not None:
            warp[:, 2] /= reduced
        return warp

    def _follow_on(
        self, followed: NDArray[np.float32] | None, gray: NDArray[np.uint8], free: NDArray[np.uint8]
    ) -> None:
        """Keep the corners that came along and are in no box now, or look for new ones."""
        import cv2

        self._age += 1
        if followed is not None and self._age < _OLDEST:
            columns, rows = np.rint(followed[:, 0]).astype(int).T
            inside = (columns >= 0) & (columns < free.shape[1]) & (rows >= 0) & (rows < free.shape[0])
            inside[inside] = free[rows[inside], columns[inside]] > 0
            if inside.sum() >= self._enough:
                self._corners = followed[inside]
                return
        corners = cv2.goodFeaturesToTrack(gray, _CORNERS, _QUALITY, _APART, mask=free)
        self._corners = None if corners is None else np.asarray(corners, np.float32)
        self._enough, self._age = max(_KEPT * (0 if corners is None else len(corners)), _FEWEST), 0


def _outside(gray: NDArray[np.uint8], xyxy: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(H, W) uint8, 0 inside of the boxes and 255 elsewhere."""
    free = np.full(gray.shape, 255, np.uint8)
    inside = np.clip(np.rint(xyxy), 0, (*gray.shape[::-1], *gray.shape[::-1])).astype(int)
    for left, top, right, bottom in inside.tolist():
        free[top:bottom, left:right] = 0
    return free


def _between(
    last: NDArray[np.uint8], gray: NDArray[np.uint8], corners: NDArray[np.float32] | None
) -> tuple[Warp, NDArray[np.float32]] | tuple[None, None]:
    """From one gray image to the next, if enough corners agree on what a camera can do.

    Returns:
        (2, 3) the map, and (K, 1, 2) float32 where the corners that agree are now.
    """
    import cv2

    if corners is None or len(corners) < _FEWEST:
        return None, None
    followed, found, _ = cv2.calcOpticalFlowPyrLK(last, gray, corners, None, winSize=(15, 15), maxLevel=3)
    kept = found.ravel() == 1
    if kept.sum() < _FEWEST:
        return None, None
    cv2.setRNGSeed(0)
    warp, agree = cv2.estimateAffinePartial2D(corners[kept], followed[kept], ransacReprojThreshold=1.5)
    if warp is None or agree.sum() < max(_FEWEST, kept.sum() / 3):
        return None, None
    scale = np.sqrt(abs(np.linalg.det(warp[:, :2])))
    possible = 1 / _MOST_SCALE < scale < _MOST_SCALE and np.abs(warp[:, 2]).max() < _MOST_SHIFT * max(gray.shape)
    if not possible:
        return None, None
    return np.asarray(warp, np.float64), np.asarray(followed[kept][agree.ravel() == 1], np.float32)

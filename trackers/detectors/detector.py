"""The protocol of detectors: one frame in, boxes out."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remix_track.detections import Detections
from remix_track.masks import Masks
from remix_track.trackers.frame import Frame


@runtime_checkable
class Detector(Protocol):
    """Finds people (or other classes) in one frame at a time; one instance per source, as it may keep state.

    Plain attributes may stand for both properties.
    """

    @property
    def name(self) -> str:
        """Name of the detector, for the summary: `yolo11n.pt (sha256 1a2b3c4d5e6f)`."""
        ...

    @property
    def dropped(self) -> int:
        """Boxes left out so far: NaN or infinite values, corners swapped, and in files also those without area."""
        ...

    def __call__(self, frame: Frame) -> Detections:
        """The detections of `frame`, in pixels of its image, in any order; there may be none."""
        ...


def finite(
    xyxy: ArrayLike,
    score: ArrayLike,
    class_id: ArrayLike,
    mask: Masks | None = None,
    keypoints: NDArray[np.float32] | None = None,
) -> tuple[Detections, int]:
    """Detections without the rows that hold NaN or infinite values or end before they begin, and how many that were.

    Args:
        xyxy: (N, 4) corners in pixels; values beyond float32 count as infinite.
        score: (N,) confidence.
        class_id: (N,) class numbers, finite.
        mask: N masks, or None.
        keypoints: (N, K, 3), or None.
    """
    with np.errstate(over="ignore"):
        boxes = np.asarray(xyxy, np.float32).reshape(-1, 4)
        sure = np.asarray(score, np.float32)
    with np.errstate(invalid="ignore"):
        kept = np.isfinite(boxes).all(axis=1) & np.isfinite(sure) & (boxes[:, 2:] >= boxes[:, :2]).all(axis=1)
    classes = np.asarray(class_id).astype(np.int64)
    mask, keypoints = None if mask is None else mask[kept], None if keypoints is None else keypoints[kept]
    return Detections(boxes[kept], sure[kept], classes[kept], mask=mask, keypoints=keypoints), int((~kept).sum())

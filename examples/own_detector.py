"""Track with a detector of your own: an object that is called with a frame and returns boxes.

python examples/own_detector.py video.mp4 out
"""

import sys

import cv2
import numpy as np

import remix_track
from remix_track.trackers.frame import Frame


class MovingObjects:
    """Boxes of whatever moves in front of a fixed background; put your network here."""

    name = "moving objects"  # for the summary
    dropped = 0  # boxes left out as unusable

    def __init__(self) -> None:
        self._background = cv2.createBackgroundSubtractorMOG2(detectShadows=False)

    def __call__(self, frame: Frame) -> remix_track.Detections:
        """Find boxes in `frame.image`, (H, W, 3) uint8 BGR."""
        moving = self._background.apply(frame.image)
        moving = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, np.ones((15, 7), np.uint8))
        stats = cv2.connectedComponentsWithStats(moving)[2][1:]  # the first component is the background
        left, top, width, height, _ = stats[stats[:, cv2.CC_STAT_AREA] > 400].T
        xyxy = np.stack([left, top, left + width, top + height], axis=1)
        return remix_track.Detections(xyxy, score=np.full(len(xyxy), 0.9), class_id=np.zeros(len(xyxy)))


summary = remix_track.track(sys.argv[1], detector=MovingObjects()).record(sys.argv[2], csv=True)
print(f"{summary['tracks']} tracks in {summary['frames']} frames; see {sys.argv[2]}")

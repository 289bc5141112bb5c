"""Labels of footage: what YOLO finds in a frame at two sizes, and in its mirror image."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import iou_xyxy
from remix_track.detector_training.material import LabelledFrame
from remix_track.synthetic.sprites import Image
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame
from remix_track.trackers.sources import open_source

_SURE, _MAYBE = 0.5, 0.15
"""Scores from which a box is a person, and from which it may be one."""
_SAME = 0.55
"""IoU from which two boxes are of one person."""
_SMALLEST, _LARGER, _ONE_LOOK = 640, 1.5, 1000
"""Pixels of the smaller size, the larger one against it, and the size from which the mirror image costs too much."""
MOST_FRAMES = 600
"""Of one video: of a longer one fewer are looked at, so that memory and time do not grow with its length."""


class Teacher:
    """YOLO for frames of one video.

    Args:
        weights: of YOLO.
        side: the longer one of the frames, in pixels.

    Raises:
        InputError: weights that cannot be used.
    """

    def __init__(self, weights: Path, side: int) -> None:
        smaller = max(-(-side // 32) * 32, _SMALLEST)
        sizes = smaller, round(smaller * _LARGER / 32) * 32
        self._looks = [
            (YoloDetector(weights, YoloOptions(conf=_MAYBE, imgsz=size)), size < _ONE_LOOK) for size in sizes
        ]

    def __call__(self, image: Image) -> LabelledFrame:
        """The frame with the boxes found, each the surest of its person's."""
        boxes, scores = [], []
        for detector, mirrors in self._looks:
            for mirrored in (False, True) if mirrors else (False,):
                seen = np.ascontiguousarray(image[:, ::-1]) if mirrored else image
                found = detector(Frame(1, seen, 0.0))
                boxes.append(_mirrored(found.xyxy, image.shape[1]) if mirrored else found.xyxy)
                scores.append(found.score)
        xyxy, score = np.concatenate(boxes), np.concatenate(scores)
        kept = _surest(xyxy, score)
        xyxy, score = xyxy[kept], score[kept]
        return LabelledFrame(image, xyxy[score >= _SURE], xyxy[score < _SURE])


def label_video(video: Path, every: int, weights: Path, most: int = MOST_FRAMES) -> list[LabelledFrame]:
    """Every so many frames of a video, labelled; of a long one at most `most`, evenly.

    Raises:
        InputError: a video or weights that cannot be read.
    """
    teacher: Teacher | None = None
    labelled: list[LabelledFrame] = []
    with open_source(str(video), stride=every) as source:
        step = max(math.ceil((source.frames or 0) / most), 1)
        for number, frame in enumerate(source):
            if number % step == 0 and len(labelled) == most:
                # The header said nothing, or too little.
                labelled, step = labelled[::2], 2 * step
            if number % step == 0:
                teacher = teacher or Teacher(weights, max(frame.image.shape[:2]))
                labelled.append(teacher(frame.image))
    return labelled


def _mirrored(xyxy: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    return np.stack([width - xyxy[:, 2], xyxy[:, 1], width - xyxy[:, 0], xyxy[:, 3]], axis=1)


def _surest(xyxy: NDArray[np.float32], score: NDArray[np.float32]) -> list[int]:
    """Rows of boxes that overlap no surer one that stays."""
    kept: list[int] = []
    for row in np.argsort(-score, kind="stable").tolist():
        if not kept or iou_xyxy(xyxy[row : row + 1], xyxy[kept]).max() < _SAME:
            kept.append(row)
    return kept

"""Tracks on the frame: boxes coloured by id, trails, and labels that stay readable."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.id_colours import colour_of
from remix_track.settings import check, setting
from remix_track.trackers.drawing.label import find_place, label_mask, stamp
from remix_track.trackers.drawing.shapes import around, draw_masks, draw_skeletons
from remix_track.trackers.frame import TrackedFrame

# Bounds a trail's memory where the frame rate is very high, and its life where the source has no clock.
_TRAIL_POINTS = 256
_MOST_LABELS = 300
_SHIFT = 3


@dataclass(frozen=True, slots=True)
class DrawingSettings:
    """What is drawn.

    Attributes:
        boxes: the outline of each person; thin where a track coasts without a detection.
        masks: the segmentation mask of each person, of detectors that give them.
        skeletons: the keypoints of each person and what joins them, likewise.
        labels: the id, on a ground of the id's colour; of a person whom a store knows, the name or number there.
        class_names: what it is before the id, where several classes are tracked.
        scores: the detection's confidence behind the id.
        trails: the path of each person's feet.
        trail_seconds: how much of the path is shown.
        line_width: of the boxes in pixels; 0 fits it to the image.
        text_size: of the labels in pixels; 0 fits it to the image.
    """

    boxes: bool = setting(True, "outline each person")
    masks: bool = setting(True, "fill each person's mask, where the detector gives masks")
    skeletons: bool = setting(True, "draw each person's keypoints, where the detector gives them")
    labels: bool = setting(True, "write each person's id")
    class_names: bool = setting(True, "write what each is, where several classes are tracked")
    scores: bool = setting(True, "write the detection's confidence behind the id")
    trails: bool = setting(True, "draw the path of each track")
    trail_seconds: float = setting(2.0, "seconds of the path that are drawn", low=0, high=3600)
    line_width: int = setting(0, "of the boxes, in pixels; 0 fits it to the image", low=0, high=100)
    text_size: int = setting(0, "of the labels, in pixels; 0 fits it to the image", low=6, high=200, besides=0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(slots=True)
class _Trail:
    points: deque[tuple[float, float, float]]  # time, x, y
    index: int


class Drawer:
    """Draws frame after frame of one video; it remembers where the people walked, for as long as a trail lasts."""

    def __init__(self, settings: DrawingSettings | None = None, class_names: Mapping[int, str] | None = None) -> None:
        """Start without trails; with `class_names` a label says what it is, not only which."""
        self._settings = settings or DrawingSettings()
        self._names = (class_names or {}) if self._settings.class_names else {}
        self._trails: dict[int, _Trail] = {}
        self._last: tuple[TrackedFrame, NDArray[np.uint8]] | None = None

    def draw(self, frame: TrackedFrame) -> NDArray[np.uint8]:
        """A copy (H, W, 3) uint8 BGR of the frame's image with its people on it.

        Asked for the same frame again (by the video and by the window), it gives the same image.
        """
        if self._last is not None and self._last[0] is frame:
            return self._last[1]
        image = frame.image.copy()
        if self._last is not None and self._last[1].shape != image.shape:
            self._trails.clear()  # they are in pixels of images of another size
        height, width = image.shape[:2]
        line = self._line_width(width, height)
        # Far outside the image nothing shows, and OpenCV's integers have room.
        limit = np.array([width, height, width, height])
        boxes = np.rint(np.clip(frame.xyxy, -limit, 2 * limit)).astype(np.int64)
        if self._settings.trails:
            self._follow(frame, boxes)
            self._draw_trails(image, frame.image, line)
        # The nearer people are, the lower they stand in the image: they are drawn over those behind them.
        order = np.argsort(boxes[:, 3], kind="stable")
        if self._settings.masks:
            draw_masks(image, frame, order.tolist(), line)
        if self._settings.boxes:
            _draw_boxes(image, frame, boxes, order, line)
        if self._settings.skeletons:
            draw_skeletons(image, frame, order.tolist(), line)
        if self._settings.labels:
            self._draw_labels(image, frame, boxes, order[::-1][:_MOST_LABELS])
        self._last = (frame, image)
        return image

    def _line_width(self, width: int, height: int) -> int:
        return self._settings.line_width or max(1, round(math.sqrt(width * height) / 420))

    def _text_size(self, width: int, height: int) -> int:
        # Less than in proportion: on a large image the eye sees more detail. 13 at 768x576, 20 at 1080p, 31 at 4K.
        return self._settings.text_size or max(9, round(0.26 * (width * height) ** 0.3))

    def _follow(self, frame: TrackedFrame, boxes: NDArray[np.int64]) -> None:
        for id_, (left, _, right, bottom) in zip(frame.ids.tolist(), boxes.tolist(), strict=True):
            trail = self._trails.setdefault(id_, _Trail(deque(maxlen=_TRAIL_POINTS), frame.index))
            trail.points.append((frame.time, (left + right) / 2, bottom))
            trail.index = frame.index
        start = frame.time - self._settings.trail_seconds
        for id_, trail in list(self._trails.items()):
            while trail.points and trail.points[0][0] < start:
                trail.points.popleft()
            if not trail.points or frame.index - trail.index > _TRAIL_POINTS:
                del self._trails[id_]

    def _draw_trails(self, image: NDArray[np.uint8], bare: NDArray[np.uint8], line: int) -> None:
        """A little transparent, so that the ground shows through, and thinner the older they are."""
        import cv2

        paths = {id_: _smooth(trail.points) for id_, trail in self._trails.items() if len(trail.points) > 1}
        if not paths:
            return
        area = around(np.concatenate(list(paths.values())), line + 3, image)
        if area is None:
            return
        for id_, path in paths.items():
            points = np.rint(path * 2**_SHIFT).astype(np.int32)
            for width, part in _tapered(points, line + 2):
                cv2.polylines(image, [part], False, colour_of(id_), width, cv2.LINE_AA, _SHIFT)
        cv2.addWeighted(image[area], 0.75, bare[area], 0.25, 0, dst=image[area])

    def _draw_labels(
        self, image: NDArray[np.uint8], frame: TrackedFrame, boxes: NDArray[np.int64], order: NDArray[np.intp]
    ) -> None:
        """The nearest people choose first where their label goes."""
        height, width = image.shape[:2]
        size = self._text_size(width, height)
        # The outline reaches half its width beyond the box; labels end where it does.
        outer = boxes + self._line_width(width, height) // 2 * np.array([-1, -1, 1, 1])
        taken = np.empty((len(order), 4), np.int64)
        for done, row in enumerate(order.tolist()):
            id_ = int(frame.ids[row])
            number = id_ if frame.numbers is None else int(frame.numbers[row])
            shown = str((frame.people or {}).get(id_, number))
            mask = label_mask(self._text(shown, int(frame.class_ids[row]), float(frame.scores[row])), size)
            label = (mask.shape[1], mask.shape[0])
            left, top = find_place(label, outer[row], taken[:done], (width, height))
            taken[done] = left, top, left + label[0], top + label[1]
            stamp(image, mask, (left, top), colour_of(id_))

    def _text(self, shown: str, class_id: int, score: float) -> str:
        name = self._names.get(class_id, "")
        parts = [name, shown] if name else [shown]
        if self._settings.scores and not math.isnan(score):
            parts.append(f" {score:.2f}")
        return " ".join(parts)


def _draw_boxes(
    image: NDArray[np.uint8], frame: TrackedFrame, boxes: NDArray[np.int64], order: NDArray[np.intp], line: int
) -> None:
    import cv2

    for row in order.tolist():
        left, top, right, bottom = boxes[row].tolist()
        width = max(1, line // 2) if math.isnan(frame.scores[row]) else line
        cv2.rectangle(image, (left, top), (right, bottom), colour_of(int(frame.ids[row])), width)


def _smooth(points: deque[tuple[float, float, float]]) -> NDArray[np.float64]:
    """The path (N, 2) without the trembling of the boxes: a mean over five points, the ends kept where they are."""
    path = np.array(points)[:, 1:]
    if len(path) < 5:
        return path
    padded = np.concatenate([path[:1], path[:1], path, path[-1:], path[-1:]])
    sums = np.cumsum(np.concatenate([np.zeros((1, 2)), padded]), axis=0)
    mean: NDArray[np.float64] = (sums[5:] - sums[:-5]) / 5
    mean[0], mean[-1] = path[0], path[-1]
    return mean


def _tapered(points: NDArray[np.int32], width: int) -> list[tuple[int, NDArray[np.int32]]]:
    """The path in `width` parts that touch, each a pixel wider than the one before."""
    cuts = np.linspace(0, len(points) - 1, width + 1).round().astype(int)
    return [(step + 1, points[cuts[step] : cuts[step + 1] + 1]) for step in range(width) if cuts[step] < cuts[step + 1]]

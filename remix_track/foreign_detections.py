"""One frame's detections as other packages hold them -> `Detections`; told by their attributes, none is imported."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from remix_track.arrays import numbers
from remix_track.detections import Detections
from remix_track.errors import InputError

ACCEPTED = (
    "give remix_track.Detections(xyxy, score, class_id), supervision.Detections, Results of ultralytics, a dict of "
    "torchvision with boxes, scores and labels, or an array (N, 6) of x1, y1, x2, y2, score, class"
)


def detections_of(given: Any) -> Detections:
    """What a detector of any package found in one frame; rows keep their order.

    Args:
        given: one of

            - `Detections`, which are handed back as they are;
            - `supervision.Detections`, with `mask`, and `data["keypoints"]`, where they have them; where they have no
              confidence each counts as 1, where no class as class 0;
            - `Results` of ultralytics with their masks and keypoints, or `Boxes`; of turned boxes (OBB) the upright
              boxes around them;
            - the dict of torchvision's (and transformers') detectors: `boxes` (N, 4), `scores` (N,), `labels` (N,), and
              `masks` (N, 1, H, W) and `keypoints` (N, K, 3) where it has them;
            - numbers (N, 6) `x1, y1, x2, y2, score, class`, or (N, 5) without a class, which is 0 then: an array, a
              tensor or lists; empty in any shape;
            - a list with one of these that is no list of numbers, as models of one image give it.

    Raises:
        InputError: none of these, or values that `Detections` refuses.
    """
    if isinstance(given, Detections):
        return given
    if isinstance(given, list | tuple) and len(given) == 1 and _is_of_a_package(given[0]):
        given = given[0]
    if isinstance(given, Mapping) and {"boxes", "scores", "labels"} <= given.keys():
        boxes, shapes = given["boxes"], _mask_of_torchvision(given.get("masks"))
        return Detections(boxes, given["scores"], given["labels"], mask=shapes, keypoints=given.get("keypoints"))
    if hasattr(given, "xyxy") and hasattr(given, "confidence"):
        count = len(given.xyxy)
        score, number = _or(given.confidence, 1, count), _or(given.class_id, 0, count)
        mask, data = getattr(given, "mask", None), getattr(given, "data", None)
        keypoints = data.get("keypoints") if isinstance(data, Mapping) else None
        return Detections(given.xyxy, score, number, mask=mask, keypoints=keypoints)
    boxes = _boxes_of_ultralytics(given)
    if boxes is not None:
        masks, points = getattr(given, "masks", None), getattr(given, "keypoints", None)
        mask = None if masks is None else masks.xy
        return Detections(boxes.xyxy, boxes.conf, boxes.cls, mask=mask, keypoints=getattr(points, "data", None))
    return _rows(given)


def _is_of_a_package(given: Any) -> bool:
    """Whether this is no row of numbers."""
    return isinstance(given, Mapping) or any(hasattr(given, name) for name in ("boxes", "xyxy"))


def _or(values: Any, value: float, count: int) -> Any:
    return np.full(count, value) if values is None else values


def _mask_of_torchvision(masks: Any) -> Any:
    """Rasters (N, H, W) of (N, 1, H, W); anything else stays as it is."""
    return masks[:, 0] if getattr(masks, "ndim", 0) == 4 and masks.shape[1] == 1 else masks


def _boxes_of_ultralytics(given: Any) -> Any:
    """What has `xyxy`, `conf` and `cls`: the object itself, or its `boxes` or turned boxes; None without."""
    for one in (given, getattr(given, "boxes", None), getattr(given, "obb", None)):
        if all(hasattr(one, name) for name in ("xyxy", "conf", "cls")):
            return one
    return None


def _rows(given: Any) -> Detections:
    # Texts and mappings are iterable too; what is no array of its own is taken where it is a list.
    if not (isinstance(given, list | tuple) or hasattr(given, "__array__") or hasattr(given, "detach")):
        raise _refused(f"of type {type(given).__name__}")
    try:
        rows = numbers(given, "detections")
    except InputError as error:
        raise InputError(f"{error}; {ACCEPTED}") from None
    if not rows.size:
        return Detections.empty()
    if rows.ndim != 2 or rows.shape[1] not in (5, 6):
        raise _refused(f"{rows.shape} {rows.dtype}")
    return Detections(rows[:, :4], rows[:, 4], rows[:, 5] if rows.shape[1] == 6 else np.zeros(len(rows)))


def _refused(what: str) -> InputError:
    return InputError(f"detections is {what}; {ACCEPTED}")

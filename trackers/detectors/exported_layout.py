"""How the output of an exported detector is to be read: which columns are boxes, scores, classes; or that it cannot."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.trackers.detectors.exported_facts import TASKS, ExportedFacts, Task

Kind = Literal["by class", "transposed", "picked"]
"""`by class`: (columns, boxes), a score for each class; `transposed`: (boxes, columns) of the same; `picked`: (boxes,
columns), one score and one class for each box, which do not overlap."""
_LARGEST_SHARE = 2.0
"""Boxes none of whose numbers is larger are shares of the image: in pixels they would lie in its first corner."""
_KEYPOINT_VALUES = 51
"""Of the 17 keypoints of COCO, where a model does not say how many."""
_MASK_VALUES = 32
"""Columns for the mask of one person, in all of ultralytics' models."""
_DOUBTFUL = {6: "of 2 classes or of 1 class of turned boxes", 56: "of 52 classes or of 1 class with 17 keypoints"}
"""Columns that do not tell the task where the file gives neither task nor names."""
_REMEDY = "export it with ultralytics, which notes task and names in the file"
KNOWN = (
    "known are YOLO and RT-DETR of ultralytics, (1, columns, boxes) or (1, boxes, columns) and masks; RT-DETR, D-FINE "
    "and RF-DETR with boxes and classes apart; YOLOX; YOLOv5"
)
"""The exports that are read, for messages."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where boxes, scores and classes lie in the output for one image.

    Attributes:
        task: of the model.
        kind: of the output.
        names: how many classes it has; None where it picks boxes and does not say.
        columns: numbers for each box.
        centred: boxes are x and y of the centre, width, height; not two corners.
        shares: boxes are shares of the input, not pixels; None where no box was seen yet.
        transformer: frames are stretched to the input, not letterboxed, and boxes do not overlap.
        keypoints: how many there are, and of how many numbers (2 or 3) each; None: none.
        assumed: what the file does not say and was concluded, in a few words; empty where it says all.
    """

    task: Task
    kind: Kind
    names: int | None
    columns: int
    centred: bool
    shares: bool | None
    transformer: bool
    keypoints: tuple[int, int] | None = None
    assumed: str = ""


def layout_of(
    weights: Path, facts: ExportedFacts, outputs: Sequence[NDArray[np.float32]], task: Task | None = None
) -> Layout:
    """The layout that fits the notes of a model and what it gave for one image.

    Args:
        weights: the file, for messages.
        facts: its notes.
        outputs: what it gave.
        task: that the user names, for files that do not say theirs.

    Raises:
        InputError: no layout, or more than one, fits; or the file says another task.
    """
    if task and facts.task not in (None, task):
        raise InputError(f"{weights}: its task is {facts.task}, not {task}; leave `detector_task` out")
    facts = replace(facts, task=facts.task or task)
    boxes, masks = _boxes_and_masks(weights, outputs)
    tasks: Sequence[Task] = (facts.task,) if facts.task else TASKS
    found = [(one, kind) for one in tasks if (kind := _kind(one, facts, boxes, masks))]
    if facts.task is None and facts.names is None:
        # So many columns could as well be those of another task with fewer classes.
        found = found[:1]
    if not found:
        remedy = _REMEDY if facts.task else f"{KNOWN}; {_REMEDY}"
        raise InputError(f"{weights}: gives {shapes_of(outputs)}, {_unfit(facts, masks)}; {remedy}")
    doubt = _doubt(facts, boxes.shape[1], found)
    if doubt:
        raise InputError(
            f"{weights}: does not say its task, and gives {shapes_of(outputs)}, which may be {doubt}; "
            f"say which with `detector_task` {' or '.join(TASKS)}"
        )
    return _layout(*found[0], facts, boxes, masks)


def shapes_of(outputs: Sequence[NDArray[np.float32]]) -> str:
    """For messages: `(1, 84, 8400)`."""
    return " and ".join(str(tuple(one.shape)) for one in outputs[:6])


def are_shares(boxes: NDArray[np.float32]) -> bool | None:
    """Whether boxes (N, 4) are shares of the image, not pixels; None where there is none."""
    largest = np.abs(boxes[np.isfinite(boxes).all(axis=1)]).max(initial=0)
    return bool(largest <= _LARGEST_SHARE) if largest > 0 else None


def _boxes_and_masks(weights: Path, outputs: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], int]:
    """The one output with boxes, and the channels of the one with masks; 0 without one."""
    boxes = [one for one in outputs if one.ndim == 3]
    masks = [one for one in outputs if one.ndim == 4]
    if len(boxes) != 1 or len(masks) > 1 or len(outputs) > len(boxes) + len(masks):
        raise InputError(f"{weights}: gives {shapes_of(outputs)}; {KNOWN}; {_REMEDY}")
    return boxes[0], masks[0].shape[1] if masks else 0


def _kind(task: Task, facts: ExportedFacts, boxes: NDArray[np.float32], masks: int) -> Kind | None:
    """How an output is to be read, if it can be that of a task."""
    _, first, last = boxes.shape
    extra = _extra(task, facts, boxes, masks)
    if extra is None:
        return None
    if last == 6 + extra and (facts.picks or _are_classes(boxes[0, :, 5])):
        return "picked"
    if _classes(facts, first - extra) and not facts.transformer and (facts.names or first < last):
        return "by class"
    # Only transformers are known to give (boxes, columns); YOLOv5 did too, with a column for any object at all.
    told = facts.transformer or (facts.task and facts.names) or are_shares(boxes[0, :, :4])
    if _classes(facts, last - extra) and told:
        return "transposed"
    return None


def _extra(task: Task, facts: ExportedFacts, boxes: NDArray[np.float32], masks: int) -> int | None:
    """The columns that a task has beside box and scores; None if the outputs cannot be its own."""
    if task == "segment" and facts.task == "segment":
        # Masks are not used, and may have been cut off.
        return masks or _MASK_VALUES
    if bool(masks) != (task == "segment"):
        return None
    if task != "pose" or facts.keypoint_values:
        return {"detect": 0, "segment": masks, "obb": 1, "pose": facts.keypoint_values}[task]
    if facts.task is None:
        return _KEYPOINT_VALUES
    _, first, last = boxes.shape
    picked = 6 < last < first and _are_classes(boxes[0, :, 5])
    rest = min(first, last) - (6 if picked else 4 + len(facts.names or [""]))
    return rest if rest >= 4 and (rest % 2 == 0 or rest % 3 == 0) else None


def _classes(facts: ExportedFacts, columns: int) -> int:
    """How many classes there are with so many columns of box and scores; 0 where that cannot be."""
    if facts.names is not None and columns != 4 + len(facts.names):
        return 0
    return max(columns - 4, 0)


def _are_classes(column: NDArray[np.float32]) -> bool:
    """Whether numbers are those of classes: the scores of all boxes are never all whole."""
    return bool((column == np.round(column)).all())


def _doubt(facts: ExportedFacts, columns: int, found: Sequence[tuple[Task, Kind]]) -> str:
    if len(found) > 1:
        return " or ".join(task for task, _ in found)
    unknown = facts.task is None and facts.names is None and found[0][1] == "by class"
    return _DOUBTFUL.get(columns, "") if unknown else ""


def _layout(task: Task, kind: Kind, facts: ExportedFacts, boxes: NDArray[np.float32], masks: int) -> Layout:
    rows = boxes[0].T if kind == "by class" else boxes[0]
    shares = are_shares(rows[:, :4])
    transformer = facts.transformer or bool(shares and task == "detect" and kind != "by class" and not facts.picks)
    # Ordered corners in every row are no accident; width and height are mostly less than the place of the centre.
    ordered = bool((rows[:, 2:4] >= rows[:, :2]).all())
    extra = _extra(task, facts, boxes, masks) or 0
    counted = None if kind == "picked" else rows.shape[1] - 4 - extra
    names = len(facts.names) if facts.names else counted
    return Layout(
        task=task,
        kind=kind,
        names=names,
        columns=rows.shape[1],
        centred=kind != "picked" or task == "obb" or facts.transformer or (transformer and not ordered),
        shares=shares,
        transformer=transformer,
        keypoints=(facts.keypoints or _divided(extra)) if task == "pose" else None,
        assumed=_assumed(task, names, facts, transformer=transformer),
    )


def _divided(values: int) -> tuple[int, int]:
    """How many keypoints so many numbers are: with a confidence, where they can be."""
    return (values // 3, 3) if values % 3 == 0 else (values // 2, 2)


def _assumed(task: Task, names: int | None, facts: ExportedFacts, *, transformer: bool) -> str:
    concluded = [] if facts.task else [f"task {task}"]
    if facts.names is None:
        concluded.append(f"{names or 'unknown'} class{'' if names == 1 else 'es'}")
    if transformer and not facts.transformer:
        concluded.append("RT-DETR, as its boxes are shares of the image")
    return ", ".join(concluded)


def _unfit(facts: ExportedFacts, masks: int) -> str:
    """What was expected instead of an output that fits nothing."""
    names = "unknown names" if facts.names is None else f"{len(facts.names)} name{'s' * (len(facts.names) > 1)}"
    if facts.task is None:
        return f"which fits no task with {names}"
    known = {"segment": masks or _MASK_VALUES, "obb": 1, "pose": facts.keypoint_values or _KEYPOINT_VALUES}
    extra = known.get(facts.task, 0)
    columns = "columns" if facts.names is None else str(4 + len(facts.names) + extra)
    return (
        f"which does not fit task {facts.task} with {names}: that is (1, {columns}, boxes), (1, boxes, {columns}) or "
        f"(1, boxes, {6 + extra})"
    )

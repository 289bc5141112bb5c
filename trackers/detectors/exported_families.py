"""Families of exported detectors: how each wants its images, and how its outputs become those of ultralytics.

RT-DETR and RF-DETR give boxes and classes apart, YOLOX and YOLOv5 a score for any object beside those for classes.
What such a network gives is turned into what `exported_layout` reads: (1, columns, boxes) or (1, boxes, columns).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.trackers.detectors.coco_names import CATEGORIES, NAMES
from remix_track.trackers.detectors.exported_facts import ExportedFacts, Family
from remix_track.trackers.detectors.exported_layout import KNOWN, shapes_of

Outputs = Mapping[str, NDArray[np.float32]]
"""What a network gave, by the names that its file has for it, in its order."""
Decoder = Callable[[Outputs, tuple[int, int]], list[NDArray[np.float32]]]
"""Of outputs and the height and width of their image: what a network of ultralytics would have given."""

_STRIDES, _MORE_STRIDES = (8, 16, 32), (8, 16, 32, 64)
_MOST_QUERIES = 10_000
"""With masks: a weight for each of their pairs is written down."""
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a family wants an image.

    Attributes:
        fit: `centre`: letterboxed with grey on both sides; `corner`: with grey at the right and below; `stretched`.
        bgr: channels in OpenCV's order, not RGB.
        scale: that pixels are divided by.
        mean, std: of channels after that, in the network's order.
    """

    fit: Literal["centre", "corner", "stretched"] = "centre"
    bgr: bool = False
    scale: float = 255.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


PREPARATIONS: Mapping[Family, Preparation] = {
    "ultralytics": Preparation(),
    "rt-detr": Preparation("stretched"),
    "rf-detr": Preparation("stretched", mean=_IMAGENET[0], std=_IMAGENET[1]),
    "yolox": Preparation("corner", bgr=True, scale=1.0),
    "yolov5": Preparation(),
}


def family_of(
    weights: Path, facts: ExportedFacts, outputs: Outputs, sides: tuple[int, int], asked: Family | None
) -> Family:
    """The family of a network, by the names and shapes of its outputs where neither the user nor the file says it.

    Args:
        weights: the file, for messages.
        facts: its notes.
        outputs: what it gave for an image.
        sides: height and width of that image.
        asked: that the user names.

    Raises:
        InputError: boxes and classes apart that may be of two families, or outputs that are not of the one asked for.
    """
    chosen = asked or facts.family or _recognised(weights, facts, outputs, sides)
    if chosen != "ultralytics" and not _fits(chosen, facts, outputs, sides):
        raise InputError(f"{weights}: gives {_shown(outputs)}, which is no {chosen}; {KNOWN}")
    return chosen


def _recognised(weights: Path, facts: ExportedFacts, outputs: Outputs, sides: tuple[int, int]) -> Family:
    if _apart(outputs) is not None:
        names = set(outputs)
        if names >= {"dets", "labels"}:
            return "rf-detr"
        if names >= {"logits", "pred_boxes"}:
            return "rt-detr"
        raise InputError(
            f"{weights}: gives boxes and classes apart, {_shown(outputs)}, and does not say of which family; say it "
            "with `detector_family` rt-detr or rf-detr"
        )
    if _picks_apart(outputs) is not None:
        return "rt-detr"
    # Ultralytics notes a task; where the columns fit its own layout, it is that.
    if facts.task is None and not facts.transformer:
        return next((one for one in ("yolox", "yolov5") if _fits(one, facts, outputs, sides)), "ultralytics")
    return "ultralytics"


def _fits(family: Family, facts: ExportedFacts, outputs: Outputs, sides: tuple[int, int]) -> bool:
    if family in ("rt-detr", "rf-detr"):
        return _apart(outputs) is not None or (family == "rt-detr" and _picks_apart(outputs) is not None)
    boxes = _boxes(outputs)
    anchors = 1 if family == "yolox" else 3
    return (
        boxes is not None
        and boxes.shape[2] > 5
        and (facts.names is None or boxes.shape[2] == 5 + len(facts.names))
        and any(boxes.shape[1] == anchors * len(_grid(sides, strides)) for strides in (_STRIDES, _MORE_STRIDES))
    )


def decoder(
    family: Family, facts: ExportedFacts, outputs: Outputs, sides: tuple[int, int]
) -> tuple[Decoder, ExportedFacts]:
    """What turns outputs (and the height and width of their image) into ultralytics' own, and the facts that fit then.

    Args:
        family: of the network.
        facts: its notes.
        outputs: what it gave for an image.
        sides: height and width of that image.
    """
    if family in ("rt-detr", "rf-detr"):
        if _apart(outputs) is None:
            return _picked, replace(facts, task="detect", picks=True, transformer=True)
        _, logits, masks = _three(outputs)
        names = facts.names or _published(logits.shape[2])
        if facts.names and logits.shape[2] == len(facts.names) + 1:
            # The last one of RF-DETR is for no object, and not trained.
            return _without_last, replace(facts, task=_task(masks), transformer=True)
        return _queries, replace(facts, names=names, task=_task(masks), transformer=True)
    (rows,) = outputs.values()
    named = replace(facts, task="detect", names=facts.names or _published(rows.shape[2] - 5))
    return (_raw_grid if family == "yolox" and _is_raw(rows[0], sides) else _decoded), named


def _task(masks: NDArray[np.float32] | None) -> Literal["detect", "segment"]:
    return "detect" if masks is None else "segment"


def _published(count: int) -> dict[int, str] | None:
    """COCO's names for as many classes as its published models have; None for others."""
    if count == len(NAMES):
        return dict(enumerate(NAMES))
    # Numbered as COCO does, where some numbers are free.
    return {number: CATEGORIES.get(number, f"class{number}") for number in range(91)} if count == 91 else None


def _boxes(outputs: Outputs) -> NDArray[np.float32] | None:
    """The one output, if it is (1, boxes, columns) or the like."""
    (*some,) = outputs.values()
    return some[0] if len(some) == 1 and some[0].ndim == 3 else None


def _apart(outputs: Outputs) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Boxes (1, Q, 4) and logits (1, Q, classes), in either order; None where there are none such."""
    flat = [one for one in outputs.values() if one.ndim == 3]
    others = [one for one in outputs.values() if one.ndim != 3]
    if len(flat) != 2 or len(others) > 1 or flat[0].shape[1] != flat[1].shape[1]:
        return None
    if any(one.ndim != 4 or one.shape[1] != flat[0].shape[1] for one in others):
        return None
    places = [index for index, one in enumerate(flat) if one.shape[2] == 4]
    # Of two with four columns the first is the boxes, unless a name says otherwise.
    named = [index for index, name in enumerate(_flat_names(outputs)) if name in ("dets", "pred_boxes", "boxes")]
    place = next(iter([*named, *places]), 0)
    return (flat[place], flat[1 - place]) if flat[place].shape[2] == 4 else None


def _flat_names(outputs: Outputs) -> list[str]:
    return [name for name, one in outputs.items() if one.ndim == 3]


def _three(outputs: Outputs) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None]:
    """Boxes, logits, and masks (1, Q, h, w), where there are some."""
    found = _apart(outputs)
    if found is None:
        raise InputError(f"gives {_shown(outputs)}, other outputs than before; export it again")
    return *found, next((one for one in outputs.values() if one.ndim == 4), None)


def _queries(outputs: Outputs, _: tuple[int, int]) -> list[NDArray[np.float32]]:
    """(1, Q, 4 + classes), the logits as scores; with masks each query is the one weight of its own mask."""
    boxes, logits, masks = _three(outputs)
    rows = np.concatenate([boxes, _sigmoid(logits)], axis=2)
    if masks is None:
        return [rows]
    if rows.shape[1] > _MOST_QUERIES:
        raise InputError(f"gives {rows.shape[1]:,} masks, more than {_MOST_QUERIES:,}; export it with fewer queries")
    own = np.eye(rows.shape[1], dtype=np.float32)[None]
    return [np.concatenate([rows, own], axis=2), masks]


def _without_last(outputs: Outputs, sides: tuple[int, int]) -> list[NDArray[np.float32]]:
    boxes, logits, masks = _three(outputs)
    more = {} if masks is None else {"masks": masks}
    return _queries({"boxes": boxes, "logits": logits[:, :, :-1], **more}, sides)


def _picks_apart(outputs: Outputs) -> tuple[NDArray[np.float32], ...] | None:
    """Classes (1, Q), boxes (1, Q, 4) and scores (1, Q), as RT-DETR's own export and D-FINE's give them."""
    known = [outputs.get(name) for name in ("labels", "boxes", "scores")]
    labels, boxes, scores = known
    if len(outputs) != 3 or labels is None or boxes is None or scores is None:
        return None
    fits = boxes.ndim == 3 and boxes.shape[2] == 4 and labels.shape == scores.shape == boxes.shape[:2]
    return (labels, boxes, scores) if fits else None


def _picked(outputs: Outputs, _: tuple[int, int]) -> list[NDArray[np.float32]]:
    """(1, Q, 6): centre, width, height, score, class."""
    found = _picks_apart(outputs)
    if found is None:
        raise InputError(f"gives {_shown(outputs)}, other outputs than before; export it again")
    labels, boxes, scores = found
    centred = np.concatenate([(boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]], axis=2)
    return [np.concatenate([centred, scores[..., None], labels[..., None]], axis=2)]


def _decoded(outputs: Outputs, _: tuple[int, int]) -> list[NDArray[np.float32]]:
    """(1, 4 + classes, N): the score for any object times those for classes."""
    (rows,) = outputs.values()
    return [np.concatenate([rows[:, :, :4], rows[:, :, 4:5] * rows[:, :, 5:]], axis=2).transpose(0, 2, 1)]


def _raw_grid(outputs: Outputs, sides: tuple[int, int]) -> list[NDArray[np.float32]]:
    """The same of boxes that are relative to their cell: offsets in cells, logarithms of width and height."""
    (rows,) = outputs.values()
    grid = _grid_of(rows.shape[1], sides)
    with np.errstate(over="ignore"):
        size = np.exp(rows[:, :, 2:4]) * grid[:, 2:]
    boxes = np.concatenate([(rows[:, :, :2] + grid[:, :2]) * grid[:, 2:], size], axis=2)
    return _decoded({"output": np.concatenate([boxes, rows[:, :, 4:]], axis=2)}, sides)


def _is_raw(rows: NDArray[np.float32], sides: tuple[int, int]) -> bool:
    """Whether centres are nearer to 0 than to their cells: those of a decoded box lie near its cell, in pixels."""
    grid = _grid_of(len(rows), sides)
    to_cells = np.abs(rows[:, :2] / grid[:, 2:] - grid[:, :2]).mean()
    return bool(np.abs(rows[:, :2]).mean() < to_cells)


def _grid_of(count: int, sides: tuple[int, int]) -> NDArray[np.float32]:
    grid = _grid(sides, _STRIDES)
    return grid if len(grid) == count else _grid(sides, _MORE_STRIDES)


def _grid(sides: tuple[int, int], strides: Sequence[int]) -> NDArray[np.float32]:
    """(N, 3) column, row and stride of every cell, row by row, from the finest level on."""
    levels = []
    for stride in strides:
        rows, columns = np.mgrid[: sides[0] // stride, : sides[1] // stride]
        levels.append(np.stack([columns, rows, np.full_like(rows, stride)], axis=2).reshape(-1, 3))
    return np.concatenate(levels).astype(np.float32)


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def _shown(outputs: Outputs) -> str:
    """For messages: `dets (1, 300, 4) and labels (1, 300, 91)`."""
    shown = [f"{name[:20]} {shapes_of([one])}" for name, one in list(outputs.items())[:6]]
    return " and ".join("".join(letter for letter in one if letter.isprintable()) for one in shown)

"""The metadata that ultralytics writes into exported detectors: `.onnx` files and `metadata.yaml`."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from remix_track.errors import InputError, parsing
from remix_track.settings import read_toml, refuse_unknown

Task = Literal["detect", "segment", "pose", "obb"]
TASKS: tuple[Task, ...] = get_args(Task)
Family = Literal["ultralytics", "rt-detr", "rf-detr", "yolox", "yolov5"]
FAMILIES: tuple[Family, ...] = get_args(Family)
_KEYS = ("family", "task", "names", "kpt_shape", "stride", "end2end")
_LONGEST_NOTE, _MOST_CLASSES, _LARGEST_STRIDE = 1_000_000, 100_000, 1024


@dataclass(frozen=True, slots=True)
class ExportedFacts:
    """A detector's notes about itself; None where they do not say.

    Attributes:
        task: what it was trained for.
        names: of the classes, by their number.
        keypoints: of one person, and the numbers (2 or 3) of each: 17 and 3 for COCO's.
        stride: that the sides of its input are multiples of.
        picks: it gives boxes without overlaps, one row each with a score and a class.
        family: that it belongs to; see `exported_families`.
        transformer: an RT-DETR, which looks at frames that are stretched to its input, not letterboxed.
    """

    task: Task | None = None
    names: dict[int, str] | None = None
    keypoints: tuple[int, int] | None = None
    stride: int = 32
    picks: bool = False
    transformer: bool = False
    family: Family | None = None

    @property
    def keypoint_values(self) -> int | None:
        """Numbers for the keypoints of one person."""
        return self.keypoints and self.keypoints[0] * self.keypoints[1]


def facts_of(weights: Path, notes: Mapping[str, Any]) -> ExportedFacts:
    """The facts in the notes of a file from outside, texts (`.onnx`) or plain values (YAML).

    Raises:
        InputError: notes that cannot be read, or a task that gives no boxes, such as `classify`.
    """
    with parsing(weights, "the notes of a detector", "export it again"):
        task = notes.get("task")
        if task is not None and task not in TASKS:
            raise InputError(f"{weights}: {no_boxes(str(task))}")
        family = notes.get("family")
        if family is not None and family not in FAMILIES:
            raise InputError(f"{weights}: family {printable(str(family))[:40]!r} is none of {', '.join(FAMILIES)}")
        arguments = _value(notes, "args")
        head, description = str(notes.get("head", "")), str(notes.get("description", "")).lower()
        transformer = "RTDETR" in head or "rtdetr" in description or "rt-detr" in description
        return ExportedFacts(
            # All that RT-DETR does is to detect.
            task=task or ("detect" if transformer else None),
            names=_names(_value(notes, "names")),
            keypoints=_keypoints(_value(notes, "kpt_shape")),
            stride=_stride(_value(notes, "stride")),
            picks=bool(_value(notes, "end2end")) or (isinstance(arguments, dict) and bool(arguments.get("nms"))),
            transformer=transformer and task in (None, "detect"),
            family=family,
        )


def side_notes(weights: Path) -> dict[str, Any]:
    """What `NAME.toml` beside `NAME.onnx` says of a file that does not say it itself; nothing where there is none.

    Raises:
        InputError: not TOML, or an unknown key.
    """
    path = weights.with_suffix(".toml")
    if weights.is_dir() or not path.is_file():
        return {}
    notes = read_toml(path)
    refuse_unknown(notes, _KEYS, str(path))
    return notes


def no_boxes(task: str) -> str:
    """Why a model with another task is no detector."""
    return f"its task is {printable(task)[:40] or 'unknown'}, not to detect; give a YOLO detector"


def printable(text: str) -> str:
    """A text from outside without its control characters."""
    return "".join(character for character in text if character.isprintable())


def line_of(error: Exception) -> str:
    """An error in one short line of plain text; it may quote a hostile file."""
    text = " ".join(str(error).encode("ascii", "ignore").decode().split()).removeprefix("ERROR ")
    return printable(text)[:160] or type(error).__name__


def _value(notes: Mapping[str, Any], key: str) -> Any:
    value = notes.get(key)
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST_NOTE:
        raise ValueError(f"{key} is longer than {_LONGEST_NOTE:,} characters")
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return json.loads(value)  # converters of their own write `true` and `null`


def _names(value: Any) -> dict[int, str] | None:
    if value is None or (isinstance(value, dict | list | tuple) and not value):
        return None
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    names: dict[int, str] = {}
    for number, name in pairs:
        # Text of anything else than a name may grow without end: YAML can hold a list of lists that are all the same.
        if not isinstance(number, int | str) or not isinstance(name, str | int | float):
            raise ValueError("its names are not numbers and texts")
        names[int(number)] = printable(str(name))[:40]
    if len(names) > _MOST_CLASSES or sorted(names) != list(range(len(names))):
        raise ValueError(f"its {len(names)} names are not numbered from 0")
    return names


def _keypoints(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    points, numbers = value
    if not (isinstance(points, int) and numbers in (2, 3) and 1 <= points <= 10_000):
        raise ValueError("its kpt_shape is not such as [17, 3]")
    return points, int(numbers)


def _stride(value: Any) -> int:
    stride = 32 if value is None else int(value)
    if not 1 <= stride <= _LARGEST_STRIDE:
        raise ValueError(f"a stride of {stride} is outside 1..{_LARGEST_STRIDE}")
    return stride

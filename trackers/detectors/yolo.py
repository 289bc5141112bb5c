"""YOLO and other detectors: `.pt` on OpenVINO or torch, `.onnx` and OpenVINO folders on what they were exported for."""

import dataclasses
import difflib
import importlib.util
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from remix_track import openvino_runtime
from remix_track.compiled_cache import keep, recall
from remix_track.detections import Detections
from remix_track.digests import key_of, sha256_of
from remix_track.encoder.backend import is_for_gpu
from remix_track.errors import InputError
from remix_track.machine import usable_cores
from remix_track.setting_values import Limits, typed
from remix_track.trackers.detectors.detected_shapes import Found
from remix_track.trackers.detectors.detector import finite
from remix_track.trackers.detectors.exported_facts import Family, Task
from remix_track.trackers.detectors.exported_yolo import ExportedYolo
from remix_track.trackers.detectors.int8 import Frames
from remix_track.trackers.detectors.openvino_yolo import (
    DetectorPrecision,
    Look,
    OpenVinoYolo,
    WrongBoxesError,
    YoloFacts,
)
from remix_track.trackers.detectors.ultralytics_yolo import UltralyticsYolo
from remix_track.trackers.frame import Frame

DetectorBackend = Literal["auto", "torch", "openvino"]
_log = logging.getLogger(__name__)

PERSON = "person"
OPENVINO = "_openvino_model"
_SHOWN_NAMES = 12


@dataclasses.dataclass(frozen=True, slots=True)
class YoloOptions:
    """How a YOLO model works.

    Attributes:
        classes: numbers or names; none means persons, or everything if the model knows one class only.
        conf: boxes below this confidence are left out, 0..1.
        iou: boxes that overlap more are merged, 0..1.
        imgsz: longer side of the image the model works on, in pixels; a model exported with a fixed size keeps that.
        device: `cpu`, `cuda`, `cuda:1`, `mps`; None takes what is there.
        backend: what computes a `.pt` file; `auto` takes OpenVINO on a CPU if its boxes are torch's.
        precision: `float32`; `fast` for 16-bit numbers where the CPU or GPU computes with them; of OpenVINO, `int8` for
            8-bit integers where boxes stay the same, see `in_int8`, and `auto` for that where it can be made.
        threads: for one call on anything but torch; None takes the cores there are.
        task: what an exported model was trained for, where its file does not say.
        family: of an exported model, likewise; see `exported_families`.
        frames: of the source, for `int8`; None where it comes once.
        shapes: give masks and keypoints too, of models that have them.

    Raises:
        InputError: a number out of range.
    """

    classes: Sequence[int | str] = ()
    conf: float = 0.25
    iou: float = 0.7
    imgsz: int = 640
    device: str | None = None
    backend: DetectorBackend = "auto"
    precision: DetectorPrecision = "float32"
    threads: int | None = None
    task: Task | None = None
    family: Family | None = None
    frames: Frames | None = None
    shapes: bool = True

    def __post_init__(self) -> None:
        for name, value in (("conf", self.conf), ("iou", self.iou)):
            typed(value, float, name, Limits(low=0, high=1))
        typed(self.imgsz, int, "imgsz", Limits(low=32, high=8192))


class YoloDetector:
    """One YOLO model at work on one stream: it keeps state, so give each stream its own, and one thread at a time.

    The boxes are those of `ultralytics.YOLO(weights)(image, ...)` with the same options, on OpenVINO within a pixel.
    Models of keypoints and of masks give those too; models of turned boxes the upright boxes around them.

    Attributes:
        class_names: what the model can find, by class number.
        classes: the class numbers it looks for, in order; None for all.
        dropped: boxes that were not finite.
        sha256: of its file or files.
    """

    def __init__(self, weights: Path, options: YoloOptions | None = None) -> None:
        """Load the model and run it once on a black image; OpenVINO does that once for a file, and remembers.

        A `.pt` file is a pickle, which can run any program as it is read. It is read with torch's restricted reader
        and ultralytics' list of classes that models are made of; one that asks for anything else is refused.

        Args:
            weights: `.pt`, `.onnx`, or a folder whose name ends in `_openvino_model`.
            options: how it works; None: the defaults.

        Raises:
            InputError: a file that is missing, damaged, refused, or not a detection model; an output that does not fit
                what the file says of itself; a class that it does not know; a backend that cannot compute it.
        """
        options = options or YoloOptions()
        device, backend, precision, task = options.device, options.backend, options.precision, options.task
        _check_file(weights)
        self.dropped, self._shapes = 0, options.shapes
        self.sha256 = _sha256(weights)
        self._weights, self._backend = weights, backend
        cores = options.threads or usable_cores()
        as_it_is = partial(ExportedYolo, threads=cores, task=task, family=options.family)
        on_torch = partial(UltralyticsYolo, half=precision == "fast")
        kind = on_torch if weights.suffix.lower() == ".pt" else as_it_is
        self._load: Callable[[], UltralyticsYolo | ExportedYolo] = partial(
            kind, weights, conf=options.conf, iou=options.iou, imgsz=options.imgsz, device=device
        )
        self._as_it_is: UltralyticsYolo | ExportedYolo | None = None
        on_openvino = _is_for_openvino(weights, backend, device)
        if precision == "int8" and not on_openvino:
            raise InputError(f"{weights}: int8 is for .pt weights on OpenVINO; leave `detector_precision` out")
        facts = self._remembered_facts() if on_openvino else self._model().facts
        if task and task != facts.task:
            raise InputError(f"{weights}: its task is {facts.task}, not {task}; leave `detector_task` out")
        self.class_names = facts.names
        self.classes = chosen_classes(options.classes, self.class_names, weights)
        self._openvino: OpenVinoYolo | None = None
        if on_openvino and facts.task == "obb":
            if backend == "openvino":
                raise InputError(f"{weights}: turned boxes are computed on torch; leave `detector_backend` out")
        elif on_openvino:
            look = Look(options.imgsz, options.conf, options.iou, self.classes)
            given = self.sha256, weights.name, facts, look, self._on_torch
            self._openvino = OpenVinoYolo(*given, threads=cores, precision=precision, frames=options.frames)

    def _remembered_facts(self) -> YoloFacts:
        """What is known of the model; the first start with its file asks torch, and remembers."""
        facts = _kept_facts(self.sha256)
        if facts is None:
            facts = self._model().facts
            _keep_facts(self.sha256, facts)
        return facts

    def __call__(self, frame: Frame) -> Detections:
        """The model's boxes in the frame, best first.

        Raises:
            InputError: OpenVINO, which was asked for, does not give the model's boxes.
        """
        found, dropped = _finite(self._found(frame.image))
        self.dropped += dropped
        return found

    def many(self, frames: Sequence[Frame]) -> list[tuple[Detections, int]]:
        """The boxes in each frame, and how many were dropped there, which `dropped` does not count.

        Torch looks at frames of one size together, which a GPU does faster.
        """
        images = [frame.image for frame in frames]
        if self.on_openvino or not isinstance(model := self._model(), UltralyticsYolo):
            found = [self._found(image) for image in images]
        else:
            found = _by_size(partial(model.find, classes=self.classes, shapes=self._shapes), images)
        return [_finite(one) for one in found]

    @property
    def on_openvino(self) -> bool:
        """Whether OpenVINO computes it."""
        return self._openvino is not None

    def _found(self, image: NDArray[np.uint8]) -> Found:
        if self._openvino is not None:
            try:
                found = self._openvino.find(image) if self._shapes else Found(self._openvino(image))
            except WrongBoxesError as error:
                if self._backend == "openvino":
                    raise InputError(f"{self._weights}: {error}; leave `detector_backend` out") from None
                _log.warning("%s: %s, so it runs on torch", self._weights.name, error)
                self._openvino = None
            else:
                # Torch's model was needed to convert it.
                self._as_it_is = None
                return found
        model = self._model()
        if not self._shapes:
            return Found(model(image, self.classes))
        return model.find([image], self.classes)[0]

    def _model(self) -> UltralyticsYolo | ExportedYolo:
        """The model as its file has it: a `.pt` on torch, what was exported on its own runtime."""
        if self._as_it_is is None:
            self._as_it_is = self._load()
        return self._as_it_is

    def _on_torch(self) -> UltralyticsYolo:
        model = self._model()
        if not isinstance(model, UltralyticsYolo):
            raise TypeError("only a .pt is computed on torch")
        return model

    @property
    def name(self) -> str:
        """File, the start of its SHA-256, and what computes it, for the summary."""
        notes = f", openvino {openvino_runtime.version()}" if self._openvino else ""
        notes += ", int8" if self._openvino and self._openvino.in_int8 else ""
        if isinstance(self._as_it_is, ExportedYolo) and self._as_it_is.assumed:
            notes += f", taken for: {self._as_it_is.assumed}"
        return f"{self._weights.name} (sha256 {self.sha256[:12]}{notes})"


def _finite(found: Found) -> tuple[Detections, int]:
    return finite(found.rows[:, :4], found.rows[:, 4], found.rows[:, 5], found.mask, found.keypoints)


def _by_size(
    look: Callable[[Sequence[NDArray[np.uint8]]], list[Found]], images: Sequence[NDArray[np.uint8]]
) -> list[Found]:
    """What `look` gives for each image, asked for images of one size at a time."""
    found: dict[int, Found] = {}
    for size in {image.shape for image in images}:
        alike = [number for number, image in enumerate(images) if image.shape == size]
        found |= zip(alike, look([images[number] for number in alike]), strict=True)
    return [found[number] for number in range(len(images))]


def _is_for_openvino(weights: Path, backend: DetectorBackend, device: str | None) -> bool:
    if weights.suffix.lower() != ".pt":
        if backend != "auto":
            raise InputError(f"{weights}: is computed by what it was exported for; leave `detector_backend` out")
        return False
    if backend == "openvino" and not openvino_runtime.is_usable():
        raise InputError("`detector_backend` openvino: it is not installed or does not run here; pip install openvino")
    if backend != "auto":
        return backend == "openvino"
    return not is_for_gpu(device or "auto") and openvino_runtime.is_usable()


def _kept_facts(sha256: str) -> YoloFacts | None:
    found = recall(_facts_key(sha256))
    if found is None:
        return None
    notes, _ = found
    names = {int(number): name for number, name in notes["names"].items()}
    keypoints = notes.get("keypoints")
    if notes["task"] == "pose" and not keypoints:  # kept before keypoints were asked for
        return None
    shape = tuple(keypoints) if keypoints else None
    return YoloFacts(names, notes["stride"], notes["end_to_end"], notes["task"], shape)


def _keep_facts(sha256: str, facts: YoloFacts) -> None:
    keep(_facts_key(sha256), dataclasses.asdict(facts), b"")


def _facts_key(sha256: str) -> str:
    return key_of({"kind": "yolo facts", "format": 2, "weights": sha256})


def chosen_classes(wanted: Sequence[int | str], names: Mapping[int, str], weights: Path) -> list[int] | None:
    """Class numbers for what the user wants, given as numbers or names; None stands for all.

    Raises:
        InputError: a class the model does not know, or no wish and no class `person` among several.
    """
    by_name = {name.lower(): number for number, name in names.items()}
    if not wanted:
        if PERSON in by_name:
            return [by_name[PERSON]]
        if len(names) == 1:
            return None
        if _are_placeholders(names):
            raise InputError(f"{weights}: carries no class names; say which to track by number, such as `classes` 0")
        raise InputError(f"{weights}: has no class 'person'; choose with `classes` among {_listed(names)}")
    chosen: list[int] = []
    for item in wanted:
        text = str(item).strip().lower()
        number = int(text) if text.isdecimal() and len(text) < 16 else by_name.get(text)
        if number is None or number not in names:
            near = difflib.get_close_matches(text, by_name, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it knows {_listed(names)}"
            raise InputError(f"{weights}: has no class {str(item)!r}; {hint}")
        chosen.append(number)
    return sorted(set(chosen))


def _check_file(weights: Path) -> None:
    if not weights.exists():
        raise InputError(f"{weights}: no such file; give YOLO weights (.pt, .onnx, an OpenVINO folder)")
    if weights.is_dir():
        if not weights.name.endswith(OPENVINO):
            raise InputError(f"{weights}: a folder; OpenVINO models lie in one whose name ends in {OPENVINO}")
        if not (any(weights.glob("*.xml")) and any(weights.glob("*.bin"))):
            raise InputError(f"{weights}: holds no OpenVINO model (.xml and .bin); export it again")
        if importlib.util.find_spec("openvino") is None:
            raise InputError(f"{weights}: needs the openvino package; pip install openvino")
    elif not weights.is_file() or weights.suffix.lower() not in (".pt", ".onnx"):
        raise InputError(f"{weights}: not a detector; give YOLO weights (.pt, .onnx, an OpenVINO folder) or a det.txt")


def _are_placeholders(names: Mapping[int, str]) -> bool:
    return all(name == f"class{number}" for number, name in names.items())


def _listed(names: Mapping[int, str]) -> str:
    shown = [f"{number} {name}" for number, name in names.items()][:_SHOWN_NAMES]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")


def _sha256(weights: Path) -> str:
    files = [weights] if weights.is_file() else [*sorted(weights.glob("*.xml")), *sorted(weights.glob("*.bin"))]
    return sha256_of(*files)

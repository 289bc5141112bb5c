"""A YOLO `.pt` as ultralytics runs it: hostile files and other models refused, the process left as it was."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.masks import Masks, outlines
from remix_track.trackers.detectors.detected_shapes import Found
from remix_track.trackers.detectors.exported_facts import TASKS, line_of, no_boxes, printable
from remix_track.trackers.detectors.letterbox import Letterbox
from remix_track.trackers.detectors.openvino_yolo import YoloFacts
from remix_track.trackers.detectors.quiet_ultralytics import quiet_ultralytics


class UltralyticsYolo:
    """A model and ultralytics' predictor around it, which keeps state.

    Args:
        weights: a `.pt` file.
        conf, iou, imgsz, device: see `YoloOptions`.
        half: compute with 16-bit numbers where the device is a GPU.

    Attributes:
        facts: about the model.

    Raises:
        InputError: the device is not there, or the file is damaged, refused, or not a detection model.
    """

    def __init__(
        self, weights: Path, *, conf: float, iou: float, imgsz: int, device: str | None, half: bool = False
    ) -> None:
        self._options: dict[str, Any] = {"conf": conf, "iou": iou, "imgsz": imgsz, "device": device, "verbose": False}
        with quiet_ultralytics():
            self._options |= _in_half() if half else {}
            _check_device(device)
            self._model = _load_pt(weights)
            self.facts = self._try(weights)

    def __call__(self, image: NDArray[np.uint8], classes: Sequence[int] | None) -> NDArray[np.float32]:
        """The boxes of the wanted classes in a frame: (N, 6) x1, y1, x2, y2, confidence, class; best first."""
        return self.find([image], classes, shapes=False)[0].rows

    def find(
        self, images: Sequence[NDArray[np.uint8]], classes: Sequence[int] | None, *, shapes: bool = True
    ) -> list[Found]:
        """The same of images of one size, which the network looks at together.

        Args:
            images: frames.
            classes: numbers of the wanted classes; None for all.
            shapes: with masks and keypoints, of models that give them.
        """
        results = self._model.predict(list(images), **self._options, classes=classes)
        return [self._found(result) if shapes else Found(self._rows(result)) for result in results]

    def _found(self, result: Any) -> Found:
        rows = self._rows(result)
        mask = _masks(result.masks, len(rows), result.orig_shape) if self.facts.task == "segment" else None
        keypoints = result.keypoints.data.float().cpu().numpy() if self.facts.task == "pose" else None
        return Found(rows, mask, keypoints)

    def _rows(self, result: Any) -> NDArray[np.float32]:
        boxes = result.boxes
        if self.facts.task == "obb":
            # Corners of the upright boxes around the turned ones.
            boxes = result.obb
            return np.column_stack([part.cpu().numpy() for part in (boxes.xyxy, boxes.conf, boxes.cls)])
        rows: NDArray[np.float32] = boxes.data.cpu().numpy()
        return rows

    @property
    def module(self) -> Any:
        """The model as torch has it."""
        return self._model.model

    def _try(self, weights: Path) -> YoloFacts:
        """Run on a black image, so that what is not a detector says so now; return what is known about it."""
        black = np.zeros((64, 64, 3), np.uint8)
        try:
            result = self._model.predict(black, **self._options)[0]
            inner = self._model.predictor.model
            task = inner.task or self._model.task
            names = {int(number): printable(str(name))[:40] for number, name in result.names.items()}
            ends, keypoints = bool(getattr(inner, "end2end", False)), getattr(self.module.model[-1], "kpt_shape", None)
            facts = YoloFacts(names, int(inner.stride), ends, str(task), tuple(keypoints) if keypoints else None)
        except Exception as error:
            raise InputError(f"{weights}: does not run as a detector ({line_of(error)}); give a YOLO model") from None
        if task not in TASKS or (result.obb if task == "obb" else result.boxes) is None:
            raise InputError(f"{weights}: {no_boxes(str(task or ''))}")
        return facts


def _in_half() -> dict[str, Any]:
    from ultralytics.utils import DEFAULT_CFG_DICT

    # Releases before 8.4 know `half` alone, later ones warn of it.
    return {"quantize": 16} if "quantize" in DEFAULT_CFG_DICT else {"half": True}


def _masks(masks: Any, count: int, size: tuple[int, int]) -> Masks:
    """Masks (N, h, w) in pixels of the network's input; None stands for none."""
    if masks is None:
        return Masks.none(count)
    rasters = masks.data.cpu().numpy()
    box = Letterbox.inside(*size, *rasters.shape[1:])
    return Masks([tuple(box.points_to_frame(part) for part in outlines(one)) for one in rasters])


def _check_device(device: str | None) -> None:
    from ultralytics.utils.torch_utils import select_device

    try:
        select_device(device or "", verbose=False)
    except Exception:
        raise InputError(f"device {device!r} cannot be used here; give cpu, cuda, cuda:0, mps, or nothing") from None


def _load_pt(weights: Path) -> Any:
    """The model in a `.pt` file, built without running what the file may hold besides.

    ultralytics edits the path it is given (an apostrophe is dropped, `yolov5n` becomes `yolov5nu`) and downloads what
    it then misses; under a name of our own there is nothing to edit.
    """
    from ultralytics import YOLO
    from ultralytics.nn import tasks

    with tempfile.TemporaryDirectory(prefix="remix-track-") as folder:
        link = Path(folder) / "model.pt"
        link.symlink_to(weights.resolve())
        try:
            if not tasks.SAFE_LOAD:
                tasks.torch_safe_load(str(link), safe_only=True)
            return YOLO(str(link))
        except Exception as error:
            raise InputError(f"{weights}: {_refusal(error)}") from None


def _refusal(error: Exception) -> str:
    """Why a `.pt` file was not taken. Of its own text nothing but a dotted name is repeated."""
    reason = str(error.__cause__ or error)
    asked = re.search(r"GLOBAL ([\w.]+)", reason)
    if asked:
        return f"asks for {asked[1]}, which is no part of a YOLO model and could run any program; not loaded"
    if "TorchScript" in reason:
        return "TorchScript, not a YOLO checkpoint; give the .pt it was exported from, or an .onnx"
    if "PytorchStreamReader" in reason or isinstance(error.__cause__, EOFError):
        return "damaged or cut short; download or export it again"
    return "not a YOLO model that ultralytics can load; give YOLO weights (.pt, .onnx, an OpenVINO folder)"

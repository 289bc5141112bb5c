"""YOLO through ultralytics: `.pt`, `.onnx` and OpenVINO folders."""

import difflib
import hashlib
import importlib.util
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from remix_track.detections import Detections
from remix_track.errors import InputError
from remix_track.trackers.detectors.detector import finite
from remix_track.trackers.detectors.quiet_ultralytics import quiet_ultralytics
from remix_track.trackers.frame import Frame

PERSON = "person"
OPENVINO = "_openvino_model"
_SHOWN_NAMES = 12


class YoloDetector:
    """One YOLO model at work on one stream: ultralytics' predictor keeps state, so give each stream its own.

    The boxes are those of `ultralytics.YOLO(weights)(image, ...)` with the same options.

    Attributes:
        name: file and the start of its SHA-256, for the summary.
        class_names: what the model can find, by class number.
        classes: the class numbers it looks for, in order; None for all.
        dropped: boxes that were not finite.
    """

    def __init__(
        self,
        weights: Path,
        *,
        classes: Sequence[int | str] = (),
        conf: float = 0.25,
        iou: float = 0.7,
        imgsz: int = 640,
        device: str | None = None,
        half: bool = False,
    ) -> None:
        """Load the model and run it once on a black picture.

        A `.pt` file is a pickle, which can run any program as it is read. It is read with torch's restricted reader
        and ultralytics' list of classes that models are made of; one that asks for anything else is refused.

        Args:
            weights: `.pt`, `.onnx`, or a folder whose name ends in `_openvino_model`.
            classes: numbers or names; none means persons, or everything if the model knows one class only.
            conf: boxes below this confidence are left out, 0..1.
            iou: boxes that overlap more are merged, 0..1.
            imgsz: longer side of the picture the model works on, in pixels; a model exported with a fixed size keeps
                that.
            device: `cpu`, `cuda`, `cuda:1`, `mps`; None takes what is there.
            half: 16-bit arithmetic, on a GPU.

        Raises:
            InputError: an option out of range; a file that is missing, damaged, refused, or not a detection model; a
                class that it does not know.
        """
        _check_options(conf, iou, imgsz)
        _check_file(weights)
        self.name = f"{weights.name} (sha256 {_sha256(weights)[:12]})"
        self.dropped = 0
        self._options: dict[str, Any] = {"conf": conf, "iou": iou, "imgsz": imgsz, "device": device, "verbose": False}
        with quiet_ultralytics():
            _check_device(device)
            self._options |= _half() if half else {}
            self._model = _load_pt(weights) if weights.suffix.lower() == ".pt" else _load_exported(weights)
            self.class_names = self._try(weights)
        self.classes = chosen_classes(classes, self.class_names, weights)
        self._options["classes"] = self.classes

    def __call__(self, frame: Frame) -> Detections:
        """The model's boxes in the frame, best first."""
        boxes = self._model.predict(frame.image, **self._options)[0].boxes
        rows = boxes.data.cpu().numpy()
        found, dropped = finite(rows[:, :4], rows[:, 4], rows[:, 5])
        self.dropped += dropped
        return found

    def _try(self, weights: Path) -> dict[int, str]:
        """Run on a black picture, so that what is not a detector says so now; return the names of the classes."""
        black = np.zeros((64, 64, 3), np.uint8)
        try:
            result = self._model.predict(black, **self._options)[0]
            task = self._model.predictor.model.task or self._model.task
            names = {int(number): _printable(str(name))[:40] for number, name in result.names.items()}
        except Exception as error:
            raise InputError(f"{weights}: does not run as a detector ({_line(error)}); give a YOLO model") from None
        if task not in ("detect", "segment", "pose") or result.boxes is None:
            raise InputError(f"{weights}: its task is {task or 'unknown'}, not to detect; give a YOLO detector")
        return names


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
            raise InputError(f"{weights}: carries no class names; say which to track by number, such as --classes 0")
        raise InputError(f"{weights}: has no class 'person'; choose with --classes among {_listed(names)}")
    chosen: list[int] = []
    for item in wanted:
        text = str(item).strip().lower()
        number = int(text) if text.isdecimal() else by_name.get(text)
        if number is None or number not in names:
            near = difflib.get_close_matches(text, by_name, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it knows {_listed(names)}"
            raise InputError(f"{weights}: has no class {str(item)!r}; {hint}")
        chosen.append(number)
    return sorted(set(chosen))


def _check_options(conf: float, iou: float, imgsz: int) -> None:
    for name, value in (("conf", conf), ("iou", iou)):
        if not 0 <= value <= 1:
            raise InputError(f"{name} = {value} is outside 0..1")
    if not 32 <= imgsz <= 8192:
        raise InputError(f"imgsz = {imgsz} is outside 32..8192 pixels")


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


def _check_device(device: str | None) -> None:
    from ultralytics.utils.torch_utils import select_device

    try:
        select_device(device or "", verbose=False)
    except Exception:
        raise InputError(f"device {device!r} cannot be used here; give cpu, cuda, cuda:0, mps, or nothing") from None


def _half() -> dict[str, Any]:
    from ultralytics.utils import DEFAULT_CFG_DICT

    return {"quantize": 16} if "quantize" in DEFAULT_CFG_DICT else {"half": True}


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


def _load_exported(weights: Path) -> Any:
    from ultralytics import YOLO

    try:
        return YOLO(str(weights.resolve()), task="detect")
    except Exception as error:
        raise InputError(f"{weights}: not a detection model ({_line(error)}); export it again") from None


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


def _are_placeholders(names: Mapping[int, str]) -> bool:
    return all(name == f"class{number}" for number, name in names.items())


def _listed(names: Mapping[int, str]) -> str:
    shown = [f"{number} {name}" for number, name in names.items()][:_SHOWN_NAMES]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")


def _line(error: Exception) -> str:
    """An error in one short line of plain text; it may quote a hostile file."""
    text = " ".join(str(error).encode("ascii", "ignore").decode().split()).removeprefix("ERROR ")
    return _printable(text)[:160] or type(error).__name__


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())


def _sha256(weights: Path) -> str:
    digest = hashlib.sha256()
    files = [weights] if weights.is_file() else [*sorted(weights.glob("*.xml")), *sorted(weights.glob("*.bin"))]
    for path in files:
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return digest.hexdigest()

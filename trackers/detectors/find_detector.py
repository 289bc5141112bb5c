"""From `--detector SPEC` to a detector."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from remix_track.errors import InputError
from remix_track.near_files import near_file
from remix_track.trackers.detectors.builtin import BuiltinDetector
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.detectors.download import download, downloads, is_published
from remix_track.trackers.detectors.hog import HogDetector
from remix_track.trackers.detectors.public import PublicDetections
from remix_track.trackers.detectors.quiet_ultralytics import weights_folder
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions

PREFERRED = ("yolo11n.pt", "yolov8n.pt")
_DETECTION_WEIGHTS = re.compile(r"yolo(v?\d+)[a-z]u?\.pt")
_log = logging.getLogger(__name__)


def find_detector(spec: str = "auto", options: YoloOptions | None = None) -> Detector:
    """The detector that `spec` names.

    Args:
        spec: `auto`: YOLO weights at hand (`weights_at_hand`), else ultralytics' nano model downloaded, else `builtin`;
            `builtin`: the detector that comes with the package; `hog`: OpenCV's; a path to YOLO weights or to a MOT
            `det.txt`; or the name of a model that ultralytics publishes (`yolo11s.pt`), which is downloaded unless it
            is at hand.
        options: for YOLO; classes are numbers of column 8 for a `det.txt`, and `builtin` and `hog` find people only.

    Raises:
        InputError: no such detector, a file that cannot be used, or classes that this detector does not find.
    """
    options = options or YoloOptions()
    classes = options.classes
    if spec == "auto":
        weights = weights_at_hand() or _downloaded_nano()
        return YoloDetector(weights, options) if weights else _builtin(options)
    if spec == "builtin":
        return _builtin(options)
    if spec == "hog":
        return _people_only(HogDetector(), classes)
    path = Path(spec).expanduser()
    if path.suffix.lower() == ".txt":
        return PublicDetections(path, classes)
    if spec and path.exists():
        return YoloDetector(path, options)
    return YoloDetector(_published(spec), options)


def weights_at_hand(name: str | None = None) -> Path | None:
    """YOLO detection weights on this machine, or None.

    Looked for in the current folder, in ultralytics' weights folder, and where we keep downloads; in each of them
    `yolo11n.pt`, then `yolov8n.pt`, then any other `yolo*.pt` for detection in the order of the alphabet.

    Args:
        name: look for this file only.
    """
    for folder in (Path(), weights_folder(), downloads()):
        if folder is None or not folder.is_dir():
            continue
        others = sorted(path.name for path in folder.glob("yolo*.pt") if _DETECTION_WEIGHTS.fullmatch(path.name))
        for candidate in (name,) if name else (*PREFERRED, *others):
            if (folder / candidate).is_file():
                return folder / candidate
    return None


def _downloaded_nano() -> Path | None:
    try:
        return download(PREFERRED[0], downloads())
    except InputError as error:
        _log.warning(
            "no YOLO weights at hand (%s); put %s into this folder or %s for better tracks; going on with the "
            "built-in detector",
            error,
            PREFERRED[0],
            downloads(),
        )
        return None


def _published(spec: str) -> Path:
    name = spec if spec.endswith(".pt") else f"{spec}.pt"
    if not is_published(name):
        near = near_file(Path(spec).expanduser()) if spec else ""
        kinds = "YOLO weights (.pt, .onnx), a det.txt, builtin, hog or auto"
        raise InputError(f"{spec}: no such file; {near or f'give {kinds}'}")
    try:
        return weights_at_hand(name) or download(name, downloads())
    except InputError as error:
        raise InputError(f"{error}; put the file into this folder or {downloads()}") from None


def _builtin(options: YoloOptions) -> Detector:
    made = BuiltinDetector(conf=options.conf, imgsz=options.imgsz, threads=options.threads)
    return _people_only(made, options.classes)


def _people_only(detector: Detector, classes: Sequence[int | str]) -> Detector:
    others = [str(wanted) for wanted in classes if str(wanted).strip().lower() not in ("person", "0")]
    if others:
        raise InputError(f"{detector.name} finds people only, not {', '.join(others)}; give YOLO weights as `detector`")
    return detector

"""The detector that comes with the package: a small network for people, on OpenVINO or ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from remix_track import openvino_runtime
from remix_track.detections import Detections
from remix_track.digests import sha256_of
from remix_track.errors import parsing
from remix_track.machine import usable_cores
from remix_track.trackers.detectors.detector import finite
from remix_track.trackers.detectors.exported_runtime import Network, open_network
from remix_track.trackers.detectors.exported_yolo import ExportedYolo
from remix_track.trackers.frame import Frame

SHIPPED = Path(openvino_runtime.__file__).parent / "weights" / "remix_person.onnx"
"""Made by `configs/person_detector.toml`; `remix_person.md` beside it is its card."""
SAME_PERSON = 0.55
"""IoU above which the less sure of two boxes is left out: one person has several peaks at times, each with a box."""
_MOST_SIZES = 4


class BuiltinDetector:
    """A network of 1.9 million parameters in 8-bit integers, trained by this project; upright people only, class 0.

    What it was trained on, and what it is bad at: the card beside its weights. It keeps state, so give each stream its
    own, and one thread at a time.

    Args:
        conf: boxes not above this confidence are left out.
        imgsz: longer side of the image it works on, in pixels.
        threads: for one call; None takes the cores there are.

    Attributes:
        name: for the summary.
        class_names: of class 0.
        dropped: boxes that were not finite.
    """

    class_names: ClassVar[dict[int, str]] = {0: "person"}

    def __init__(self, *, conf: float = 0.25, imgsz: int = 640, threads: int | None = None) -> None:
        cores = threads or usable_cores()
        self._model = ExportedYolo(
            SHIPPED, conf=conf, iou=SAME_PERSON, imgsz=imgsz, device="cpu", threads=cores, open_with=_opened
        )
        self.name = f"builtin: {SHIPPED.name} (sha256 {sha256_of(SHIPPED)[:12]})"
        self.dropped = 0

    def __call__(self, frame: Frame) -> Detections:
        """People in the frame, best first; boxes lie inside the image."""
        rows = self._model(frame.image, None)
        found, dropped = finite(rows[:, :4], rows[:, 4], rows[:, 5])
        self.dropped += dropped
        return found


def _opened(file: Path, device: str | None, threads: int) -> Network:
    """The network on OpenVINO where that runs; else on ONNX Runtime, which takes five times as long for it."""
    network = open_network(file, device, threads)
    if not openvino_runtime.is_usable():
        return network
    with parsing(file, "an exported detector", "install remix-track again"):
        model = openvino_runtime.read_model(file.read_bytes())
    return Network(_OnOpenVino(model, threads), network.notes, network.batch, network.sides, network.dtype)


class _OnOpenVino:
    """The network, compiled for each size of images that comes; cameras of several sizes share it."""

    def __init__(self, model: Any, threads: int) -> None:
        self._model, self._threads = model, threads
        self._requests: dict[tuple[int, ...], Any] = {}

    def __call__(self, images: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Images (B, 3, H, W) -> the one output, overwritten by the next call."""
        request = self._requests.pop(images.shape, None) or self._made(images.shape)
        self._requests[images.shape] = request
        if len(self._requests) > _MOST_SIZES:
            del self._requests[next(iter(self._requests))]
        request.infer([images])
        return {"output0": np.asarray(request.output_tensors[0].data)}

    def _made(self, shape: Sequence[int]) -> Any:
        model = self._model.clone()
        model.reshape(list(shape))
        return openvino_runtime.compiled_exactly(model, self._threads).create_infer_request()

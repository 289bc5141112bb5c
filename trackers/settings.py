"""Everything one can set about a tracking run, in the sections that TOML files and command lines share."""

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

from remix_track.encoder.backend import Backend
from remix_track.errors import InputError
from remix_track.settings import check, setting
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.drawing.drawer import DrawingSettings
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.sinks.crops import CropSettings
from remix_track.trackers.sources.stream_settings import StreamSettings

MOST_BETWEEN = 30
"""Frames to a detection: they wait for the next one in memory."""


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """The detector, and at which size and threshold it works."""

    detector: str = setting(
        "auto", "YOLO weights (.pt, .onnx, OpenVINO folder), a MOT det.txt, builtin, hog, or auto", common=True
    )
    imgsz: int = setting(640, "image size YOLO and builtin work at, in pixels", low=32, high=8192)
    iou: float = setting(0.7, "IoU above which YOLO merges two boxes", above=0, high=1)
    classes: tuple[str, ...] = setting((), "class names or numbers to track (default: person)", common=True)
    detector_backend: Literal["auto", "torch", "openvino"] = setting("auto", "what computes YOLO's .pt")
    detector_precision: Literal["float32", "fast", "int8", "auto"] = setting(
        "float32",
        "fast: 16-bit numbers, few boxes move by a pixel or more; int8: 8-bit numbers where boxes stay "
        "nearly the same, made from the source; auto: int8 where it can be made",
    )
    detect_every: int | Literal["auto"] = setting(
        1,
        "detect in every N-th frame and fill in those between; auto: about 12 times a second",
        low=1,
        high=MOST_BETWEEN,
    )
    detector_task: Literal["auto", "detect", "segment", "pose", "obb"] = setting(
        "auto", "what an exported YOLO was trained for, if its file does not say"
    )
    detector_family: Literal["auto", "ultralytics", "rt-detr", "rf-detr", "yolox", "yolov5"] = setting(
        "auto", "whose exported detector it is, if its file does not tell"
    )
    detector_batch: int | Literal["auto"] = setting(
        "auto", "frames that YOLO's .pt on torch looks at together; auto: 8 on a GPU", low=1, high=64
    )
    shapes: bool = setting(True, "keep the masks and keypoints of detectors that give them")
    device: str | None = setting(None, "cpu, cuda, cuda:1, mps (default: what is available)", common=True)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class AppearanceSettings:
    """The encoder of appearance.

    What images it expects is said where its file does not say it.
    """

    weights: str = setting(
        "default", "FILE.safetensors, .onnx, .xml (OpenVINO), default, imagenet, or none (motion only)", common=True
    )
    backend: Backend = setting("auto", "what computes the encoder")
    input_size: str | None = setting(None, "HEIGHTxWIDTH of the encoder's input, 256x128")
    channel_order: Literal["RGB", "BGR"] | None = setting(None, "channel order the encoder expects")
    mean: tuple[float, ...] = setting((), "three means, of channels in 0..1", lengths=(0, 3))
    std: tuple[float, ...] = setting((), "three standard deviations, of channels in 0..1", lengths=(0, 3))

    def __post_init__(self) -> None:
        check(self)
        self.height_width()

    def height_width(self) -> tuple[int, int] | None:
        """`input_size` as (height, width) in pixels; None where the file decides.

        Raises:
            InputError: not of the form 256x128.
        """
        if self.input_size is None:
            return None
        height, _, width = self.input_size.lower().partition("x")
        if not all(side.isdecimal() and len(side) < 6 for side in (height, width)):
            raise InputError(f"input_size = {self.input_size[:40]!r} is not HEIGHTxWIDTH, such as 256x128")
        return int(height), int(width)


@dataclass(frozen=True, slots=True)
class TrackSettings:
    """The sections of a tracking run, in TOML `[detector]`, `[appearance]`, `[tracker]` and so on."""

    detector: DetectorSettings = field(default_factory=DetectorSettings)
    appearance: AppearanceSettings = field(default_factory=AppearanceSettings)
    tracker: DeepSortSettings = field(default_factory=DeepSortSettings)
    association: AssociationSettings = field(default_factory=AssociationSettings)
    offline: OfflineSettings = field(default_factory=OfflineSettings)
    drawing: DrawingSettings = field(default_factory=DrawingSettings)
    crops: CropSettings = field(default_factory=CropSettings)
    stream: StreamSettings = field(default_factory=StreamSettings)

    def __post_init__(self) -> None:
        check(self)

    def with_calibration(self, max_cosine_distance: float | None) -> "TrackSettings":
        """The same settings with the threshold that is written in the weights, unless one was set by hand."""
        if self.tracker.max_cosine_distance is not None or max_cosine_distance is None:
            return self
        return dataclasses.replace(
            self, tracker=dataclasses.replace(self.tracker, max_cosine_distance=max_cosine_distance)
        )

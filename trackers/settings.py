"""Everything one can set about a tracking run, in the sections that TOML files and command lines share."""

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

from remix_track.encoder.backend import Backend
from remix_track.errors import InputError
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.drawing.drawer import DrawingSettings
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.sources.stream_settings import StreamSettings

MOST_BETWEEN = 30
"""Frames to a detection: they wait for the next one in memory."""


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """Which detector, and how it looks at the pictures."""

    detector: str = field(
        default="auto",
        metadata={"help": "YOLO weights (.pt, .onnx, OpenVINO folder), a MOT det.txt, hog, or auto"},
    )
    imgsz: int = field(default=640, metadata={"help": "picture size YOLO works at, in pixels"})
    iou: float = field(default=0.7, metadata={"help": "IoU above which YOLO merges two boxes"})
    classes: tuple[str, ...] = field(default=(), metadata={"help": "class names or numbers to track (default: person)"})
    detector_backend: Literal["auto", "torch", "openvino"] = field(
        default="auto", metadata={"help": "what computes YOLO's .pt: auto, torch, openvino"}
    )
    detector_precision: Literal["float32", "fast"] = field(
        default="float32",
        metadata={"help": "float32, or fast: OpenVINO with 16-bit numbers; few boxes move by a pixel or more"},
    )
    detect_every: int | Literal["auto"] = field(
        default=1,
        metadata={"help": "detect in every N-th frame and fill in those between; auto: about 12 times a second"},
    )
    detector_task: Literal["auto", "detect", "segment", "pose", "obb"] = field(
        default="auto", metadata={"help": "what an exported YOLO was trained for, if its file does not say"}
    )
    device: str | None = field(default=None, metadata={"help": "cpu, cuda, cuda:1, mps (default: what is there)"})

    def __post_init__(self) -> None:
        if not 32 <= self.imgsz <= 8192:
            raise InputError(f"imgsz = {self.imgsz} is outside 32..8192 pixels")
        if not 0 < self.iou <= 1:
            raise InputError(f"iou = {self.iou} is outside 0..1")
        if self.detect_every != "auto" and not 1 <= self.detect_every <= MOST_BETWEEN:
            raise InputError(f"detect_every = {self.detect_every} is outside 1..{MOST_BETWEEN}, and is not auto")


@dataclass(frozen=True, slots=True)
class AppearanceSettings:
    """Which encoder, and, where its file does not say, what pictures it expects."""

    weights: str = field(
        default="default",
        metadata={"help": "FILE.safetensors, .onnx, .xml (OpenVINO), default, imagenet, or none (motion only)"},
    )
    backend: Backend = field(
        default="auto", metadata={"help": "what computes the encoder: auto, torch, openvino, onnxruntime"}
    )
    input_size: str | None = field(default=None, metadata={"help": "HEIGHTxWIDTH of the encoder's input, 256x128"})
    channel_order: Literal["RGB", "BGR"] | None = field(
        default=None, metadata={"help": "channel order the encoder expects"}
    )
    mean: tuple[float, ...] = field(default=(), metadata={"help": "three means, of channels in 0..1"})
    std: tuple[float, ...] = field(default=(), metadata={"help": "three standard deviations, of channels in 0..1"})

    def __post_init__(self) -> None:
        self.height_width()
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (0, 3):
                raise InputError(f"{name} takes three numbers, one per channel, not {len(getattr(self, name))}")

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
    stream: StreamSettings = field(default_factory=StreamSettings)

    def with_calibration(self, max_cosine_distance: float | None) -> "TrackSettings":
        """The same settings with the threshold that is written in the weights, unless one was set by hand."""
        if self.tracker.max_cosine_distance is not None or max_cosine_distance is None:
            return self
        return dataclasses.replace(
            self, tracker=dataclasses.replace(self.tracker, max_cosine_distance=max_cosine_distance)
        )

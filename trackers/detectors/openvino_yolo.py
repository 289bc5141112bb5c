"""YOLO on OpenVINO: compiled once for each size of frames, with our own letterbox and suppression; no torch later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.openvino_runtime import Compilation, compiled, from_torch, openvino, precision_of
from remix_track.trackers.detectors.detected_shapes import Found, Rows, found_in
from remix_track.trackers.detectors.int8 import Float32, Frames, in_int8
from remix_track.trackers.detectors.letterbox import Letterbox
from remix_track.trackers.detectors.suppression import sure, surest

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

_FORMAT = 3
"""Of the networks that are kept; to be raised when they are built otherwise."""
_MOST_SIZES = 4
"""Sizes of frames that are kept ready, for cameras that take turns: 50 to 200 MB each."""
_SLACK, _SHARE, _SCORE_SLACK = 1.0, 0.01, 0.1
"""Boxes may differ from torch's by so many pixels (with 16-bit numbers by that share of their longer side, if that is
more), and by so much confidence."""


@dataclass(frozen=True, slots=True)
class YoloFacts:
    """What is known about a model once it was loaded.

    Attributes:
        names: of the classes, by their number.
        stride: that the sides of its input are multiples of.
        end_to_end: it gives boxes without overlaps.
        task: that it was trained for: `detect`, `segment`, `pose`, `obb`.
        keypoints: how many it gives, and of how many numbers (2 or 3) each; None: none.
    """

    names: dict[int, str]
    stride: int
    end_to_end: bool
    task: str = "detect"
    keypoints: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """How a model looks at images: size of its input, least confidence, greatest overlap, wanted classes."""

    imgsz: int
    conf: float
    iou: float
    classes: Sequence[int] | None


DetectorPrecision = Literal["float32", "fast", "int8", "auto"]


class TorchYolo(Protocol):
    """The same model on torch."""

    @property
    def module(self) -> Any:
        """As torch has it."""
        ...

    def __call__(self, image: NDArray[np.uint8], classes: Sequence[int] | None) -> Rows:
        """The boxes of the wanted classes in a frame."""
        ...


class WrongBoxesError(Exception):
    """OpenVINO cannot take a model, or gives other boxes than torch; the reason in a few words."""


class OpenVinoYolo:
    """A YOLO model for frames of any size, a few of which are kept ready; serves one thread at a time.

    Args:
        weights: SHA-256 of their file.
        name: of the weights, for messages.
        facts: about the model.
        look: how it looks.
        on_torch: gives the model on torch; called where nothing is kept for a size of frames.
        threads: for one call.
        precision: `float32`; `fast`: with 16-bit numbers where the CPU computes with them; `int8`, or `auto` where
            that is possible: with 8-bit integers where the boxes stay the same.
        frames: of the source, for `int8`.
    """

    def __init__(
        self,
        weights: str,
        name: str,
        facts: YoloFacts,
        look: Look,
        on_torch: Callable[[], TorchYolo],
        *,
        threads: int,
        precision: DetectorPrecision = "float32",
        frames: Frames | None = None,
    ) -> None:
        self._weights, self._name, self._facts, self._look = weights, name, facts, look
        self._on_torch, self._threads, self._precision, self._frames = on_torch, threads, precision, frames
        self.in_int8 = False
        # Frames of several sizes may become input of one.
        self._networks: dict[tuple[int, int], list[Any]] = {}
        self._ready: dict[tuple[int, int], _Chain] = {}

    def __call__(self, image: NDArray[np.uint8]) -> Rows:
        """The boxes in a frame (H, W, 3) uint8 BGR.

        Raises:
            WrongBoxesError: OpenVINO cannot take the model, or does not give torch's boxes.
        """
        return self._chain(image)(image)

    def find(self, image: NDArray[np.uint8]) -> Found:
        """The same with masks and keypoints, of models that give them."""
        return self._chain(image).find(image)

    def _chain(self, image: NDArray[np.uint8]) -> "_Chain":
        height, width = image.shape[:2]
        ready = self._ready.pop((height, width), None) or self._open(height, width)
        self._ready[height, width] = ready
        if len(self._ready) > _MOST_SIZES:
            del self._ready[next(iter(self._ready))]
        return ready

    def _open(self, height: int, width: int) -> "_Chain":
        letterbox = Letterbox.fit(height, width, size=self._look.imgsz, stride=self._facts.stride)
        size = letterbox.height, letterbox.width
        if size not in self._networks:
            self._networks[size] = self._compile(letterbox)
        return _Chain(self._networks[size], letterbox, self._facts, self._look)

    def _compile(self, letterbox: Letterbox) -> list[Any]:
        """The whole model, or for 16-bit numbers its two parts, as a boundary between them costs two milliseconds."""
        source = _Source(self._on_torch, letterbox)
        try:
            if self._precision != "fast":
                whole = self._compiled(letterbox, "whole", source.whole, self._agreeing(source))
                return [whole if self._precision == "float32" else self._quantised(letterbox, source, whole)]
            head = self._compiled(letterbox, "head", source.head, lambda network: True)
            return [self._compiled(letterbox, "body", source.body, self._agreeing(source, head), exact=False), head]
        except (WrongBoxesError, InputError):
            raise
        except Exception as error:  # any part of an unknown model may be what neither tracing nor OpenVINO takes
            reason = "".join(one for one in " ".join(str(error).split())[-160:] if one.isprintable())
            raise WrongBoxesError(f"OpenVINO does not take it ({reason or type(error).__name__})") from None

    def _quantised(self, letterbox: Letterbox, source: "_Source", whole: Any) -> Any:
        """The whole model in 8-bit integers, if it is as good; else as it is."""
        exact = Float32(
            self._name,
            self._network_facts(letterbox),
            whole,
            source.whole,
            lambda network: _Chain([network], letterbox, self._facts, self._look),
            letterbox.scaled_of_frame,
            letterbox.input_of,
            self._look.conf,
            self._threads,
        )
        made = in_int8(exact, self._frames, needed=self._precision == "int8")
        self.in_int8 = made is not None
        return made or whole

    def _agreeing(self, source: "_Source", *rest: Any) -> Callable[[Any], bool]:
        def agrees(network: Any) -> bool:
            chain = _Chain([network, *rest], source.letterbox, self._facts, self._look)
            return source.agrees(chain, self._look, network)

        return agrees

    def _compiled(
        self,
        letterbox: Letterbox,
        part: str,
        build: Callable[[], Any],
        accept: Callable[[Any], bool],
        *,
        exact: bool = True,
    ) -> Any:
        facts = self._network_facts(letterbox) | {"part": part}
        made = compiled(self._name, facts, lambda: Compilation(build(), {}, accept), self._threads, exact=exact)
        if made is None:
            raise WrongBoxesError("OpenVINO finds other boxes than torch")
        return made.network

    def _network_facts(self, letterbox: Letterbox) -> dict[str, Any]:
        size = [letterbox.height, letterbox.width]
        more = {"outputs": 2} if self._facts.task == "segment" else {}
        return {"kind": "yolo", "format": _FORMAT, "weights": self._weights, "input": size, **more}


class _Chain:
    """A model's parts, compiled, the outputs of one lying where the next one reads."""

    def __init__(self, parts: Sequence[Any], letterbox: Letterbox, facts: YoloFacts, look: Look) -> None:
        self.letterbox = letterbox
        self._facts, self._look = facts, look
        self._pixels = letterbox.empty()
        self._requests = [part.create_infer_request() for part in parts]
        self._requests[0].set_input_tensor(openvino().Tensor(self._pixels, shared_memory=True))
        for before, after, part in zip(self._requests, self._requests[1:], parts[1:], strict=False):
            for index in range(len(part.inputs)):
                after.set_input_tensor(index, before.get_output_tensor(index))

    def __call__(self, image: NDArray[np.uint8]) -> Rows:
        rows = self._rows(image)
        return np.concatenate([self.letterbox.to_frame(rows[:, :4]), rows[:, 4:6]], axis=1)

    def find(self, image: NDArray[np.uint8]) -> Found:
        rows = self._rows(image)
        prototypes = self._requests[-1].get_output_tensor(1).data[0] if self._facts.task == "segment" else None
        return found_in(rows, self.letterbox, keypoints=self._facts.keypoints, prototypes=prototypes)

    def _rows(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.letterbox.fill(image, self._pixels)
        for request in self._requests:
            request.infer()
        raw, look = self._requests[-1].get_output_tensor(0).data[0], self._look
        if self._facts.end_to_end:
            return sure(raw, look.classes, conf=look.conf)
        return surest(raw, len(self._facts.names), look.classes, conf=look.conf, iou=look.iou)


class _Source:
    """The parts of a model before they are compiled, made when they are asked for."""

    def __init__(self, on_torch: Callable[[], TorchYolo], letterbox: Letterbox) -> None:
        self._load, self.letterbox = on_torch, letterbox

    @cached_property
    def _on_torch(self) -> TorchYolo:
        return self._load()

    @cached_property
    def _parts(self) -> "tuple[Any, Any, tuple[Tensor, ...]]":
        import torch

        from remix_track.trackers.detectors.yolo_parts import split

        body, head = split(self._on_torch.module)
        with torch.no_grad():
            return body, head, body(self._example())

    def _example(self) -> "Tensor":
        import torch

        return torch.zeros(1, 3, self.letterbox.height, self.letterbox.width)

    def head(self) -> Any:
        _, head, between = self._parts
        model = from_torch(head, between)
        model.reshape({index: list(part.shape) for index, part in enumerate(between)})
        return model

    def body(self) -> Any:
        body, _, _ = self._parts
        return self._taking_pixels(body)

    def whole(self) -> Any:
        from remix_track.trackers.detectors.yolo_parts import Whole

        body, head, _ = self._parts
        return self._taking_pixels(Whole(body, head))

    def _taking_pixels(self, module: "Module") -> Any:
        """The model of a module with the scaling of the pixels before it: (1, height, width, 3) float32 BGR in, 0..255.

        From bytes OpenVINO would turn channels and rows about and back again, at the cost of a millisecond.
        """
        ov = openvino()
        from openvino.preprocess import ColorFormat, PrePostProcessor

        model = from_torch(module, self._example())
        model.reshape([1, 3, self.letterbox.height, self.letterbox.width])
        steps = PrePostProcessor(model)
        pixels = steps.input()
        pixels.tensor().set_layout(ov.Layout("NHWC")).set_color_format(ColorFormat.BGR)
        pixels.model().set_layout(ov.Layout("NCHW"))
        pixels.preprocess().convert_color(ColorFormat.RGB).scale(255.0)
        return steps.build()

    def agrees(self, chain: _Chain, look: Look, body: Any) -> bool:
        """Whether the boxes in two photographs and their mirror images are torch's.

        Where torch finds nothing in them, there is no evidence that 16-bit numbers would do.
        """
        found, rounded = 0, precision_of(body) != "float32"
        for image in photographs(self.letterbox.frame_height, self.letterbox.frame_width):
            exact = self._on_torch(image, look.classes)
            found += len(exact)
            if not same_boxes(chain(image), exact, look.conf, share=_SHARE if rounded else 0):
                return False
        return found > 0 or not rounded


def same_boxes(rows: Rows, exact: Rows, conf: float, *, share: float = 0) -> bool:
    """Whether boxes are the same; those near the least confidence may be on one side only.

    Args:
        rows: of one model.
        exact: of the other.
        conf: least confidence.
        share: of their longer side by which boxes may differ, if that is more than a pixel.
    """
    return _each_in(rows, exact, conf, share) and _each_in(exact, rows, conf, share)


def _each_in(rows: Rows, others: Rows, conf: float, share: float) -> bool:
    for row in rows[rows[:, 4] > conf + _SCORE_SLACK]:
        slack = max(_SLACK, share * float((row[2:4] - row[:2]).max()))
        near = np.abs(others[:, :4] - row[:4]).max(axis=1, initial=0) <= slack
        alike = (np.abs(others[:, 4] - row[4]) <= _SCORE_SLACK) & (others[:, 5] == row[5])
        if not (near & alike).any():
            return False
    return True


def photographs(height: int, width: int) -> list[NDArray[np.uint8]]:
    """The photographs of people that ultralytics carries, and their mirror images, as frames of one size (BGR)."""
    from importlib import resources

    import cv2

    made = []
    for name in ("bus.jpg", "zidane.jpg"):
        file = resources.files("ultralytics") / "assets" / name
        if file.is_file():
            picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
            scaled = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            made += [scaled, np.ascontiguousarray(scaled[:, ::-1])]
    return made

"""Exported detectors (`.onnx`, OpenVINO folders) on their own runtime, read by what their files say of themselves."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError, is_out_of_memory
from remix_track.trackers.detectors.detected_shapes import Found, Rows, found_in
from remix_track.trackers.detectors.exported_facts import Family, Task, facts_of, line_of, side_notes
from remix_track.trackers.detectors.exported_families import PREPARATIONS, Decoder, Outputs, decoder, family_of
from remix_track.trackers.detectors.exported_layout import are_shares, layout_of, shapes_of
from remix_track.trackers.detectors.exported_runtime import Network, open_network
from remix_track.trackers.detectors.letterbox import Letterbox
from remix_track.trackers.detectors.openvino_yolo import YoloFacts
from remix_track.trackers.detectors.suppression import corners_of, hulls_of, sure, surest, surest_turned

_UNNAMED = 999
"""Class numbers that are taken from a model that picks boxes and does not name classes."""
_SCORE_SLACK = 1e-3
"""Beyond 0..1, for 16-bit numbers."""
_log = logging.getLogger(__name__)


class ExportedYolo:
    """A detector that was exported, for frames of any size.

    Turned boxes become the upright ones around them.

    Args:
        weights: `.onnx`, or a folder with OpenVINO's files.
        conf: boxes not above this confidence are left out.
        iou: boxes that overlap a surer one more are left out, unless the model gives none that overlap.
        imgsz: longer side of its input in pixels, where the file leaves that open.
        device: see `open_network`.
        threads: for one call.
        task: of files that do not say theirs.
        family: likewise.
        open_with: opens the file, as `open_network`.

    Attributes:
        facts: about the model.
        assumed: what its file does not say and was concluded, in a few words.

    Raises:
        InputError: a file that is damaged or no detector, or whose output does not fit what it says of itself.
    """

    def __init__(
        self,
        weights: Path,
        *,
        conf: float,
        iou: float,
        imgsz: int,
        device: str | None,
        threads: int,
        task: Task | None = None,
        family: Family | None = None,
        open_with: Callable[[Path, str | None, int], Network] = open_network,
    ) -> None:
        self._weights, self._conf, self._iou, self._imgsz = weights, conf, iou, imgsz
        self._decode: Decoder | None = None
        self._network = open_with(weights, device, threads)
        facts = facts_of(weights, {**self._network.notes, **side_notes(weights)})
        self._stride = facts.stride
        # Until the family is known, which hangs on shapes; a square frame fits any of them.
        self._preparation = PREPARATIONS["rt-detr" if facts.transformer else "ultralytics"]
        self._letterbox = self._fitted(64, 64)
        outputs, found = self._run(np.zeros((64, 64, 3), np.uint8)), facts
        sides = self._letterbox.height, self._letterbox.width
        with _reading(weights):
            kind = family_of(weights, facts, outputs, sides, family)
            if kind != "ultralytics":
                self._decode, found = decoder(kind, facts, outputs, sides)
                self._preparation = PREPARATIONS[kind]
            self._layout = layout = layout_of(weights, found, self._decoded(outputs), task)
        if layout.transformer:
            self._preparation = replace(self._preparation, fit="stretched")
        self._letterbox = self._fitted(64, 64)
        self.assumed = ", ".join(
            _assumed(kind, family or facts.family, facts.names, found.names) + [layout.assumed] * bool(layout.assumed)
        )
        if self.assumed:
            _log.warning("%s: does not say all about itself; taken for: %s", weights.name, self.assumed)
        facts = found
        names = facts.names or {number: f"class{number}" for number in range(layout.names or _UNNAMED)}
        ends = layout.kind == "picked" or layout.transformer
        self.facts = YoloFacts(names, facts.stride, ends, layout.task, layout.keypoints)

    def __call__(self, image: NDArray[np.uint8], classes: Sequence[int] | None) -> Rows:
        """The boxes of the wanted classes in a frame (H, W, 3) uint8 BGR; best first.

        Raises:
            InputError: the network fails, or gives what scores or classes cannot be, or outputs of odd shapes.
        """
        return self._found(image, classes, shapes=False).rows

    def find(self, images: Sequence[NDArray[np.uint8]], classes: Sequence[int] | None) -> list[Found]:
        """The same of several, with masks and keypoints, of models that give them."""
        return [self._found(image, classes, shapes=True) for image in images]

    def _found(self, image: NDArray[np.uint8], classes: Sequence[int] | None, *, shapes: bool) -> Found:
        box, height, width = self._letterbox, *image.shape[:2]
        if (box.frame_height, box.frame_width) != (height, width):
            self._letterbox = self._fitted(height, width)
        raw = self._run(image)
        with _reading(self._weights):
            return self._read(self._decoded(raw), classes, shapes=shapes)

    def _read(self, outputs: Sequence[NDArray[np.float32]], classes: Sequence[int] | None, *, shapes: bool) -> Found:
        found = next((one for one in outputs if one.ndim == 3), np.zeros((1, 0, 0), np.float32))[0]
        raw = found if self._layout.kind == "by class" else found.T
        if len(raw) != self._layout.columns:
            raise InputError(f"{self._weights}: gives {shapes_of(outputs)}, other columns than before; export it again")
        rows = self._picked(raw, classes)
        # An infinite number is no border of the frame, but something to be dropped.
        rows[:, :4][~np.isfinite(rows[:, :4])] = np.nan
        if not shapes:
            return found_in(rows, self._letterbox)
        prototypes = next((one[0] for one in outputs if one.ndim == 4), None)
        return found_in(rows, self._letterbox, keypoints=self.facts.keypoints, prototypes=prototypes)

    def _picked(self, raw: NDArray[np.float32], classes: Sequence[int] | None) -> Rows:
        """Columns (C, N) -> rows (N, 6 + more) in pixels of the input."""
        layout, names = self._layout, len(self.facts.names)
        scores = raw[4:5] if layout.kind == "picked" else raw[4 : 4 + names]
        self._check_scores(scores)
        if layout.kind == "picked":
            self._check_classes(raw[5, raw[4] > self._conf])
        boxes = self._in_pixels(raw[:4], np.flatnonzero((scores > self._conf).any(axis=0)))
        if layout.kind != "picked" and not layout.transformer:
            if layout.task == "obb":
                return surest_turned(boxes, scores, raw[4 + names], classes, conf=self._conf, iou=self._iou)
            whole = np.concatenate([boxes, raw[4:]])
            return surest(whole, names, classes, conf=self._conf, iou=self._iou)
        best, more = raw[4:6], raw[6:]
        if layout.kind != "picked":
            best = np.concatenate([scores.max(axis=0)[None], scores.argmax(axis=0)[None]])
            order = np.argsort(-best[0], kind="stable")
            boxes, best, more = boxes[:, order], best[:, order], raw[4 + names :, order]
        corners = corners_of(boxes) if layout.centred else boxes
        if layout.task == "obb":
            corners = hulls_of(boxes, raw[6])
        return sure(np.concatenate([corners, best, more]).T.astype(np.float32), classes, conf=self._conf)

    def _in_pixels(self, boxes: NDArray[np.float32], candidates: NDArray[np.intp]) -> NDArray[np.float32]:
        shares = self._layout.shares
        if shares is None:
            shares = are_shares(boxes[:, candidates].T)
        box = self._letterbox
        return boxes * np.array([box.width, box.height] * 2, np.float32)[:, None] if shares else boxes

    def _check_scores(self, scores: NDArray[np.float32]) -> None:
        least, most = scores.min(initial=0), scores.max(initial=0)
        # Written so that NaN is refused.
        if not (least >= -_SCORE_SLACK and most <= 1 + _SCORE_SLACK):
            bad = least if most <= 1 + _SCORE_SLACK else most
            raise InputError(
                f"{self._weights}: gives a score of {bad:.4g}, outside 0..1: it lacks its last step, or is no model "
                f"of task {self._layout.task} with {len(self.facts.names)} class(es); export it with ultralytics"
            )

    def _check_classes(self, numbers: NDArray[np.float32]) -> None:
        wrong = numbers[~np.isin(numbers, list(self.facts.names))]
        if len(wrong):
            raise InputError(
                f"{self._weights}: gives class {wrong[0]:.4g}, but knows {len(self.facts.names)} from 0 on; "
                "export it with ultralytics"
            )

    def _decoded(self, outputs: Outputs) -> list[NDArray[np.float32]]:
        """The outputs as ultralytics' networks have theirs."""
        if self._decode is None:
            return list(outputs.values())
        try:
            return self._decode(outputs, (self._letterbox.height, self._letterbox.width))
        except InputError as error:
            raise InputError(f"{self._weights}: {error}") from None

    def _fitted(self, height: int, width: int) -> Letterbox:
        sides, fit = self._network.sides, self._preparation.fit
        if fit != "centre":
            size = -(-self._imgsz // self._stride) * self._stride
            made = Letterbox.stretched if fit == "stretched" else Letterbox.at_corner
            return made(height, width, *(sides or (size, size)))
        if sides is not None:
            return Letterbox.inside(height, width, *sides)
        return Letterbox.fit(height, width, size=self._imgsz, stride=self._stride)

    def _run(self, image: NDArray[np.uint8]) -> Outputs:
        network, box, how = self._network, self._letterbox, self._preparation
        canvas = box.empty(np.uint8)
        box.fill(image, canvas)
        pictures = np.zeros((network.batch, 3, box.height, box.width), np.float32)
        for channel in range(3):
            of_canvas = canvas[0, :, :, channel if how.bgr else 2 - channel]
            np.divide(of_canvas, np.float32(how.scale), out=pictures[0, channel])
            if how.std != (1.0, 1.0, 1.0):
                pictures[0, channel] = (pictures[0, channel] - how.mean[channel]) / how.std[channel]
        try:
            outputs = network.run(pictures.astype(network.dtype, copy=False))
            return {name: np.asarray(one, np.float32)[: None if one.ndim < 2 else 1] for name, one in outputs.items()}
        except Exception as error:  # neither runtime has a base class for its errors
            raise InputError(
                f"{self._weights}: does not run as a detector on {box.width}x{box.height} pixels ({line_of(error)}); "
                "export it again"
            ) from None


@contextlib.contextmanager
def _reading(weights: Path) -> Iterator[None]:
    """Around whatever reads outputs, whose shapes a file may choose: what it raises is one line about the file."""
    try:
        yield
    except Exception as error:
        if isinstance(error, InputError) or is_out_of_memory(error):
            raise
        raise InputError(f"{weights}: gives outputs that cannot be read ({line_of(error)}); export it again") from error


def _assumed(
    kind: Family, said: Family | None, names: Mapping[int, str] | None, found: Mapping[int, str] | None
) -> list[str]:
    """What the file did not say of a family of others, in a few words each."""
    family = [] if kind in ("ultralytics", said) else [kind]
    return family + ([f"COCO's {len(found)} classes"] if names is None and found is not None else [])

"""A detector in 8-bit integers: quantised on frames of the user's own source, used only if its boxes are float32's.

Post-training quantisation by NNCF: the ranges of all activations are measured on frames, then weights and activations
become integers of 8 bits. Half of the CPU's work is left where it multiplies such integers (VNNI, AMX), more elsewhere.
"""

import contextlib
import functools
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import iou_xyxy
from remix_track.compiled_cache import keep, recall
from remix_track.extras import ExtraError, extra
from remix_track.openvino_runtime import Compilation, compiled, fastest, network_key, without_telemetry

Image = NDArray[np.uint8]
Rows = NDArray[np.float32]
"""Boxes (N, 6): x1, y1, x2, y2 in pixels, confidence, class."""
Frames = Callable[[], Iterator[Image]]
"""Gives frames from all over a source, for which it is opened once more."""

SAMPLE = 72
"""Frames: two of three to measure ranges on, the others to compare boxes in."""
LEAST_FRAMES, LEAST_BOXES = 12, 30
LEAST_IOU = 0.7
LEAST_SHARE = 0.98
LEAST_MEAN_IOU = 0.97
SCORE_SLACK = 0.1
"""Boxes less sure than this above the least confidence may be on one side only."""

_FLOAT = [r"__module\.head.*", r"__module\.body\.boxes.*"]
"""The detection head, by the names that tracing gives: with it in integers scores and edges lose their last digits."""
_log = logging.getLogger(__name__)
_refused: dict[str, str] = {}
"""Reasons of this process, for those who have no frames to try again with."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two models agree about some frames.

    Attributes:
        boxes: that the first is sure of.
        found: those of them that the second has too.
        others: boxes that the second is sure of.
        confirmed: those of them that the first has too.
        mean_iou: of the boxes found; nan without any.
    """

    boxes: int
    found: int
    others: int
    confirmed: int
    mean_iou: float

    @property
    def trouble(self) -> str | None:
        """Why the second is not as good as the first; None where it is."""
        for share, what in (
            (self.found / max(self.boxes, 1), "of float32's boxes are found"),
            (self.confirmed / max(self.others, 1), "of its boxes are float32's"),
        ):
            if share < LEAST_SHARE:
                return f"{100 * share:.1f} % {what}, where {100 * LEAST_SHARE:.0f} % are needed"
        if self.mean_iou < LEAST_MEAN_IOU:
            return f"its boxes overlap float32's by {self.mean_iou:.3f}, where {LEAST_MEAN_IOU} is needed"
        return None


def agreement(pairs: Iterable[tuple[Rows, Rows]], conf: float) -> Agreement:
    """Count over frames.

    Args:
        pairs: of each frame the boxes of the first and of the second model.
        conf: the least confidence of both.
    """
    boxes = found = others = confirmed = 0
    overlaps: list[float] = []
    for exact, rows in pairs:
        here, there = _overlaps(exact, rows, conf), _overlaps(rows, exact, conf)
        boxes, found = boxes + len(here), found + int((here >= LEAST_IOU).sum())
        others, confirmed = others + len(there), confirmed + int((there >= LEAST_IOU).sum())
        overlaps += here[here >= LEAST_IOU].tolist()
    return Agreement(boxes, found, others, confirmed, float(np.mean(overlaps)) if overlaps else float("nan"))


def _overlaps(rows: Rows, others: Rows, conf: float) -> NDArray[np.float64]:
    """For each sure box among `rows` its greatest IoU with another of its class, 0 where there is none."""
    sure = rows[rows[:, 4] >= conf + SCORE_SLACK]
    iou = iou_xyxy(sure[:, :4].astype(np.float64), others[:, :4].astype(np.float64))
    return np.asarray((iou * (sure[:, 5, None] == others[None, :, 5])).max(axis=1, initial=0), np.float64)


@dataclass(frozen=True, slots=True)
class Float32:
    """A detector as it is in float32, for frames of one size.

    Attributes:
        name: of the weights, for messages.
        facts: all that the network depends on (plain values).
        network: compiled.
        model: makes the same before it is compiled.
        boxes: makes a detector of a compiled network.
        scaled: a frame as the network sees it, without the padding; None for a frame of another size.
        input: what the network takes of such a frame.
        conf: least confidence.
        threads: for one call.
    """

    name: str
    facts: Mapping[str, Any]
    network: Any
    model: Callable[[], Any]
    boxes: Callable[[Any], Callable[[Image], Rows]]
    scaled: Callable[[Image], Image | None]
    input: Callable[[Image], NDArray[np.float32]]
    conf: float
    threads: int


class _RefusedError(Exception):
    """Float32 it is; the reason, and whether it will be the same with other frames."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


def in_int8(exact: Float32, frames: Frames | None, *, needed: bool) -> Any | None:
    """The compiled network in 8-bit integers, from the cache or made now; None: float32 stays, which one line says.

    Args:
        exact: the detector in float32.
        frames: of the source; None for a source that comes once.
        needed: NNCF missing is an error; else a reason for float32.

    Raises:
        ExtraError: NNCF is not installed, and a network has to be made.
    """
    facts = {**exact.facts, "part": "int8"}
    key = network_key(facts | {"refused": True})
    try:
        if (before := recall(key)) is not None:
            raise _RefusedError(str(before[0].get("reason")), for_good=True)
        if frames is None and key in _refused:
            return None
        made = compiled(exact.name, facts, lambda: _compilation(exact, frames), exact.threads, exact=True)
        return None if made is None else made.network
    except ExtraError as error:
        if needed:
            raise
        _say(exact.name, str(error))
        _refused[key] = str(error)
    except _RefusedError as refused:
        _say(exact.name, str(refused))
        _refused[key] = str(refused)
        if refused.for_good:
            keep(key, {"reason": str(refused)}, b"")
    return None


def _compilation(exact: Float32, frames: Frames | None) -> Compilation:
    quantise = None if frames is None else _nncf()
    images = [] if frames is None else [one for one in map(exact.scaled, frames()) if one is not None]
    if quantise is None or len(images) < LEAST_FRAMES:
        raise _RefusedError(
            f"it is made from a recording of {LEAST_FRAMES} frames or more, and there was none of this size yet; "
            "track a file of this camera once",
            for_good=False,
        )
    calibration, held_out = divided(images)
    detect = exact.boxes(exact.network)
    rows = [detect(image).copy() for image in held_out]
    count = sum(int((one[:, 4] >= exact.conf + SCORE_SLACK).sum()) for one in rows)
    if count < LEAST_BOXES:
        raise _RefusedError(f"{count} boxes in {len(held_out)} frames are too few to judge it by", for_good=False)
    _log.info("%s: made in 8-bit integers from %d frames, which takes about a minute", exact.name, len(calibration))
    try:
        model = quantise(exact.model(), calibration, exact.input)
    except Exception as error:  # of an unknown model any part may be what NNCF does not take
        raise _RefusedError(f"NNCF does not take it ({type(error).__name__})", for_good=True) from None

    def accept(network: Any) -> bool:
        detect = exact.boxes(network)
        agreed = agreement(((one, detect(image)) for one, image in zip(rows, held_out, strict=True)), exact.conf)
        trouble = agreed.trouble
        if trouble is None and fastest([network, exact.network]) is not network:
            trouble = "it is not faster on this CPU"
        if trouble is not None:
            raise _RefusedError(trouble, for_good=True)
        return True

    return Compilation(model, {}, accept)


def divided(frames: Sequence[Image]) -> tuple[list[Image], list[Image]]:
    """Frames to measure ranges on, and every third one, to compare boxes in."""
    held_out = list(itertools.islice(frames, 1, None, 3))
    return [one for number, one in enumerate(frames) if number % 3 != 1], held_out


def _nncf() -> Callable[..., Any]:
    with without_telemetry():
        nncf = extra("nncf", "int8", "`detector_precision` int8")
    return functools.partial(_quantised, nncf)


def _quantised(nncf: Any, model: Any, images: Sequence[Image], to_input: Callable[[Image], Any]) -> Any:
    """OpenVINO's model in integers, the detection head left as it is."""
    with quiet_nncf(nncf):
        return nncf.quantize(
            model,
            nncf.Dataset(images, to_input),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(images),
            ignored_scope=nncf.IgnoredScope(patterns=_FLOAT),
        )


@contextlib.contextmanager
def quiet_nncf(nncf: Any) -> Iterator[None]:
    """Inside, it draws no progress bars; and it looks for a CUDA compiler on the way, which torch misses aloud."""
    import rich

    # Its own `set_log_level` changes handlers too, of which not all need be its own.
    nncf.nncf_logger.setLevel(logging.ERROR)
    console, loud = rich.get_console(), logging.getLogger("torch.utils.cpp_extension")
    quiet, console.quiet, disabled, loud.disabled = console.quiet, True, loud.disabled, True
    try:
        yield
    finally:
        console.quiet, loud.disabled = quiet, disabled


@functools.cache
def _say(name: str, reason: str) -> None:
    """Once, though several threads have a detector each."""
    _log.warning("%s: computed in float32, not int8: %s", name, reason)

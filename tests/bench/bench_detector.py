"""YOLO: frames per second of OpenVINO beside eager torch, what the parts cost, and how far the boxes are apart.

Run from the project's folder: `python -m tests.bench.bench_detector WEIGHTS.pt VIDEO [--imgsz N] [--threads N]`.
Torch is ultralytics' own predictor. Boxes are those of people from a confidence of 0.5 on, in every 16th frame.
With `--batches`: milliseconds a frame of the whole network on OpenVINO in float32, in batches of 1, 2 and 4 frames.
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.detections import Detections
from remix_track.machine import usable_cores
from remix_track.trackers.detectors.letterbox import Letterbox
from remix_track.trackers.detectors.openvino_yolo import DetectorPrecision
from remix_track.trackers.detectors.yolo import DetectorBackend, YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame
from tests.bench.bench_embedder import best_seconds

KINDS: tuple[tuple[DetectorBackend, DetectorPrecision], ...] = (
    ("torch", "float32"),
    ("openvino", "float32"),
    ("openvino", "fast"),
)


def frames_of(video: Path, step: int) -> list[Frame]:
    import cv2

    made: list[Frame] = []
    source = cv2.VideoCapture(str(video))
    while (read := source.read())[0]:
        made.append(Frame(len(made) + 1, np.asarray(read[1], np.uint8), 0.0))
    return made[::step]


def apart(found: Detections, exact: Detections) -> NDArray[np.float32]:
    """For each exact box, by how many pixels the nearest found one differs; infinite where there is none."""
    pairs = np.abs(exact.xyxy[:, None] - found.xyxy[None]).max(axis=2)
    return np.asarray(pairs.min(axis=1, initial=np.inf), np.float32)


def compare(weights: Path, video: Path, imgsz: int, threads: int) -> None:
    """Print speed and differences."""
    import torch

    frames = frames_of(video, 16)
    detectors = {
        f"{backend}, {precision}": YoloDetector(
            weights,
            YoloOptions(conf=0.5, imgsz=imgsz, device="cpu", backend=backend, precision=precision, threads=threads),
        )
        for backend, precision in KINDS
    }
    start = time.perf_counter()
    found = {name: [detector(frame) for frame in frames] for name, detector in detectors.items()}
    torch.set_num_threads(threads)
    first = next(iter(detectors))
    image = frames[0].image
    letterbox = Letterbox.fit(*image.shape[:2], size=imgsz, stride=32)
    pixels = letterbox.empty()
    work: dict[str, Callable[[], object]] = {name: partial(each, frames[0]) for name, each in detectors.items()}
    seconds = best_seconds({**work, "letterbox": lambda: letterbox.fill(image, pixels)})
    print(
        f"{weights.name}, {imgsz}: input {letterbox.width}x{letterbox.height}, {threads} threads; all took "
        f"{time.perf_counter() - start:.0f} s"
    )
    for name, taken in seconds.items():
        if name == "letterbox":
            print(f"{name:22s} {1000 * taken:7.1f} ms")
            continue
        away = np.concatenate([apart(ours, exact) for ours, exact in zip(found[name], found[first], strict=True)])
        speed = f"{1000 * taken:7.1f} ms {1 / taken:6.1f} frames/s x{seconds[first] / taken:4.1f}"
        far = f"{(away > 1).sum()} of {len(away)} more than 1 px away, largest {away.max():.2f} px"
        print(f"{name:22s} {speed}   {sum(map(len, found[name]))} boxes, {far}")


def compare_batches(weights: Path, video: Path, imgsz: int, threads: int) -> None:
    """Print how long a frame takes in batches of frames."""
    import torch
    from ultralytics import YOLO

    from remix_track.openvino_runtime import from_torch, openvino
    from remix_track.trackers.detectors.yolo_parts import Whole, split

    image, ov = frames_of(video, 16)[0].image, openvino()
    letterbox = Letterbox.fit(*image.shape[:2], size=imgsz, stride=32)
    network: Any = YOLO(weights).model
    model = from_torch(Whole(*split(network)), torch.zeros(1, 3, letterbox.height, letterbox.width))
    work: dict[str, Callable[[], object]] = {}
    for frames in (1, 2, 4):
        model.reshape([frames, 3, letterbox.height, letterbox.width])
        options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        request = ov.Core().compile_model(model, "CPU", options).create_infer_request()
        pixels = np.random.default_rng(0).random((frames, 3, letterbox.height, letterbox.width), np.float32)
        work[str(frames)] = partial(request.infer, [pixels])
    for name, taken in best_seconds(work).items():
        print(f"batch of {name}, {threads} threads: {1000 * taken / int(name):.1f} ms a frame")


def main() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--imgsz", type=int, default=640)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--batches", action="store_true")
    args = parser.parse_args()
    (compare_batches if args.batches else compare)(args.weights, args.video, args.imgsz, args.threads)


if __name__ == "__main__":
    main()

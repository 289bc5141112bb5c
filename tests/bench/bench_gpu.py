"""Frames a second of 1, 4 and 16 cameras that share a detector and an encoder on one device.

    python -m tests.bench.bench_gpu yolo11n.pt VIDEO [--device cuda] [--imgsz 640] [--batch 1 8] [--cameras 1 4 16]

Each camera is a thread with a tracker of its own that takes the video's frames out of memory, another one its first, as
fast as they are tracked; nothing is decoded or written. `--device cpu` takes the same way on torch. Five minutes on a
GPU at most: each row is `--seconds` long.
"""

import argparse
import itertools
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.trackers.frame import Frame
from remix_track.trackers.pipeline.detect_and_embed import FrameProcessor
from remix_track.trackers.pipeline.session import Session
from remix_track.trackers.settings import AppearanceSettings, DetectorSettings, TrackSettings
from remix_track.trackers.sources import open_source
from remix_track.trackers.tracker import Tracker

_FRAMES = 300
_WARM = 5


@dataclass(slots=True)
class Count:
    """Frames that a camera has tracked since the clock began."""

    frames: int = 0
    boxes: int = 0


def settings_for(weights: Path, device: str, imgsz: int, batch: int, precision: str) -> TrackSettings:
    """Torch for both networks, whatever the device is."""
    return TrackSettings(
        detector=DetectorSettings(
            str(weights),
            imgsz=imgsz,
            device=device,
            detector_backend="torch",
            detector_batch=batch,
            detector_precision="fast" if precision == "fast" else "float32",
        ),
        appearance=AppearanceSettings(backend="torch"),
    )


def measured(settings: TrackSettings, images: list[NDArray[np.uint8]], cameras: int, seconds: float) -> list[Count]:
    """Run so many cameras for so long."""
    session = Session(settings)
    pool = session.network_pool(cameras)
    counts = [Count() for _ in range(cameras)]
    begin, end = threading.Barrier(cameras + 1), threading.Event()

    def camera(number: int) -> None:
        tracker = Tracker.around(session.embedder, fps=25, settings=session.settings.tracker)
        endless = itertools.cycle(images[7 * number % len(images) :] + images[: 7 * number % len(images)])
        for index, image in enumerate(endless, 1):
            with pool.borrow() as (detector, embedder):
                process = FrameProcessor(detector, embedder, min_confidence=0.25, clock=tracker.clock)
                found = process(Frame(index, image, index / 25))
            tracker.update(found, image=image)
            if index == _WARM:
                begin.wait()
            if index > _WARM:
                counts[number].frames += 1
                counts[number].boxes += len(found)
            if end.is_set():
                return

    threads = [threading.Thread(target=camera, args=(number,), daemon=True) for number in range(cameras)]
    for thread in threads:
        thread.start()
    begin.wait()
    time.sleep(seconds)
    end.set()
    for thread in threads:
        thread.join()
    return counts


def main() -> None:
    """Print a row for each number of cameras and batch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--imgsz", type=int, default=640)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 16])
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--precision", nargs="+", choices=["float32", "fast"], default=["float32", "fast"])
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    images = [one.image for one in itertools.islice(open_source(arguments.video), _FRAMES)]
    print("| precision | batch | cameras | frames/s | each | boxes a frame | s with start |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for precision, batch, cameras in itertools.product(arguments.precision, arguments.batch, arguments.cameras):
        settings = settings_for(arguments.weights, arguments.device, arguments.imgsz, batch, precision)
        begun = time.perf_counter()
        counts = measured(settings, images, cameras, arguments.seconds)
        frames, boxes = (sum(getattr(one, what) for one in counts) for what in ("frames", "boxes"))
        speed = frames / arguments.seconds
        taken = time.perf_counter() - begun
        cells = f"{speed:.1f} | {speed / cameras:.1f} | {boxes / max(frames, 1):.1f} | {taken:.0f}"
        print(f"| {precision} | {batch} | {cameras} | {cells} |", flush=True)


if __name__ == "__main__":
    main()

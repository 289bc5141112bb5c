"""The overlapped pipeline beside the plain loop, in one process, round by round.

    python -m tests.bench.bench_pipeline VIDEO --detector yolo11n.pt --weights osnet_x0_25_msmt17.onnx \
        [--imgsz 640 768] [--frames 120] [--rounds 5]

Run from the project's folder. `plain` reads, detects, embeds, associates and writes one frame after the other, each
network on all threads: what a camera gets. `one ahead` lets one thread look at frames, its networks on all threads,
while the caller reads, associates and writes. `overlapped` is what a video gets: a frame for each thread. `auto` is
that with `--reid when-ambiguous`. The first 20 frames, while networks are loaded, are not counted; tracks are compared.
Frames per second are the median of the rounds, and so are the ratios to `plain` of the same round.
"""

import argparse
import dataclasses
import hashlib
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from remix_track.trackers.drawing.drawer import Drawer
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.pipeline.session import Session
from remix_track.trackers.settings import AppearanceSettings, DetectorSettings, TrackSettings
from remix_track.trackers.sinks.mot_text import MotTextSink
from remix_track.trackers.sinks.sink import Sink
from remix_track.trackers.sinks.video import VideoSink
from remix_track.trackers.sources import open_source

WAYS = ("plain", "one ahead", "overlapped", "auto")
UNCOUNTED = 20


class Cost(NamedTuple):
    """Of one run: frames per second, milliseconds of all threads per frame, what the tracks are."""

    fps: float
    processor: float
    tracks: str


def prepare(settings: TrackSettings, way: str) -> Session:
    """What makes runs that go this way; the encoder is loaded."""
    if way == "auto":
        settings = dataclasses.replace(settings, tracker=dataclasses.replace(settings.tracker, reid="when-ambiguous"))
    runs = Session(settings)
    if way in ("plain", "one ahead"):
        runs._workers = 1
        runs.embedder = runs._load_embedder(runs._threads)
    return runs


def begin(runs: Session, way: str, video: Path, frames: int) -> Run:
    """A run over the first frames of the video."""
    source = open_source(video, frames=frames)
    source.live = way == "plain"
    return runs.run(source)


def measure(run: Run, *, write_video: bool) -> Cost:
    """Run to the end; after `UNCOUNTED` frames it counts."""
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "tracks.txt"
        sinks: list[Sink] = [MotTextSink(text)]
        if write_video:
            sinks.append(VideoSink(Path(folder) / "video.mp4", run.fps, Drawer().draw))
        start = processor = 0.0
        for frame in run:
            for sink in sinks:
                sink.write(frame)
            if run.frames == UNCOUNTED:
                start, processor = time.perf_counter(), time.process_time()
        seconds, spent = time.perf_counter() - start, time.process_time() - processor
        for sink in sinks:
            sink.close()
        counted = run.frames - UNCOUNTED
        return Cost(counted / seconds, 1000 * spent / counted, hashlib.sha256(text.read_bytes()).hexdigest())


def compare(runs: dict[str, Session], video: Path, frames: int, rounds: int, *, write_video: bool) -> None:
    """Print a line for each way."""
    costs: dict[str, list[Cost]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way in WAYS if number % 2 == 0 else reversed(WAYS):
            costs[way].append(measure(begin(runs[way], way, video, frames), write_video=write_video))
    for way, found in costs.items():
        ratio = median(one.fps / plain.fps for one, plain in zip(found, costs["plain"], strict=True))
        fps, processor = median(one.fps for one in found), median(one.processor for one in found)
        same = {one.tracks for one in found} == {costs["plain"][0].tracks}
        said = "same tracks" if same else "other tracks"
        print(f"  {way:<11} {fps:6.1f} frames/s, {ratio:.2f} of plain, {processor:6.1f} ms of CPU a frame, {said}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--detector", required=True)
    parser.add_argument("--weights", default="default")
    parser.add_argument("--imgsz", type=int, nargs="+", default=[640, 768])
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for imgsz in arguments.imgsz:
        settings = TrackSettings(
            DetectorSettings(detector=arguments.detector, imgsz=imgsz), AppearanceSettings(weights=arguments.weights)
        )
        runs = {way: prepare(settings, way) for way in WAYS}
        for write_video in (False, True):
            print(f"{imgsz} px, {'with' if write_video else 'without'} video")
            compare(runs, arguments.video, arguments.frames, arguments.rounds, write_video=write_video)


if __name__ == "__main__":
    main()

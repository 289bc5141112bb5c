"""Pseudo labels of harvested footage against its truth: clusters of crops, and of tracklets.

    python -m tests.bench.bench_tracklet_labels DATA/pets09-s2l1 --detector yolo11n.pt [--weights W] [--set every=0.3]

The clip is a folder with `video.avi` or `video.mp4` and `gt/gt.txt`. Its halves and the whole are harvested as `adapt`
does it; a crop shows the person of the truth whose box it overlaps most. PETS' people are those of `pets_people`.
Purity and completeness are `ClusterReport`'s.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from remix_track import mot_text
from remix_track.boxes import iou_xyxy, xyxy_from_tlwh
from remix_track.data.crops.harvest import _tracklets
from remix_track.data.crops.tracklets import HarvestSettings, Tracklet
from remix_track.detections import Detections
from remix_track.encoder.load import load_embedder
from remix_track.mot_text import MotRows
from remix_track.settings_text import changed
from remix_track.trackers.detectors.find_detector import find_detector
from remix_track.trackers.detectors.yolo import YoloOptions
from remix_track.trackers.frame import Frame
from remix_track.trackers.sources import open_source
from remix_track.training.method_settings import ClusterSettings
from remix_track.training.pseudo_labels import pseudo_labels
from tests.bench.pets_people import pets_people

CROPS = ClusterSettings(scope="video", k1=10, k2=4)
WAYS = {
    "crops": CROPS,
    "tracklets": ClusterSettings(scope="video", k1=10, k2=4, tracklets=True),
    "tracklets, none cut": ClusterSettings(scope="video", k1=10, k2=4, tracklets=True, tracklet_break=2),
}
LEAST_OVERLAP = 0.4


class Remembering:
    """A detector that looks at each frame once."""

    dropped = 0

    def __init__(self, weights: str, imgsz: int) -> None:
        self.detector = find_detector(weights, YoloOptions(conf=0.25, imgsz=imgsz))
        self.known: dict[int, Detections] = {}
        self.name = self.detector.name

    def __call__(self, frame: Frame) -> Detections:
        if frame.index not in self.known:
            self.known[frame.index] = self.detector(frame)
        return self.known[frame.index]


def main() -> None:
    """Print a line for each part of the clip and way."""
    arguments = _parser().parse_args()
    video = next(path for path in map(arguments.clip.joinpath, ("video.avi", "video.mp4")) if path.exists())
    with open_source(str(video)) as source:
        frames = sum(1 for _ in source)
    detector = Remembering(arguments.detector, arguments.imgsz)
    parts = {"first half": (1, frames // 2), "second half": (frames // 2 + 1, frames - frames // 2)}
    for name, (start, count) in (parts | {"whole": (1, frames)}).items():
        given = {"start": start, "frames": count, "imgsz": arguments.imgsz}
        settings = changed(HarvestSettings, given, arguments.set, "--set")
        vectors, places, person = harvested(video, arguments.clip, detector, settings, arguments.weights)
        shown = len(np.unique(person[person >= 0]))
        print(f"{name}: {len(np.unique(places[:, 0]))} tracklets of {shown} people")
        for way, clusters in WAYS.items():
            found = pseudo_labels(vectors, np.zeros(len(person), np.int64), clusters, person, places)
            print(f"    {way}: {found.report}", flush=True)


def harvested(
    video: Path, clip: Path, detector: Remembering, settings: HarvestSettings, weights: str
) -> tuple[torch.Tensor, NDArray[np.int64], NDArray[np.int64]]:
    """Vectors (N, D) of the crops, their tracklet and frame (N, 2), and their person (N,); -1 for none."""
    embedder = load_embedder(weights)
    assert embedder is not None
    truth = mot_text.read(clip / "gt" / "gt.txt")
    vectors, rows = [], []
    for number, (frame, xyxy, jpeg) in _crops(video, detector, settings):
        image = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        vectors.append(embedder(image, np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32))[0])
        rows.append((number, frame, _person(truth, frame, xyxy)))
    table = np.array(rows, np.int64)
    person = pets_people(table[:, 2]) if clip.name == "pets09-s2l1" else table[:, 2]
    return torch.from_numpy(np.stack(vectors)), table[:, :2], person


def _crops(
    video: Path, detector: Remembering, settings: HarvestSettings
) -> Iterator[tuple[int, tuple[int, NDArray[np.float32], bytes]]]:
    """The tracklet's number, and frame, box and JPEG, of each crop that is kept."""
    boxes: dict[tuple[int, int], NDArray[np.float32]] = {}
    add = Tracklet.add

    def remember(self: Tracklet, frame: int, time: float, jpeg: bytes, most: int) -> None:
        boxes[id(self), frame] = self.xyxy
        add(self, frame, time, jpeg, most)

    with open_source(str(video)) as source:
        stride = max(1, round(source.fps / settings.rate)) if settings.rate else 1
    Tracklet.add = remember  # type: ignore[method-assign]
    try:
        with open_source(str(video), start=settings.start, stride=stride, frames=-(-settings.frames // stride)) as part:
            kept = list(_tracklets(part, part.fps / stride, detector, settings, lambda: None))
    finally:
        Tracklet.add = add  # type: ignore[method-assign]
    for number, one in enumerate(kept):
        for frame, _, jpeg in one.crops:
            yield number, (frame, boxes[id(one), frame], jpeg)


def _person(truth: MotRows, frame: int, xyxy: NDArray[np.float32]) -> int:
    here = truth[truth.frame == frame]
    overlap = iou_xyxy(xyxy[None], xyxy_from_tlwh(here.tlwh))[0]
    return int(here.id[overlap.argmax()]) if overlap.max(initial=0) > LEAST_OVERLAP else -1


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("clip", type=Path)
    made.add_argument("--detector", required=True)
    made.add_argument("--imgsz", type=int, default=768)
    made.add_argument("--weights", default="default")
    made.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the harvest")
    return made


if __name__ == "__main__":
    main()

"""Detectors of people side by side: recall, precision and milliseconds a frame, one thread each, in one run.

Run from the project's folder: `python -m tests.bench.bench_people SHARED [--yolo WEIGHTS.pt] [--frames N]`, with the
folder of research data. Evenly spread frames of PETS 2009 S2L1, TUD-Stadtmitte, MOT16-09 and of a drawn street. Boxes
count from a score of 0.5 on, at an IoU of 0.5. Who shows by less than 0.3 (MOT16-09 and the street say that), and in
MOT16-09 reflections and people who are no pedestrians, neither count nor are wrong to find.
"""

import argparse
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track import mot_text
from remix_track.boxes import clip_xyxy, xyxy_from_tlwh
from remix_track.detector_training.measure import Tally
from remix_track.mot_text import MotRows
from remix_track.synthetic.scenes import StreetScene
from remix_track.trackers.detectors.builtin import BuiltinDetector
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.detectors.hog import HogDetector
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame
from remix_track.trackers.sources import open_source

_SHOWS = 0.3
_LEAST, _LOWEST = 0.5, 0.05
_ALSO_PEOPLE = (1, 2, 7, 8, 12)
"""MOT16's classes of people in any form: walking, on a vehicle, still, distractors, reflections."""


class Labelled(NamedTuple):
    """A frame, boxes that count, and boxes that do not."""

    frame: Frame
    people: NDArray[np.float32]
    unknown: NDArray[np.float32]


def clip_of(source: Path, truth: Path, count: int) -> Iterator[Labelled]:
    rows = mot_text.read(truth)
    last = int(rows.frame.max())
    wanted = set(np.linspace(3, last - 2, count).astype(int).tolist())
    with open_source(str(source)) as frames:
        for frame in frames:
            if frame.index in wanted:
                yield labelled(frame, rows, truth.parent.parent.name.startswith("MOT16"))


def labelled(frame: Frame, rows: MotRows, with_classes: bool) -> Labelled:
    here = rows.frame == frame.index
    height, width = frame.image.shape[:2]
    xyxy = clip_xyxy(xyxy_from_tlwh(rows.tlwh[here]), width, height).astype(np.float32)
    counts = rows.score[here] != 0
    if not with_classes:
        return Labelled(frame, xyxy[counts], xyxy[~counts])
    counts &= (rows.class_id[here] == 1) & (rows.visibility[here] >= _SHOWS)
    people = np.isin(rows.class_id[here], _ALSO_PEOPLE)
    return Labelled(frame, xyxy[counts], xyxy[people & ~counts])


def street(count: int) -> Iterator[Labelled]:
    scene = StreetScene(0, frames=100)
    for number in np.linspace(1, 100, count).astype(int).tolist():
        yield labelled(Frame(number, scene.render(number), 0.0), scene.rows(number), with_classes=True)


def measured(detector: Detector, frames: Iterable[Labelled]) -> str:
    tally = Tally()
    seconds: list[float] = []
    for one in frames:
        if not seconds:
            detector(one.frame)
        begun = time.process_time()
        found = detector(one.frame)
        seconds.append(time.process_time() - begun)
        tally.add(found.xyxy, found.score, one.people, one.unknown)
    at = tally.found(_LEAST)
    milliseconds = 1000 * float(np.median(seconds))
    return f"recall {at.recall:.3f}  precision {at.precision:.3f}  AP {at.average:.3f}  {milliseconds:6.1f} ms CPU"


def main() -> None:
    import cv2

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--yolo", type=Path)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--imgsz", type=int, default=640)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    data, real = args.shared / "data", args.shared / "data/real"
    tud = real / "TUD-Stadtmitte"
    clips = {
        "PETS 2009 S2L1": lambda: clip_of(data / "pets09-s2l1/video.avi", data / "pets09-s2l1/gt/gt.txt", args.frames),
        "TUD-Stadtmitte": lambda: clip_of(tud / "img1", tud / "gt/gt.txt", args.frames),
        "MOT16-09": lambda: clip_of(real / "MOT16-09/video.mp4", real / "MOT16-09/gt/gt.txt", args.frames),
        "drawn street": lambda: street(args.frames),
    }
    detectors: dict[str, Detector] = {
        "hog": HogDetector(),
        "builtin": BuiltinDetector(conf=_LOWEST, imgsz=args.imgsz, threads=1),
    }
    if args.yolo:
        detectors[args.yolo.stem] = YoloDetector(args.yolo, YoloOptions(conf=_LOWEST, imgsz=args.imgsz, threads=1))
    for name, frames in clips.items():
        kept = list(frames())
        for detector_name, detector in detectors.items():
            print(f"{name:15s} {detector_name:10s} {measured(detector, kept)}", flush=True)


if __name__ == "__main__":
    main()

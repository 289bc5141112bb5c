"""Scores and speed of the Deep SORT adapter, and how its defaults were chosen.

Run from the project's folder with `python -m tests.bench.bench_deep_sort`, then one of:

    mot17 DATA/mot17/train            settings compared on public detections, motion only: the defaults come from here
    appearance DATA/mot17/train DATA/deep-sort-reference     the same on MOT17-09 with the original's features
    confidence DATA/mot17-frames YOLO detection scores compared on twelve MOT17 images: min_confidence comes from here
    pets DATA/pets09-s2l1 BOXES.npz [EMBEDDINGS.npz]     a report; nothing is tuned on it
    speed                             ours and the package side by side, 10 to 500 people (takes five minutes)
    flat                              time per frame and memory over 20,000 frames of 30 people

BOXES.npz holds `frame` (N,), `xyxy` (N, 4) and `score` (N,); EMBEDDINGS.npz holds `embedding` (N, D), row by row.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import motmetrics
import numpy as np
from deep_sort_realtime.deep_sort.nn_matching import NearestNeighborDistanceMetric
from numpy.typing import NDArray

from remix_track.boxes import iou_tlwh, tlwh_from_xyxy, xyxy_from_tlwh
from remix_track.detections import Detections, Tracks
from remix_track.mot_sequence import SequenceInfo
from remix_track.trackers.association.settings import DeepSortSettings
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import (
    bare_package,
    crowd,
    deep_sort,
    memory,
    mended_package,
    package_tracks,
    street,
    table,
)

METRICS = ["num_frames", "mota", "idf1", "num_switches", "num_misses", "num_false_positives", "num_unique_objects"]


@dataclass
class Clip:
    """The detections and the ground truth of one sequence; `truth` rows are frame, id, left, top, width, height."""

    name: str
    fps: float
    detections: list[Detections]
    truth: NDArray[np.float64]


def mot17_clip(folder: Path) -> Clip:
    """Public detections, and the ground truth rows of people that count."""
    info = SequenceInfo.read(folder / "seqinfo.ini")
    found = np.loadtxt(folder / "det" / "det.txt", delimiter=",")
    truth = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
    truth = truth[(truth[:, 6] == 1) & (truth[:, 7] == 1)]
    frames = [_detections(found[found[:, 0] == frame]) for frame in range(1, (info.frames or 0) + 1)]
    return Clip(info.name, info.fps or 30.0, frames, truth[:, :6])


def pets_clip(folder: Path, boxes: Path, embeddings: Path | None) -> Clip:
    """Cached detections of the PETS video, 10 frames per second by its header."""
    held = np.load(boxes, allow_pickle=False)
    vectors = None if embeddings is None else np.load(embeddings, allow_pickle=False)["embedding"]
    frames = []
    for frame in range(1, 796):
        rows = np.flatnonzero(held["frame"] == frame)
        person = np.zeros(len(rows), np.int64)
        seen = None if vectors is None else vectors[rows]
        frames.append(Detections(held["xyxy"][rows], held["score"][rows], person, seen))
    return Clip("PETS09-S2L1", 10.0, frames, np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")[:, :6])


def score(clips: Iterable[Clip], track: Callable[[Clip], list[Tracks]]) -> dict[str, float]:
    """MOTA, IDF1 and their counts over all clips, IoU 0.5, with our own distance matrix."""
    accumulators = []
    for clip in clips:
        accumulator = motmetrics.MOTAccumulator(auto_id=True)
        for frame, tracks in enumerate(track(clip), start=1):
            truth = clip.truth[clip.truth[:, 0] == frame]
            distance = 1 - iou_tlwh(truth[:, 2:], tlwh_from_xyxy(tracks.xyxy))
            accumulator.update(truth[:, 1].astype(int), tracks.ids, np.where(distance > 0.5, np.nan, distance))
        accumulators.append(accumulator)
    table = motmetrics.metrics.create().compute_many(accumulators, metrics=METRICS, generate_overall=True)
    return dict(table.loc["OVERALL"])


def ours(clip: Clip, settings: DeepSortSettings, *, fps: float | None = None, blind: str = "") -> list[Tracks]:
    """The adapter over a clip; `blind="none"` drops embeddings, `"constant"` gives every detection the same."""
    tracker = deep_sort(settings, fps=fps or clip.fps)
    return [tracker.update(_blinded(detections, blind)) for detections in clip.detections]


def compare_mot17(root: Path) -> None:
    """One setting varied at a time on MOT17 02, 04, 09 (FRCNN and SDP) and 13."""
    names = ["MOT17-02-FRCNN", "MOT17-04-FRCNN", "MOT17-09-FRCNN", "MOT17-09-SDP", "MOT17-13-FRCNN"]
    clips = [mot17_clip(root / name) for name in names]
    start = DeepSortSettings()
    rows = {
        "defaults": start,
        **{f"max_motion_age {age}": replace(start, max_motion_age=age) for age in (1, 10, 15, 30, 60, 90)},
        **{f"box {box}": replace(start, box=box) for box in ("kalman", "detector")},
        **{f"n_init {count}": replace(start, n_init=count) for count in (1, 2, 3, 5)},
        **{f"max_iou_distance {limit}": replace(start, max_iou_distance=limit) for limit in (0.5, 0.7, 0.8, 0.9)},
        **{f"max_coast {count}": replace(start, max_coast=count) for count in (0, 1, 3)},
        **{f"min_confidence {limit}": replace(start, min_confidence=limit) for limit in (0.3, 0.4, 0.5, 0.6, 0.7)},
    }
    for name, settings in rows.items():
        _print(name, score(clips, partial(ours, settings=settings, blind="none")))
    _print("constant vectors", score(clips, partial(ours, settings=start, blind="constant")))


def compare_appearance(root: Path, reference: Path) -> None:
    """One setting varied at a time on MOT17-09-FRCNN, with the features that the original Deep SORT was given."""
    found = np.load(reference / "MOT17-09-FRCNN.npy", allow_pickle=False)
    clip = mot17_clip(root / "MOT17-09-FRCNN")
    frames = [found[found[:, 0] == frame] for frame in range(1, len(clip.detections) + 1)]
    clip.detections = [_detections(rows).with_embedding(rows[:, 10:].astype(np.float32)) for rows in frames]
    start = DeepSortSettings()
    rows = {
        **{f"max_age {age}": replace(start, max_age=age) for age in (15, 30, 60, 90, 150)},
        **{f"min_confidence {limit}": replace(start, min_confidence=limit) for limit in (0.3, 0.4, 0.5, 0.6, 0.7)},
        **{f"cosine {limit}": replace(start, max_cosine_distance=limit) for limit in (0.1, 0.15, 0.2, 0.25, 0.3)},
        **{f"n_init {count}": replace(start, n_init=count) for count in (1, 2, 3, 5)},
        **{f"box {box}": replace(start, box=box) for box in ("kalman", "detector")},
    }
    for name, settings in rows.items():
        _print(name, score([clip], partial(ours, settings=settings)))


def compare_confidence(root: Path, weights: Path, image_size: int) -> None:
    """Detection accuracy (1 - (missed + false) / people) of YOLO boxes over thresholds, on MOT17 images."""
    import cv2
    from ultralytics import YOLO

    model = YOLO(weights)
    frames = []
    for folder in sorted(root.iterdir()):
        truth = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
        for path in sorted((folder / "img1").iterdir()):
            picture = cv2.imread(str(path))
            found = model.predict(picture, imgsz=image_size, classes=[0], conf=0.05, verbose=False)[0].boxes
            frames.append((truth[truth[:, 0] == int(path.stem)], found.xyxy.cpu().numpy(), found.conf.cpu().numpy()))
    for limit in np.arange(0.1, 0.75, 0.05):
        counts = np.sum([_hits(truth, xyxy[sure >= limit]) for truth, xyxy, sure in frames], axis=0)
        hits, false, people = counts.tolist()
        print(f"conf {limit:.2f}  recall {hits / people:.3f}  false {false:4d}  accuracy {(hits - false) / people:.3f}")


def report_pets(folder: Path, boxes: Path, embeddings: Path | None) -> None:
    """The defaults and their neighbours on PETS."""
    clip = pets_clip(folder, boxes, embeddings)
    start = DeepSortSettings()
    rows = {
        "defaults": start,
        "box detector": replace(start, box="detector"),
    }
    for name, settings in rows.items():
        _print(name, score([clip], partial(ours, settings=settings)))
    _print("not scaled: 30 fps", score([clip], partial(ours, settings=start, fps=30.0)))
    for age in (30, 60, 90):
        _print(f"max_age {age}", score([clip], partial(ours, settings=replace(start, max_age=age))))
    _print("motion only", score([clip], partial(ours, settings=start, blind="none")))
    _print("constant vectors", score([clip], partial(ours, settings=start, blind="constant")))


def compare_speed(sizes: Iterable[tuple[int, int]], frames: int) -> None:
    """Milliseconds of CPU per frame for people in 1440x1440 pixels, budget 100 used up: ours and the package, in turn.

    Medians, and our best frame. CPU time, as the clock of a busy machine counts what others do: run it with
    OMP_NUM_THREADS=1. `mended` has the package's gallery fault mended.
    """
    names = ["ours", "best", "mended", "released", "mended/ours", "released/ours"]
    print(f"{'people x D':>12}" + "".join(f"{name:>15}" for name in names) + "   same tracks")
    for people, width in sizes:
        scene = list(crowd(8 + frames, people, width, area=1440, vanish=0.002))
        ours, mended, released = deep_sort(), mended_package(max_age=90), bare_package(max_age=90)
        steps: list[Callable[[Detections], Any]] = [
            ours.update,
            partial(package_tracks, mended),
            partial(package_tracks, released),
        ]
        for detections in scene[:8]:
            for step in steps:
                step(detections)
        _fill_galleries(ours, [mended, released])
        seconds, same = np.empty((frames, len(steps))), True
        for frame, detections in enumerate(scene[8:]):
            for number, step in enumerate(steps):
                start = time.process_time()
                step(detections)
                seconds[frame, number] = time.process_time() - start
            theirs = [int(track.track_id) for track in mended.tracker.tracks]
            same &= table(ours)["number"].tolist() == theirs
        own, mend, release = (1000 * np.median(seconds, axis=0)).tolist()
        times = [own, 1000 * float(seconds[:, 0].min()), mend, release]
        cells = [f"{value:.2f} ms" for value in times] + [f"{mend / own:.1f}", f"{release / own:.1f}"]
        print(
            f"{people:5} x {width:4}" + "".join(f"{c:>15}" for c in cells) + f"   {'yes' if same else 'NO'}", flush=True
        )


def _fill_galleries(ours: Tracker, packages: list[Any]) -> None:
    """Let each confirmed track remember a hundred vectors, which takes the package minutes by itself."""
    rng, confirmed = np.random.default_rng(0), table(ours)[table(ours)["confirmed"]]
    rows, numbers = confirmed["memory"], confirmed["number"].tolist()
    newest = memory(ours).newest(rows)
    for _ in range(100):
        vectors = newest + rng.normal(scale=0.5 * newest.std(), size=newest.shape)
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        memory(ours).add(rows, vectors)
        for package in packages:
            targets = [str(number) for number in numbers]
            metric = package.tracker.metric
            NearestNeighborDistanceMetric.partial_fit(metric, vectors, np.array(targets), list(metric.samples))


def report_flat(frames: int) -> None:
    """Median time per frame and resident memory, for each tenth of a long run of 30 people who come and go."""
    adapter, seconds = deep_sort(), np.empty(frames)
    for number, detections in enumerate(street(frames, people=30, width=512)):
        start = time.perf_counter()
        adapter.update(detections)
        seconds[number] = time.perf_counter() - start
        if (number + 1) % (frames // 10) == 0:
            median = 1000 * float(np.median(seconds[number + 1 - frames // 10 : number + 1]))
            status = Path("/proc/self/status").read_text()
            resident = status[status.index("VmRSS:") :].split()[1]
            print(f"frame {number + 1:6}  {median:.2f} ms  {int(resident) // 1024} MB", flush=True)


def _detections(rows: NDArray[np.float64]) -> Detections:
    return Detections(
        xyxy_from_tlwh(rows[:, 2:6]).astype(np.float32), rows[:, 6].astype(np.float32), np.zeros(len(rows), np.int64)
    )


def _blinded(detections: Detections, blind: str) -> Detections:
    if blind == "constant":
        return detections.with_embedding(np.ones((len(detections), 8), np.float32))
    return Detections(detections.xyxy, detections.score, detections.class_id) if blind else detections


def _hits(truth: NDArray[np.float64], xyxy: NDArray[np.float32]) -> tuple[int, int, int]:
    """Hits, false boxes and people of one image; boxes on rows that do not count are neither hit nor false."""
    from scipy.optimize import linear_sum_assignment

    overlap = iou_tlwh(truth[:, 2:6], tlwh_from_xyxy(xyxy))
    rows, columns = linear_sum_assignment(-np.where(overlap >= 0.5, overlap, 0))
    matched = overlap[rows, columns] >= 0.5
    counts = (truth[:, 6] == 1) & (truth[:, 7] == 1)
    return int(counts[rows[matched]].sum()), len(xyxy) - int(matched.sum()), int(counts.sum())


def _print(name: str, row: dict[str, float]) -> None:
    print(
        f"{name:24} MOTA {100 * row['mota']:5.1f}  IDF1 {100 * row['idf1']:5.1f}  IDsw {row['num_switches']:5.0f}  "
        f"missed {row['num_misses']:6.0f}  false {row['num_false_positives']:6.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=["mot17", "appearance", "confidence", "pets", "speed", "flat"])
    parser.add_argument("paths", type=Path, nargs="*")
    parser.add_argument("--weights", type=Path, default=Path("yolo11n.pt"), help="for confidence")
    parser.add_argument("--imgsz", type=int, default=1280, help="for confidence")
    parser.add_argument("--frames", type=int, default=40, help="for speed")
    chosen = parser.parse_args()
    if chosen.job == "mot17":
        compare_mot17(chosen.paths[0])
    elif chosen.job == "appearance":
        compare_appearance(chosen.paths[0], chosen.paths[1])
    elif chosen.job == "confidence":
        compare_confidence(chosen.paths[0], chosen.weights, chosen.imgsz)
    elif chosen.job == "pets":
        report_pets(chosen.paths[0], chosen.paths[1], chosen.paths[2] if len(chosen.paths) > 2 else None)
    elif chosen.job == "flat":
        report_flat(20_000)
    else:
        few = [(10, 512), (10, 2048), (30, 512), (30, 2048), (80, 512), (80, 2048)]
        compare_speed(few, chosen.frames)
        compare_speed([(500, 512), (500, 2048)], max(3, chosen.frames // 10))


if __name__ == "__main__":
    main()

"""How the remix tracker's defaults were chosen, and what each of its parts does: a table with a row for each.

Run from the project's folder with `OMP_NUM_THREADS=1 python -m tests.bench.bench_remix`, then one of:

    draw FOLDER YOLO.pt REID.onnx     six drawn streets with what a detector and an encoder see in them (half an hour)
    table FOLDER MOT17/train DEEP-SORT-REFERENCE     a row for each part, on all of the data below
    pets PETS BOXES.npz EMBEDDINGS.npz     a report; nothing is tuned on it
    speed     milliseconds per frame, Deep SORT and remix in turn

Data: `mot`: MOT17 02, 04, 09 and 13 with FRCNN's public boxes, motion only; `mot/3`: every third frame of it; `look`:
MOT17-09 with the original Deep SORT's features; `still` and `moving`: drawn streets, where people who are more than
nine tenths hidden do not count; the camera of `moving` pans and shakes.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from remix_track import mot_text
from remix_track.boxes import tlwh_from_xyxy, xyxy_from_tlwh
from remix_track.detections import Detections, Tracks
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS, Rules
from remix_track.eval.metrics.score import as_dict, combine, score_sequence
from remix_track.mot_sequence import SequenceInfo
from remix_track.mot_text import MotRows
from remix_track.synthetic.scenes import StreetScene
from remix_track.trackers.association.camera_motion import CameraMotion, Warp
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.linking.finished_tracks import FinishedTracks
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import crowd

STILL = {"S1": (101, 240, 14, 20.0), "S2": (102, 200, 16, 10.0), "S3": (104, 240, 12, 25.0), "S4": (106, 200, 16, 8.0)}
MOVING = {"P1": (103, 240, 14, 20.0), "P2": (105, 200, 14, 12.0)}
"""Seed, frames, people, frames per second."""
SIZE = (768, 432)
MOT17 = ("MOT17-02-FRCNN", "MOT17-04-FRCNN", "MOT17-09-FRCNN", "MOT17-13-FRCNN")
COLUMNS = ("MOTA", "IDF1", "IDsw", "HOTA")
NOTHING = np.empty((0, 0, 3), np.uint8)


@dataclass
class Clip:
    """What is seen of one sequence, frame by frame, and its truth, whose frames count from 1."""

    fps: float
    width: int | None
    seen: list[Detections]
    truth: MotRows
    rules: Rules
    cameras: list[Warp | None]


def drawn_clip(folder: Path) -> Clip:
    held, info = np.load(folder / "seen.npz", allow_pickle=False), SequenceInfo.read(folder / "seqinfo.ini")
    truth = mot_text.read(folder / "gt" / "gt.txt")
    seen = []
    for frame in range(1, (info.frames or 0) + 1):
        rows = np.flatnonzero(held["frame"] == frame)
        seen.append(_people(held["xyxy"][rows], held["score"][rows], held["embedding"][rows]))
    return Clip(
        info.fps or 30, info.width, seen, truth[truth.visibility > 0.1], PRESETS["data"], _cameras(held["camera"])
    )


def mot17_clip(folder: Path, *, stride: int = 1, features: Path | None = None) -> Clip:
    info, truth = SequenceInfo.read(folder / "seqinfo.ini"), mot_text.read(folder / "gt" / "gt.txt")
    found = np.loadtxt(folder / "det" / "det.txt", delimiter=",") if features is None else np.load(features)
    frames = range(1, (info.frames or 0) + 1, stride)
    seen = []
    for frame in frames:
        rows = found[found[:, 0] == frame]
        seen.append(_people(xyxy_from_tlwh(rows[:, 2:6]), rows[:, 6], None if features is None else rows[:, 10:]))
    truth = truth[np.isin(truth.frame, frames)]
    truth = replace(truth, frame=(truth.frame - 1) // stride + 1)
    return Clip((info.fps or 30) / stride, info.width, seen, truth, PRESETS["mot17"], [None] * len(seen))


def pets_clip(folder: Path, boxes: Path, embeddings: Path) -> Clip:
    held, vectors = np.load(boxes, allow_pickle=False), np.load(embeddings, allow_pickle=False)["embedding"]
    seen = []
    for frame in range(1, 796):
        rows = np.flatnonzero(held["frame"] == frame)
        seen.append(_people(held["xyxy"][rows], held["score"][rows], vectors[rows]))
    camera, video = CameraMotion(), cv2.VideoCapture(str(folder / "video.avi"))
    cameras = [camera(np.asarray(video.read()[1], np.uint8), one.xyxy) for one in seen]
    return Clip(10.0, 768, seen, mot_text.read(folder / "gt" / "gt.txt"), PRESETS["mot15"], cameras)


def _people(xyxy: NDArray[Any], score: NDArray[Any], embedding: NDArray[Any] | None) -> Detections:
    vectors = None if embedding is None else embedding.astype(np.float32)
    return Detections(xyxy.astype(np.float32), score.astype(np.float32), np.zeros(len(xyxy), np.int64), vectors)


def _cameras(warps: NDArray[np.float64]) -> list[Warp | None]:
    return [None if np.isnan(warp).any() else warp for warp in warps]


def track(clip: Clip, shared: dict[str, Any], options: dict[str, Any], offline: OfflineSettings | None) -> MotRows:
    """The result of one tracker over one clip."""
    association = AssociationSettings(**{"tracker": "remix", **options})
    settings = DeepSortSettings(**shared)
    tracker = Tracker.around(None, fps=clip.fps, settings=settings, association=association, frame_width=clip.width)
    noted, results = FinishedTracks(clip.fps), []
    for number, (seen, camera) in enumerate(zip(clip.seen, clip.cameras, strict=True), 1):
        results.append(tracker.update(seen, NOTHING, camera if association.follows_camera else None))
        tracker.note(noted, number)
    if offline is not None:
        done = tracker.finish(noted, offline)
        results = [done.tracks(number) for number in range(1, len(clip.seen) + 1)]
    return _rows(results)


def _rows(results: list[Tracks]) -> MotRows:
    frame = np.repeat(np.arange(1, len(results) + 1), [len(tracks) for tracks in results])
    count = len(frame)
    return MotRows(
        frame=frame,
        id=np.concatenate([tracks.ids for tracks in results]),
        tlwh=np.asarray(tlwh_from_xyxy(np.concatenate([tracks.xyxy for tracks in results])), np.float64),
        score=np.ones(count),
        class_id=np.ones(count, np.int64),
        visibility=np.ones(count),
        line=np.arange(1, count + 1),
    )


def scored(clips: list[Clip], make: Callable[[Clip], MotRows]) -> dict[str, Any]:
    """The combined score over clips."""
    protocol = PROTOCOLS["devkit"]
    return as_dict(combine(score_sequence(c.truth, make(c), c.rules, protocol, len(c.seen)).score for c in clips))


def rows() -> Iterator[tuple[str, dict[str, Any], dict[str, Any], OfflineSettings | None]]:
    """Name, shared settings, options, and what is done offline."""
    yield "deep-sort", {}, {"tracker": "deep-sort"}, None
    yield "remix", {}, {}, None
    for key, value in (
        ("low_score", None),
        ("camera_motion", False),
        ("appearance_memory", "gallery"),
        ("appearance_memory", "both"),
        ("mean_momentum", 0.8),
        ("mean_momentum", 0.95),
        ("appearance_weight", 0.0),
        ("appearance_weight", 0.5),
        ("appearance_weight", 1.0),
        ("gate_scale", 1.0),
        ("gate_scale", 2.0),
        ("gate_scale", 6.0),
        ("score_noise", True),
        ("rate_noise", False),
        ("keep_size", False),
        ("confirm_by_score", False),
        ("adaptive_noise", False),
        ("lag_correction", False),
    ):
        yield f"{key} {value}", {}, {key: value}, None
    for key, value in (("max_age", 60), ("max_motion_age", 30), ("min_confidence", 0.4), ("box", "detector")):
        yield f"{key} {value}", {key: value}, {}, None
    offline = OfflineSettings(offline=True)
    # Tracks that break wherever somebody is hidden show what linking does; on clips as short as these few else do.
    yield "broken: max_age 8, offline", {"max_age": 8}, {}, offline
    yield "broken, no link", {"max_age": 8}, {}, replace(offline, link_tracklets=False)
    yield "offline", {}, {}, offline
    yield "offline, no link", {}, {}, replace(offline, link_tracklets=False)
    yield "offline, re-entries", {}, {}, replace(offline, relink_reentries=True)
    yield "offline, no filling", {}, {}, replace(offline, fill_seconds=0.0)
    yield "offline, fill 1.5 s", {}, {}, replace(offline, fill_seconds=1.5)
    yield "offline, smooth 10", {}, {}, replace(offline, smoothness=10.0)
    yield "deep-sort offline", {}, {"tracker": "deep-sort"}, offline


def print_table(data: dict[str, list[Clip]]) -> None:
    """A row per part, a column per data set: MOTA, IDF1, IDsw, HOTA."""
    print("| " + " | ".join(["", *data]) + " |\n| --- |" + " --- |" * len(data))
    for name, shared, options, offline in rows():
        cells = []
        for clips in data.values():
            row = scored(clips, partial(track, shared=shared, options=options, offline=offline))
            cells.append(" / ".join(f"{row[key]:.1f}" if key != "IDsw" else f"{row[key]}" for key in COLUMNS))
        print("| " + " | ".join([name, *cells]) + " |", flush=True)


def draw(root: Path, yolo: Path, encoder: Path) -> None:
    """Draw the streets, look at every image once, and keep what was seen."""
    from ultralytics import YOLO

    from remix_track.encoder.load import load_embedder

    model, embed = YOLO(yolo), load_embedder(str(encoder))
    assert embed is not None
    for name, (seed, frames, people, fps) in (STILL | MOVING).items():
        folder = root / name
        (folder / "gt").mkdir(parents=True)
        corners = _shaking(seed, frames, fps) if name in MOVING else np.zeros((frames, 2), np.int64)
        larger = 1.5 if name in MOVING else 1.0
        size = (round(SIZE[0] * larger), round(SIZE[1] * larger))
        scene, camera = StreetScene(seed, frames, *size, people=people, fps=fps), CameraMotion()
        lines: list[str] = []
        parts, cameras = [], []
        for frame, (left, top) in enumerate(corners.tolist(), 1):
            drawn = scene.render(frame)[top : top + SIZE[1], left : left + SIZE[0]]
            coded = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
            picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
            lines += _truth_lines(frame, scene.rows(frame), left, top, least=0.15 if name in MOVING else 0.0)
            found = model.predict(picture, imgsz=640, classes=[0], conf=0.05, verbose=False)[0].boxes.cpu().numpy()
            xyxy = found.xyxy.astype(np.float32)
            parts.append((np.full(len(xyxy), frame), xyxy, found.conf, embed(picture, xyxy)))
            warp = camera(picture, xyxy[found.conf > 0.3])
            cameras.append(np.full((2, 3), np.nan) if warp is None else warp)
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        frame_of_box, xyxy, score, embedding = columns
        np.savez(
            folder / "seen.npz",
            frame=frame_of_box,
            xyxy=xyxy,
            score=score,
            embedding=embedding,
            camera=np.array(cameras),
        )
        (folder / "gt" / "gt.txt").write_text("".join(lines))
        (folder / "seqinfo.ini").write_text(
            f"[Sequence]\nname={name}\nframeRate={fps:g}\nseqLength={frames}\nimWidth={SIZE[0]}\nimHeight={SIZE[1]}\n"
        )
        print(name, len(columns[0]), "boxes", flush=True)


def _shaking(seed: int, frames: int, fps: float) -> NDArray[np.int64]:
    """(F, 2) corners of a window of `SIZE` in an image half as large again: a slow pan, and a hand that shakes."""
    seconds, room = np.arange(frames) / fps, np.array(SIZE) / 4
    pan = room * (1 + np.stack([0.9 * np.sin(seconds * 2 * np.pi / 6), 0.5 * np.sin(seconds * np.pi / 2 + 1)], axis=1))
    walk = np.cumsum(np.random.default_rng(seed).normal(0, 3, (frames, 2)), axis=0)
    padded = np.pad(walk, ((15, 15), (0, 0)), mode="edge")
    slow = np.stack([np.convolve(padded[:, side], np.ones(31) / 31, "valid") for side in (0, 1)], axis=1)
    return np.clip(np.rint(pan + walk - slow), 0, 2 * room).astype(np.int64)


def _truth_lines(frame: int, truth: MotRows, left: int, top: int, *, least: float) -> Iterator[str]:
    """Lines of `gt.txt` of the people of whose boxes more than `least` is in the window."""
    for person, box, visible in zip(truth.id.tolist(), truth.tlwh, truth.visibility.tolist(), strict=True):
        x, y, width, height = (box - [left, top, 0, 0]).tolist()
        inside = max(0, min(x + width, SIZE[0]) - max(x, 0)) * max(0, min(y + height, SIZE[1]) - max(y, 0))
        share = inside / (width * height)
        if share > least:
            shown = min(visible, share) if least else visible
            yield f"{frame},{person},{x:g},{y:g},{width:g},{height:g},1,1,{shown:.5f}\n"


def compare_speed(frames: int) -> None:
    """Medians of CPU milliseconds per frame of a crowd, budget 100, both trackers in turn."""
    for people, width in ((10, 512), (30, 512), (80, 512), (200, 512)):
        settings = DeepSortSettings()
        makers = [AssociationSettings(tracker="deep-sort"), AssociationSettings(tracker="remix")]
        trackers = [Tracker.around(None, fps=30, settings=settings, association=maker) for maker in makers]
        seconds = np.empty((frames, 2))
        for frame, seen in enumerate(crowd(frames, people, width, area=1440, vanish=0.002)):
            for number, tracker in enumerate(trackers):
                start = time.process_time()
                tracker.update(seen, NOTHING)
                seconds[frame, number] = time.process_time() - start
        deep_sort, remix = (1000 * np.median(seconds[frames // 2 :], axis=0)).tolist()
        print(f"{people:4} x {width}  deep-sort {deep_sort:.2f} ms  remix {remix:.2f} ms  {remix / deep_sort:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=["draw", "table", "pets", "speed"])
    parser.add_argument("paths", type=Path, nargs="*")
    parser.add_argument("--frames", type=int, default=240, help="for speed")
    chosen = parser.parse_args()
    paths = chosen.paths
    if chosen.job == "draw":
        draw(*paths)
    elif chosen.job == "speed":
        compare_speed(chosen.frames)
    elif chosen.job == "pets":
        print_table({"pets": [pets_clip(*paths)]})
    else:
        folder, mot17, reference = paths
        features = reference / "MOT17-09-FRCNN.npy"
        print_table(
            {
                "mot": [mot17_clip(mot17 / name) for name in MOT17],
                "mot/3": [mot17_clip(mot17 / name, stride=3) for name in MOT17],
                "look": [mot17_clip(mot17 / "MOT17-09-FRCNN", features=features)],
                "still": [drawn_clip(folder / name) for name in STILL],
                "moving": [drawn_clip(folder / name) for name in MOVING],
            }
        )


if __name__ == "__main__":
    main()

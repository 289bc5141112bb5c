"""The clips that trackers are compared on: what they are given, written once into a folder, and the truth."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track import mot_text
from remix_track.boxes import xyxy_from_tlwh
from remix_track.detections import Detections
from remix_track.encoder.embedder import Embedder
from remix_track.encoder.load import load_embedder
from remix_track.eval.benchmarks import PRESETS, Rules
from remix_track.mot_sequence import INFO, SequenceInfo
from remix_track.mot_text import MotRows
from remix_track.trackers.association.camera_motion import CameraMotion, Warp
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame
from tests.bench.on_boxes.given import GivenClip

IMGSZ = 768
_LEAST_SCORE, _LEAST_EMBEDDED = 0.05, 0.1
_OF_TRUTH = 0.95
"""The score of a truth's box that is given as a detection."""
_LEAST_VISIBLE = 0.1
"""Of a drawn person; those who show less count for none, as no tracker can know."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip of the comparison.

    Attributes:
        group: data set it is counted with.
        given: what trackers are given.
        truth: numbered from 1 without gaps, also with a stride.
        rules: what counts.
    """

    group: str
    given: GivenClip
    truth: MotRows
    rules: Rules

    @property
    def name(self) -> str:
        """Of the table."""
        return self.given.name

    def cameras(self) -> list[Warp | None]:
        """How the camera moved to each frame, as our tracker sees it."""
        if not self.given.has_images:
            return [None] * self.given.frames
        warps = np.load(self.given.folder / "camera.npz", allow_pickle=False)["warps"]
        return [None if np.isnan(warp).any() else warp for warp in warps]


@dataclass(frozen=True, slots=True)
class Networks:
    """What looks at images: YOLO weights, and encoders by the name of their vectors."""

    yolo: Path
    encoders: dict[str, str]


def text_clips(data: Path, cache: Path) -> Iterator[Clip]:
    """MOT17 and MOT15 with public boxes, SportsMOT with the truth's, as far as they are there."""
    for folder in sorted((data / "mot17" / "train").glob("MOT17-*")):
        yield _of_text("MOT17", "mot17", folder, cache, folder / "det" / "det.txt")
    for folder in sorted((data / "mot15").glob("*/seqinfo.ini")):
        yield _of_text("MOT15", "mot15", folder.parent, cache, folder.parent / "det" / "det.txt")
    for folder in sorted((data / "sportsmot").glob("*/seqinfo.ini")):
        yield _of_text("SportsMOT", "sportsmot", folder.parent, cache, None)


def picture_clips(data: Path, cache: Path, networks: Networks) -> Iterator[Clip]:
    """Clips with images, seen by YOLO and the encoders once; those of 25 and more frames a second also thinned."""
    clips = {
        "PETS": (data / "pets09-s2l1", "video.avi", "mot15"),
        "TUD-Campus": (data / "real" / "TUD-Campus", "img1", "mot15"),
        "TUD-Stadtmitte": (data / "real" / "TUD-Stadtmitte", "img1", "mot15"),
        "MOT16-09": (data / "real" / "MOT16-09", "video.mp4", "mot16"),
    }
    for name, (folder, pictures, rules) in clips.items():
        if not (folder / pictures).exists():
            continue
        for stride in (1,) if name == "PETS" else (1, 3):
            called = name if stride == 1 else f"{name}@3"
            group = called if stride == 1 else "every third frame"
            yield _of_images(called, group, rules, folder, folder / pictures, stride, cache, networks)


def drawn_clips(streets: Path, cache: Path) -> Iterator[Clip]:
    """The streets of `bench_remix draw` whose camera rests, with their own boxes and vectors (OSNet's), no images."""
    for folder in sorted(path.parent for path in streets.glob("S*/seen.npz")):
        info, place = SequenceInfo.read(folder / INFO), cache / "clips" / f"street-{folder.name}"
        held = np.load(folder / "seen.npz", allow_pickle=False)
        if not (place / "clip.json").is_file():
            _write(place, info, info.fps or 30, info.frames or 0, 1, None, held["frame"], held["xyxy"], held["score"])
            np.savez(place / "vectors-osnet.npz", vectors=held["embedding"])
        truth = mot_text.read(folder / "gt" / "gt.txt")
        yield Clip("streets", GivenClip.read(place), truth[truth.visibility > _LEAST_VISIBLE], PRESETS["data"])


def _of_text(group: str, rules: str, folder: Path, cache: Path, boxes: Path | None) -> Clip:
    """A clip without images; without a file of boxes the truth's are given."""
    info, truth = SequenceInfo.read(folder / INFO), mot_text.read(folder / "gt" / "gt.txt")
    place = cache / "clips" / folder.name
    if not (place / "clip.json").is_file():
        found = truth if boxes is None else mot_text.read(boxes)
        score = np.full(len(found), _OF_TRUTH) if boxes is None else found.score
        xyxy = np.asarray(xyxy_from_tlwh(found.tlwh), np.float32)
        _write(place, info, info.fps or 30, info.frames or 0, 1, None, found.frame, xyxy, score)
    return Clip(group, GivenClip.read(place), truth, PRESETS[rules])


def _of_images(
    name: str, group: str, rules: str, folder: Path, pictures: Path, stride: int, cache: Path, networks: Networks
) -> Clip:
    info, place = SequenceInfo.read(folder / INFO), cache / "clips" / name
    frames = range(1, (info.frames or 0) + 1, stride)
    truth = mot_text.read(folder / "gt" / "gt.txt")
    truth = truth[np.isin(truth.frame, frames)]
    truth = replace(truth, frame=(truth.frame - 1) // stride + 1)
    if not (place / "clip.json").is_file():
        print(f"{name}: looking at {len(frames)} frames", flush=True)
        fps = 10.0 if name == "PETS" else (info.fps or 30)  # PETS' seqinfo.ini says 7, its video 10
        width, height = info.width or 1920, info.height or 1080
        clip = GivenClip(place, fps / stride, len(frames), width, height, stride, str(pictures))
        place.mkdir(parents=True, exist_ok=True)
        frame, xyxy, score = _seen(clip, networks)
        _write(place, info, fps / stride, len(frames), stride, pictures, frame, xyxy, score)
    return Clip(group, GivenClip.read(place), truth, PRESETS[rules])


def _write(
    place: Path,
    info: SequenceInfo,
    fps: float,
    frames: int,
    stride: int,
    pictures: Path | None,
    frame: NDArray[np.integer],
    xyxy: NDArray[np.float32],
    score: NDArray[np.floating],
) -> None:
    place.mkdir(parents=True, exist_ok=True)
    order = np.argsort(frame, kind="stable")
    np.savez(place / "boxes.npz", frame=frame[order], xyxy=xyxy[order], score=score[order].astype(np.float32))
    facts = {"fps": fps, "frames": frames, "stride": stride, "pictures": None if pictures is None else str(pictures)}
    facts |= {"width": info.width or 1920, "height": info.height or 1080}
    (place / "clip.json").write_text(json.dumps(facts))


def _seen(clip: GivenClip, networks: Networks) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Frames, corners and scores of what YOLO sees; vectors and the camera's motion are written beside them."""
    detect = YoloDetector(networks.yolo, YoloOptions(conf=_LEAST_SCORE, imgsz=IMGSZ, device="cpu"))
    encoders = {name: load_embedder(weights) for name, weights in networks.encoders.items()}
    camera, warps, found = CameraMotion(), [], []
    vectors: dict[str, list[NDArray[np.float32]]] = {name: [] for name in encoders}
    for number, image in enumerate(clip.images(), 1):
        seen = detect(Frame(number, image, number / clip.fps))
        found.append(seen)
        warp = camera(image, seen.xyxy[seen.score >= _LEAST_EMBEDDED])
        warps.append(np.full((2, 3), np.nan) if warp is None else warp)
        for name, embed in encoders.items():
            assert embed is not None
            vectors[name].append(_embedded(embed, image, seen))
    np.savez(clip.folder / "camera.npz", warps=np.array(warps))
    for name, embed in encoders.items():
        assert embed is not None
        limit = np.nan if embed.max_cosine_distance is None else embed.max_cosine_distance
        np.savez(clip.folder / f"vectors-{name}.npz", vectors=np.concatenate(vectors[name]), limit=limit)
    frame = np.repeat(np.arange(1, len(found) + 1), [len(seen) for seen in found])
    return frame, np.concatenate([seen.xyxy for seen in found]), np.concatenate([seen.score for seen in found])


def _embedded(embed: Embedder, image: NDArray[np.uint8], seen: Detections) -> NDArray[np.float32]:
    """(N, D) vectors; zeros for the least sure boxes, which no tracker here compares."""
    vectors, sure = np.zeros((len(seen), embed.width), np.float32), seen.score >= _LEAST_EMBEDDED
    if sure.any():
        vectors[sure] = embed(image, seen.xyxy[sure])
    return vectors


def appearance_limit(clip: Clip, appearance: str) -> float | None:
    """The threshold calibrated into the encoder whose vectors these are; None: it has none."""
    held = np.load(clip.given.folder / f"vectors-{appearance}.npz", allow_pickle=False)
    limit = float(held["limit"]) if "limit" in held else np.nan
    return None if np.isnan(limit) else limit


def groups(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """The clips by data set, in order."""
    found: dict[str, list[Clip]] = {}
    for clip in clips:
        found.setdefault(clip.group, []).append(clip)
    return found

"""Appearance: how fast crops become vectors, and how well these find a person again.

Run from the project's folder with `python -m tests.bench.bench_embedder`, then one of:

    speed [ONNX ...]               crops per second beside the package's own way, and what cutting the crops costs
    backends [WEIGHTS ...]         each runtime beside eager torch: crops per second, ratio, least cosine (no weights
                                   given: the default, and ResNet50-IBN-a by chance)
    size DATA/mot17-frames         input sizes of the ImageNet weights compared
    pets DATA/pets09-s2l1 [WEIGHTS ...]   Rank-1 and mAP of weights; a report, nothing is tuned on it

`size` asks for each person of one MOT17 frame in another frame of the same clip, whose box is shifted at random by up
to 12 % and whose colours, sharpness and resolution are those of another camera: four draws, mean and standard
deviation. From 192x128 down all tie within it, 256x128 is a little behind, 224x224 far.
`pets` asks for each ground-truth crop among the crops at least 40 frames away.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from remix_track.boxes import xyxy_from_tlwh
from remix_track.encoder.backbones import Encoder, build_encoder
from remix_track.encoder.crops import CropBatch, NetworkInput, visible_corners
from remix_track.encoder.embedder import Embedder
from remix_track.encoder.imagenet import INPUT, imagenet_mobilenet_v2
from remix_track.encoder.load import load_embedder
from remix_track.encoder.precision import drawn_people
from remix_track.encoder.shipped import IMAGENET, located
from remix_track.encoder.weights_card import WeightsCard
from remix_track.encoder.weights_file import load_encoder, save_weights
from remix_track.machine import usable_cores

SIZES = ((224, 224), (256, 128), (224, 112), (192, 128), (192, 96), (160, 80), (128, 64))
CLIPS = (("MOT17-02-FRCNN", 1, 4), ("MOT17-04-FRCNN", 1, 8))


def embedder_of(weights: str | Path, **flags: Any) -> Embedder:
    embedder = load_embedder(weights, **flags)
    assert embedder is not None
    return embedder


def best_seconds(work: dict[str, Callable[[], object]], rounds: int = 9) -> dict[str, float]:
    """The fastest of several rounds each, taken in turn, so that a busy moment hits all alike."""
    best = dict.fromkeys(work, float("inf"))
    for _ in range(rounds):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def speed(onnx: list[str]) -> None:
    """Print milliseconds and crops per second for 1, 10, 30 and 100 people."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1080, 1920, 3), dtype=np.uint8)
    top_left = rng.uniform(0, (1700, 700), (100, 2))
    boxes = np.concatenate([top_left, top_left + rng.uniform(30, 120, (100, 1)) * (1, 2.5)], axis=1).astype(np.float32)
    # The package's way: its network as it stands, at its size, one crop after another through torchvision-like steps.
    encoder = imagenet_mobilenet_v2()[0].eval()
    mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)

    def cut_like_the_package(count: int) -> torch.Tensor:
        crops = []
        for x1, y1, x2, y2 in boxes[:count].astype(int):
            resized = cv2.resize(image[y1:y2, x1:x2], (224, 224))[..., ::-1]
            crops.append(torch.from_numpy(((resized / np.float32(255)) - mean) / std).permute(2, 0, 1).contiguous())
        return torch.stack(crops)

    def the_package(count: int) -> None:
        with torch.inference_mode():
            for part in cut_like_the_package(count).split(16):
                encoder(part)

    batch = CropBatch(INPUT, largest=100)
    embedders = {
        "default, 224x224": embedder_of("default", input_size=(224, 224)),
        "default, 192x96": embedder_of("default"),
        **{Path(path).name: embedder_of(path) for path in onnx},
    }
    print(f"torch threads: {torch.get_num_threads()}; milliseconds (crops per second)")
    for count in (1, 10, 30, 100):
        corners = visible_corners(boxes[:count], 1920, 1080)[1]
        work: dict[str, Callable[[], object]] = {
            "only cutting, the package's way": partial(cut_like_the_package, count),
            "only cutting, 192x96": partial(batch.fill, image, corners),
            "the package's way, eager 224x224": partial(the_package, count),
            **{name: partial(each, image, boxes[:count]) for name, each in embedders.items()},
        }
        for name, seconds in best_seconds(work).items():
            print(f"{count:4d} people  {name:34s} {1000 * seconds:8.2f} ({count / seconds:6.0f})", flush=True)


def backends(weights: list[str], threads: int) -> None:
    """Print crops per second of every runtime at 5, 16 and 30 people, and how near its vectors are to eager torch's.

    Eager is the module as it stands, in float32, on crops that are cut and normalised already; for ONNX files it is
    ONNX Runtime. The others are timed with the cutting.
    """
    torch.set_num_threads(threads)
    people = np.concatenate(drawn_people(128, 64), axis=1)
    boxes = np.array([[64 * (i % 12), 0, 64 * (i % 12) + 64, 128] for i in range(30)], np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for name in weights or ["default", _by_chance(Path(folder))]:
            own = "onnxruntime" if name.endswith(".onnx") else "torch"
            flags: dict[str, Any] = {"device": "cpu", "threads": threads}
            each = {backend: embedder_of(name, backend=backend, **flags) for backend in (own, "openvino")}
            eager = None if own == "onnxruntime" else _eager(name)
            print(f"{Path(name).name}, {threads} threads")
            for count in (5, 16, 30):
                _print_ratios(each, eager, people, boxes[:count])


def _print_ratios(
    each: dict[str, Embedder], eager: "Eager | None", image: NDArray[np.uint8], boxes: NDArray[np.float32]
) -> None:
    work: dict[str, Callable[[], object]] = {name: partial(embed, image, boxes) for name, embed in each.items()}
    first = next(iter(each.values()))
    exact = first(image, boxes) if eager is None else eager.vectors(image, boxes)
    if eager is not None:
        work = {"eager torch": eager.timed(image, boxes), **work}
    seconds = best_seconds(work, rounds=5)
    slowest = next(iter(seconds.values()))
    for name, taken in seconds.items():
        cosine = (each[name](image, boxes) * exact).sum(axis=1).min() if name in each else 1.0
        said = each[name].description["backend"] if name in each else name
        ratio = f"x{slowest / taken:5.1f}"
        speed = f"{len(boxes) / taken:7.1f} crops/s {ratio}"
        print(f"{len(boxes):4d} people  {said:36s} {speed}  cosine {cosine:.5f}", flush=True)


class Eager:
    """An encoder as its module stands, without folding, other formats or precision."""

    def __init__(self, encoder: Encoder, network_input: NetworkInput) -> None:
        self._encoder = encoder.eval().requires_grad_(False)
        self._crops = CropBatch(network_input, 64)

    def timed(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Callable[[], object]:
        images = torch.from_numpy(self._planes(image, boxes).copy())
        return lambda: self._encoder(images)

    def vectors(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        necked = self._encoder(torch.from_numpy(self._planes(image, boxes)))[1]
        return np.asarray(torch.nn.functional.normalize(necked).numpy(), np.float32)

    def _planes(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._crops.fill(image, visible_corners(boxes, image.shape[1], image.shape[0])[1])


def _eager(name: str) -> Eager:
    if name == IMAGENET:
        return Eager(imagenet_mobilenet_v2()[0], INPUT)
    card, encoder = load_encoder(Path(located(name)))
    return Eager(encoder, card.network_input)


def _by_chance(folder: Path) -> str:
    """ResNet50-IBN-a as it is initialised: good for its speed only.

    Its vectors say nothing of how well trained ones bear 16-bit numbers: a fresh neck leaves them nearly parallel.
    """
    torch.manual_seed(0)
    path = folder / "resnet50-ibn-a-by-chance.safetensors"
    card = WeightsCard("resnet50-ibn-a", 256, 128, 2048, "nothing")
    save_weights(path, build_encoder("resnet50-ibn-a").state_dict(), card)
    return str(path)


def ranks(
    query: NDArray[np.float32], gallery: NDArray[np.float32], same: NDArray[np.bool_], barred: NDArray[np.bool_]
) -> tuple[float, float]:
    """Rank-1 and mean average precision in percent; queries without a true match are left out."""
    likeness = np.where(barred, -np.inf, query @ gallery.T)
    order = np.argsort(-likeness, axis=1, kind="stable")
    hits = np.take_along_axis(same & ~barred, order, axis=1)
    hits = hits[hits.any(axis=1)]
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    average = (precision * hits).sum(axis=1) / hits.sum(axis=1)
    return 100 * float(hits[:, 0].mean()), 100 * float(average.mean())


def other_camera(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    seen = np.clip(image * rng.uniform(0.7, 1.25, 3) + rng.uniform(-15, 15), 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        height, width = seen.shape[:2]
        small = cv2.resize(seen, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        seen = np.asarray(cv2.resize(small, (width, height)), np.uint8)
    return np.asarray(cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.5, 1.8)), np.uint8)


def size(data: Path) -> None:
    """Print Rank-1 and mAP of the ImageNet weights at several input sizes."""
    embedders = {side: embedder_of(IMAGENET, input_size=side) for side in SIZES}
    scores: dict[tuple[int, int], list[tuple[float, float]]] = {side: [] for side in SIZES}
    for seed in range(4):
        for side, embedder in embedders.items():
            # Each size sees the same draw.
            scores[side].append(_mot17_ranks(data, embedder, np.random.default_rng(seed)))
    for side, values in scores.items():
        mean, deviation = np.mean(values, axis=0), np.std(values, axis=0)
        named = f"{side[0]}x{side[1]}"
        print(f"{named:8s} Rank-1 {mean[0]:.1f} ± {deviation[0]:.1f}   mAP {mean[1]:.1f} ± {deviation[1]:.1f}")


def _mot17_ranks(data: Path, embedder: Embedder, rng: np.random.Generator) -> tuple[float, float]:
    vectors: dict[str, list[NDArray[np.float32]]] = {"gallery": [], "query": []}
    people: dict[str, list[tuple[str, int]]] = {"gallery": [], "query": []}
    for clip, first, last in CLIPS:
        rows = np.loadtxt(data / clip / "gt/gt.txt", delimiter=",")
        rows = rows[(rows[:, 6] == 1) & (rows[:, 7] == 1) & (rows[:, 8] >= 0.3)]
        for part, frame in (("gallery", first), ("query", last)):
            image = np.asarray(cv2.imread(str(data / clip / f"img1/{frame:06d}.jpg")), np.uint8)
            chosen = rows[rows[:, 0] == frame]
            boxes = xyxy_from_tlwh(chosen[:, 2:6])
            people[part] += [(clip, int(person)) for person in chosen[:, 1]]
            if part == "gallery":
                vectors[part].append(embedder(image, boxes.astype(np.float32)))
                continue
            boxes += rng.uniform(-0.12, 0.12, boxes.shape) * np.tile(chosen[:, 4:6], 2)
            for x1, y1, x2, y2 in visible_corners(boxes.astype(np.float32), image.shape[1], image.shape[0])[1]:
                crop = other_camera(image[y1:y2, x1:x2], rng)
                vectors[part].append(embedder(crop, np.array([[0, 0, x2 - x1, y2 - y1]], np.float32)))
    same = np.array([[a == b for b in people["gallery"]] for a in people["query"]])
    return ranks(np.concatenate(vectors["query"]), np.concatenate(vectors["gallery"]), same, np.zeros_like(same))


def pets(data: Path, weights: list[str]) -> None:
    """Print Rank-1 and mAP among 19 people, every fifth frame."""
    rows = np.loadtxt(data / "gt/gt.txt", delimiter=",")
    rows = rows[rows[:, 0] % 5 == 0]
    embedders = {name: embedder_of(name) for name in weights}
    vectors: dict[str, list[NDArray[np.float32]]] = {name: [] for name in weights}
    frames, people, number = [], [], 0
    video = cv2.VideoCapture(str(data / "video.avi"))
    while (read := video.read())[0]:
        number += 1
        here = rows[rows[:, 0] == number]
        if len(here):
            frames += [number] * len(here)
            people += here[:, 1].tolist()
            boxes = xyxy_from_tlwh(here[:, 2:6] - (1, 1, 0, 0)).astype(np.float32)
            for name, embedder in embedders.items():
                vectors[name].append(embedder(np.asarray(read[1], np.uint8), boxes))
    person, frame = np.array(people), np.array(frames)
    same, near = person[:, None] == person, np.abs(frame[:, None] - frame) < 40
    print(f"{len(person)} crops of {len(set(people))} people")
    for name, parts in vectors.items():
        stacked = np.concatenate(parts)
        rank1, precision = ranks(stacked, stacked, same, near)
        print(f"{Path(name).name:32s} Rank-1 {rank1:.1f}   mAP {precision:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("speed").add_argument("onnx", nargs="*")
    runtimes = kinds.add_parser("backends")
    runtimes.add_argument("weights", nargs="*")
    runtimes.add_argument("--threads", type=int, default=usable_cores())
    kinds.add_parser("size").add_argument("data", type=Path)
    report = kinds.add_parser("pets")
    report.add_argument("data", type=Path)
    report.add_argument("weights", nargs="*", default=["default"])
    args = parser.parse_args()
    if args.kind == "speed":
        speed(args.onnx)
    elif args.kind == "backends":
        backends(args.weights, args.threads)
    elif args.kind == "size":
        size(args.data)
    else:
        pets(args.data, args.weights)


if __name__ == "__main__":
    main()

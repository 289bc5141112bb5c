"""How well encoders find real people again: five sets, every encoder as is and centred per camera.

    python -m tests.bench.bench_reid DATA WEIGHTS [WEIGHTS ...] [--sets pets reid-real ...] [--grey]

`histogram` among the weights is a Lab histogram of three body parts, which learnt nothing. DATA is the folder of
research data (its README says what is in it); what is not there is left out and said. Nothing is trained or tuned on
these images.

Where there is one camera alone, centring changes nothing.

- `pets`, `mot16-09`, `tud-stadtmitte`: each crop of the truth is searched for among those that are far enough away in
  time (40 frames at 7 a second, 90 at 30, 50 at 25): one camera each.
- `pets-people`: the same with the numbers of `pets_people`, on demand. PETS' truth gives who comes back a new number,
  so half of what `pets` counts as wrong is right.
- `reid-real`: 37 people before two cameras, each crop among those of the other camera.
- `mot17-frames`: the people of the first frame of two clips among those of the last, a tenth of a second later, in
  boxes that are shifted by up to 12 %.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import xyxy_from_tlwh
from remix_track.encoder.camera_centring import CameraCentring
from remix_track.encoder.crops import IMAGENET_MEAN, visible_corners, whole_corners
from remix_track.encoder.load import load_embedder
from remix_track.retrieval.scores import accepted_share, mean_interval
from tests.bench.pets_people import pets_people

HISTOGRAM = "histogram"
Image = NDArray[np.uint8]
Embed = Callable[[Image], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Images of people with what is known of them; row i of each belongs together.

    Attributes:
        images: (H, W, 3) uint8 BGR each.
        person: (N,) labels.
        camera: (N,) labels.
        barred: (N, N) pairs that are no question.
        queried: (N,) which are searched for.
    """

    images: list[Image]
    person: NDArray[np.int64]
    camera: NDArray[np.int64]
    barred: NDArray[np.bool_]
    queried: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Score:
    """Of one encoder on one set: shares in 0..1, and the 95 % interval of mAP over people."""

    rank1: float
    precision: float
    interval: tuple[float, float]
    accepted: tuple[float, float]


def main() -> None:
    """Print a table for each set, and the mean over the sets."""
    arguments = _parser().parse_args()
    sets = {name: SETS[name](arguments.data) for name in arguments.sets}
    means: dict[tuple[str, str], list[float]] = {}
    for name, crops in sets.items():
        if crops is None:
            print(f"{name}: not there\n")
            continue
        people = len(np.unique(crops.person[crops.queried]))
        print(f"{name}: {len(crops.images)} crops, {people} people\n")
        print("| encoder | | Rank-1 | mAP | 95 % | true pairs at 1 % false | at 0.1 % |")
        print("| --- | --- | ---: | ---: | --- | ---: | ---: |")
        for weights in arguments.weights:
            vectors = embedded(crops, weights, grey=arguments.grey)
            centred = CameraCentring.of(vectors, crops.camera, memory=math.inf).tracks(vectors)
            for how, made in (("as is", vectors), ("centred", centred)):
                score = scored(crops, made)
                means.setdefault((Path(weights).name, how), []).append(score.precision)
                print(f"| {Path(weights).name} | {how} | {_row(score)} |")
            sys.stdout.flush()
        print()
    print("| encoder | | mean mAP |\n| --- | --- | ---: |")
    for (weights, how), values in means.items():
        print(f"| {weights} | {how} | {100 * np.mean(values):.1f} |")


def _row(score: Score) -> str:
    low, high = score.interval
    shares = " | ".join(f"{100 * one:.1f}" for one in score.accepted)
    return f"{100 * score.rank1:.1f} | {100 * score.precision:.1f} | {100 * low:.1f} - {100 * high:.1f} | {shares}"


def scored(crops: Crops, vectors: NDArray[np.float32]) -> Score:
    """Every query among all crops that it may be compared with."""
    likeness = vectors[crops.queried] @ vectors.T
    barred = crops.barred[crops.queried]
    same = (crops.person[crops.queried, None] == crops.person) & ~barred
    order = np.argsort(-np.where(barred, -np.inf, likeness), axis=1, kind="stable")
    hits = np.take_along_axis(same, order, axis=1)
    answered = hits.any(axis=1)
    hits = hits[answered]
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    average = (precision * hits).sum(axis=1) / hits.sum(axis=1)
    people = crops.person[crops.queried][answered]
    different = ~barred & ~same
    shares = [accepted_share(likeness[same], likeness[different], rate) for rate in (0.01, 0.001)]
    return Score(
        float(hits[:, 0].mean()), float(average.mean()), mean_interval(average, people), (shares[0], shares[1])
    )


def embedded(crops: Crops, weights: str, *, grey: bool = False) -> NDArray[np.float32]:
    """(N, D) unit vectors of all crops."""
    embed = _histogram if weights == HISTOGRAM else _network(weights)
    return np.stack([embed(_greyed(image) if grey else image) for image in crops.images])


def _network(weights: str) -> Embed:
    embedder = load_embedder(weights)
    assert embedder is not None
    return lambda image: embedder(image, np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32))[0]


def _histogram(image: Image) -> NDArray[np.float32]:
    """Square roots of a Lab histogram of head, body and legs, of unit length (the product is Bhattacharyya's)."""
    lab = cv2.cvtColor(cv2.resize(image, (48, 128), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2LAB)
    middle = lab[:, 8:40]
    parts = [
        cv2.calcHist([np.ascontiguousarray(middle[top:bottom])], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3).ravel()
        for top, bottom in ((0, 24), (24, 70), (70, 128))
    ]
    roots = np.sqrt(np.concatenate([part / part.sum() for part in parts]))
    return np.asarray(roots / np.linalg.norm(roots), np.float32)


def _greyed(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def pets(data: Path) -> Crops | None:
    """Every fifth frame."""
    return film(data / "pets09-s2l1", "video.avi", every=5, gap=40)


def pets_by_people(data: Path) -> Crops | None:
    """The same, where who comes back is the same person."""
    found = pets(data)
    return found and replace(found, person=pets_people(found.person))


def mot16_09(data: Path) -> Crops | None:
    """Two frames a second."""
    return film(data / "real/MOT16-09", "video.mp4", every=15, gap=90)


def tud_stadtmitte(data: Path) -> Crops | None:
    """Five frames a second."""
    return film(data / "real/TUD-Stadtmitte", "img1/%06d.jpg", every=5, gap=50)


def film(
    folder: Path, pictures: str, *, every: int, gap: int, frames: tuple[int, float] = (1, math.inf)
) -> Crops | None:
    """The people of every so many frames, each crop searched for among those at least `gap` frames away.

    Args:
        folder: of a clip, with its truth in `gt/gt.txt`; without that there are no crops.
        pictures: a video or numbered images in it.
        every: of which frames.
        gap: frames.
        frames: the first and the last that are looked at.
    """
    if not (folder / "gt/gt.txt").is_file():
        return None
    truth = _truth(folder)
    images: list[Image] = []
    people, times = [], []
    first, last = frames
    for frame, picture in _frames(folder / pictures):
        if frame % every or not first <= frame <= last:
            continue
        here = truth[truth[:, 0] == frame]
        for person, crop in _cut(picture, here):
            images.append(crop)
            people.append(person)
            times.append(frame)
    when = np.array(times)
    near = np.abs(when[:, None] - when) < gap
    everywhere = np.ones(len(images), np.bool_)
    return Crops(images, np.array(people), np.zeros(len(images), np.int64), near, everywhere)


def _frames(pictures: Path) -> Iterator[tuple[int, Image]]:
    film = cv2.VideoCapture(str(pictures))
    number = 0
    while (read := film.read())[0]:
        number += 1
        yield number, np.asarray(read[1], np.uint8)


def _truth(folder: Path) -> NDArray[np.float64]:
    """Rows of people who show at least three tenths, where the truth says so."""
    rows = np.loadtxt(folder / "gt/gt.txt", delimiter=",")
    if rows.shape[1] == 9:  # MOT16 and on: flag, class, visibility
        rows = rows[(rows[:, 6] == 1) & (rows[:, 7] == 1) & (rows[:, 8] >= 0.3)]
    return rows


def _cut(
    picture: Image, rows: NDArray[np.float64], shift: NDArray[np.float64] | float = 0.0
) -> Iterator[tuple[int, Image]]:
    boxes = (xyxy_from_tlwh(rows[:, 2:6] - (1, 1, 0, 0)) + shift).astype(np.float32)
    kept, corners = visible_corners(boxes, picture.shape[1], picture.shape[0])
    # A tracker's embedder sees the image around a box; these crops go alone, so that they bring their own border.
    whole = whole_corners(corners, picture.shape[1], picture.shape[0])
    neutral = [round(255 * value) for value in IMAGENET_MEAN[::-1]]
    for person, (x1, y1, x2, y2), (left, top, right, bottom) in zip(
        rows[kept, 1].astype(int).tolist(), corners.tolist(), whole.tolist(), strict=True
    ):
        around = y1 - top, bottom - y2, x1 - left, right - x2
        crop = cv2.copyMakeBorder(picture[y1:y2, x1:x2], *around, cv2.BORDER_CONSTANT, value=neutral)
        yield person, np.asarray(crop, np.uint8)


def reid_real(data: Path) -> Crops | None:
    """Each crop is searched for among those of the other camera."""
    paths = sorted((data / "reid-real/images").glob("*/*.png"))
    if not paths:
        return None
    images = [np.asarray(cv2.imread(str(path)), np.uint8) for path in paths]
    person = np.unique([path.parent.name for path in paths], return_inverse=True)[1]
    camera = np.unique([path.name.split("_")[0] for path in paths], return_inverse=True)[1]
    return Crops(images, person, camera, camera[:, None] == camera, np.ones(len(images), np.bool_))


def mot17_frames(data: Path) -> Crops | None:
    """The first frame of each clip against the last."""
    rng = np.random.default_rng(0)
    images: list[Image] = []
    people, parts, clips = [], [], []
    for clip, folder in enumerate(sorted((data / "mot17-frames").glob("MOT17-*"))):
        frames = sorted((folder / "img1").glob("*.jpg"))
        truth = _truth(folder)
        for part, path in enumerate((frames[0], frames[-1])):
            rows = truth[truth[:, 0] == int(path.stem)]
            shift = part * rng.uniform(-0.12, 0.12, (len(rows), 4)) * np.tile(rows[:, 4:6], 2)
            for person, crop in _cut(np.asarray(cv2.imread(str(path)), np.uint8), rows, shift):
                images.append(crop)
                people.append(1000 * clip + person)
                parts.append(part)
                clips.append(clip)
    if not images:
        return None
    last = np.array(parts) == 1
    return Crops(images, np.array(people), np.array(clips), np.tile(~last, (len(images), 1)), ~last)


SETS: dict[str, Callable[[Path], Crops | None]] = {
    "pets": pets,
    "pets-people": pets_by_people,
    "reid-real": reid_real,
    "mot16-09": mot16_09,
    "tud-stadtmitte": tud_stadtmitte,
    "mot17-frames": mot17_frames,
}


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("data", type=Path)
    made.add_argument("weights", nargs="+")
    made.add_argument(
        "--sets", nargs="+", choices=tuple(SETS), default=[name for name in SETS if name != "pets-people"]
    )
    made.add_argument("--grey", action="store_true", help="crops without their colour")
    return made


if __name__ == "__main__":
    main()

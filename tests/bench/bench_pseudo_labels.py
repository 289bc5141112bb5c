"""Pseudo labels: whether the back ends agree, what one pool costs in time and memory, and how videos add up.

Run from the project's folder with `python -m tests.bench.bench_pseudo_labels`, then one of:

    agree 2000 8000         sparse against dense, bit by bit, and the labels of both
    pool 30000 2048         seconds and peak memory of one pool of N crops and D numbers each
    videos 100 400 1600     seconds for that many videos of 60 crops, 2048-D
    k1                      purity and completeness of k1 for people with few and with many crops
    drawn 4 8 14            purity by scope and k1_share at 4, 8, 14 crops of a drawn person; 20 videos of 8 to 16
                            people, vectors of ImageNet's MobileNetV2
    cameras 4 8             purity as is and with the videos taken out, at 4 and 8 crops of a drawn person before 2, 4,
                            12 cameras of 8 to 16 people, or with one person alone before every other camera; vectors of
                            the shipped weights

Embeddings are otherwise made up: a direction for each video, one for each person, and noise.
"""

import argparse
import resource
import time

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from remix_track.data.augmentation import plain_view
from remix_track.encoder.embedder import embed_crops
from remix_track.encoder.imagenet import INPUT, imagenet_mobilenet_v2
from remix_track.encoder.load import load_embedder
from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.crops import tracklet
from remix_track.synthetic.people import crowd
from remix_track.synthetic.places import panorama
from remix_track.synthetic.wardrobe import WARDROBES
from remix_track.training.jaccard import jaccard_graph
from remix_track.training.method_settings import ClusterSettings
from remix_track.training.neighbours import to_grid
from remix_track.training.pseudo_labels import pseudo_labels
from tests.training.dense_jaccard import dense_jaccard, dense_labels

Crops = tuple[torch.Tensor, NDArray[np.int64], NDArray[np.int64]]


def crops(count: int, width: int, people: int = 3, each: int = 20, noise: float = 1.0) -> Crops:
    """Embeddings (N, D) float32, video (N,), person (N,): videos of `people` with `each` crops, in mixed order."""
    rng = np.random.default_rng(0)
    order = rng.permutation(count)
    person, video = order // each, order // (each * people)
    looks = rng.normal(size=(person.max() + 1, width)).astype(np.float32)
    looks += 0.7 * rng.normal(size=(video.max() + 1, width)).astype(np.float32)[np.arange(len(looks)) // people]
    embeddings = torch.empty(count, width)
    for start in range(0, count, 4096):
        rows = slice(start, start + 4096)
        drawn = rng.standard_normal((len(person[rows]), width), dtype=np.float32)
        embeddings[rows] = torch.from_numpy(looks[person[rows]] + noise * drawn)
    return embeddings, video, person


def agree(counts: list[int]) -> None:
    """Print how many distances and labels differ between the back ends: 0 and 0."""
    for count in counts:
        embeddings, video, person = crops(count, 256)
        grid = to_grid(embeddings)
        start = time.perf_counter()
        dense = dense_jaccard(grid, 30, 6)
        middle = time.perf_counter()
        graph = jaccard_graph(grid, 30, 6, 1 - 1e-9, np.zeros(count, np.int64))
        end = time.perf_counter()
        expected = np.where(dense < 1, dense, 0)
        wrong = int((graph.toarray() != expected).sum())
        settings = ClusterSettings(scope="pool")
        labels = pseudo_labels(embeddings, video, settings, person).labels
        different = int((dense_labels(embeddings, video, settings, person).labels != labels).sum())
        print(f"N = {count}: {(dense < 1).sum():,} pairs, {wrong} distances and {different} labels differ")
        print(f"    dense {middle - start:.1f} s, sparse {end - middle:.1f} s")


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def pool(count: int, width: int) -> None:
    """Print what one pool takes; peak memory is the process's, embeddings included."""
    embeddings, video, person = crops(count, width)
    before = peak_gb()
    start = time.perf_counter()
    result = pseudo_labels(embeddings, video, ClusterSettings(scope="pool"), person)
    seconds = time.perf_counter() - start
    print(f"{count} x {width} in one pool: {seconds:.0f} s, peak {peak_gb():.2f} GB (made up in {before:.2f} GB)")
    print(f"    {result.report}")


def videos(counts: list[int]) -> None:
    """Print the time for each number of videos."""
    for count in counts:
        embeddings, video, person = crops(60 * count, 2048)
        start = time.perf_counter()
        result = pseudo_labels(embeddings, video, ClusterSettings(scope="video"), person)
        seconds = time.perf_counter() - start
        print(f"{count} videos: {seconds:.2f} s, {1000 * seconds / count:.2f} ms each, {result.report}")


def k1() -> None:
    """Print what k1 does to people with `each` crops in their video."""
    print("crops of a person: purity / completeness, per video (and in one pool)")
    for each in (5, 8, 12, 20, 40):
        embeddings, video, person = crops(15 * 5 * each, 256, people=5, each=each)
        cells = []
        for value in (8, 15, 20, 30):
            reports = [
                pseudo_labels(embeddings, video, ClusterSettings(scope=scope, k1=value, k1_share=1), person).report
                for scope in ("video", "pool")
            ]
            one, other = (f"{report.purity:.2f}/{report.completeness:.2f}" for report in reports)
            cells.append(f"k1 {value}: {one} ({other})")
        print(f"{each:3d}: " + "   ".join(cells))


def drawn_crops(each: int, videos: int = 20) -> Crops:
    """ImageNet vectors (N, 1280) of drawn people with `each` crops, video (N,), person (N,)."""
    network = imagenet_mobilenet_v2()[0].eval()
    vectors: list[torch.Tensor] = []
    shown: list[tuple[int, int]] = []
    for video in range(videos):
        rng = np.random.default_rng([7, each, video])
        people = crowd(rng, int(rng.integers(8, 17)), lookalikes=0.25, any_colour=0.5)
        camera = CropCamera.sample(rng)
        scenery = panorama(camera.place, camera.pitch)
        first = shown[-1][1] + 1 if shown else 0
        for number, person in enumerate(people, first):
            views = [
                cv2.resize(crop[..., ::-1], (INPUT.width, INPUT.height))
                for crop in tracklet(person, camera, scenery, people, each, rng)
            ]
            with torch.no_grad():
                vectors.append(network(plain_view(torch.from_numpy(np.stack(views)), INPUT.mean, INPUT.std))[1])
            shown += [(video, number)] * each
    columns = np.array(shown, np.int64)
    return torch.cat(vectors), columns[:, 0], columns[:, 1]


def drawn(counts: list[int]) -> None:
    """Print purity and completeness for each number of crops a person: as it was, with k1 held to a share, by pool."""
    ways = {
        "video, k1 30": ClusterSettings(scope="video", k1_share=1),
        "video, k1 a quarter": ClusterSettings(scope="video"),
        "pool, k1 30": ClusterSettings(),
    }
    for each in counts:
        embeddings, video, person = drawn_crops(each)
        cells = []
        for name, settings in ways.items():
            found = pseudo_labels(embeddings, video, settings, person).report
            cells.append(f"{name}: {found.purity:.2f}/{found.completeness:.2f}, {found.whole_videos} whole videos")
        print(f"{each:3d} crops a person: " + "   ".join(cells))


def camera_crops(each: int, seed: int, videos: int = 12) -> Crops:
    """Vectors (N, 512) of the shipped weights, camera (N,), person (N,): people in a street's wardrobe."""
    embedder = load_embedder("default")
    assert embedder is not None
    vectors: list[NDArray[np.float32]] = []
    shown: list[tuple[int, int]] = []
    for video in range(videos):
        rng = np.random.default_rng([8, seed, each, video])
        people = crowd(rng, int(rng.integers(8, 17)), lookalikes=0.3, any_colour=0.0, wardrobe=WARDROBES["street"])
        camera = CropCamera.sample(rng)
        scenery = panorama(camera.place, camera.pitch)
        first = shown[-1][1] + 1 if shown else 0
        for number, person in enumerate(people, first):
            vectors.append(embed_crops(embedder, list(tracklet(person, camera, scenery, people, each, rng))))
            shown += [(video, number)] * each
    columns = np.array(shown, np.int64)
    return torch.from_numpy(np.concatenate(vectors)), columns[:, 0], columns[:, 1]


def cameras(counts: list[int], seeds: tuple[int, ...] = (0, 1)) -> None:
    """Print purity / completeness as is and centred, with k1 as trainings have it and as adaptations have it."""
    print("| crops | before | k1 | video alone | pool | pool, centred |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    for each in counts:
        drawn = [camera_crops(each, seed) for seed in seeds]
        for before in ("2 cameras", "4 cameras", "12 cameras", "12 cameras, 6 with one person"):
            parts = [part for one in drawn for part in _parts(one, before)]
            for k1, k2 in ((30, 6), (10, 4)):
                ways = [
                    ClusterSettings(scope="video", k1=k1, k2=k2),
                    ClusterSettings(k1=k1, k2=k2),
                    ClusterSettings(k1=k1, k2=k2, centred=True),
                ]
                reports = [[pseudo_labels(*part[:2], way, part[2]).report for part in parts] for way in ways]
                means = [np.mean([(one.purity, one.completeness) for one in way], axis=0) for way in reports]
                cells = [f"{100 * purity:.1f} / {100 * completeness:.1f}" for purity, completeness in means]
                print(f"| {each} | {before} | {k1} | {' | '.join(cells)} |", flush=True)


def _parts(crops: Crops, before: str) -> list[Crops]:
    """The cameras in groups; or half of them with their first person alone."""
    embeddings, video, person = crops
    count = int(before.split()[0])
    kept = np.ones(len(video), np.bool_)
    if "one person" in before:
        first = np.array([person[video == one].min() for one in range(video.max() + 1)])
        kept = (video % 2 == 0) | (person == first[video])
    groups = [np.flatnonzero(kept & (video // count == group)) for group in range(12 // count)]
    return [(embeddings[torch.from_numpy(rows)], video[rows], person[rows]) for rows in groups]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["agree", "pool", "videos", "k1", "drawn", "cameras"])
    parser.add_argument("numbers", type=int, nargs="*")
    arguments = parser.parse_args()
    if arguments.what == "agree":
        agree(arguments.numbers)
    elif arguments.what == "pool":
        pool(*arguments.numbers)
    elif arguments.what == "videos":
        videos(arguments.numbers)
    elif arguments.what == "drawn":
        drawn(arguments.numbers)
    elif arguments.what == "cameras":
        cameras(arguments.numbers)
    else:
        k1()


if __name__ == "__main__":
    main()

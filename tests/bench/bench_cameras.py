"""What taking the camera out is worth to linking and searching: 37 real people before two cameras, as tracks.

    python -m tests.bench.bench_cameras DATA/reid-real/images WEIGHTS [WEIGHTS ...]

Each person's eight crops in a camera are one track, or two, as of somebody lost and found. In every scene some people
are before both cameras and the others before one alone; which, is drawn eight times. Linking: F1 of the pairs of tracks
that get one id, as is at the weights' threshold (0.3 where they have none), and without the cameras at the measured
distance. Searching: the mean reciprocal rank of the person's track of the other camera, for each crop; its own track is
left out, and which camera a crop is of is not told.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.centred_tracks import centre_videos
from remix_track.encoder.load import load_embedder
from remix_track.track_means import TrackMeans
from remix_track.trackers.linking.across_videos import join_tracks
from tests.bench.bench_reid import Crops, embedded, reid_real

SCENES = ((37, 37), (20, 20), (10, 10), (5, 5), (20, 5), (10, 2))
"""People before each camera, and how many of them are before both."""
DRAWS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The tracks of two cameras, who they show, and who is before both."""

    videos: list[TrackMeans]
    people: list[NDArray[np.int64]]
    both: set[int]


def main() -> None:
    """Print a row for each encoder, scene and kind of tracks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("weights", nargs="+")
    arguments = parser.parse_args()
    crops = reid_real(arguments.images.parents[1])
    if crops is None:
        sys.exit(f"{arguments.images}: not there")
    print("| encoder | people, in both | tracks of a person | links as is | taken out | search as is | taken out |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    for weights in arguments.weights:
        vectors, threshold = embedded(crops, weights), _threshold(weights)
        for people, both in SCENES:
            for tracks in (1, 2):
                rng = np.random.default_rng(0)
                found = [
                    _measured(crops, vectors, _scene(crops, vectors, people, both, tracks, rng), threshold)
                    for _ in range(DRAWS)
                ]
                cells = " | ".join(f"{100 * one:.0f}" for one in np.mean(found, axis=0))
                print(f"| {Path(weights).name} | {people}, {both} | {tracks} | {cells} |")
                sys.stdout.flush()


def _threshold(weights: str) -> float:
    embedder = load_embedder(weights)
    return (embedder.max_cosine_distance if embedder else None) or 0.3


def _scene(
    crops: Crops, vectors: NDArray[np.float32], people: int, both: int, tracks: int, rng: np.random.Generator
) -> Scene:
    order = rng.permutation(np.unique(crops.person))
    alone = order[both:]
    videos, shown = [], []
    for camera in (0, 1):
        there = [*order[:both], *alone[camera * (people - both) : (camera + 1) * (people - both)]]
        means, who = [], []
        for person in there:
            rows = np.flatnonzero((crops.person == person) & (crops.camera == camera))
            for part in range(tracks):
                mean = vectors[rows[part::tracks]].mean(axis=0)
                means.append(mean / np.linalg.norm(mean))
                who.append(int(person))
        count = len(means)
        # One track of a person: all are there at the same time. Two: one after another, so that anybody may be anybody.
        first = np.ones(count, np.int64) if tracks == 1 else 10 * np.arange(count) + 1
        numbers = np.arange(count)
        videos.append(TrackMeans(numbers, first, first + 5, np.full(count, 6), np.array(means, np.float32)))
        shown.append(np.array(who))
    return Scene(videos, shown, set(order[:both].tolist()))


def _measured(crops: Crops, vectors: NDArray[np.float32], scene: Scene, threshold: float) -> list[float]:
    centred = centre_videos(scene.videos)
    distance = threshold if centred.max_distance is None else centred.max_distance
    links = [_links(scene, join_tracks(scene.videos, threshold)), _links(scene, join_tracks(centred.videos, distance))]
    asked = np.flatnonzero(np.isin(crops.person, list(scene.both)))
    queries = vectors[asked]
    searches = [
        _searches(crops, scene, asked, vectors_asked @ np.concatenate([one.mean for one in videos]).T)
        for videos, vectors_asked in ((scene.videos, queries), (centred.videos, centred.stranger(queries)))
    ]
    return [*links, *searches]


def _links(scene: Scene, found: list[NDArray[np.int64]]) -> float:
    people, ids = np.concatenate(scene.people), np.concatenate(found)
    pairs = np.triu_indices(len(people), 1)
    same, joined = ((one[:, None] == one)[pairs] for one in (people, ids))
    return float(2 * (same & joined).sum() / (same.sum() + joined.sum()))


def _searches(crops: Crops, scene: Scene, asked: NDArray[np.intp], alike: NDArray[np.float32]) -> float:
    people, camera = np.concatenate(scene.people), np.repeat([0, 1], [len(one) for one in scene.people])
    ranks = []
    for row, likeness in zip(asked.tolist(), alike, strict=True):
        own = (people == crops.person[row]) & (camera == crops.camera[row])
        order = np.argsort(-likeness[~own], kind="stable")
        ranks.append(1 + int(np.flatnonzero(people[~own][order] == crops.person[row])[0]))
    return float(np.mean(1 / np.array(ranks)))


if __name__ == "__main__":
    main()

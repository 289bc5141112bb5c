"""Identity over all cameras together: how right people are, and what numbers of people, order and haste cost.

python -m tests.bench.bench_identities FOLDER [--people 10 30 100 300] [--seeds 0 1] [--dusk] [--pets DATA/pets09-s2l1]

People are drawn, three in ten in the clothes of another, before six cameras in an hour: each walks by three to six of
them, and a quarter of the walks are broken in two. FOLDER keeps the drawn vectors between runs. Each line is one way
of identifying the same tracklets:

- all at once, as `remix-track identify` over a whole archive does it;
- in ten sittings by time, as cameras that are archived every few minutes;
- in six sittings camera by camera, the worst order;
- live: each tracklet compared alone with who is known, as cameras that run do, which go with their light; the first
  half is in the store;
- live from nothing: the same with a store that is empty when the cameras begin, so that no camera is taken out.

With `--dusk` the cameras grow dark and their lamps go on while the hour passes.

IDF1 counts boxes, of the best one-to-one assignment of people found to people; precision and recall count pairs of
tracklets; `sure` is the share of tracklets that are said to be sure, and how many of those, and of the others, are in a
group that is mostly theirs.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from remix_track.store.identification import is_sure
from remix_track.store.identify_rows import Identified, Known, identify_rows
from remix_track.store.presence import Presence
from tests.bench.identity_scenes import Tracklets, kept, pets, real

CAMERAS = 6
FALLBACK = 0.6 * 0.382
"""As `remix-track identify` takes it for the shipped weights."""
PART = 60.0
"""Seconds after which live cameras write a part, and go with its light."""
WAYS = ("all at once", "ten sittings by time", "camera by camera", "live", "live from nothing")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Who the tracklets are: (T,) numbers, and whether that is sure."""

    person: NDArray[np.int64]
    sure: NDArray[np.bool_]


def main() -> None:
    """Print the table."""
    arguments = _parser().parse_args()
    print("| people | tracklets | how | IDF1 | precision | recall | found | sure | right: sure, others |")
    print("| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for people in arguments.people:
        scenes = [
            kept(arguments.folder, people, cameras=CAMERAS, seed=seed, dusk=arguments.dusk) for seed in arguments.seeds
        ]
        for how in arguments.ways:
            _line(str(people), how, scenes)
    for weights in arguments.real_weights:
        data = arguments.real
        scenes = [real(data, arguments.folder, weights, seed=one, dusk=arguments.dusk) for one in arguments.seeds]
        for how in arguments.ways:
            _line(f"37 real, {Path(weights).stem}", how, scenes)
    if arguments.pets is not None:
        scene = pets(arguments.pets, arguments.folder)
        for how in arguments.ways:
            _line("PETS in two", how, [scene])


def _line(name: str, how: str, scenes: list[Tracklets]) -> None:
    rows = [_scores(scene, _identified(scene, how)) for scene in scenes]
    mean = np.nanmean(np.array(rows), axis=0)
    idf1, precision, recall, found, sure, right, others = mean.tolist()
    tracklets = round(np.mean([len(scene) for scene in scenes]))
    cells = [name, str(tracklets), how, *(f"{100 * one:.1f}" for one in (idf1, precision, recall)), f"{found:.0f}"]
    print(f"| {' | '.join([*cells, f'{100 * sure:.0f}', f'{100 * right:.1f}, {100 * others:.1f}'])} |")
    sys.stdout.flush()


def _identified(scene: Tracklets, how: str) -> Found:
    order = np.argsort(scene.start, kind="stable")
    if how == "all at once":
        return _in_sittings(scene, [order])
    if how == "ten sittings by time":
        return _in_sittings(scene, np.array_split(order, 10))
    if how == "camera by camera":
        return _in_sittings(scene, [np.flatnonzero(scene.camera == one) for one in np.unique(scene.camera)])
    return _live(scene, order, len(order) // 2 if how == "live" else 0)


def _in_sittings(scene: Tracklets, sittings: list[NDArray[np.int64]]) -> Found:
    person, sure = np.zeros(len(scene), np.int64), np.zeros(len(scene), bool)
    there, next_number = np.zeros(len(scene), bool), 1
    for sitting in sittings:
        there[sitting] = True
        rows = np.flatnonzero(there)
        known = Known(next_number, fallback=FALLBACK)
        done = _identify(scene, rows, person[rows], known)
        person[rows[done.new]], sure[rows[done.new]] = done.found.person, done.found.sure
        for one, gone in done.merges:
            person[person == gone] = one
        next_number = done.next_number
    return Found(person, sure)


def _identify(scene: Tracklets, rows: NDArray[np.int64], person: NDArray[np.int64], known: Known) -> Identified:
    vectors = scene.vector[rows]
    return identify_rows(
        _presence(scene, rows), person, np.ones(len(rows), bool), lambda some: vectors[some], vectors.shape[1], known
    )


def _presence(scene: Tracklets, rows: NDArray[np.int64]) -> Presence:
    camera, cameras = scene.camera[rows], int(scene.camera.max()) + 1
    clock = np.zeros(len(rows), np.int64) if scene.one_clock else 1 + camera
    return Presence(camera, camera, clock, scene.start[rows], scene.end[rows], np.eye(cameras, dtype=bool))


def _live(scene: Tracklets, order: NDArray[np.int64], there: int) -> Found:
    """So many are in the store; of the rest each is compared as it comes, and is somebody from then on."""
    first = order[:there]
    before = _in_sittings(scene, [first])
    person, sure = before.person, before.sure
    next_number = int(person.max(initial=0)) + 1
    gallery, waiting = _gallery(scene, first, person), list[int]()
    centring = gallery.centring
    for row in order[there:].tolist():
        written = [one for one in waiting if scene.end[one] + PART <= scene.start[row]]
        waiting = [one for one in waiting if one not in written]
        for one in written:
            centring = centring.after(int(scene.camera[one]), scene.vector[one : one + 1])
        centred = centring.camera(scene.vector[row : row + 1], int(scene.camera[row]))[0]
        numbers, distance = gallery.means.numbers.copy(), 1 - gallery.means.products(centred)
        now = (scene.start < scene.end[row]) & (scene.start[row] < scene.end) & (person > 0)
        distance[np.isin(numbers, person[now & (scene.one_clock | (scene.camera == scene.camera[row]))])] = np.inf
        near = [(float(distance[one]), int(numbers[one])) for one in np.argsort(distance)[:2]] + [(np.nan, 0)] * 2
        joins = near[0][0] <= gallery.limits.join
        person[row] = near[0][1] if joins else next_number
        next_number += not joins
        pair = (near[0][0], near[1][0]) if joins else (np.nan, near[0][0])
        sure[row] = is_sure(*pair, gallery.limits)
        gallery.means.add(int(person[row]), centred)
        waiting.append(row)
    return Found(person, sure)


def _gallery(scene: Tracklets, rows: NDArray[np.int64], person: NDArray[np.int64]) -> Identified:
    """Who is known by these tracklets, as a process that begins reads it."""
    vectors = scene.vector[rows]
    known, nothing = Known(int(person.max(initial=0)) + 1, fallback=FALLBACK), np.zeros(len(rows), bool)
    width = vectors.shape[1]
    return identify_rows(_presence(scene, rows), person[rows], nothing, lambda some: vectors[some], width, known)


def _scores(scene: Tracklets, found: Found) -> tuple[float, ...]:
    truth, _, here = (np.unique(one, return_inverse=True)[1] for one in (scene.person, scene.camera, found.person))
    boxes, count = (np.zeros((truth.max() + 1, here.max() + 1)) for _ in range(2))
    np.add.at(boxes, (truth, here), scene.boxes)
    np.add.at(count, (truth, here), 1)
    matched = linear_sum_assignment(-boxes)
    pairs = [float((table * (table - 1) / 2).sum()) for table in (count, count.sum(axis=0), count.sum(axis=1))]
    right = count.argmax(axis=0)[here] == truth
    sure = found.sure
    shares = [float(right[some].mean()) if some.any() else np.nan for some in (sure, ~sure)]
    return (
        float(boxes[matched].sum() / boxes.sum()),
        pairs[0] / max(pairs[1], 1),
        pairs[0] / max(pairs[2], 1),
        float(here.max() + 1),
        float(sure.mean()),
        *shares,
    )


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("folder", type=Path, metavar="FOLDER", help="keeps drawn vectors between runs")
    made.add_argument("--people", nargs="*", type=int, default=[10, 30, 100, 300])
    made.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    made.add_argument("--dusk", action="store_true", help="it grows dark")
    made.add_argument("--real", type=Path, metavar="DATA", help="where reid-real is: its people as well")
    made.add_argument("--real-weights", nargs="+", default=[], metavar="WEIGHTS", help="by these weights")
    made.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="only these lines")
    made.add_argument("--pets", type=Path, metavar="DATA/pets09-s2l1", help="this clip cut in two as well")
    return made


if __name__ == "__main__":
    main()

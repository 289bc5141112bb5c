"""Adaptation measured: learn from one half of a video without its truth, track the other half; and the reverse.

    python -m tests.bench.bench_adapt DATA/pets09-s2l1 OUT --detector yolo11n.pt [--weights W] [--seeds 0 1 2]
    python -m tests.bench.bench_adapt DATA/real/MOT16-09 OUT --detector yolo11n.pt --halves first
    python -m tests.bench.bench_adapt street:201 OUT --detector yolo11n.pt --imgsz 640     a street drawn with seed 201

The clip is a folder with `video.avi` or `video.mp4` and `gt/gt.txt`, or a drawn street of 80 seconds, whose camera no
weights have seen; of its truth, people more than nine tenths hidden do not count. Truth with other classes than people
is scored by MOT16's rules, all of it. The same command goes on where it was stopped: what is finished is in
`OUT/results.json`. The table has a row for each half and seed, before (W with the threshold calibrated on the same
half, so that only the training differs) and after: the tracker's scores on the other half, and Rank-1 and mAP of the
other half's crops by its truth, each searched for among those at least four seconds away. PETS' truth gives who comes
back a new number; `pets_people` says who is who.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from remix_track import mot_text
from remix_track.cli.main import main as remix_track
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS, Rules
from remix_track.eval.metrics.score import as_dict, score_sequence
from remix_track.mot_text import MotRows
from remix_track.output_files import atomic_write
from remix_track.synthetic.scenes import StreetScene, write_ground_truth
from remix_track.trackers.sources import open_source
from tests.bench.bench_reid import embedded, film, scored
from tests.bench.pets_people import pets_people
from tests.footage import write_video

STREET: dict[str, Any] = {"frames": 1600, "width": 768, "height": 432, "people": 24, "fps": 20}
LEAST_VISIBLE = 0.1
COLUMNS = ("MOTA", "IDF1", "IDsw", "HOTA")
RETRIEVAL = ("Rank-1", "mAP")


def main() -> None:
    """Do what is not done yet, then print the table."""
    arguments = _parser().parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.clip.startswith("street:"):
        arguments.clip = _draw(
            arguments.out / arguments.clip.replace(":", "-"), int(arguments.clip.removeprefix("street:"))
        )
    arguments.clip = Path(arguments.clip)
    video = next(path for path in map(arguments.clip.joinpath, ("video.avi", "video.mp4")) if path.exists())
    arguments.video, arguments.halves = video, _halves(video)
    results = _read(arguments.out / "results.json")
    for learn in arguments.learn:
        test = {"first": "second", "second": "first"}[learn]
        before = f"{learn}, before"
        if before not in results:
            weights = arguments.out / f"{learn}-before.safetensors"
            _calibrate(arguments, weights, learn)
            results[before] = _track(arguments, weights, test) | _retrieve(arguments, weights, test)
            _write(arguments.out / "results.json", results)
        for seed in arguments.seeds:
            name = f"{learn}, after, seed {seed}"
            if name in results:
                continue
            weights = arguments.out / f"{learn}-seed{seed}.safetensors"
            lost = _adapt(arguments, weights, learn, seed)
            results[name] = _track(arguments, weights, test) | _retrieve(arguments, weights, test) | lost
            _write(arguments.out / "results.json", results)
    _print(results, arguments.learn, arguments.seeds)


def _halves(video: Path) -> dict[str, tuple[int, int]]:
    """First frame and number of frames of each half."""
    with open_source(str(video)) as source:
        frames = sum(1 for _ in source)
    return {"first": (1, frames // 2), "second": (frames // 2 + 1, frames - frames // 2)}


def _truth(clip: Path) -> tuple[MotRows, Rules]:
    """What counts of a clip's truth, and by which rules."""
    rows = mot_text.read(clip / "gt" / "gt.txt")
    if (rows.class_id > 1).any():
        return rows, PRESETS["mot16"]
    # MOT15's truth, PETS's among it, has -1 there: not known.
    return rows[(rows.visibility > LEAST_VISIBLE) | (rows.visibility < 0)], PRESETS["data"]


def _draw(folder: Path, seed: int) -> str:
    """A drawn street as a video with its truth, once."""
    if not (folder / "gt" / "gt.txt").exists():
        folder.mkdir(exist_ok=True)
        scene = StreetScene(seed, **STREET)
        pictures = [np.asarray(scene.render(frame), np.uint8) for frame in range(1, len(scene) + 1)]
        write_video(folder / "video.mp4", rate=round(scene.fps), images=pictures, options={"crf": "18"})
        write_ground_truth(scene, folder / "gt" / "gt.txt")
    return str(folder)


def _calibrate(arguments: argparse.Namespace, weights: Path, half: str) -> None:
    start, frames = arguments.halves[half]
    words = ["calibrate", arguments.video, "--weights", arguments.weights, "--output", weights]
    words += ["--overwrite", "--crops", arguments.out / "crops", "--detector", arguments.detector]
    words += ["--imgsz", arguments.imgsz, "--start", start, "--frames", frames, "--quiet"]
    _run(words)


def _adapt(arguments: argparse.Namespace, weights: Path, half: str, seed: int) -> dict[str, float]:
    """Adapt where it is not done; what the old domain had and has."""
    start, frames = arguments.halves[half]
    if not weights.exists():
        words = ["adapt", arguments.video, "--weights", arguments.weights, "--output", weights]
        words += ["--crops", arguments.out / "crops", "--detector", arguments.detector, "--allowed-loss", 100]
        changes = [f"harvest.start={start}", f"harvest.frames={frames}", f"harvest.imgsz={arguments.imgsz}"]
        for change in [*changes, f"run.seed={seed}", *arguments.set]:
            words += ["--set", change]
        _run(words)
    facts = json.loads((weights.with_name(f"{weights.stem}-adapt") / "adapt.json").read_text())["old_domain"]
    return {"old mAP before": 100 * facts["before"]["map"], "old mAP after": 100 * facts["after"]["map"]}


def _track(arguments: argparse.Namespace, weights: Path, half: str) -> dict[str, Any]:
    """Scores on a half."""
    start, frames = arguments.halves[half]
    folder = arguments.out / f"{weights.stem}-tracks"
    words = [arguments.video, "--weights", weights, "--detector", arguments.detector, "--no-video"]
    words += ["--imgsz", arguments.imgsz, "--start", start, "--frames", frames, "--output", folder]
    _run([*words, "--overwrite", "--quiet"])
    truth, rules = _truth(arguments.clip)
    found = _moved(mot_text.read(folder / "tracks.txt"), start, frames)
    score = score_sequence(_moved(truth, start, frames), found, rules, PROTOCOLS["devkit"], frames).score
    return {name: value for name, value in as_dict(score).items() if name in COLUMNS}


def _retrieve(arguments: argparse.Namespace, weights: Path, half: str) -> dict[str, float]:
    """Rank-1 and mAP, in hundredths, of a half's crops by its truth."""
    start, frames = arguments.halves[half]
    with open_source(str(arguments.video)) as source:
        fps = source.fps
    crops = film(
        arguments.clip, arguments.video.name, every=round(fps / 2), gap=round(4 * fps),
        frames=(start, start + frames - 1),
    )  # fmt: skip
    assert crops is not None
    if arguments.clip.name == "pets09-s2l1":
        crops = replace(crops, person=pets_people(crops.person))
    found = scored(crops, embedded(crops, str(weights)))
    return {"Rank-1": 100 * found.rank1, "mAP": 100 * found.precision}


def _moved(rows: MotRows, start: int, frames: int) -> MotRows:
    inside = rows[(rows.frame >= start) & (rows.frame < start + frames)]
    return MotRows(inside.frame - start + 1, *(getattr(inside, name) for name in MotRows.__slots__[1:]))


def _run(words: list[Any]) -> None:
    code = remix_track([str(word) for word in words])
    if code:
        raise SystemExit(code)


def _read(path: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _write(path: Path, results: dict[str, dict[str, float]]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(results, indent=2) + "\n")


def _print(results: dict[str, dict[str, float]], halves: list[str], seeds: list[int]) -> None:
    columns = COLUMNS + RETRIEVAL
    print(f"| learnt from | {' | '.join(columns)} | old mAP before | after |")
    print("| --- " * (3 + len(columns)) + "|")
    for name, row in results.items():
        old = " | ".join(f"{row[key]:.1f}" if key in row else "-" for key in ("old mAP before", "old mAP after"))
        print(f"| {name} | {' | '.join(f'{row[column]:.1f}' for column in columns)} | {old} |")
    for learn in halves:
        after = np.array([[results[f"{learn}, after, seed {seed}"][column] for column in columns] for seed in seeds])
        spread = after.std(axis=0, ddof=1) if len(seeds) > 1 else np.full(len(columns), np.nan)
        means = " | ".join(f"{mean:.1f} ± {one:.1f}" for mean, one in zip(after.mean(axis=0), spread, strict=True))
        print(f"| {learn}, after, mean | {means} | | |")


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("clip")
    made.add_argument("out", type=Path)
    made.add_argument("--weights", default="default")
    made.add_argument("--detector", required=True)
    made.add_argument("--halves", nargs="+", choices=("first", "second"), default=["first", "second"], dest="learn")
    made.add_argument("--imgsz", type=int, default=768)
    made.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    made.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    return made


if __name__ == "__main__":
    main()

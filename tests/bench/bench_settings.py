"""What the values of one setting cost and bring: HOTA, MOTA and IDF1 beside frames per second, on MOT sequences.

    python -m tests.bench.bench_settings detect_every 1 2 3 --sequences DATA/MOT16-09 --streets 0 1 2 \
        --set detector=yolo11n.pt imgsz=768 [--rounds 3]

Run from the project's folder. Sequences are folders with `seqinfo.ini`, images or a video, and `gt/gt.txt`; MOT16's
rules hold for those whose name begins with `MOT16-`, else every row of the truth counts. `--streets` are drawn (seeds;
300 frames of 960x540 at 30 a second, 14 people) and scored as one. The values take turns; frames per second begin after
20 frames, without a video, and are the median of the rounds. Ratios are to the first value in the same round.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from remix_track import mot_text
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.metrics.score import Score, as_dict, combine, score_sequence
from remix_track.mot_sequence import SequenceInfo
from remix_track.synthetic.scenes import StreetScene, write_sequence
from remix_track.trackers.api import track
from remix_track.trackers.sinks.mot_text import MotTextSink

UNCOUNTED = 20


class Cost(NamedTuple):
    """Of one run: its score, frames per second, milliseconds of all threads per frame."""

    score: Score
    fps: float
    processor: float


def measure(sequence: Path, settings: dict[str, Any]) -> Cost:
    """Track a sequence to its end and score it."""
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "tracks.txt"
        run = track(sequence, **settings)
        start = processor = 0.0
        with MotTextSink(text) as sink:
            for frame in run:
                sink.write(frame)
                if run.frames == UNCOUNTED:
                    start, processor = time.perf_counter(), time.process_time()
        seconds, spent = time.perf_counter() - start, time.process_time() - processor
        rules = PRESETS["mot16" if sequence.name.startswith("MOT16-") else "data"]
        truth, found = mot_text.read(sequence / "gt" / "gt.txt"), mot_text.read(text)
        frames = SequenceInfo.read(sequence / "seqinfo.ini").frames or run.frames
        score = score_sequence(truth, found, rules, PROTOCOLS["devkit"], frames).score
    counted = run.frames - UNCOUNTED
    return Cost(score, counted / seconds, 1000 * spent / counted)


def compare(title: str, sequences: Sequence[Path], ways: Sequence[dict[str, Any]], key: str, rounds: int) -> None:
    """Print a line for each value."""
    costs: list[list[list[Cost]]] = [[] for _ in ways]
    for number in range(rounds):
        turns = list(enumerate(ways))
        for place, way in turns if number % 2 == 0 else reversed(turns):
            costs[place].append([measure(sequence, way) for sequence in sequences])
    print(f"\n| {title}: {key} | HOTA | DetA | AssA | MOTA | IDF1 | IDsw | frames/s | ratio | CPU ms/frame |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for way, found in zip(ways, costs, strict=True):
        score = as_dict(combine(cost.score for cost in found[0]))
        fps = [median(cost.fps for cost in one) for one in found]
        ratio = median(mine / median(cost.fps for cost in one) for mine, one in zip(fps, costs[0], strict=True))
        processor = median(cost.processor for one in found for cost in one)
        numbers = " | ".join(f"{score[name]:.1f}" for name in ("HOTA", "DetA", "AssA", "MOTA", "IDF1"))
        print(f"| {way[key]} | {numbers} | {score['IDsw']} | {median(fps):.1f} | {ratio:.2f} | {processor:.0f} |")


def drawn(seeds: Sequence[int], folder: Path) -> list[Path]:
    made = []
    for seed in seeds:
        made.append(folder / f"street-{seed}")
        write_sequence(StreetScene(seed, frames=300, width=960, height=540, people=14, fps=30), made[-1])
    return made


def value(word: str) -> Any:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(word, word)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("key", help="the setting whose values are compared")
    parser.add_argument("values", nargs="+")
    parser.add_argument("--sequences", type=Path, nargs="+", default=[])
    parser.add_argument("--streets", type=int, nargs="+", default=[])
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="other settings")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    others = {key: value(word) for key, _, word in (one.partition("=") for one in arguments.set)}
    ways = [others | {arguments.key: value(word)} for word in arguments.values]
    for sequence in arguments.sequences:
        compare(sequence.name, [sequence], ways, arguments.key, arguments.rounds)
    if arguments.streets:
        with tempfile.TemporaryDirectory() as folder:
            streets = drawn(arguments.streets, Path(folder))
            compare(f"{len(streets)} drawn streets", streets, ways, arguments.key, arguments.rounds)


if __name__ == "__main__":
    main()

"""How fast the evaluation is beside TrackEval 1.3.0 and motmetrics 1.4.0: same files, one process, one run.

    OMP_NUM_THREADS=1 python tests/bench/bench_eval.py [--tracker lif_t] [--only MOT17-09-FRCNN ...]

Reading the files counts for everyone. Times are those of the processor, so that a busy machine matters less. Ours and
TrackEval measure HOTA, CLEAR and Identity; motmetrics, which has no HOTA, takes its own way: `mm.io.loadtxt`,
`mm.utils.CLEAR_MOT_M` with distractors removed, and its list of metrics.
"""

import argparse
import contextlib
import io
import os
import tempfile
import time
from pathlib import Path

import motmetrics as mm
import numpy as np
import trackeval

from remix_track import mot_text
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.files.result_files import find_results
from remix_track.eval.files.sequences import find_sequences
from remix_track.eval.metrics.score import as_dict, combine, score_sequence

_HERE = Path(__file__).resolve()


def ours(root, results):
    """Seconds and COMBINED numbers of ours."""
    start = time.process_time()
    sequences = find_sequences(root, PRESETS["mot17"]).sequences
    scores = []
    for sequence in sequences:
        gt = mot_text.read(sequence.gt)
        tracks = mot_text.read(find_results(results, sequences).files[sequence.name])
        scores.append(score_sequence(gt, tracks, PRESETS["mot17"], PROTOCOLS["devkit"], sequence.frames).score)
    numbers = as_dict(combine(scores))
    return time.process_time() - start, numbers["MOTA"], numbers["IDF1"], numbers["HOTA"]


def of_trackeval(root, results):
    """Seconds and COMBINED numbers of TrackEval: its dataset, its evaluator, its metrics."""
    quiet = {"PRINT_RESULTS": False, "PRINT_CONFIG": False, "TIME_PROGRESS": False, "OUTPUT_SUMMARY": False}
    quiet |= {"OUTPUT_DETAILED": False, "PLOT_CURVES": False, "OUTPUT_EMPTY_CLASSES": False, "USE_PARALLEL": False}
    names = sorted(folder.name for folder in root.iterdir())
    settings: dict[str, object] = {
        "GT_FOLDER": str(root),
        "TRACKERS_FOLDER": str(results.parent),
        "TRACKERS_TO_EVAL": [results.name],
    }
    settings |= {"TRACKER_SUB_FOLDER": "", "SKIP_SPLIT_FOL": True, "SEQ_INFO": dict.fromkeys(names)}
    settings["PRINT_CONFIG"] = False
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(), trackeval.metrics.Identity()]
        dataset = trackeval.datasets.MotChallenge2DBox(settings)
        found, _ = trackeval.Evaluator(quiet).evaluate([dataset], metrics)
    numbers = found["MotChallenge2DBox"][results.name]["COMBINED_SEQ"]["pedestrian"]
    seconds = time.process_time() - start
    hota = float(np.mean(numbers["HOTA"]["HOTA"]))
    return seconds, 100 * numbers["CLEAR"]["MOTA"], 100 * numbers["Identity"]["IDF1"], 100 * hota


def of_motmetrics(root, results):
    """Seconds and COMBINED numbers of motmetrics, numpy patched for it."""
    vars(np)["asfarray"] = lambda values: np.asarray(values, np.float64)
    start = time.process_time()
    accumulators, analyses, names = [], [], sorted(folder.name for folder in root.iterdir())
    for name in names:
        gt = mm.io.loadtxt(root / name / "gt" / "gt.txt", fmt="mot15-2D", min_confidence=-1)
        tracks = mm.io.loadtxt(results / f"{name}.txt", fmt="mot15-2D")
        accumulator, analysis = mm.utils.CLEAR_MOT_M(gt, tracks, str(root / name / "seqinfo.ini"))
        accumulators.append(accumulator)
        analyses.append(analysis)
    summary = mm.metrics.create().compute_many(
        accumulators, anas=analyses, metrics=mm.metrics.motchallenge_metrics, names=names, generate_overall=True
    )
    seconds = time.process_time() - start
    overall = summary.loc["OVERALL"]
    return seconds, 100 * overall["mota"], 100 * overall["idf1"], float("nan")


def main():
    """Run all three and print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--shared", type=Path, default=os.environ.get("REMIX_TRACK_SHARED", _HERE.parents[3] / "shared")
    )
    parser.add_argument("--tracker", default="bytetrack_public")
    parser.add_argument("--only", nargs="*", help="names of sequences; all that the tracker has, without")
    parser.add_argument("--repeat", type=int, default=3, help="runs of ours and TrackEval, of which the fastest counts")
    options = parser.parse_args()
    results = Path(options.shared) / "data" / "mot17-results" / options.tracker
    train = Path(options.shared) / "data" / "mot17" / "train"
    names = options.only or sorted(path.stem for path in results.glob("*.txt"))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in names:
            (root / name).symlink_to(train / name)
        rows = [
            ("remix-track", *min(ours(root, results) for _ in range(options.repeat))),
            ("TrackEval 1.3.0", *min(of_trackeval(root, results) for _ in range(options.repeat))),
            ("motmetrics 1.4.0", *of_motmetrics(root, results)),
        ]
    print(f"{options.tracker}: {', '.join(names)}")
    print(f"{'':18}{'CPU s':>9}{'times ours':>12}{'MOTA':>10}{'IDF1':>10}{'HOTA':>10}")
    for name, seconds, *numbers in rows:
        print(f"{name:18}{seconds:9.2f}{seconds / rows[0][1]:12.1f}" + "".join(f"{number:10.4f}" for number in numbers))


if __name__ == "__main__":
    main()

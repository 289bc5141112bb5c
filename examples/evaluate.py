"""Score trackers on your own sequences: a folder for each, with img1/ (or a video) and gt/gt.txt.

python examples/evaluate.py DATA
"""

import shutil
import sys
from pathlib import Path

import remix_track
import remix_track.eval

sequences = [path.parents[1] for path in sorted(Path(sys.argv[1]).glob("*/gt/gt.txt"))]
for tracker in ("remix", "deep-sort"):
    results = Path("evaluated", tracker)
    for sequence in sequences:
        remix_track.track(sequence, tracker=tracker).record(results / sequence.name, video=False)
        shutil.copyfile(results / sequence.name / "tracks.txt", results / f"{sequence.name}.txt")
    scores = remix_track.eval.evaluate(sys.argv[1], results)
    for name, score in [*scores["sequences"].items(), ("COMBINED", scores["COMBINED"])]:
        numbers = "  ".join(f"{metric} {score[metric]:.1f}" for metric in ("MOTA", "IDF1", "HOTA"))
        print(f"{tracker:10} {name:20} {numbers}  IDsw {score['IDsw']}")

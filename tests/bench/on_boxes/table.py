"""The judge and the table: TrackEval's numbers of every tracker on every clip, means, worst clips and ranks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from remix_track import mot_text
from remix_track.eval.benchmarks import PROTOCOLS
from remix_track.eval.evaluation import SequenceRows
from remix_track.eval.verification.by_trackeval import recount
from tests.bench.on_boxes.clips import Clip

Numbers = dict[str, float]
MEASURES = ("HOTA", "MOTA", "IDF1", "IDsw", "DetA", "AssA", "FP", "FN")


def judged(clips: Sequence[Clip], files: Sequence[Path]) -> dict[str, Numbers]:
    """Of each clip, and of all of them together (COMBINED), the `MEASURES` that TrackEval finds."""
    rows = {
        clip.name: SequenceRows(clip.truth, mot_text.read(file), clip.given.frames)
        for clip, file in zip(clips, files, strict=True)
    }
    # The devkit's protocol knows MOT15's rules by the benchmark's name.
    found = recount(rows, clips[0].rules, PROTOCOLS["devkit"])
    return {name: {measure: values[measure] for measure in MEASURES} for name, values in found.items()}


def ranks(values: Sequence[float]) -> list[int]:
    """1 for the greatest; those who are equal share the better rank."""
    return [1 + sum(other > value for other in values) for value in values]


def markdown(scores: Mapping[str, Mapping[str, Numbers]], columns: Sequence[str]) -> str:
    """A row for each tracker: HOTA and rank on each clip, their means, and the clip where it is furthest behind.

    Args:
        scores: tracker, clip, numbers.
        columns: clips, in order.
    """
    names = list(scores)
    hota = np.array([[scores[name][column]["HOTA"] for column in columns] for name in names])
    rank = np.array([ranks(column) for column in hota.T.tolist()]).T
    behind = hota.max(axis=0) - hota
    order = np.argsort(-hota.mean(axis=1), kind="stable")
    lines = [
        ["tracker", *columns, "mean HOTA", "mean rank", "furthest behind"],
        ["---", *["---:"] * (3 + len(columns))],
    ]
    for row in order.tolist():
        cells = [f"{value:.1f} ({place})" for value, place in zip(hota[row], rank[row], strict=True)]
        worst = int(np.argmax(behind[row]))
        last = f"{behind[row, worst]:.1f} on {columns[worst]}" if behind[row, worst] > 0 else "-"
        lines.append([names[row], *cells, f"{hota[row].mean():.2f}", f"{rank[row].mean():.1f}", last])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def details(scores: Mapping[str, Mapping[str, Numbers]], columns: Sequence[str]) -> str:
    """HOTA / MOTA / IDF1 / IDsw of each tracker on each clip."""
    lines = [["tracker", *columns], ["---"] * (1 + len(columns))]
    for name, found in scores.items():
        cells = [
            f"{found[each]['HOTA']:.1f} / {found[each]['MOTA']:.1f} / {found[each]['IDF1']:.1f} / {found[each]['IDsw']}"
            for each in columns
        ]
        lines.append([name, *cells])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

"""The scores of a run, and the table that shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from remix_track import mot_text
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.metrics.score import as_dict, score_sequence
from tests.bench.peers.contestants import OURS, Clip


@dataclass(frozen=True, slots=True)
class Result:
    """One contestant in one round.

    Attributes:
        tracker, appearance: as the table names them.
        frames: tracked.
        seconds: of tracking, models loaded before.
        wall: seconds from the start of the process to its end.
        processor: seconds of all threads from start to end.
        peak_mb: most resident memory, MiB.
        mota, idf1: percent.
        switches: IDsw.
    """

    tracker: str
    appearance: str
    frames: int
    seconds: float
    wall: float
    processor: float
    peak_mb: float
    mota: float
    idf1: float
    switches: int

    @property
    def fps(self) -> float:
        """Frames per second with the models loaded."""
        return self.frames / self.seconds


def score(clip: Clip, tracks: Path) -> tuple[float, float, int]:
    """MOTA and IDF1 in percent, IDsw: motmetrics' matching, IoU 0.5, every row of the ground truth counts."""
    truth, found = mot_text.read(clip.folder / "gt" / "gt.txt"), mot_text.read(tracks)
    truth = truth[truth.frame <= clip.frames]
    truth = replace(truth, score=np.ones(len(truth)))
    numbers = as_dict(
        score_sequence(truth, found, PRESETS["data"], PROTOCOLS["motmetrics"], clip.frames).score,
    )
    return numbers["MOTA"], numbers["IDF1"], int(numbers["IDsw"])


def best_rounds(results: Sequence[Result]) -> list[Result]:
    """Of each contestant the round with the most frames per second, in order of appearance."""
    best: dict[tuple[str, str], Result] = {}
    for result in results:
        key = result.tracker, result.appearance
        if key not in best or result.fps > best[key].fps:
            best[key] = result
    return list(best.values())


def markdown(results: Sequence[Result]) -> str:
    """The table, the best round of each; `ratio` is against the fastest that is not ours."""
    rows = best_rounds(results)
    peers = [row.fps for row in rows if row.tracker != OURS]
    head = ["tracker", "appearance", "frames/s", "ratio", "with start", "start s", "CPU ms/frame", "peak MB"]
    lines = [[*head, "MOTA", "IDF1", "IDsw"], ["---"] * 2 + ["---:"] * 9]
    for row in rows:
        ratio = f"{row.fps / max(peers):.2f}" if peers else "-"
        speed = [f"{row.fps:.1f}", ratio, f"{row.frames / row.wall:.1f}", f"{row.wall - row.seconds:.1f}"]
        cost = [f"{1000 * row.processor / row.frames:.0f}", f"{row.peak_mb:.0f}"]
        lines.append(
            [row.tracker, row.appearance, *speed, *cost, f"{row.mota:.1f}", f"{row.idf1:.1f}", f"{row.switches}"]
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

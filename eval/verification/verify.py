"""Our numbers beside those of other programs that count the same files, and every place where they differ."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from remix_track.eval.benchmarks import Protocol, Rules
from remix_track.eval.evaluation import Evaluation
from remix_track.eval.verification import by_motmetrics, by_trackeval

TOLERANCE = 1e-6
"""Relative; whole numbers are to be equal."""
_READ = frozenset({"Frames"})
"""What the sequence says of itself, which nothing counts."""
Numbers = Mapping[str, Mapping[str, float]]
"""By sequence, and under COMBINED, numbers under our names; percentages 0 to 100, 0/0 nan."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that another program counts in another way."""

    tool: str
    sequence: str
    metric: str
    ours: float
    theirs: float

    def __str__(self) -> str:
        """One line."""
        return f"{self.sequence}: {self.metric} is {self.ours:.10g} here and {self.theirs:.10g} by {self.tool}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What came out of recounting.

    Attributes:
        tools: the programs that counted.
        sequences: how many sequences they counted.
        counted: the metrics that at least one of them counted, in the order of our tables.
        left: the metrics that none of them counted.
        differences: where they differ from ours.
    """

    tools: tuple[str, ...]
    sequences: int
    counted: tuple[str, ...]
    left: tuple[str, ...]
    differences: tuple[Difference, ...]

    def lines(self) -> list[str]:
        """What was counted by which program, and what by none."""
        count = len(self.differences)
        outcome = f"{count} difference{'s' * (count != 1)}" if count else "no difference"
        where = f"{self.sequences} sequence{'s' * (self.sequences != 1)} and COMBINED"
        said = [f"recounted by {' and '.join(self.tools)}: {where}, {len(self.counted)} numbers each, {outcome}"]
        if self.left:
            brings = "pip install 'remix-track[verify]' brings TrackEval, which can"
            said.append(f"not recounted: {', '.join(self.left)}; {brings}")
        return said


def verify(evaluation: Evaluation, rules: Rules, protocol: Protocol) -> Verification:
    """Recount an evaluation with motmetrics, and with TrackEval where it is installed.

    Args:
        evaluation: made with `keep_rows=True`.
        rules: those it was made with.
        protocol: that it was made with.
    """
    recounts = {f"motmetrics {version('motmetrics')}": by_motmetrics.recount(evaluation.matches, protocol)}
    if find_spec("trackeval") is not None:
        counted = by_trackeval.recount(evaluation.rows, rules, protocol)
        recounts[f"TrackEval {version('trackeval')}"] = counted
    return compared(evaluation.tables, recounts)


def compared(tables: Mapping[str, Any], recounts: Mapping[str, Numbers]) -> Verification:
    """Every number of `tables` (`Evaluation.tables`) beside those that each program counted."""
    ours = {**tables["sequences"], "COMBINED": tables["COMBINED"]}
    differences = [
        Difference(tool, name, metric, ours[name][metric], theirs)
        for tool, recount in recounts.items()
        for name, numbers in recount.items()
        for metric, theirs in numbers.items()
        if not _equal(ours[name][metric], theirs)
    ]
    counted = {metric for recount in recounts.values() for metric in recount["COMBINED"]}
    return Verification(
        tuple(recounts),
        len(tables["sequences"]),
        tuple(metric for metric in tables["COMBINED"] if metric in counted),
        tuple(metric for metric in tables["COMBINED"] if metric not in counted | _READ),
        tuple(differences),
    )


def _equal(ours: float, theirs: float) -> bool:
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    # A count that is wrong by one is wrong, however many there are.
    return ours == theirs if isinstance(ours, int) else math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=1e-9)

"""The evaluations of several trackers on the same sequences, and how sure their differences are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from remix_track.errors import InputError
from remix_track.eval.evaluation import Evaluation
from remix_track.eval.metrics.bootstrap import Difference, differences
from remix_track.eval.metrics.score import Score, combine


@dataclass(frozen=True, slots=True)
class SeveralTrackers:
    """The evaluations of several trackers.

    Attributes:
        evaluations: by what each tracker is called, in the order that was asked for.
        differences: of each tracker but the first: it minus the first, by metric; empty where the sequences are too
            few to draw from.
    """

    evaluations: Mapping[str, Evaluation]
    differences: Mapping[str, Mapping[str, Difference]] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """What each evaluation found, for `report.several`."""
        return {name: one.tables for name, one in self.evaluations.items()}

    @property
    def scores(self) -> dict[str, Score]:
        """Of each tracker over all sequences, for `report.plots`."""
        return {name: combine(one.scores.values()) for name, one in self.evaluations.items()}


def compare_trackers(evaluations: Mapping[str, Evaluation]) -> SeveralTrackers:
    """Put evaluations of the same sequences together; the first tracker is the one that others are held against."""
    first, *others = evaluations
    base = list(evaluations[first].scores.values())
    found = {name: differences(base, list(evaluations[name].scores.values())) for name in others}
    return SeveralTrackers(evaluations, {name: one for name, one in found.items() if one})


def names_of(results: Sequence[Path]) -> dict[str, Path]:
    """What to call trackers by the folders of their results: the last part of each, with as many before as it takes.

    Raises:
        InputError: the same folder twice.
    """
    parts = [path.resolve().parts for path in results]
    if len(set(parts)) < len(parts):
        twice = next(path for path, one in zip(results, parts, strict=True) if parts.count(one) > 1)
        raise InputError(f"{twice}: named twice as `results`; name each tracker once")
    for count in range(1, max(map(len, parts)) + 1):
        names = ["/".join(one[-count:]) for one in parts]
        if len(set(names)) == len(names):
            break
    return dict(zip(names, results, strict=True))

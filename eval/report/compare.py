"""Two evaluations side by side: what changed, sequence by sequence, and which people were gained and lost.

People are compared by the share of their life in which they are tracked. A person is gained if mostly tracked
(more than 80 %; under the motmetrics protocol 80 % or more) in the second evaluation and was not in the first; lost the
other way round.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remix_track.eval.matching.match import Match
from remix_track.eval.report.tables import (
    COLUMNS,
    NEITHER,
    SMALL_IS_GOOD,
    caption,
    format_value,
    grid,
    markdown_cell,
    markdown_table,
    shown,
)
from remix_track.terminal_text import printable

if TYPE_CHECKING:
    from rich.console import Group

_COLUMNS = tuple(metric for metric in COLUMNS if metric not in {"LocA", "PT"})  # three lines each: room is short
_MOSTLY = 0.8
_PEOPLE_SHOWN = 50


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A person who crossed the border of mostly tracked; shares of their boxes that are matched, 0 to 1."""

    person: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class SequenceChange:
    """One sequence (or COMBINED) in both evaluations.

    Attributes:
        name: of the sequence.
        first, second: metric -> value.
        gained, lost: people, by the size of the change, the greatest first.
        comparable: False for COMBINED of different sequences, whose difference says nothing.
    """

    name: str
    first: Mapping[str, float]
    second: Mapping[str, float]
    gained: tuple[PersonChange, ...] = ()
    lost: tuple[PersonChange, ...] = ()
    comparable: bool = True

    def difference(self, metric: str) -> float:
        """Second minus first; nan where either has no value, or where they are not comparable."""
        if not self.comparable:
            return math.nan
        return self.second.get(metric, math.nan) - self.first.get(metric, math.nan)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two evaluations side by side.

    Attributes:
        labels: what the two are called.
        captions: how each was scored.
        changes: the sequences that both hold, then COMBINED.
        warnings: why the two may not be comparable.
    """

    labels: tuple[str, str]
    captions: tuple[str, str]
    changes: tuple[SequenceChange, ...]
    warnings: tuple[str, ...]


def people_tracked(match: Match) -> dict[str, float]:
    """The share of each person's boxes that is matched, 0 to 1, by id: what an evaluation keeps under "people"."""
    shares = match.matched_per_person() / match.boxes_per_person()
    return dict(zip(map(str, match.person_ids.tolist()), shares.tolist(), strict=True))


def compare(first: Mapping[str, Any], second: Mapping[str, Any], labels: tuple[str, str] = ("A", "B")) -> Comparison:
    """Put two evaluations side by side.

    Args:
        first: an evaluation as in `report`, from a run or from `saved.load`.
        second: likewise.
        labels: what to call them.
    """
    common = [name for name in first["sequences"] if name in second["sequences"]]
    changes = []
    for name in common:
        gained, lost = _people(first, second, name)
        changes.append(SequenceChange(shown(name), first["sequences"][name], second["sequences"][name], gained, lost))
    same = len(common) == len(first["sequences"]) == len(second["sequences"])
    changes.append(SequenceChange("COMBINED", first["COMBINED"], second["COMBINED"], comparable=same))
    names = (shown(labels[0]), shown(labels[1]))
    return Comparison(names, (caption(first), caption(second)), tuple(changes), _warnings(first, second, names, common))


def _people(
    first: Mapping[str, Any], second: Mapping[str, Any], name: str
) -> tuple[tuple[PersonChange, ...], tuple[PersonChange, ...]]:
    """People gained and people lost in one sequence."""
    before, after = (evaluation.get("people", {}).get(name, {}) for evaluation in (first, second))
    changes = [PersonChange(person, before[person], after[person]) for person in before if person in after]
    changes.sort(key=lambda change: (-abs(change.after - change.before), change.person))
    was = {change.person: _mostly(change.before, first) for change in changes}
    is_now = {change.person: _mostly(change.after, second) for change in changes}
    gained = tuple(change for change in changes if is_now[change.person] and not was[change.person])
    lost = tuple(change for change in changes if was[change.person] and not is_now[change.person])
    return gained, lost


def _mostly(share: float, evaluation: Mapping[str, Any]) -> bool:
    inclusive = (evaluation.get("protocol") or {}).get("name") == "motmetrics"
    return share >= _MOSTLY if inclusive else share > _MOSTLY


def _warnings(
    first: Mapping[str, Any], second: Mapping[str, Any], labels: tuple[str, str], common: Sequence[str]
) -> tuple[str, ...]:
    found = []
    if caption(first) != caption(second):
        found.append(f"scored differently: {labels[0]} by {caption(first)}; {labels[1]} by {caption(second)}")
    for label, evaluation in zip(labels, (first, second), strict=True):
        alone = [shown(name) for name in evaluation["sequences"] if name not in common]
        if alone:
            found.append(f"only in {label}, so COMBINED is not of the same sequences: {', '.join(alone)}")
    for name in common:
        people = [set(evaluation.get("people", {}).get(name, {})) for evaluation in (first, second)]
        boxes = [evaluation["sequences"][name].get("GT_Dets") for evaluation in (first, second)]
        if (all(people) and people[0] != people[1]) or (None not in boxes and boxes[0] != boxes[1]):
            found.append(f"{shown(name)}: the two were scored against different ground truth")
    return tuple(found)


def to_rich(comparison: Comparison, width: int = 120) -> "Group":
    """For the terminal: three lines per sequence (first, second, difference), then the people, then the warnings.

    Args:
        comparison: from `compare`.
        width: of the terminal, in characters; columns that do not fit are left out on the right.
    """
    from rich.console import Group
    from rich.text import Text

    blocks = [_lines(change, comparison.labels) for change in comparison.changes]
    table, hidden = grid(["", *_COLUMNS], [line for block in blocks for line in block], width)
    for change, (first, second, difference) in zip(comparison.changes, blocks, strict=True):
        table.add_row(*(Text(cell) for cell in first[: len(table.columns)]))
        table.add_row(*(Text(cell) for cell in second[: len(table.columns)]))
        colours = ["", *(_colour(metric, change.difference(metric)) for metric in _COLUMNS)]
        cells = [Text(cell, style) for cell, style in zip(difference, colours, strict=True)]
        table.add_row(*cells[: len(table.columns)], end_section=True)
    table.caption = Text(comparison.captions[0] + (f"; no room for {', '.join(hidden)}" if hidden else ""))
    people = [Text(line) for line in people_lines(comparison)]
    return Group(table, *people, *(Text(f"warning: {text}", "yellow") for text in comparison.warnings))


def to_markdown(comparison: Comparison) -> str:
    """The same in Markdown."""
    lines = [
        [markdown_cell(line[0].strip()), *line[1:]]
        for change in comparison.changes
        for line in _lines(change, comparison.labels)
    ]
    text = markdown_table(["sequence", *_COLUMNS], lines) + f"\n{markdown_cell(comparison.captions[0])}\n"
    people = "".join(f"- {markdown_cell(line)}\n" for line in people_lines(comparison))
    warnings = "".join(f"\n**Warning:** {markdown_cell(warning)}\n" for warning in comparison.warnings)
    return text + (f"\n{people}" if people else "") + warnings


def people_lines(comparison: Comparison) -> list[str]:
    """One line per sequence on the people gained and lost, `id (before % -> after %)`; none without changes."""
    lines = []
    for change in comparison.changes:
        parts = [
            f"{verb} {len(people)} ({_listed(people)})"
            for verb, people in (("gained", change.gained), ("lost", change.lost))
            if people
        ]
        if parts:
            lines.append(f"{change.name}: people mostly tracked: {', '.join(parts)}")
    return lines


def _listed(people: Sequence[PersonChange]) -> str:
    shown_people = [
        f"{printable(change.person)}: {100 * change.before:.0f} -> {100 * change.after:.0f} %"
        for change in people[:_PEOPLE_SHOWN]
    ]
    return ", ".join(shown_people) + (", ..." if len(people) > _PEOPLE_SHOWN else "")


def _lines(change: SequenceChange, labels: tuple[str, str]) -> list[list[str]]:
    def cells(numbers: Mapping[str, float]) -> list[str]:
        return [format_value(metric, numbers.get(metric, math.nan)) for metric in _COLUMNS]

    difference = [format_value(metric, change.difference(metric), sign=True) for metric in _COLUMNS]
    return [
        [f"{change.name} {labels[0]}", *cells(change.first)],
        [f"{' ' * len(change.name)} {labels[1]}", *cells(change.second)],
        [f"{' ' * len(change.name)} difference", *difference],
    ]


def _colour(metric: str, difference: float) -> str:
    """Green for better, red for worse; nothing where the shown digits do not differ."""
    if metric in NEITHER or format_value(metric, difference, sign=True) in {"-", "0", "0.0"}:
        return ""
    return "green" if (difference < 0) == (metric in SMALL_IS_GOOD) else "red"

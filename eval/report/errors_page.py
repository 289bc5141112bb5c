"""One HTML page of errors: identity switches, coverage of each person, worst spans of misses and false alarms.

The page opens from disk and asks nothing of any network; its content security policy forbids it. What it shows is
computed here and written by a template, which escapes all of it. Long sequences are drawn in at most 1,000 columns of
time, long lists are cut, and the cut is said.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.eval.matching.lost_boxes import LostBoxes
from remix_track.eval.matching.match import Match, Switch
from remix_track.eval.report.error_charts import over_time, people_bars
from remix_track.eval.report.error_images import Box, Budget, Picture, Shot, take
from remix_track.eval.report.error_reasons import Example, examples, mostly, why_missed
from remix_track.eval.report.error_spans import Span, false_alarm_spans, missed_spans
from remix_track.eval.report.errors_page_look import SCRIPT, STYLE
from remix_track.eval.report.tables import caption, format_value, shown
from remix_track.id_colours import css_of
from remix_track.text_files import write_text

if TYPE_CHECKING:
    from markupsafe import Markup

_SWITCHES = 300
_SPANS = 12
_ILLUSTRATED_SPANS = 6
_TEMPLATES = Path(__file__).parent / "templates"
_SHOWN_METRICS = ("MOTA", "IDF1", "IDsw", "HOTA", "FP", "FN", "MT", "ML", "Frag")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True, slots=True)
class _Room:
    """What a sequence may take up: pictured switches, people, columns of time; whether it is unfolded; examples."""

    switches: int
    people: int
    columns: int
    unfolded: int
    examples: int

    @classmethod
    def among(cls, sequences: int) -> "_Room":
        if sequences <= 4:
            return cls(24, 150, 1000, 4, 2)
        return cls(max(4, 96 // sequences), 150 if sequences <= 10 else 60, 1000 if sequences <= 10 else 400, 1, 1)


def write(
    path: Path,
    evaluation: Mapping[str, Any],
    matches: Mapping[str, Match],
    picture: Picture | None = None,
    lost: Mapping[str, LostBoxes] | None = None,
) -> None:
    """Write `render`'s page to a file, in one piece.

    Raises:
        InputError: the file cannot be written.
    """
    write_text(path, render(evaluation, matches, picture, lost))


def render(
    evaluation: Mapping[str, Any],
    matches: Mapping[str, Match],
    picture: Picture | None = None,
    lost: Mapping[str, LostBoxes] | None = None,
) -> str:
    """The page.

    Args:
        evaluation: the numbers, as in `report`.
        matches: the matched sequences by name, in the order in which to show them.
        picture: gives the (H, W, 3) uint8 BGR frame of a sequence by name and 1-based frame (of the split, where
            one is scored), or None where there is none; asked in ascending order of frames.
        lost: why people were missed, by sequence; None: the page does not say.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters["colour"] = css_of
    budget, room = Budget(), _Room.among(len(matches))
    sections = [
        _section(
            number, name, match, evaluation["sequences"].get(name, {}), picture, budget, room, (lost or {}).get(name)
        )
        for number, (name, match) in enumerate(matches.items())
    ]
    return environment.get_template("errors_page.html").render(
        policy=_POLICY,
        style=Markup(STYLE),
        script=Markup(SCRIPT),
        caption=caption(evaluation),
        pictured=picture is not None,
        metrics=_SHOWN_METRICS,
        combined=_cells(evaluation["COMBINED"]),
        most_switches=_SWITCHES,
        sections=sections,
    )


def _cells(numbers: Mapping[str, float]) -> list[str]:
    return [format_value(metric, numbers.get(metric, math.nan)) for metric in _SHOWN_METRICS]


def _section(
    number: int,
    name: str,
    match: Match,
    numbers: Mapping[str, float],
    picture: Picture | None,
    budget: Budget,
    room: _Room,
    lost: LostBoxes | None,
) -> dict[str, Any]:
    """What the template shows of a sequence."""
    switches = match.switches()
    missed, alarms = missed_spans(match, _SPANS), false_alarm_spans(match, _SPANS)
    switch_shots = [_shots_of(match, switch) for switch in switches[: room.switches]]
    missed_shots = [_missed_shot(match, span) for span in missed[:_ILLUSTRATED_SPANS]]
    alarm_shots = [_alarm_shot(match, span) for span in alarms[:_ILLUSTRATED_SPANS]]
    reasons = [] if lost is None else examples(match, lost, room.examples)
    reason_shots = [_shot(match, example.row, None) for example in reasons]
    wanted = [*(shot for pair in switch_shots for shot in pair), *missed_shots, *alarm_shots, *reason_shots]
    pictures = {} if picture is None else take(wanted, name, picture, budget)
    return {
        "anchor": f"s{number}",
        "title": shown(name),
        "unfolded": number < room.unfolded,
        "frames": match.frames,
        "people_count": len(match.person_ids),
        "track_count": len(match.track_ids),
        "cells": _cells(numbers),
        "chips": [(metric, format_value(metric, numbers[metric])) for metric in _SHOWN_METRICS if metric in numbers],
        "over_time": over_time(match, switches),
        "switch_count": len(switches),
        "switches": switches[:_SWITCHES],
        "switch_figures": _switch_figures(switches, switch_shots, pictures),
        "people": people_bars(match, switches, room.people, room.columns),
        "why": None if lost is None else why_missed(match, lost),
        "why_figures": _example_figures(reasons, reason_shots, pictures),
        "missed": missed,
        "mostly": [] if lost is None else [mostly(match, lost, span) for span in missed],
        "missed_figures": _span_figures(missed, missed_shots, pictures),
        "alarms": alarms,
        "alarm_figures": _span_figures(alarms, alarm_shots, pictures),
    }


def _switch_figures(
    switches: Sequence[Switch], shots: Sequence[tuple[Shot, Shot]], pictures: Mapping[Shot, "Markup"]
) -> list[dict[str, Any]]:
    return [
        {"switch": switch, "last": before.frame, "before": pictures[before], "after": pictures[after]}
        for switch, (before, after) in zip(switches, shots, strict=False)
        if before in pictures and after in pictures
    ]


def _span_figures(
    spans: Sequence[Span], shots: Sequence[Shot], pictures: Mapping[Shot, "Markup"]
) -> list[dict[str, Any]]:
    return [
        {"span": span, "frame": shot.frame, "picture": pictures[shot]}
        for span, shot in zip(spans, shots, strict=False)
        if shot in pictures
    ]


def _example_figures(
    reasons: Sequence[Example], shots: Sequence[Shot], pictures: Mapping[Shot, "Markup"]
) -> list[dict[str, Any]]:
    return [
        {"example": example, "picture": pictures[shot]}
        for example, shot in zip(reasons, shots, strict=True)
        if shot in pictures
    ]


def _shots_of(match: Match, switch: Switch) -> tuple[Shot, Shot]:
    """The last frame with the old track, and the first with the new one; both tracks drawn where they are there."""
    old = int(match.track[match.match[switch.last_gt_row]])
    new = int(match.track[match.match[switch.gt_row]])
    return _shot(match, switch.last_gt_row, (old, new)), _shot(match, switch.gt_row, (new, old))


def _missed_shot(match: Match, span: Span) -> Shot:
    return _shot(match, span.middle, None)


def _alarm_shot(match: Match, span: Span) -> Shot:
    frame = int(match.results.frame[span.middle])
    return Shot(frame, (_track_box(match, span.middle), *_truth_boxes(match, frame)))


def _shot(match: Match, gt_row: int, tracks: tuple[int, ...] | None) -> Shot:
    """A person's box, and the results of that frame: all, or those of some tracks."""
    frame = int(match.gt.frame[gt_row])
    start, stop = match.results.frame.searchsorted([frame, frame + 1])
    rows = [row for row in range(start, stop) if tracks is None or match.track[row] in tracks]
    return Shot(frame, (_truth_box(match, gt_row), *(_track_box(match, row) for row in rows)))


def _truth_boxes(match: Match, frame: int) -> list[Box]:
    start, stop = match.gt.frame.searchsorted([frame, frame + 1])
    return [_truth_box(match, row) for row in range(start, stop)]


def _truth_box(match: Match, row: int) -> Box:
    left, top, width, height = match.gt.tlwh[row].tolist()
    return Box((left, top, width, height), "", None)


def _track_box(match: Match, row: int) -> Box:
    left, top, width, height = match.results.tlwh[row].tolist()
    return Box((left, top, width, height), str(match.results.id[row]), int(match.results.id[row]))

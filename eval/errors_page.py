"""One HTML page that shows what went wrong: identity switches, lives of people, worst misses and false alarms.

The page opens from disk and asks nothing of any network; its content security policy forbids it. Text from files is
escaped. Long sequences are drawn in at most 1,000 columns of time, long lists are cut, and the cut is said.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remix_track.eval.error_charts import over_time, people_bars
from remix_track.eval.error_pictures import Box, Budget, Picture, Shot, take
from remix_track.eval.error_spans import Span, false_alarm_spans, missed_spans
from remix_track.eval.errors_page_look import SCRIPT, STYLE
from remix_track.eval.match import Match, Switch
from remix_track.eval.report import caption, format_value, shown
from remix_track.id_colours import css_of
from remix_track.text_files import write_text

_SWITCHES = 300
_SPANS = 12
_PICTURED_SPANS = 6
_SHOWN_METRICS = ("MOTA", "IDF1", "IDsw", "HOTA", "FP", "FN", "MT", "ML", "Frag")
_PICTURE_KEY = (
    '<p class="soft small">In the pictures, a dashed white box is a person of the ground truth, '
    "a coloured one is a track with its id.</p>"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True, slots=True)
class _Room:
    """What a sequence may take up: pictured switches, people, columns of time; whether it is unfolded."""

    switches: int
    people: int
    columns: int
    unfolded: int

    @classmethod
    def among(cls, sequences: int) -> "_Room":
        if sequences <= 4:
            return cls(24, 150, 1000, 4)
        return cls(max(4, 96 // sequences), 150 if sequences <= 10 else 60, 1000 if sequences <= 10 else 400, 1)


def write(
    path: Path, evaluation: Mapping[str, Any], matches: Mapping[str, Match], picture: Picture | None = None
) -> None:
    """Write `render`'s page to a file, in one piece.

    Raises:
        InputError: the file cannot be written.
    """
    write_text(path, render(evaluation, matches, picture))


def render(evaluation: Mapping[str, Any], matches: Mapping[str, Match], picture: Picture | None = None) -> str:
    """The page.

    Args:
        evaluation: the numbers, as in `report`.
        matches: the matched sequences by name, in the order in which to show them.
        picture: gives the (H, W, 3) uint8 BGR frame of a sequence by name and 1-based frame (of the split, where
            one is scored), or None where there is none; asked in ascending order of frames.
    """
    budget, room = Budget(), _Room.among(len(matches))
    sections = "".join(
        _section(f"s{number}", name, match, evaluation["sequences"].get(name, {}), picture, budget, room)
        for number, (name, match) in enumerate(matches.items())
    )
    key = "" if picture is None else _PICTURE_KEY
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Tracking errors</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>Tracking errors</h1>"
        f'<p class="soft">{_safe(caption(evaluation))}</p>{key}{_overview(evaluation, list(matches))}'
        f"{sections}</main><script>{SCRIPT}</script></body></html>\n"
    )


def _safe(text: str) -> str:
    return html.escape(text, quote=True)


def _overview(evaluation: Mapping[str, Any], names: Sequence[str]) -> str:
    lines = [
        f'<tr><td><a href="#s{number}">{_safe(shown(name))}</a></td>'
        f"{_cells(evaluation['sequences'].get(name, {}))}</tr>"
        for number, name in enumerate(names)
    ]
    lines.append(f'<tr class="all"><td>COMBINED</td>{_cells(evaluation["COMBINED"])}</tr>')
    header = "".join(f"<th>{metric}</th>" for metric in _SHOWN_METRICS)
    return f'<div class="overview"><table><tr><th>sequence</th>{header}</tr>{"".join(lines)}</table></div>'


def _cells(numbers: Mapping[str, float]) -> str:
    return "".join(f"<td>{format_value(metric, numbers.get(metric, float('nan')))}</td>" for metric in _SHOWN_METRICS)


def _section(
    anchor: str,
    name: str,
    match: Match,
    numbers: Mapping[str, float],
    picture: Picture | None,
    budget: Budget,
    room: _Room,
) -> str:
    switches = match.switches()
    missed, alarms = missed_spans(match, _SPANS), false_alarm_spans(match, _SPANS)
    switch_shots = [_shots_of(match, switch) for switch in switches[: room.switches]]
    missed_shots = [_missed_shot(match, span) for span in missed[:_PICTURED_SPANS]]
    alarm_shots = [_alarm_shot(match, span) for span in alarms[:_PICTURED_SPANS]]
    wanted = [*(shot for pair in switch_shots for shot in pair), *missed_shots, *alarm_shots]
    pictures = {} if picture is None else take(wanted, name, picture, budget)
    chips = "".join(
        f'<span class="chip">{metric}<b>{format_value(metric, numbers[metric])}</b></span>'
        for metric in _SHOWN_METRICS
        if metric in numbers
    )
    unfolded = " open" if int(anchor[1:]) < room.unfolded else ""
    return (
        f'<section id="{anchor}"><details{unfolded}><summary><h2>{_safe(shown(name))}</h2> '
        f'<span class="soft">{match.frames:,} frames, {len(match.person_ids):,} people, {len(match.track_ids):,} tracks'
        f'</span></summary><div class="chips">{chips}</div>{over_time(match, switches)}'
        f'<div class="switches">{_switch_list(match, switches)}'
        f"{_switch_pictures(switches, switch_shots, pictures)}</div>"
        f"{people_bars(anchor, match, switches, room.people, room.columns)}"
        f'<div class="two">{_span_list("misses", "person", missed, missed_shots, pictures)}'
        f"{_span_list('false alarms', 'track', alarms, alarm_shots, pictures)}</div></details></section>"
    )


def _switch_list(match: Match, switches: Sequence[Switch]) -> str:
    if not switches:
        return '<div><h3>Identity switches</h3><p class="soft">None.</p></div>'
    lines = "".join(
        f"<tr><td>{switch.frame}</td><td>{switch.person}</td><td>{_dot(switch.old)}{switch.old}</td>"
        f"<td>{_dot(switch.new)}{switch.new}</td><td>{switch.gap}</td></tr>"
        for switch in switches[:_SWITCHES]
    )
    cut = f'<p class="soft small">The first {_SWITCHES} are listed.</p>' if len(switches) > _SWITCHES else ""
    return (
        f'<div><h3>Identity switches ({len(switches):,})</h3><div class="scroll"><table><tr><th>frame</th>'
        f"<th>person</th><th>old id</th><th>new id</th><th>frames between</th></tr>{lines}</table></div>{cut}</div>"
    )


def _dot(track: int) -> str:
    return f'<span class="dot" style="background:{css_of(track)}"></span>'


def _switch_pictures(
    switches: Sequence[Switch], shots: Sequence[tuple[Shot, Shot]], pictures: Mapping[Shot, str]
) -> str:
    figures = "".join(
        f'<figure><div class="pair">{pictures[before]}{pictures[after]}</div><figcaption>frames {before.frame}, '
        f"{after.frame}: person {switch.person}, {switch.old} → {switch.new}</figcaption></figure>"
        for switch, (before, after) in zip(switches, shots, strict=False)
        if before in pictures and after in pictures
    )
    return f'<div class="shots scroll">{figures}</div>' if figures else ""


def _span_list(
    what: str, whose: str, spans: Sequence[Span], shots: Sequence[Shot], pictures: Mapping[Shot, str]
) -> str:
    if not spans:
        return f'<div><h3>Longest {what}</h3><p class="soft">None.</p></div>'
    lines = "".join(
        f"<tr><td>{span.id}</td><td>{span.first}–{span.last}</td><td>{span.boxes:,}</td></tr>" for span in spans
    )
    figures = "".join(
        f"<figure>{pictures[shot]}<figcaption>{whose} {span.id}, frame {shot.frame}</figcaption></figure>"
        for span, shot in zip(spans, shots, strict=False)
        if shot in pictures
    )
    return (
        f"<div><h3>Longest {what}</h3><table><tr><th>{whose}</th><th>frames</th><th>boxes</th></tr>{lines}</table>"
        f'<div class="shots">{figures}</div></div>'
    )


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

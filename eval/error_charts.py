"""The charts of the errors page, as SVG: errors over time, and one bar per person."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.error_spans import MISSED, lives, per_column, runs
from remix_track.eval.match import Match, Switch
from remix_track.id_colours import css_of

_CURVE_COLUMNS = 400


def over_time(match: Match, switches: Sequence[Switch]) -> str:
    """Misses up, false alarms down, identity switches as ticks below."""
    frames = max(match.frames, 1)
    columns = min(frames, _CURVE_COLUMNS)
    missed = per_column(match.gt.frame[match.match < 0], frames, columns)
    alarms = per_column(match.results.frame[match.gt_of_result < 0], frames, columns)
    most_missed, most_alarms = float(missed.max()), float(alarms.max())
    scale = 100 / max(most_missed + most_alarms, 1)
    base = 14 + scale * most_missed
    areas = ""
    for values, sign, kind in ((missed, -1, "missed"), (alarms, 1, "alarm")):
        heights = (base + sign * scale * values).tolist()
        outline = "".join(f"V{height:.1f}h{1000 / columns:.2f}" for height in heights)
        areas += f'<path class="{kind}-area" d="M0 {base:.1f}{outline}V{base:.1f}z"/>'
    ticks = "".join(
        f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="124" y2="138"><title>{_switch_text(switch)}</title></line>'
        for switch in switches[:: len(switches) // 2000 + 1]
        for x in [1000 * (switch.frame - 0.5) / frames]
    )
    marks = "".join(
        f'<text x="{250 * part}" y="152" text-anchor="{anchor}">{max(round(frames * part / 4), 1):,}</text>'
        for part, anchor in enumerate(("start", "middle", "middle", "middle", "end"))
    )
    return (
        f"<h3>Errors over time</h3>{_legend(most_missed, most_alarms)}"
        f'<svg class="time" viewBox="0 0 1000 156" role="img" aria-label="errors over time">{areas}'
        f'<line class="grid" x1="0" x2="1000" y1="{base:.1f}" y2="{base:.1f}"/>'
        f'<line class="grid" x1="0" x2="1000" y1="138" y2="138"/>{ticks}{marks}</svg>'
    )


def _legend(most_missed: float, most_alarms: float) -> str:
    keys = (
        ("var(--missed)", 14, f"missed boxes, up to {most_missed:.0f} per frame"),
        ("var(--alarm)", 14, f"false alarms, up to {most_alarms:.0f} per frame"),
        ("var(--switch)", 2, "identity switches"),
    )
    return '<p class="legend">' + "".join(f"<span>{_key(*key[:2])}{key[2]}</span>" for key in keys) + "</p>"


def _key(colour: str, width: int = 14) -> str:
    return f'<span class="key" style="background:{colour};width:{width}px"></span>'


def _switch_text(switch: Switch) -> str:
    return f"frame {switch.frame}: person {switch.person}, {switch.old} → {switch.new}, gap {switch.gap}"


def people_bars(anchor: str, match: Match, switches: Sequence[Switch], most_people: int, most_columns: int) -> str:
    """One bar per person, the one with most missed boxes first, and a choice of other orders.

    Args:
        anchor: an HTML id of the section, unique on the page.
        match: the sequence.
        switches: its identity switches.
        most_people: bars to draw.
        most_columns: of time to draw them in.
    """
    at_frames: dict[int, list[int]] = {}
    for switch in switches:
        at_frames.setdefault(switch.person, []).append(switch.frame)
    boxes, matched = match.boxes_per_person(), match.matched_per_person()
    missing = boxes - matched
    people = sorted(range(len(missing)), key=lambda person: (-missing[person], person))[:most_people]
    columns = max(min(match.frames, most_columns), 1)
    bars = "".join(
        _person(
            match,
            person,
            int(missing[person]),
            matched[person] / boxes[person],
            state,
            at_frames.get(int(match.person_ids[person]), []),
        )
        for person, state in zip(people, lives(match, people, columns), strict=True)
    )
    cut = f" The {len(people)} with most missed boxes are shown." if len(people) < len(missing) else ""
    return (
        f'<h3>People</h3><p class="soft small">One bar per person, over {match.frames:,} frames. A colour is a track, '
        f"the one that the video gives its id; {_key('var(--missed-bar)')}missed; grey: not there; "
        f"{_key('var(--switch)', 2)}identity switch. "
        f'Right: share of boxes tracked.{cut} Order: <select class="order" data-list="{anchor}p">'
        '<option value="missed -1">most missed boxes</option><option value="switches -1">most switches</option>'
        '<option value="first 1">first frame</option><option value="id 1">id</option></select></p>'
        f'<div class="people" id="{anchor}p">{bars}</div>'
    )


def _person(
    match: Match, person: int, missing: int, share: float, state: NDArray[np.int64], switched: Sequence[int]
) -> str:
    id_ = match.person_ids[person]
    switch_count = f", {len(switched)} switch{'es' if len(switched) > 1 else ''}" if switched else ""
    return (
        f'<div class="person" data-missed="{missing}" data-switches="{len(switched)}" '
        f'data-first="{(state >= MISSED).argmax()}" data-id="{id_}"><span>{id_}</span>{_life(match, state, switched)}'
        f"<span>{100 * share:.0f} %{switch_count}</span></div>"
    )


def _life(match: Match, state: NDArray[np.int64], switched: Sequence[int]) -> str:
    columns, bars = len(state), []
    for value, start, stop in runs(state):
        if value < MISSED:
            continue
        first, last = start * match.frames // columns + 1, -(-stop * match.frames // columns)
        what = "missed" if value == MISSED else f"track {match.track_ids[value]}"
        look = 'class="missed"' if value == MISSED else f'fill="{css_of(int(match.track_ids[value]))}"'
        bars.append(
            f'<rect x="{start}" width="{stop - start}" height="10" {look}><title>{first}–{last}: {what}</title></rect>'
        )
    marks = sorted({(frame - 1) * columns // match.frames for frame in switched})
    bars += [f'<rect class="switch" x="{x}" width="{columns / 500:.1f}" height="10"/>' for x in marks]
    return (
        f'<svg class="life" viewBox="0 0 {columns} 10" preserveAspectRatio="none" shape-rendering="crispEdges">'
        f"{''.join(bars)}</svg>"
    )

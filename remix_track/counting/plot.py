"""Counts over time as a picture: a panel for each place, people in above and out below, and how many were there."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from remix_track.counting.counts import Counts
from remix_track.counting.table import Row, rows_of
from remix_track.errors import InputError
from remix_track.extras import extra
from remix_track.output_files import atomic_write
from remix_track.plot_text import literal

_MOST_PANELS = 20
_IN, _OUT, _THERE = "#1a7f8e", "#d98b2b", "#7a3fb5"


def draw_counts(path: Path, counts: Counts, every: float) -> None:
    """Draw a PNG (or what the name ends with).

    Raises:
        ExtraError: matplotlib is not installed.
        InputError: there is something already, nothing to draw, or it cannot be written.
    """
    if path.exists():
        raise InputError(f"{path}: there is something already; give another name")
    drawing = extra("matplotlib.figure", "plots", path.name)
    panels = [(one, rows_of(one, every)) for one in counts.places]
    panels = [(one, rows) for one, rows in panels if rows][:_MOST_PANELS]
    if not panels:
        raise InputError(f"{path}: there is nothing to draw, as nothing was recorded")
    figure = drawing.Figure(figsize=(9, 1.2 + 2.1 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    for axis, (place, rows) in zip(axes, panels, strict=True):
        _draw(axis, rows, clock=counts.clock)
        axis.set_title(f"{literal(place.name)}  ({place.kind})", loc="left", fontsize=10)
    axes[-1].set_xlabel("UTC" if counts.clock else _unit(panels[0][1])[0])
    figure.legend(*_legend(axes), loc="outside upper right", ncols=3, fontsize=8, frameon=False)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120)


def _draw(axis: Any, rows: Sequence[Row], *, clock: bool) -> None:
    _, scale = _unit(rows)
    ticks: Any = extra("matplotlib.ticker", "plots", "A plot")
    if clock:
        dates: Any = extra("matplotlib.dates", "plots", "A plot")
        begins = [datetime.fromtimestamp(one.begin, UTC) for one in rows]
        widths = [(one.end - one.begin) / 86400 for one in rows]
        locator = dates.AutoDateLocator(tz=UTC)
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=UTC))
        middles = [datetime.fromtimestamp((one.begin + one.end) / 2, UTC) for one in rows]
    else:
        begins = [one.begin / scale for one in rows]  # type: ignore[misc]
        widths = [(one.end - one.begin) / scale for one in rows]
        middles = [(one.begin + one.end) / 2 / scale for one in rows]  # type: ignore[misc]
    options = {"align": "edge", "edgecolor": "white", "linewidth": 0.6}
    axis.bar(begins, [one.ins for one in rows], widths, color=_IN, label="in", **options)
    axis.bar(begins, [-one.outs for one in rows], widths, color=_OUT, label="out", **options)
    if rows[0].kind == "zone":
        there = [one.mean_occupancy for one in rows]
        axis.plot(middles, there, color=_THERE, marker="o", markersize=3, label="in the zone, on average")
    axis.axhline(0, color="0.3", linewidth=0.8)
    axis.yaxis.set_major_locator(ticks.MaxNLocator(integer=True, min_n_ticks=1))
    axis.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axis.grid(axis="y", alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)


def _legend(axes: Any) -> tuple[list[Any], list[str]]:
    found: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def _unit(rows: Sequence[Row]) -> tuple[str, float]:
    length = rows[-1].end - rows[0].begin
    return ("hours", 3600.0) if length > 2 * 3600 else ("minutes", 60.0) if length > 120 else ("seconds", 1.0)

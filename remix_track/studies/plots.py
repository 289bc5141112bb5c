"""A plot for each study: lines over numbers, bars over names, and curves over epochs where jitter is asked for."""

import logging
import math
from pathlib import Path
from typing import Any

from remix_track.extras import ExtraError, extra
from remix_track.output_files import atomic_write
from remix_track.plot_text import literal
from remix_track.studies.summary import CellResults, StudyResults

logger = logging.getLogger(__name__)

_SCORES = {"rank1": "Rank-1", "map": "mAP"}


def draw_study(path: Path, found: StudyResults) -> bool:
    """Draw a study; whether there was anything to draw, and matplotlib to draw it with."""
    if not any(one.results for one in found.cells):
        return False
    try:
        drawing = extra("matplotlib.figure", "plots", path.name)
    except ExtraError as error:
        logger.warning("%s, and run the same command again", error)
        return False
    numbered = all(one.cell.value is not None for one in found.cells)
    series = list(dict.fromkeys(one.cell.series for one in found.cells)) if numbered else [""]
    probes = [result for one in found.pretrainings for result in one.results.values() if result.probe_steps]
    panels = len(series) + 2 * found.study.jitter + bool(probes)
    figure = drawing.Figure(figsize=(max(6, 4 * panels), 4), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for panel, name in zip(axes, series, strict=False):
        cells = [one for one in found.cells if not numbered or one.cell.series == name]
        (_draw_line if numbered else _draw_bars)(panel, cells, name or found.study.axis)
    if found.study.jitter:
        _draw_epochs(axes[-2], found)
        _draw_jitter(axes[-1], found)
    if probes:
        _draw_probes(axes[len(series)], found)
    figure.suptitle(literal(found.study.title))
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110)
    return True


def _draw_line(axes: Any, cells: list[CellResults], label: str) -> None:
    cells = sorted(cells, key=lambda one: one.cell.value or 0.0)
    values = [one.cell.value or 0.0 for one in cells]
    for key, name in _SCORES.items():
        spreads = [one.spread(key) for one in cells]
        known = [(x, 100 * one.mean, 100 * _or_zero(one.std)) for x, one in zip(values, spreads, strict=True)]
        known = [point for point in known if not math.isnan(point[1])]
        if known:
            x, mean, std = zip(*known, strict=True)
            axes.errorbar(x, mean, yerr=std if any(std) else None, marker="o", capsize=3, label=name)
    for one, value in zip(cells, values, strict=True):
        if not one.results:
            axes.axvline(value, color="0.7", linestyle=":")
            axes.annotate("not run", (value, 0.02), xycoords=("data", "axes fraction"), rotation=90, fontsize=7)
    if min(values) > 0 and max(values) >= 8 * min(values):
        axes.set_xscale("log")
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()
    _finish(axes, label, "percent")


def _draw_bars(axes: Any, cells: list[CellResults], label: str) -> None:
    for number, (key, name) in enumerate(_SCORES.items()):
        places = [place + 0.4 * number for place in range(len(cells))]
        spreads = [one.spread(key) for one in cells]
        std = [100 * _or_zero(one.std) for one in spreads]
        heights = [100 * _or_zero(one.mean) for one in spreads]
        drawn = axes.bar(places, heights, 0.38, yerr=std if any(std) else None, capsize=3, label=name)
        texts = ["not run" if math.isnan(one.mean) else f"{100 * one.mean:.1f}" for one in spreads]
        axes.bar_label(drawn, texts, fontsize=7, padding=2)
    axes.set_xticks([place + 0.2 for place in range(len(cells))], [literal(one.cell.name) for one in cells])
    if len(cells) > 4:
        axes.tick_params(axis="x", rotation=30)
        for text in axes.get_xticklabels():
            text.set_horizontalalignment("right")
    _finish(axes, label, "percent")


def _draw_probes(axes: Any, found: StudyResults) -> None:
    for one in found.pretrainings:
        for seed, result in one.results.items():
            axes.plot(
                result.probe_steps, [100 * value for value in result.probe_rank1], marker=".", label=f"seed {seed}"
            )
    _finish(axes, "steps of pre-training", "Rank-1 of the probe")


def _draw_epochs(axes: Any, found: StudyResults) -> None:
    for one in found.cells:
        for seed, result in one.results.items():
            name = one.cell.name if len(one.seeds) == 1 else f"{one.cell.name}, seed {seed}"
            axes.plot(result.epochs, [100 * value for value in result.epoch_map], marker=".", label=literal(name))
    _finish(axes, "epoch", "mAP")


def _draw_jitter(axes: Any, found: StudyResults) -> None:
    spreads = [one.spread("jitter") for one in found.cells]
    drawn = axes.bar(range(len(spreads)), [100 * _or_zero(one.mean) for one in spreads])
    texts = ["no number" if math.isnan(one.mean) else f"{100 * one.mean:.2f}" for one in spreads]
    axes.bar_label(drawn, texts, fontsize=7, padding=2)
    axes.set_xticks(range(len(spreads)), [literal(one.cell.name) for one in found.cells])
    _finish(axes, found.study.axis, "jitter of mAP")


def _finish(axes: Any, across: str, up: str) -> None:
    axes.set_xlabel(literal(across))
    axes.set_ylabel(up)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=7)


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value

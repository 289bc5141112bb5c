"""Several trackers as a figure: HOTA over its thresholds, MOTA against IDF1, identity switches."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remix_track.errors import InputError
from remix_track.eval.metrics.hota import ALPHAS
from remix_track.eval.metrics.score import Score, as_dict
from remix_track.eval.report.tables import shown
from remix_track.extras import extra
from remix_track.output_files import atomic_write
from remix_track.plot_text import literal

ENDINGS = (".png", ".pdf", ".svg")


def require(path: Path) -> None:
    """Refuse, before anything is counted, what cannot be drawn.

    Raises:
        InputError: another ending than those of `ENDINGS`, or no matplotlib.
    """
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"{path}: `plots` writes {', '.join(ENDINGS)}; give a name that ends so")
    extra("matplotlib.figure", "plots", "`plots`")


def draw(path: Path, scores: Mapping[str, Score]) -> None:
    """Write the figure; its ending says the format.

    Args:
        path: the file.
        scores: by what a tracker is called, over all sequences.
    """
    figure = extra("matplotlib.figure", "plots", "`plots`").Figure(figsize=(13, 4), layout="constrained")
    over_alpha, against, switches = figure.subplots(1, 3)
    names = [literal(shown(name)) for name in scores]
    _draw_over_alpha(over_alpha, dict(zip(names, scores.values(), strict=True)))
    numbers = [as_dict(score) for score in scores.values()]
    _draw_against(against, names, numbers)
    colours = [f"C{number % 10}" for number in range(len(names))]
    switches.barh(names[::-1], [one["IDsw"] for one in numbers][::-1], color=colours[::-1])
    switches.set_xlabel("identity switches")
    with atomic_write(path) as temporary:
        # Without the time of day the same scores make the same file.
        figure.savefig(temporary, dpi=150, metadata={"CreationDate": None} if path.suffix == ".pdf" else None)


def _draw_over_alpha(axes: Any, scores: Mapping[str, Score]) -> None:
    """HOTA in full lines, DetA and AssA behind it."""
    for number, (name, score) in enumerate(scores.items()):
        colour = f"C{number % 10}"
        mean = as_dict(score)["HOTA"]
        axes.plot(ALPHAS, 100 * score.hota.hota, color=colour, label=f"{name} ({mean:.1f})")
        axes.plot(ALPHAS, 100 * score.hota.deta, color=colour, linestyle="--", linewidth=0.8)
        axes.plot(ALPHAS, 100 * score.hota.assa, color=colour, linestyle=":", linewidth=0.8)
    axes.set_xlabel("alpha")
    axes.set_ylabel("HOTA (dashed DetA, dotted AssA)")
    axes.set_xlim(0, 1)
    axes.legend(fontsize=8)


def _draw_against(axes: Any, names: list[str], numbers: list[dict[str, float]]) -> None:
    for number, (name, one) in enumerate(zip(names, numbers, strict=True)):
        axes.scatter(one["MOTA"], one["IDF1"], color=f"C{number % 10}")
        axes.annotate(name, (one["MOTA"], one["IDF1"]), xytext=(4, 4), textcoords="offset points", fontsize=8)
    axes.margins(0.25)  # room for the names
    axes.set_xlabel("MOTA")
    axes.set_ylabel("IDF1")

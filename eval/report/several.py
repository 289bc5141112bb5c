"""Several trackers in one table, as papers print it: the best of a column in bold, the second underlined.

The numbers are those of COMBINED. What is best is decided by the digits that are shown, so that equal numbers look
equal.
"""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from remix_track.eval.metrics.bootstrap import Difference
from remix_track.eval.report.tables import SMALL_IS_GOOD, caption, format_value, grid, markdown_cell, shown
from remix_track.json_text import json_text

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDsw", "FP", "FN", "Frag")
Tables = Mapping[str, Mapping[str, Any]]
"""By what a tracker is called: its evaluation, as in `tables`."""
Differences = Mapping[str, Mapping[str, Difference]]
"""By tracker and metric: that tracker minus the first one."""
Mark = Callable[[str, int], str]
"""What is written for a cell of place 0 (best), 1 (second) or 2 (any other)."""


def places(tables: Tables, metric: str) -> dict[str, int]:
    """By tracker: 0 for the best, 1 for the second, 2 for all others; trackers of equal digits share a place.

    A column in which all are equal, or that has one tracker alone, has no best.
    """
    shown_values = {name: _rounded(metric, table["COMBINED"].get(metric, math.nan)) for name, table in tables.items()}
    order = sorted({value for value in shown_values.values() if math.isfinite(value)}, reverse=metric not in _SMALL)
    if len(order) < 2:
        return dict.fromkeys(tables, 2)
    return {name: order[:2].index(value) if value in order[:2] else 2 for name, value in shown_values.items()}


def to_table(tables: Tables, width: int = 120) -> "Table":
    """For a terminal of `width` columns; what does not fit is left out, and the caption says so."""
    from rich.text import Text

    cells = _cells(tables, lambda text, _: text)
    table, hidden = grid(["", *COLUMNS], cells, width)
    styles = ("bold", "underline", "")
    for name, row in zip(tables, cells, strict=True):
        marks = ["", *(styles[places(tables, metric)[name]] for metric in COLUMNS)]
        texts = [Text(cell, style) for cell, style in zip(row, marks, strict=True)]
        table.add_row(*texts[: len(table.columns)])
    table.caption = Text(_caption(tables) + (f"; no room for {', '.join(hidden)}" if hidden else ""))
    return table


def to_latex(tables: Tables) -> str:
    r"""A `tabular` for the package booktabs, with arrows that say where large is good.

    Put it into a `table`; `\usepackage{booktabs}` is all it needs.
    """
    arrows = [rf"{metric}$\{'down' if metric in _SMALL else 'up'}arrow$" for metric in COLUMNS]
    head = ["Tracker", *arrows]
    marks: Mark = lambda text, place: (rf"\textbf{{{text}}}", rf"\underline{{{text}}}", text)[place]  # noqa: E731
    rows = [[_latex(row[0]), *row[1:]] for row in _cells(tables, marks)]
    lines = [
        rf"% {_caption(tables)}",
        rf"\begin{{tabular}}{{l{'r' * len(COLUMNS)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def to_markdown(tables: Tables, differences: Differences) -> str:
    """The same in Markdown, with the differences from the first tracker below it."""
    marks: Mark = lambda text, place: (f"**{text}**", f"<u>{text}</u>", text)[place]  # noqa: E731
    rows = [[markdown_cell(row[0]), *row[1:]] for row in _cells(tables, marks)]
    rule = ["---", *["---:"] * len(COLUMNS)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in [["tracker", *COLUMNS], rule, *rows])
    said = "".join(f"- {markdown_cell(line)}\n" for line in difference_lines(tables, differences))
    return f"{table}\n{markdown_cell(_caption(tables))}\n" + (f"\n{said}" if said else "")


def to_csv(tables: Tables) -> str:
    """A line for each tracker and sequence, and one for COMBINED, with every number."""
    text = io.StringIO()
    metrics = list(next(iter(tables.values()))["COMBINED"])
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["tracker", "sequence", *metrics])
    for name, table in tables.items():
        for sequence, numbers in [*table["sequences"].items(), ("COMBINED", table["COMBINED"])]:
            values = [numbers.get(metric, math.nan) for metric in metrics]
            writer.writerow([name, sequence, *(value if math.isfinite(value) else "" for value in values)])
    return text.getvalue()


def to_dict(tables: Tables, differences: Differences) -> dict[str, Any]:
    """The evaluation of each tracker, and how they differ from the first."""
    found = {
        name: {metric: asdict(one) for metric, one in by_metric.items()} for name, by_metric in differences.items()
    }
    return {"trackers": dict(tables), "differences": found}


def to_json(tables: Tables, differences: Differences) -> str:
    """The same as JSON text; nan becomes null."""
    return json_text(to_dict(tables, differences), indent=2)


def difference_lines(tables: Tables, differences: Differences) -> list[str]:
    """A line for each tracker but the first: its differences from that one, with what the sequences leave open."""
    first = next(iter(tables))
    lines = []
    for name, by_metric in differences.items():
        parts = [
            f"{metric} {one.value:+.1f} ({one.low:+.1f} to {one.high:+.1f}){'' if one.sure else ' unsure'}"
            for metric, one in by_metric.items()
        ]
        if parts:
            lines.append(f"{shown(name)} minus {shown(first)}: {', '.join(parts)}")
    return lines


_SMALL = SMALL_IS_GOOD


def _cells(tables: Tables, mark: Mark) -> list[list[str]]:
    place = {metric: places(tables, metric) for metric in COLUMNS}
    return [
        [
            shown(name),
            *(
                mark(format_value(metric, table["COMBINED"].get(metric, math.nan)), place[metric][name])
                for metric in COLUMNS
            ),
        ]
        for name, table in tables.items()
    ]


def _rounded(metric: str, value: float) -> float:
    text = format_value(metric, value)
    return float(text) if text != "-" else math.nan


def _caption(tables: Tables) -> str:
    """How the first was scored, as all were, and on how many sequences."""
    first: Mapping[str, Any] = next(iter(tables.values()))
    count = len(first["sequences"])
    names: Sequence[str] = [shown(name) for name in first["sequences"]]
    which = f": {', '.join(names)}" if count <= 4 else ""
    return f"COMBINED of {count} sequence{'s' * (count != 1)}{which}; {caption(first)}"


def _latex(text: str) -> str:
    """A name with what LaTeX would act on escaped."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(char, f"\\{char}" if char in "&%$#_{}" else char) for char in text)

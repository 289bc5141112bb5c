"""An evaluation as a table in the terminal, JSON, CSV and Markdown; and the bar that CI holds it to.

An evaluation is the dict that `--json` writes; percentages are 0 to 100, a ratio without anything to divide by is nan:

    {"protocol": {"name": ..., "description": ..., ...},
     "sequences": {"MOT17-02-FRCNN": {"MOTA": 47.4, "IDF1": ..., "IDsw": ..., "HOTA": ..., ...}, ...},
     "detectors": {"FRCNN": {...}, ...},                # where sequences are named after public detectors
     "COMBINED": {...},
     "people": {"MOT17-02-FRCNN": {"7": 0.93, ...}}}    # see compare.people_tracked
"""

import csv
import difflib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.terminal_text import printable

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = (
    *("MOTA", "IDF1", "IDsw", "HOTA", "DetA", "AssA", "LocA", "MOTP", "IDP", "IDR"),
    *("FP", "FN", "MT", "PT", "ML", "Frag"),
)
COUNTS = frozenset(
    {"IDsw", "FP", "FN", "TP", "MT", "PT", "ML", "Frag", "IDTP", "IDFP", "IDFN"}
    | {"Dets", "GT_Dets", "IDs", "GT_IDs", "Frames"}
)
_MORE_RATIOS = ("DetRe", "DetPr", "AssRe", "AssPr", "Recall", "Precision")
SMALL_IS_GOOD = frozenset({"IDsw", "FP", "FN", "ML", "Frag", "IDFP", "IDFN"})
NEITHER = frozenset({"PT", "Dets", "GT_Dets", "IDs", "GT_IDs", "Frames"})
_LONGEST_NAME = 32
_GAP = 2  # one from the padding, one from the box


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a sequence, all sequences of a public detector, or all.

    Attributes:
        name: what the line is called.
        numbers: metric -> value.
        block: 0 for sequences, 1 for detectors, 2 for COMBINED.
    """

    name: str
    numbers: Mapping[str, float]
    block: int


def rows_of(evaluation: Mapping[str, Any]) -> list[Row]:
    """The lines of an evaluation's table: sequences, detectors, COMBINED last."""
    rows = [Row(shown(name), numbers, 0) for name, numbers in evaluation["sequences"].items()]
    detectors = evaluation.get("detectors") or {}
    rows += [Row(f"COMBINED {shown(name)}", numbers, 1) for name, numbers in detectors.items()]
    return [*rows, Row("COMBINED", evaluation["COMBINED"], 2)]


def shown(name: str) -> str:
    """A name from a file system or a file, short and without anything that could steer a terminal."""
    clean = "".join(char if char.isprintable() else "?" for char in name)
    return clean if len(clean) <= _LONGEST_NAME else clean[: _LONGEST_NAME - 1] + "…"


def format_value(metric: str, value: float, *, sign: bool = False) -> str:
    """A percentage with one decimal, a count without; "-" for nan. With `sign`, a difference: +1.2, 0.0, -3."""
    if not math.isfinite(value):
        return "-"
    digits = 0 if metric in COUNTS else 1
    text = f"{value:.{digits}f}" if not sign else f"{value:+.{digits}f}"
    return text.lstrip("+-") if not text.strip("+-0.") else text


def caption(evaluation: Mapping[str, Any]) -> str:
    """What was scored and how: protocol, benchmark, split."""
    protocol = evaluation.get("protocol") or {}
    parts = [f"protocol {protocol.get('name', 'unknown')}"]
    if protocol.get("description"):
        parts[0] += f" ({protocol['description']})"
    parts += [f"{key} {protocol[key]}" for key in ("benchmark", "split") if protocol.get(key)]
    return printable("; ".join(parts))


def to_table(evaluation: Mapping[str, Any], width: int = 120) -> "Table":
    """The table for a terminal of `width` columns; what does not fit is left out, and the caption says so."""
    from rich.text import Text

    rows = rows_of(evaluation)
    cells = [[row.name, *_cells(row.numbers, COLUMNS)] for row in rows]
    table, hidden = grid(["", *COLUMNS], cells, width)
    for number, row in enumerate(rows):
        last = number + 1 < len(rows) and rows[number + 1].block != row.block
        texts = [Text(cell) for cell in cells[number][: len(table.columns)]]
        table.add_row(*texts, end_section=last, style="bold" if row.block else None)
    table.caption = Text(caption(evaluation) + (f"; no room for {', '.join(hidden)}" if hidden else ""))
    return table


def grid(header: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> "tuple[Table, list[str]]":
    """A table without rows and as many columns as fit `width`, right-aligned but the first; and the names left out.

    Args:
        header: names of the columns.
        cells: the rows to come, for their widths.
        width: of the terminal, in characters.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    shown_columns = 1
    while shown_columns < len(header) and sum(widths[: shown_columns + 1]) + _GAP * shown_columns <= width:
        shown_columns += 1
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), caption_justify="left")
    for number, name in enumerate(header[:shown_columns]):
        table.add_column(Text(name), justify="right" if number else "left", no_wrap=True, overflow="ellipsis")
    return table, list(header[shown_columns:])


def _cells(numbers: Mapping[str, float], columns: Sequence[str]) -> list[str]:
    return [format_value(metric, numbers.get(metric, math.nan)) for metric in columns]


def to_markdown(evaluation: Mapping[str, Any]) -> str:
    """A Markdown table with one decimal, COMBINED in bold, the protocol below."""
    lines = []
    for row in rows_of(evaluation):
        cells = [markdown_cell(row.name), *_cells(row.numbers, COLUMNS)]
        lines.append([f"**{cell}**" for cell in cells] if row.block == 2 else cells)
    return markdown_table(["sequence", *COLUMNS], lines) + f"\n{markdown_cell(caption(evaluation))}\n"


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are right-aligned."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in [header, rule, *lines])


def markdown_cell(text: str) -> str:
    """Text with the characters escaped that Markdown or HTML would act on."""
    escaped = "".join("\\" + char if char in "\\`*_[]|#~" else char for char in printable(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;")


def to_csv(evaluation: Mapping[str, Any]) -> str:
    """One line per sequence, detector and COMBINED, every metric; percentages with five decimals, nan left empty."""
    rows = rows_of(evaluation)
    metrics = list(dict.fromkeys(metric for row in rows for metric in row.numbers))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["sequence", *metrics])
    for row in rows:
        writer.writerow([row.name, *(_csv_value(metric, row.numbers.get(metric, math.nan)) for metric in metrics)])
    return text.getvalue()


def _csv_value(metric: str, value: float) -> str:
    if not math.isfinite(value):
        return ""
    return str(int(value)) if metric in COUNTS else f"{value:.5f}"


def to_json(evaluation: Mapping[str, Any]) -> str:
    """The evaluation as JSON text; nan becomes null."""
    return json_text(evaluation, indent=2)


def parse_minimum(text: str) -> tuple[str, float]:
    """`"mota=60"` as `("MOTA", 60.0)`.

    Raises:
        InputError: not of that form, no such metric (the nearest is named), or one that is good when small.
    """
    name, equals, value = text.partition("=")
    try:
        bar = float(value)
    except ValueError:
        bar = math.nan
    if not equals or not math.isfinite(bar):
        raise InputError(f"`min` {text!r}: expected METRIC=NUMBER, as in `min` MOTA=60")
    return _metric_named(name.strip()), bar


def _metric_named(name: str) -> str:
    known = {metric.lower(): metric for metric in [*COLUMNS, *_MORE_RATIOS, *sorted(COUNTS)]}
    metric = known.get(name.lower())
    if metric is None:
        sensible = [metric for metric in known.values() if metric not in SMALL_IS_GOOD | NEITHER]
        near = max(sensible, key=lambda metric: difflib.SequenceMatcher(None, name.lower(), metric.lower()).ratio())
        raise InputError(f"`min` {shown(name)}: unknown metric; did you mean {near}?")
    if metric in SMALL_IS_GOOD or metric in NEITHER:
        raise InputError(f"`min` {metric}: a minimum makes no sense for {metric}; give MOTA, IDF1, HOTA ...")
    return metric


def check_minimums(minimums: Mapping[str, float], evaluation: Mapping[str, Any]) -> list[str]:
    """One sentence for each metric of COMBINED below its minimum; nan is below every minimum.

    Raises:
        InputError: a metric that the evaluation does not hold.
    """
    failures = []
    for metric, bar in minimums.items():
        if metric not in evaluation["COMBINED"]:
            raise InputError(f"`min` {metric}: this evaluation holds no {metric}; evaluate again to get it")
        value = evaluation["COMBINED"][metric]
        if not value >= bar:
            found = "not defined (nothing to divide by)" if math.isnan(value) else f"{value:.3f}"
            failures.append(f"COMBINED {metric} is {found}, below the minimum of {bar:g}")
    return failures

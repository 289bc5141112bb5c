"""Missed boxes by reason as a table in the terminal, and every one of them as a line of CSV."""

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.matching.lost_boxes import REASONS, LostBoxes
from remix_track.eval.matching.match import Match
from remix_track.eval.report.tables import grid, shown

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = (
    *("sequence", "frame", "person", "left", "top", "width", "height", "reason", "detection_score", "detection_iou"),
    *("result_id", "result_iou", "id_before", "frames_since", "id_after", "frames_until"),
)


def to_table(matches: Mapping[str, Match], lost: Mapping[str, LostBoxes], width: int = 120) -> "Table":
    """A line for each reason: boxes and percent of all truth boxes, then the boxes of each sequence, as far as fits."""
    from rich.text import Text

    lines = [(name, [found.counts()[name] for found in lost.values()]) for name in REASONS]
    sums = [
        ("missed", [len(found.row) for found in lost.values()]),
        ("beside a sure detection", [int(found.beside_sure.sum()) for found in lost.values()]),
        ("with its own", [int(found.with_own_sure.sum()) for found in lost.values()]),
        ("truth boxes", [len(matches[name].gt) for name in lost]),
    ]
    everything, several = sum(sums[-1][1]), len(lost) > 1
    cells = [
        [name, f"{sum(counts):,}", percent(sum(counts), everything), *(f"{count:,}" for count in counts if several)]
        for name, counts in [*lines, *sums]
    ]
    table, hidden = grid(["why missed", "boxes", "%", *(shown(name) for name in lost if several)], cells, width)
    for number, row in enumerate(cells):
        texts = [Text(cell) for cell in row[: len(table.columns)]]
        table.add_row(*texts, end_section=number + 1 == len(lines), style="bold" if number >= len(lines) else None)
    table.caption = Text(_caption(lost) + (f"; no room for {', '.join(hidden)}" if hidden else ""))
    return table


def percent(count: int, everything: int) -> str:
    """A share with one decimal; "-" of nothing."""
    return f"{100 * count / everything:.1f}" if everything else "-"


def _caption(lost: Mapping[str, LostBoxes]) -> str:
    sure = {found.sure for found in lost.values()}
    text = f"sure: a score of {', '.join(f'{value:g}' for value in sorted(sure))} at least"
    unknown = [shown(name) for name, found in lost.items() if not found.detections_known]
    return text + (f"; detections are not known of {', '.join(unknown)}" if unknown else "")


def beside(page: Path) -> Path:
    """Where the lines of CSV belong that go with an errors page: `errors.html` has `errors-missed.csv`."""
    return page.with_name(f"{page.stem}-missed.csv")


def to_csv(matches: Mapping[str, Match], lost: Mapping[str, LostBoxes]) -> str:
    """A line for each missed box, see `COLUMNS`; what there is not is left empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    names = list(REASONS)
    for sequence, found in lost.items():
        gt = matches[sequence].gt[found.row]
        columns = (
            gt.frame.tolist(),
            gt.id.tolist(),
            *(_numbers(gt.tlwh[:, side]) for side in range(4)),
            [names[number] for number in found.reason.tolist()],
            *map(_numbers, (found.detection_score, found.detection_iou)),
            _whole(found.result_id),
            _numbers(found.result_iou),
            *map(_whole, (found.id_before, found.since, found.id_after, found.until)),
        )
        writer.writerows([shown(sequence), *row] for row in zip(*columns, strict=True))
    return text.getvalue()


def _numbers(values: NDArray[np.float64]) -> list[str]:
    return ["" if math.isnan(value) else f"{value:.3f}".rstrip("0").rstrip(".") for value in values.tolist()]


def _whole(values: NDArray[np.int64]) -> list[str]:
    return ["" if value < 0 else str(value) for value in values.tolist()]

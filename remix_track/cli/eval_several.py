"""`remix-track eval --results A B C`: several trackers shown and written as one table."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from remix_track.cli.terminal import show, show_table
from remix_track.text_files import write_text

if TYPE_CHECKING:
    from remix_track.eval.evaluation import Evaluation


def show_several(evaluations: "Mapping[str, Evaluation]", arguments: argparse.Namespace, width: int) -> None:
    """Print the table and how sure its differences are; write what the flags of `eval` ask for."""
    from remix_track.eval.report import plots, several
    from remix_track.eval.several import compare_trackers

    compared = compare_trackers(evaluations)
    tables, differences = compared.tables, compared.differences
    show_table(several.to_table(tables, width), width)
    for line in several.difference_lines(tables, differences):
        show(line)
    if not differences:
        show("too few sequences to draw from: how sure the differences are is not said")
    for path, text in (
        (arguments.json, several.to_json(tables, differences)),
        (arguments.csv, several.to_csv(tables)),
        (arguments.markdown, several.to_markdown(tables, differences)),
        (arguments.latex, several.to_latex(tables)),
    ):
        if path is not None:
            write_text(path, text)
    if arguments.plots is not None:
        plots.draw(arguments.plots, compared.scores)

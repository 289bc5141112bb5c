"""What `remix-track eval` shows and writes: of one result, of several, of two beside each other."""

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.cli.eval_flags import benchmark_of, classes_of
from remix_track.cli.terminal import show, show_table
from remix_track.output_files import refuse_existing
from remix_track.setting_values import typed
from remix_track.text_files import write_text

if TYPE_CHECKING:
    from remix_track.eval.evaluation import Evaluation
    from remix_track.eval.files.result_files import Results
    from remix_track.eval.files.sequences import Found
    from remix_track.eval.matching.preprocess import Split


def refuse_reports(arguments: argparse.Namespace) -> None:
    """See before the work that no report replaces what is there, unless that was asked for."""
    from remix_track.eval.report import lost_boxes_table

    paths = [getattr(arguments, name) for name in ("json", "csv", "markdown", "latex", "plots", "errors")]
    beside = [] if arguments.errors is None else [lost_boxes_table.beside(arguments.errors)]
    refuse_existing(*paths, *beside, overwrite=arguments.overwrite)


def write_reports(arguments: argparse.Namespace, evaluation: "Evaluation", found: "Found", results: "Results") -> None:
    """Show the table, and write what the flags ask for."""
    from remix_track.eval.metrics.score import combine
    from remix_track.eval.report import tables as report
    from remix_track.eval.report.plots import draw
    from remix_track.eval.report.several import to_latex

    name = arguments.results[0].resolve().name if arguments.results else "remix-track"
    show_table(report.to_table(evaluation.tables, terminal_width()), terminal_width())
    for path, text in (
        (arguments.json, report.to_json),
        (arguments.csv, report.to_csv),
        (arguments.markdown, report.to_markdown),
        (arguments.latex, lambda tables: to_latex({name: tables})),
    ):
        if path is not None:
            write_text(path, text(evaluation.tables))
    if arguments.plots is not None:
        draw(arguments.plots, {name: combine(evaluation.scores.values())})
    if arguments.errors is not None:
        _write_errors_page(arguments, evaluation, found, results)
        _put_errors_onto_runs(evaluation, found, results, arguments.split)


def _write_errors_page(
    arguments: argparse.Namespace, evaluation: "Evaluation", found: "Found", results: "Results"
) -> None:
    from remix_track.benchmark_runs import images_of
    from remix_track.eval.evaluation import lost_by_sequence
    from remix_track.eval.report import errors_page, lost_boxes_table

    lost = lost_by_sequence(
        evaluation,
        found,
        results,
        arguments.detections,
        split=arguments.split,
        classes=classes_of(arguments, benchmark_of(arguments)[0], tracked=arguments.results is None),
        sure_score=float(typed(arguments.sure_score, float, "--sure-score")),
    )
    images = images_of(found, arguments.split)
    errors_page.write(arguments.errors, evaluation.tables, evaluation.matches, images, lost)
    write_text(lost_boxes_table.beside(arguments.errors), lost_boxes_table.to_csv(evaluation.matches, lost))
    show_table(lost_boxes_table.to_table(evaluation.matches, lost, terminal_width()), terminal_width())


def _put_errors_onto_runs(evaluation: "Evaluation", found: "Found", results: "Results", split: "Split") -> None:
    """Show the errors on the page of people too, where a result is a run's `tracks.txt` with one beside it."""
    from remix_track.eval.matching.preprocess import split_range
    from remix_track.eval.report.error_marks import error_marks
    from remix_track.viewer.page_errors import put_errors

    for sequence in found.sequences:
        text = results.files.get(sequence.name)
        page = None if text is None else text.with_name("people.html")
        if text is not None and page is not None and text.name == "tracks.txt" and page.is_file():
            skipped = split_range(split, sequence.frames)[0] - 1
            put_errors(page, error_marks(evaluation.matches[sequence.name], skipped))
            show(f"errors on the timeline of people: {page}")


def show_several(evaluations: "Mapping[str, Evaluation]", arguments: argparse.Namespace) -> None:
    """Print the table and how sure its differences are; write what the flags of `eval` ask for."""
    from remix_track.eval.report import plots, several
    from remix_track.eval.several import compare_trackers

    compared = compare_trackers(evaluations)
    tables, differences = compared.tables, compared.differences
    show_table(several.to_table(tables, terminal_width()), terminal_width())
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


def show_comparison(first: Mapping[str, Any], second: Mapping[str, Any], arguments: argparse.Namespace) -> None:
    """Print two results side by side; write the table where `--markdown` asks for it."""
    from remix_track.eval.report.compare import compare, to_markdown, to_rich

    comparison = compare(first, second, _labels(*arguments.compare))
    show_table(to_rich(comparison, terminal_width()), terminal_width())
    if arguments.markdown is not None:
        write_text(arguments.markdown, to_markdown(comparison))


def _labels(first: Path, second: Path) -> tuple[str, str]:
    names = [path.name or path.resolve().name for path in (first, second)]
    return (names[0], names[1]) if names[0] != names[1] else (str(first), str(second))


def terminal_width() -> int:
    """Columns; without a terminal nothing is cut off: pipes and logs have no edge."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 160

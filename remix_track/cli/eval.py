"""`remix-track eval --mot17`: run the tracker over a benchmark, or take results that exist, and score them."""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.cli.eval_flags import benchmark_of, classes_of, parser
from remix_track.cli.eval_reports import refuse_reports, show_comparison, show_several, write_reports
from remix_track.cli.flags_from_settings import collect_sections
from remix_track.cli.progress import ProgressLine
from remix_track.cli.terminal import begin, say
from remix_track.errors import InputError
from remix_track.setting_values import Limits, typed
from remix_track.trackers.settings import TrackSettings

if TYPE_CHECKING:
    from remix_track.eval.evaluation import Evaluation
    from remix_track.eval.files.result_files import Results
    from remix_track.eval.files.sequences import Found
    from remix_track.trackers.pipeline.benchmark_sequence import Done


def run(words: Sequence[str]) -> int:
    """Evaluate; 0, or 1 where a number is below its `--min` or `--verify` finds a difference."""
    arguments = parser().parse_args(words)

    from remix_track.eval.files.result_files import find_results
    from remix_track.eval.report.plots import require
    from remix_track.eval.report.tables import check_minimums, parse_minimum
    from remix_track.eval.several import names_of

    refuse_reports(arguments)
    minimums = dict(parse_minimum(text) for text in arguments.min)
    if arguments.compare:
        if minimums or arguments.errors or arguments.csv or arguments.json or arguments.verify:
            raise InputError("--compare goes with --markdown only; score one result at a time for the others")
        first, second = (_tables(arguments, path) for path in arguments.compare)
        show_comparison(first, second, arguments)
        return 0
    if arguments.plots is not None:
        require(arguments.plots)
    if arguments.results is not None and len(arguments.results) > 1:
        if minimums or arguments.errors or arguments.verify:
            raise InputError("--min, --errors and --verify are for one result; score one at a time for them")
        named, found = names_of(arguments.results), _find(arguments)
        evaluations = {
            name: _score(arguments, found, find_results(path, found.sequences)) for name, path in named.items()
        }
        show_several(evaluations, arguments)
        return 0
    evaluation, found, results = _evaluate(arguments, arguments.results[0] if arguments.results else None)
    write_reports(arguments, evaluation, found, results)
    failures = check_minimums(minimums, evaluation.tables)
    for failure in failures:
        say(f"remix-track: {failure}")
    differ = arguments.verify and _differs(arguments, evaluation)
    return 1 if failures or differ else 0


def _differs(arguments: argparse.Namespace, evaluation: "Evaluation") -> bool:
    """Recount with other programs and say what they found; whether anything differs."""
    from remix_track.eval.benchmarks import PROTOCOLS
    from remix_track.eval.verification.verify import verify

    found = verify(evaluation, benchmark_of(arguments)[0], PROTOCOLS[arguments.protocol])
    for difference in found.differences:
        say(f"remix-track: {difference}")
    for line in found.lines():
        say(line)
    return bool(found.differences)


def _evaluate(arguments: argparse.Namespace, results: Path | None) -> "tuple[Evaluation, Found, Results]":
    """Find the sequences, track them unless `results` are given, and score; what was found, and the result files."""
    from remix_track.eval.files.result_files import find_results

    tracked = results is None
    # Refused before anything is done.
    classes_of(arguments, benchmark_of(arguments)[0], tracked=tracked, quiet=arguments.quiet)
    found = _find(arguments)
    files = find_results(_track(arguments, found) if results is None else results, found.sequences)
    return _score(arguments, found, files, tracked=tracked), found, files


def _find(arguments: argparse.Namespace) -> "Found":
    """The sequences that are asked for."""
    from remix_track.eval.benchmarks import PROTOCOLS
    from remix_track.eval.files.sequences import choose_sequences, default_root, find_sequences

    rules, root = benchmark_of(arguments)
    found = choose_sequences(find_sequences(root or default_root(rules), rules), arguments.sequences)
    count = f"{len(found.sequences)} sequence{'s' * (len(found.sequences) != 1)}"
    _say(arguments, f"{rules.title}: {count} in {found.root}; protocol {PROTOCOLS[arguments.protocol].name}")
    for skipped in found.skipped:
        _say(arguments, f"skipped {skipped.folder}: {skipped.reason}")
    for sequence in found.sequences:
        if sequence.doubt is not None:
            say(f"remix-track: warning: {sequence.doubt}")
    return found


def _score(arguments: argparse.Namespace, found: "Found", files: "Results", *, tracked: bool = False) -> "Evaluation":
    """Score result files, and say what the doctor found in them."""
    from remix_track.eval.benchmarks import PROTOCOLS
    from remix_track.eval.evaluation import evaluate_files

    rules, _ = benchmark_of(arguments)
    evaluation = evaluate_files(
        found,
        files,
        rules,
        PROTOCOLS[arguments.protocol],
        split=arguments.split,
        allow_missing=arguments.allow_missing,
        classes=classes_of(arguments, rules, tracked=tracked),
        keep_rows=arguments.verify,
    )
    for issue in evaluation.issues:
        if issue.severity == "warning":
            say(f"remix-track: warning: {issue}")
        else:
            _say(arguments, f"note: {issue}")
    return evaluation


def _track(arguments: argparse.Namespace, found: "Found") -> Path:
    """Run the tracker over every sequence; the folder of the result files."""
    from remix_track.benchmark_runs import track_benchmark
    from remix_track.machine import cache_folder

    settings = collect_sections(arguments, TrackSettings)
    if arguments.jobs is not None:
        typed(arguments.jobs, int, "--jobs", Limits(low=1))

    def on_done(done: "Done") -> None:
        how = ", what was seen replayed" if done.replayed else ""
        _say(arguments, f"{done.name}: {done.frames} frames in {done.seconds:.1f} s{how}")

    with ProgressLine(quiet=arguments.quiet) as line:
        folder = track_benchmark(
            found,
            settings,
            split=arguments.split,
            own_classes=arguments.data is not None,
            cache=None if arguments.no_cache else (arguments.cache or cache_folder("perception")),
            output=arguments.output,
            overwrite=arguments.overwrite,
            at_once=arguments.jobs,
            on_progress=line,
            on_done=on_done,
            report=lambda text: say(f"remix-track: {text}"),
            begin=partial(begin, "remix-track"),
        )
    _say(arguments, f"results: {folder}")
    return folder


def _tables(arguments: argparse.Namespace, path: Path) -> Mapping[str, Any]:
    """The tables of an evaluation that `--json` saved, or of a folder of results, which is scored now."""
    from remix_track.eval.files import saved

    if path.is_dir():
        return _evaluate(arguments, path)[0].tables
    return saved.load(path)


def _say(arguments: argparse.Namespace, line: str) -> None:
    if not arguments.quiet:
        say(line)

"""`remix-track eval --mot17`: run the tracker over a benchmark, or take results that exist, and score them."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import mot_classes
from remix_track.cli.eval_several import show_several
from remix_track.cli.flags_from_settings import Parser, add_sections, collect_sections
from remix_track.cli.habits import EVAL
from remix_track.cli.progress import ProgressLine
from remix_track.cli.terminal import begin, say, show_table
from remix_track.errors import InputError
from remix_track.setting_values import Limits, typed
from remix_track.text_files import write_text
from remix_track.trackers.settings import TrackSettings

if TYPE_CHECKING:
    from remix_track.eval.benchmarks import Protocol, Rules
    from remix_track.eval.evaluation import Evaluation
    from remix_track.eval.files.result_files import Results
    from remix_track.eval.files.sequences import Found
    from remix_track.eval.files.sequences import Sequence as Video
    from remix_track.eval.matching.lost_boxes import LostBoxes
    from remix_track.eval.matching.preprocess import Split
    from remix_track.trackers.pipeline.benchmark_sequence import Done
    from remix_track.trackers.pipeline.benchmark_sequences import SequenceFiles

_PRESETS = ("mot15", "mot16", "mot17", "mot20", "dancetrack", "sportsmot")


def run(words: Sequence[str]) -> int:
    """Evaluate; 0, or 1 where a number is below its `--min` or `--verify` finds a difference."""
    arguments = _parser().parse_args(words)

    from remix_track.eval.files.result_files import find_results
    from remix_track.eval.report.plots import require
    from remix_track.eval.report.tables import check_minimums, parse_minimum
    from remix_track.eval.several import names_of

    minimums = dict(parse_minimum(text) for text in arguments.min)
    if arguments.compare:
        if minimums or arguments.errors or arguments.csv or arguments.json or arguments.verify:
            raise InputError("--compare goes with --markdown only; score one result at a time for the others")
        return _compare(arguments)
    if arguments.plots is not None:
        require(arguments.plots)
    if arguments.results is not None and len(arguments.results) > 1:
        if minimums or arguments.errors or arguments.verify:
            raise InputError("--min, --errors and --verify are for one result; score one at a time for them")
        named, found = names_of(arguments.results), _find(arguments)
        evaluations = {
            name: _score(arguments, found, find_results(path, found.sequences)) for name, path in named.items()
        }
        show_several(evaluations, arguments, _terminal_width())
        return 0
    evaluation, found, results = _evaluate(arguments, arguments.results[0] if arguments.results else None)
    _write(arguments, evaluation, found, results)
    failures = check_minimums(minimums, evaluation.tables)
    for failure in failures:
        say(f"remix-track: {failure}")
    differ = arguments.verify and _differs(arguments, evaluation)
    return 1 if failures or differ else 0


def _differs(arguments: argparse.Namespace, evaluation: "Evaluation") -> bool:
    """Recount with other programs and say what they found; whether anything differs."""
    from remix_track.eval.benchmarks import PROTOCOLS
    from remix_track.eval.verification.verify import verify

    found = verify(evaluation, _benchmark(arguments)[0], PROTOCOLS[arguments.protocol])
    for difference in found.differences:
        say(f"remix-track: {difference}")
    count = len(found.differences)
    outcome = f"{count} difference{'s' * (count != 1)}" if count else "no difference"
    where = f"{found.sequences} sequence{'s' * (found.sequences != 1)} and COMBINED"
    say(f"recounted by {' and '.join(found.tools)}: {where}, {len(found.counted)} numbers each, {outcome}")
    if found.left:
        say(f"not recounted: {', '.join(found.left)}; pip install 'remix-track[verify]' brings TrackEval, which can")
    return bool(found.differences)


def _evaluate(arguments: argparse.Namespace, results: Path | None) -> "tuple[Evaluation, Found, Results]":
    """Find the sequences, track them unless `results` are given, and score; what was found, and the result files."""
    from remix_track.eval.files.result_files import find_results

    tracked = results is None
    _classes(arguments, _benchmark(arguments)[0], tracked=tracked)  # refused before anything is done
    found = _find(arguments)
    files = find_results(_track(arguments, found) if results is None else results, found.sequences)
    return _score(arguments, found, files, tracked=tracked), found, files


def _find(arguments: argparse.Namespace) -> "Found":
    """The sequences that are asked for."""
    from remix_track.eval.benchmarks import PROTOCOLS
    from remix_track.eval.files.sequences import choose_sequences, default_root, find_sequences

    rules, root = _benchmark(arguments)
    found = choose_sequences(find_sequences(root or default_root(rules), rules), arguments.sequences)
    _say(arguments, _what_was_found(found, rules, PROTOCOLS[arguments.protocol]))
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

    rules, _ = _benchmark(arguments)
    evaluation = evaluate_files(
        found,
        files,
        rules,
        PROTOCOLS[arguments.protocol],
        split=arguments.split,
        allow_missing=arguments.allow_missing,
        classes=_classes(arguments, rules, tracked=tracked, quiet=True),
        keep_rows=arguments.verify,
    )
    for issue in evaluation.issues:
        if issue.severity == "warning":
            say(f"remix-track: warning: {issue}")
        else:
            _say(arguments, f"note: {issue}")
    return evaluation


def _benchmark(arguments: argparse.Namespace) -> "tuple[Rules, Path | None]":
    from remix_track.eval.benchmarks import PRESETS

    chosen = [name for name in (*_PRESETS, "data") if getattr(arguments, name) is not None]
    if len(chosen) != 1:
        options = ", ".join(f"--{name}" for name in (*_PRESETS, "data"))
        raise InputError(f"say which benchmark: one of {options}; your own MOT-format folder is --data ROOT")
    given = getattr(arguments, chosen[0])
    return PRESETS[chosen[0]], Path(given) if given else None


def _classes(arguments: argparse.Namespace, rules: "Rules", *, tracked: bool, quiet: bool = False) -> tuple[int, ...]:
    """The classes of own data that count: the numbers among `--classes`; names are for the detector.

    Raises:
        InputError: `--classes` where it would have no effect.
    """
    words = collect_sections(arguments, TrackSettings).detector.classes
    numbers = [word for word in words if word.isdecimal()]
    names = [word for word in words if not word.isdecimal()]
    if rules.name != "data":
        if words and not tracked:
            raise InputError(f"--classes {' '.join(words)}: {rules.title} says itself what counts; use it with --data")
        return ()
    if names and not tracked:
        raise InputError(f"--classes {' '.join(names)}: give numbers of column 8 of the ground truth, such as 1")
    if numbers and tracked and not names and not quiet:
        _say(
            arguments, f"note: --classes {' '.join(numbers)} are those of the files; names choose what a network finds"
        )
    return mot_classes.numbers_of(numbers, "--classes")


def _what_was_found(found: "Found", rules: "Rules", protocol: "Protocol") -> str:
    count = len(found.sequences)
    return f"{rules.title}: {count} sequence{'s' * (count != 1)} in {found.root}; protocol {protocol.name}"


def _track(arguments: argparse.Namespace, found: "Found") -> Path:
    """Run the tracker over every sequence; the folder of the result files."""
    from remix_track.machine import cache_folder
    from remix_track.trackers.pipeline.benchmark_sequences import plan, track_sequences

    settings = collect_sections(arguments, TrackSettings)
    if arguments.jobs is not None:
        typed(arguments.jobs, int, "--jobs", Limits(low=1))
    cache = None if arguments.no_cache else (arguments.cache or cache_folder("perception"))
    own = arguments.data is not None
    # Every sequence is looked through before a folder is made: nothing is left behind by a wrong call.
    jobs = [plan(_files(one, arguments.split), settings, cache, own_classes=own) for one in found.sequences]

    def on_done(done: "Done") -> None:
        how = ", what was seen replayed" if done.replayed else ""
        _say(arguments, f"{done.name}: {done.frames} frames in {done.seconds:.1f} s{how}")

    with ProgressLine(quiet=arguments.quiet) as line:
        folder = track_sequences(
            jobs,
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


def _files(sequence: "Video", split: "Split") -> "SequenceFiles":
    from remix_track.eval.matching.preprocess import split_range
    from remix_track.trackers.pipeline.benchmark_sequences import SequenceFiles

    first, last = split_range(split, sequence.frames)
    images, public = sequence.pictures or sequence.video, sequence.detector is not None
    return SequenceFiles(
        sequence.name, sequence.folder, sequence.info, images, sequence.detections, first, last, public
    )


def _write(arguments: argparse.Namespace, evaluation: "Evaluation", found: "Found", results: "Results") -> None:
    from remix_track.eval.metrics.score import combine
    from remix_track.eval.report import tables as report
    from remix_track.eval.report.plots import draw
    from remix_track.eval.report.several import to_latex

    name = arguments.results[0].resolve().name if arguments.results else "remix-track"
    show_table(report.to_table(evaluation.tables, _terminal_width()), _terminal_width())
    for path, text in (
        (arguments.json, report.to_json),
        (arguments.csv, report.to_csv),
        (arguments.markdown, report.to_markdown),
        (arguments.latex, lambda tables: to_latex({name: tables})),
    ):
        if path is not None:
            _save(path, text(evaluation.tables))
    if arguments.plots is not None:
        draw(arguments.plots, {name: combine(evaluation.scores.values())})
    if arguments.errors is not None:
        _write_errors_page(arguments, evaluation, found, results)


def _write_errors_page(
    arguments: argparse.Namespace, evaluation: "Evaluation", found: "Found", results: "Results"
) -> None:
    from remix_track.eval.matching.preprocess import split_range
    from remix_track.eval.report import errors_page, lost_boxes_table
    from remix_track.trackers.pipeline.benchmark_images import Pictures

    places = {sequence.name: sequence.pictures or sequence.video for sequence in found.sequences}
    skipped = {sequence.name: split_range(arguments.split, sequence.frames)[0] - 1 for sequence in found.sequences}
    pictures = Pictures(places, skipped) if any(places.values()) else None
    lost = _lost_boxes(arguments, evaluation, found, results)
    errors_page.write(arguments.errors, evaluation.tables, evaluation.matches, pictures, lost)
    _save(lost_boxes_table.beside(arguments.errors), lost_boxes_table.to_csv(evaluation.matches, lost))
    width = _terminal_width()
    show_table(lost_boxes_table.to_table(evaluation.matches, lost, width), width)


def _lost_boxes(
    arguments: argparse.Namespace, evaluation: "Evaluation", found: "Found", results: "Results"
) -> "dict[str, LostBoxes]":
    """Why people were missed, by sequence."""
    from remix_track.eval.files.detection_files import find_detections, read_detections
    from remix_track.eval.matching.lost_boxes import lost_boxes

    sure = float(typed(arguments.sure_score, float, "--sure-score"))
    files = find_detections(arguments.detections, results.folder, found.sequences)
    words = collect_sections(arguments, TrackSettings).detector.classes if arguments.data is not None else ()
    classes = mot_classes.numbers_of([word for word in words if word.isdecimal()], "--classes")
    made = {}
    for one in found.sequences:
        path = files.get(one.name)
        detections = None if path is None else read_detections(path, one.frames, arguments.split, classes)
        made[one.name] = lost_boxes(evaluation.matches[one.name], detections, sure)
    return made


def _compare(arguments: argparse.Namespace) -> int:
    from remix_track.eval.report.compare import compare, to_markdown, to_rich

    first, second = (_either(arguments, path) for path in arguments.compare)
    labels = _labels(*arguments.compare)
    comparison = compare(first, second, labels)
    show_table(to_rich(comparison, _terminal_width()), _terminal_width())
    if arguments.markdown is not None:
        _save(arguments.markdown, to_markdown(comparison))
    return 0


def _either(arguments: argparse.Namespace, path: Path) -> Mapping[str, Any]:
    """The tables of an evaluation that `--json` saved, or of a folder of results, which is scored now."""
    from remix_track.eval.files import saved

    if path.is_dir():
        return _evaluate(arguments, path)[0].tables
    return saved.load(path)


def _labels(first: Path, second: Path) -> tuple[str, str]:
    names = [path.name or path.resolve().name for path in (first, second)]
    return (names[0], names[1]) if names[0] != names[1] else (str(first), str(second))


def _save(path: Path, text: str) -> None:
    write_text(path, text)


def _say(arguments: argparse.Namespace, line: str) -> None:
    if not arguments.quiet:
        say(line)


def _terminal_width() -> int:
    import shutil

    # Without a terminal nothing is cut off: pipes and logs have no edge.
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 160


def _parser() -> argparse.ArgumentParser:
    from remix_track.eval.benchmarks import PROTOCOLS

    usage = "remix-track eval --BENCHMARK [ROOT] [options]"
    parser = Parser(prog="remix-track eval", description=__doc__, usage=usage, habits=EVAL)
    which = parser.add_argument_group("benchmark (one of these)")
    for name in _PRESETS:
        which.add_argument(f"--{name}", nargs="?", const="", metavar="ROOT", help="the download, or one sequence of it")
    which.add_argument("--data", metavar="ROOT", help="your own folder: ROOT/SEQUENCE/gt/gt.txt")
    add = parser.add_argument
    add(
        "--results", type=Path, nargs="+", metavar="DIR",
        help="score DIR/SEQUENCE.txt of any tracker instead of running ours; several: one table of all",
    )  # fmt: skip
    add("--sequences", nargs="+", default=[], metavar="NAME", help="these alone: names, MOT17-02, or globs")
    add(
        "--compare", type=Path, nargs=2, metavar=("A", "B"), help="two result folders or two --json files, side by side"
    )
    add(
        "--protocol",
        choices=list(PROTOCOLS),
        default="devkit",
        help="how to match and what to remove (default: devkit)",
    )
    add("--split", choices=("all", "val-half", "train-half"), default="all", help="which frames (default: all)")
    add("--allow-missing", action="store_true", help="score a missing result file as no detections")
    add("--json", type=Path, metavar="FILE", help="write every number as JSON")
    add("--csv", type=Path, metavar="FILE", help="write every number as CSV")
    add("--markdown", type=Path, metavar="FILE", help="write the table as Markdown")
    add("--latex", type=Path, metavar="FILE.tex", help="write a LaTeX table: best in bold, second underlined")
    add("--plots", type=Path, metavar="FILE.pdf", help="draw HOTA over alpha, MOTA against IDF1, switches (png, svg)")
    add("--errors", type=Path, metavar="FILE.html", help="write a page that shows switches, misses and false alarms")
    add("--detections", type=Path, metavar="DIR", help="--errors: DIR/SEQUENCE.txt, what the tracker was given")
    add("--sure-score", type=float, default=0.5, metavar="X", help="--errors: score of a sure detection (default: 0.5)")
    add("--min", action="append", default=[], metavar="MOTA=60", help="exit 1 if COMBINED is below; may be repeated")
    add("--verify", action="store_true", help="count again with motmetrics (and TrackEval); exit 1 where they differ")
    add("--output", type=Path, metavar="DIR", help="folder for our result files (default: runs/eval, numbered)")
    add("--overwrite", action="store_true", help="replace an earlier result in --output")
    add("--cache", type=Path, metavar="DIR", help="where detections and embeddings are kept for the next run")
    add("--no-cache", action="store_true", help="detect and embed anew, keep nothing")
    add("--jobs", type=int, metavar="N", help="sequences tracked at once (default: one per core)")
    add("--quiet", action="store_true", help="only the table, warnings and errors")
    # What is scored is neither drawn nor cut out, and none of it is a camera.
    add_sections(parser, TrackSettings, skip={"drawing", "crops", "stream"})
    parser.hide("--allow-missing", "--csv", "--markdown", "--min", "--verify", "--protocol", "--cache")
    parser.hide("--no-cache", "--latex", "--plots")
    return parser

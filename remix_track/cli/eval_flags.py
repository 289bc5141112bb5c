"""The flags of `remix-track eval`, and what they ask for together."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track import mot_classes
from remix_track.cli.flags_from_settings import Parser, add_sections, collect_sections
from remix_track.cli.habits import EVAL
from remix_track.cli.terminal import say
from remix_track.errors import InputError
from remix_track.trackers.settings import TrackSettings

if TYPE_CHECKING:
    from remix_track.eval.benchmarks import Rules

_WHAT = "`remix-track eval --mot17`: run the tracker over a benchmark, or take results that exist, and score them."


def parser() -> Parser:
    """The flags of `remix-track eval`."""
    from remix_track.eval.benchmarks import PRESETS, PROTOCOLS

    usage = "remix-track eval --BENCHMARK [ROOT] [options]"
    made = Parser(prog="remix-track eval", description=_WHAT, usage=usage, habits=EVAL)
    which = made.add_argument_group("benchmark (one of these)")
    for name in [name for name in PRESETS if name != "data"]:
        which.add_argument(f"--{name}", nargs="?", const="", metavar="ROOT", help="the download, or one sequence of it")
    which.add_argument("--data", metavar="ROOT", help="your own folder: ROOT/SEQUENCE/gt/gt.txt")
    add = made.add_argument
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
    add("--overwrite", action="store_true", help="replace an earlier result in --output, and reports that are there")
    add("--cache", type=Path, metavar="DIR", help="where detections and embeddings are kept for the next run")
    add("--no-cache", action="store_true", help="detect and embed anew, keep nothing")
    add("--jobs", type=int, metavar="N", help="sequences tracked at once (default: one per core)")
    add("--quiet", action="store_true", help="only the table, warnings and errors")
    # What is scored is neither drawn nor cut out, and none of it is a camera.
    add_sections(made, TrackSettings, skip={"drawing", "crops", "stream"})
    made.hide("--allow-missing", "--csv", "--markdown", "--min", "--verify", "--protocol", "--cache")
    made.hide("--no-cache", "--latex", "--plots")
    return made


def benchmark_of(arguments: argparse.Namespace) -> "tuple[Rules, Path | None]":
    """The benchmark that is asked for, and its folder where one is named."""
    from remix_track.eval.benchmarks import PRESETS

    chosen = [name for name in PRESETS if getattr(arguments, name) is not None]
    if len(chosen) != 1:
        options = ", ".join(f"--{name}" for name in PRESETS)
        raise InputError(f"say which benchmark: one of {options}; your own MOT-format folder is --data ROOT")
    given = getattr(arguments, chosen[0])
    return PRESETS[chosen[0]], Path(given) if given else None


def classes_of(arguments: argparse.Namespace, rules: "Rules", *, tracked: bool, quiet: bool = True) -> tuple[int, ...]:
    """The classes of own data that count: the numbers among `--classes`; names are for the detector.

    Unless `quiet`, it is said which of them those are of results that are `tracked` now.

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
        say(f"note: --classes {' '.join(numbers)} are those of the files; names choose what a network finds")
    return mot_classes.numbers_of(numbers, "--classes")

"""What Python users call: `evaluate` for the results of a tracker, `score_sequence` for one sequence."""

import logging
from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from remix_track import mot_text
from remix_track.errors import InputError
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.evaluation import Evaluation, evaluate_files
from remix_track.eval.files.result_files import find_results
from remix_track.eval.files.sequences import choose_sequences, default_root, find_sequences
from remix_track.eval.matching.preprocess import Split
from remix_track.eval.metrics import score
from remix_track.eval.report.several import to_dict
from remix_track.eval.several import compare_trackers, names_of
from remix_track.mot_text import MotRows
from remix_track.setting_values import nearest

logger = logging.getLogger(__name__)

Chosen = TypeVar("Chosen")


def evaluate(
    root: str | PathLike[str] | None,
    results: str | PathLike[str] | Sequence[str | PathLike[str]] | Mapping[str, str | PathLike[str]],
    *,
    benchmark: str = "data",
    sequences: Collection[str] = (),
    protocol: str = "devkit",
    split: Split = "all",
    allow_missing: bool = False,
    classes: Collection[int] = (),
) -> dict[str, Any]:
    """Score the result files of a tracker, or of several, against a benchmark, as `remix-track eval` does.

        scores = remix_track.eval.evaluate("MOT17", "results", benchmark="mot17")
        print(scores["COMBINED"]["MOTA"], scores["COMBINED"]["HOTA"], list(scores["sequences"]))

        several = remix_track.eval.evaluate("MOT17", ["results/a", "results/b"], benchmark="mot17")
        print(several["trackers"]["b"]["COMBINED"]["HOTA"], several["differences"])

    Args:
        root: folder of the sequences with their ground truth, or one of them; None: where the command looks.
        results: folder of `SEQUENCE.txt`, in MOT text. Several: a list of such folders, or what each tracker is to be
            called and its folder.
        benchmark: whose rules: `mot15`, `mot16`, `mot17`, `mot20`, `dancetrack`, `sportsmot`, or `data` for own data.
        sequences: names or globs of those to score; empty: all of them.
        protocol: how to match and what to remove: `devkit`, `motmetrics` or `raw`.
        split: which frames of each sequence.
        allow_missing: score a missing file as no detections.
        classes: own data: the numbers in column 8 that count; empty: all of them.

    Returns:
        What `--json` writes: `protocol`, `sequences` and `COMBINED` with every number by its name (percentages 0 to
        100), `detectors` where several public ones are among the sequences, and `people`. Of several trackers,
        `trackers` has that by their names, and `differences` for each but the first how far it is from the first by
        metric: `value`, and `low` and `high` of a 95 % interval from sequences drawn again (bootstrap), where there
        are three sequences or more. Doubts about the files go to the log.

    Raises:
        InputError: an unknown benchmark or protocol, nothing to score, or files that cannot be scored; it names every
            fault.
    """
    rules, how = _chosen(PRESETS, benchmark, "benchmark"), _chosen(PROTOCOLS, protocol, "protocol")
    if classes and rules.name != "data":
        raise InputError(f"`classes`: {rules.title} says itself what counts; use it with `benchmark` data")
    found = find_sequences(default_root(rules) if root is None else Path(root), rules)
    found = choose_sequences(found, sequences)
    for sequence in found.sequences:
        if sequence.doubt is not None:
            logger.warning("%s", sequence.doubt)

    def evaluation_of(folder: Path) -> Evaluation:
        files = find_results(folder, found.sequences)
        made = evaluate_files(
            found, files, rules, how, split=split, allow_missing=allow_missing, classes=classes
        )  # fmt: skip
        for issue in made.issues:
            logger.log(logging.WARNING if issue.severity == "warning" else logging.INFO, "%s", issue)
        return made

    if isinstance(results, str | PathLike):
        return evaluation_of(Path(results)).tables
    named = results if isinstance(results, Mapping) else names_of([Path(folder) for folder in results])
    if not named:
        raise InputError("`results` names no folder; give one for each tracker")
    several = compare_trackers({name: evaluation_of(Path(folder)) for name, folder in named.items()})
    return to_dict(several.tables, several.differences)


def score_sequence(
    truth: str | PathLike[str] | MotRows,
    results: str | PathLike[str] | MotRows,
    *,
    benchmark: str = "data",
    protocol: str = "devkit",
    frames: int | None = None,
) -> dict[str, float | int]:
    """Score one sequence.

        score = remix_track.eval.score_sequence("MOT17/MOT17-02-FRCNN/gt/gt.txt", "results/MOT17-02-FRCNN.txt")
        print(score["MOTA"], score["IDF1"], score["IDsw"])

    Args:
        truth: ground truth: a file in MOT text, or its rows.
        results: likewise.
        benchmark: whose rules, as for `evaluate`.
        protocol: as for `evaluate`.
        frames: number of frames of the sequence; None: up to the last one in either.

    Returns:
        Every number by its name; percentages 0 to 100, nan for a ratio without anything to divide by.

    Raises:
        InputError: an unknown benchmark or protocol, a file that cannot be read or is not in order, or a frame beyond
            the last.
    """
    rules, how = _chosen(PRESETS, benchmark, "benchmark"), _chosen(PROTOCOLS, protocol, "protocol")
    gt, found = _rows(truth), _rows(results)
    last = frames or max(int(rows.frame.max(initial=0)) for rows in (gt, found))
    return score.as_dict(score.score_sequence(gt, found, rules, how, last).score)


def _rows(given: str | PathLike[str] | MotRows) -> MotRows:
    return given if isinstance(given, MotRows) else mot_text.read(Path(given))


def _chosen(known: Mapping[str, Chosen], name: str, what: str) -> Chosen:
    if name not in known:
        near = nearest(str(name), known)
        raise InputError(f"`{what}` {name!r} is not known; did you mean {near!r}? It is one of {', '.join(known)}")
    return known[name]

"""From folders to an evaluation: examine every file, score every sequence, add up."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from remix_track import mot_text
from remix_track.errors import InputError
from remix_track.eval.benchmarks import Protocol, Rules
from remix_track.eval.files.detection_files import find_detections, read_detections
from remix_track.eval.files.result_files import Results
from remix_track.eval.files.sequences import Found, Sequence
from remix_track.eval.files.validation import Issue, Validation, raise_errors, validate_results, validate_truth
from remix_track.eval.matching.lost_boxes import LostBoxes, lost_boxes
from remix_track.eval.matching.match import Match
from remix_track.eval.matching.preprocess import Split, split_range, split_rows
from remix_track.eval.metrics.score import Score, as_dict, combine, combine_by_detector, score_sequence
from remix_track.eval.report.compare import people_tracked
from remix_track.mot_classes import described
from remix_track.mot_text import MotRows
from remix_track.renamed_settings import current_value
from remix_track.setting_values import typed


class SequenceRows(NamedTuple):
    """What the files of a sequence hold of the frames and classes that were asked for, numbered from 1."""

    gt: MotRows
    results: MotRows
    frames: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        tables: protocol, sequences, detectors, COMBINED and people, ready for `report`, `compare` and JSON;
            percentages 0 to 100.
        issues: what the doctor has to say; errors are raised, so these are warnings and notes.
        matches: the matching of each sequence, for the page of errors.
        scores: of each sequence, which add up.
        rows: what each sequence was scored from, where it was to be kept.
    """

    tables: dict[str, Any]
    issues: tuple[Issue, ...]
    matches: Mapping[str, Match] = field(repr=False)
    scores: Mapping[str, Score] = field(repr=False)
    rows: Mapping[str, SequenceRows] = field(default_factory=dict, repr=False)


def evaluate_files(
    found: Found,
    results: Results,
    rules: Rules,
    protocol: Protocol,
    *,
    split: Split = "all",
    allow_missing: bool = False,
    classes: Collection[int] = (),
    keep_rows: bool = False,
) -> Evaluation:
    """Score the results files of one tracker.

    All files are examined before anything is scored, so that one run names every fault.

    Args:
        found: the sequences.
        results: the files.
        rules: of the benchmark.
        protocol: how to match and what to remove.
        split: which part of each sequence. Results may be numbered as the whole sequence is, or, where every frame
            number fits into the part, from 1 within the part; a note says so.
        allow_missing: score a missing file as no detections.
        classes: own data: those in column 8 that count, in ground truth and in results that state classes; empty:
            all of them.
        keep_rows: keep `rows`, from which another program can count again.

    Raises:
        InputError: a line for each fault that keeps a file from being scored; no ground truth that counts; results of
            other classes alone.
    """
    split = typed(current_value("split", split, "evaluate()"), Split, "split")
    issues: list[Issue] = []
    read = {
        sequence.name: _examine(sequence, results, rules, protocol, allow_missing, classes)
        for sequence in found.sequences
    }
    for truth, result in read.values():
        issues += [*truth.issues, *result.issues]
    raise_errors(issues)
    if classes and not any(len(result.rows) for _, result in read.values()):
        _refuse_other_classes(results, classes)
    scores: dict[str, Score] = {}
    matches: dict[str, Match] = {}
    kept: dict[str, SequenceRows] = {}
    for sequence in found.sequences:
        truth, result = read.pop(sequence.name)
        first, last = split_range(split, sequence.frames)
        rows = result.rows
        if split == "val-half" and len(rows) and rows.frame.max() <= last - first + 1:
            path = results.files[sequence.name]
            issues.append(
                Issue("note", path, None, f"no frame beyond {last - first + 1}", "read as numbered from 1 in the half")
            )
        else:
            rows = split_rows(rows, split, sequence.frames)
        gt = split_rows(truth.rows, split, sequence.frames)
        try:
            scored = score_sequence(gt, rows, rules, protocol, last - first + 1)
        except InputError as error:
            raise InputError(f"{sequence.folder}: {error}") from None
        scores[sequence.name], matches[sequence.name] = scored.score, scored.match
        if keep_rows:
            kept[sequence.name] = SequenceRows(gt, rows, last - first + 1)
    if not any(score.counts.gt_dets for score in scores.values()):
        raise InputError(f"{found.root}: nothing to score against: {_what_counts(rules, protocol, split, classes)}")
    return Evaluation(_tables(scores, matches, rules, protocol, split, classes), tuple(issues), matches, scores, kept)


def _what_counts(rules: Rules, protocol: Protocol, split: Split, classes: Collection[int]) -> str:
    """Why not one row of ground truth is left."""
    person = rules.person_class if protocol.remove_distractors else None
    wanted = sorted(classes) or ([] if person is None else [person])
    of_class = f" and class {' or '.join(map(str, wanted))} in column 8" if wanted else ""
    where = "" if split == "all" else f" in the frames of {split}"
    return f"no row of gt.txt{where} has a flag other than 0 in column 7{of_class}; correct it, or choose another"


def _refuse_other_classes(results: Results, classes: Collection[int]) -> None:
    """A tracker that found none of these classes is one thing, results that number classes in another way another."""
    for path in results.files.values():
        if path.is_file() and (held := described(mot_text.examine(path)[0])):
            wanted = ", ".join(map(str, sorted(classes)))
            raise InputError(
                f"{path}: no row of class {wanted}, here or in the other results; column 8 holds {held}; "
                "write the classes as the ground truth does, or -1"
            )


def _examine(
    sequence: Sequence,
    results: Results,
    rules: Rules,
    protocol: Protocol,
    allow_missing: bool,
    classes: Collection[int],
) -> tuple[Validation, Validation]:
    info = sequence.info
    size = {"frames": sequence.frames, "width": info.width, "height": info.height}
    known, chosen = rules.classes if protocol.remove_distractors else (), classes if rules.name == "data" else None
    truth = validate_truth(sequence.gt, **size, classes=known, chosen=chosen)
    path = results.files.get(sequence.name, results.folder / f"{sequence.name}.txt")
    return truth, validate_results(path, **size, truth=truth.rows, allow_missing=allow_missing, chosen=classes)


def _tables(
    scores: Mapping[str, Score],
    matches: Mapping[str, Match],
    rules: Rules,
    protocol: Protocol,
    split: Split,
    classes: Collection[int],
) -> dict[str, Any]:
    by_detector = combine_by_detector(scores)
    return {
        "protocol": {
            "name": protocol.name,
            "description": _description(rules, protocol, classes),
            "benchmark": rules.title,
            "split": split,
            "iou_threshold": 0.5,
        },
        "sequences": {name: as_dict(score) for name, score in scores.items()},
        # One detector only: its line would repeat COMBINED.
        "detectors": {name: as_dict(score) for name, score in by_detector.items()} if len(by_detector) > 1 else {},
        "COMBINED": as_dict(combine(scores.values())),
        "people": {name: people_tracked(match) for name, match in matches.items()},
    }


def _description(rules: Rules, protocol: Protocol, classes: Collection[int]) -> str:
    """What the caption says of the protocol; nothing is removed where a benchmark has no distractors."""
    text = protocol.description
    if protocol.remove_distractors and not rules.distractors:
        text = f"{text.partition(';')[0]}; {rules.title} has no distractor classes"
    return f"{text}; class {', '.join(map(str, sorted(classes)))} alone" if classes else text


def lost_by_sequence(
    evaluation: Evaluation,
    found: Found,
    results: Results,
    detections: Path | None = None,
    *,
    split: Split = "all",
    classes: Collection[int] = (),
    sure_score: float = 0.5,
) -> dict[str, LostBoxes]:
    """Why people were missed, by sequence.

    Args:
        evaluation: of the results.
        found: the sequences.
        results: their files.
        detections: folder of what the tracker was given; None: beside the results, where it is.
        split: which frames were scored.
        classes: of own data, which were scored.
        sure_score: least score of a detection that should not be lost.
    """
    files = find_detections(detections, results.folder, found.sequences)
    lost = {}
    for one in found.sequences:
        path = files.get(one.name)
        given = None if path is None else read_detections(path, one.frames, split, tuple(classes))
        lost[one.name] = lost_boxes(evaluation.matches[one.name], given, sure_score)
    return lost

"""What ground truth says of a run, and what the input doctor says of both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remix_track.errors import InputError
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS, Rules
from remix_track.eval.evaluation import evaluate_files
from remix_track.eval.files.result_files import Results
from remix_track.eval.files.sequences import Found, Sequence, find_sequences
from remix_track.eval.files.validation import Issue, validate_results, validate_truth
from remix_track.mot_sequence import SequenceInfo
from remix_track.run_files import files_at
from remix_track.trackers.pipeline.recorded_run import RecordedRun

METRICS = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDsw", "Frag", "FP", "FN", "MT", "ML")
"""What is shown of a score, in this order."""
LOW_IS_GOOD = frozenset(("IDsw", "Frag", "FP", "FN", "ML"))


@dataclass(frozen=True, slots=True)
class Scored:
    """A run against its truth.

    Attributes:
        numbers: by name; percentages 0 to 100.
        switches: frame of the run's source, person of the truth, old id and new id of each identity switch.
        protocol: how it was counted, in a line.
        problem: why it could not be scored; empty where it could.
    """

    numbers: dict[str, Any]
    switches: tuple[tuple[int, int, int, int], ...]
    protocol: str
    problem: str = ""


def truth_of(gt: Path, run: RecordedRun) -> Sequence:
    """The sequence of ground truth that a run is of.

    Args:
        gt: a file of MOT text; or a folder of sequences, of which the one that is called as the run's folder or its
            source is taken, or the only one.
        run: the run.

    Raises:
        InputError: nothing fits.
    """
    if gt.is_file():
        return _of_file(gt, run)
    found = find_sequences(gt, PRESETS["data"]).sequences
    source = Path(run.source or "")
    names = {run.folder.resolve().name, source.name, source.stem, source.parent.name}
    fitting = [one for one in found if one.name in names] or (found if len(found) == 1 else ())
    if not fitting:
        raise InputError(
            f"{gt}: none of its {len(found)} sequences is called as the run {run.folder.name}; give the gt.txt itself"
        )
    return fitting[0]


def rules_of(truth: Sequence) -> Rules:
    """Those of the benchmark that the sequence's name begins with, else those of own data."""
    named = [one for one in PRESETS.values() if one.prefix and truth.name.startswith(one.prefix)]
    return named[0] if named else PRESETS["data"]


def issues_of(run: RecordedRun, truth: Sequence | None = None) -> list[Issue]:
    """What the doctor says of each file of a run and of its ground truth; errors first, then warnings, then notes."""
    info = truth.info if truth else None
    width, height = run.size or ((info.width, info.height) if info else (None, None))
    issues: list[Issue] = []
    rows = None
    if truth is not None and info is not None:
        rules = rules_of(truth)
        size = {"frames": truth.frames, "width": info.width or width, "height": info.height or height}
        examined = validate_truth(truth.gt, **size, classes=rules.classes, chosen=() if rules.name == "data" else None)
        issues, rows = [*examined.issues], examined.rows
    frames = None if run.frames is None else run.first + run.stride * (run.frames - 1)
    for path in files_at(run.folder, "tracks.txt", "give the folder of a run"):
        found = validate_results(path, frames=frames, width=width, height=height, truth=rows)
        issues += found.issues
    order = ("error", "warning", "note")
    return sorted(issues, key=lambda issue: order.index(issue.severity))


def score_of(run: RecordedRun, truth: Sequence) -> Scored:
    """Score a run as `remix-track eval` does; what keeps it from that is a line of the result."""
    protocol = PROTOCOLS["devkit"]
    try:
        files = files_at(run.folder, "tracks.txt", "give the folder of a run")
        if len(files) > 1:
            raise InputError(f"{run.folder}: a run in {len(files)} parts; put their rows into one file to score it")
        evaluation = evaluate_files(
            Found(truth.folder, (truth,), ()),
            Results(run.folder, {truth.name: files[0]}, ()),
            rules_of(truth),
            protocol,
        )
    except InputError as error:
        return Scored({}, (), "", str(error))
    last = int(run.frame.max(initial=0)) if run.frames is None else run.first + run.stride * (run.frames - 1)
    told, match = evaluation.tables, evaluation.matches[truth.name]
    switches = tuple((one.frame, one.person, one.old, one.new) for one in match.switches())
    protocol_line = str(told["protocol"]["description"])
    if run.stride > 1 or last < truth.frames:
        protocol_line += f"; the run has {run.frames or last:,} of {truth.frames:,} frames, all others count as missed"
    return Scored(dict(told["COMBINED"]), switches, protocol_line)


def _of_file(gt: Path, run: RecordedRun) -> Sequence:
    """A file alone, or the sequence that it stands in as `gt/gt.txt`."""
    folder = gt.resolve().parent.parent
    if gt.name == "gt.txt" and gt.resolve().parent.name == "gt":
        return find_sequences(folder, PRESETS["data"]).sequences[0]
    validated = validate_truth(gt, frames=None, width=None, height=None, chosen=())
    last = max(int(validated.rows.frame.max(initial=1)), int(run.frame.max(initial=1)))
    width, height = run.size or (None, None)
    return Sequence(gt.stem, gt.parent, gt, SequenceInfo(gt.stem, max(last, 1), width, height, run.fps))

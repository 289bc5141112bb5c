"""The input doctor: every fault of a results or ground-truth file, with file, line and remedy.

Errors are what the official tools refuse or would count wrong (TrackEval 1.3.0 raises on frames outside the sequence
and on an id twice in a frame; it silently merges negative ids with the highest ones). Warnings and notes never change
a number: they say how a file that can be scored is scored.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from remix_track import mot_text
from remix_track.errors import InputError, ListedInputError
from remix_track.eval.files.frame_fit import as_corners, made_on_other_size
from remix_track.mot_classes import chosen as chosen_rows
from remix_track.mot_classes import class_counts, counted, described, doubt_about
from remix_track.mot_parsing import Fault, NumberTable
from remix_track.mot_text import MotRows

Severity = Literal["error", "warning", "note"]

_SHOWN = 20
_SHOWN_LINES = 5


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing the doctor found.

    Attributes:
        severity: "error" (cannot be scored), "warning" (scored, but look at it) or "note" (accepted as it is).
        path: the file.
        line: 1-based line of the first occurrence; None where the whole file is meant.
        message: what it is.
        advice: what to do, or what is done with it.
    """

    severity: Severity
    path: Path
    line: int | None
    message: str
    advice: str

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.message}; {self.advice}"


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """What a file holds, and what is to be said about it. With an error among the issues, rows may be missing."""

    rows: MotRows
    issues: tuple[Issue, ...]


def raise_errors(issues: Iterable[Issue]) -> None:
    """Do nothing without errors among the issues.

    Raises:
        ListedInputError: one line per error, 20 at most, and how many more there are.
    """
    errors = [str(issue) for issue in issues if issue.severity == "error"]
    if len(errors) > _SHOWN:
        errors[_SHOWN:] = [f"... and {len(errors) - _SHOWN} more errors"]
    if errors:
        raise ListedInputError(errors)


def validate_results(
    path: Path,
    *,
    frames: int | None,
    width: int | None,
    height: int | None,
    truth: MotRows | None = None,
    allow_missing: bool = False,
    chosen: Collection[int] = (),
) -> Validation:
    """Read a tracker's results for one sequence and look for faults.

    Args:
        path: the results file; it may be missing or empty.
        frames: number of frames of the sequence, None where unknown.
        width: of its images, in pixels, None where unknown.
        height: likewise.
        truth: the sequence's ground truth; shows whether the results were made on an image of another size.
        allow_missing: score a missing file as no detections instead of calling it an error.
        chosen: classes in column 8 that are looked at, all others being left out; empty: every row.
    """
    if not path.exists():
        if allow_missing:
            issue = Issue("warning", path, None, "no such results", "scored as no detections")
        else:
            remedy = "write the file, or give `allow_missing` to score it as no detections"
            issue = Issue("error", path, None, "no results for this sequence", remedy)
        return Validation(_no_rows(), (issue,))
    rows, found = _read(path)
    if chosen:
        rows, left_out = _chosen(path, rows, chosen)
        found += left_out
    found += _frame_faults(path, rows, frames)
    found += _id_faults(path, rows)
    without_area = "it counts as a false alarm, as in the official tools"
    found += _size_faults(path, rows, without_area)
    others = rows[rows.class_id > 1] if not chosen else rows[:0]
    counts = class_counts(others)
    several = f"boxes of {len(counts)} other classes in column 8 ({counted(counts)})" if len(counts) > 1 else ""
    what = [several or f"class {id_} in column 8" for id_ in others.class_id[:1]]
    found += _gathered("warning", path, others.line, what, "scored as a person all the same; delete other classes")
    corners = _corner_faults("error", path, rows, width, height, truth)
    found += corners or _other_size_faults(path, rows, truth)
    if not len(rows) and not _has_error(found):
        found.append(Issue("warning", path, None, "no rows", "scored as no detections"))
    return Validation(rows, tuple(found))


def validate_truth(
    path: Path,
    *,
    frames: int | None,
    width: int | None,
    height: int | None,
    classes: Collection[int] = (),
    chosen: Collection[int] | None = None,
) -> Validation:
    """Read a sequence's ground truth and look for faults.

    Args:
        path: the ground-truth file.
        frames: number of frames of the sequence, None where unknown.
        width: of its images, in pixels, None where unknown.
        height: likewise.
        classes: the classes that the benchmark knows in column 8 (`Rules.classes`); empty where it has none there.
        chosen: own data: the classes in column 8 that count, all others being left out; empty: every class counts.
            None: the benchmark says what counts.
    """
    if not path.exists():
        return Validation(_no_rows(), (Issue("error", path, None, "no ground truth", "give the folder that holds it"),))
    rows, found = _read(path)
    if chosen is not None:
        rows, about_classes = _own_classes(path, rows, chosen)
        found += about_classes
    found += _frame_faults(path, rows, frames)
    found += _id_faults(path, rows)
    found += _size_faults(path, rows[rows.score != 0], "every tracker misses it, as in the official tools")
    found += _corner_faults("warning", path, rows, width, height, None)
    if classes:
        found += _class_faults(path, rows, classes)
    if not len(rows) and not chosen and not _has_error(found):
        found.append(Issue("error", path, None, "no rows", "there is nothing to score against; give the ground truth"))
    elif len(rows) and not rows.score.any():
        found.append(
            Issue("warning", path, None, "column 7 is 0 in every row", "no row counts; expected 1 for rows that do")
        )
    return Validation(rows, tuple(found))


def _has_error(found: Iterable[Issue]) -> bool:
    return any(issue.severity == "error" for issue in found)


def _no_rows() -> MotRows:
    whole, real = np.empty(0, np.int64), np.empty(0)
    return MotRows(whole, whole, np.empty((0, 4)), real, whole, real, whole)


def _read(path: Path) -> tuple[MotRows, list[Issue]]:
    try:
        rows, text, faults = mot_text.examine(path)
    except InputError as error:
        message, _, advice = str(error).removeprefix(f"{path}: ").partition("; ")
        return _no_rows(), [Issue("error", path, None, message, advice or "check the path")]
    return rows, _text_faults(path, faults) if faults else list(_notes(path, text))


def _text_faults(path: Path, faults: Sequence[Fault]) -> list[Issue]:
    """Faults of the same kind (which is: with the same advice) as one issue each."""
    kinds: dict[str, list[Fault]] = {}
    for fault in faults:
        kinds.setdefault(fault.advice, []).append(fault)
    found = []
    for advice, same in kinds.items():
        lines = np.array([fault.line for fault in same])
        found += _gathered("error", path, lines, [fault.message for fault in same[:1]], advice)
    return found


def _notes(path: Path, text: NumberTable) -> Iterator[Issue]:
    if text.float_id_line is not None:
        yield Issue("note", path, text.float_id_line, "frame or id with a decimal point", "read as a whole number")
    if text.separator != "," and len(text.values):
        yield Issue("note", path, None, "columns separated by spaces or tabs", "read as if by commas")
    if text.windows:
        yield Issue("note", path, None, "Windows line ends", "read as any others")
    if text.blank:
        yield Issue("note", path, None, f"blank lines ({text.blank})", "skipped")


def _gathered(
    severity: Severity, path: Path, lines: NDArray[np.int64], messages: Sequence[str], advice: str
) -> list[Issue]:
    """One issue for one kind of fault: the first line in full, the others by number."""
    if not len(lines):
        return []
    message = messages[0]
    others = lines[1:].tolist()
    if others:
        more = ", ".join(map(str, others[:_SHOWN_LINES])) + (", ..." if len(others) > _SHOWN_LINES else "")
        message += f" (and {len(others):,} more such line{'s' if len(others) > 1 else ''}: {more})"
    return [Issue(severity, path, int(lines[0]), message, advice)]


def _frame_faults(path: Path, rows: MotRows, frames: int | None) -> list[Issue]:
    early = rows[rows.frame < 1]
    what = [f"frame {frame}, but MOT text counts frames from 1" for frame in early.frame[:1]]
    found = _gathered("error", path, early.line, what, "number the frames from 1")
    if frames is not None:
        late = rows[rows.frame > frames]
        what = [f"frame {frame} of a sequence of {frames:,} frames" for frame in late.frame[:1]]
        found += _gathered("error", path, late.line, what, "check which sequence it belongs to, or delete the line")
    return found


def _id_faults(path: Path, rows: MotRows) -> list[Issue]:
    if len(rows) and (rows.id == -1).all():
        message = "every id is -1: these are detections, not tracks"
        return [Issue("error", path, int(rows.line[0]), message, "give the tracker's results")]
    negative = rows[rows.id < 0]
    found = _gathered(
        "error", path, negative.line, [f"id {id_} is negative" for id_ in negative.id[:1]], "ids count from 0 or 1"
    )
    named = rows[rows.id >= 0]
    order = np.lexsort((named.line, named.id, named.frame))
    same = (np.diff(named.frame[order]) == 0) & (np.diff(named.id[order]) == 0)
    again, before = order[1:][same], order[:-1][same]
    in_file = np.argsort(again)
    again, before = again[in_file], before[in_file]
    what = [
        f"id {named.id[row]} twice in frame {named.frame[row]} (before on line {named.line[first]})"
        for row, first in zip(again[:1], before[:1], strict=True)
    ]
    return found + _gathered("error", path, named.line[again], what, "an id has one box per frame; delete one")


def _size_faults(path: Path, rows: MotRows, advice: str) -> list[Issue]:
    flat = rows[np.flatnonzero((rows.tlwh[:, 2:] <= 0).any(axis=1))]
    what = [f"a box without area (width {width:g}, height {height:g})" for width, height in flat.tlwh[:1, 2:]]
    return _gathered("warning", path, flat.line, what, advice)


def _own_classes(path: Path, rows: MotRows, chosen: Collection[int]) -> tuple[MotRows, list[Issue]]:
    """Own data: nothing says which class is a person, so all count until some are chosen."""
    counting = rows[rows.score != 0]
    if not chosen:
        doubt = doubt_about(counting)
        severity: Severity = "warning" if len(class_counts(counting)) > 1 else "note"
        return rows, [Issue(severity, path, None, doubt, "all count; `classes` chooses")] if doubt else []
    if len(rows) and not class_counts(rows):
        return rows, [Issue("error", path, None, "no class in column 8 to choose by", "leave out `classes`")]
    return _chosen(path, rows, chosen)


def _chosen(path: Path, rows: MotRows, classes: Collection[int]) -> tuple[MotRows, list[Issue]]:
    """The rows of these classes, and a note on the others."""
    mine = chosen_rows(rows, classes)
    message = f"other classes in column 8 ({described(rows[~mine])})"
    return rows[mine], [] if mine.all() else [Issue("note", path, None, message, "left out")]


def _class_faults(path: Path, rows: MotRows, classes: Collection[int]) -> list[Issue]:
    if len(rows) and (rows.class_id == -1).all():
        remedy = "write 1 for people there, or score with `mot15` or `data`, which use no classes"
        return [Issue("error", path, int(rows.line[0]), "no class in column 8", remedy)]
    unknown = rows[~np.isin(rows.class_id, list(classes))]
    what = [f"class {id_} in column 8" for id_ in unknown.class_id[:1]]
    return _gathered(
        "error", path, unknown.line, what, f"classes are {min(classes)} to {max(classes)}; correct the line"
    )


def _corner_faults(
    severity: Severity, path: Path, rows: MotRows, width: int | None, height: int | None, truth: MotRows | None
) -> list[Issue]:
    """Only a warning on ground truth: in front of a close camera, real boxes leave the image."""
    if width is None or height is None:
        return []
    leaving = as_corners(rows.tlwh, width, height)
    if leaving is None or (truth is not None and as_corners(truth.tlwh, width, height) is not None):
        return []
    message = (
        f"{len(leaving):,} of {len(rows):,} boxes leave the image of {width}x{height}, but fit it as corners: "
        "columns 5 and 6 hold x2,y2 where width,height belong"
    )
    remedy = "write width = x2 - x1, height = y2 - y1"
    return [Issue(severity, path, int(rows.line[leaving[0]]), message, remedy)]


def _other_size_faults(path: Path, rows: MotRows, truth: MotRows | None) -> list[Issue]:
    if truth is None:
        return []
    # Only people that count: the others (cars, small statues, reflections) have sizes that no tracker reports.
    message = made_on_other_size(rows.tlwh, truth.tlwh[truth.score != 0])
    if message is None:
        return []
    return [Issue("warning", path, None, message, "scored as they are; scale them to the sequence's images")]

"""The detections that a tracker was given, which explain why people were missed."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np

from remix_track import mot_classes, mot_parsing, mot_text
from remix_track.errors import InputError
from remix_track.eval.files.sequences import Sequence
from remix_track.eval.matching.preprocess import Split, split_rows
from remix_track.mot_text import MotRows


def find_detections(given: Path | None, results: Path, sequences: Iterable[Sequence]) -> dict[str, Path]:
    """The file of detections of each sequence that has one, by name.

    Args:
        given: a folder with `SEQUENCE.txt` or `SEQUENCE/det/det.txt` for every sequence, or one file for one sequence;
            None: `detections/SEQUENCE.txt` beside the results, where our tracker has put it, or else the sequence's
            own `det/det.txt`.
        results: folder of the results.
        sequences: the sequences.

    Raises:
        InputError: `given` is not there, or holds nothing for one of the sequences.
    """
    wanted = list(sequences)
    if given is None:
        beside = {one.name: results / "detections" / f"{one.name}.txt" for one in wanted}
        own = {one.name: one.detections for one in wanted if one.detections is not None}
        return own | {name: path for name, path in beside.items() if path.is_file()}
    if given.is_file() and len(wanted) == 1:
        return {wanted[0].name: given}
    if not given.is_dir():
        raise InputError(f"{given}: no such folder; `detections` is a folder with SEQUENCE.txt for every sequence")
    found = {one.name: path for one in wanted for path in [*_places(given, one)][:1]}
    for one in wanted:
        if one.name not in found:
            raise InputError(f"{given}: neither {one.name}.txt nor {one.name}/det/det.txt; put its detections there")
    return found


def _places(folder: Path, sequence: Sequence) -> Iterator[Path]:
    for name in (sequence.name, sequence.info.name):
        # seqinfo.ini is not ours: a name with a path in it must not lead out of the folder.
        if Path(name).name == name:
            yield from filter(Path.is_file, (folder / f"{name}.txt", folder / name / "det" / "det.txt"))


def read_detections(path: Path, frames: int, split: Split = "all", classes: Collection[int] = ()) -> MotRows:
    """Detections in MOT text, of the frames and classes that are scored, sorted by frame and numbered from 1.

    Lines with numbers that are not finite, which no tracker can use, are left out.

    Args:
        path: the file, numbered as the whole sequence is.
        frames: of the whole sequence.
        split: which of them are scored.
        classes: in column 8; empty: all, and so of files that state none.

    Raises:
        InputError: the file cannot be read, or a line is not MOT text; file, line and remedy are named.
    """
    rows, _, faults = mot_text.examine(path)
    wrong = [fault for fault in faults if not fault.not_finite]
    if wrong or len(faults) >= mot_parsing.MAX_FAULTS:
        fault = (wrong or faults)[0]
        raise InputError(f"{path}:{fault.line}: {fault}")
    if classes:
        rows = rows[mot_classes.chosen(rows, classes)]
    rows = split_rows(rows, split, frames)
    return rows[np.argsort(rows.frame, kind="stable")]

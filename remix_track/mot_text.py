"""MOT text, the border between trackers and evaluation: `frame,id,left,top,width,height,score,...`, 1-based."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.mot_parsing import MAX_FAULTS, Fault, NumberTable, parse, read_bytes

_MAX_WHOLE = 2**53  # beyond, float64 skips whole numbers
_MAX_PIXEL = 1e9


@dataclass(frozen=True, slots=True, eq=False)
class MotRows:
    """The rows of one MOT file, in file order; row i of every array is the same line.

    Attributes:
        frame: (N,) int64, 1-based.
        id: (N,) int64; -1 in detection files.
        tlwh: (N, 4) float64 left, top, width, height in pixels, as written in the file (MOT's own 1-based
            coordinates are not shifted).
        score: (N,) float64 seventh column: confidence, or in ground truth the flag "counts"; 1 where absent.
        class_id: (N,) int64 eighth column; -1 where absent.
        visibility: (N,) float64 ninth column; -1 where absent.
        line: (N,) int64 line numbers in the file, 1-based.
    """

    frame: NDArray[np.int64]
    id: NDArray[np.int64]
    tlwh: NDArray[np.float64]
    score: NDArray[np.float64]
    class_id: NDArray[np.int64]
    visibility: NDArray[np.float64]
    line: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.integer] | slice) -> "MotRows":
        """The lines at `rows` (a mask, indices or a slice), in that order."""
        return MotRows(*(getattr(self, name)[rows] for name in self.__slots__))


def format_frame(frame: int, ids: NDArray[np.integer], tlwh: NDArray[np.floating], score: NDArray[np.floating]) -> str:
    """The lines of one frame, two decimals, each ended by a newline; an empty string for a frame without tracks.

    Args:
        frame: 1-based frame number.
        ids: (N,) ids.
        tlwh: (N, 4) boxes in pixels.
        score: (N,) confidences; nan (a box that coasts without a detection) is written as 1.
    """
    shown = np.where(np.isnan(score), 1.0, score)
    rows = zip(ids.tolist(), tlwh.tolist(), shown.tolist(), strict=True)
    return "".join(
        f"{frame},{id_},{left:.2f},{top:.2f},{width:.2f},{height:.2f},{sure:.2f},-1,-1,-1\n"
        for id_, (left, top, width, height), sure in rows
    )


def read(path: Path) -> MotRows:
    """Read a MOT text file: a tracker's results, ground truth or detections.

    Separators may be commas, spaces or tabs; Windows line ends, blank lines, a byte order mark and a missing last
    newline are fine, and so are frames and ids such as `3.0`. Six columns are needed; see `MotRows` for their
    meaning. An eighth column that holds fractions (MOT15's world coordinates) is not a class and counts as absent.

    Raises:
        InputError: the file cannot be read, or any line of it is at fault; file, line and remedy are named.
    """
    return read_data(read_bytes(path), path)


def read_data(data: bytes, where: object) -> MotRows:
    """As `read`, of the content of a file that errors call `where`.

    Raises:
        InputError: any line of it is at fault.
    """
    rows, _, faults = _examined(data)
    if faults:
        more = f" ({len(faults) - 1} more faults in this file)" if len(faults) > 1 else ""
        raise InputError(f"{where}:{faults[0].line}: {faults[0]}{more}")
    return rows


def examine(path: Path) -> tuple[MotRows, NumberTable, list[Fault]]:
    """As `read`, but with every fault of the text as a value; the rows are those without one.

    Returns:
        The rows, how the file was written, and the faults in file order.

    Raises:
        InputError: the file cannot be read at all.
    """
    return _examined(read_bytes(path))


def _examined(data: bytes) -> tuple[MotRows, NumberTable, list[Fault]]:
    text = parse(data)
    good = _can_be_rows(text.values)
    found = {fault.line: fault for fault in [*_faults_of_numbers(text), *text.faults]}
    good &= ~np.isin(text.line, list(found))
    return _rows(text.values[good], text.line[good]), text, [found[line] for line in sorted(found)]


def _rows(values: NDArray[np.float64], line: NDArray[np.int64]) -> MotRows:
    count, columns = values.shape
    class_id = np.full(count, -1, np.int64)
    if columns > 7 and (_is_whole(values[:, 7])).all():
        class_id = values[:, 7].astype(np.int64)
    return MotRows(
        frame=values[:, 0].astype(np.int64),
        id=values[:, 1].astype(np.int64),
        tlwh=np.ascontiguousarray(values[:, 2:6]),
        score=values[:, 6].copy() if columns > 6 else np.ones(count),
        class_id=class_id,
        visibility=values[:, 8].copy() if columns > 8 else np.full(count, -1.0),
        line=line,
    )


def _is_whole(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    whole: NDArray[np.bool_] = (numbers == np.floor(numbers)) & (np.abs(numbers) < _MAX_WHOLE)
    return whole


def _can_be_rows(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) which lines hold whole frames and ids and boxes in measure; faults are listed for the first ones only."""
    in_measure = np.all(np.abs(values[:, 2:6]) <= _MAX_PIXEL, axis=1)
    good: NDArray[np.bool_] = np.all(_is_whole(values[:, :2]), axis=1) & in_measure
    return good


def _faults_of_numbers(text: NumberTable) -> list[Fault]:
    """Numbers that cannot be what their column says: frame 3.5, a box at 1e300."""
    faults = []
    for column, name in enumerate(("frame", "id")):
        for row in np.flatnonzero(~_is_whole(text.values[:, column]))[:MAX_FAULTS]:
            what = f"{name} {text.values[row, column]:g} is not a whole number"
            faults.append(Fault(int(text.line[row]), what, "frames and ids are whole numbers; correct the line"))
    for row in np.flatnonzero((np.abs(text.values[:, 2:6]) > _MAX_PIXEL).any(axis=1))[:MAX_FAULTS]:
        box = ",".join(f"{value:g}" for value in text.values[row, 2:6])
        faults.append(
            Fault(int(text.line[row]), f"box {box} is out of all measure", "boxes are in pixels; correct the line")
        )
    return faults

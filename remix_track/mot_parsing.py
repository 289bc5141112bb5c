"""The bytes of a MOT text file -> a table of numbers, and every fault with its line. Bounded in memory and time."""

import io
import re
import stat
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.near_files import path_advice

MAX_BYTES = 256 * 1024 * 1024
MAX_LINE = 64 * 1024
MAX_FAULTS = 1000
MIN_COLUMNS = 6
_KEPT_COLUMNS = 9
_ENOUGH_LINES = 200_000  # with a fault among them, the rest of the file is not looked at: it takes 2 us per number
_PLAIN = b"0123456789+-.eE, \t\n"
_NUMBER = re.compile(rb"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_NOT_FINITE = re.compile(rb"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_FLOAT_ID = re.compile(rb"\n[ \t]*[0-9+-]+(?:[.eE]|[, \t]+[0-9+-]+[.eE])")
_MEANING = "MOT text has at least 6: frame,id,left,top,width,height"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a text file: the line (1-based), what it is, and what to do.

    `not_finite` says that all that is wrong is NaN or an infinite number: a detector's failure, not the writer's.
    """

    line: int
    message: str
    advice: str
    not_finite: bool = False

    def __str__(self) -> str:
        return f"{self.message}; {self.advice}"


@dataclass(frozen=True, slots=True, eq=False)
class NumberTable:
    """The numbers of a text file, and how they were written.

    Attributes:
        values: (N, C) float64, finite, of the lines without a fault; the first nine columns at most.
        line: (N,) int64 line of each row, 1-based.
        faults: what is wrong, in file order, `MAX_FAULTS` at most; the table of a file at fault may stop early.
        separator: `","` or `" "` (spaces or tabs).
        blank: number of blank lines.
        windows: whether lines end as on Windows.
        float_id_line: the first line with a frame or id such as `3.0`, or None.
    """

    values: NDArray[np.float64]
    line: NDArray[np.int64]
    faults: tuple[Fault, ...] = ()
    separator: str = ","
    blank: int = 0
    windows: bool = False
    float_id_line: int | None = None


def read_bytes(path: Path) -> bytes:
    """The content of an ordinary file of at most `MAX_BYTES`.

    Raises:
        InputError: missing, unreadable, larger, or not an ordinary file (a pipe could keep us waiting for ever).
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: not a file; give the path of a MOT text file")
        if found.st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES // 1024**2} MiB; give one MOT text file per sequence")
        with path.open("rb") as file:
            return file.read(found.st_size)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {path_advice(path, error)}") from None


def parse(data: bytes) -> NumberTable:
    """Numbers separated by commas, spaces or tabs, one row per line; blank lines are skipped.

    A clean file goes through numpy's C reader. Whatever that cannot take for certain is read again line by line,
    slowly, to accept it or to name what is wrong.
    """
    # With its mark, or by the zero beside the first ASCII letter.
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or (len(data) > 1 and (data[0] == 0) != (data[1] == 0)):
        return _failed(Fault(1, "the file is UTF-16 text", "save it as UTF-8 or plain text"))
    data = data.removeprefix(b"\xef\xbb\xbf")
    windows = b"\r\n" in data
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if fault := _not_lines(data):
        return _failed(fault)
    separator = "," if b"," in data else " "
    values = _fast(data, separator)
    faults: tuple[Fault, ...] = ()
    lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    if values is None:
        values, line, faults = _slow(data, separator)
    elif len(values) == lines:
        line = np.arange(1, lines + 1)
    else:
        line = np.fromiter((number for number, text in _lines(data) if text.strip(b" \t")), np.int64)
    blank = 0 if faults else lines - len(values)
    return NumberTable(values, line, faults, separator, blank, windows, _first_float_id(data))


def _failed(fault: Fault) -> NumberTable:
    return NumberTable(np.empty((0, MIN_COLUMNS)), np.empty(0, np.int64), (fault,))


def _not_lines(data: bytes) -> Fault | None:
    """A reason not to take the data apart at all: binary, or a line beyond all measure."""
    nul = data.find(b"\0")
    if nul >= 0:
        line = data.count(b"\n", 0, nul) + 1
        return Fault(line, "the file is not text (it holds NUL bytes)", "give a MOT text file")
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    lengths = np.diff(ends, prepend=-1, append=len(data))
    longest = int(lengths.argmax())
    if lengths[longest] > MAX_LINE:
        return Fault(longest + 1, f"the line is longer than {MAX_LINE:,} bytes", "give a MOT text file")
    return None


def _fast(data: bytes, separator: str) -> NDArray[np.float64] | None:
    """The whole table at once, or None where a careful look is due."""
    if not data.strip(b" \t\n"):
        return np.empty((0, MIN_COLUMNS))
    if data.translate(None, _PLAIN):
        return None
    text = io.TextIOWrapper(io.BytesIO(data), "ascii", newline="\n")
    try:
        values = np.loadtxt(text, np.float64, comments=None, delimiter="," if separator == "," else None, ndmin=2)
    except ValueError:
        return None
    if values.shape[1] < MIN_COLUMNS or not np.isfinite(values).all():
        return None
    return values[:, :_KEPT_COLUMNS]


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, text in enumerate(io.BytesIO(data), 1):
        yield number, text.removesuffix(b"\n")


def _slow(data: bytes, separator: str) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[Fault, ...]]:
    """Line by line; lines with a fault are left out of the table."""
    values, lines, faults = array("d"), array("q"), list[Fault]()
    width, width_line = 0, 0
    for number, text in _lines(data):
        fields = _fields(text, separator)
        if not fields:
            continue
        if width and len(fields) != width and len(fields) >= MIN_COLUMNS:
            message = f"{len(fields)} columns where line {width_line} has {width}"
            fault: Fault | None = Fault(number, message, "complete the line or delete it")
        else:
            fault = _fault_in(number, fields, is_first=not lines and not faults)
        if fault is None:
            if not width:
                width, width_line = len(fields), number
            values.extend(map(float, fields[:_KEPT_COLUMNS]))
            lines.append(number)
        else:
            faults.append(fault)
        if faults and (number >= _ENOUGH_LINES or len(faults) == MAX_FAULTS):
            break
    table = np.array(values).reshape(-1, min(width, _KEPT_COLUMNS) or MIN_COLUMNS)
    return table, np.array(lines, np.int64), tuple(faults)


def _fields(text: bytes, separator: str) -> list[bytes]:
    """The fields of a line; one separator at its end is not the start of another column."""
    if separator == " ":
        return text.replace(b"\t", b" ").strip(b" ").split()
    text = text.strip(b" \t")
    return [field.strip(b" \t") for field in text.removesuffix(b",").split(b",")] if text else []


def _fault_in(number: int, fields: list[bytes], is_first: bool) -> Fault | None:
    """What is wrong with a line by itself, or None."""
    if is_first and not _NUMBER.fullmatch(fields[0]) and not _NOT_FINITE.fullmatch(fields[0]) and fields[0]:
        if b";" in fields[0]:
            return Fault(number, "columns separated by semicolons", "separate them by commas")
        return Fault(number, f"a header line ({_shown(fields[0])} ...)", "delete it: MOT text has none")
    if len(fields) < MIN_COLUMNS:
        columns = f"{len(fields)} column{'s' if len(fields) > 1 else ''}"
        return Fault(number, columns, f"{_MEANING}; complete the line or delete it")
    for column, field in enumerate(fields, 1):
        if _NOT_FINITE.fullmatch(field) or (_NUMBER.fullmatch(field) and not np.isfinite(float(field))):
            what, advice = f"{_shown(field)} in column {column}", "write a finite number or delete the line"
            return Fault(number, what, advice, not_finite=True)
        if not _NUMBER.fullmatch(field):
            what = f"{_shown(field)} in column {column} is not a number" if field else f"column {column} is empty"
            return Fault(number, what, "write a number or delete the line")
    return None


def _shown(field: bytes) -> str:
    """A field for an error message: short, and nothing in it can steer a terminal."""
    return ascii(field[:20].decode("utf-8", "replace")) + ("..." if len(field) > 20 else "")


def _first_float_id(data: bytes) -> int | None:
    # A newline in front of the pattern lets the search jump from line to line.
    found = _FLOAT_ID.match(b"\n" + data[:MAX_LINE])
    if found:
        return 1
    found = _FLOAT_ID.search(data)
    return data.count(b"\n", 0, found.start()) + 2 if found else None

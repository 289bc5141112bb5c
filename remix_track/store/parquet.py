"""Parquet files of a store: written in row groups as rows come, read only where they are what we write."""

import contextlib
import os
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from remix_track.bounded_file import check_ordinary, size_words
from remix_track.errors import InputError, parsing
from remix_track.extras import extra

Columns = dict[str, NDArray[Any]]
"""Columns of one length by their names: numbers, `datetime64[ms]` in UTC, or objects that are texts or None."""

MOST_ROWS = 2**31
_LARGEST_FOOTER = 64 << 20
_MOST_IN_GROUP = 1 << 22
_COMPRESSION = "zstd"
_TIME = "timestamp[ms, tz=UTC]"


class Column(NamedTuple):
    """A column of a table: its name, its type as Arrow writes it, and whether a value may be missing."""

    name: str
    kind: str
    optional: bool = False


TRACKS = (
    Column("frame", "int64"),
    Column("time", "double"),  # seconds from the source's first frame
    Column("utc", _TIME, optional=True),
    Column("track", "int64"),
    Column("left", "float"),  # pixels
    Column("top", "float"),
    Column("width", "float"),
    Column("height", "float"),
    Column("score", "float", optional=True),  # null: no detection is behind the box
    Column("class_id", "int32"),
)
"""A row for each box, by frame."""

TRACKLETS = (
    Column("track", "int64"),
    Column("first_frame", "int64"),
    Column("last_frame", "int64"),
    Column("first_time", "double"),
    Column("last_time", "double"),
    Column("first_utc", _TIME, optional=True),
    Column("last_utc", _TIME, optional=True),
    Column("boxes", "int64"),
    Column("vectors", "int64"),  # of how many its vector is the mean
    Column("mean_score", "float", optional=True),
    Column("crops", "string"),  # best first, with spaces between them
)
"""A row for each track, by its number; row i belongs to row i of `vectors.npy`."""


def require_parquet() -> Any:
    """The module that reads and writes Parquet.

    Raises:
        ExtraError: pyarrow is not installed.
    """
    return extra("pyarrow.parquet", "store", "A store")


class TableWriter:
    """Writes a Parquet file at once or in pieces; inside `with`, and whole after `close` only."""

    def __init__(self, path: Path, columns: Sequence[Column], notes: Mapping[str, str] | None = None) -> None:
        """Begin the file; `notes` go into its footer, see `read_notes`.

        Raises:
            OSError: it cannot be made.
            ExtraError: pyarrow is not installed.
        """
        parquet = require_parquet()
        self._columns = columns
        self._schema = _schema(columns).with_metadata(dict(notes or {}))
        self._file = path.open("xb")
        self._writer = parquet.ParquetWriter(self._file, self._schema, compression=_COMPRESSION)

    def write(self, rows: Mapping[str, Any]) -> None:
        """Add rows as a row group.

        Raises:
            OSError: no room.
        """
        self._writer.write_table(_table(self._schema, self._columns, rows))

    def close(self) -> None:
        """Write the end of the file, and have it on the disk.

        Raises:
            OSError: no room.
        """
        if self._file.closed:
            return
        try:
            self._writer.close()
            self._file.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        # Forgotten, it would write its end to a file that is closed by then.
        try:
            self._writer.close()
        except Exception:
            pass  # what ended it is said already
        finally:
            self._file.close()


def write_table(
    path: Path, columns: Sequence[Column], rows: Mapping[str, Any], notes: Mapping[str, str] | None = None
) -> None:
    """Write a Parquet file of one row group.

    Raises:
        OSError: no room, or there is something.
    """
    with TableWriter(path, columns, notes) as writer:
        writer.write(rows)


def read_table(
    path: Path,
    columns: Sequence[Column],
    names: Sequence[str] | None = None,
    only: tuple[str, Collection[str]] | None = None,
) -> Columns:
    """All rows of a table, or those that are asked for.

    Args:
        path: of the file.
        columns: that it must have; others are left alone.
        names: of the columns that are read; None: all of `columns`.
        only: a column of texts among them, and the texts of the rows that are read.

    Raises:
        InputError: missing, damaged, of another schema, or larger than a store's table can be.
    """
    wanted = [one for one in columns if names is None or one.name in names]
    parts = list(read_groups(path, columns, names, only))
    return {
        one.name: np.concatenate([part[one.name] for part in parts] or [np.empty(0, _dtype(one))]) for one in wanted
    }


def read_groups(
    path: Path,
    columns: Sequence[Column],
    names: Sequence[str] | None = None,
    only: tuple[str, Collection[str]] | None = None,
    *,
    between: tuple[str, float, float] | None = None,
) -> Iterator[Columns]:
    """The rows of a table, a row group at a time; see `read_table`.

    Args:
        path: of the file.
        columns: that it must have.
        names: of the columns that are read; None: all.
        only: a column, and which of its values rows must have.
        between: a column, and two values: groups that, as they say of themselves, have no row between these are left
            out.
    """
    wanted = [one for one in columns if names is None or one.name in names]
    with _opened(path, columns) as file:
        for group in range(file.num_row_groups):
            if file.metadata.row_group(group).num_rows > _MOST_IN_GROUP:
                raise ValueError(f"a row group of more than {_MOST_IN_GROUP:,} rows")
            if between is not None and not _reaches(file, group, *between):
                continue
            table = file.read_row_group(group, columns=[one.name for one in wanted])
            table.validate(full=True)
            if only is not None:
                table = table.filter(_is_one_of(table.column(only[0]), only[1]))
            yield {one.name: _array(table.column(one.name), one) for one in wanted}


def _reaches(file: Any, group: int, name: str, low: float, high: float) -> bool:
    """Whether a row group may have values of a column that are at least `low` and below `high`."""
    said = file.metadata.row_group(group).column(file.schema_arrow.get_field_index(name)).statistics
    return said is None or not said.has_min_max or (said.max >= low and said.min < high)


def count_rows(path: Path, columns: Sequence[Column]) -> int:
    """How many rows a table has, by its footer.

    Raises:
        InputError: see `read_table`.
    """
    with _opened(path, columns) as file:
        return int(file.metadata.num_rows)


def read_notes(path: Path, columns: Sequence[Column]) -> dict[str, str]:
    """What was written into the footer of a table beside its rows.

    Raises:
        InputError: see `read_table`.
    """
    with _opened(path, columns) as file:
        return {name.decode(): value.decode() for name, value in (file.schema_arrow.metadata or {}).items()}


@contextlib.contextmanager
def _opened(path: Path, columns: Sequence[Column]) -> Iterator[Any]:
    """A `ParquetFile` that has these columns."""
    parquet = require_parquet()
    _check_footer(path)
    with parsing(path, "a table of a store", "remove the job's folder and track again"), path.open("rb") as opened:
        file = parquet.ParquetFile(opened)
        _check_schema(path, file, columns)
        yield file


def _check_footer(path: Path) -> None:
    """A footer is read whole before anything of it is known, so its length is looked at first."""
    size = check_ordinary(path, "remove the job's folder and track again")
    with parsing(path, "a table of a store", "remove the job's folder and track again"), path.open("rb") as file:
        file.seek(max(size - 8, 0))
        end = file.read(8)
        if len(end) < 8 or end[4:] != b"PAR1":
            raise ValueError("it is no Parquet, or was cut off")
        (length,) = struct.unpack("<I", end[:4])
        if length > min(size, _LARGEST_FOOTER):
            raise ValueError(f"its footer claims {size_words(length)}")


def _check_schema(path: Path, file: Any, columns: Sequence[Column]) -> None:
    if file.metadata.num_rows > MOST_ROWS:
        raise ValueError(f"it claims {file.metadata.num_rows:,} rows")
    kinds = {field.name: str(field.type) for field in file.schema_arrow}
    for one in columns:
        if kinds.get(one.name) != one.kind:
            has = f"is {kinds[one.name]}" if one.name in kinds else "is missing"
            raise InputError(
                f"{path}: a table of another schema (column {one.name} {has}, expected {one.kind}); "
                "remove the job's folder and track again"
            )


def _schema(columns: Sequence[Column]) -> Any:
    arrow = extra("pyarrow", "store", "A store")
    return arrow.schema([arrow.field(one.name, _arrow_type(one), nullable=one.optional) for one in columns])


def _arrow_type(column: Column) -> Any:
    arrow = extra("pyarrow", "store", "A store")
    makers = {"double": arrow.float64, "float": arrow.float32, "string": arrow.string, "bool": arrow.bool_}
    if column.kind == _TIME:
        return arrow.timestamp("ms", tz="UTC")
    return makers[column.kind]() if column.kind in makers else getattr(arrow, column.kind)()


def _table(schema: Any, columns: Sequence[Column], rows: Mapping[str, Any]) -> Any:
    arrow = extra("pyarrow", "store", "A store")
    # What says "from pandas" is that NaN and NaT are no values.
    arrays = [arrow.array(rows[one.name], field.type, from_pandas=one.optional)
              for one, field in zip(columns, schema, strict=True)]  # fmt: skip
    return arrow.Table.from_arrays(arrays, schema=schema)


def _array(column: Any, of: Column) -> NDArray[Any]:
    if not of.optional and column.null_count:
        raise ValueError(f"column {of.name} lacks values")
    if of.kind == "string":
        texts = column.combine_chunks().dictionary_encode()  # many rows share a text, and so one object
        known = np.array([*texts.dictionary.to_pylist(), None], object)
        return np.asarray(known[texts.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
    return np.asarray(column.to_numpy()).astype(_dtype(of), copy=False)


def _is_one_of(column: Any, texts: Collection[str]) -> Any:
    compute, arrow = extra("pyarrow.compute", "store", "A store"), extra("pyarrow", "store", "A store")
    return compute.is_in(column, arrow.array(list(texts), arrow.string()))


def _dtype(column: Column) -> np.dtype[Any]:
    if column.kind == _TIME:
        return np.dtype("datetime64[ms]")
    kinds = {"double": np.float64, "float": np.float32, "string": object, "bool": np.bool_}
    return np.dtype(kinds.get(column.kind, column.kind))

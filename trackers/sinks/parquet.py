"""`tracks.parquet` for data frames and data bases: the rows of `tracks.csv`, with the names of their classes."""

import contextlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.extras import extra
from remix_track.foreign_tracks import columns_of_frame, joined, to_arrow, with_columns
from remix_track.output_files import atomic_write
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.sinks.sink import Sink

PIECE = 20_000
"""Rows that are gathered before they are written, as a row group; a few megabytes."""


def require_parquet() -> None:
    """Do nothing where Parquet can be written.

    Raises:
        ExtraError: pyarrow is not installed.
    """
    extra("pyarrow.parquet", "tables", "tracks.parquet")


class ParquetSink(Sink):
    """A row per person and frame, see `remix_track.foreign_tracks`, with `class_name`; null where it has none.

    Whether there are columns for masks and keypoints is decided by the first piece.

    Parquet says at its end where everything lies, so a file that was cut off cannot be read. It therefore grows in
    pieces under a hidden name, and gets its own at `close`: there is a whole one or none, which is all that a killed
    run leaves. `tracks.txt` is there in any case.
    """

    def __init__(self, path: Path, class_names: Mapping[int, str] | None = None) -> None:
        """Begin the file beside `path`.

        Args:
            path: of the file, in a folder that is there.
            class_names: what the detector calls its classes.

        Raises:
            InputError: it exists already, or cannot be made; pyarrow is not installed.
        """
        parquet = extra("pyarrow.parquet", "tables", path.name)
        if path.exists():
            raise InputError(f"{path}: there is something already; give another `output`")
        self._names = class_names or {}
        # Without any row, columns have their types nevertheless.
        self._waiting = [columns_of_frame(0, 0.0, None, Tracks.empty(), self._names)]
        self._columns: list[str] = []
        self._writer: Any = None
        self._rows = 0
        self._open = True
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(stack.enter_context(atomic_write(path, parents=False)).open("wb"))
            self._begin = partial(parquet.ParquetWriter, file)
            self._stack = stack.pop_all()

    def write(self, frame: TrackedFrame) -> None:
        """Take the frame's rows.

        Raises:
            InputError: a piece could not be written; the file is given up.
        """
        if not self._open or not len(frame.tracks):
            return
        facts = frame.index, frame.time, frame.utc, frame.tracks
        self._waiting.append(columns_of_frame(*facts, self._names, frame.numbers))
        self._rows += len(frame.tracks)
        if self._rows >= PIECE:
            self._write_piece(last=False)

    def close(self) -> None:
        """Write what waits, and put the file in its place; later calls do nothing.

        Raises:
            InputError: it cannot be completed; then there is none.
        """
        if self._open:
            self._write_piece(last=True)

    def _write_piece(self, *, last: bool) -> None:
        self._open = False
        # Whatever fails in here fails inside of `atomic_write`, which removes the file and says why.
        with self._stack as stack:
            try:
                rows = joined(self._waiting)
                self._columns = self._columns or list(rows)
                table = to_arrow(with_columns(rows, self._columns))
                self._writer = self._writer or self._begin(table.schema)
                if self._rows:
                    self._writer.write_table(table)
                if last:
                    self._writer.close()
            except BaseException:
                # When it is forgotten it would write its end, to a file that is closed by then.
                with contextlib.suppress(Exception):
                    self._writer.close()
                raise
            self._waiting, self._rows = self._waiting[:1], 0
            if not last:
                self._stack, self._open = stack.pop_all(), True

"""Scalars in the file format of TensorBoard, written by tensorboardX."""

import contextlib
import math
import time
import weakref
from collections.abc import Mapping
from pathlib import Path

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

from remix_track.errors import InputError


class EventFile:
    """Writes scalars to a new file `events.out.tfevents.*` in `folder`, of which it is then the only one.

    A run that goes on writes all of its points again, up to where it stands: files of before are removed, and the new
    one begins with the note that makes a TensorBoard that is looking drop what it had.

    Each point is on the disk when `write` returns: tensorboardX's writer for many points, which has a thread of its
    own, would lose two minutes of them where the process is killed, and say nothing of a full disk.

    Raises:
        InputError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(exist_ok=True)
            before = list(folder.glob("events.out.tfevents.*"))
            # Its own part of the name is whole seconds: a run that goes on at once would write into the old file.
            self._writer = EventsWriter(str(folder.absolute() / "events"), f".{time.time_ns()}")
            weakref.finalize(self, _close, self._writer)
            self._append(Event(session_log=SessionLog(status=SessionLog.START)))
            for old in before:
                old.unlink()
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); make room and `resume`") from None

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Add a point to each of some curves; numbers that are not finite are left out.

        Raises:
            InputError: the disk is full.
        """
        values = [
            Summary.Value(tag=tag, simple_value=number) for tag, number in scalars.items() if math.isfinite(number)
        ]
        if not values:
            return
        try:
            self._append(Event(step=step, summary=Summary(value=values)))
        except OSError as error:
            raise InputError(f"{self._folder}: cannot be written ({error.strerror}); make room and `resume`") from None

    def _append(self, event: Event) -> None:
        event.wall_time = time.time()
        self._writer.write_event(event)
        self._writer.flush()


def _close(writer: EventsWriter) -> None:
    # Every point was flushed; a disk that is full has been told of.
    with contextlib.suppress(OSError):
        writer.close()

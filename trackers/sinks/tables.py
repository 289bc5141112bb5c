"""`tracks.csv` for spreadsheets and `tracks.jsonl` for programs: the same facts, frame by frame."""

import csv
import io
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from remix_track.boxes import tlwh_from_xyxy
from remix_track.foreign_tracks import shape_lists
from remix_track.json_text import json_text
from remix_track.trackers.frame import TrackedFrame, iso_utc
from remix_track.trackers.sinks.live_file import LiveFile
from remix_track.trackers.sinks.sink import Sink

PEOPLE = ("person", "name")
COLUMNS = ("frame", "time", "id", "class", "left", "top", "width", "height", "score", "utc")


class CsvSink(Sink):
    """One line per person and frame below a header; score is empty where a track coasts without a detection.

    Frames and ids count from 1, time is in seconds, boxes are in pixels; utc is the time of day, empty for files.
    """

    def __init__(
        self, path: Path, *, people: bool = False, classes: Mapping[int, str] | None = None, numbered: bool = False
    ) -> None:
        """Make the file with its header.

        Args:
            path: of the file.
            people: two more columns say whom a store of people knows.
            classes: their names; one more column, `class_name`, where there are some.
            numbered: one more column, `number`, of each track within its class.

        Raises:
            InputError: as `LiveFile` does.
        """
        self._file, self._people = LiveFile(path), people
        self._classes, self._numbered = classes or {}, numbered
        more = (*(PEOPLE if people else ()), *(("class_name",) if classes else ()), *(("number",) if numbered else ()))
        self._file.append((",".join(COLUMNS + more) + "\n").encode("ascii"))

    def write(self, frame: TrackedFrame) -> None:
        """Write the frame's lines in one piece."""
        lines, utc = [], iso_utc(frame.utc) or ""
        for row, (id_, class_id, box, score) in enumerate(_people(frame)):
            left, top, width, height = box
            more = f"{self._person(frame, id_)}{self._class(frame, row, class_id)}"
            sure = "" if score is None else f"{score:.4f}"
            where = f"{left:.2f},{top:.2f},{width:.2f},{height:.2f}"
            lines.append(f"{frame.index},{frame.time:.3f},{id_},{class_id},{where},{sure},{utc}{more}\n")
        self._file.append("".join(lines).encode())

    def _person(self, frame: TrackedFrame, id_: int) -> str:
        if not self._people:
            return ""
        known = (frame.people or {}).get(id_)
        return _cells(["", ""] if known is None else [known.number, known.name])

    def _class(self, frame: TrackedFrame, row: int, class_id: int) -> str:
        name = _cells([self._classes.get(class_id, "")]) if self._classes else ""
        number = f",{'' if frame.numbers is None else frame.numbers[row]}" if self._numbered else ""
        return name + number

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _cells(values: list[Any]) -> str:
    """Cells behind others of a line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return f",{text.getvalue()}"


class JsonLinesSink(Sink):
    """One object per line and frame, also for frames without people: `{"frame", "time", "tracks": [...]}`.

    Each track has the keys of the CSV's columns; score is null where it coasts without a detection. Where the time of
    day is known, the frame has it as `"utc"`. Whom a store of people knows has `"person"`, `"name"` and `"sure"`. Of
    detectors that give them, a track has its `"mask"` and `"keypoints"`, see `remix_track.foreign_tracks.shape_lists`.
    """

    def __init__(self, path: Path, classes: Mapping[int, str] | None = None) -> None:
        """Make the file; with the names of classes, tracks have `"class_name"`; raises `InputError` as `LiveFile`."""
        self._file, self._classes = LiveFile(path), classes or {}

    def write(self, frame: TrackedFrame) -> None:
        """Write the frame's object in one piece."""
        self._file.append(json_line(frame, self._classes))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class JsonLinesOut(Sink):
    """The same on standard output, each line at once; what reads it may end the run by going away."""

    def __init__(self, classes: Mapping[int, str] | None = None) -> None:
        self._classes = classes or {}

    def write(self, frame: TrackedFrame) -> None:
        """Write the frame's object."""
        write_out(json_line(frame, self._classes))

    def close(self) -> None:
        """Nothing is to be completed."""


def write_out(line: bytes) -> None:
    """A line on standard output, at once."""
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def json_line(frame: TrackedFrame, classes: Mapping[int, str] | None = None) -> bytes:
    """The line of `tracks.jsonl` for a frame; with the names of classes, where some are given."""
    tracks: list[dict[str, Any]] = [
        {
            "id": id_,
            "class": class_id,
            **({"class_name": classes.get(class_id)} if classes else {}),
            **({} if frame.numbers is None else {"number": int(frame.numbers[row])}),
            **{key: round(value, 2) for key, value in zip(COLUMNS[4:8], box, strict=True)},
            "score": None if score is None else round(score, 4),
            **_known(frame, id_),
            **shapes,
        }
        for row, ((id_, class_id, box, score), shapes) in enumerate(
            zip(_people(frame), shape_lists(frame.tracks), strict=True)
        )
    ]
    utc = iso_utc(frame.utc)
    day = {} if utc is None else {"utc": utc}
    row = {"frame": frame.index, "time": round(frame.time, 3), **day, "tracks": tracks}
    return json_text(row, compact=True).encode("ascii")


def _known(frame: TrackedFrame, id_: int) -> dict[str, Any]:
    known = (frame.people or {}).get(id_)
    return {} if known is None else {"person": known.number, "name": known.name, "sure": known.sure}


def _people(frame: TrackedFrame) -> Iterator[tuple[int, int, list[float], float | None]]:
    """Id, class, [left, top, width, height] and score (None while coasting) of each person."""
    boxes = tlwh_from_xyxy(frame.xyxy.astype(np.float64)).tolist()
    rows = zip(frame.ids.tolist(), frame.class_ids.tolist(), boxes, frame.scores.tolist(), strict=True)
    for id_, class_id, box, score in rows:
        yield id_, class_id, box, None if math.isnan(score) else score

"""A job of a store read back: what it was, its tables, vectors and crops."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing
from remix_track.settings import build, check, setting
from remix_track.store import layout
from remix_track.store.job import Job
from remix_track.store.parquet import TRACKLETS, TRACKS, Columns, read_groups, read_table
from remix_track.store.vectors import map_vectors

COMPLETE = "complete"
_ADVICE = "remove its folder and track again"
_LARGEST = 4_000_000


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a job ended.

    Attributes:
        ended: `complete`, or why the source broke off.
        frames: that came.
        first_frame, last_frame: their numbers; 0 where none came.
        seconds: between the first and the last one.
        fps: frames per second as they came out; 0 where it is not known.
        width, height: of the first frame, in pixels.
        boxes: in all.
        tracklets: in all.
        problems: what was wrong with the source, a line each.
    """

    ended: str = COMPLETE
    frames: int = setting(0, "that came", low=0)
    first_frame: int = setting(0, "number", low=0)
    last_frame: int = setting(0, "number", low=0)
    seconds: float = 0.0
    fps: float = setting(0.0, "frames per second", low=0)
    width: int = setting(0, "pixels", low=0)
    height: int = setting(0, "pixels", low=0)
    boxes: int = setting(0, "in all", low=0)
    tracklets: int = setting(0, "in all", low=0)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(self)


class StoredJob:
    """A job that is done: the files of its folder, each read when it is asked for.

    Attributes:
        folder: where they lie.
        key: the folder's name.
        job: what was tracked.
        result: how that ended.
    """

    def __init__(self, folder: Path, job: Job, result: JobResult) -> None:
        self.folder, self.job, self.result = folder, job, result
        self.key = layout.key_of_folder(folder)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read `job.json`; nothing else is looked at.

        Raises:
            InputError: it is not there, or not what a store writes.
        """
        path = layout.inside(folder.parent.parent, folder / layout.JOB)
        content = read_bounded(path, _LARGEST, _ADVICE)
        with parsing(path, "the job of a store", _ADVICE):
            values: dict[str, Any] = json.loads(content)
            if values["format"] != layout.FORMAT:
                raise ValueError(f"format {str(values['format'])[:20]}, this release reads {layout.FORMAT}")
            job, result = values["job"], values["result"]
        return cls(folder, Job.from_json(job, str(path)), build(JobResult, result, str(path)))

    def tracks(self, names: Sequence[str] | None = None) -> Iterator[Columns]:
        """The boxes by frame, some thousands at a time, with the columns of `parquet.TRACKS` (or those of `names`).

        Raises:
            InputError: the table is missing or damaged.
        """
        return read_groups(self._file(layout.TRACKS), TRACKS, names)

    def tracklets(self) -> Columns:
        """A row for each track, by its number, with the columns of `parquet.TRACKLETS`.

        Raises:
            InputError: the table is missing or damaged.
        """
        path = self._file(layout.TRACKLETS)
        rows = read_table(path, TRACKLETS)
        if np.any(np.diff(rows["track"]) <= 0):
            raise InputError(f"{path}: its tracks are not in order; {_ADVICE}")
        return rows

    def vectors(self, count: int, width: int | None = None) -> NDArray[np.float16]:
        """The vectors (T, D) as a memory map; row i is the tracklet in row i, zeros where it has none.

        Args:
            count: T, how many tracklets there are.
            width: D; None: any.

        Raises:
            InputError: the file is missing, damaged, or does not fit the tracklets.
        """
        return map_vectors(self._file(layout.VECTORS), count, width)

    def crops(self, names: str) -> list[Path]:
        """The files of a tracklet's crops, best first; `names` is what its row says.

        Raises:
            InputError: a name that leads out of the job's folder.
        """
        return [layout.crop_path(self.folder, name) for name in names.split()]

    def utc(self, seconds: float) -> datetime | None:
        """The time of day so long after the source's first frame; None where it is not known."""
        if self.job.start is None:
            return None
        return datetime.fromtimestamp(self.job.start.timestamp() + seconds, UTC)

    def _file(self, name: str) -> Path:
        return layout.inside(self.folder.parent.parent, self.folder / name)


def job_text(job: Job, result: Mapping[str, Any]) -> dict[str, Any]:
    """What `job.json` says."""
    return {"format": layout.FORMAT, "job": job.to_json(), "result": dict(result)}
